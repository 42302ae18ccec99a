"""MCP on the customer bundle: its nginx loses the POST behind a 204 (protocol
2.4)."""

import json
import threading

from harness import case

NOTE = {"jsonrpc": "2.0", "method": "notifications/initialized"}
PAIRS = 200


def rpc(method, number=1, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method,
            "params": params}


def tool(ident):
    return rpc("tools/call", name="echo", arguments={"id": ident})


def send(c, s, message):
    c.request("POST", "/v1/mcp", s.authority,
              [("Content-Type", "application/json")],
              json.dumps(message).encode())
    return c.answer("POST")


def pairs(s, name, count, failed):
    """Notifications, each with a tools/call right behind it."""
    try:
        with s.connect(timeout=60) as c:
            for n in range(count):
                a = send(c, s, NOTE)
                assert a.status == 204, a
                a = send(c, s, tool(f"{name}-{n}"))
                assert a.status == 200 and "result" in a.json, a
    except (AssertionError, OSError) as e:
        failed.append(e)


def all_run_once(g):
    stats = g.stats()
    ids = g.control("GET", "/executions")["ids"]
    calls = {k: v for k, v in ids.items() if v}
    assert len(calls) == PAIRS and set(calls.values()) == {1}, calls
    assert stats["executed_tools"] == PAIRS, stats
    assert stats["executed_twice"] == 0 and stats["lost"] == 0, stats


def by_clients(t, clients):
    g, s = t.pair("--front", "B")
    failed = []
    threads = [threading.Thread(target=pairs,
                                args=(s, f"c{i}", PAIRS // clients, failed))
               for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    all_run_once(g)
    return s


@case
def calls_behind_notifications(t):
    """Two hundred tools/call, each right behind a notification: none is lost
    and none runs twice."""
    s = by_clients(t, 1)
    assert s.metrics()["mcp_holds_total"] > 0


@case(seconds=120)
def calls_of_many_clients(t):
    """The same of eight clients at a time: a notification of one would cost
    the others their POSTs."""
    s = by_clients(t, 8)
    assert s.metrics()["mcp_holds_total"] > 0


@case
def chats_beside_notifications(t):
    """POSTs that have nothing to do with MCP share the fate, and are held
    back too."""
    g, s = t.pair("--front", "B")
    failed = []
    thread = threading.Thread(target=pairs, args=(s, "c", 40, failed))
    thread.start()
    while thread.is_alive():
        assert s.chat().status == 200
    thread.join()
    assert not failed, failed
    assert g.stats()["lost"] == 0


@case
def lost_reads_are_sent_again(t):
    """What nginx loses nevertheless goes once more if it only reads, twice at
    most; tools/call never does."""
    g, s = t.pair("--front", "B")

    def page(times):
        g.fault("/v1/mcp", status=502, body="<html></html>", count=times,
                content_type="text/html", headers={"Server": "nginx"})

    for method in ("initialize", "ping", "tools/list"):
        page(2)
        a = s.post("/v1/mcp", rpc(method))
        assert a.status == 200 and "result" in a.json, a
        page(3)
        assert s.post("/v1/mcp", rpc(method)).status == 502
    page(1)
    a = s.post("/v1/mcp", tool("once"))
    assert a.status == 502 and a.code is None, a
    assert g.stats()["executed_tools"] == 0
    assert s.metrics()['retries_total{reason="lost"}'] == 12
