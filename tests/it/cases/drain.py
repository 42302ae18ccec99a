"""SIGTERM and SIGINT."""

import os
import signal
import socket
import subprocess
import time

from harness import Cut, case
from cases.streams import begin, next_event


def refuses_connections(t, s):
    def look():
        try:
            s.connect(timeout=2).close()
        except (ConnectionRefusedError, FileNotFoundError):
            return True
        except ConnectionResetError:  # it closed between the two of us
            return False
        return False
    t.wait_until(look, what="the listener is closed")


@case
def open_streams_finish(t):
    """On SIGTERM no new client is taken, open streams go on to their end, and
    the exit code is 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        g = t.gateway(home=t.path(f"mastio{int(number)}"))
        s = t.sidecar(g)
        with s.connect() as c:
            a = begin(c, s, {"X-Mastio-Events": "6", "X-Mastio-Gate": "d"})
            assert next_event(c, a)
            s.process.signal(number)
            refuses_connections(t, s)
            assert s.admin("/readyz").status == 503
            assert s.admin("/livez").status == 200
            g.release("d", 20)
            n = 1
            while next_event(c, a):
                n += 1
            assert n == 7, n
            assert c.ends()
        assert s.wait_exit() == 0


@case
def drain_delay(t):
    """For drain-delay only readiness is off: new clients are taken and
    connections kept.  Then it drains."""
    g, s = t.pair(drain_delay="2s")
    with s.connect() as kept:
        kept.request("GET", "/v1/models", s.authority)
        assert kept.answer().status == 200
        begun = time.monotonic()
        s.terminate()
        t.wait_until(lambda: s.admin("/readyz").status == 503)
        assert b"draining" in s.admin("/readyz").body
        assert s.admin("/livez").status == 200
        for _ in range(5):
            assert s.get("/v1/models").status == 200
            kept.request("GET", "/v1/models", s.authority)
            a = kept.answer()
            assert a.status == 200 and not a.all("Connection"), a
        assert s.process.running
        assert s.wait_exit() == 0
        assert time.monotonic() - begun >= 2
        assert kept.ends()


@case
def second_signal_ends_the_delay(t):
    """The second signal does not wait for drain-delay either."""
    g, s = t.pair(drain_delay="10m", drain_timeout="10m")
    s.terminate()
    t.wait_until(lambda: s.admin("/readyz").status == 503)
    assert s.get("/v1/models").status == 200
    s.process.signal(signal.SIGINT)
    assert s.wait_exit() == 0


@case
def kept_connections_are_told(t):
    """A client on a kept connection that goes on asking is served once more
    and told that this was the last time."""
    g, s = t.pair()
    with s.connect() as busy, s.connect() as c:
        a = begin(busy, s, {"X-Mastio-Events": "2", "X-Mastio-Gate": "d"})
        c.request("GET", "/v1/models", s.authority)
        assert not c.answer().all("Connection")
        c.send(b"GET /v1/models HTTP/1.1\r\n")
        s.terminate()
        refuses_connections(t, s)
        c.send(b"Host: localhost\r\n\r\n")
        last = c.answer("GET")
        assert last.status == 200, last
        assert last.all("Connection") == ["close"], last
        assert c.ends()
        g.release("d", 20)
        while next_event(busy, a):
            pass
    assert s.wait_exit() == 0


@case
def idle_clients_do_not_hold_it(t):
    """Kept connections without a request are closed after a moment."""
    g, s = t.pair(drain_timeout="60s")
    idle = [s.connect() for _ in range(5)]
    for c in idle[:3]:
        c.request("GET", "/v1/models", s.authority)
        assert c.answer().status == 200
    s.terminate()
    assert s.wait_exit() == 0
    assert all(c.ends() for c in idle)


@case
def backlog_is_served(t):
    """Clients that the kernel has connected when SIGTERM comes are served,
    however many of them wait to be accepted."""
    g, s = t.pair()
    s.process.signal(signal.SIGSTOP)
    clients = [s.connect() for _ in range(300)]
    for i, c in enumerate(clients):
        c.request("GET", f"/v1/egress/x?bytes={i}", s.authority)
    s.terminate()
    s.process.signal(signal.SIGCONT)
    for i, c in enumerate(clients):
        with c:
            a = c.answer()
            assert a.status == 200 and len(a.body) == i, (i, a)
    assert s.wait_exit() == 0


@case
def drain_timeout(t):
    """Streams that outlive drain-timeout are cut, visibly; the exit code is
    still 0.

    END: draining
    """
    g, s = t.pair(drain_timeout="300ms")
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "6", "X-Mastio-Gate": "d"})
        assert next_event(c, a)
        s.terminate()
        try:
            c.body(a)
        except Cut:
            pass
        else:
            raise AssertionError("a cut stream looks whole")
    assert s.wait_exit() == 0


@case
def second_signal_ends_at_once(t):
    """The second signal does not wait for anybody."""
    g, s = t.pair(drain_timeout="10m")
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "6", "X-Mastio-Gate": "d"})
        assert next_event(c, a)
        s.terminate()
        refuses_connections(t, s)
        s.terminate()
        assert s.wait_exit() == 0
        try:
            c.body(a)
        except Cut:
            return
    raise AssertionError("a cut stream looks whole")


@case
def stop_while_logging_in(t):
    """SIGTERM ends it while the gateway is down and requests wait, too.

    END: draining
    """
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening", token_wait="60s", drain_timeout="200ms")
    with s.connect() as c:
        c.request("GET", "/v1/models", s.authority)
        s.wait_log("login failed")
        s.terminate()
        a = c.answer()
        assert a.status == 503 and a.code in ("draining", "no-token"), a
    assert s.wait_exit() == 0


@case
def waiting_for_an_identity(t):
    """SIGTERM ends it while it waits for its identity."""
    s = t.sidecar(t.gateway(), wait="listening", identity_wait="60s",
                  identity_dir=t.path("none"))
    s.terminate()
    assert s.wait_exit() == 0


@case
def other_signals(t):
    """SIGPIPE is ignored, SIGHUP does not end it."""
    g, s = t.pair()
    s.process.signal(signal.SIGPIPE)
    s.process.signal(signal.SIGHUP)
    for _ in range(5):
        assert s.get("/v1/models").status == 200


def first_child(pid):
    """Its pid, or 0; children that nobody has waited for count."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return int((f.read().split() or [0])[0])


