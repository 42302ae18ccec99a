"""Connections to the gateway: kept, limited, resumed."""

from harness import case


def data_connections(g):
    return {e["conn"] for e in g.requests()}


@case
def requests_share_a_connection(t):
    """Requests one after the other use one connection to the gateway."""
    g, s = t.pair(workers=1)
    for _ in range(30):
        assert s.get("/v1/models").status == 200
    assert len(data_connections(g)) == 1
    assert s.metrics()["upstream_reuses_total"] >= 29


@case
def connections_per_worker(t):
    """N workers keep at most N connections for requests one after the
    other."""
    g, s = t.pair()
    for _ in range(30):
        assert s.get("/v1/models").status == 200
    assert len(data_connections(g)) <= t.workers


@case
def max_uses(t):
    """A connection carries upstream-max-uses requests and is then replaced,
    before the gateway's own limit."""
    g, s = t.pair(workers=1, upstream_max_uses=5)
    for _ in range(20):
        assert s.get("/v1/models").status == 200
    counts = {}
    for e in g.journal():
        counts[e["conn"]] = counts.get(e["conn"], 0) + 1
    assert max(counts.values()) <= 5, counts


@case
def idle_timeout(t):
    """A connection idle for upstream-idle-timeout is closed by the
    sidecar."""
    g, s = t.pair(upstream_idle_timeout="200ms")
    assert s.get("/v1/models").status == 200
    t.wait_until(lambda: g.stats()["connections_open"] == 0)
    assert s.get("/v1/models").status == 200


@case
def gateway_says_close(t):
    """Connection: close from the gateway is kept to: the next request uses a
    new connection."""
    g, s = t.pair("--keepalive-requests", "3", workers=1)
    for _ in range(10):
        assert s.request("POST", "/v1/egress/x?bytes=9",
                         body=b"a").status == 200
    assert len(g.requests()) == 10


@case
def tls_sessions_are_resumed(t):
    """A new connection resumes the TLS session of an earlier one."""
    g, s = t.pair(workers=1)
    assert s.get("/v1/models").status == 200
    for _ in range(3):
        g.close_connections()
        t.wait_until(lambda: g.stats()["connections_open"] == 0)
        assert s.get("/v1/models").status == 200
    assert g.stats()["handshakes_resumed"] >= 3, g.stats()
    m = s.metrics()
    assert m['tls_handshakes_total{resumed="yes"}'] >= 3, m
    for e in g.requests():
        assert e["tls"]["client_sha256"], e


@case
def connection_ending_with_the_answer_is_not_kept(t):
    """An answer that leaves bytes behind, or was cut, spoils its connection:
    the next request uses another."""
    g, s = t.pair(workers=1)
    g.fault(path="/v1/egress/x", count=1, raw_keep=True,
            raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 "
                b"OK\r\nContent-Length: 6\r\n\r\nsmuggl")
    assert s.get("/v1/egress/x").body == b"ok"
    a = s.get("/v1/egress/y?bytes=3")
    assert a.status == 200 and a.body == b"\0\1\2", a
