"""A gateway that dies inside an answer: the client must see that it is not
whole."""

from harness import Cut, case
from harness.http import NoAnswer

N = 200000


def expect_cut(s, path, fields=(), version="1.1"):
    with s.connect() as c:
        c.request("GET", path, s.authority, fields, version=version)
        a = c.begin_answer()
        assert a.status == 200, a
        try:
            c.body(a)
        except Cut as cut:
            return cut
    raise AssertionError(f"a broken {a.framing} answer of {len(a.body)} bytes "
                         "looks whole")


def each_way(t, fields, version="1.1"):
    g, s = t.pair()
    for how in ("truncate_after_bytes", "reset_after_bytes"):
        for after in (1, 70000, N - 1):
            g.clear_faults()
            g.fault(path="/v1/egress/", count=1, **{how: after})
            cut = expect_cut(s, f"/v1/egress/x?bytes={N}", fields, version)
            if cut.answer.framing == "close":
                assert cut.reset
    s.wait_end("upstream-truncated", 6)


@case
def content_length_cut(t):
    """A Content-Length answer that is cut ends early for the client too.

    END: upstream-truncated
    """
    each_way(t, {})


@case
def chunked_cut(t):
    """A chunked answer that is cut never gets its last chunk."""
    each_way(t, {"X-Mastio-Reply-Chunked": "yes"})


@case
def chunked_cut_for_http_1_0(t):
    """For an HTTP/1.0 client the end of the connection ends the body; a cut
    one must be reset instead."""
    each_way(t, {"X-Mastio-Reply-Chunked": "yes"}, version="1.0")


@case
def close_delimited_reset(t):
    """A close-delimited answer that is reset, or closed without TLS
    close_notify, is not passed on as a whole one."""
    g, s = t.pair()
    for version in ("1.1", "1.0"):
        g.clear_faults()
        g.fault(path="/v1/egress/", count=1, reset_after_bytes=5000)
        expect_cut(s, f"/v1/egress/x?bytes={N}",
                   {"X-Mastio-Reply-Close": "yes"}, version)


@case
def stream_cut(t):
    """A streamed chat answer that is cut is not ended cleanly."""
    g, s = t.pair()
    g.fault(path="/v1/chat", count=1, reset_after_bytes=400)
    with s.connect() as c:
        c.request("POST", "/v1/chat/completions", s.authority,
                  {"Content-Type": "application/json",
                   "X-Mastio-Events": "100"},
                  b'{"model":"m","stream":true,"messages":'
                  b'[{"role":"user","content":"x"}]}')
        a = c.begin_answer()
        try:
            c.body(a)
        except Cut:
            return
    raise AssertionError("the stream looks whole")


@case
def bad_chunk_from_the_gateway(t):
    """A chunk size that is none breaks the transfer visibly.

    END: upstream-malformed
    """
    g, s = t.pair()
    g.fault(path="/v1/egress/", count=1,
            raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"5\r\nhello\r\nZZ\r\n")
    expect_cut(s, "/v1/egress/x")
    s.wait_end("upstream-malformed")


@case
def malformed_head_from_the_gateway(t):
    """An answer that is not HTTP/1.1 is answered 502 upstream-malformed.

    END: upstream-malformed
    """
    g, s = t.pair()
    for raw in (b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                b"Content-Length: 2\r\n\r\nxx",
                b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nxx",
                b"HTTP/1.1 101 Switching Protocols\r\n\r\n"):
        g.clear_faults()
        g.fault(path="/v1/egress/", count=1, raw=raw)
        a = s.get("/v1/egress/x")
        assert (a.status, a.code) == (502, "upstream-malformed"), (raw, a)


@case
def answer_beyond_the_limits(t):
    """Of an answer that is well-formed but too much it is said why."""
    g, s = t.pair()
    for raw, said in (
            (b"HTTP/1.1 200 OK\r\n" + b"A: a\r\n" * 129 + b"\r\n",
             "more fields"),
            (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 65536 + b"\r\n\r\n",
             "more bytes than relay-buffer"),
            (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17, "interim answers"),
            (b"HTTP/2.0 200 OK\r\n\r\n", "another version")):
        g.clear_faults()
        g.fault(path="/v1/egress/", count=1, raw=raw)
        a = s.get("/v1/egress/x")
        assert (a.status, a.code) == (502, "upstream-malformed"), (said, a)
        assert said in a.error["message"], a.error


@case
def cut_inside_the_head(t):
    """A gateway that dies inside the head gives 502, for a POST too, and the
    request is not sent again.

    END: upstream-truncated
    """
    g, s = t.pair()
    g.fault(path="/v1/egress/", raw=b"HTTP/1.1 200 OK\r\nContent-Le")
    a = s.request("POST", "/v1/egress/x", body=b"abc")
    assert (a.status, a.code) == (502, "upstream-truncated"), a
    assert len(g.requests()) == 1
