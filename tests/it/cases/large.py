"""Large bodies, slow readers and memory."""

import hashlib
import threading

from harness import case

GIB = 1 << 30
PERIOD = bytes(range(251)) * 4096
MEMORY = 16 << 20


def pattern_hash(n):
    h = hashlib.sha256()
    while n:
        part = PERIOD[:n]
        h.update(part)
        n -= len(part)
    return h.hexdigest()


def send_body(c, n, chunked):
    while n:
        part = PERIOD[:n]
        if chunked:
            c.send_chunk(part)
        else:
            c.send(part)
        n -= len(part)
    if chunked:
        c.end_chunks()


def receive_body(c, answer):
    """(bytes, hash) of a body that is too large to keep."""
    h = hashlib.sha256()
    n = 0
    if answer.framing == "chunked":
        for part in iter(lambda: c.body_part(answer), b""):
            h.update(part)
            n += len(part)
        return n, h.hexdigest()
    total = int(answer.get("Content-Length"))
    while n < total:
        if not c.buffer:
            assert c.fill(), "the body is cut"
        h.update(c.buffer)
        n += len(c.buffer)
        c.buffer = b""
    return n, h.hexdigest()


def up(t, chunked):
    g, s = t.pair("--body-limit", "none")
    fields = {"Transfer-Encoding": "chunked"} if chunked else {
        "Content-Length": str(GIB)}
    with s.connect(seen=False, timeout=60) as c:
        c.request("POST", "/v1/egress/x?bytes=1", s.authority, fields)
        send_body(c, GIB, chunked)
        assert c.answer().status == 200
    (e,) = g.requests()
    assert e["body_bytes"] == GIB
    assert e["body_sha256"] == pattern_hash(GIB)
    assert s.memory("VmHWM") < MEMORY, s.memory("VmHWM")


def down(t, chunked):
    g, s = t.pair()
    fields = {"X-Mastio-Reply-Chunked": "yes"} if chunked else {}
    with s.connect(seen=False, timeout=60) as c:
        c.request("GET", f"/v1/egress/x?bytes={GIB}", s.authority, fields)
        a = c.begin_answer()
        n, digest = receive_body(c, a)
    assert n == GIB and digest == a.get("X-Mastio-Reply-Sha256")
    assert s.memory("VmHWM") < MEMORY, s.memory("VmHWM")


@case(plain=True, seconds=180)
def gibibyte_up(t):
    """1 GiB with Content-Length reaches the gateway with the same hash while
    resident memory stays under 16 MiB."""
    up(t, False)


@case(plain=True, seconds=180)
def gibibyte_down(t):
    """1 GiB with Content-Length reaches the client with the same hash while
    resident memory stays under 16 MiB."""
    down(t, False)


@case(plain=True, once=True, seconds=180)
def gibibyte_up_chunked(t):
    """The same up, chunked."""
    up(t, True)


@case(plain=True, once=True, seconds=180)
def gibibyte_down_chunked(t):
    """The same down, chunked."""
    down(t, True)


def settles(t, value):
    """Waits until value() has stopped growing; returns it."""
    last = [None, 0]

    def look():
        now = value()
        last[1] = last[1] + 1 if now == last[0] else 0
        last[0] = now
        return last[1] >= 10
    t.wait_until(look, 30)
    return last[0]


@case(seconds=90)
def client_that_does_not_read_stops_the_gateway(t):
    """A client that stops reading stops the gateway's writing: what is under
    way stays bounded; when it reads on, all arrives."""
    g, s = t.pair()
    size = 200 << 20
    with s.connect(seen=False, timeout=60) as c:
        c.request("GET", f"/v1/egress/x?bytes={size}", s.authority)
        a = c.begin_answer()
        stopped = settles(
            t, lambda: g.requests()[0]["response_bytes"])
        assert stopped < 32 << 20, stopped
        n, digest = receive_body(c, a)
    assert n == size and digest == a.get("X-Mastio-Reply-Sha256")


@case(seconds=90)
def gateway_that_does_not_read_stops_the_client(t):
    """A gateway that stops reading stops the client's writing."""
    g, s = t.pair("--body-limit", "none", replay_limit="0")
    g.fault("/v1/egress/", early=True, stall=True)
    sent = [0]
    with s.connect(seen=False, timeout=60) as c:
        c.request("POST", "/v1/egress/x", s.authority,
                  {"Content-Length": str(GIB)})

        def write():
            try:
                while sent[0] < GIB:
                    sent[0] += c.sock.send(PERIOD)
            except OSError:
                pass
        writer = threading.Thread(target=write)
        writer.start()
        stopped = settles(t, lambda: sent[0])
        assert stopped < 32 << 20, stopped
        g.stop()
        writer.join(t.seconds(30))
        assert not writer.is_alive()


@case(plain=True, seconds=90)
def many_slow_readers_stay_bounded(t):
    """Forty clients that do not read large answers cost less than 64 KiB of
    buffer each and direction, and some for TLS."""
    g, s = t.pair()
    held = []
    for _ in range(40):
        c = s.connect(seen=False)
        c.request("GET", "/v1/egress/x?bytes=50000000", s.authority)
        c.begin_answer()
        held.append(c)
    settles(t, lambda: sum(e["response_bytes"] for e in g.requests()))
    assert s.memory("RssAnon") < 24 << 20, s.memory("RssAnon")
    for c in held:
        c.close()


@case(plain=True, once=True)
def idle_memory(t):
    """Idle, with one worker, resident memory is under 9 MiB, the anonymous
    part under 3 MiB."""
    g, s = t.pair(workers=1)
    assert s.get("/v1/models").status == 200
    assert s.memory("VmRSS") < 9 << 20, s.memory("VmRSS")
    assert s.memory("RssAnon") < 3 << 20, s.memory("RssAnon")
