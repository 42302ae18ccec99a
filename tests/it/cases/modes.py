"""auth: what requests show the gateway beside the client certificate."""

import json

from harness import case
from .bad_input import refused

TOKEN = "/v1/auth/token"
NO_ISSUER = {"detail": "reverse proxy not configured (broker_url missing)"}


def auth_of(entry):
    """What a request showed, as the gateway saw it."""
    names = {n.lower() for n, _ in entry["headers"]}
    return names & {"authorization", "x-api-key", "dpop"}


@case
def certificate_on_every_front(t):
    """With auth = cert no request fails for want of a nonce where proofs are
    optional, however many processes draw lots for it; nobody logs in."""
    for front, processes in (("A", 1), ("A", 4), ("B", 1), ("B", 4),
                             ("C", 4)):
        name = f"{front}{processes}"
        g = t.gateway("--front", front, "--processes", str(processes),
                      home=t.path(name))
        s = t.sidecar(g, auth="cert")
        with s.connect(seen=False) as c:  # the echo repeats our credentials
            for i in range(40):
                c.request("GET", f"/v1/egress/peers?i={i}", s.authority)
                a = c.answer()
                assert a.status == 200, (name, i, a)
        assert not g.journal(TOKEN), name
        last = g.requests()[-1]
        assert auth_of(last) <= {"dpop"}, (name, last)
        s.stop()
        g.stop()


@case
def certificate_and_required_proofs(t):
    """Where proofs are required nonces are drawn until one is known; on one
    process that is the second."""
    g, s = t.pair("--dpop-mode", "required", auth="cert")
    for _ in range(5):
        assert s.get("/v1/egress/peers").status == 200
    statuses = [e["status"] for e in g.requests()]
    assert statuses.count(200) == 5, statuses
    assert statuses.count(401) <= t.workers, statuses


@case
def nonce_lottery_lost(t):
    """No nonce is ever known and proofs are required: 502 names the cause."""
    g, s = t.pair("--dpop-mode", "required", auth="cert")
    g.fault_json("/v1/egress/", 401, {"detail": "use_dpop_nonce"},
                 headers={"DPoP-Nonce": "f" * 32})
    a = s.get("/v1/egress/peers")
    assert a.status == 502 and a.code == "nonce-refused", a
    g.clear_faults()
    assert s.get("/v1/egress/peers").status == 200


@case
def head_requests(t):
    """An answer to HEAD has no body that names the reason of a refusal: a
    nonce, a base or a proof that is missing is made good all the same, by
    certificate and by API key."""
    ok = [("X-Mastio-Status", "200")]
    public = "https://public.test:9443"
    for name, args, options in (
            ("optional", (), {}),
            ("required", ("--dpop-mode", "required"), {}),
            ("named", ("--public-url", public, "--production"), {}),
            ("legacy", ("--legacy",), {"auth": "api-key"})):
        g = t.gateway(*args, home=t.path(name))
        if name == "legacy":
            options["identity_dir"] = g.issue("old", agent="orga::old",
                                              api_key=True)
        s = t.sidecar(g, **{"auth": "cert", **options})
        for i in range(4):
            a = s.request("HEAD", f"/v1/egress/peers?bytes=3&i={i}", ok)
            assert a.status == 200, (name, i, a)
        served = [e["status"] for e in g.requests()].count(200)
        assert served == 4, (name, g.requests())
        s.stop()
        g.stop()


@case
def head_refused(t):
    """A HEAD that is refused whatever it shows ends with words that do not
    guess. END: auth-refused"""
    g, s = t.pair(auth="cert")
    g.fault("/v1/egress/", status=401, body="",
            headers={"DPoP-Nonce": "f" * 32})
    a = s.request("HEAD", "/v1/egress/peers")
    assert a.status == 502 and a.code == "refused-without-reason", a
    # with a nonce, then without a proof: it is neither
    assert len(g.requests()) == 3, g.requests()


@case
def head_without_a_token(t):
    """Where nothing but a token counts, a HEAD without one is sent once,
    refused as POST is, and told why. END: auth-refused"""
    g, s = t.pair(auth="cert")
    for challenge in ({}, {"WWW-Authenticate": 'DPoP realm="mcp-proxy", '
                                               'algs="ES256 PS256"'}):
        g.fault("/v1/mcp", status=401, body="", count=7,
                headers={"DPoP-Nonce": "f" * 32, **challenge})
        since = g.last_seq()
        a = s.request("HEAD", "/v1/mcp")
        assert a.status == 502 and a.code == "token-needed", a
        assert len(g.journal("/v1/mcp", since)) == 1, g.requests()
        g.clear_faults()
    a = s.post("/v1/mcp", LIST)
    assert a.status == 502 and a.code == "token-needed", a


