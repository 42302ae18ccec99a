"""Web pages must not borrow the identity."""

from harness import case
from harness.gateway import NAME


def refused(t, g, a, code="browser-refused"):
    assert (a.status, a.code) == (403, code), a
    assert a.error["suggestion"], a
    for name, _ in a.fields:
        assert not name.lower().startswith("access-control"), a


def nothing_opened(g, before):
    assert g.stats()["connections_accepted"] == before
    assert not g.requests()


@case
def origin(t):
    """Any Origin is refused, the sidecar's own too, without a CORS field and
    without a connection to the gateway.

    END: browser-refused
    """
    g, s = t.pair(upstream_idle_timeout="100ms")
    t.wait_until(lambda: g.stats()["connections_open"] == 0)
    before = g.stats()["connections_accepted"]
    for value in ("http://evil.test", "null", "http://localhost:3000",
                  f"http://{s.authority}", "", "http://127.0.0.1"):
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            with s.connect() as c:
                c.request(method, "/v1/models", s.authority,
                          {"Origin": value})
                a = c.begin_answer(method)
                assert (a.status, a.code) == (403, "browser-refused"), a
                assert not any(n.lower().startswith("access-control")
                               for n, _ in a.fields), a
    nothing_opened(g, before)
    s.wait_end("browser-refused")


@case
def sec_fetch_site(t):
    """Any Sec-Fetch-Site but none is refused, wherever it stands among
    repeated ones."""
    g, s = t.pair()
    for values in (["cross-site"], ["same-site"], ["same-origin"], ["None"],
                   ["none", "cross-site"], ["cross-site", "none"],
                   ["none", "none", "same-origin"], ["none, cross-site"],
                   [""]):
        a = s.get("/v1/models", [("Sec-Fetch-Site", v) for v in values])
        refused(t, g, a)
    assert s.get("/v1/models", {"Sec-Fetch-Site": "none"}).status == 200
    assert len(g.requests()) == 1


@case
def preflight(t):
    """A CORS preflight gets no permission."""
    g, s = t.pair()
    a = s.request("OPTIONS", "/v1/chat/completions", {
        "Origin": "http://evil.test",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true"})
    refused(t, g, a)


@case
def foreign_host(t):
    """A Host that is neither the listener nor the gateway is refused, which
    stops DNS rebinding.

    END: host-refused
    """
    g, s = t.pair(upstream_idle_timeout="100ms")
    t.wait_until(lambda: g.stats()["connections_open"] == 0)
    before = g.stats()["connections_accepted"]
    for host in ("evil.test", f"evil.test:{s.port}", "127.0.0.2",
                 "localhost.evil.test", f"127.0.0.1:{s.port + 1}",
                 "localhost:1", "[::1]", f"{NAME}.evil.test", "x" + NAME,
                 "0.0.0.0"):
        refused(t, g, s.get("/v1/models", host=host), "host-refused")
    for host in ("127.1", "2130706433", "0x7f000001"):
        assert s.get("/v1/models", host=host).status in (400, 403), host
    nothing_opened(g, before)
    s.wait_end("host-refused")


@case
def wrong_destination(t):
    """Another authority in absolute-form gets 421 with what to set, and no
    connection is opened to anybody.

    END: wrong-destination
    """
    g, s = t.pair(upstream_idle_timeout="100ms")
    t.wait_until(lambda: g.stats()["connections_open"] == 0)
    before = g.stats()["connections_accepted"]
    for authority in ("example.test", f"127.0.0.1:{g.port}",
                      f"localhost:{g.control_port}", NAME + ":81",
                      "sub." + NAME, "169.254.169.254"):
        a = s.get(f"http://{authority}/v1/models", host=authority)
        assert (a.status, a.code) == (421, "wrong-destination"), a
        assert "NO_PROXY" in a.error["suggestion"], a
        assert "gateway-alias" in a.error["suggestion"], a
    nothing_opened(g, before)
    s.wait_end("wrong-destination")


@case
def admin_listener_and_pages(t):
    """The admin listener gives a web page no CORS permission either."""
    g, s = t.pair()
    from harness.http import Client, request_bytes
    with Client(s.address("admin-listen"), t.seconds(10)) as c:
        c.send(request_bytes("GET", "/status", "evil.test",
                             {"Origin": "http://evil.test"}))
        a = c.answer()
    assert not any(n.lower().startswith("access-control")
                   for n, _ in a.fields), a
