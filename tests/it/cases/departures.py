"""Clients that leave, and clients that only finished speaking."""

import socket
import struct

from harness import case
from cases.streams import begin, next_event


@case
def client_that_leaves_ends_the_exchange(t):
    """When the client closes inside a stream, the gateway's side ends too.

    END: client-gone
    """
    g, s = t.pair()
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "1000",
                         "X-Mastio-Interval-Ms": "20"})
        assert next_event(c, a)
    t.wait_until(lambda: g.stats()["requests_aborted"] == 1)
    assert s.wait_end("client-gone")["status"] == 200


@case
def client_that_leaves_before_the_answer(t):
    """A client that closes while the gateway thinks ends the exchange; the
    gateway need not speak first."""
    g, s = t.pair()
    g.fault(path="/v1/egress/", stall=True)
    for reset in (False, True):
        with s.connect() as c:
            c.request("GET", "/v1/egress/x", s.authority)
            t.wait_until(lambda: len(g.requests()) == 1 + reset)
            if reset:
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack("ii", 1, 0))
        t.wait_until(
            lambda: g.stats()["requests_aborted"] == 1 + reset)
    s.wait_end("client-gone", 2)


@case
def client_that_leaves_a_unix_socket(t):
    """The same on a Unix socket."""
    g, s = t.pair(listen="unix:" + t.path("p.sock"))
    g.fault(path="/v1/egress/", stall=True)
    with s.connect() as c:
        c.request("GET", "/v1/egress/x", "localhost")
        t.wait_until(lambda: g.requests())
    t.wait_until(lambda: g.stats()["requests_aborted"] == 1)
    s.wait_end("client-gone")


def half_closed(t, s, g, host):
    with s.connect() as c:
        g.fault(path="/v1/egress/", count=1, delay_ms=300)
        c.request("GET", "/v1/egress/x?bytes=100000", host)
        c.half_close()
        a = c.answer()
        assert a.status == 200 and len(a.body) == 100000, a
        assert c.ends()
    assert s.wait_end("ok")["status"] == 200


@case
def half_closed_client_is_served(t):
    """A client that shuts down its sending side after the request gets its
    whole answer."""
    g, s = t.pair()
    half_closed(t, s, g, s.authority)


@case
def half_closed_unix_client_is_served(t):
    """The same on a Unix socket."""
    g, s = t.pair(listen="unix:" + t.path("p.sock"))
    half_closed(t, s, g, "localhost")


@case
def stream_to_half_closed_client(t):
    """A half-closed client gets its stream event by event."""
    g, s = t.pair()
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "5", "X-Mastio-Gate": "half"})
        c.half_close()
        for _ in range(5):
            assert next_event(c, a)
            g.release("half")
        assert next_event(c, a) == "data: [DONE]"


@case
def a_leaving_client_disturbs_no_other(t):
    """Fifty clients that leave in mid-answer leave nothing behind."""
    g, s = t.pair()
    for i in range(50):
        with s.connect() as c:
            c.request("GET", "/v1/egress/x?bytes=3000000", s.authority)
            if i % 2:
                c.begin_answer()
    assert s.get("/v1/egress/x?bytes=3").status == 200
    t.wait_until(lambda: all(e["complete"] or e["aborted"]
                             for e in g.requests()))
    t.wait_until(lambda: s.metrics()["open_streams"] == 0)
    t.wait_until(lambda: len(s.access_lines()) == 51)
