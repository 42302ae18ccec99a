"""Refusals: which are about our credentials, and what is done about them."""

from harness import case

TOKEN = "/v1/auth/token"
NONCE = "00112233445566778899aabbccddeeff"


def auth_refused(a, code):
    assert a.status == 502, a
    assert a.code == code and a.error["code"] == code, a
    assert a.error["type"] == "sidecar_error", a
    assert a.error["message"] and a.error["suggestion"], a
    assert a.error["request_id"], a
    assert not a.all("WWW-Authenticate"), a


@case
def nonce_challenge(t):
    """401 use_dpop_nonce is answered with a new proof that carries the
    nonce."""
    g, s = t.pair()
    g.fault_json("/v1/egress/", 401, {"detail": "use_dpop_nonce"}, count=1,
                 headers={"DPoP-Nonce": NONCE})
    a = s.request("POST", "/v1/egress/x?bytes=9", body=b"again" * 1000)
    assert a.status == 200 and not a.all("DPoP-Nonce"), a
    first, second = g.journal("/v1/egress/")
    assert second["proof"]["nonce"] == NONCE, second
    assert first["proof"]["jti"] != second["proof"]["jti"]
    assert first["conn"] == second["conn"]
    assert first["body_sha256"] == second["body_sha256"]
    assert s.wait_end("ok")["nonce_retries"] == 1
    assert s.metrics()["dpop_nonce_retries_total"] == 1


@case
def endless_nonce_challenges(t):
    """A gateway that takes no nonce is asked a few times, then the agent gets
    a 502 that says so.

    END: auth-refused
    """
    g, s = t.pair()
    g.fault_json("/v1/egress/", 401, {"detail": "use_dpop_nonce"},
                 headers={"DPoP-Nonce": NONCE})
    auth_refused(s.get("/v1/egress/x"), "nonce-refused")
    assert 2 <= len(g.journal("/v1/egress/")) <= 8
    assert len(g.journal(TOKEN)) == 1


@case
def nonce_grammar(t):
    """A nonce that could not stand in a proof is not used."""
    g, s = t.pair()
    for bad in ("a b", "\"quoted\"", "back\\slash", "n" * 5000):
        g.clear_faults()
        g.fault_json("/v1/egress/", 401, {"detail": "use_dpop_nonce"},
                     headers={"DPoP-Nonce": bad})
        a = s.get("/v1/egress/x")
        assert a.status == 502, a
    for e in g.journal("/v1/egress/"):
        assert "nonce" not in e["proof"] or e["proof"]["nonce"].isalnum(), e


@case
def htu_mismatch(t):
    """401 htu mismatch teaches the base that the gateway expects, once."""
    g, s = t.pair()
    g.fault_json("/v1/egress/", 401, {
        "detail": "Invalid DPoP proof: htu mismatch (expected="
                  "'https://learned.test/v1/egress/x', got='…')"}, count=1,
        headers={"X-Cullis-Hint": "htu_mismatch_check_proxy_public_url"})
    s.get("/v1/egress/x")
    first, second = g.journal("/v1/egress/")
    assert first["proof"]["htu"] == "https://mastio.test/v1/egress/x"
    assert second["proof"]["htu"] == "https://learned.test/v1/egress/x"


@case
def htu_base_is_kept(t):
    """What the gateway named, and took, is where the next proofs begin; so is
    what it names after that."""
    g, s = t.pair()
    path = "/v1/egress/x?bytes=1"
    g.fault_json(path[:12], 401, {
        "detail": "Invalid DPoP proof: htu mismatch (expected="
                  "'https://learned.test/v1/egress/x', got='…')"}, count=1)
    g.fault_json(path[:12], 200, {}, count=1)
    with s.connect() as c:  # one worker's memory
        for _ in range(3):
            c.request("GET", path, s.authority)
            assert c.answer().status == 200
    assert [e["proof"]["htu"][8:-12] for e in g.journal("/v1/egress/")] == [
        "mastio.test", "learned.test", "learned.test", "mastio.test",
        "mastio.test"]


