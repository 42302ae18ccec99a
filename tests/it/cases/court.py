"""Federated gateways: tokens of the Court, its paths and its WebSocket."""

import json
import time

from harness import case
from .websocket import CLOSE, HANDSHAKE, PING, PONG, TEXT, frame, read_frame

TOKEN = "/v1/auth/token"
SESSIONS = "/v1/broker/sessions"
SOCKET = "/v1/broker/ws"
COURT = "https://court.test"
INTERNAL = "https://broker:8000"  # where the Mastio itself finds the Court
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
AGENT = {"agent_id": "orga::bot"}


def federated(t, *args, home=None, **options):
    """A federated gateway and a sidecar that is ready."""
    g = t.gateway("--federated", *args, home=home)
    return g, t.sidecar(g, **options)


def fields_of(entry, name):
    return [v for n, v in entry["headers"] if n.lower() == name]


# ---- login ----

@case
def login_and_its_nonce(t):
    """The first login fetches the Court's nonce, later ones have it, and so
    has every worker: a login costs one of the ten a minute, the first request
    no refusal. Nothing is sent with a token after its
    end."""
    g, s = federated(t)
    assert [e["status"] for e in g.journal(TOKEN)] == [401, 200]
    for _ in range(2 * t.workers):
        assert s.get(SESSIONS).status == 200
    assert g.requests()[-1]["token"]["iss"] == "cullis-broker"
    assert {e["status"] for e in g.requests()} == {200}, g.requests()
    g.control("POST", "/court/expire")
    assert s.get(SESSIONS).status == 200
    assert [e["status"] for e in g.journal(TOKEN)] == [401, 200, 200]


@case
def tokens_end_on_time(t):
    """Tokens are exchanged before their end, which has no grace: no request
    shows one that has ended."""
    g = t.gateway("--federated")
    g.set(court_token_ttl=5, court_rate=1000)
    s = t.sidecar(g)

    def served():
        assert s.get(SESSIONS).status == 200
        return g.stats()["logins"] >= 3

    t.wait_until(served, timeout=30, what="the third token")
    for e in g.requests():
        assert e["status"] == 200 or "nonce" not in e["proof"], e


@case
def configured_base(t):
    """A Court with a public URL takes proofs for that alone, which no answer
    of its tells; court-htu-base does."""
    g = t.gateway("--federated", "--court-public-url", COURT)
    s = t.sidecar(g, wait="listening", token_wait="300ms")
    s.wait_log("login failed")
    a = s.get(SESSIONS)
    assert a.status == 503 and a.code == "no-token", a
    assert "court-htu-base" in a.body.decode(), a
    for beside in ({}, {"htu_base": "https://mastio.test"}):
        s = t.sidecar(g, court_htu_base=COURT, **beside)
        assert s.get(SESSIONS).status == 200
        assert g.requests()[-1]["proof"]["htu"] == COURT + SESSIONS
        assert s.get("/v1/egress/peers").status == 200
        assert not g.requests()[-1]["proof"]["htu"].startswith(COURT)


@case
def revoked(t):
    """After a revocation its second is waited out, then a new token
    serves."""
    g, s = federated(t)
    assert s.get(SESSIONS).status == 200
    at = g.control("POST", "/court/revoke", AGENT)["at"]
    assert s.get(SESSIONS).status == 200
    assert g.requests()[-1]["token"]["iat"] > at
    assert g.stats()["logins"] == 2


@case
def deactivated(t):
    """An agent that the Court does not let in is told why, once its token has
    ended."""
    g, s = federated(t, token_wait="3s")
    g.control("POST", "/agent/deactivate", AGENT)
    g.control("POST", "/court/expire")
    a = s.get(SESSIONS)
    assert a.status == 503 and "Agent not active" in a.body.decode(), a


# ---- the Mastio's own routes ----

@case
def routes_with_a_certificate(t):
    """Where the front end passes the certificate on no request fails, on every
    front and however many processes draw lots for the nonce."""
    for front, processes in (("A", 1), ("A", 4), ("B", 1), ("B", 4)):
        name = f"{front}{processes}"
        g, s = federated(t, "--front", front, "--processes", str(processes),
                         home=t.path(name))
        with s.connect(seen=False) as c:  # the echo repeats our credentials
            for _ in range(20):
                c.request("GET", "/v1/egress/peers", s.authority)
                a = c.answer()
                assert a.status == 200, (name, a)
        assert g.stats()["logins"] == 1, name
        s.stop()
        g.stop()


