"""Header fields that must not pass, and those that must."""

from harness import case

# Protocol 9.1: what an agent must not be able to say to the gateway.
STRIPPED = (
    "Authorization", "Proxy-Authorization", "DPoP", "X-API-Key",
    "X-Admin-Secret", "X-Org-Id", "X-Org-Secret", "X-SSL-Client-Cert",
    "X-SSL-Client-Verify", "X-SSL-Client-S-DN", "X-Cullis-Mastio-Signature",
    "X-Cullis-Role", "X-Cullis-Anything", "X-Forwarded-For",
    "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded",
    "X-Real-IP", "X-Original-URL", "X-Original-Host", "X-Rewrite-URL",
    "Keep-Alive", "TE", "Trailer", "Upgrade", "Cookie", "Proxy-Connection",
    "Proxy-Foo", "DPoP-Nonce", "X-HTTP-Method-Override",
)
ADDED = {"host", "authorization", "dpop", "content-length",
         "transfer-encoding", "via"}
MARK = "planted-by-the-agent"


def spellings(name):
    yield name
    yield name.lower()
    yield name.upper()
    if "-" in name:
        yield name.replace("-", "_")
        yield name.replace("-", "_").lower()
        yield name.replace("-", "_", 1)
        yield name.title().replace("-", "_", 1)


@case
def stripped_from_requests(t):
    """Nothing of what protocol 9.1 lists passes, in any spelling, with
    underscores for hyphens too."""
    g, s = t.pair()
    with s.connect() as c:
        for name in STRIPPED:
            for spelling in spellings(name):
                c.request("GET", "/v1/models", s.authority,
                          {spelling: MARK, "X-Own": "kept"})
                a = c.answer()
                assert a.status == 200, (spelling, a)
    for e in g.requests():
        for name, value in e["headers"]:
            assert MARK not in value, (name, value)
        assert ["X-Own", "kept"] in e["headers"], e["headers"]
        assert e["agent_id"] == "orga::bot"


@case
def exactly_one_of_ours(t):
    """The gateway gets exactly one Authorization, DPoP and Host, whatever the
    agent sent."""
    g, s = t.pair()
    s.get("/v1/models", [("Authorization", "Bearer sk-agent"),
                         ("DPoP", "agents.own.proof"),
                         ("authorization_", "x")])
    (e,) = g.requests()
    names = [n.lower() for n, _ in e["headers"]]
    for name in ("authorization", "dpop", "host"):
        assert names.count(name) == 1, e["headers"]


@case
def connection_options_are_dropped(t):
    """Fields that Connection names end here; fields that matter cannot be
    removed that way."""
    g, s = t.pair()
    a = s.request("POST", "/v1/egress/x?bytes=1", [
        ("Connection", "keep-alive, X-Hop, Content-Type"),
        ("X-Hop", MARK), ("Content-Type", "text/plain")], b"body")
    assert a.status == 200, a
    (e,) = g.requests()
    assert not any(MARK in v for _, v in e["headers"]), e["headers"]
    assert e["body_bytes"] == 4


@case
def passed_to_the_gateway(t):
    """The agent's own fields pass in order, repeated ones too."""
    g, s = t.pair()
    fields = [("Accept", "text/event-stream"), ("User-Agent", "agent/1"),
              ("Content-Type", "application/json"), ("traceparent", "00-ab"),
              ("tracestate", "a=1"), ("X-Request-ID", "rid-1"),
              ("X-Custom", "one"), ("X-Custom", "two"),
              ("Accept-Language", "de"), ("Idempotency-Key", "k"),
              ("OpenAI-Organization", "org"), ("Mcp-Session-Id", "m1"),
              ("X-Cullis-Session-Token", "st")]
    assert s.get("/v1/models", fields).status == 200
    (e,) = g.requests()
    passed = [(n, v) for n, v in e["headers"] if n.lower() not in ADDED]
    assert passed == fields, passed


