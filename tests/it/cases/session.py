"""The session with the gateway over time."""

import threading
import time
from email.utils import formatdate

from harness import case

TOKEN = "/v1/auth/token"


def in_parallel(n, f):
    """f(i) in n threads at once; their results."""
    results = [None] * n
    start = threading.Barrier(n)

    def run(i):
        start.wait()
        try:
            results[i] = f(i)
        except Exception as e:  # given back as a result
            results[i] = e

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for th in threads:
        th.start()
    for th in threads:
        th.join()
    for r in results:
        if isinstance(r, Exception):
            raise r
    return results


def logins(g):
    return g.journal(TOKEN)


@case
def refreshed_before_it_ends(t):
    """A token is refreshed before it ends; no request fails meanwhile."""
    g, s = t.pair("--token-ttl", "4")
    seen = set()

    def look():
        a = s.get("/v1/models")
        assert a.status == 200, a
        seen.add(g.requests()[-1]["token"]["jti"])
        return len(logins(g)) >= 3

    t.wait_until(look, 30)
    assert len(seen) >= 2, seen
    ends = [e["token"]["exp"] for e in g.requests()]
    times = [e["time_ms"] / 1000 for e in g.requests()]
    # Its claims count whole seconds, down.
    assert all(now < end + 1 for now, end in zip(times, ends))


@case
def rejected_token_is_renewed(t):
    """401 `local token rejected` is healed by one login and one retry, of a
    GET and of a POST with its body; the client sees only the answer."""
    g, s = t.pair()
    assert s.get("/v1/models").status == 200
    before = len(logins(g))
    g.control("POST", "/token/expire")
    body = bytes(range(256)) * 400
    a = s.request("POST", "/v1/egress/x?bytes=5", body=body)
    assert a.status == 200, a
    tries = g.journal("/v1/egress/x")
    assert [e["status"] for e in tries] == [401, 200], tries
    assert tries[0]["body_sha256"] == tries[1]["body_sha256"]
    assert tries[1]["body_bytes"] == len(body)
    assert tries[0]["proof"]["jti"] != tries[1]["proof"]["jti"]
    assert tries[0]["proof"]["ath"] != tries[1]["proof"]["ath"]
    assert len(logins(g)) == before + 1
    assert s.wait_end("ok", 2)["attempts"] == 2


@case
def rejected_token_with_chunked_body(t):
    """The retry repeats a chunked body too, chunked."""
    g, s = t.pair()
    g.control("POST", "/token/expire")
    with s.connect() as c:
        c.request("POST", "/v1/egress/x?bytes=5", s.authority,
                  {"Transfer-Encoding": "chunked"})
        for _ in range(20):
            c.send_chunk(b"abc" * 1000)
        c.end_chunks()
        assert c.answer().status == 200
    tries = g.journal("/v1/egress/x")
    assert [e["framing"] for e in tries] == ["chunked"] * 2, tries
    assert [e["body_bytes"] for e in tries] == [60000] * 2


@case
def body_over_the_replay_limit_is_not_retried(t):
    """A body larger than replay-limit cannot be sent again: the refusal
    becomes a 502 that says it may be tried again, and the next request is
    served with a new token. END: request-not-kept"""
    g, s = t.pair(replay_limit="64k")
    g.control("POST", "/token/expire")
    a = s.request("POST", "/v1/egress/x", body=b"x" * 300000)
    assert a.status == 502 and a.code == "request-not-kept", a
    assert a.get("X-Should-Retry") == "true", a
    assert len(g.journal("/v1/egress/x")) == 1
    t.wait_until(lambda: s.get("/v1/egress/x?bytes=1").status == 200)


@case
def one_login_for_many_requests(t):
    """Many requests that meet a rejected token at once cause one login."""
    g, s = t.pair()
    before = len(logins(g))
    g.control("POST", "/token/expire")
    answers = in_parallel(24, lambda i: s.get(f"/v1/egress/{i}?bytes=1"))
    assert {a.status for a in answers} == {200}, answers
    assert len(logins(g)) == before + 1, len(logins(g)) - before


@case
def one_login_at_the_start(t):
    """Requests that come before the token wait for it, and share one
    login."""
    g = t.gateway()
    g.fault(path=TOKEN, delay_ms=500, count=1)
    s = t.sidecar(g, wait="listening")
    answers = in_parallel(16, lambda i: s.get("/v1/models"))
    assert {a.status for a in answers} == {200}, answers
    assert len(logins(g)) == 1