@case
def routes_for_tokens_alone(t):
    """/v1/mcp wants token, proof and nonce: one process serves every request,
    of four some lose the lottery, and are told the cause. END: auth-refused"""
    for front, processes in (("A", 1), ("A", 4), ("B", 1), ("B", 4)):
        name = f"{front}{processes}"
        g, s = federated(t, "--front", front, "--processes", str(processes),
                         home=t.path(name))
        won = 0
        with s.connect() as c:
            for _ in range(20):
                c.request("POST", "/v1/mcp", s.authority,
                          [("Content-Type", "application/json")],
                          json.dumps(LIST).encode())
                a = c.answer()
                won += a.status == 200
                assert a.status == 200 or (processes == 4 and
                                           "nonce-refused" in
                                           a.body.decode()), (name, a)
        assert won, name
        executed = [e for e in g.requests() if e["executed"]]
        assert len(executed) == won, (name, len(executed), won)
        assert g.stats()["logins"] == 1, name
        s.stop()
        g.stop()


@case
def routes_out_of_reach(t):
    """Where the front end keeps the certificate back a Court token is of no
    use: that is said, and no login is spent on it."""
    g, s = federated(t)
    for _ in range(3):
        a = s.get("/v1/models")
        assert a.status == 502 and a.code == "local-token-needed", a
        assert "MCP_PROXY_LOCAL_AUTH_ENABLED" in a.body.decode(), a
    assert g.stats()["logins"] == 1
    assert s.get(SESSIONS).status == 200


# ---- the Court's paths ----

@case
def forwarded_prefixes(t):
    """Requests for the Court carry its nonce and its base; what it would pack
    is not asked for; its errors pass."""
    g, s = federated(t)
    for method, path, status in (("GET", SESSIONS, 200),
                                 ("POST", SESSIONS, 201),
                                 ("GET", "/v1/federation/agents", 200),
                                 ("GET", "/v1/federation/agents/a%3A%3Ab",
                                  200),
                                 ("DELETE", SESSIONS, 405),
                                 ("GET", "/v1/registry/nothing", 404)):
        a = s.request(method, path, [("Accept-Encoding", "gzip, br")])
        assert a.status == status, (path, a)
        assert not a.all("Content-Encoding") + a.all("DPoP-Nonce"), a
        assert a.get("X-Cullis-Role") == "proxy", a
    for e in g.requests():
        assert fields_of(e, "accept-encoding") == ["identity"], e
        assert e["proof"]["htu"].startswith("https://mastio.test/v1/"), e
    assert not [e for e in g.requests() if e["status"] == 401]
    g.set(court="silent", court_timeout_ms=100)
    a = s.get(SESSIONS)
    assert a.status == 504 and b"broker timeout" in a.body, a
    g.set(court="unreachable")
    a = s.get(SESSIONS)
    assert a.status == 502 and b"broker unreachable" in a.body, a


@case
def without_a_court(t):
    """What a standalone gateway answers on the Court's paths passes, with a
    hint."""
    g, s = t.pair()
    g.set(ws_echo=False)
    for path, fields, status in ((SESSIONS, (), 503),
                                 (SOCKET, HANDSHAKE, 403)):
        a = s.get(path, list(fields))
        assert a.status == status, a
        assert "standalone" in a.get("X-Cullis-Sidecar-Hint"), a
    assert g.stats()["logins"] == 1


@case
def local_tokens_beside_a_court(t):
    """A federated gateway that issues local tokens: the Court's 401 passes
    with a hint, its socket is refused with the reason, nobody logs in
    again."""
    g, s = federated(t, "--local-auth", "on")
    a = s.get(SESSIONS)
    assert a.status == 401, a
    assert "local tokens" in a.get("X-Cullis-Sidecar-Hint"), a
    a = s.get(SOCKET, HANDSHAKE)
    assert a.status == 502 and a.code == "court-token-needed", a
    assert g.stats()["logins"] == 1


# ---- the Court's socket ----

def enter(s):
    """A socket that the Court has let in."""
    c = s.connect()
    c.request("GET", SOCKET, s.authority, HANDSHAKE)
    a = c.begin_answer()
    assert a.status == 101, a
    return c


def hear(c):
    """The next message; pings are answered."""
    opcode, payload = read_frame(c)
    while opcode == PING:
        c.send(frame(PONG, payload))
        opcode, payload = read_frame(c)
    return json.loads(payload) if opcode == TEXT else (opcode, payload)


