"""Bodies of every framing, both ways."""

import hashlib
import os

from harness import case
from harness.http import Client, Cut

BIG = 300000


def pattern(n):
    return bytes(range(251)) * (n // 251) + bytes(range(n % 251))


@case
def content_length_both_ways(t):
    """A body with Content-Length arrives byte for byte, both ways."""
    g, s = t.pair()
    for n in (0, 1, 4095, 65536, BIG):
        body = os.urandom(n)
        a = s.request("POST", f"/v1/egress/x?bytes={n}", body=body)
        assert a.status == 200 and a.framing == "length", a
        assert a.body == pattern(n)
        e = g.requests()[-1]
        assert e["framing"] == "length" or n == 0, e
        assert e["body_bytes"] == n, e
        assert e["body_sha256"] == hashlib.sha256(body).hexdigest() or n == 0


@case
def chunked_both_ways(t):
    """A chunked body is passed on chunked, byte for byte, both ways; chunk
    extensions and trailers end at the sidecar."""
    g, s = t.pair()
    body = os.urandom(BIG)
    with s.connect() as c:
        c.request("POST", f"/v1/egress/x?bytes={BIG}", s.authority,
                  {"Transfer-Encoding": "chunked",
                   "X-Mastio-Reply-Chunked": "yes"})
        at = 0
        for size in (1, 2, 3, 1000, 70000, BIG):
            part = body[at:at + size]
            at += len(part)
            c.send(b"%X;ext=\"v\"\r\n%s\r\n" % (len(part), part))
        c.end_chunks(b"X-Trailer: t\r\n")
        a = c.answer()
        assert a.framing == "chunked" and a.body == pattern(BIG), a
        c.request("GET", "/v1/egress/x?bytes=3", s.authority)
        assert len(c.answer().body) == 3
    e = g.requests()[0]
    assert e["framing"] == "chunked" and e["body_bytes"] == BIG, e
    assert e["body_sha256"] == hashlib.sha256(body).hexdigest()


@case
def close_delimited_answer(t):
    """An answer that the gateway ends by closing arrives whole, chunked for
    an HTTP/1.1 client."""
    g, s = t.pair()
    with s.connect() as c:
        for _ in range(2):
            c.request("GET", f"/v1/egress/x?bytes={BIG}", s.authority,
                      {"X-Mastio-Reply-Close": "yes"})
            a = c.answer()
            assert a.framing == "chunked" and a.body == pattern(BIG), a


@case
def head(t):
    """HEAD gets the length of the body and no body."""
    g, s = t.pair()
    g.fault(path="/v1/egress/h", count=1,
            raw=b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")
    with s.connect() as c:
        c.request("HEAD", "/v1/egress/h", s.authority)
        a = c.answer("HEAD")
        assert a.status == 200 and a.get("Content-Length") == "12345", a
        c.request("GET", "/v1/models", s.authority)
        assert c.answer().status == 200


@case
def head_refused_has_no_body(t):
    """The sidecar's own answer to HEAD has no body either."""
    g, s = t.pair()
    with s.connect() as c:
        c.request("HEAD", "/v1/models", s.authority,
                  {"Origin": "http://evil.test"})
        assert c.answer("HEAD").status == 403
        assert c.buffer == b""
        c.request("GET", "/v1/models", s.authority)
        assert c.answer().status == 200


@case
def no_content_and_not_modified(t):
    """204 and 304 have no body, whatever their fields say (RFC 9112 section
    6.3)."""
    g, s = t.pair()
    g.fault(path="/v1/egress/m", count=1,
            raw=b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n"
                b"ETag: \"x\"\r\n\r\n")
    with s.connect() as c:
        c.request("GET", "/v1/egress/m", s.authority)
        a = c.answer()
        assert a.status == 304 and a.get("ETag") == '"x"', a
        c.request("GET", "/v1/egress/n", s.authority,
                  {"X-Mastio-Status": "204"})
        a = c.answer()
        assert a.status == 204 and not a.all("Transfer-Encoding"), a
        c.request("GET", "/v1/models", s.authority)
        assert c.answer().status == 200


@case
def interim_answers_pass(t):
    """103 reaches an HTTP/1.1 client before the final answer; an HTTP/1.0
    client never sees a 1xx."""
    g, s = t.pair()
    g.fault(path="/v1/egress/e",
            raw=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    a = s.get("/v1/egress/e")
    assert a.status == 200 and a.body == b"ok", a
    assert [i.status for i in a.interim] == [103]
    a = s.get("/v1/egress/e", version="1.0")
    assert a.status == 200 and not a.interim, a


@case
def expect_100_continue(t):
    """A client that waits for 100 Continue gets it before its body."""
    g, s = t.pair()
    with s.connect() as c:
        c.request("POST", "/v1/egress/x?bytes=5", s.authority,
                  {"Expect": "100-continue", "Content-Length": "5000"})
        assert c.head().status == 100
        c.send(b"y" * 5000)
        assert c.answer().status == 200
    assert g.requests()[0]["body_bytes"] == 5000


@case
def answer_before_the_body(t):
    """An answer that comes before the request body is through reaches the
    client at once."""
    g, s = t.pair()
    g.fault(path="/v1/egress/early", early=True, status=413, where="front")
    with s.connect() as c:
        c.request("POST", "/v1/egress/early", s.authority,
                  {"Content-Length": "1000000"})
        c.send(b"z" * 1000)
        assert c.begin_answer().status == 413


@case
def large_body_over_limit_passes_refusal(t):
    """The gateway's 413 for a body over its limit is the client's answer."""
    g, s = t.pair()
    a = s.request("POST", "/v1/egress/x", body=b"q" * (3 << 20))
    assert a.status == 413, a
    assert a.code is None


@case
def status_and_reason_pass(t):
    """Every status of the gateway passes unchanged, an unknown one too."""
    g, s = t.pair()
    for status in (200, 201, 202, 206, 301, 307, 400, 402, 404, 405, 409, 410,
                   418, 422, 429, 451, 500, 501, 502, 503, 504, 599):
        a = s.get("/v1/egress/x?bytes=4", {"X-Mastio-Status": str(status)})
        assert a.status == status and a.code is None, a


@case
def truncated_request_never_looks_whole(t):
    """A client that closes inside its body does not make the gateway see a
    whole request.

    END: client-gone
    """
    g, s = t.pair()
    for fields in ({"Content-Length": "5000"},
                   {"Transfer-Encoding": "chunked"}):
        with s.connect() as c:
            c.request("POST", "/v1/egress/x", s.authority, fields)
            c.send(b"5\r\nhello\r\n")
            t.wait_until(lambda: s.metrics()["dpop_proofs_total"] >= 1)
    s.wait_end("client-gone", 2)
    t.wait_until(lambda: all(not e["complete"] for e in g.requests()))
