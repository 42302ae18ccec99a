#!/usr/bin/env python3
"""mastio-dev in its other roles: federated with a Court, and legacy."""
import json
import sys
import unittest

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness import Case, HTU, claims, wait_for

PUBLIC = "https://public.test:9443"
COURT = "https://court.test"
TOKEN = "/v1/auth/token"
AGENTS = "/v1/federation/agents"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
PLAIN = {"Accept-Encoding": "identity"}


class Federated(Case):
    options = ("--federated", "--public-url", PUBLIC)
    base = HTU

    def setUp(self):
        super().setUp()
        self.nonce = ""

    def keep(self, answer):
        self.nonce = answer.header("DPoP-Nonce") or self.nonce
        return answer

    def login(self, *options, nonce=None, base=None, headers=None,
              assertion=None, agent=None):
        agent = agent or self.bare
        nonce = self.nonce if nonce is None else nonce
        extra = ("--nonce", nonce) if nonce else ()
        answer = self.keep(agent.send("POST", TOKEN, {
            **PLAIN, "DPoP": agent.proof(
                "POST", (base or self.base) + TOKEN, *extra),
            **(headers or {})},
            {"client_assertion": assertion or agent.assertion(*options)}))
        if answer.status == 200:
            self.agent.token = self.bare.token = answer.json()["access_token"]
        return answer

    def enter(self):
        """A Court token, its nonce fetched first."""
        self.check(self.login(nonce=""), 401, "use_dpop_nonce")
        return self.check(self.login(), 200)

    def ask(self, method, path, *options, base=None, nonce=None, body=None,
            **headers):
        """A request to the Court through the Mastio."""
        nonce = self.nonce if nonce is None else nonce
        extra = ("--nonce", nonce) if nonce else ()
        return self.keep(self.bare.send(method, path, {
            **PLAIN, **self.bare.bound(method, path, *extra, *options,
                                       htu=base or self.base), **headers},
            body))


