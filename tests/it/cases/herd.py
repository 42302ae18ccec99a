"""Many who need the same token at once, and an issuer that has none."""

import resource
import selectors
import socket
import time

from harness import case
from harness.http import request_bytes

TOKEN = "/v1/auth/token"
DOWN = {"detail": "local issuer not initialized"}


def need_descriptors(n):
    """This process holds the clients' ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < n <= hard or hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n), hard))
    else:
        assert soft >= n, (f"this test needs {n} open files, and the hard "
                           f"limit is {hard}: raise it (ulimit -Hn)")


def herd(s, n):
    """n clients connect, then all of them ask at once; their statuses."""
    clients = [socket.create_connection(s.address()) for _ in range(n)]
    waiting = selectors.DefaultSelector()
    for i, c in enumerate(clients):
        waiting.register(c, selectors.EVENT_READ, i)
    for i, c in enumerate(clients):
        c.sendall(request_bytes("GET", f"/v1/egress/{i}?bytes=1",
                                s.authority))
    statuses = []
    while len(statuses) < n:
        events = waiting.select(s.test.seconds(60))
        assert events, f"nothing comes after {len(statuses)} answers"
        for key, _ in events:
            data = key.fileobj.recv(4096)
            statuses.append(int(data.split(b" ", 2)[1]) if data else 0)
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    return statuses


def stampede(t, n):
    need_descriptors(n + 500)
    # Only the token is scarce: the gateway may be as slow as it likes.
    g, s = t.pair(max_clients=n + 2000, max_upstream_connections=64,
                  token_wait="90s", queue_timeout="90s",
                  connect_timeout="60s", access_log="none")
    # A new login takes a while, as from an issuer that is asked a lot.
    g.fault(path=TOKEN, delay_ms=300)
    g.control("POST", "/token/expire")
    statuses = herd(s, n)
    assert statuses.count(200) == n, \
        {c: statuses.count(c) for c in set(statuses)}
    assert len(g.journal(TOKEN)) == 2, "more than one login"
    stats = g.stats()
    assert stats["proofs_bad"] == 0 and stats["jti_repeated"] == 0, stats
    tries = {}
    for e in g.requests():
        tries.setdefault(e["path"], []).append(e["status"])
    # Some met the end of the token, none twice; the others waited.
    assert all(x in ([200], [401, 200]) for x in tries.values()), tries


@case(plain=True, alone=True, seconds=180)
def ten_thousand_at_the_end_of_a_token(t):
    """10,000 requests at once meet a token that has ended: one login for all
    of them and all workers, no request fails."""
    stampede(t, 10000)


@case(alone=True, seconds=180)
def five_hundred_at_the_end_of_a_token(t):
    """The same with 500, in every build."""
    stampede(t, 500)


@case
def issuer_down_beyond_the_end(t):
    """While the issuer is down the old token serves until it ends and is
    never sent after that; then agents get 503 no-token with the reason, and
    when the issuer is back all is well by itself.

    END: no-token
    """
    g, s = t.pair("--token-ttl", "6", token_wait="100ms")
    g.fault_json(TOKEN, 503, DOWN)
    seen = []

    def ended():
        a = s.get("/v1/models")
        seen.append(a.status)
        assert a.status == 200 or a.code == "no-token", a
        return a.status == 503

    t.wait_until(ended, 30)
    assert seen.count(200) >= 10 and seen.count(503) == 1, seen
    assert "issuer" in s.get("/v1/models").error["message"]
    for e in g.requests():
        assert e["status"] == 200, e
        assert e["time_ms"] / 1000 < e["token"]["exp"] + 1, e
    g.clear_faults()
    s.wait_ready()
    assert s.get("/v1/models").status == 200


@case
def issuer_asks_to_wait(t):
    """429 and 503 of the issuer with Retry-After: no login before that from
    any worker, however many requests ask for one."""
    for status in (429, 503):
        g = t.gateway(home=t.path(f"mastio{status}"))
        g.fault_json(TOKEN, status, DOWN, count=1,
                     headers={"Retry-After": "3"})
        s = t.sidecar(g, wait="listening", token_wait="50ms")
        t.wait_until(lambda: g.journal(TOKEN))
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert s.get("/v1/models").code == "no-token"
        assert len(g.journal(TOKEN)) == 1
        s.wait_ready()
        first, second = g.journal(TOKEN)
        assert second["time_ms"] - first["time_ms"] >= 2900, (first, second)
