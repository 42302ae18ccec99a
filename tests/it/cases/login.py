"""Logging in: the ways, and what must be bound to what."""

import os
import shutil

from harness import case

TOKEN = "/v1/auth/token"


def logins(g):
    return g.journal(TOKEN)


def open_chain(g, name="ca.pem"):
    """Leaves only the root in the agent's CA file."""
    shutil.copy(os.path.join(g.home, "pki", "root.pem"),
                os.path.join(g.agent_dir, name))


@case
def direct(t):
    """One request logs in, with a bound proof, before any agent asks."""
    g, s = t.pair()
    (e,) = g.journal()
    assert (e["method"], e["path"], e["status"]) == ("POST", TOKEN, 200), e
    assert e["proof"]["htm"] == "POST", e
    assert e["proof"]["htu"] == "https://mastio.test" + TOKEN, e
    assert g.stats()["logins_bound"] == 1


@case
def challenge(t):
    """login = challenge: challenge, endorsement, token."""
    g, s = t.pair(login="challenge")
    assert [e["path"] for e in g.journal()] == [
        "/v1/auth/login-challenge", "/v1/auth/sign-challenged-assertion",
        TOKEN]
    assert s.get("/v1/models").status == 200


@case
def challenge_over_processes(t):
    """The challenge login gets through where the gateway's processes do not
    share challenges."""
    for front in "AB":
        g = t.gateway("--front", front, "--processes", "4",
                      home=t.path("mastio" + front))
        s = t.sidecar(g, login="challenge")
        assert s.get("/v1/models").status == 200


@case
def auto_falls_back_to_challenge(t):
    """A direct login that is refused for want of the counter-signature is
    followed by a challenge login."""
    g = t.gateway()
    g.fault_json(TOKEN, 403, {"detail": "Missing Mastio counter-signature"},
                 count=1)
    t.sidecar(g)
    assert [(e["path"], e["status"]) for e in g.journal()] == [
        (TOKEN, 403), ("/v1/auth/login-challenge", 200),
        ("/v1/auth/sign-challenged-assertion", 200), (TOKEN, 200)]


@case
def direct_does_not_fall_back(t):
    """login = direct never asks for a challenge; the refusal is reported."""
    g = t.gateway()
    g.fault_json(TOKEN, 403, {"detail": "Missing Mastio counter-signature"})
    s = t.sidecar(g, wait="listening", login="direct", token_wait="300ms")
    a = s.get("/v1/models")
    assert (a.status, a.code) == (503, "no-token"), a
    assert "counter-signature" in a.error["message"], a
    assert {e["path"] for e in g.journal()} == {TOKEN}


@case
def other_refusals_do_not_fall_back(t):
    """A refusal about something else is no reason for a challenge."""
    g = t.gateway()
    g.fault_json(TOKEN, 401, {"detail": "sub does not match client cert"})
    s = t.sidecar(g, wait="listening", token_wait="300ms")
    assert s.get("/v1/models").code == "no-token"
    assert {e["path"] for e in g.journal()} == {TOKEN}


@case
def every_front(t):
    """Login and requests work behind front-ends A, B and C, with one server
    process and with four."""
    for front in "ABC":
        for processes in "14":
            g = t.gateway("--front", front, "--processes", processes,
                          home=t.path(front + processes))
            s = t.sidecar(g)
            assert s.get("/v1/models").status == 200
            assert s.get("/v1/egress/x?bytes=1").status == 200
            assert s.post("/v1/mcp", {"jsonrpc": "2.0", "id": 1,
                                      "method": "ping"}).status == 200
            assert g.stats()["logins"] == 1, (front, processes)
            assert g.stats()["proofs_bad"] == 0


@case
def chain_from_the_ca_bundle(t):
    """A certificate file with the leaf alone is completed from the CA
    bundle."""
    g, s = t.pair()
    assert [e["status"] for e in logins(g)] == [200]


