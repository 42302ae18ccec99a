"""Several requests on one client connection; HTTP/1.0."""

from harness import case
from harness.http import request_bytes


@case
def kept_connection(t):
    """A client connection carries many requests, one after the other."""
    g, s = t.pair()
    with s.connect() as c:
        for i in range(20):
            c.request("GET", f"/v1/egress/n?bytes={i}", s.authority)
            a = c.answer()
            assert a.status == 200 and len(a.body) == i, a
    assert s.metrics()["clients_opened_total"] >= 1


@case
def pipelined_in_order(t):
    """Pipelined requests are answered in their order, also when a later one
    would be ready first."""
    g, s = t.pair()
    g.fault(path="/v1/egress/slow", count=1, delay_ms=300)
    with s.connect() as c:
        c.send(request_bytes("GET", "/v1/egress/slow?bytes=11", s.authority)
               + request_bytes("POST", "/v1/egress/b?bytes=22", s.authority,
                               body=b"x" * 5000)
               + request_bytes("GET", "/v1/egress/c?bytes=33", s.authority))
        sizes = [len(c.answer().body) for _ in range(3)]
    assert sizes == [11, 22, 33], sizes
    assert [e["path"][11:] for e in g.requests()] == ["slow", "b", "c"]


@case
def connection_close_is_kept_to(t):
    """Connection: close of the client closes after the answer, which says
    so."""
    g, s = t.pair()
    with s.connect() as c:
        c.request("GET", "/v1/models", s.authority, {"Connection": "close"})
        a = c.answer()
        assert a.get("Connection") == "close", a
        assert c.ends()


@case
def http_1_0_client(t):
    """An HTTP/1.0 client gets an answer without chunks, ended by the close of
    the connection if its length is not known."""
    g, s = t.pair()
    a = s.get("/v1/egress/x?bytes=5000", version="1.0")
    assert (a.framing, len(a.body)) == ("length", 5000), a
    a = s.get("/v1/egress/x?bytes=5000",
              {"X-Mastio-Reply-Chunked": "yes"}, version="1.0")
    assert a.framing == "close" and len(a.body) == 5000, a
    assert not a.all("Transfer-Encoding")


@case
def http_1_0_keep_alive(t):
    """An HTTP/1.0 client that asks for keep-alive gets it where the length is
    known."""
    g, s = t.pair()
    with s.connect() as c:
        for _ in range(2):
            c.request("GET", "/v1/egress/x?bytes=10", s.authority,
                      {"Connection": "keep-alive"}, version="1.0")
            a = c.answer()
            assert a.get("Connection", "").lower() == "keep-alive", a


@case
def http_1_0_without_host(t):
    """HTTP/1.0 knows no Host: without one there is no gateway to mean, and
    the answer is an error, not a guess; in absolute-form it is served."""
    g, s = t.pair()
    a = s.raw(b"GET http://mastio.test/v1/models HTTP/1.0\r\n\r\n")
    assert a.status == 200, a


@case
def empty_lines_before_a_request(t):
    """An empty line before the request line is skipped (RFC 9112 section
    2.2)."""
    g, s = t.pair()
    a = s.raw(b"\r\n" + request_bytes("GET", "/v1/models", s.authority))
    assert a.status == 200, a


@case
def idle_client_connection_is_closed(t):
    """A kept connection without a further request is closed after
    keepalive-timeout, without an answer.

    END: client-idle
    """
    g, s = t.pair(keepalive_timeout="300ms")
    with s.connect() as c:
        c.request("GET", "/v1/models", s.authority)
        c.answer()
        assert c.ends()


@case(plain=True)
def pipelines_without_end(t):
    """A client that sends request after request and never reads is stopped;
    memory stays small, and all that was taken is answered in order."""
    g, s = t.pair()
    assert s.get("/v1/egress/x?bytes=1").status == 200
    before = s.memory("VmRSS")
    with s.connect() as c:
        c.sock.settimeout(t.seconds(1))
        data = b"".join(request_bytes(
            "GET", f"/v1/egress/x?bytes={i}", s.authority,
            {"X-Fill": "f" * 3000}) for i in range(100, 1000))
        sent = 0
        try:
            while sent < 64 << 20:
                sent += c.sock.send(data[sent % len(data):])
        except TimeoutError:
            pass
        assert sent < 32 << 20, sent
        growth = s.memory("VmRSS") - before
        assert growth < 1 << 20, growth
        c.sock.settimeout(t.seconds(15))
        for i in range(sent * 900 // len(data)):
            a = c.answer()
            assert a.status == 200 and len(a.body) == 100 + i % 900, (i, a)