@case
def placeholder_key_of_the_agent_is_replaced(t):
    """An OpenAI client's Authorization never reaches the gateway; ours
    does."""
    g, s = t.pair()
    assert s.chat(fields=[("Authorization", "Bearer sk-placeholder")]
                  ).status == 200
    (e,) = g.requests()
    assert e["auth"] == "token"


DROPPED = (
    ("Set-Cookie", "sid=1"), ("Set-Cookie2", "x"), ("Alt-Svc", 'h3=":443"'),
    ("Clear-Site-Data", '"*"'), ("Proxy-Authenticate", "Basic"),
    ("Proxy-Status", "x"), ("DPoP-Nonce", "abc"),
    ("WWW-Authenticate", "DPoP"),
    ("Strict-Transport-Security", "max-age=1"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Expose-Headers", "*"), ("Keep-Alive", "timeout=5"),
    ("Upgrade", "h2c"), ("Proxy-Connection", "close"),
)
SURFACED = (
    ("X-Cullis-Role", "proxy"), ("X-Cullis-Mode", "standalone"),
    ("X-Cullis-Trace", "trace_9"), ("X-Cullis-Shed-Reason", "none"),
    ("X-Cullis-Hint", "hint"), ("Retry-After", "7"), ("Cache-Control", "x"),
    ("ETag", '"e"'), ("X-Any", "thing"), ("Content-Language", "en"),
)


@case
def response_fields(t):
    """Response fields that would harm on a plain local port are dropped, the
    gateway's own facts are shown."""
    g, s = t.pair()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"".join(
        f"{n}: {v}\r\n{n.lower()}: {v}\r\n".encode() for n, v in DROPPED
    ) + b"".join(f"{n}: {v}\r\n".encode() for n, v in SURFACED) + b"\r\nok"
    g.fault("/v1/egress/", raw=head)
    for version in ("1.1", "1.0"):
        a = s.get("/v1/egress/x", version=version)
        assert a.status == 200 and a.body == b"ok", a
        for name, value in DROPPED:
            assert value not in a.all(name), (name, a)
        for name, value in SURFACED:
            assert a.all(name) == [value], (name, a)


@case
def repeated_response_fields(t):
    """Repeated response fields stay repeated, in order."""
    g, s = t.pair()
    g.fault("/v1/egress/",
            raw=b"HTTP/1.1 200 OK\r\nLink: <a>\r\nX-B: b\r\nLink: <c>\r\n"
                b"Content-Length: 0\r\n\r\n")
    a = s.get("/v1/egress/x")
    assert a.all("Link") == ["<a>", "<c>"], a


@case
def location_points_back_here(t):
    """A Location on the gateway is rewritten to where the client asked, so
    that a client that follows it comes back here; others stay."""
    g, s = t.pair()

    def location(to, **more):
        g.clear_faults()
        g.fault("/v1/egress/", status=307, headers={"Location": to}, body="")
        a = s.get(more.pop("path", "/v1/egress/x"), **more)
        assert a.status == 307, a
        return a.get("Location")

    to = "https://mastio.test/v1/egress/y"
    assert location(to) == f"http://{s.authority}/v1/egress/y"
    assert location(to, host="mastio.test") == "http://mastio.test/v1/egress/y"
    assert location("/v1/egress/y") == "/v1/egress/y"
    assert location("https://other.test/y") == "https://other.test/y"


@case
def location_without_a_host(t):
    """A client of HTTP/1.0 that sends no Host gets a path, which cannot lead
    elsewhere either."""
    g, s = t.pair()
    for to, want in (("/v1/egress/y", "/v1/egress/y"), ("", "/"),
                     ("?q", "/?q"), ("//evil.test/y", "/.//evil.test/y")):
        g.clear_faults()
        g.fault("/v1/egress/", status=307, body="",
                headers={"Location": "https://mastio.test" + to})
        a = s.raw(b"GET /v1/egress/x HTTP/1.0\r\n\r\n")
        assert (a.status, a.get("Location")) == (307, want), (to, a)