@case
def public_url_is_learned(t):
    """The gateway names the URL that it expects: one retry, then it is
    known."""
    g, s = t.pair("--public-url", "https://public.test:9443", auth="cert")
    for _ in range(3):
        assert s.get("/v1/egress/peers").status == 200
    proofs = [e["proof"]["htu"] for e in g.requests() if e["proof"]]
    assert proofs[-1] == "https://public.test:9443/v1/egress/peers", proofs
    assert len(g.requests()) <= 5, proofs


@case
def public_url_is_hidden(t):
    """In production it names none: the setting does, or the certificate goes
    alone."""
    g = t.gateway("--public-url", "https://public.test:9443", "--production")
    s = t.sidecar(g, auth="cert")
    assert s.get("/v1/egress/peers").status == 200
    assert not g.requests()[-1]["proof"]
    s = t.sidecar(g, auth="cert",
                  public_htu_base="https://public.test:9443")
    since = g.last_seq()
    assert s.get("/v1/egress/peers").status == 200
    assert all(e["proof"] for e in g.journal("/v1/egress/", since))


@case
def route_that_wants_a_token(t):
    """A route for which the front end passes no certificate on cannot be
    reached without a token; the reason says so."""
    _, s = t.pair(auth="cert")
    for answer in (s.get("/v1/models"), s.chat()):
        assert answer.status == 502 and answer.code == "token-needed", answer
        assert "MCP_PROXY_LOCAL_AUTH_ENABLED" in answer.body.decode(), answer
    assert s.get("/v1/egress/peers").status == 200


@case
def no_issuer_and_back(t):
    """auth = auto: without an issuer the certificate goes alone, and tokens
    are used again as soon as the gateway issues them."""
    g = t.gateway()
    g.fault_json(TOKEN, 503, NO_ISSUER)
    s = t.sidecar(g)
    assert s.get("/v1/egress/peers").status == 200
    assert "authorization" not in auth_of(g.requests()[-1])
    assert s.wait_end("ok")["auth"] == "cert"
    status = json.loads(s.admin("/status").body)
    assert status["auth"] == "cert", status
    assert status["session"] == "without-token", status
    assert "trouble" not in status, status
    g.clear_faults()

    def shows_a_token():
        assert s.get("/v1/egress/peers").status == 200
        return "authorization" in auth_of(g.requests()[-1])

    t.wait_until(shows_a_token, what="a token is shown", timeout=30)


ROUTES = {
    "egress": lambda s: s.get("/v1/egress/peers?bytes=1"),
    "agents": lambda s: s.get("/v1/agents/search"),
    "audit": lambda s: s.get("/v1/audit/session/x"),
    "llm": lambda s: s.post("/v1/llm/chat", CHAT),
    "chat": lambda s: s.post("/v1/chat/completions", CHAT),
    "guardian": lambda s: s.post("/v1/guardian/inspect",
                                 {"payload_b64": "eA=="}),
    "models": lambda s: s.get("/v1/models"),
    "mcp": lambda s: s.post("/v1/mcp", LIST),
    "ingress": lambda s: s.get("/v1/ingress/tools"),
}
CHAT = {"model": "mastio-dev-echo",
        "messages": [{"role": "user", "content": "x"}]}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
# Where each front end passes the certificate on.
FORWARDED = {"A": {"egress", "agents", "audit", "llm", "chat", "guardian"},
             "B": {"egress", "agents", "audit", "llm"},
             "C": {"egress", "agents"},
             "L": {"egress", "agents"}}
BY_CERTIFICATE = {"agents", "audit"}  # they ignore tokens
BY_TOKEN = {"mcp", "ingress"}  # and these all else


def routes(s):
    """What comes of each route: 200, or the code of the refusal."""
    answers = {name: ask(s) for name, ask in ROUTES.items()}
    return {name: a.code or a.status for name, a in answers.items()}


def expected(front, tokens):
    """The same, as it should be with tokens of "local", of "court", or
    None."""
    def of(name):
        if name in FORWARDED[front] - BY_TOKEN:
            return 200
        if name in BY_CERTIFICATE:
            return "client-cert-kept-back"
        if tokens == "local" or (tokens and name in BY_TOKEN):
            return 200
        return "local-token-needed" if tokens else "token-needed"
    return {name: of(name) for name in ROUTES}


