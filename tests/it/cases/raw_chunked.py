"""Raw bytes: the chunked coding of requests (RFC 9112 section 7.1)."""

from harness import case
from harness.raw import HOST, NONE, Row, Seen, bad, good, numbered, run_table

POST = f"POST $P HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = f"GET $P/smuggled HTTP/1.1\r\n{HOST}\r\n"
LAST = "0\r\n\r\n"


def taken(name, source, chunks, body=b"hello"):
    """Chunks that arrive as this body, without trailers."""
    return good(name, source, POST + chunks,
                Seen("POST $P", body=body,
                     lacks=("Content-Length", "X-T", "Trailer")))


def broken(name, source, chunks):
    """Chunks that never become a whole request."""
    return bad(name, source, POST + chunks + SMUGGLED, partial=True)


def size(name, source, line):
    """A first line that is none."""
    return broken(name, source, f"{line}hello\r\n{LAST}")


def extension(name, source, text):
    return taken(f"extension_{name}", source, f"5{text}\r\nhello\r\n{LAST}")


def trailer(name, source, text):
    return broken(f"trailer_{name}", source, f"5\r\nhello\r\n0\r\n{text}\r\n")


ROWS = numbered([
    # ---- whole ----
    taken("one", "RFC 9112 7.1", f"5\r\nhello\r\n{LAST}"),
    taken("none", "RFC 9112 7.1", LAST, b""),
    taken("two", "RFC 9112 7.1", f"2\r\nhe\r\n3\r\nllo\r\n{LAST}"),
    taken("one_byte_each", "RFC 9112 7.1",
          "".join(f"1\r\n{c}\r\n" for c in "hello") + LAST),
    taken("hex_lower", "RFC 9112 7.1", f"a\r\n0123456789\r\n{LAST}",
          b"0123456789"),
    taken("hex_upper", "RFC 9112 7.1", f"A\r\n0123456789\r\n{LAST}",
          b"0123456789"),
    taken("leading_zeros", "RFC 9112 7.1", f"0005\r\nhello\r\n{LAST}"),
    taken("last_of_zeros", "RFC 9112 7.1", "5\r\nhello\r\n0000\r\n\r\n"),
    taken("data_like_a_last_chunk", "RFC 9112 7.1",
          f"5\r\n0\r\n\r\n\r\n{LAST}", b"0\r\n\r\n"),
    taken("data_of_line_breaks", "RFC 9112 7.1",
          f"4\r\n\r\n\r\n\r\n{LAST}", b"\r\n\r\n"),
    taken("data_of_100000_bytes", "RFC 9112 7.1",
          f"{100000:x}\r\n{'d' * 100000}\r\n{LAST}", b"d" * 100000),

    # ---- extensions, dropped ----
    extension("name", "RFC 9112 7.1.1", ";a"),
    extension("token", "RFC 9112 7.1.1", ";a=b"),
    extension("quoted", "RFC 9112 7.1.1", ';a="b c;d"'),
    extension("quoted_pair", "RFC 9110 5.6.4", ';a="\\"\\\\"'),
    extension("quoted_empty", "RFC 9110 5.6.4", ';a=""'),
    extension("many", "RFC 9112 7.1.1", ";a;b=c;d"),
    extension("white_space", "RFC 9110 5.6.3", " ; a = b"),
    taken("extension_on_last", "RFC 9112 7.1.1",
          "5\r\nhello\r\n0;a=b\r\n\r\n"),

    # ---- trailers, dropped ----
    *[taken(f"trailer_{name}", source, f"5\r\nhello\r\n0\r\n{text}\r\n\r\n")
      for name, source, text in (
          ("plain", "RFC 9112 7.1.2", "X-T: t"),
          ("two", "RFC 9112 7.1.2", "X-T: t\r\nX-U: u"),
          ("empty_value", "RFC 9112 7.1.2", "X-T:"),
          ("content_length", "RFC 9110 6.5.1", "Content-Length: 500"),
          ("transfer_encoding", "RFC 9110 6.5.1",
           "Transfer-Encoding: chunked"),
          ("host", "RFC 9110 6.5.1", "Host: evil.test"),
          ("authorization", "RFC 9110 6.5.1", "Authorization: planted"),
          ("dpop", "RFC 9110 6.5.1", "DPoP: planted"),
          ("connection", "RFC 9110 6.5.1", "Connection: close"))],

    # ---- sizes ----
    size("size_missing", "RFC 9112 7.1", "\r\n"),
    size("size_extension_alone", "RFC 9112 7.1", ";a\r\n"),
    size("size_of_no_hex", "RFC 9112 7.1", "g\r\n"),
    size("size_0x", "CVE-2023-38697", "0x5\r\n"),
    size("size_plus", "CVE-2023-38697", "+5\r\n"),
    size("size_minus", "RFC 9112 7.1", "-5\r\n"),
    size("size_minus_one", "RFC 9112 7.1", "-1\r\n"),
    size("size_underscore", "CVE-2022-24761", "0_5\r\n"),
    size("size_dot", "RFC 9112 7.1", "5.\r\n"),
    size("size_comma", "RFC 9112 7.1", "5,\r\n"),
    size("size_quoted", "RFC 9112 7.1", '"5"\r\n'),
    size("size_nul_behind", "RFC 9112 7.1", "5\0\r\n"),
    size("size_space_before", "RFC 9112 7.1", " 5\r\n"),
    size("size_space_behind", "RFC 9112 7.1", "5 \r\n"),
    size("size_tab_behind", "RFC 9112 7.1", "5\t\r\n"),
    size("size_space_inside", "RFC 9112 7.1", "0 5\r\n"),
    size("size_vertical_tab_behind", "RFC 9112 7.1", "5\x0b\r\n"),
    size("size_line_break_before", "RFC 9112 7.1", "\r\n5\r\n"),
    size("size_2_to_63", "CVE-2021-32714", "8000000000000000\r\n"),
    size("size_2_to_64_less_1", "CVE-2021-32714", "ffffffffffffffff\r\n"),
    size("size_2_to_64_and_5", "CVE-2021-32714", "10000000000000005\r\n"),
    size("size_2_to_68_and_5", "CVE-2021-32714", "f00000000000000005\r\n"),
    size("size_of_17_digits", "RFC 9112 7.1", "00000000000000005\r\n"),
    size("size_of_5000_digits", "RFC 9112 7.1", "0" * 4999 + "5\r\n"),
    size("size_arabic_digit", "RFC 9112 7.1", "\xd9\xa5\r\n"),

    # ---- the end of the size line ----
    size("size_line_feed", "CVE-2025-22871", "5\n"),
    size("size_carriage_return", "RFC 9112 7.1", "5\r"),
    size("size_two_carriage_returns", "RFC 9112 7.1", "5\r\r\n"),
    size("size_line_feed_carriage_return", "RFC 9112 7.1", "5\n\r"),
    size("size_carriage_return_letter", "RFC 9112 7.1", "5\rX\n"),

    # ---- extensions that are none ----
    *[size(f"extension_{name}", source, f"5{text}")
      for name, source, text in (
          ("empty", "RFC 9112 7.1.1", ";\r\n"),
          ("empty_then_one", "RFC 9112 7.1.1", ";;a\r\n"),
          ("without_name", "RFC 9112 7.1.1", ";=b\r\n"),
          ("without_value", "RFC 9112 7.1.1", ";a=\r\n"),
          ("two_words", "RFC 9112 7.1.1", ";a b\r\n"),
          ("without_semicolon", "RFC 9112 7.1.1", "a b\r\n"),
          ("line_feed_behind_semicolon", "CVE-2025-58056", ";\n"),
          ("line_feed_behind_name", "CVE-2025-58056", ";a\n"),
          ("line_feed_inside", "CVE-2024-52304", ";a\nb\r\n"),
          ("line_feed_in_quotes", "CVE-2023-38697", ';a="\n"\r\n'),
          ("line_break_in_quotes", "CVE-2021-22960", ';a="\r\n"\r\n'),
          ("carriage_return_inside", "CVE-2021-22960", ";a\rb\r\n"),
          ("control_inside", "CVE-2022-24761", ";a\x01\r\n"),
          ("nul_inside", "CVE-2022-24761", ";a=\0\r\n"),
          ("high_byte_in_name", "RFC 9112 7.1.1", ";\xe9\r\n"),
          ("quote_open", "RFC 9112 7.1.1", ';a="b\r\n'),
          ("text_behind_quote", "RFC 9112 7.1.1", ';a="b"c\r\n'),
          ("of_5000_bytes", "CVE-2023-39326", f";{'a' * 5000}\r\n"))],
    broken("extensions_outweigh_data", "CVE-2023-39326",
           f"1;{'a' * 1000}\r\nd\r\n" * 40 + LAST),
    broken("hidden_request_in_extension", "CVE-2025-58056",
           f"2;\nxx\r\n47\r\n0\r\n\r\n{SMUGGLED}\r\n{LAST}"),

    # ---- behind the data ----
    *[broken(f"data_{name}", source, f"5\r\nhello{end}{LAST}")
      for name, source, end in (
          ("one_byte_more", "RFC 9112 7.1", "X\r\n"),
          ("two_other_bytes", "CVE-2025-43859", "XX"),
          ("line_feed", "RFC 9112 7.1", "\n"),
          ("carriage_return", "RFC 9112 7.1", "\r"),
          ("carriage_return_letter", "CVE-2025-43859", "\rX"),
          ("letter_line_feed", "CVE-2025-43859", "X\n"),
          ("two_line_feeds", "CVE-2025-43859", "\n\n"),
          ("two_carriage_returns", "RFC 9112 7.1", "\r\r\n"),
          ("without_end", "RFC 9112 7.1", ""))],
    broken("data_one_byte_less", "RFC 9112 7.1", f"6\r\nhello\r\n{LAST}"),

    # ---- the end ----
    broken("last_line_feed", "RFC 9112 7.1", "5\r\nhello\r\n0\n\r\n"),
    broken("last_two_line_feeds", "RFC 9112 7.1", "5\r\nhello\r\n0\n\n"),
    broken("last_ends_with_line_feed", "RFC 9112 7.1",
           "5\r\nhello\r\n0\r\n\n"),
    broken("last_ends_with_carriage_return", "RFC 9112 7.1",
           "5\r\nhello\r\n0\r\n\rX"),
    broken("last_with_space", "RFC 9112 7.1", "5\r\nhello\r\n0 \r\n\r\n"),
    trailer("without_colon", "RFC 9112 7.1.2", "X-T\r\n"),
    trailer("with_space_before_colon", "RFC 9112 5.1", "X-T : t\r\n"),
    trailer("without_name", "RFC 9110 5.1", ": t\r\n"),
    trailer("folded", "RFC 9112 5.2", "X-T: t\r\n u\r\n"),
    trailer("begins_with_space", "RFC 9112 5.2", " X-T: t\r\n"),
    trailer("line_feed", "RFC 9112 2.2", "X-T: t\n"),
    trailer("carriage_return", "RFC 9112 2.2", "X-T: t\rX-U: u\r\n"),
    trailer("nul", "RFC 9110 5.5", "X-T: \0\r\n"),
    trailer("of_20000_bytes", "CVE-2026-22815", f"X-T: {'t' * 20000}\r\n"),
    trailer("thousands", "CVE-2026-22815", "X-T: t\r\n" * 3000),
    trailer("like_a_request", "CVE-2025-58056", SMUGGLED),

    # ---- the client leaves off ----
    *[Row(f"ends_{name}", "RFC 9112 8", POST + chunks, [NONE], keep=False,
          partial=True, half_close=True)
      for name, chunks in (
          ("before_a_size", ""), ("in_a_size", "5"),
          ("in_data", "5\r\nhel"), ("behind_data", "5\r\nhello"),
          ("before_the_last", "5\r\nhello\r\n"),
          ("in_the_last", "5\r\nhello\r\n0"),
          ("in_the_end", "5\r\nhello\r\n0\r\n"),
          ("in_a_trailer", "5\r\nhello\r\n0\r\nX-T: t"))],
])


@case(rows=ROWS, seconds=120)
def chunked(t):
    """Chunks are read strictly and written anew; what is malformed never
    becomes a whole request upstream."""
    run_table(t)