@case
def as_process_1(t):
    """As the first process of a container it obeys signals, and orphans that
    end there leave no zombie."""
    user = () if os.geteuid() == 0 else ("-r",)
    g = t.gateway()
    s = t.sidecar(g, prefix=("unshare", *user, "-p", "-f", "--kill-child"))
    pid = t.wait_until(lambda: first_child(s.process.pid))
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        assert any(l.split() == ["NSpid:", str(pid), "1"] for l in f)
    assert s.get("/v1/models").status == 200
    # The shell ends, and its children become those of process 1.
    subprocess.run(["nsenter", "-t", str(pid), "-p", *(["-U"] if user else []),
                    "sh", "-c", "for i in 1 2 3 4 5; do sleep 0.2 & done"],
                   check=True, timeout=t.seconds(20))
    t.wait_until(lambda: not first_child(pid), what="no child is left")
    os.kill(pid, signal.SIGHUP)
    assert s.get("/v1/models").status == 200
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "2", "X-Mastio-Gate": "d"})
        assert next_event(c, a)
        os.kill(pid, signal.SIGTERM)
        refuses_connections(t, s)
        g.release("d", 20)
        while next_event(c, a):
            pass
    assert s.wait_exit() == 0
    s.stopped = True


class Systemd:
    """The end of NOTIFY_SOCKET that systemd has."""

    def __init__(self, t):
        self.path = t.path("notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.limit = t.seconds(15)
        self.said = []

    def env(self, **more):
        return {"NOTIFY_SOCKET": self.path, **more}

    def hear(self, limit):
        """One more message; False if none came within so many seconds."""
        self.socket.settimeout(limit)
        try:
            self.said.append(self.socket.recv(4096).decode())
        except (TimeoutError, BlockingIOError):
            return False
        return True

    def wait(self, start):
        """The next message that starts like this."""
        while self.hear(self.limit):
            if self.said[-1].startswith(start):
                return self.said[-1]
        raise AssertionError(f"never said {start}: {self.said}")


@case
def systemd_is_told(t):
    """READY=1 once, then how the session is; from SIGTERM on STOPPING=1 and
    that it takes longer than systemd would allow."""
    systemd = Systemd(t)
    g = t.gateway()
    s = t.sidecar(g, env=systemd.env())
    systemd.wait("READY=1")
    systemd.wait("STATUS=session valid")
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "2", "X-Mastio-Gate": "d"})
        s.terminate()
        assert systemd.wait("STOPPING=1").endswith("\nSTATUS=draining")
        for _ in range(2):
            assert systemd.wait("EXTEND_TIMEOUT_USEC=") == \
                "EXTEND_TIMEOUT_USEC=10000000"
        g.control("POST", "/token/expire")
        g.release("d", 20)
        while next_event(c, a):
            pass
    assert s.wait_exit() == 0
    while systemd.hear(0):
        pass
    stopping = systemd.said.index("STOPPING=1\nSTATUS=draining")
    assert systemd.said.count("READY=1") == 1, systemd.said
    assert not any("STATUS" in m for m in systemd.said[stopping + 1:]), \
        systemd.said
    assert not any("WATCHDOG" in m for m in systemd.said), systemd.said


@case
def watchdog(t):
    """WATCHDOG=1 comes several times in the interval as long as the process
    turns; not while it is stopped, nor for another process."""
    systemd = Systemd(t)
    s = t.sidecar(t.gateway(), env=systemd.env(WATCHDOG_USEC="2000000"))
    systemd.wait("READY=1")
    begun = time.monotonic()
    for _ in range(4):
        systemd.wait("WATCHDOG=1")
    assert time.monotonic() - begun < t.seconds(2)
    s.process.signal(signal.SIGSTOP)
    while systemd.hear(1):
        pass
    s.process.signal(signal.SIGCONT)
    systemd.wait("WATCHDOG=1")
    s.stop()
    other = t.sidecar(t.gateway(home=t.path("mastio2")), env=systemd.env(
        WATCHDOG_USEC="100000", WATCHDOG_PID="1"))
    systemd.wait("READY=1")
    systemd.said.clear()
    while systemd.hear(1):
        pass
    assert not any("WATCHDOG" in m for m in systemd.said), systemd.said
    other.stop()