@case
def refused_while_refreshing(t):
    """A token that is refused while the next one is being fetched is shown to
    nobody any more: one request learns it, the others wait."""
    g, s = t.pair("--token-ttl", "5")
    with s.connect() as c:
        for _ in range(t.workers):
            assert s.get("/v1/models").status == 200
        g.fault(path=TOKEN, delay_ms=3000, count=1)
        t.wait_until(lambda: s.status()["session"] == "refreshing")
        g.control("POST", "/token/expire")
        c.request("GET", "/v1/models", s.authority)
        t.wait_until(lambda: s.status()["session"] == "fetching")
        answers = in_parallel(8, lambda i: s.get(f"/v1/egress/{i}?bytes=1"))
        assert {a.status for a in answers} == {200}, answers
        assert c.answer().status == 200
    refused = [e for e in g.requests() if e["status"] == 401]
    assert len(refused) == 1, refused
    assert len(logins(g)) == 2, logins(g)


@case
def rotated_signing_key(t):
    """A gateway that signs with a new key knows none of its old tokens: one
    login heals that."""
    g, s = t.pair()
    assert s.get("/v1/models").status == 200
    g.control("POST", "/token/rotate-key")
    assert s.get("/v1/models").status == 200
    assert len(logins(g)) == 2


@case
def no_token_without_the_gateway(t):
    """A gateway that is down: requests wait token-wait, then get 503 with the
    reason and Retry-After; when it is back, they are served.

    END: no-token
    """
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening", token_wait="300ms")
    a = s.get("/v1/models")
    assert (a.status, a.code) == (503, "no-token"), a
    assert int(a.get("Retry-After")) >= 1 and a.get("X-Should-Retry") == "true"
    assert "connect" in a.error["message"].lower(), a
    assert s.admin("/livez").status == 200
    assert s.admin("/readyz").status == 503
    s.wait_end("no-token")
    g.start()
    s.wait_ready()
    assert s.get("/v1/models").status == 200


@case
def waiting_request_is_served_when_the_token_comes(t):
    """A request that waits for a token is served when the gateway comes up
    in time."""
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening", token_wait="60s")
    with s.connect(timeout=60) as c:
        c.request("GET", "/v1/models", s.authority)
        s.wait_log("login failed")
        g.start()
        assert c.answer().status == 200


@case
def old_token_serves_while_refresh_fails(t):
    """While refreshing fails, the token in hand serves until it ends."""
    g, s = t.pair("--token-ttl", "8")
    g.fault_json(TOKEN, 503, {"detail": "local issuer not initialized"})
    t.wait_until(lambda: len(logins(g)) >= 2, 30)
    assert s.get("/v1/models").status == 200
    assert s.ready()


@case
def retry_after_is_honoured(t):
    """A login that is answered with Retry-After is not tried again
    earlier; it may be a time as well as seconds."""
    g = t.gateway()
    g.fault_json(TOKEN, 503, {"detail": "local issuer not initialized"},
                 count=1, headers={"Retry-After": "3"})
    t.sidecar(g)
    first, second = logins(g)
    assert second["time_ms"] - first["time_ms"] >= 2900
    g.fault_json(TOKEN, 503, {"detail": "local issuer not initialized"},
                 headers={"Retry-After": formatdate(time.time() + 3000,
                                                    usegmt=True)})
    s = t.sidecar(g, wait="listening")
    s.wait_log("login failed")
    [line] = [e for e in s.log_lines() if e.get("msg") == "login failed"]
    assert 2000000 < line["retry_ms"] < 4000000, line


@case
def failing_logins_back_off(t):
    """Logins that fail are repeated at growing intervals."""
    g = t.gateway()
    g.fault_json(TOKEN, 503, {"detail": "local issuer not initialized"})
    t.sidecar(g, wait="listening")
    t.wait_until(lambda: len(logins(g)) >= 3, 30)
    a, b, c = [e["time_ms"] for e in logins(g)[:3]]
    assert b - a >= 700 and c - b >= 1400, (b - a, c - b)


@case
def waiting_clients_that_leave_are_forgotten(t):
    """A client that leaves while it waits for a token ends its exchange."""
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening", token_wait="60s")
    with s.connect() as c:
        c.request("GET", "/v1/models", s.authority)
        t.wait_until(lambda: s.metrics()["clients_opened_total"] >= 1)
    s.wait_end("client-gone")
    g.start()
    s.wait_ready()
    assert not g.requests()


@case
def bad_token_texts_are_refused(t):
    """A token that could not stand in a header is not used."""
    g = t.gateway()
    for n, token in enumerate(("a\r\nX-Evil: yes", "a b", "", "x" * 70000,
                               "t\u00f6ken", "a\x00b")):
        g.clear_faults()
        g.fault_json(TOKEN, 200, {"access_token": token, "expires_in": 900,
                                  "token_type": "Bearer"})
        s = t.sidecar(g, wait="listening", token_wait="200ms",
                      token_binding="prefer")
        a = s.get("/v1/models")
        assert (a.status, a.code) == (503, "no-token"), (token[:20], a)
    assert not g.requests()