class CourtLogin(Federated):
    """Protocol 3.6."""

    def test_the_answer_and_its_headers(self):
        answer = self.enter()
        body = answer.json()
        self.assertEqual(set(body),
                         {"access_token", "token_type", "expires_in"})
        self.assertEqual((body["token_type"], body["expires_in"]),
                         ("DPoP", 1800))
        for name, value in (("x-cullis-role", "proxy"), ("Deprecation",
                            "true"), ("x-cullis-mode", "federation")):
            self.assertEqual(answer.header(name), value)
        self.assertIn("sunset", answer.header("Link"))
        self.assertTrue(answer.header("Sunset"))
        token = claims(self.bare.token)
        self.assertEqual((token["iss"], token["aud"], token["agent_id"]),
                         ("cullis-broker", "cullis", "orga::demo"))
        self.assertEqual(token["exp"] - token["iat"], 1800)
        self.assertEqual(token["cnf"]["jkt"],
                         self.gw.last()["proof"]["jkt"])

    def test_the_proof_is_needed_and_judged_first(self):
        good = self.bare.assertion()
        answer = self.bare.send("POST", TOKEN, body={
            "client_assertion": good})
        self.check(answer, 422, "missing")
        self.assertEqual(answer.json()["detail"][0]["loc"],
                         ["header", "dpop"])
        self.check(self.login(assertion=good, nonce=""), 401,
                   "use_dpop_nonce")
        answer = self.login(assertion=good, base=PUBLIC)
        self.assertEqual((answer.status, answer.detail),
                         (401, "Invalid DPoP proof: htu mismatch"))
        self.assertIsNone(answer.header("X-Cullis-Hint"))
        self.assertIsNone(answer.header("WWW-Authenticate"))
        self.check(self.login(assertion=good), 200)
        self.check(self.login(assertion=good), 401,
                   "client_assertion already used (replay attack detected)")

    def test_what_an_assertion_must_hold(self):
        self.gw.set(court_rate=1000)
        self.login(nonce="")
        signature = "Invalid client_assertion signature"
        spiffe = "spiffe://cullis.local/orga/demo"
        for options, status, detail in (
                (("--iat-shift", 10), 200, ""),
                (("--iat-shift", 40), 401, signature),
                (("--lifetime", 5), 401, signature),
                (("--lifetime", 86400), 200, ""),
                (("--aud", "x"), 401, signature),
                (("--sub", spiffe), 200, ""),
                (("--sub", "orga::x"), 401, "'sub' in JWT"),
                (("--x5c", "l"), 401,
                 "certificate chain broken at position 0"),
                (("--x5c", "lir"), 200, ""),
                (("--x5c", "lii"), 401, "certificate chain contains a dup"),
                (("--x5c", ""), 401, "x5c header absent or empty"),
        ):
            with self.subTest(options=options):
                self.check(self.login(*options), status, detail)
        p384 = self.issue("c-p384", "--key", "p384", "--agent", "orga::p3")
        self.check(self.login(agent=p384), 500, "Internal server error")

    def test_ten_logins_a_minute_and_nonces_count(self):
        self.enter()
        for _ in range(8):
            self.check(self.login(), 200)
        answer = self.login()
        self.check(answer, 429, "Rate limit exceeded for 'auth.token': max "
                   "10 req/60s")
        self.assertEqual(answer.header("Retry-After"), "60")
        self.assertTrue(answer.header("DPoP-Nonce"))
        self.gw.post("/clock/shift", {"seconds": 61})
        answer = self.bare.send("POST", TOKEN, {"DPoP": self.bare.proof(
            "POST", HTU + TOKEN, "--nonce", self.nonce, "--iat-shift", 61)},
            {"client_assertion": self.bare.assertion()})
        self.check(answer, 200)

    def test_who_is_let_in(self):
        self.login(nonce="")
        self.gw.set(court_ca="root")
        self.check(self.login(), 401, "Agent not found or org mismatch")
        by_root = self.issue("c-root", "--issuer", "root", "--agent",
                             "orga::byroot")
        self.check(self.login("--x5c", "l", agent=by_root), 200)
        self.gw.set(court_ca="any", court_binding=False)
        self.check(self.login(), 403, "No approved binding for this agent")
        self.gw.set(court_binding=True)
        self.gw.post("/agent/deactivate", {"agent_id": "orga::demo"})
        self.check(self.login(), 403, "Agent not active")

    def test_local_tokens_beside_a_court(self):
        self.gw.set(local_auth="on")
        self.check(self.bare.login(), 200)
        self.assertEqual(claims(self.bare.token)["aud"], "cullis-local")
        self.check(self.ask("GET", AGENTS), 401, "Token invalid or expired")
        self.check(self.bare.call("POST", "/v1/mcp", body=LIST), 200)


