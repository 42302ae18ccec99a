"""Raw bytes: answers of the gateway (RFC 9112 sections 4, 6 and 9)."""

from harness import case
from harness.raw import (CUT, HOST, Row, Want, good, numbered, run_table)
from harness.recorder import CLOSE, RESET

GET = f"GET $P HTTP/1.1\r\n{HOST}\r\n"
OK = "HTTP/1.1 200 OK\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = "5\r\nhello\r\n0\r\n\r\n"
EVIL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def whole(name, source, *reply, upkeep=True, method="GET", status=200,
          body="hello", **want):
    """An answer that gets through."""
    return Row(name, source, f"{method} $P HTTP/1.1\r\n{HOST}\r\n",
               [Want(status, method, body=body, **want)], [f"{method} $P"],
               upkeep=upkeep, reply=[list(reply)])


def malformed(name, source, *reply, **more):
    """502, and the connection to the gateway is thrown away; the client's own
    goes on."""
    return Row(name, source, GET,
               [Want(502, code=more.pop("code", "upstream-malformed"))],
               ["GET $P"], upkeep=False, reply=[list(reply)], **more)


def cut(name, source, *reply):
    """It has begun when it breaks: the client sees that it is not whole."""
    return Row(name, source, GET, [CUT], ["GET $P"], keep=False, upkeep=False,
               reply=[list(reply)])


def poison(name, source, *reply, method="GET", status=200, body="hello",
           **more):
    """Whole, but with something behind it: that answers nobody."""
    return whole(name, source, *reply, method=method, status=status,
                 body=body, upkeep=False, **more)


def lengths(name, source, value):
    return malformed(f"length_{name}", source,
                     f"{OK}Content-Length: {value}\r\n\r\nhello{EVIL}")


def coding(name, source, fields):
    return malformed(f"coding_{name}", source,
                     f"{OK}{fields}\r\n{CHUNKS}{EVIL}")


def length(fields="", body="hello", status="200 OK"):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}" \
           f"\r\n{body}"


