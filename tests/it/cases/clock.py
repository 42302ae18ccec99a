"""The clocks: the gateway's is followed, the machine's may jump."""

import os

from harness import case
from harness.origin import Origin, read_head
from harness import netns

FAKETIME = "/usr/lib/%s-linux-gnu/faketime/libfaketimeMT.so.1"
TOKEN = "/v1/auth/token"
HOUR = 3600


class LocalClock:
    """The wall clock of a sidecar, which the test sets; what it measures time
    with is the machine's."""

    def __init__(self, t):
        library = FAKETIME % os.uname().machine
        assert os.path.exists(library), \
            f"{library} is missing: apt-get install faketime"
        self.path = t.path("clock")
        self.set(0)
        self.env = {"LD_PRELOAD": library, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_TIMESTAMP_FILE": self.path,
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        with open(self.path + "+", "w", encoding="ascii") as f:
            f.write(f"{seconds:+d}\n")
        os.rename(self.path + "+", self.path)


def offset(s):
    return s.metrics()["clock_offset_seconds"]


def moves(s):
    return [l for l in s.log_lines()
            if l.get("area") == "clock" and "new_offset_ms" in l]


def refusals(s):
    return [l for l in s.log_lines()
            if l.get("area") == "clock" and l["level"] == "warn"]


@case(plain=True)
def local_clock_jumps_by_an_hour(t):
    """An hour's jump of the local clock, forward and backward, in service and
    at a new login, costs no retry at all."""
    g = t.gateway()
    clock = LocalClock(t)
    s = t.sidecar(g, env=clock.env)
    assert -2.5 <= offset(s) <= 0, offset(s)
    for n, jump in enumerate((HOUR, -HOUR, 0)):
        clock.set(jump)
        for _ in range(3):
            a = s.get(f"/v1/egress/{n}?bytes=1")
            assert a.status == 200, a
        assert abs(offset(s) + jump) < 3, (jump, offset(s))
        g.control("POST", "/token/expire")
        a = s.get(f"/v1/egress/{n}?bytes=1")
        assert a.status == 200, a
        served = [e["status"] for e in g.journal(f"/v1/egress/{n}")]
        assert served == [200] * 3 + [401, 200], served  # its token ended
    assert [e["status"] for e in g.journal(TOKEN)] == [200] * 4
    assert not moves(s) and not refusals(s)
    assert g.stats()["proofs_bad"] == 0


@case(plain=True)
def local_clock_ahead_by_minutes(t):
    """With a local clock that is ahead by minutes from the start the first
    login heals, and says so; every proof after that is right."""
    for off in (300, 20):
        g = t.gateway(home=t.path(f"mastio{off}"))
        clock = LocalClock(t)
        clock.set(off)
        s = t.sidecar(g, env=clock.env)
        assert s.get("/v1/egress/x?bytes=1").status == 200
        assert len(g.journal("/v1/egress/")) == 1
        assert len(g.journal(TOKEN)) <= 2
        (move,) = moves(s)
        assert move["old_offset_ms"] == 0, move
        assert abs(move["new_offset_ms"] + off * 1000) < 2500, move


@case(plain=True)
def local_clock_off_by_an_hour(t):
    """A local clock that is an hour off before anything is known of the
    gateway's is not corrected: the log says why and what to do, the agent gets
    a reason.  Set right, it heals by itself."""
    g = t.gateway()
    clock = LocalClock(t)
    clock.set(HOUR)
    s = t.sidecar(g, env=clock.env, wait="listening", token_wait="200ms")
    s.wait_log("login failed")
    a = s.get("/v1/models")
    assert (a.status, a.code) == (503, "no-token"), a
    assert "clock" in a.body.decode(), a
    (line,) = refusals(s)
    assert "set this machine's clock right" in line["msg"], line
    assert not g.requests()
    clock.set(0)
    s.wait_ready()
    assert s.get("/v1/models").status == 200


@case
def gateway_clock_steps(t):
    """Steps of the gateway's clock cost one retry at most, and are logged with
    the old and the new offset."""
    g, s = t.pair()
    assert s.get("/v1/models").status == 200
    at = 0
    for n, to in enumerate((120, 0, -120, 0, 30, 0)):
        before = len(moves(s))
        g.control("POST", "/clock/shift", {"seconds": to})
        for _ in range(4):
            a = s.get(f"/v1/egress/{n}?bytes=1")
            assert a.status == 200, a
        assert len(g.journal(f"/v1/egress/{n}")) <= 5
        t.wait_until(lambda: len(moves(s)) > before)
        move = moves(s)[-1]
        assert len(moves(s)) == before + 1, moves(s)
        assert abs(move["old_offset_ms"] - at * 1000) < 2500, move
        assert abs(move["new_offset_ms"] - to * 1000) < 2500, move
        assert abs(offset(s) - to) < 2.5, offset(s)
        at = to
    status = s.admin("/status").json
    assert status["clock_known"] and abs(status["clock_offset_ms"]) < 2500


@case
def gateway_clock_off_by_an_hour(t):
    """A gateway whose clock goes off by an hour is not followed: the agent
    gets the reason, the log one line; when it is right again all is well.

    END: no-token
    """
    g, s = t.pair(token_wait="200ms")
    g.control("POST", "/clock/shift", {"seconds": HOUR})
    # Our token has ended for it, and so has every assertion of ours.
    for _ in range(2):
        a = s.get("/v1/egress/x")
        assert (a.status, a.code) == (503, "no-token"), a
    s.wait_log("login failed")
    assert abs(offset(s)) < 2.5, offset(s)
    assert len(refusals(s)) == 1, refusals(s)
    g.control("POST", "/clock/shift", {"seconds": 0})
    t.wait_until(lambda: s.get("/v1/egress/x?bytes=1").status == 200, 30)
    assert not moves(s)


@case
def date_of_others(t):
    """The Date of a host behind pass-through teaches nothing."""
    netns.enter()

    def serve(sock):
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                     b"Connection: close\r\n"
                     b"Date: Thu, 21 May 2026 10:00:30 GMT\r\n\r\nok")

    origin = Origin(t, serve, netns.ADDRESS)
    _, s = t.pair(pass_through=origin.authority)
    with s.connect() as c:
        c.request("GET", f"http://{origin.authority}/a", origin.authority)
        assert c.answer().status == 200
    assert abs(offset(s)) < 2.5
    assert not moves(s) and not refusals(s)
    origin.close()
    origin.check()