class CourtRoutes(Federated):
    """Protocol 5.2, 5.3, 4.3 and 9.1."""

    def test_the_base_is_the_host_or_the_public_url(self):
        self.enter()
        self.check(self.ask("GET", AGENTS), 200)
        self.check(self.ask("GET", AGENTS, base=COURT), 401,
                   "Invalid DPoP proof: htu mismatch")
        self.check(self.ask("GET", AGENTS, base=COURT,
                            **{"X-Forwarded-Host": "court.test"}), 200)
        self.gw.set(court_public_url=COURT + "/")
        self.check(self.ask("GET", AGENTS), 401)
        self.check(self.ask("GET", AGENTS, base=COURT), 200)
        self.check(self.login(base=COURT), 200)
        plain = AGENTS + "/orga::bot"
        headers = self.bare.bound("GET", plain, "--nonce", self.nonce,
                                  htu=COURT)
        answer = self.bare.send("GET", AGENTS + "/orga%3A%3Abot", headers)
        self.assertEqual(answer.json(), {"agent_id": "orga::bot"})

    def test_the_routes(self):
        self.enter()
        for method, path, status in (
                ("GET", "/v1/broker/sessions", 200),
                ("POST", "/v1/broker/sessions", 201),
                ("GET", "/v1/broker/notifications", 200),
                ("GET", "/v1/broker/oneshot/inbox", 200),
                ("DELETE", "/v1/broker/sessions", 405),
                ("GET", "/v1/registry/nothing", 404)):
            answer = self.ask(method, path)
            with self.subTest(path=path):
                self.check(answer, status)
                self.assertEqual(answer.header("x-cullis-role"), "proxy")
                self.assertEqual(answer.header("DPoP-Nonce"), self.nonce)
        entry = self.gw.journal()[-6]
        self.assertEqual((entry["auth"], entry["executed"],
                          entry["token"]["kind"]), ("court", True, "court"))

    def test_refusals(self):
        self.enter()
        for make, detail, scheme in (
                (lambda: self.ask("GET", AGENTS, nonce=""), "use_dpop_nonce",
                 None),
                (lambda: self.ask("GET", AGENTS, DPoP=""),
                 "Invalid DPoP proof: malformed JWT", None),
                (lambda: self.ask("GET", AGENTS, Authorization="DPoP x.y.z"),
                 "Token invalid or expired", "Bearer"),
                (lambda: self.bare.send("GET", AGENTS, {
                    "Authorization": "DPoP " + self.bare.token}),
                 "DPoP proof header required",
                 'DPoP realm="agent-trust"'),
                (lambda: self.bare.send("GET", AGENTS),
                 "DPoP token required", 'DPoP realm="agent-trust"')):
            answer = make()
            with self.subTest(detail=detail):
                self.check(answer, 401, detail)
                got = answer.header("WWW-Authenticate")
                self.assertEqual(got and got[:len(scheme or "")], scheme)
                self.assertFalse(self.gw.last()["executed"])

    def test_a_revocation_lasts_out_its_second(self):
        self.enter()
        self.check(self.ask("POST", "/v1/auth/revoke"), 204)
        answer = self.check(self.ask("GET", AGENTS), 401,
                            "Token has been revoked")
        self.assertEqual(answer.header("WWW-Authenticate"),
                         'DPoP realm="agent-trust"')
        self.gw.set(court_rate=1000)
        seen = wait_for(self.tokens_around_a_revocation, "both seconds", 60)
        self.assertEqual(seen, {True: 401, False: 200})
        self.gw.post("/court/revoke", {"agent_id": "orga::demo"})
        nonce = self.agent.send("GET", "/v1/egress/x").header("DPoP-Nonce")
        self.check(self.agent.send("POST", "/v1/mcp", self.agent.bound(
            "POST", "/v1/mcp", "--nonce", nonce, htu=PUBLIC), LIST), 200)

    seen = None

    def tokens_around_a_revocation(self):
        """Tokens minted in its second (True) and later, and how they fare;
        None until there was one of each."""
        self.seen = self.seen or {}
        at = self.gw.post("/court/revoke", {"agent_id": "orga::demo"})["at"]
        for _ in range(2):
            self.check(self.login(), 200)
            same = claims(self.bare.token)["iat"] == at
            status = self.ask("GET", AGENTS).status
            self.assertEqual(self.seen.setdefault(same, status), status)
            if same:
                self.gw.post("/clock/shift", {"seconds": 1})
        self.gw.post("/clock/shift", {"seconds": 0})
        return self.seen if len(self.seen) == 2 else None

    def test_no_leeway_at_the_end(self):
        self.enter()
        self.gw.set(court_token_ttl=30)
        self.check(self.login(), 200)
        self.assertEqual(claims(self.bare.token)["exp"]
                         - claims(self.bare.token)["iat"], 30)
        self.gw.post("/clock/shift", {"seconds": 31})
        self.check(self.ask("GET", AGENTS, "--iat-shift", 31), 401,
                   "Token invalid or expired")

    def test_expiry_new_keys_and_restarts_to_order(self):
        for path in ("/court/expire", "/court/rotate-key"):
            self.gw.post("/court/restart-state")
            self.enter()
            self.gw.post(path)
            with self.subTest(path=path):
                self.check(self.ask("GET", AGENTS), 401,
                           "Token invalid or expired")
        self.check(self.login(), 200)
        self.gw.post("/court/restart-state")
        self.check(self.ask("GET", AGENTS), 401, "use_dpop_nonce")
        self.check(self.ask("GET", AGENTS), 200)

    def test_a_court_that_does_not_answer(self):
        self.gw.set(court="unreachable")
        answer = self.check(self.login(nonce=""), 502, "broker unreachable")
        self.assertIsNone(answer.header("DPoP-Nonce"))
        self.gw.set(court="silent", court_timeout_ms=30)
        self.check(self.bare.send("GET", AGENTS), 504, "broker timeout")

    def test_a_left_over_content_encoding(self):
        for sent, mislabelled in (({}, True), ({"Accept-Encoding": "br, gzip"},
                                               True), (PLAIN, False)):
            conn = self.bare.connect()
            conn.putrequest("GET", AGENTS, skip_accept_encoding=True)
            for name, value in sent.items():
                conn.putheader(name, value)
            conn.endheaders()
            response = conn.getresponse()
            with self.subTest(sent=sent):
                self.assertIn(b"DPoP token required", response.read())
                self.assertEqual(response.getheader("Content-Encoding"),
                                 "gzip" if mislabelled else None)
            conn.close()

    def test_the_mastios_routes(self):
        """The rows of 5.2 that name a Court token."""
        self.enter()
        mastio = self.agent.send("GET", "/v1/egress/x").header("DPoP-Nonce")
        for nonce, base, want in (
                (mastio, PUBLIC, ""),
                (mastio, HTU, "Invalid DPoP proof: htu mismatch"),
                (self.nonce, PUBLIC, "use_dpop_nonce"),
                ("", PUBLIC, "use_dpop_nonce")):
            for method, path, body in (("GET", "/v1/egress/x", None),
                                       ("POST", "/v1/mcp", LIST)):
                extra = ("--nonce", nonce) if nonce else ()
                answer = self.agent.send(method, path, self.agent.bound(
                    method, path, *extra, htu=base), body)
                with self.subTest(path=path, want=want, base=base):
                    self.check(answer, 401 if want else 200, want)
                    if "htu" in want:
                        self.assertTrue(answer.header("X-Cullis-Hint"))
        bare = {"Authorization": "DPoP " + self.agent.token}
        self.check(self.agent.send("GET", "/v1/egress/x", bare), 200)
        self.check(self.agent.send("POST", "/v1/mcp", bare, LIST), 401,
                   "DPoP proof header required")
        self.check(self.agent.send("GET", "/v1/models", self.agent.bound(
            "GET", "/v1/models", "--nonce", mastio, htu=PUBLIC)), 401,
            "client_cert_not_verified")