ROWS = numbered([
    # ---- framings ----
    whole("length", "RFC 9112 6.3", length()),
    whole("length_zero", "RFC 9112 6.3", length("", ""), body=""),
    whole("chunked", "RFC 9112 7.1", f"{OK}{CHUNKED}\r\n{CHUNKS}"),
    whole("chunked_upper_case", "RFC 9112 7",
          f"{OK}Transfer-Encoding: CHUNKED\r\n\r\n{CHUNKS}"),
    whole("chunked_none", "RFC 9112 7.1", f"{OK}{CHUNKED}\r\n0\r\n\r\n",
          body=""),
    whole("chunked_with_extensions", "RFC 9112 7.1.1",
          f"{OK}{CHUNKED}\r\n5;a=\"b\"\r\nhello\r\n0;c\r\n\r\n"),
    whole("chunked_with_trailers", "RFC 9112 7.1.2",
          f"{OK}{CHUNKED}Trailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: t\r\n"
          "Content-Length: 9\r\n\r\n", lacks=("X-T", "Trailer")),
    whole("until_closed", "RFC 9112 6.3", f"{OK}\r\nhello", CLOSE,
          upkeep=False, has={"Transfer-Encoding": "chunked"}),
    whole("until_closed_empty", "RFC 9112 6.3", f"{OK}\r\n", CLOSE,
          upkeep=False, body=""),
    whole("no_content", "RFC 9110 15.3.5", "HTTP/1.1 204 No Content\r\n\r\n",
          status=204, body="",
          lacks=("Content-Length", "Transfer-Encoding")),
    whole("no_content_with_length_zero", "RFC 9110 8.6",
          "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", status=204,
          body="", lacks=("Content-Length",)),
    whole("reset_content", "RFC 9110 15.3.6",
          length("", "", "205 Reset Content"), status=205, body=""),
    whole("not_modified_with_length", "RFC 9110 15.4.5",
          "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
          status=304, body="", has={"Content-Length": "5"}),
    whole("not_modified_without_length", "RFC 9110 15.4.5",
          "HTTP/1.1 304 Not Modified\r\n\r\n", status=304, body=""),
    whole("head_with_length", "RFC 9110 9.3.2",
          f"{OK}Content-Length: 5\r\n\r\n", method="HEAD", body="",
          has={"Content-Length": "5"}),
    whole("head_with_chunked", "RFC 9110 9.3.2", f"{OK}{CHUNKED}\r\n",
          method="HEAD", body=""),
    whole("head_without_framing", "RFC 9110 9.3.2", f"{OK}\r\n",
          method="HEAD", body=""),

    # ---- status lines ----
    whole("reason_empty", "RFC 9112 4",
          "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello"),
    whole("reason_with_high_bytes", "RFC 9112 4",
          "HTTP/1.1 200 \xe9\t!\r\nContent-Length: 5\r\n\r\nhello"),
    whole("status_unknown", "RFC 9110 15", length(status="299 Odd"),
          status=299),
    whole("http_1_0", "RFC 9112 9.3",
          "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", upkeep=False),
    whole("http_1_0_kept", "RFC 9112 9.3",
          "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n"
          "Connection: keep-alive\r\n\r\nhello"),
    *[malformed(f"status_line_{name}", source,
                f"{text}Content-Length: 5\r\n\r\nhello")
      for name, source, text in (
          ("without_space", "RFC 9112 4", "HTTP/1.1 200\r\n"),
          ("two_spaces", "RFC 9112 4", "HTTP/1.1  200 OK\r\n"),
          ("tab", "RFC 9112 4", "HTTP/1.1\t200 OK\r\n"),
          ("two_digits", "RFC 9110 15", "HTTP/1.1 20 OK\r\n"),
          ("four_digits", "RFC 9110 15", "HTTP/1.1 2000 OK\r\n"),
          ("letters", "RFC 9110 15", "HTTP/1.1 2xx OK\r\n"),
          ("negative", "RFC 9110 15", "HTTP/1.1 -20 OK\r\n"),
          ("099", "RFC 9110 15", "HTTP/1.1 099 OK\r\n"),
          ("600", "RFC 9110 15", "HTTP/1.1 600 OK\r\n"),
          ("lower_case", "RFC 9112 2.3", "http/1.1 200 OK\r\n"),
          ("icy", "RFC 9112 2.3", "ICY 200 OK\r\n"),
          ("version_0_9", "RFC 9110 2.5", "HTTP/0.9 200 OK\r\n"),
          ("version_1_2", "RFC 9110 2.5", "HTTP/1.2 200 OK\r\n"),
          ("version_2_0", "RFC 9110 2.5", "HTTP/2.0 200 OK\r\n"),
          ("two_minor_digits", "RFC 9112 2.3", "HTTP/1.10 200 OK\r\n"),
          ("nul_in_reason", "RFC 9112 4", "HTTP/1.1 200 O\0K\r\n"),
          ("return_in_reason", "CVE-2023-27522",
           "HTTP/1.1 200 OK\rX-A: a\r\n"),
          ("line_feed", "RFC 9112 2.2", "HTTP/1.1 200 OK\n"),
          ("behind_an_empty_line", "RFC 9112 4", "\r\nHTTP/1.1 200 OK\r\n"),
          ("behind_a_space", "RFC 9112 4", " HTTP/1.1 200 OK\r\n"),
          ("a_request", "RFC 9112 2.1", "GET / HTTP/1.1\r\n"))],
    malformed("status_line_none", "RFC 9112 4", "hello\r\n\r\n"),
    malformed("status_line_of_ssh", "RFC 9112 4", "SSH-2.0-x\r\n"),

    # ---- field lines ----
    *[malformed(f"field_{name}", source,
                f"{OK}{text}Content-Length: 5\r\n\r\nhello")
      for name, source, text in (
          ("space_before_colon", "RFC 9112 5.1", "X-C : c\r\n"),
          ("without_colon", "RFC 9112 5", "X-C c\r\n"),
          ("without_name", "CVE-2023-25725", ": c\r\n"),
          ("folded", "RFC 9112 5.2", "X-C: c\r\n d\r\n"),
          ("begins_with_space", "RFC 9112 5.2", " X-C: c\r\n"),
          ("nul", "RFC 9110 5.5", "X-C: \0\r\n"),
          ("control", "CVE-2023-27522", "X-C: \x01\r\n"),
          ("delete", "RFC 9110 5.5", "X-C: \x7f\r\n"),
          ("line_feed", "CVE-2023-27522", "X-C: c\nX-D: d\r\n"),
          ("carriage_return", "CVE-2023-27522", "X-C: c\rX-D: d\r\n"),
          ("space_in_name", "RFC 9110 5.1", "X C: c\r\n"),
          ("high_byte_in_name", "RFC 9110 5.1", "X\xe9: c\r\n"),
          ("too_long", "RFC 9110 5.4", f"X-C: {'c' * 300000}\r\n"),
          ("too_many", "RFC 9110 5.4", "X-C: c\r\n" * 300))],
    malformed("head_ends_with_line_feeds", "RFC 9112 2.2",
              "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),

    # ---- Content-Length ----
    *[lengths(name, source, value) for name, source, value in (
        ("plus", "RFC 9112 6.3", "+5"), ("minus", "RFC 9112 6.3", "-5"),
        ("hex", "RFC 9112 6.3", "0x5"), ("empty", "RFC 9112 6.3", ""),
        ("list_same", "RFC 9112 6.3", "5, 5"),
        ("list_differing", "RFC 9112 6.3", "5, 6"),
        ("space_inside", "RFC 9112 6.3", "5 6"),
        ("letter_behind", "RFC 9112 6.3", "5a"),
        ("underscore", "RFC 9112 6.3", "0_5"),
        ("2_to_63", "RFC 9112 6.3", "9223372036854775808"),
        ("2_to_64_and_5", "RFC 9112 6.3", "18446744073709551621"))],
    malformed("length_twice_differing", "RFC 9112 6.3",
              f"{OK}Content-Length: 5\r\nContent-Length: 9\r\n\r\nhello{EVIL}"),
    malformed("length_twice_same", "RFC 9112 6.3",
              f"{OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    malformed("length_with_no_content", "RFC 9110 8.6",
              "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"),
    malformed("coding_with_no_content", "RFC 9112 6.1",
              f"HTTP/1.1 204 No Content\r\n{CHUNKED}\r\n{CHUNKS}"),

    # ---- Transfer-Encoding ----
    *[coding(name, source, fields) for name, source, fields in (
        ("and_length", "RFC 9112 6.3", f"Content-Length: 5\r\n{CHUNKED}"),
        ("before_length", "RFC 9112 6.3", f"{CHUNKED}Content-Length: 5\r\n"),
        ("twice", "RFC 9112 6.1", CHUNKED + CHUNKED),
        ("chunked_chunked", "RFC 9112 6.1",
         "Transfer-Encoding: chunked, chunked\r\n"),
        ("identity", "RFC 9112 6.1", "Transfer-Encoding: identity\r\n"),
        ("gzip", "RFC 9112 6.3", "Transfer-Encoding: gzip\r\n"),
        ("gzip_first", "RFC 9112 6.1", "Transfer-Encoding: gzip, chunked\r\n"),
        ("gzip_last", "RFC 9112 6.3", "Transfer-Encoding: chunked, gzip\r\n"),
        ("xchunked", "RFC 9112 6.3", "Transfer-Encoding: xchunked\r\n"),
        ("parameter", "RFC 9112 7.1", "Transfer-Encoding: chunked;a=b\r\n"),
        ("vertical_tab", "RFC 9110 5.5",
         "Transfer-Encoding: \x0bchunked\r\n"),
        ("empty", "RFC 9112 6.1", "Transfer-Encoding:\r\n"),
        ("space_before_colon", "RFC 9112 5.1",
         "Transfer-Encoding : chunked\r\n"))],
    malformed("coding_in_http_1_0", "RFC 9112 6.1",
              f"HTTP/1.0 200 OK\r\n{CHUNKED}\r\n{CHUNKS}"),

    # ---- chunks that break ----
    *[cut(f"chunk_{name}", source, f"{OK}{CHUNKED}\r\n{text}{EVIL}")
      for name, source, text in (
          ("size_of_no_hex", "RFC 9112 7.1", "xyz\r\n"),
          ("size_0x", "RFC 9112 7.1", "0x5\r\nhello\r\n0\r\n\r\n"),
          ("size_minus", "RFC 9112 7.1", "-5\r\nhello\r\n0\r\n\r\n"),
          ("size_plus", "RFC 9112 7.1", "+5\r\nhello\r\n0\r\n\r\n"),
          ("size_space_behind", "RFC 9112 7.1", "5 \r\nhello\r\n0\r\n\r\n"),
          ("size_line_feed", "RFC 9112 7.1", "5\nhello\r\n0\r\n\r\n"),
          ("size_2_to_64", "RFC 9112 7.1", "10000000000000005\r\nhello\r\n"),
          ("second_size_of_no_hex", "RFC 9112 7.1", "5\r\nhello\r\nxyz\r\n"),
          ("data_without_end", "RFC 9112 7.1", "5\r\nhello0\r\n\r\n"),
          ("data_other_end", "CVE-2025-43859", "5\r\nhelloXX0\r\n\r\n"),
          ("data_line_feed", "RFC 9112 7.1", "5\r\nhello\n0\r\n\r\n"),
          ("extension_line_feed", "RFC 9112 7.1.1",
           "5;a\nb\r\nhello\r\n0\r\n\r\n"),
          ("extension_long", "RFC 9112 7.1.1",
           f"5;{'a' * 5000}\r\nhello\r\n0\r\n\r\n"),
          ("trailer_without_colon", "RFC 9112 7.1.2",
           "5\r\nhello\r\n0\r\nX-T\r\n\r\n"),
          ("trailer_line_feed", "RFC 9112 7.1.2",
           "5\r\nhello\r\n0\r\nX-T: t\n\r\n"),
          ("last_line_feed", "RFC 9112 7.1", "5\r\nhello\r\n0\r\n\n"))],

    # ---- answers that end too early ----
    cut("length_cut", "RFC 9112 8",
        f"{OK}Content-Length: 9\r\n\r\nhello", CLOSE),
    cut("length_reset", "RFC 9112 8",
        f"{OK}Content-Length: 9\r\n\r\nhello", RESET),
    *[cut(f"chunked_cut_{name}", "RFC 9112 8", f"{OK}{CHUNKED}\r\n{text}",
          CLOSE)
      for name, text in (
          ("before_a_size", ""), ("in_a_size", "5"), ("in_data", "5\r\nhel"),
          ("behind_data", "5\r\nhello"), ("before_the_last", "5\r\nhello\r\n"),
          ("in_the_last", "5\r\nhello\r\n0"),
          ("in_the_end", "5\r\nhello\r\n0\r\n"))],
    cut("until_closed_reset", "RFC 9112 8", f"{OK}\r\nhello", RESET),
    malformed("head_cut", "RFC 9112 8", f"{OK}Content-Le", CLOSE,
              code="upstream-truncated"),
    malformed("head_cut_in_the_version", "RFC 9112 8", "HTTP/1", CLOSE,
              code="upstream-truncated"),
    malformed("head_cut_in_the_empty_line", "RFC 9112 8",
              f"{OK}Content-Length: 5\r\n\r", CLOSE,
              code="upstream-truncated"),

    # ---- interim answers ----
    whole("continue_swallowed", "RFC 9110 15.2.1",
          "HTTP/1.1 100 Continue\r\n\r\n" + length(), interim=[]),
    whole("continue_five_times", "RFC 9110 15.2",
          "HTTP/1.1 100 Continue\r\n\r\n" * 5 + length(), interim=[]),
    whole("early_hints", "RFC 8297 2",
          "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + length(),
          interim=[103]),
    whole("processing", "RFC 9110 15.2",
          "HTTP/1.1 102 Processing\r\n\r\n" * 2 + length(),
          interim=[102, 102]),
    malformed("interim_without_end", "RFC 9110 15.2",
              "HTTP/1.1 100 Continue\r\n\r\n" * 40),
    malformed("interim_malformed", "RFC 9112 5",
              "HTTP/1.1 100 Continue\r\nX C: c\r\n\r\n" + length()),
    malformed("interim_with_length", "RFC 9110 8.6",
              "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello"
              + length()),
    malformed("switching_unasked", "RFC 9110 15.2.2",
              "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
              "Upgrade: websocket\r\n\r\n" + EVIL),

    # ---- what is behind an answer is nobody's ----
    poison("second_answer", "RFC 9112 6.3", length() + EVIL),
    poison("second_answer_behind_chunks", "RFC 9112 6.3",
           f"{OK}{CHUNKED}\r\n{CHUNKS}{EVIL}"),
    poison("second_answer_behind_length_zero", "RFC 9112 6.3",
           length("", "") + EVIL, body=""),
    poison("second_answer_behind_no_content", "RFC 9112 6.3",
           "HTTP/1.1 204 No Content\r\n\r\n" + EVIL, status=204, body=""),
    poison("second_answer_behind_not_modified", "RFC 9112 6.3",
           "HTTP/1.1 304 Not Modified\r\n\r\n" + EVIL, status=304, body=""),
    poison("body_behind_not_modified", "RFC 9112 6.3",
           "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
           status=304, body=""),
    poison("body_behind_head", "RFC 9112 6.3", length(), method="HEAD",
           body=""),
    poison("chunks_behind_head", "RFC 9112 6.3",
           f"{OK}{CHUNKED}\r\n{CHUNKS}", method="HEAD", body=""),
    poison("second_answer_behind_head", "RFC 9112 6.3",
           f"{OK}Content-Length: 5\r\n\r\n{EVIL}", method="HEAD", body=""),
    poison("body_longer_than_its_length", "RFC 9112 6.3",
           f"{OK}Content-Length: 5\r\n\r\nhello you"),
    poison("line_break_behind", "RFC 9112 6.3", length() + "\r\n"),
    poison("one_byte_behind", "RFC 9112 6.3", length() + "x"),
    poison("interim_behind", "RFC 9112 6.3",
           length() + "HTTP/1.1 100 Continue\r\n\r\n"),
    Row("second_answer_a_moment_later", "RFC 9112 9.3", GET,
        [Want(200, body="hello")], ["GET $P"], upkeep=False, settle=True,
        reply=[[length(), EVIL]]),
    Row("closed_a_moment_later", "RFC 9112 9.5", GET,
        [Want(200, body="hello")], ["GET $P"], upkeep=False, settle=True,
        reply=[[length(), CLOSE]]),

    # ---- what belongs to one hop, on the way back ----
    whole("close_is_for_us", "RFC 9112 9.6",
          length("Connection: close\r\n"), upkeep=False,
          lacks=("Connection",)),
    whole("named_field", "RFC 9110 7.6.1",
          length("Connection: X-Hop\r\nX-Hop: h\r\nX-A: a\r\n"),
          has={"X-A": "a"}, lacks=("X-Hop", "Connection")),
    whole("named_content_type", "RFC 9110 7.6.1",
          length("Connection: Content-Type\r\nContent-Type: a/b\r\n"),
          has={"Content-Type": "a/b"}),
    whole("named_content_length", "RFC 9110 7.6.1",
          length("Connection: Content-Length\r\n"),
          has={"Content-Length": "5"}),
    whole("named_itself", "CVE-2023-49606",
          length("Connection: Connection\r\nConnection: connection\r\n"),
          lacks=("Connection",)),
    *[whole(f"dropped_{field.lower().replace('-', '_')}", source,
            length(f"{field}: v\r\nX-A: a\r\n"), has={"X-A": "a"},
            lacks=(field,))
      for field, source in (
          ("Keep-Alive", "RFC 9110 7.6.1"), ("Upgrade", "RFC 9110 7.8"),
          ("Proxy-Authenticate", "RFC 9110 11.7.1"),
          ("Proxy-Connection", "RFC 9110 7.6.1"),
          ("Proxy-Authentication-Info", "RFC 9110 11.7.3"),
          ("Trailer", "RFC 9110 6.6.2"), ("Set-Cookie", "RFC 6265 8.6"),
          ("Alt-Svc", "RFC 7838 9.2"),
          ("Strict-Transport-Security", "RFC 6797 7.2"),
          ("DPoP-Nonce", "RFC 9449 8"))],

    # ---- the pool ----
    Row("answers_to_pipelined_requests", "RFC 9112 9.3.2",
        "".join(f"GET $P/{i} HTTP/1.1\r\n{HOST}\r\n" for i in range(3)),
        [Want(200, body="hello"), Want(502), Want(200, body="world")],
        [f"GET $P/{i}" for i in range(3)],
        reply=[[length() + EVIL], ["x" + EVIL], [length("", "world")]]),
    good("untouched", "RFC 9112 9.3", GET, "GET $P", upkeep=True),
])


@case(rows=ROWS, seconds=120)
def response(t):
    """What the gateway sends has one reading or is a 502; its connection is
    thrown away when in doubt, and never answers another request."""
    run_table(t)