@case
def named_over_what_is_set(t):
    """What is configured is where proofs begin. The gateway refuses it, names
    another base and takes that: one retry, and a warning that says what is
    set, what is expected, and where; then that is used."""
    path = "/v1/egress/x?bytes=1"
    named = {"detail": "Invalid DPoP proof: htu mismatch (expected="
                       "'https://learned.test/v1/egress/x', got='…')"}
    for setting, options in (
            ("htu-base", {"htu_base": "https://mastio.test"}),
            ("public-htu-base", {"auth": "cert",
                                 "public_htu_base": "https://ours.test"})):
        g = t.gateway(home=t.path(setting))
        s = t.sidecar(g, **options)
        g.fault_json(path[:12], 401, named, count=1)
        g.fault_json(path[:12], 200, {}, count=3)
        with s.connect() as c:  # one worker's memory
            for _ in range(3):
                c.request("GET", path, s.authority)
                assert c.answer().status == 200
        ours = list(options.values())[-1]
        assert [e["proof"]["htu"][:-12] for e in g.requests()] == [
            ours] + 3 * ["https://learned.test"], setting
        s.wait_log("the URL that is set")
        [line] = [e for e in s.log_lines()
                  if "the URL that is set" in e.get("msg", "")]
        assert (line["level"], line["setting"], line["set"],
                line["expected"]) == (
            "warn", setting, ours, "https://learned.test"), line


@case
def clock_shifted_in_service(t):
    """When the gateway's clock jumps, the refused proof is made again with
    the gateway's time."""
    g, s = t.pair()
    assert s.get("/v1/models").status == 200
    g.control("POST", "/clock/shift", {"seconds": 120})
    a = s.get("/v1/egress/x?bytes=3")
    assert a.status == 200, a
    assert [e["status"] for e in g.journal("/v1/egress/")] == [401, 200]
    assert s.get("/v1/egress/y?bytes=3").status == 200
    assert len(g.journal("/v1/egress/y")) == 1


@case
def replay_detected(t):
    """401 replay detected is answered with a new proof, once."""
    g, s = t.pair()
    g.fault_json("/v1/egress/", 401, {"detail": "DPoP proof replay detected"},
                 count=1)
    assert s.get("/v1/egress/x?bytes=1").status == 200
    g.fault_json("/v1/egress/", 401, {"detail": "DPoP proof replay detected"})
    auth_refused(s.get("/v1/egress/x"), "proof-refused")


@case
def deactivated_agent(t):
    """A deactivated agent gets 502 with code and reason, not 401, and causes
    no login.

    END: auth-refused
    """
    g, s = t.pair()
    g.control("POST", "/agent/deactivate", {"agent_id": "orga::bot"})
    auth_refused(s.get("/v1/models"), "agent-deactivated")
    assert len(g.journal(TOKEN)) == 1
    t.wait_until(lambda: [
        k for k, v in s.metrics().items()
        if k.startswith("requests_total") and "auth-refused" in k and v])


@case
def re_pinned_certificate(t):
    """On a route that wants the certificate of record, another one there is a
    502 that says so."""
    g, s = t.pair()
    g.control("POST", "/agent/repin", {"agent_id": "orga::bot"})
    auth_refused(s.get("/v1/agents/search"), "client-cert-pin-mismatch")


@case
def refusal_on_mcp_is_json_rpc(t):
    """On /v1/mcp the same facts come as a JSON-RPC error."""
    g, s = t.pair()
    g.control("POST", "/agent/deactivate", {"agent_id": "orga::bot"})
    a = s.post("/v1/mcp", {"jsonrpc": "2.0", "id": 7, "method": "ping"})
    assert a.status == 502 and a.code == "agent-deactivated", a
    assert a.json["jsonrpc"] == "2.0", a
    assert a.json["error"]["data"]["code"] == "agent-deactivated", a