@case
def chain_from_the_presented_chain(t):
    """Where the CA bundle holds the root alone, the chain that the gateway
    presented completes the certificate."""
    g = t.gateway()
    open_chain(g)
    s = t.sidecar(g)
    assert s.get("/v1/models").status == 200
    assert logins(g)[-1]["status"] == 200


@case
def chain_from_the_chain_file(t):
    """chain-file completes the certificate at the first login."""
    g = t.gateway()
    open_chain(g)
    t.sidecar(g, chain_file=os.path.join(g.home, "pki", "intermediate.pem"))
    assert [e["status"] for e in logins(g)] == [200]


@case
def full_chain_in_the_certificate_file(t):
    """A certificate file that holds the chain needs no help."""
    g = t.gateway()
    d = g.issue("full", agent="orga::full", chain="full")
    open_chain(g, os.path.join(d, "ca.pem"))
    t.sidecar(g, identity_dir=d)
    assert [e["status"] for e in logins(g)] == [200]


@case
def rsa_key(t):
    """An RSA key logs in with RS256; its forms PKCS#8 and PKCS#1."""
    g = t.gateway()
    for form in ("pkcs8", "pkcs1"):
        d = g.issue("rsa" + form, agent="orga::" + form, key="rsa2048",
                    key_form=form)
        s = t.sidecar(g, identity_dir=d)
        assert s.get("/v1/models").status == 200
        assert g.requests()[-1]["agent_id"] == "orga::" + form


@case
def sec1_key(t):
    """An EC key in SEC1 form is read."""
    g = t.gateway()
    d = g.issue("sec1", agent="orga::sec", key_form="sec1")
    s = t.sidecar(g, identity_dir=d)
    assert s.get("/v1/models").status == 200


@case
def unbound_token_is_never_used(t):
    """token-binding = require: a token that is not bound to our key is not
    used, and the reason is said."""
    g = t.gateway()
    s = t.sidecar(g, wait="listening", htu_base="https://wrong.test",
                  token_wait="400ms")
    a = s.get("/v1/models")
    assert (a.status, a.code) == (503, "no-token"), a
    assert "bound" in a.error["message"], a
    assert "htu-base" in a.error["message"] + a.error["suggestion"], a
    assert not g.requests()
    ready = s.admin("/readyz")
    assert ready.status == 503, ready


@case
def unbound_token_is_used_if_preferred(t):
    """token-binding = prefer: an unbound token is used if there is no
    other."""
    g, s = t.pair(htu_base="https://wrong.test", token_binding="prefer")
    assert s.get("/v1/models").status == 200
    (e,) = g.requests()
    assert "cnf" not in e["token"], e


@case
def next_htu_base_is_tried(t):
    """If the token does not come bound for the name without port, the name
    with port is tried."""
    for status, body in ((401, {
            "detail": "DPoP proof required for LOCAL_TOKEN binding"}),):
        g = t.gateway()
        g.fault_json(TOKEN, status, body, count=1)
        t.sidecar(g)
        assert [e["proof"]["htu"] for e in logins(g)][:2] == [
            "https://mastio.test" + TOKEN,
            "https://mastio.test:9443" + TOKEN]


@case
def clock_of_the_gateway_is_believed(t):
    """With a clock that differs from the gateway's by minutes the sidecar
    still logs in bound and is served."""
    g = t.gateway()
    g.control("POST", "/clock/shift", {"seconds": 200})
    s = t.sidecar(g)
    assert s.get("/v1/models").status == 200
    assert "cnf" in g.requests()[-1]["token"]


@case
def nonce_at_login(t):
    """A token endpoint that wants a nonce gets it in the next proof."""
    g = t.gateway()
    g.fault_json(TOKEN, 401, {"detail": "use_dpop_nonce"}, count=1,
                 headers={"DPoP-Nonce": "0123456789abcdef0123456789abcdef"})
    t.sidecar(g)
    first, second = logins(g)
    assert "nonce" not in first["proof"], first
    assert second["proof"]["nonce"] == "0123456789abcdef0123456789abcdef"
