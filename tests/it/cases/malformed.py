"""Requests that are refused for their form."""

from harness import case

HOST = "Host: mastio.test\r\n"
GET = "GET /v1/models HTTP/1.1\r\n" + HOST
POST = "POST /v1/egress/x HTTP/1.1\r\n" + HOST

BAD = (
    "GET  /v1/models HTTP/1.1\r\n" + HOST + "\r\n",
    "GET /v1/models\r\n" + HOST + "\r\n",
    "GET /v1/mo dels HTTP/1.1\r\n" + HOST + "\r\n",
    "GE\tT /v1/models HTTP/1.1\r\n" + HOST + "\r\n",
    "GET /v1/models HTTP/1.1\r\n\r\n",
    GET + "Host: mastio.test\r\n\r\n",
    GET + "Bad Name: x\r\n\r\n",
    GET + "Name : x\r\n\r\n",
    GET + ": x\r\n\r\n",
    GET + "no colon\r\n\r\n",
    GET + " folded: x\r\n\r\n",
    GET + "X-A: a\r\n b\r\n\r\n",
    GET + "X-A: a\0b\r\n\r\n",
    GET + "X-A: a\rb\r\n\r\n",
    POST + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    POST + "Content-Length: 1, 2\r\n\r\nab",
    POST + "Content-Length: +1\r\n\r\na",
    POST + "Content-Length: 0x1\r\n\r\na",
    POST + "Content-Length: -1\r\n\r\na",
    POST + "Content-Length: 99999999999999999999\r\n\r\na",
    POST + "Content-Length: \r\n\r\n",
    POST + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
    "0\r\n\r\n",
    POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: identity\r\n\r\n",
    POST + "Transfer-Encoding: chunked, gzip\r\n\r\n",
    "GET http:///v1/models HTTP/1.1\r\n" + HOST + "\r\n",
    "GET http://mastio.test:99999/ HTTP/1.1\r\n" + HOST + "\r\n",
    "GET http://u@mastio.test/v1/models HTTP/1.1\r\n" + HOST + "\r\n",
    "GET ftp://mastio.test/v1/models HTTP/1.1\r\n" + HOST + "\r\n",
    "GET v1/models HTTP/1.1\r\n" + HOST + "\r\n",
    "GET /v1/models HTTP/1.1\r\nHost: mastio.test/evil\r\n\r\n",
    "GET /v1/models HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET /v1/models HTTP/1.1\r\nHost:\r\n\r\n",
    "\x01\x02\x03\r\n\r\n",
)

BAD_CHUNKS = (
    "x\r\n", "-1\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n",
    "5\r\nhelloX\r\n0\r\n\r\n", "fffffffffffffffff\r\n", "0x5\r\nhello\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
)

REJECTED = (
    ("TRACE /v1/models HTTP/1.1\r\n" + HOST + "\r\n", 501, "not-implemented"),
    (POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     501, "not-implemented"),
    (GET + "Expect: 200-ok\r\n\r\n", 417, "expectation-failed"),
    ("GET /v1/models HTTP/2.0\r\n" + HOST + "\r\n",
     505, "version-not-supported"),
    ("GET /v1/models HTTP/0.9\r\n" + HOST + "\r\n",
     505, "version-not-supported"),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version-not-supported"),
    ("GET /" + "a" * 9000 + " HTTP/1.1\r\n" + HOST + "\r\n",
     414, "target-too-long"),
    (GET + "X-Big: " + "b" * 40000 + "\r\n\r\n", 431, "head-too-large"),
    (GET + "X-N: 1\r\n" * 120 + "\r\n", 431, "head-too-large"),
)


@case
def malformed_requests(t):
    """A malformed request gets 400 and its connection ends; the gateway never
    sees any of it.

    END: bad-request
    """
    g, s = t.pair()
    for data in BAD:
        with s.connect() as c:
            c.send(data.encode("latin-1"))
            a = c.answer()
            assert a.status == 400 and a.code == "bad-request", (data, a)
            assert a.get("Connection") == "close", (data, a)
            assert c.ends(), data
    assert not g.requests()
    s.wait_end("bad-request")


@case
def malformed_chunks(t):
    """A malformed chunked body never reaches the gateway as a whole one.

    END: bad-request
    """
    g, s = t.pair()
    for chunks in BAD_CHUNKS:
        with s.connect() as c:
            c.send(POST + "Transfer-Encoding: chunked\r\n\r\n" + chunks)
            a = c.answer()
            assert a.status == 400, (chunks, a)
            assert c.ends(), chunks
    t.wait_until(lambda: all(not e["complete"] for e in g.requests()))
    s.wait_end("bad-request", len(BAD_CHUNKS))


@case
def refused_for_what_they_ask(t):
    """Other requests have a status of their own: 414, 417, 431, 501, 505.

    END: not-implemented
    END: expectation-failed
    END: version-not-supported
    END: target-too-long
    END: head-too-large
    """
    g, s = t.pair()
    for data, status, code in REJECTED:
        a = s.raw(data.encode("latin-1"))
        assert (a.status, a.code) == (status, code), (data[:60], a)
        assert a.error["message"] and a.error["suggestion"], a
    assert not g.requests()
    for _, _, code in REJECTED:
        s.wait_end(code)


@case
def max_head_and_max_headers(t):
    """max-head and max-headers are the bounds that they say."""
    g, s = t.pair(max_head="4k", max_headers="30")
    assert s.get("/v1/models", {"X-Big": "b" * 3000}).status == 200
    assert s.get("/v1/models", {"X-Big": "b" * 5000}).status == 431
    assert s.get("/v1/models", [("X-N", "1")] * 29).status == 200
    assert s.get("/v1/models", [("X-N", "1")] * 30).status == 431


@case
def error_bodies(t):
    """The sidecar's own answers have the shape that clients read: JSON with
    error.code, type, message, suggestion and request_id, never cached."""
    g, s = t.pair()
    a = s.get("/v1/models", {"Origin": "x", "X-Request-ID": "my-id_1.2"})
    assert a.get("Content-Type") == "application/json", a
    assert a.get("X-Should-Retry") == "false" and a.get("Cache-Control"), a
    e = a.error
    assert set(e) == {"code", "type", "message", "suggestion", "request_id"}
    assert e["type"] == "sidecar_error" and e["request_id"] == "my-id_1.2", e
    line = s.wait_end("browser-refused")
    assert line["request_id"] == "my-id_1.2" and line["status"] == 403


@case
def keep_alive_after_a_refusal(t):
    """A refused request without a body does not cost the connection."""
    g, s = t.pair()
    with s.connect() as c:
        for _ in range(3):
            c.request("GET", "/v1/auth/x", s.authority)
            assert c.answer().status == 403
        c.request("GET", "/v1/models", s.authority)
        assert c.answer().status == 200


@case
def refused_body_is_never_a_request(t):
    """The body of a refused request is never taken for the next request."""
    g, s = t.pair()
    inner = (GET + "\r\n").encode()
    with s.connect() as c:
        c.request("POST", "/v1/auth/x", s.authority, body=inner)
        assert c.answer().status == 403
        assert c.ends()
    assert not g.requests()
