"""Bodies that are kept for a second try, within replay-total together."""

from harness import case

KEPT = 200000  # bytes of each body
SHARE = 300000  # of each worker: room for one and a half


def begin(s, n):
    """A request that lacks its last byte."""
    c = s.connect()
    c.send(b"POST /v1/egress/%d?bytes=1 HTTP/1.1\r\nHost: %s\r\n"
           b"Content-Length: %d\r\n\r\n" % (n, s.authority.encode(), KEPT + 1)
           + b"k" * KEPT)
    return c


@case
def shared_by_requests(t):
    """Who comes when the worker's share is taken is told that its body was not
    kept, and may try again; who was there first is served a second time by
    itself; then there is room again."""
    g, s = t.pair(replay_limit="256k", replay_total=t.workers * SHARE)

    def held():
        return s.metrics()["replay_buffer_bytes"]

    first, second = [], []
    for n in range(t.workers):
        first.append(begin(s, n))
        t.wait_until(lambda: held() == (n + 1) * KEPT,
                     what=lambda: f"{n + 1} bodies are kept: {held()}")
    for n in range(t.workers):
        second.append(begin(s, 100 + n))
    g.control("POST", "/token/expire")
    for c in second:
        c.send(b"!")
    for c in second:
        a = c.answer("POST")
        assert a.status == 502 and a.code == "request-not-kept", a
        assert a.get("X-Should-Retry") == "true", a
    for c in first:
        c.send(b"!")
    for c in first:
        assert c.answer("POST").status == 200
    tries = [(e["path"], e["status"], e["body_bytes"])
             for e in g.journal("/v1/egress/") if e["status"] == 200]
    assert sorted(tries) == sorted(
        (f"/v1/egress/{n}", 200, KEPT + 1) for n in range(t.workers)), tries
    t.wait_until(lambda: held() == 0, what="all is given back")
    g.control("POST", "/token/expire")
    assert s.post("/v1/egress/again?bytes=1", b"k" * KEPT).status == 200
    for c in first + second:
        c.close()