class Socket:
    """A client of the Court's WebSocket, frame by frame (RFC 6455)."""

    def __init__(self, agent, path="/v1/broker/ws", extra=""):
        self.sock = agent.raw()
        self.data = b""
        self.sock.sendall(
            (f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{extra}"
             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.data:
            self.more()
        self.head, self.data = self.data.split(b"\r\n\r\n", 1)
        self.status = int(self.head.split(b" ")[1])

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.data += data

    def put(self, payload, opcode=1):
        """Masked with zeros, which is a mask like any other."""
        assert len(payload) < 65536
        size = bytes([0xfe]) + len(payload).to_bytes(2, "big") \
            if len(payload) > 125 else bytes([0x80 | len(payload)])
        self.sock.sendall(bytes([0x80 | opcode]) + size + bytes(4) + payload)

    def send(self, **members):
        self.put(json.dumps(members).encode())

    def frame(self):
        while len(self.data) < 2:
            self.more()
        size, at = self.data[1], 2
        if size == 126:
            while len(self.data) < 4:
                self.more()
            size, at = int.from_bytes(self.data[2:4], "big"), 4
        while len(self.data) < at + size:
            self.more()
        opcode, payload = self.data[0] & 15, self.data[at:at + size]
        self.data = self.data[at + size:]
        return opcode, payload

    def get(self):
        """The next message; None for the close, which must be a 1000."""
        opcode, payload = self.frame()
        while opcode == 9:
            self.put(payload, 10)
            opcode, payload = self.frame()
        if opcode == 8:
            assert payload == b"\x03\xe8", payload
            self.sock.close()
            return None
        return json.loads(payload)

    def close(self):
        self.sock.close()


class CourtSocket(Federated):
    """Protocol 8.1."""
    WS = "/v1/broker/ws"
    INTERNAL = "https://broker:8000"

    def proof(self, *options, base=INTERNAL, nonce=None):
        nonce = self.nonce if nonce is None else nonce
        extra = ("--nonce", nonce) if nonce else ()
        return self.bare.proof("GET", base + self.WS, *extra, *options,
                               token=self.bare.token)

    def open(self, **members):
        sock = Socket(self.bare)
        self.assertEqual(sock.status, 101)
        sock.send(**{"type": "auth", "token": self.bare.token,
                     "dpop_proof": self.proof(), **members})
        self.addCleanup(sock.close)
        return sock

    def opened(self):
        sock = self.open()
        self.assertEqual(sock.get(), {"type": "auth_ok",
                                      "agent_id": "orga::demo"})
        return sock

    def test_the_upgrade_says_nothing_of_cullis(self):
        sock = Socket(self.bare)
        self.assertNotIn(b"cullis", sock.head.lower())
        self.assertNotIn(b"nonce", sock.head.lower())
        sock.close()

    def test_what_opens_it_and_what_does_not(self):
        self.enter()
        self.opened().close()
        for members, detail in (
                ({"type": "hello"}, "Missing or malformed auth message"),
                ({"token": None}, "Missing or malformed auth message"),
                ({"token": "x.y.z"}, "Token invalid or expired"),
                ({"dpop_proof": None}, "DPoP proof required"),
                ({"dpop_proof": self.proof(nonce="")}, "use_dpop_nonce"),
                ({"dpop_proof": self.proof(base=HTU)},
                 "Invalid DPoP proof: htu mismatch"),
                ({"dpop_proof": self.proof("--iat-shift", "90")},
                 "Invalid DPoP proof: iat out of acceptable window"),
                ({"dpop_proof": self.proof("--alg", "PS256")},
                 "DPoP proof key mismatch")):
            sock = self.open(**members)
            with self.subTest(detail=detail, members=sorted(members)):
                self.assertEqual(sock.get(), {"type": "auth_error",
                                              "detail": detail})
                self.assertIsNone(sock.get())
        self.gw.set(court_binding=False)
        self.assertEqual(self.open().get()["detail"],
                         "Agent binding not approved or revoked")
        self.gw.set(court_binding=True, court_public_url=COURT)
        self.assertEqual(self.open().get()["detail"],
                         "Invalid DPoP proof: htu mismatch")
        sock = self.open(dpop_proof=self.proof(base=COURT))
        self.assertEqual(sock.get()["type"], "auth_ok")
        self.gw.post("/court/revoke", {"agent_id": "orga::demo"})
        self.assertEqual(self.open(dpop_proof=self.proof(base=COURT)).get()
                         ["detail"], "Token has been revoked")

    def test_what_is_no_message_just_closes(self):
        for payload, opcode in ((b"{", 1), (b"[]", 1), (b"{}", 2)):
            sock = Socket(self.bare)
            sock.put(payload, opcode)
            with self.subTest(payload=payload, opcode=opcode):
                self.assertIsNone(sock.get())
        self.gw.set(ws_auth_ms=30)
        sock = Socket(self.bare)
        self.assertEqual(sock.get()["type"], "auth_error")
        self.assertIsNone(sock.get())

    def test_frames_and_events(self):
        self.enter()
        sock = self.opened()
        sock.send(type="ping")
        self.assertEqual(sock.get(), {"type": "pong"})
        big = {"type": "x", "text": "y" * 3000}
        sock.send(**big)
        self.assertEqual(sock.get(), {"type": "echo", "frame": big})
        event = {"type": "new_message", "n": 1}
        who = {"agent_id": "orga::demo"}
        self.gw.post("/court/event", {**who, "event": event})
        self.assertEqual(sock.get(), event)
        entry = self.gw.last()
        self.assertEqual((entry["auth"], entry["status"], entry["executed"],
                          entry["proof"]["verdict"]),
                         ("court", 101, True, "ok"))
        for _ in range(29):
            sock.send(type="pong")
        self.assertIsNone(sock.get())
        wait_for(lambda: self.gw.last()["complete"], "the end")
        self.gw.post("/court/event", {**who, "event": event}, 400)

    def test_a_second_socket_costs_both(self):
        self.enter()
        first = self.opened()
        second = self.opened()
        self.assertIsNone(first.get())
        self.assertIsNone(second.get())
        self.opened()

    def test_the_end_of_the_token(self):
        self.enter()
        sock = self.opened()
        self.gw.post("/clock/shift", {"seconds": 1801})
        self.assertEqual(sock.get(), {"type": "auth_error",
                                      "detail": "Token expired"})
        self.assertIsNone(sock.get())

    def test_both_kinds_of_ping(self):
        self.enter()
        self.gw.set(ws_silence_ms=40)
        sock = self.opened()
        self.assertEqual(sock.get(), {"type": "ping"})
        sock.close()
        self.gw.set(ws_silence_ms=60000, ws_ping_ms=40)
        sock = self.opened()
        self.assertEqual(sock.frame(), (9, b""))
        self.assertIsNone(self.unanswered(sock))

    def unanswered(self, sock):
        opcode, _ = sock.frame()
        while opcode == 9:
            opcode, _ = sock.frame()
        return None if opcode == 8 else opcode

    def test_refusals_of_the_upgrade(self):
        for path, extra in (("/v1/broker/other", ""),
                            (self.WS, "Origin: https://evil.test\r\n")):
            sock = Socket(self.bare, path, extra)
            with self.subTest(path=path):
                self.assertEqual(sock.status, 403)
                self.assertIn(b"Content-Type: text/plain", sock.head)
            sock.close()
        self.gw.set(federated=False, ws_echo=False)
        sock = Socket(self.bare)
        self.assertEqual(sock.status, 403)
        sock.close()


class LocalIssuer(Case):
    """Protocol 10.6, 3.4 and 10.1: the Mastio's own issuer and its pins."""

    def test_a_halted_signer(self):
        self.agent.login()
        self.gw.set(signer_halted=True)
        self.check(self.agent.login(), 503, "local issuer not initialized")
        self.check(self.agent.call("POST", "/v1/mcp", body=LIST), 401,
                   "Token invalid or expired")
        self.check(self.agent.send("GET", "/v1/egress/x", {
            "Authorization": "DPoP " + self.agent.token}), 200)
        self.gw.set(signer_halted=False)
        self.check(self.agent.call("POST", "/v1/mcp", body=LIST), 200)

    def test_local_auth_off_without_a_court(self):
        self.agent.login()
        self.gw.set(local_auth="off")
        self.check(self.agent.login(), 503, "reverse proxy not configured")
        self.check(self.agent.call("POST", "/v1/mcp", body=LIST), 401)

    def test_grace_for_a_certificate_and_a_key(self):
        who = {"agent_id": "orga::demo"}
        self.gw.post("/agent/repin", {**who, "grace_s": 100})
        self.check(self.agent.send("GET", "/v1/egress/x"), 200)
        nonce = self.check(self.agent.send(
            "POST", "/v1/auth/login-challenge"), 200).json()["nonce"]
        self.check(self.agent.send(
            "POST", "/v1/auth/sign-challenged-assertion", body={
                "nonce": nonce, "client_assertion":
                    self.agent.assertion("--nonce", nonce)}),
            401, "leaf certificate does not match pinned")
        self.gw.post("/clock/shift", {"seconds": 101})
        self.check(self.agent.send("GET", "/v1/egress/x"), 401,
                   "client_cert_pin_mismatch")
        self.gw.post("/clock/shift", {"seconds": 0})
        self.gw.post("/agent/pin", who)
        self.gw.post("/agent/dpop", {**who, "jkt": "other", "grace_s": 100})
        self.check(self.prove(), 200)
        self.check(self.prove(101), 401, "DPoP proof was signed by a key not")
        self.gw.post("/agent/dpop", who)
        self.check(self.prove(), 200)

    def prove(self, shift=0):
        self.gw.post("/clock/shift", {"seconds": shift})
        nonce = self.bare.send("GET", "/v1/models").header("DPoP-Nonce")
        return self.agent.send("GET", "/v1/egress/x", {
            "DPoP": self.agent.proof("GET", HTU + "/v1/egress/x", "--nonce",
                                     nonce, "--iat-shift", shift)})


class Legacy(Case):
    """Protocol appendix A: X-API-Key in the place of the certificate."""
    options = ("--legacy", "--public-url", PUBLIC)
    URL = "/v1/egress/peers"

    def setUp(self):
        super().setUp()
        self.old = self.issue("legacy", "--agent", "orga::old", "--api-key")
        with open(self.old.directory + "/api-key", encoding="ascii") as file:
            self.key = file.read().strip()

    def send(self, *options, key=None, proof=False, htu=PUBLIC, ath=None):
        headers = {"X-API-Key": key or self.key}
        if proof:
            headers["DPoP"] = self.old.proof("GET", htu + self.URL, *options,
                                             token=ath or self.key)
        return self.old.send("GET", self.URL, headers)

    def test_the_key(self):
        self.assertRegex(self.key, "^sk_local_old_[0-9a-f]{32}$")
        self.check(self.send(), 200)
        entry = self.gw.last()
        self.assertEqual((entry["auth"], entry["agent_id"]),
                         ("api-key", "orga::old"))
        self.check(self.old.send("GET", self.URL), 401,
                   "X-API-Key header required")
        self.check(self.send(key="sk_local_old_xyz"), 401,
                   "Invalid API key format")
        self.check(self.send(key="sk_local_old_" + 32 * "0"), 401,
                   "Invalid API key")
        self.gw.post("/agent/deactivate", {"agent_id": "orga::old"})
        self.check(self.send(), 401, "Invalid API key")

    def test_a_proof_has_an_ath_over_the_key_and_a_nonce(self):
        answer = self.check(self.send(proof=True), 401, "use_dpop_nonce")
        nonce = ("--nonce", answer.header("DPoP-Nonce"))
        self.check(self.send(*nonce, proof=True), 200)
        self.check(self.send(*nonce, proof=True, ath="other"), 401,
                   "Invalid DPoP proof: ath mismatch")
        self.check(self.send(*nonce, proof=True, htu=HTU), 401,
                   "Invalid DPoP proof: htu mismatch")
        self.gw.set(dpop_mode="required")
        self.check(self.send(), 401, "DPoP proof required")

    def test_the_front_still_wants_a_certificate(self):
        old = self.bare
        old.directory = self.old.directory
        headers = {"X-API-Key": self.key}
        self.check(old.send("GET", self.URL, headers), 401,
                   "401 Authorization Required")
        self.check(old.send("POST", "/v1/auth/login-challenge", headers), 200)
        self.check(old.send("GET", "/v1/audit/session/1", headers), 200)
        self.check(old.send("GET", "/pki/ca.crt"), 404, "404 Not Found")

    def test_tokens_are_not_bound_and_come_first(self):
        self.check(self.old.login(), 200)
        self.assertNotIn("cnf", claims(self.old.token))
        token = {"Authorization": "DPoP " + self.old.token}
        self.check(self.old.send("GET", self.URL, token), 200)
        self.assertEqual(self.gw.last()["auth"], "token")
        self.gw.post("/token/rotate-key")
        self.check(self.old.send("GET", self.URL, token), 401,
                   "X-API-Key header required")
        self.gw.set(legacy=False)
        self.check(self.send(), 200)
        self.assertEqual(self.gw.last()["auth"], "cert")


if __name__ == "__main__":
    unittest.main()