def converse(g, c, text):
    """Something goes each way."""
    c.send(frame(TEXT, json.dumps({"type": "x", "text": text}).encode()))
    said = hear(c)
    assert said["type"] == "echo" and said["frame"]["text"] == text, said
    g.control("POST", "/court/event",
              {**AGENT, "event": {"type": "new_message", "n": text}})
    assert hear(c) == {"type": "new_message", "n": text}


def sockets(g):
    """The journal's handshakes, not what fetched a nonce."""
    return [e for e in g.journal(SOCKET) if fields_of(e, "upgrade")]


@case
def socket(t):
    """The agent's socket is open when its handshake is answered, and the
    Court's first words to it are not our authentication's."""
    g, s = federated(t, "--court-public-url", COURT, court_htu_base=COURT)
    g.set(ws_ping_ms=50)
    for i in range(3):
        with enter(s) as c:
            converse(g, c, f"hello {i}")
            c.send(frame(CLOSE, b"\x03\xe8"))
            assert hear(c) == (CLOSE, b"\x03\xe8")
        assert s.wait_end("ok", i + 1)["status"] == 101
    assert [e["status"] for e in sockets(g)] == [101] * 3
    assert len(g.journal(SOCKET)) == 3  # none was for a nonce


@case
def second_socket(t):
    """A second socket of the agent, which would cost both, is refused, and let
    in when the first has ended. END: court-socket-busy"""
    g, s = federated(t, "--court-public-url", COURT, court_htu_base=COURT)
    first = enter(s)
    for _ in range(2 * t.workers):
        a = s.get(SOCKET, HANDSHAKE)
        assert a.status == 409 and a.code == "court-socket-busy", a
    converse(g, first, "still here")
    first.close()
    enter(s).close()


@case
def socket_outlives_its_token_not(t):
    """The Court ends a socket with its token; the agent sees its words, and
    comes back with a newer one."""
    g = t.gateway("--federated", "--court-public-url", COURT)
    g.set(court_token_ttl=6, court_rate=1000)
    s = t.sidecar(g, court_htu_base=COURT)
    with enter(s) as c:
        assert hear(c) == {"type": "auth_error", "detail": "Token expired"}
        assert hear(c) == (CLOSE, b"\x03\xe8")
        with enter(s) as again:
            converse(g, again, "back")


@case
def socket_heals(t):
    """A nonce or a token that the Court does not know any more is replaced and
    the socket opened all the same."""
    g, s = federated(t, "--court-public-url", COURT, court_htu_base=COURT)
    for path, body in (("/court/restart-state", None),
                       ("/court/expire", None),
                       ("/court/rotate-key", None),
                       ("/court/revoke", AGENT)):
        with enter(s) as c:
            converse(g, c, path)
        g.control("POST", path, body)


@case
def socket_refused(t):
    """A Court that does not let the agent in is quoted. END: court-refused"""
    g, s = federated(t, "--court-public-url", COURT, court_htu_base=COURT)
    g.set(court_binding=False)
    a = s.get(SOCKET, HANDSHAKE)
    assert a.status == 502 and a.code == "court-refused", a
    assert "binding not approved" in a.error["message"], a
    g.set(court_binding=True)
    enter(s).close()


@case
def silent_court(t):
    """A Court that switches protocols and then says nothing is waited for for
    ten seconds; then the agent is told, and may try again.
    END: court-timeout"""
    g, s = federated(t, "--court-public-url", COURT, court_htu_base=COURT)
    g.fault(SOCKET, count=1, raw=(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
        b"Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"),
            raw_keep=True)
    begun = time.monotonic()
    a = s.get(SOCKET, HANDSHAKE)
    took = time.monotonic() - begun
    assert a.status == 504 and a.code == "court-timeout", a
    assert a.get("X-Should-Retry") == "true" and took >= 10, (took, a)
    with enter(s) as c:
        converse(g, c, "awake")


@case
def socket_of_an_internal_court(t):
    """A Court without a public URL judges its socket by an address that only
    the operator knows, and its other paths by the gateway's."""
    g = t.gateway("--federated")
    s = t.sidecar(g)
    a = s.get(SOCKET, HANDSHAKE)
    assert a.status == 502 and a.code == "htu-mismatch", a
    assert "court-htu-base" in a.error["suggestion"], a
    s = t.sidecar(g, court_htu_base=INTERNAL)
    with enter(s) as c:
        converse(g, c, "inside")
    assert s.get(SESSIONS).status == 200
