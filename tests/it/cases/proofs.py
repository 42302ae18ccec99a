"""The proof of possession in each request."""

import base64
import hashlib

from harness import case
from harness.gateway import claims

TARGETS = (
    "/v1/egress/plain", "/v1/egress/q?a=b&c=%20d", "/v1/egress/q?",
    "/v1/egress/agents/orga%3A%3Abot/public-key",
    "/v1/egress/agents/orga::bot/public-key",
    "/v1/egress/%C3%BCber", "/v1/egress/a%20b", "/v1/egress/a+b",
    "/v1/egress/semi;v=1", "/v1/egress/tilde~x", "/v1/egress/UPPER/lower",
    "/v1/egress/slash/", "/v1/egress/q?x=/v1/auth/token",
)


def header(e, name):
    found = [v for n, v in e["headers"] if n.lower() == name.lower()]
    assert len(found) == 1, (name, e["headers"])
    return found[0]


@case
def one_fresh_proof_per_request(t):
    """Each request carries one token and one proof, with its own jti and the
    right htm, htu, iat and ath, and the gateway accepts all of them."""
    g, s = t.pair()
    for target in TARGETS:
        for method in ("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"):
            a = s.request(method, target,
                          body=b"x" if method in ("POST", "PUT") else None)
            assert a.status == 200, (method, target, a)
    entries = g.requests()
    assert len(entries) == 6 * len(TARGETS)
    assert len({e["proof"]["jti"] for e in entries}) == len(entries)
    for e in entries:
        scheme, token = header(e, "Authorization").split(" ")
        proof = claims(header(e, "DPoP"))
        path = e["path"].split(";")[0] if ";" in e["path"] else e["path"]
        ath = base64.urlsafe_b64encode(
            hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        assert scheme == "DPoP", e
        assert proof["htm"] == e["method"], e
        assert proof["htu"].split(";")[0] == "https://mastio.test" + path, e
        assert abs(proof["iat"] - e["time_ms"] / 1000) <= 5, e
        assert proof["ath"] == ath and len(proof["jti"]) >= 16, e
        assert e["auth"] == "token", e
    stats = g.stats()
    assert stats["proofs_bad"] == 0 and stats["jti_repeated"] == 0, stats


@case
def judged_by_dpopcheck(t):
    """dpopcheck, a verifier that shares no code with the sidecar, accepts
    every proof."""
    g, s = t.pair()
    for target in TARGETS:
        assert s.get(target).status == 200
    t.dpopcheck(g, len(TARGETS) + 1)


@case
def encoded_path_stays_on_the_wire(t):
    """Query and path reach the gateway as they were sent, so far as the
    meaning goes: the decoded path and the raw query are equal."""
    g, s = t.pair()
    for target in TARGETS:
        assert s.get(target).status == 200
    for target, e in zip(TARGETS, g.requests()):
        assert e["target"].partition("?")[2] == target.partition("?")[2], e


@case
def host_is_the_name_without_port(t):
    """The gateway sees its name in lower case and without port as Host,
    whatever the agent wrote."""
    g, s = t.pair(gateway="https://Mastio.TEST:9443")
    for host in (s.authority, "localhost", "MASTIO.test:9443"):
        assert s.get("/v1/models", host=host).status == 200
    for e in g.requests():
        assert header(e, "Host") == "mastio.test", e


@case
def ephemeral_key(t):
    """Without dpop.jwk, or with dpop-key-file = none, a key of the sidecar's
    own binds the token."""
    import os
    g = t.gateway()
    s1 = t.sidecar(g, dpop_key_file="none")
    assert s1.get("/v1/models").status == 200
    os.unlink(os.path.join(g.agent_dir, "dpop.jwk"))
    s2 = t.sidecar(g)
    assert s2.get("/v1/models").status == 200
    jkts = {e["token"]["cnf"]["jkt"] for e in g.requests()}
    assert len(jkts) == 2, jkts