@case
def route_by_route(t):
    """auth = auto, on every front: with local tokens all routes are served,
    with the Court's those that take them and those with the certificate,
    without any the latter; what cannot be served says why, and costs no
    login. What the gateway issues may change meanwhile."""
    for front in "ABC":
        g = t.gateway("--front", front, home=t.path(front))
        s = t.sidecar(g)
        assert routes(s) == expected(front, "local"), front
        assert len(g.journal(TOKEN)) == 1, g.journal(TOKEN)
        g.set(local_auth="off")
        s = t.sidecar(g)
        assert routes(s) == expected(front, None), front
        g.set(local_auth="on")
        t.wait_until(lambda s=s: s.status()["auth"] == "token")
        assert routes(s) == expected(front, "local"), front
        g.set(local_auth="off", federated=True)
        s = t.sidecar(g)
        assert routes(s) == expected(front, "court"), front
        assert routes(s) == expected(front, "court"), front


@case
def route_by_route_with_a_key(t):
    """The same with an API key, at a gateway that knows keys: it is shown
    where a token is of no use, from the second request on at once; and where
    there are no tokens on every route but the Court's."""
    g = t.gateway("--legacy", "--federated")
    s = t.sidecar(g, identity_dir=g.issue("old", agent="orga::old",
                                          api_key=True))
    want = {n: 200 for n in ROUTES}
    assert routes(s) == want
    since = g.last_seq()
    assert routes(s) == want
    entries = g.journal("/v1/", since)
    refused = [e for e in entries if e["status"] == 401]
    # Nonces are each worker's own.
    assert all("nonce" not in e["proof"] for e in refused), refused
    served = {e["path"]: e["auth"] for e in entries if e["status"] == 200}
    assert served.pop("/v1/mcp") == "court", served
    assert served.pop("/v1/ingress/tools") == "court", served
    assert set(served.values()) == {"api-key"}, served
    g.set(federated=False, local_auth="off")
    s = t.sidecar(g, identity_dir=t.path("old"))
    assert routes(s) == {**want, "mcp": "token-needed",
                         "ingress": "token-needed"}
    assert s.get("/v1/broker/sessions").status == 503
    shown = {n.lower() for n, _ in g.requests()[-1]["headers"]}
    assert "x-api-key" not in shown, shown


@case
def key_that_is_wanted(t):
    """A gateway that knows keys alone says so to who has none, or another
    one's. END: auth-refused"""
    g = t.gateway("--legacy")
    s = t.sidecar(g, auth="cert")
    a = s.get("/v1/egress/peers?bytes=1")
    assert a.status == 502 and a.code == "api-key-needed", a
    with open(f"{g.agent_dir}/api-key", "w", encoding="ascii") as f:
        f.write("sk_local_bot_0123456789abcdef0123456789abcdef\n")
    s = t.sidecar(g)
    a = s.get("/v1/egress/peers?bytes=1")
    assert a.status == 502 and a.code == "api-key-refused", a


@case
def tokens_only(t):
    """auth = token never falls back."""
    g = t.gateway()
    g.fault_json(TOKEN, 503, NO_ISSUER)
    s = t.sidecar(g, wait="listening", auth="token", token_wait="300ms")
    a = s.get("/v1/egress/peers")
    assert a.status == 503 and a.code == "no-token", a
    assert "MCP_PROXY_LOCAL_AUTH_ENABLED" in a.body.decode(), a
    assert not g.requests()


@case
def api_key(t):
    """auth = api-key shows the key of the identity directory, with a proof
    over it; without a key it does not start."""
    g = t.gateway()
    refused(t, g, "there is no API key", auth="api-key")
    with open(f"{g.agent_dir}/api-key", "w", encoding="ascii") as f:
        f.write("sk_local_bot_0123456789abcdef0123456789abcdef\n")
    s = t.sidecar(g, auth="api-key")
    s.get("/v1/egress/peers", [("X-API-Key", "the agent's own")])
    entry = g.requests()[-1]
    keys = [v for n, v in entry["headers"] if n.lower() == "x-api-key"]
    assert keys == ["sk_local_bot_0123456789abcdef0123456789abcdef"], entry
    assert entry["proof"]["ath"] and not g.journal(TOKEN), entry


@case
def legacy_gateway(t):
    """A gateway from before May 2026 knows API keys and issues no bound
    tokens: auth = auto goes on with the key of the identity directory, and a
    proof over it."""
    g = t.gateway("--legacy")
    s = t.sidecar(g, identity_dir=g.issue("old", agent="orga::old",
                                          api_key=True))
    for _ in range(4):
        assert s.get("/v1/egress/peers").status == 200
    assert s.wait_end("ok")["auth"] == "api-key"
    served = [e for e in g.journal("/v1/egress/") if e["status"] == 200]
    assert len(served) == 4, served
    assert all(e["auth"] == "api-key" and e["proof"]["ath"]
               for e in served), served
    s.wait_log('"requests_show":"the API key"')