def passes(t, status, body, **more):
    g, s = t.pair()
    g.fault_json("/v1/chat/", status, body, where="app", **more)
    a = s.chat()
    assert a.status == status and a.code is None, a
    assert a.json == body, a
    assert len(g.journal("/v1/chat/")) == 1
    assert len(g.journal(TOKEN)) == 1


@case
def provider_401_passes(t):
    """401 provider_auth_failed is about the provider's key: it passes
    unchanged and causes no login."""
    passes(t, 401, {"detail": {"reason": "provider_auth_failed",
                               "trace_id": "trace_1"}})


@case
def our_realm_in_any_form(t):
    """A 401 whose challenge names the gateway's own realm is about our token,
    also where its body is not JSON: one login, one retry."""
    g, s = t.pair()
    for n, (content_type, body) in enumerate((("text/plain", "no"),
                                              ("text/html", "<html>"))):
        g.fault("/v1/chat/", status=401, body=body, count=1,
                content_type=content_type,
                headers={"WWW-Authenticate": 'Bearer realm="mcp-proxy"'})
        a = s.chat()
        assert a.status == 200, (content_type, a)
        assert len(g.journal(TOKEN)) == n + 2, g.journal(TOKEN)


@case
def unknown_401_passes(t):
    """A 401 with an unknown text passes unchanged and causes no login."""
    passes(t, 401, {"detail": "something that nobody has heard of"})


@case
def forbidden_passes(t):
    """403 and 429 of a handler pass unchanged."""
    passes(t, 403, {"detail": "Policy: no"})


@case
def rate_limit_passes(t):
    """429 passes with its Retry-After."""
    g, s = t.pair()
    g.fault_json("/v1/chat/", 429, {"detail": "Rate limit exceeded"},
                 headers={"Retry-After": "60"})
    a = s.chat()
    assert a.status == 429 and a.get("Retry-After") == "60", a


@case
def shed_request_passes(t):
    """503 with x-cullis-shed-reason reaches the agent with its
    Retry-After."""
    g, s = t.pair()
    g.fault_json("/v1/chat/", 503, {"detail": "busy"},
                 headers={"Retry-After": "1",
                          "x-cullis-shed-reason": "global_rate_limit"})
    a = s.chat()
    assert a.status == 503 and a.get("Retry-After"), a


@case
def certificate_refused_by_the_front(t):
    """nginx's 400 page about the certificate becomes a 502 with code and
    cure, not an HTML page."""
    g, s = t.pair()
    g.fault("/v1/egress/", status=400, content_type="text/html",
            body="<html><head><title>400 The SSL certificate error</title>"
                 "</head><body></body></html>")
    auth_refused(s.get("/v1/egress/x"), "client-cert-refused")


@case
def certificate_missing_at_the_front(t):
    """nginx's 401 page becomes a 502 too."""
    g, s = t.pair()
    g.fault("/v1/egress/", status=401, content_type="text/html",
            body="<html><head><title>401 Authorization Required</title>"
                 "</head><body></body></html>")
    auth_refused(s.get("/v1/egress/x"), "client-cert-missing")


@case
def other_html_passes(t):
    """Another HTML page of nginx is the agent's answer."""
    g, s = t.pair()
    page = "<html><head><title>502 Bad Gateway</title></head></html>"
    g.fault("/v1/egress/", status=502, content_type="text/html", body=page)
    a = s.get("/v1/egress/x")
    assert a.status == 502 and a.code is None, a
    assert a.body.decode() == page


@case
def refused_again_after_login(t):
    """A token that is refused again after the one login ends in a 502; no
    login storm.

    END: auth-refused
    """
    g, s = t.pair()
    g.fault_json("/v1/egress/", 401, {"detail": "local token rejected"})
    auth_refused(s.get("/v1/egress/x"), "token-refused")
    assert len(g.journal("/v1/egress/")) == 2
    assert len(g.journal(TOKEN)) == 2
