"""Memory stays bounded, whatever many clients or the gateway leave unread."""

import selectors
import socket

from harness import case, netns
from harness.http import request_bytes

PERIOD = bytes(range(251)) * 1024
MIB = 1 << 20
# More than the kernel holds for a Unix socket and the sidecar besides.
BYTES = 600 << 10


class Reader:
    """Asks for a large answer, and reads it when it is told to: it must be
    the gateway's pattern from end to end."""

    def __init__(self, address):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(address)
        self.sock.sendall(request_bytes(
            "GET", f"/v1/egress/x?bytes={BYTES}", "localhost"))
        self.sock.setblocking(False)
        self.head = b""
        self.got = None

    def go_on(self):
        """True once all is there."""
        data = self.sock.recv(65536)
        assert data, f"cut after {self.got} bytes"
        if self.got is None:
            self.head += data
            head, end, data = self.head.partition(b"\r\n\r\n")
            if not end:
                return False
            assert head.startswith(b"HTTP/1.1 200 "), head
            self.got = 0
        at = self.got % 251
        assert data == PERIOD[at:at + len(data)], f"wrong after {self.got}"
        self.got += len(data)
        return self.got == BYTES


class Writer:
    """Sends a large request as far as it is taken."""

    def __init__(self, address):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(address)
        self.sock.sendall(request_bytes(
            "POST", "/v1/egress/x", "localhost",
            {"Content-Length": str(1 << 30)}))
        self.sock.setblocking(False)

    def go_on(self):
        """Never done."""
        self.sock.send(PERIOD)
        return False


def run(t, kind, actors, quiet=None):
    """Until all are done; quiet: or nothing has moved for so many seconds."""
    waiting = selectors.DefaultSelector()
    for a in actors:
        waiting.register(a.sock, kind, a)
    while waiting.get_map():
        events = waiting.select(t.seconds(quiet or 20))
        assert events or quiet, f"{len(waiting.get_map())} do not go on"
        if not events:
            return
        for key, _ in events:
            if key.data.go_on():
                waiting.unregister(key.fileobj)


def settled(t, value):
    """value() once it has been the same for a while."""
    last = [None, 0]

    def look():
        now = value()
        last[:] = [now, last[1] + 1 if now == last[0] else 0]
        return last[1] >= 6
    t.wait_until(look, 30, what="memory stays as it is")
    return last[0]


def crowd(t):
    """How many: a slow build has fewer clients and less memory for them, so
    that it runs through the same states."""
    return (128, "4m") if t.run.sanitized else (1024, "32m")


def start(t, **options):
    n, buffers = crowd(t)
    g = t.gateway("--body-limit", "none")
    s = t.sidecar(g, listen=f"unix:{t.path('agents')}", max_buffer=buffers,
                  max_clients=n + 64, max_upstream_connections=n + 64,
                  upstream_idle_timeout="1s", connect_timeout="60s",
                  access_log="none", **options)
    assert s.get("/v1/models", host="localhost").status == 200
    return g, s


def judge_memory(t, s):
    if not t.run.sanitized:
        assert s.memory("VmRSS") <= 64 * MIB, s.memory("VmRSS")
        assert s.memory("VmHWM") <= 64 * MIB, s.memory("VmHWM")


def others_are_served(s):
    """A plain answer, and one that is too large for one piece."""
    assert s.get("/v1/models", host="localhost").status == 200
    reader = Reader(s.address())
    reader.sock.setblocking(True)
    reader.sock.settimeout(s.test.seconds(5))
    while not reader.go_on():
        pass
    reader.sock.close()


def at_rest(t, s, before):
    """All is given back: descriptors, budget and most of the memory."""
    def look():
        status, metrics = s.admin("/status").json, s.metrics()
        return status["buffered_bytes"] == 0 and \
            metrics["process_open_fds"] <= before["process_open_fds"]
    t.wait_until(look, 30, what=lambda: s.admin("/status").body.decode())
    if not t.run.sanitized:
        t.wait_until(lambda: s.memory("RssAnon") < 16 * MIB, 10,
                     what=lambda: f"RssAnon is {s.memory('RssAnon')}")


