"""The timers, each with its own end."""


from harness import Cut, case
from cases.streams import begin, next_event


@case
def head_timeout(t):
    """A head that does not come whole within head-timeout is answered 408,
    however slowly it trickles.

    END: head-timeout
    """
    g, s = t.pair(head_timeout="400ms")
    with s.connect() as c:
        c.send("GET /v1/models HTTP/1.1\r\nHo")
        a = c.answer()
        assert (a.status, a.code) == (408, "head-timeout"), a
        assert c.ends()
    s.wait_end("head-timeout")
    assert not g.requests()


@case
def body_timeout(t):
    """A request body that stalls for body-timeout is answered 408.

    END: body-timeout
    """
    g, s = t.pair(body_timeout="300ms")
    with s.connect() as c:
        c.request("POST", "/v1/egress/x", s.authority,
                  {"Content-Length": "1000"})
        c.send(b"a" * 10)
        a = c.answer()
        assert (a.status, a.code) == (408, "body-timeout"), a
    s.wait_end("body-timeout")
    t.wait_until(lambda: g.stats()["requests_aborted"] == 1)


@case
def first_byte_timeout(t):
    """A gateway that does not answer within first-byte-timeout gives 504.

    END: first-byte-timeout
    """
    g, s = t.pair(first_byte_timeout="300ms")
    g.fault("/v1/egress/", stall=True)
    a = s.get("/v1/egress/x")
    assert (a.status, a.code) == (504, "first-byte-timeout"), a
    s.wait_end("first-byte-timeout")
    t.wait_until(lambda: g.stats()["requests_aborted"] == 1)
    assert len(g.requests()) == 1


@case
def stream_idle_timeout(t):
    """A stream in which nothing passes for stream-idle-timeout is broken off
    visibly.

    END: stream-idle-timeout
    """
    g, s = t.pair(stream_idle_timeout="300ms")
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "5", "X-Mastio-Gate": "idle"})
        assert next_event(c, a)
        try:
            c.body(a)
        except Cut:
            pass
        else:
            raise AssertionError("the stream looks whole")
    s.wait_end("stream-idle-timeout")
    t.wait_until(lambda: g.stats()["requests_aborted"] == 1)


@case
def stream_idle_timeout_in_a_refusal(t):
    """A refusal whose body never comes is answered 504."""
    g, s = t.pair(stream_idle_timeout="300ms")
    g.fault("/v1/egress/", raw_keep=True, raw=b"HTTP/1.1 401 Unauthorized\r\n"
            b"Content-Type: application/json\r\nContent-Length: 30\r\n\r\n{")
    a = s.get("/v1/egress/x")
    assert (a.status, a.code) == (504, "stream-idle-timeout"), a


@case
def connect_timeout(t):
    """A gateway that accepts and says nothing gives 504 after
    connect-timeout.

    END: connect-timeout
    """
    g, s = t.pair(connect_timeout="300ms")
    g.stop()
    g.stall()
    a = s.get("/v1/models")
    assert (a.status, a.code) == (504, "connect-timeout"), a
    s.wait_end("connect-timeout")


@case
def queue_timeout(t):
    """With all connections to the gateway busy a request waits for
    queue-timeout, then gets 503 with Retry-After.

    END: queue-timeout
    """
    g, s = t.pair(max_upstream_connections=1, queue_timeout="300ms",
                  workers=1)
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "2", "X-Mastio-Gate": "q"})
        assert next_event(c, a)
        b = s.get("/v1/models")
        assert (b.status, b.code) == (503, "queue-timeout"), b
        assert int(b.get("Retry-After")) >= 1
        g.release("q", 5)
        assert next_event(c, a) and next_event(c, a) == "data: [DONE]"
    s.wait_end("queue-timeout")
    assert s.get("/v1/models").status == 200


@case
def queued_request_is_served(t):
    """A queued request is served as soon as a connection is free."""
    g, s = t.pair(max_upstream_connections=1, queue_timeout="60s", workers=1)
    with s.connect() as c, s.connect(timeout=60) as d:
        a = begin(c, s, {"X-Mastio-Events": "2", "X-Mastio-Gate": "q"})
        assert next_event(c, a)
        d.request("GET", "/v1/models", s.authority)
        g.release("q", 5)
        assert d.answer().status == 200


@case
def max_clients(t):
    """Above max-clients a connection gets 503 at once and is closed; when
    one leaves, there is room again.

    END: overloaded
    """
    g, s = t.pair(max_clients=3)
    held = [s.connect() for _ in range(3)]
    for c in held:
        c.request("GET", "/v1/models", s.authority)
        assert c.answer().status == 200
    with s.connect() as c:
        c.request("GET", "/v1/models", s.authority)
        a = c.answer()
        assert (a.status, a.code) == (503, "overloaded"), a
        assert int(a.get("Retry-After")) >= 1 and c.ends(), a
    assert s.admin("/readyz").status == 200
    for c in held:
        c.close()
    t.wait_until(lambda: s.get("/v1/models").status == 200)
    s.wait_end("overloaded")
