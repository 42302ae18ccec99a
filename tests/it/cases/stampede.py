"""Many sidecars of one gateway that comes back after an outage."""

from datetime import datetime

from harness import case

TOKEN = "/v1/auth/token"
SIDECARS = 8
FAILURES = 3  # of each before it is back: 1, 2 and 4 s, each up to a quarter less
SPREAD_S = 0.2  # without jitter: milliseconds; with it less once in 30,000 runs


def moments(s, msg):
    """When its log said so."""
    return [datetime.fromisoformat(l["ts"]) for l in s.log_lines()
            if l.get("msg") == msg]


def refuse_all(sidecars):
    """Every sidecar learns in the same moment that its token is no good."""
    clients = [s.connect() for s in sidecars]
    for s, c in zip(sidecars, clients):
        c.request("GET", "/v1/models", s.authority)
    for c in clients:
        assert c.answer().code == "no-token"
        c.close()


@case(seconds=90)
def logins_after_an_outage(t):
    """Eight processes that lost their tokens in the same moment do not come
    back in one, and each logs in once."""
    g = t.gateway()
    sidecars = [t.sidecar(g, token_wait="50ms") for _ in range(SIDECARS)]
    g.fault_json(TOKEN, 503, {"detail": "local issuer not initialized"})
    g.control("POST", "/token/expire")
    refuse_all(sidecars)
    g.stop()
    for s in sidecars:
        t.wait_until(lambda: len(moments(s, "login failed")) >= FAILURES,
                     30, "it has tried again and again")
    g.start()
    for s in sidecars:
        t.wait_until(lambda: len(moments(s, "logged in")) == 2, 30,
                     "it is logged in again")
    # Counted from each one's own first failure, so that a slow machine, on
    # which they did not begin together, does not make it look like jitter.
    after = sorted((moments(s, "logged in")[1]
                    - moments(s, "login failed")[0]).total_seconds()
                   for s in sidecars)
    assert after[-1] - after[0] >= SPREAD_S, after
    logins = g.journal(TOKEN)
    assert [e["status"] for e in logins] == [200] * SIDECARS, logins
    times = [e["time_ms"] for e in logins]
    assert max(times) - min(times) >= SPREAD_S * 1000 / 2, times
    for s in sidecars:
        assert s.get("/v1/models").status == 200
