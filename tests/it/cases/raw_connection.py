"""Raw bytes: several requests on one connection, and how it ends (RFC 9112
section 9)."""

from harness import case
from harness.raw import (HOST, NONE, Row, Seen, Want, good, numbered,
                         run_table)


def request(line, fields="", body="", version="1.1"):
    return f"{line} HTTP/{version}\r\n{HOST}{fields}\r\n{body}"


def get(path="", fields="", **more):
    return request(f"GET $P{path}", fields, **more)


def post(path="", body="hello", fields=""):
    return request(f"POST $P{path}",
                   f"Content-Length: {len(body)}\r\n{fields}", body)


def chunks(path="", trailer=""):
    return request(f"POST $P{path}", "Transfer-Encoding: chunked\r\n",
                   f"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n{trailer}\r\n")


def begun(name, source, data):
    """The client says that nothing more comes, inside a request."""
    return Row(name, source, data, [NONE], keep=False, half_close=True,
               partial=True)


HELLO = b"hello"
EXPECT = "Expect: 100-continue\r\n"
KEEP = "Connection: keep-alive\r\n"

ROWS = numbered([
    # ---- pipelining ----
    good("two", "RFC 9112 9.3.2", get("/1") + get("/2"), "GET $P/1",
         "GET $P/2"),
    good("fifty", "RFC 9112 9.3.2", "".join(get(f"/{i}") for i in range(50)),
         *[f"GET $P/{i}" for i in range(50)]),
    good("behind_a_length", "RFC 9112 9.3.2", post("/1") + get("/2"),
         Seen("POST $P/1", HELLO), "GET $P/2"),
    good("behind_chunks", "RFC 9112 9.3.2", chunks("/1") + get("/2"),
         Seen("POST $P/1", HELLO), "GET $P/2"),
    good("behind_trailers", "RFC 9112 7.1.2",
         chunks("/1", "X-T: t\r\n") + get("/2"),
         Seen("POST $P/1", HELLO), "GET $P/2"),
    good("of_all_kinds", "RFC 9112 9.3.2",
         get("/1") + post("/2") + chunks("/3") + post("/4", "") + get("/5"),
         "GET $P/1", Seen("POST $P/2", HELLO), Seen("POST $P/3", HELLO),
         "POST $P/4", "GET $P/5"),
    Row("head_in_between", "RFC 9110 9.3.2",
        get("/1") + request("HEAD $P/2") + get("/3"),
        [200, Want(200, "HEAD"), 200],
        ["GET $P/1", "HEAD $P/2", "GET $P/3"]),
    good("an_empty_line_in_between", "RFC 9112 2.2",
         post("/1") + "\r\n" + get("/2"), Seen("POST $P/1", HELLO),
         "GET $P/2"),
    Row("two_empty_lines_in_between", "RFC 9112 2.2",
        post("/1") + "\r\n\r\n" + get("/2"), [200, 400],
        [Seen("POST $P/1", HELLO)], keep=False),
    Row("a_refused_one_in_between", "RFC 9112 9.3.2",
        get("/1") + request("TRACE $P/2") + get("/3"), [200, 501, 200],
        ["GET $P/1", "GET $P/3"]),
    Row("a_malformed_one_in_between", "RFC 9112 9.3.2",
        get("/1") + "GET  $P/2 HTTP/1.1\r\n\r\n" + get("/3"), [200, 400],
        ["GET $P/1"], keep=False),
    Row("a_misframed_one_in_between", "RFC 9112 6.3",
        get("/1") + request("POST $P/2", "Content-Length: +5\r\n", "hello")
        + get("/3"), [200, 400], ["GET $P/1"], keep=False),
    Row("broken_chunks_in_between", "RFC 9112 7.1",
        get("/1") + request("POST $P/2", "Transfer-Encoding: chunked\r\n",
                            "5\r\nhelloXX0\r\n\r\n") + get("/3"),
        [200, 400], ["GET $P/1"], keep=False, partial=True),
    good("closing_one_in_between", "RFC 9112 9.6",
         get("/1", "Connection: close\r\n"), "GET $P/1", keep=False),

    # ---- bodies that look like requests ----
    good("request_as_a_body", "RFC 9112 6.3", post("", request("GET /v1/x")),
         Seen("POST $P", request("GET /v1/x").encode())),
    good("request_in_chunks", "RFC 9112 7.1",
         request("POST $P", "Transfer-Encoding: chunked\r\n",
                 f"{len(request('GET /x')):x}\r\n{request('GET /x')}\r\n"
                 "0\r\n\r\n"), Seen("POST $P", request("GET /x").encode())),
    Row("bytes_behind_a_get", "RFC 9112 6.3", get() + "x=1", [200, 400],
        ["GET $P"], keep=False),
    Row("body_without_framing", "RFC 9112 6.3",
        request("POST $P") + "a=b\r\n\r\n", [200, 400], ["POST $P"],
        keep=False),
    Row("body_longer_than_its_length", "RFC 9112 6.3",
        request("POST $P", "Content-Length: 5\r\n", "hello you\r\n"),
        [200, 400], [Seen("POST $P", HELLO)], keep=False),
    Row("bytes_behind_the_last_chunk", "RFC 9112 7.1",
        chunks() + "0\r\n\r\n", [200, 400], [Seen("POST $P", HELLO)],
        keep=False),

    # ---- what is refused takes its body along ----
    Row("refused_with_a_body", "CVE-2022-22720",
        post("/../x", request("GET /v1/x")), [Want(400, code="bad-path")],
        keep=False),
    Row("refused_with_chunks", "CVE-2022-22720", chunks("/../x"),
        [Want(400, code="bad-path")], keep=False),
    Row("refused_host_with_a_body", "CVE-2022-22720",
        f"POST $P HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 5\r\n\r\n"
        "hello", [403], keep=False),
    Row("refused_reserved_with_a_body", "CVE-2022-22720",
        request("POST /v1/auth/token", "Content-Length: 5\r\n", "hello"),
        [Want(403, code="path-reserved")], keep=False),
    Row("refused_without_a_body", "RFC 9112 9.3",
        get("/../x") + get("/2"), [400, 200], ["GET $P/2"]),

    # ---- Expect ----
    good("expect_answered", "RFC 9110 10.1.1",
         request("POST $P", f"{EXPECT}Content-Length: 5\r\n"),
         Seen("POST $P", HELLO, lacks=("Expect",)), on_continue="hello"),
    good("expect_answered_for_chunks", "RFC 9110 10.1.1",
         request("POST $P", f"{EXPECT}Transfer-Encoding: chunked\r\n"),
         Seen("POST $P", HELLO, lacks=("Expect",)),
         on_continue="5\r\nhello\r\n0\r\n\r\n"),
    good("expect_in_upper_case", "RFC 9110 10.1.1",
         request("POST $P", "EXPECT: 100-CONTINUE\r\nContent-Length: 5\r\n"),
         Seen("POST $P", HELLO, lacks=("Expect",)), on_continue="hello"),
    Row("expect_with_the_body_sent", "RFC 9110 10.1.1",
        post("", fields=EXPECT), [Want(200, interim=[])],
        [Seen("POST $P", HELLO, lacks=("Expect",))]),
    Row("expect_without_a_body", "RFC 9110 10.1.1", get("", EXPECT),
        [Want(200, interim=[])], [Seen("GET $P", lacks=("Expect",))]),
    Row("expect_with_length_zero", "RFC 9110 10.1.1",
        post("", "", EXPECT), [Want(200, interim=[])],
        [Seen("POST $P", lacks=("Expect",))]),
    Row("expect_in_http_1_0", "RFC 9110 10.1.1",
        request("POST $P", f"{EXPECT}Content-Length: 5\r\n", "hello", "1.0"),
        [Want(200, interim=[])], [Seen("POST $P", HELLO)], keep=False),
    Row("expect_twice", "RFC 9110 10.1.1", post("", fields=EXPECT + EXPECT),
        [Want(200, interim=[])], [Seen("POST $P", HELLO)]),
    *[Row(f"expect_{name}", "RFC 9110 10.1.1", get("", f"Expect: {value}\r\n"),
          [Want(417, code="expectation-failed")])
      for name, value in (("unknown", "200-ok"), ("empty", ""),
                          ("list", "100-continue, x"),
                          ("parameter", "100-continue;a=b"))],
    Row("expect_unknown_with_a_body", "RFC 9110 10.1.1",
        post("", fields="Expect: 200-ok\r\n"), [417], keep=False),

    # ---- HTTP/1.0 ----
    good("http_1_0", "RFC 9112 9.3", get(version="1.0"), "GET $P",
         keep=False),
    good("http_1_0_with_a_body", "RFC 9112 9.3",
         request("POST $P", "Content-Length: 5\r\n", "hello", "1.0"),
         Seen("POST $P", HELLO), keep=False),
    Row("http_1_0_kept", "RFC 9112 9.3", get("", KEEP, version="1.0"),
        [Want(200, has={"Connection": "keep-alive"})], ["GET $P"]),
    good("http_1_0_kept_in_other_case", "RFC 9112 9.3",
         get("", "connection: Keep-Alive\r\n", version="1.0"), "GET $P"),
    good("http_1_0_kept_and_closed", "RFC 9112 9.3",
         get("", "Connection: keep-alive, close\r\n", version="1.0"),
         "GET $P", keep=False),
    good("http_1_0_kept_through_a_proxy", "RFC 9112 9.3",
         request("GET http://mastio.test$P", KEEP, version="1.0"), "GET $P",
         keep=False),
    good("http_1_0_kept_by_proxy_connection", "RFC 9112 9.3",
         get("", "Proxy-Connection: keep-alive\r\n", version="1.0"),
         "GET $P", keep=False),
    good("http_1_0_pipelined", "RFC 9112 9.3",
         get("/1", KEEP, version="1.0") + get("/2", KEEP, version="1.0"),
         "GET $P/1", "GET $P/2"),
    Row("http_1_0_head", "RFC 9110 9.3.2",
        request("HEAD $P", KEEP, version="1.0"), [Want(200, "HEAD")],
        ["HEAD $P"]),

    # ---- a client that has said all ----
    good("half_closed", "RFC 9112 9.6", get(), "GET $P", keep=False,
         half_close=True),
    good("half_closed_pipelined", "RFC 9112 9.6", get("/1") + post("/2"),
         "GET $P/1", Seen("POST $P/2", HELLO), keep=False, half_close=True),
    begun("ends_at_once", "RFC 9112 8", ""),
    begun("ends_in_the_method", "RFC 9112 8", "GE"),
    begun("ends_in_the_target", "RFC 9112 8", "GET $P"),
    begun("ends_in_the_version", "RFC 9112 8", "GET $P HTTP/1"),
    begun("ends_in_a_field", "RFC 9112 8", f"GET $P HTTP/1.1\r\n{HOST}X-A"),
    begun("ends_before_the_empty_line", "RFC 9112 8",
          f"GET $P HTTP/1.1\r\n{HOST}"),
    begun("ends_in_the_empty_line", "RFC 9112 8",
          f"GET $P HTTP/1.1\r\n{HOST}\r"),
    begun("ends_in_the_body", "RFC 9112 8",
          request("POST $P", "Content-Length: 5\r\n", "hell")),
    begun("ends_before_the_body", "RFC 9112 8",
          request("POST $P", "Content-Length: 5\r\n")),
    Row("ends_in_the_second", "RFC 9112 8", get("/1") + "GET $P/2 HTT",
        [200, NONE], ["GET $P/1"], keep=False, half_close=True),
])


@case(rows=ROWS, seconds=120)
def connection(t):
    """Each request on a connection is answered for itself, in order; what is
    left of a refused one is never taken for the next."""
    run_table(t)
