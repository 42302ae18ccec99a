"""A gateway that sheds load, and one that refuses the agent as a whole."""

import threading
import time

from harness import case

DB = "db_latency_circuit_breaker"  # Retry-After: 5


def sent(s):
    """(thread, [its answer])"""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(s.post(
        "/v1/egress/x?bytes=1", b"body", {"X-Mastio-Id": "once"})))
    thread.start()
    return thread, answers


@case
def shed_then_served(t):
    """A shed request is sent again behind Retry-After, and runs once."""
    g, s = t.pair()
    g.set(shed=DB)
    thread, answers = sent(s)
    t.wait_until(lambda: g.stats()["shed"])
    t.wait_until(lambda: s.metrics()['breaker_state{reason="shed"}'] == 1)
    g.set(shed="none")
    thread.join()
    assert answers[0].status == 200, answers
    assert g.control("GET", "/executions")["ids"]["once"] == 1
    t.wait_until(
        lambda: s.metrics()['breaker_state{reason="shed"}'] == 0)
    assert s.metrics()['retries_total{reason="shed"}'] == 1
    assert s.chat().status == 200


@case
def a_flood_is_kept_from_the_gateway(t):
    """While the gateway sheds nothing reaches it, and every agent is told at
    once when to come again.

    END: gateway-busy
    """
    g, s = t.pair()
    g.set(shed=DB)
    with s.connect() as c:
        c.request("POST", "/v1/egress/x?bytes=1", s.authority, [], b"body")
        t.wait_until(lambda: g.stats()["shed"])
        t.wait_until(lambda: s.metrics()['breaker_state{reason="shed"}'] == 1)
        begun = time.monotonic()
        waits = []
        for _ in range(100):
            a = s.chat()
            assert a.status == 503 and a.code == "gateway-busy", a
            assert a.get("X-Should-Retry") == "true", a
            waits.append(int(a.get("Retry-After")))
            if time.monotonic() - begun > 4:
                break
        assert max(waits) <= 7 and min(waits) >= 1, waits
        assert g.stats()["shed"] == 1
        g.set(shed="none")
        assert c.answer("POST").status == 200
    assert s.chat().status == 200


@case
def a_shed_body_that_was_not_kept(t):
    """What cannot be sent again gets the gateway's own 503 with its
    Retry-After."""
    g, s = t.pair(replay_limit=0)
    g.set(shed=DB)
    a = s.post("/v1/egress/x?bytes=1", b"body")
    assert a.status == 503 and a.code is None, a
    assert a.get("Retry-After") == "5", a
    assert a.json["error"] == "db_latency_circuit_breaker_open", a


@case(once=True, seconds=120)
def deactivated_and_back(t):
    """A deactivated agent: /readyz and /status say so, requests fail at once
    without reaching the gateway; half a minute after its activation requests
    are served."""
    g, s = t.pair(workers=4)
    g.control("POST", "/agent/deactivate", {"agent_id": "orga::bot"})
    a = s.get("/v1/models")
    assert a.status == 502 and a.code == "agent-deactivated", a
    assert a.error["gateway_reason"] == \
        "agent not registered or deactivated", a
    seen = len(g.requests())
    for _ in range(20):
        a = s.get("/v1/models")
        assert a.status == 502 and a.code == "agent-deactivated", a
    assert len(g.requests()) == seen
    ready = s.admin("/readyz")
    assert ready.status == 503 and b"deactivated" in ready.body, ready
    assert b"activated again" in ready.body, ready
    status = s.admin("/status").json
    assert status["refused"] == "agent-deactivated", status
    assert s.metrics()['breaker_state{reason="refused"}'] == 1
    g.control("POST", "/agent/activate", {"agent_id": "orga::bot"})
    t.wait_until(lambda: s.get("/v1/models").status == 200, timeout=60)
    assert len(g.requests()) == seen + 1
    assert s.ready()


@case
def what_the_gateway_says_is_kept(t):
    """The error body has the gateway's reason and hint, printable and cut."""
    g, s = t.pair()
    g.fault_json("/v1/egress/", 401, {"detail": {
        "reason": "client_cert_pin_mismatch",
        "hint": "re-enrol \"it\"\n\x1b[31m" + "x" * 500}},
        headers={"X-Cullis-Hint": "see_runbook"})
    a = s.get("/v1/egress/x")
    assert a.status == 502 and a.code == "client-cert-pin-mismatch", a
    assert a.error["gateway_reason"] == "client_cert_pin_mismatch", a
    hint = a.error["gateway_hint"]
    assert hint.startswith('re-enrol "it"??[31mxxx') and len(hint) < 200, a
    # only one route was refused
    assert s.chat().status == 200 and s.ready()


@case
def two_public_urls(t):
    """An htu mismatch that does not heal is one sentence with both URLs and
    both settings; the next proof is made for what is configured again."""
    g, s = t.pair(auth="cert", public_htu_base="https://ours.test")
    g.fault_json("/v1/egress/", 401, {
        "detail": "Invalid DPoP proof: htu mismatch (expected="
                  "'https://theirs.test/v1/egress/x', got='…')"},
        headers={"X-Cullis-Hint": "htu_mismatch_check_proxy_public_url"})
    for _ in range(2 * t.workers):
        a = s.get("/v1/egress/x")
        assert a.status == 502 and a.code == "htu-mismatch", a
        for part in ("for https://ours.test/v1/egress/x",
                     "expects https://theirs.test/v1/egress/x",
                     "public-htu-base", "MCP_PROXY_PROXY_PUBLIC_URL"):
            assert part in a.error["message"], (part, a)
        assert a.error["gateway_hint"] == \
            "htu_mismatch_check_proxy_public_url", a
