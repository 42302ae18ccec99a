"""Kept gateway connections that the gateway has given up."""

from harness import case


def prime(g, s):
    """Leaves exactly one kept connection behind per worker that served."""
    assert s.get("/v1/models").status == 200
    return len(g.requests())


@case
def closed_idle_connection_is_noticed(t):
    """A connection that the gateway closed while idle is not used again: the
    next request succeeds, whatever its method."""
    g, s = t.pair()
    for how in ("close", "reset"):
        prime(g, s)
        g.close_connections(how, "all")
        t.wait_until(lambda: g.stats()["connections_open"] == 0)
        a = s.request("POST", "/v1/egress/x?bytes=3", body=b"once")
        assert a.status == 200, a
    assert g.stats()["jti_repeated"] == 0


@case
def stale_get_is_sent_again(t):
    """A GET that met a dying kept connection is sent once more, on a new
    connection, with a new proof."""
    g, s = t.pair(workers=1)
    prime(g, s)
    g.fault(path="/v1/egress/s", count=1, close_before_answer=True)
    a = s.get("/v1/egress/s?bytes=7")
    assert a.status == 200 and len(a.body) == 7, a
    tries = g.journal("/v1/egress/s")
    assert len(tries) == 2 and tries[0]["conn"] != tries[1]["conn"], tries
    assert tries[0]["proof"]["jti"] != tries[1]["proof"]["jti"]
    assert s.wait_end("ok", 2)["attempts"] == 2
    assert s.metrics()["upstream_stale_retries_total"] == 1


@case
def stale_post_is_not_sent_again(t):
    """A POST that met a dying kept connection may have run: it is answered
    502 upstream-closed and not sent again.

    END: upstream-closed
    """
    g, s = t.pair(workers=1)
    prime(g, s)
    g.fault(path="/v1/egress/s", count=1, close_before_answer=True)
    a = s.request("POST", "/v1/egress/s?bytes=7", body=b"pay")
    assert (a.status, a.code) == (502, "upstream-closed"), a
    assert a.get("X-Should-Retry") in ("true", "false"), a
    assert len(g.journal("/v1/egress/s")) == 1
    s.wait_end("upstream-closed")


@case
def fresh_connection_is_not_retried(t):
    """A GET whose new connection is closed without an answer is not sent for
    ever: the gateway does not answer, and that is said.

    END: upstream-closed
    """
    g, s = t.pair(workers=1)
    prime(g, s)
    g.fault(path="/v1/egress/s", close_before_answer=True)
    a = s.get("/v1/egress/s")
    assert (a.status, a.code) == (502, "upstream-closed"), a
    assert len(g.journal("/v1/egress/s")) == 2


@case
def tool_call_never_runs_twice(t):
    """An MCP tool call whose answer is lost runs once."""
    g, s = t.pair(workers=1)
    prime(g, s)
    g.fault(path="/v1/mcp", where="front", count=1, close_before_answer=True)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "echo", "arguments": {}}}
    a = s.post("/v1/mcp", call)
    assert a.status == 502, a
    assert a.json["jsonrpc"] == "2.0" and a.json["error"]["message"], a
    assert a.json["error"]["data"]["code"] == "upstream-closed", a
    assert g.stats()["executed_tools"] == 0
    assert s.post("/v1/mcp", call).status == 200
    assert g.stats()["executed_tools"] == 1
