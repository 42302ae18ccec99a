"""Raw bytes: where a request ends (RFC 9112 section 6)."""

from harness import case
from harness.raw import HOST, Seen, bad, good, numbered, run_table

POST = f"POST $P HTTP/1.1\r\n{HOST}"
SMUGGLED = f"GET $P/smuggled HTTP/1.1\r\n{HOST}\r\n"
CHUNKS = "5\r\nhello\r\n0\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


def lengths(name, source, value, **more):
    """Content-Length with this value, behind which hides a request."""
    return bad(name, source,
               f"{POST}Content-Length: {value}\r\n\r\nhello{SMUGGLED}", **more)


def coding(name, source, lines, status=400):
    """Transfer-Encoding in a way that some read as chunked and some do not."""
    return bad(name, source, f"{POST}{lines}\r\n{CHUNKS}{SMUGGLED}", status)


def both(name, source, lines, body=CHUNKS):
    return bad(name, source, f"{POST}{lines}\r\n{body}{SMUGGLED}")


def taken(name, source, lines, body="hello", **has):
    """A body that arrives as these five bytes."""
    return good(name, source, f"{POST}{lines}\r\n{body}",
                Seen("POST $P", body=b"hello", has=has))


ROWS = numbered([
    # ---- Content-Length ----
    taken("length", "RFC 9112 6.2", "Content-Length: 5\r\n"),
    taken("length_with_leading_zeros", "RFC 9110 8.6",
          "Content-Length: 00005\r\n", **{"Content-Length": "5"}),
    taken("length_in_white_space", "RFC 9112 5.1",
          "Content-Length: \t 5 \t\r\n", **{"Content-Length": "5"}),
    taken("length_in_upper_case", "RFC 9110 5.1", "CONTENT-LENGTH: 5\r\n"),
    good("length_zero", "RFC 9112 6.2", f"{POST}Content-Length: 0\r\n\r\n",
         Seen("POST $P", has={"Content-Length": "0"})),
    good("length_none_post", "RFC 9110 8.6", f"{POST}\r\n",
         Seen("POST $P", has={"Content-Length": "0"})),
    good("length_none_put", "RFC 9110 8.6", f"PUT $P HTTP/1.1\r\n{HOST}\r\n",
         Seen("PUT $P", has={"Content-Length": "0"})),
    good("length_none_get", "RFC 9112 6.3",
         f"GET $P HTTP/1.1\r\n{HOST}\r\n",
         Seen("GET $P", lacks=("Content-Length", "Transfer-Encoding"))),
    good("length_with_get", "RFC 9110 9.3.1",
         f"GET $P HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello",
         Seen("GET $P", body=b"hello")),
    good("length_with_delete", "RFC 9110 9.3.5",
         f"DELETE $P HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello",
         Seen("DELETE $P", body=b"hello")),
    good("length_body_like_a_request", "RFC 9112 6.3",
         f"{POST}Content-Length: 37\r\n\r\n"
         "GET /v1/admin HTTP/1.1\r\nHost: a.t\r\n\r\n",
         Seen("POST $P", body=b"GET /v1/admin HTTP/1.1\r\nHost: a.t\r\n\r\n")),
    *[lengths(f"length_{name}", source, value) for name, source, value in (
        ("plus", "CVE-2021-32715", "+5"),
        ("minus", "RFC 9110 8.6", "-5"),
        ("minus_zero", "RFC 9110 8.6", "-0"),
        ("hex", "CVE-2023-38697", "0x5"),
        ("hex_digits", "RFC 9110 8.6", "a"),
        ("octal_prefix", "CVE-2022-24761", "0o5"),
        ("underscore", "CVE-2023-47627", "0_5"),
        ("dot", "RFC 9110 8.6", "5.0"),
        ("exponent", "RFC 9110 8.6", "5e0"),
        ("comma", "RFC 9110 8.6", "5,"),
        ("list_same", "RFC 9110 8.6", "5, 5"),
        ("list_same_without_space", "RFC 9110 8.6", "5,5"),
        ("list_differing", "RFC 9112 6.3", "5, 6"),
        ("list_with_empty_element", "RFC 9110 8.6", ", 5"),
        ("space_inside", "RFC 9110 8.6", "5 6"),
        ("space_of_zero_and_number", "RFC 9110 8.6", "0 5"),
        ("letter_behind", "RFC 9110 8.6", "5a"),
        ("semicolon", "RFC 9110 8.6", "5;"),
        ("quoted", "RFC 9110 8.6", '"5"'),
        ("empty", "CVE-2023-40225", ""),
        ("white_space", "CVE-2023-40225", " \t "),
        ("word", "RFC 9110 8.6", "five"),
        ("nul_behind", "RFC 9110 5.5", "5\0"),
        ("vertical_tab_before", "RFC 9110 5.5", "\x0b5"),
        ("no_break_space_before", "RFC 9110 8.6", "\xa05"),
        ("arabic_digit", "RFC 9110 8.6", "\xd9\xa5"),
        ("2_to_63", "RFC 9110 8.6", "9223372036854775808"),
        ("2_to_64", "RFC 9110 8.6", "18446744073709551616"),
        ("2_to_64_and_5", "RFC 9110 8.6", "18446744073709551621"),
        ("30_digits", "RFC 9110 8.6", "9" * 30))],
    bad("length_twice_same", "RFC 9112 6.3",
        f"{POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    bad("length_twice_differing", "RFC 9112 6.3",
        f"{POST}Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello"),
    bad("length_twice_one_empty", "CVE-2023-40225",
        f"{POST}Content-Length:\r\nContent-Length: 5\r\n\r\nhello"),
    bad("length_twice_apart", "CVE-2019-20445",
        f"{POST}Content-Length: 0\r\nX-A: a\r\ncontent-length: 5\r\n\r\n"
        "hello"),
    bad("length_behind_a_fold", "RFC 9112 5.2",
        f"{POST}X-A: a\r\n Content-Length: 5\r\n\r\nhello"),
    bad("length_with_space_before_colon", "CVE-2021-22959",
        f"{POST}Content-Length : 5\r\n\r\nhello"),
    good("length_in_an_overlong_name", "CVE-2021-40346",
         f"{POST}Content-Length0{'a' * 255}:\r\nContent-Length: 5\r\n\r\n"
         "hello", Seen("POST $P", body=b"hello", has={"Content-Length": "5"})),
    good("length_underscored_beside", "RFC 3875 4.1.18",
         f"{POST}Content_Length: 0\r\nContent-Length: 5\r\n\r\nhello",
         Seen("POST $P", body=b"hello", lacks=("Content_Length",))),

    # ---- Transfer-Encoding that is one ----
    *[taken(f"coding_{name}", source, f"{field}\r\n", CHUNKS,
            **{"Transfer-Encoding": "chunked"})
      for name, source, field in (
          ("chunked", "RFC 9112 7.1", "Transfer-Encoding: chunked"),
          ("title_case", "RFC 9112 7", "Transfer-Encoding: Chunked"),
          ("upper_case", "RFC 9112 7", "TRANSFER-ENCODING: CHUNKED"),
          ("without_space", "RFC 9112 5", "Transfer-Encoding:chunked"),
          ("behind_tab", "RFC 9112 5.1", "Transfer-Encoding:\tchunked"),
          ("in_white_space", "RFC 9112 5.1",
           "Transfer-Encoding: \t chunked \t "))],
    good("coding_with_get", "RFC 9110 9.3.1",
         f"GET $P HTTP/1.1\r\n{HOST}{CHUNKED}\r\n{CHUNKS}",
         Seen("GET $P", body=b"hello")),

    # ---- Transfer-Encoding that is none, or not to everybody ----
    *[coding(f"coding_{name}", source, f"Transfer-Encoding: {value}\r\n",
             status)
      for name, source, value, status in (
          ("xchunked", "CVE-2022-32213", "xchunked", 400),
          ("chunkedx", "CVE-2022-32213", "chunkedx", 400),
          ("chunked_chunked", "RFC 9112 6.1", "chunked, chunked", 400),
          ("two_words", "CVE-2022-32213", "x chunked", 400),
          ("word_behind", "CVE-2022-32213", "chunked x", 400),
          ("split_word", "CVE-2022-32213", "chun ked", 400),
          ("identity", "RFC 9112 6.1", "identity", 400),
          ("identity_first", "RFC 9112 7", "identity, chunked", 501),
          ("identity_last", "CVE-2024-1135", "chunked, identity", 400),
          ("gzip", "RFC 9112 6.3", "gzip", 400),
          ("gzip_first", "RFC 9112 6.1", "gzip, chunked", 501),
          ("gzip_last", "RFC 9112 6.3", "chunked, gzip", 400),
          ("unknown_first", "RFC 9112 6.1", "cow, chunked", 501),
          ("comma_before", "RFC 9110 5.6.1", ", chunked", 501),
          ("comma_behind", "RFC 9110 5.6.1", "chunked,", 501),
          ("empty", "RFC 9112 6.1", "", 400),
          ("comma_alone", "RFC 9110 5.6.1", ",", 400),
          ("parameter", "RFC 9112 7.1", "chunked;q=1", 400),
          ("semicolon", "RFC 9112 7.1", "chunked;", 400),
          ("quoted", "RFC 9112 7", '"chunked"', 400),
          ("single_quoted", "RFC 9112 7", "'chunked'", 400),
          ("bracketed", "RFC 9112 7", "[chunked]", 400),
          ("vertical_tab_before", "CVE-2019-18277", "\x0bchunked", 400),
          ("form_feed_before", "CVE-2019-16789", "\x0cchunked", 400),
          ("vertical_tab_behind", "CVE-2019-16789", "chunked\x0b", 400),
          ("nul_behind", "RFC 9110 5.5", "chunked\0", 400),
          ("control_before", "CVE-2019-16789", "\x01chunked", 400),
          ("no_break_space_before", "RFC 9112 7", "\xa0chunked", 400),
          ("next_line_before", "RFC 9112 7", "\x85chunked", 400),
          ("high_byte", "RFC 9112 7", "chunke\xe4", 400),
          ("kelvin_sign", "RFC 9112 7", "chun\xe2\x84\xaaed", 400),
          ("backslash", "RFC 9112 7", "chunked\\", 400),
          ("equals", "RFC 9112 7", "chunked=1", 400),
          ("zero", "RFC 9112 7", "0", 400))],
    *[coding(f"coding_line_{name}", source, lines) for name, source, lines in (
        ("fold_before_value", "CVE-2022-32215",
         "Transfer-Encoding:\r\n chunked\r\n"),
        ("fold_with_tab", "CVE-2022-32215",
         "Transfer-Encoding:\r\n\tchunked\r\n"),
        ("fold_inside_list", "CVE-2022-32215",
         "Transfer-Encoding: chunked,\r\n identity\r\n"),
        ("space_before_name", "CVE-2020-7238", " Transfer-Encoding: chunked"
         "\r\nX-A: a\r\n"),
        ("tab_before_name", "CVE-2020-7238", "\tTransfer-Encoding: chunked"
         "\r\nX-A: a\r\n"),
        ("space_before_colon", "CVE-2019-16276",
         "Transfer-Encoding : chunked\r\n"),
        ("tab_before_colon", "CVE-2019-16276",
         "Transfer-Encoding\t: chunked\r\n"),
        ("vertical_tab_before_colon", "RFC 9112 5.1",
         "Transfer-Encoding\x0b: chunked\r\n"),
        ("line_feed_before_colon", "RFC 9112 5.1",
         "Transfer-Encoding\n: chunked\r\n"),
        ("line_break_before_colon", "RFC 9112 5.2",
         "Transfer-Encoding\r\n : chunked\r\n"),
        ("nul_in_name", "RFC 9110 5.1", "Transfer\0-Encoding: chunked\r\n"),
        ("behind_line_feed", "CVE-2022-32214",
         "X-A: a\nTransfer-Encoding: chunked\r\n"),
        ("behind_carriage_return", "CVE-2023-30589",
         "X-A: a\rTransfer-Encoding: chunked\r\n"),
        ("behind_an_empty_name", "CVE-2023-25725",
         ": a\r\nTransfer-Encoding: chunked\r\n"),
        ("twice", "RFC 9112 6.1", CHUNKED + CHUNKED),
        ("twice_identity_first", "CVE-2024-1135",
         "Transfer-Encoding: identity\r\n" + CHUNKED),
        ("twice_identity_last", "CVE-2024-1135",
         CHUNKED + "Transfer-Encoding: identity\r\n"),
        ("twice_gzip_first", "CVE-2024-1135",
         "Transfer-Encoding: gzip\r\n" + CHUNKED),
        ("twice_unknown_last", "CVE-2024-1135",
         CHUNKED + "Transfer-encoding: cow\r\n"),
        ("twice_empty_last", "RFC 9112 6.1",
         CHUNKED + "Transfer-Encoding:\r\n"))],
    bad("coding_in_http_1_0", "RFC 9112 6.1",
        f"POST $P HTTP/1.0\r\n{HOST}{CHUNKED}\r\n{CHUNKS}"),
    bad("coding_in_http_1_0_kept", "RFC 9112 6.1",
        f"POST $P HTTP/1.0\r\n{HOST}Connection: keep-alive\r\n{CHUNKED}\r\n"
        f"{CHUNKS}{SMUGGLED}"),

    # ---- both ----
    both("length_then_chunked", "RFC 9112 6.1",
         "Content-Length: 5\r\n" + CHUNKED),
    both("chunked_then_length", "RFC 9112 6.1",
         CHUNKED + "Content-Length: 5\r\n"),
    both("length_zero_and_chunked", "RFC 9112 6.1",
         "Content-Length: 0\r\n" + CHUNKED),
    both("chunked_hides_behind_length", "RFC 9112 11.2",
         f"Content-Length: 6\r\n{CHUNKED}", "0\r\n\r\nG"),
    both("length_hides_behind_chunked", "RFC 9112 11.2",
         f"Content-Length: 4\r\n{CHUNKED}", "12\r\nGPOST / HTTP/1.1\r\n\r\n"
         "0\r\n\r\n"),
    both("length_and_identity", "RFC 9112 6.1",
         "Content-Length: 5\r\nTransfer-Encoding: identity\r\n"),
    both("length_and_xchunked", "CVE-2022-32213",
         "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n"),
    both("length_and_vertical_tab_chunked", "CVE-2019-18277",
         "Content-Length: 5\r\nTransfer-Encoding:\x0bchunked\r\n"),
    both("length_twice_and_chunked", "RFC 9112 6.1",
         "Content-Length: 5\r\nContent-Length: 5\r\n" + CHUNKED),
    bad("both_in_http_1_0", "RFC 9112 6.1",
        f"POST $P HTTP/1.0\r\n{HOST}Content-Length: 5\r\n{CHUNKED}\r\n"
        f"{CHUNKS}{SMUGGLED}"),
    good("length_and_underscored_coding", "RFC 3875 4.1.18",
         f"{POST}Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
         "hello", Seen("POST $P", body=b"hello",
                       lacks=("Transfer_Encoding", "Transfer-Encoding"))),
])


@case(rows=ROWS, seconds=120)
def framing(t):
    """A request's end has one reading, or the request is refused; the body
    goes upstream in a framing of our own."""
    run_table(t)