@case(seconds=90, alone=True)
def clients_that_do_not_read(t):
    """1,024 clients that ask for a large answer and do not read it cost less
    than 64 MiB with max-buffer = 32m.  Others are served meanwhile, and when
    they read at last, all of them get everything."""
    g, s = start(t)
    before = s.metrics()
    readers = []
    for i in range(crowd(t)[0]):
        readers.append(Reader(s.address()))
        if i in (20, 100):  # these find memory in plenty
            settled(t, lambda: s.memory("VmRSS"))
    t.wait_until(lambda: s.metrics()["open_streams"] == len(readers), 30)
    settled(t, lambda: s.memory("VmRSS"))
    assert s.admin("/status").json["buffered_bytes"] > 0
    judge_memory(t, s)
    others_are_served(s)
    run(t, selectors.EVENT_READ, readers)
    judge_memory(t, s)
    for r in readers:
        r.sock.close()
    at_rest(t, s, before)


@case(seconds=90, alone=True)
def gateway_that_does_not_read(t):
    """1,024 uploads that the gateway does not read cost less than 64 MiB with
    max-buffer = 32m; others are served meanwhile."""
    # Else the kernel takes megabytes for each before the sidecar is asked.
    netns.enter()
    with open("/proc/sys/net/ipv4/tcp_wmem", "w", encoding="ascii") as f:
        f.write("4096 16384 65536")
    g, s = start(t, replay_limit="0")
    before = s.metrics()
    g.fault("/v1/egress/x", method="POST", early=True, stall=True)
    writers = [Writer(s.address()) for _ in range(crowd(t)[0])]
    run(t, selectors.EVENT_WRITE, writers, quiet=1)
    t.wait_until(
        lambda: s.metrics()['upstream_connections{state="busy"}']
        == len(writers), 30)
    run(t, selectors.EVENT_WRITE, writers, quiet=0.5)
    settled(t, lambda: s.memory("VmRSS"))
    judge_memory(t, s)
    others_are_served(s)
    for w in writers:
        w.sock.close()
    at_rest(t, s, before)


@case(once=True)
def sixteen_interim_answers(t):
    """Sixteen interim answers to one request pass; the seventeenth is one too
    many, 502."""
    g, s = t.pair()
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    g.fault("/v1/egress/16", raw=hint * 16 + final)
    g.fault("/v1/egress/17", raw=hint * 17 + final)
    with s.connect() as c:
        c.request("GET", "/v1/egress/16", s.authority)
        a = c.answer()
        assert a.status == 200 and a.body == b"ok", a
        assert [i.status for i in a.interim] == [103] * 16, a.interim
    with s.connect() as c:
        c.request("GET", "/v1/egress/17", s.authority)
        a = c.answer()
        assert a.status == 502 and a.code == "upstream-malformed", a
        assert len(a.interim) == 16, a.interim


@case(once=True)
def heads_of_answers_are_bounded(t):
    """A head of 30 KiB passes; one that goes on for 70 KiB, or has more lines
    than an answer may have, is 502."""
    g, s = t.pair(relay_buffer="4k")

    def head(*lines):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" \
            + b"".join(lines) + b"\r\n"
    g.fault("/v1/egress/30k", raw=head(b"X-A: " + b"a" * 30000 + b"\r\n"))
    g.fault("/v1/egress/70k", raw=head(b"X-A: " + b"a" * 70000 + b"\r\n"))
    g.fault("/v1/egress/many", raw=head(*[b"X-A: a\r\n"] * 200))
    a = s.get("/v1/egress/30k")
    assert a.status == 200 and len(a.get("X-A")) == 30000
    for path in ("70k", "many"):
        a = s.get(f"/v1/egress/{path}")
        assert a.status == 502 and a.code == "upstream-malformed", a


@case(once=True)
def login_answers_are_bounded(t):
    """A login's answer over 64 KiB is refused, with a sentence in the log and
    in /readyz, and is not kept."""
    g = t.gateway()
    body = b'{"access_token": "' + b"x" * (20 << 20) + b'"}'
    g.fault("/v1/auth/token", raw=b"HTTP/1.1 200 OK\r\n"
            b"Content-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body)
    s = t.sidecar(g, wait="listening")
    s.wait_log("the gateway's answer is over 64 KiB")
    a = s.admin("/readyz")
    assert a.status == 503, a
    assert b"the gateway's answer is over 64 KiB" in a.body, a.body
    if not t.run.sanitized:
        assert s.memory("VmHWM") < 16 * MIB, s.memory("VmHWM")
