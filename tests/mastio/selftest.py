#!/usr/bin/env python3
"""mastio-dev behaves as the Mastio behind its nginx does."""
import hashlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness import (Agent, Case, DIR, DPOPCHECK, HTU, claims, read_all, run,
                     wait_for)

CHAT = "/v1/chat/completions"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hi there"}]}
STREAM = {**HELLO, "stream": True}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
PUBLIC = "https://public.test:9443"


class Login(Case):
    def test_direct_login_binds_the_token_to_the_proof_key(self):
        answer = self.check(self.bare.login(), 200).json()
        self.assertEqual(answer["token_type"], "Bearer")
        self.assertEqual(answer["expires_in"], 900)
        self.assertEqual(answer["issued_by"], "cullis-mastio:orga")
        token = claims(self.bare.token)
        proof = self.gw.last()["proof"]
        self.assertEqual(token["cnf"]["jkt"], proof["jkt"])
        self.assertEqual(token["sub"], "orga::demo")
        self.assertEqual(proof["verdict"], "ok")

    def test_a_bad_proof_gives_an_unbound_token_without_a_word(self):
        self.check(self.agent.login(htu=f"{HTU}:{self.gw.port}"), 200)
        self.assertNotIn("cnf", claims(self.agent.token))
        self.check(self.agent.login(proof=False), 200)
        self.assertNotIn("cnf", claims(self.agent.token))
        self.gw.set(require_bound=True)
        self.check(self.agent.login(htu="https://other"), 401,
                   "DPoP proof required for LOCAL_TOKEN binding")
        self.check(self.agent.login(), 200)
        self.assertEqual(self.gw.stats()["logins_bound"], 1)

    def test_what_an_assertion_must_hold(self):
        spiffe = "spiffe://cullis.local/orga/demo"
        for options, status, detail in (
                (("--x5c", "li"), 200, ""),
                (("--x5c", "lir"), 200, ""),
                (("--x5c", "l"), 401, "x509 chain: chain signature invalid"),
                (("--x5c", "il"), 401, "x509 chain: chain signature"),
                (("--x5c", "lii"), 401, "x509 chain: chain signature"),
                (("--x5c", "liiiiii"), 401, "x509 chain: chain too long (7"),
                (("--x5c", ""), 401, "x509 chain: empty chain"),
                (("--sub", spiffe), 401, "sub does not match client cert"),
                (("--aud", "other"), 401, "assertion: Audience doesn't"),
                (("--lifetime", 3600), 200, ""),
                (("--lifetime", -10), 200, ""),
                (("--lifetime", -40), 401, "assertion: Signature has exp"),
                (("--iat-shift", 30), 200, ""),
                (("--iat-shift", 60), 401, "assertion: The token is not yet"),
        ):
            with self.subTest(options=options):
                self.check(self.bare.login(*options), status, detail)

    def test_keys_and_chains_of_the_agent(self):
        for name, options, status, detail in (
                ("rsa", ("--key", "rsa2048", "--key-form", "pkcs1"), 200, ""),
                ("sec1", ("--key-form", "sec1"), 200, ""),
                ("p384", ("--key", "p384"), 401, "assertion: The key's curve"),
                ("full", ("--chain", "full"), 200, ""),
                ("other", ("--issuer", "other", "--register", "no"), 401,
                 "x509 chain: chain signature invalid"),
                ("past", ("--not-before", -900, "--not-after", -60), 401,
                 "x509 chain: certificate outside validity window"),
                ("nosan", ("--san", "none", "--agent", "orga::n"), 200, ""),
        ):
            with self.subTest(name=name):
                run("issue", DIR + "/gw", f"{DIR}/{name}", *options,
                    *(() if "--agent" in options else
                      ("--agent", "orga::" + name)))
                agent = Agent(self.gw, f"{DIR}/{name}", cert=False)
                self.check(agent.login(), status, detail)
        by_root = self.issue("root", "--issuer", "root", "--agent", "orga::r")
        self.check(by_root.login("--x5c", "l"), 200)

    def test_a_token_may_be_bound_to_an_rsa_key(self):
        url = "/v1/auth/token"
        answer = self.bare.send("POST", url, {
            "DPoP": self.bare.proof("POST", HTU + url, "--alg", "PS256")},
            {"client_assertion": self.bare.assertion()}).json()
        self.assertEqual(claims(answer["access_token"])["cnf"]["jkt"],
                         self.gw.last()["proof"]["jkt"])

    def test_a_malformed_body_is_422_or_500(self):
        url = "/v1/auth/token"
        self.check(self.bare.send("POST", url, body="{"), 422, "json_invalid")
        self.check(self.bare.send("POST", url, body={"a": 1}), 422, "missing")
        self.check(self.bare.send("POST", url, body={
            "client_assertion": "a.b"}), 500, "Internal server error")

    def challenge(self, *options, conn=None, agent=None):
        agent = agent or self.agent
        nonce = self.check(agent.send("POST", "/v1/auth/login-challenge",
                                      conn=conn), 200).json()["nonce"]
        self.assertEqual(len(nonce), 43)
        body = {"nonce": nonce, "client_assertion":
                agent.assertion("--nonce", nonce, *options)}
        return body, agent.send(
            "POST", "/v1/auth/sign-challenged-assertion", body=body, conn=conn)

    def test_challenge_login(self):
        body, answer = self.challenge()
        self.assertTrue(self.check(answer, 200).json()["mastio_signature"])
        again = self.agent.send("POST", "/v1/auth/sign-challenged-assertion",
                                body=body)
        self.check(again, 401, "challenge nonce invalid")
        for options, status, detail in (
                (("--lifetime", 3600), 400, "assertion lifetime"),
                (("--x5c", "l"), 401, "x509 chain verification failed"),
                (("--aud", "x"), 401, "assertion invalid"),
                (("--sub", "orga::x"), 401, "assertion sub does not match"),
        ):
            with self.subTest(options=options):
                self.check(self.challenge(*options)[1], status, detail)

    def test_challenges_are_per_process_and_stripped_on_c(self):
        self.gw.set(processes=4)
        conn = self.agent.connect()
        for _ in range(6):
            self.check(self.challenge(conn=conn)[1], 200)
        conn.close()
        self.gw.set(front="A")
        statuses = {self.challenge()[1].status for _ in range(40)}
        self.assertEqual(statuses, {200, 401})
        self.gw.set(front="C")
        self.check(self.agent.send("POST", "/v1/auth/login-challenge"), 401,
                   "client_cert_not_verified")
        self.check(self.agent.login(), 200)

    def test_a_repinned_leaf_is_not_endorsed(self):
        nonce = self.agent.send("POST", "/v1/auth/login-challenge").json()
        self.gw.post("/agent/repin", {"agent_id": "orga::demo"})
        self.check(self.agent.send("POST", "/v1/auth/login-challenge"), 401,
                   "client_cert_pin_mismatch")
        self.assertEqual(nonce["expires_in"], 120)
        self.check(self.agent.login(), 200)


# Columns: E with a certificate, E without, I, K.
ROUTES = (("GET", "/v1/egress/x", None), ("GET", "/v1/models", None),
          ("POST", "/v1/mcp", LIST), ("GET", "/v1/agents/search", None))
CERT401 = "client_cert_not_verified"
PLAIN401 = "DPoP token required"
BOUND401 = "LOCAL_TOKEN is DPoP-bound but no DPoP proof presented"


class Outcomes(Case):
    options = ("--public-url", PUBLIC)

    def columns(self, make, wanted):
        """Sends what make() says to each route and compares."""
        for (method, path, body), want in zip(ROUTES, wanted):
            headers = make(method, path)
            answer = self.agent.send(method, path, headers, body)
            with self.subTest(path=path, sent=sorted(headers)):
                if want is None:
                    self.check(answer, 200)
                else:
                    self.check(answer, 401, want)

    def on_every_front(self, make, *wanted):
        if len(wanted) == 1:
            wanted = (wanted[0],) * 3 + (None,)
        for front in "ABC":
            self.gw.set(front=front)
            with self.subTest(front=front):
                self.columns(make, wanted)

    def setUp(self):
        super().setUp()
        self.agent.login()

    def nonce(self):
        return self.agent.send("GET", "/v1/egress/x").header("DPoP-Nonce")

    def test_nothing(self):
        self.on_every_front(lambda m, p: {}, None, CERT401, PLAIN401, None)

    def test_bound_token_and_proof(self):
        self.on_every_front(self.agent.bound, None)
        self.on_every_front(lambda m, p: self.agent.bound(
            m, p, "--nonce", "wrong", scheme="bearer"), None)

    def test_bound_token_without_or_with_a_bad_proof(self):
        token = {"Authorization": "DPoP " + self.agent.token}
        other = self.issue("otherkey", "--agent", "orga::otherkey")
        self.on_every_front(lambda m, p: token, BOUND401)
        self.on_every_front(lambda m, p: {
            **token, "DPoP": self.agent.proof(m, HTU + p)},
            "Invalid DPoP proof: ath mismatch")
        self.on_every_front(
            lambda m, p: self.agent.bound(m, p, htu=HTU + ":443"),
            "Invalid DPoP proof: htu mismatch")
        self.on_every_front(
            lambda m, p: other.bound(m, p, token=self.agent.token),
            "DPoP proof key does not match LOCAL_TOKEN cnf.jkt")

    def test_the_htu_hint_tells_what_was_expected(self):
        headers = self.agent.bound("GET", "/v1/models", htu="https://x:1")
        answer = self.agent.send("GET", "/v1/models", headers)
        self.assertEqual(answer.header("X-Cullis-Hint"),
                         "htu_mismatch_check_proxy_public_url")
        self.assertIn(f"expected='{HTU}/v1/models'", answer.detail)
        self.gw.set(production=True)
        headers = self.agent.bound("GET", "/v1/models", htu="https://x:1")
        answer = self.agent.send("GET", "/v1/models", headers)
        self.assertEqual(answer.detail, "Invalid DPoP proof: htu mismatch")

    def test_unbound_token(self):
        self.agent.login(proof=False)
        token = {"Authorization": "DPoP " + self.agent.token}
        self.on_every_front(lambda m, p: token, None)
        self.on_every_front(lambda m, p: {**token, "DPoP": "x"}, None)
        self.gw.set(require_bound=True)
        self.on_every_front(lambda m, p: token,
                            "LOCAL_TOKEN missing cnf.jkt")

    def test_expired_and_tampered_tokens(self):
        good = self.agent.token
        tampered = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB")
        self.on_every_front(
            lambda m, p: self.agent.bound(m, p, token=tampered),
            "local token rejected")
        self.gw.post("/token/expire")
        self.on_every_front(self.agent.bound, "local token rejected")
        self.assertTrue(self.gw.journal()[-2]["token"]["expired"])
        self.check(self.agent.login(), 200)
        self.on_every_front(self.agent.bound, None)

    def test_a_token_is_good_until_thirty_seconds_past_its_end(self):
        for shift, want in ((925, None), (935, "local token rejected")):
            self.gw.post("/clock/shift", {"seconds": shift})
            self.columns(lambda m, p, s=shift: self.agent.bound(
                m, p, "--iat-shift", s), (want,) * 3 + (None,))

    def test_unknown_kid(self):
        self.gw.post("/token/rotate-key")
        token = {"Authorization": "DPoP " + self.agent.token}
        self.on_every_front(lambda m, p: token, None, CERT401,
                            "DPoP proof header required", None)
        self.on_every_front(self.agent.bound,
                            "Invalid DPoP proof: htu mismatch", CERT401,
                            "Token invalid or expired", None)
        nonce = self.nonce()
        self.on_every_front(
            lambda m, p: self.agent.bound(m, p, "--nonce", nonce, htu=PUBLIC),
            None, CERT401, "Token invalid or expired", None)

    def test_placeholder_keys_are_not_tokens(self):
        for text in ("Bearer sk-anything", "Bearer culk_" + "a" * 52):
            self.on_every_front(lambda m, p, t=text: {"Authorization": t},
                                None, CERT401, PLAIN401, None)

    def test_proof_without_token(self):
        nonce = self.nonce()
        stranger = self.issue("stranger", "--agent", "orga::stranger")
        self.on_every_front(
            lambda m, p: {"DPoP": self.agent.proof(m, PUBLIC + p)},
            "use_dpop_nonce", CERT401, PLAIN401, None)
        self.on_every_front(
            lambda m, p: {"DPoP": self.agent.proof(
                m, PUBLIC + p, "--nonce", nonce)},
            None, CERT401, PLAIN401, None)
        self.on_every_front(
            lambda m, p: {"DPoP": stranger.proof(
                m, PUBLIC + p, "--nonce", nonce)},
            "DPoP proof was signed by a key not registered", CERT401,
            PLAIN401, None)

    def test_dpop_modes(self):
        self.gw.set(dpop_mode="required")
        self.on_every_front(lambda m, p: {}, "DPoP proof required", CERT401,
                            PLAIN401, None)
        self.on_every_front(self.agent.bound, None)
        self.gw.set(dpop_mode="off")
        self.on_every_front(lambda m, p: {"DPoP": "x"}, None, CERT401,
                            PLAIN401, None)
        keyless = self.issue("keyless", "--no-dpop", "--agent", "orga::kl")
        keyless.directory, nonce = self.agent.directory, self.nonce()
        headers = {"DPoP": keyless.proof("GET", PUBLIC + "/v1/egress/x",
                                         "--nonce", nonce)}
        self.gw.set(dpop_mode="required")
        self.check(keyless.send("GET", "/v1/egress/x", headers), 401,
                   "Agent has no DPoP key registered")

    def test_deactivated_agent(self):
        self.gw.post("/agent/deactivate", {"agent_id": "orga::demo"})
        dead = "agent not registered or deactivated"
        unknown = "agent_unknown_or_inactive"
        self.on_every_front(self.agent.bound, dead, dead, dead, unknown)
        self.check(self.agent.login(), 200)
        self.gw.post("/agent/activate", {"agent_id": "orga::demo"})
        self.on_every_front(self.agent.bound, None)

    def test_repinned_certificate(self):
        pin = "client_cert_pin_mismatch"
        self.gw.post("/agent/repin", {"agent_id": "orga::demo"})
        self.on_every_front(self.agent.bound, None, None, None, pin)
        self.on_every_front(lambda m, p: {}, pin, CERT401, PLAIN401, pin)
        self.gw.post("/agent/pin", {"agent_id": "orga::demo"})
        self.on_every_front(lambda m, p: {}, None, CERT401, PLAIN401, None)
        self.gw.post("/agent/repin", {"agent_id": "nobody"}, 400)

    def test_foreign_names(self):
        for name, options, detail in (
                ("org", ("--san", "spiffe://x/orgb/demo", "--register", "no"),
                 "client_cert_org_mismatch"),
                ("shape", ("--san", "spiffe://x/a/b/c/d", "--cn", "plain",
                           "--register", "no"),
                 "client_cert_no_parseable_identity"),
                ("new", ("--agent", "orga::new", "--register", "no"),
                 "agent_unknown_or_inactive"),
        ):
            agent = self.issue(name, *options)
            with self.subTest(name=name):
                self.check(agent.send("GET", "/v1/egress/x"), 401, detail)
        typed = self.issue("typed", "--san", "spiffe://x/orga/agent/typed",
                           "--agent", "orga::typed")
        self.check(typed.send("GET", "/v1/egress/x"), 200)


class Proofs(Case):
    def try_proof(self, *options, url=HTU + "/v1/models", method="GET"):
        return self.agent.send("GET", "/v1/models", {
            "Authorization": "DPoP " + self.agent.token,
            "DPoP": self.agent.proof(method, url, *options,
                                     token=self.agent.token)})

    def test_every_rule_of_a_proof(self):
        self.agent.login()
        bad = "Invalid DPoP proof: "
        for options, detail in (
                (("--iat-shift", "-61"), bad + "iat out of acceptable"),
                (("--iat-shift", "-50"), None),
                (("--iat-shift", "4"), None),
                (("--iat-shift", "20"), bad + "iat out of acceptable"),
                (("--typ", "DPoP+JWT"), bad + "typ must be 'dpop+jwt'"),
                (("--private-jwk",), bad + "jwk contains private key"),
                (("--no-jti",), bad + "missing jti"),
                (("--der",), bad + "signature verification failed"),
                (("--numeric-jti",), bad + "signature verification failed"),
                (("--alg", "RS256"), bad + "unsupported algorithm 'RS256'"),
                (("--alg", "PS256"), "DPoP proof key does not match"),
        ):
            with self.subTest(options=options):
                self.check(self.try_proof(*options),
                           401 if detail else 200, detail or "")
        for url, good in (
                (HTU + "/v1/models?a=b#c", True),
                ("HTTPS://LOCALHOST/v1/models", True),
                ("wss://localhost/v1/models", True),
                (HTU + "/v1/models;p=1", True),
                (HTU + ":443/v1/models", False),
                (HTU + "/v1/models/", False),
                (HTU + "/v1/Models", False),
                (HTU + "/v1/%6Dodels", False),
                ("http://localhost/v1/models", False),
        ):
            with self.subTest(url=url):
                self.check(self.try_proof(url=url), 200 if good else 401)
        self.check(self.try_proof(method="get"), 200)
        self.check(self.try_proof(method="POST"), 401, bad + "htm mismatch")
        self.assertEqual(self.gw.stats()["jti_repeated"], 0)

    def test_the_path_in_htu_is_decoded(self):
        self.agent.login()
        wire = "/v1/egress/agents/orga%3A%3Abot/key"
        plain = "/v1/egress/agents/orga::bot/key"
        answer = self.agent.send("GET", wire, self.agent.bound("GET", plain))
        self.assertEqual(self.check(answer, 200).json()["path"], plain)
        self.assertEqual(answer.json()["target"], wire)
        self.check(self.agent.send("GET", wire, self.agent.bound(
            "GET", wire)), 401, "Invalid DPoP proof: htu mismatch")

    def test_a_proof_is_used_once_per_process(self):
        self.agent.login()
        headers = self.agent.bound("GET", "/v1/models")
        conn = self.agent.connect()
        self.check(self.agent.send("GET", "/v1/models", headers, conn=conn),
                   200)
        self.check(self.agent.send("GET", "/v1/models", headers, conn=conn),
                   401, "DPoP proof replay detected")
        conn.close()
        self.gw.set(processes=2)
        statuses = [self.agent.send("GET", "/v1/models", headers).status
                    for _ in range(4)]
        self.assertEqual(sorted(statuses), [200, 401, 401, 401])
        self.assertEqual(self.gw.stats()["jti_repeated"], 5)


class Nonces(Case):
    def try_nonce(self, nonce, *options, conn=None):
        return self.agent.send("GET", "/v1/egress/x", {
            "DPoP": self.agent.proof("GET", HTU + "/v1/egress/x", "--nonce",
                                     nonce, *options)}, conn=conn)

    def test_a_nonce_lives_until_the_second_rotation(self):
        first = self.try_nonce("none").header("DPoP-Nonce")
        self.assertRegex(first, "^[0-9a-f]{32}$")
        self.check(self.try_nonce(first), 200)
        for shift, status in ((310, 200), (620, 401)):
            self.gw.post("/clock/shift", {"seconds": shift})
            answer = self.try_nonce(first, "--iat-shift", shift)
            with self.subTest(shift=shift):
                self.check(answer, status)
                self.assertNotEqual(answer.header("DPoP-Nonce"), first)

    def test_nonces_are_per_process(self):
        self.gw.set(processes=4)
        conns = [self.agent.connect() for _ in range(4)]
        nonces = [self.agent.send("GET", "/v1/egress/x", conn=c)
                  .header("DPoP-Nonce") for c in conns]
        self.assertEqual(len(set(nonces)), 4)
        for i, nonce in enumerate(nonces):
            for j, conn in enumerate(conns):
                answer = self.try_nonce(nonce, conn=conn)
                with self.subTest(nonce=i, process=j):
                    if i == j:
                        self.check(answer, 200)
                    else:
                        self.check(answer, 401, "use_dpop_nonce")
        for conn in conns:
            conn.close()
        self.gw.set(front="C")
        nonce = self.try_nonce("none").header("DPoP-Nonce")
        got = {self.try_nonce(nonce).status for _ in range(40)}
        self.assertEqual(got, {200, 401})

    def test_dropped_nonces_and_where_they_are_offered(self):
        nonce = self.try_nonce("none").header("DPoP-Nonce")
        self.gw.post("/nonce/rotate")
        self.check(self.try_nonce(nonce), 401, "use_dpop_nonce")
        for path, offered in (("/v1/models", True), ("/v1/nothing", True),
                              ("/healthz", False), ("/v1/broker/x", False),
                              ("/v1/auth/token", False)):
            answer = self.agent.send("GET", path)
            with self.subTest(path=path):
                self.assertEqual(answer.header("DPoP-Nonce") is not None,
                                 offered)
        nonce = self.try_nonce("none").header("DPoP-Nonce")
        self.gw.post("/restart-state")
        self.check(self.try_nonce(nonce), 401, "use_dpop_nonce")


class Front(Case):
    def test_certificate_trouble_is_a_page_on_every_path(self):
        for name, options in (
                ("f-other", ("--issuer", "other")),
                ("f-past", ("--not-before", -900, "--not-after", -60)),
                ("f-future", ("--not-before", 900)),
                ("f-server", ("--eku", "server"))):
            agent = self.issue(name, *options, "--register", "no")
            for path in ("/health", "/v1/auth/token", "/v1/egress/x"):
                answer = agent.send("GET", path)
                with self.subTest(name=name, path=path):
                    self.check(answer, 400, "400 The SSL certificate error")
                    self.assertEqual(answer.header("Connection"), "close")
                    self.assertEqual(answer.header("Content-Type"),
                                     "text/html")
        client = self.issue("f-client", "--eku", "client", "--agent",
                            "orga::client")
        self.check(client.send("GET", "/v1/egress/x"), 200)

    def test_the_location_table(self):
        page = "401 Authorization Required"
        gone = "404 Not Found"
        for path, wanted in (
                ("/v1/egress/x", (page, page, page)),
                ("/v1/agents/search", (page, page, page)),
                ("/v1/audit/session/1", (page, page, CERT401)),
                ("/v1/auth/sign-assertion", (page, page, "Method Not")),
                ("/v1/llm/chat", (page, "Method Not", "Method Not")),
                ("/v1/models", (CERT401,) * 3),
                ("/v1/unknown", ("Not Found",) * 3),
                ("/pki/ca.crt", ("", "", gone)),
                ("/metrics", (gone,) * 3),
                ("/v1", (gone,) * 3),
                ("//v1/./egress/../egress/x", (page, page, page)),
        ):
            for front, want in zip("ABC", wanted):
                self.gw.set(front=front)
                answer = self.bare.send("GET", path)
                with self.subTest(path=path, front=front):
                    self.assertEqual(answer.detail[:len(want)], want)

    def test_a_verify_header_slips_through_where_the_rest_is_stripped(self):
        answer = self.agent.send("GET", "/v1/models",
                                 {"X-SSL-Client-Verify": "SUCCESS"})
        self.check(answer, 401, "client_cert_header_missing")

    def test_the_host_that_the_application_sees(self):
        for front, host in (("A", "LocalHost:19443"), ("B", "localhost"),
                            ("C", "localhost")):
            self.gw.set(front=front)
            answer = self.agent.send("GET", "/v1/egress/x",
                                     {"Host": "LocalHost:19443"})
            with self.subTest(front=front):
                self.assertEqual(answer.json()["host"], host)

    def test_header_limits(self):
        send = self.agent.send
        answer = send("GET", "/v1/egress/x", {"a_b": "lost", "a-b": "kept"})
        names = [name for name, _ in answer.json()["headers"]]
        self.assertIn("a-b", names)
        self.assertNotIn("a_b", names)
        self.check(send("GET", "/v1/egress/x", {"X": "x" * 9000}), 400,
                   "400 Request Header Or Cookie Too Large")
        self.check(send("GET", "/v1/egress/" + "x" * 9000), 414, "414")

    def test_malformed_requests(self):
        host = "Host: localhost\r\n"
        cl, te = "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"
        for head, status in (
                ("GET /healthz HTTP/1.1\r\n" + host, 200),
                ("GET /healthz HTTP/1.0\r\n" + host, 200),
                ("GET /healthz HTTP/1.1\r\n", 400),
                ("GET /healthz HTTP/1.1\r\n" + host + host, 400),
                ("GET /healthz HTTP/2.0\r\n" + host, 505),
                ("GET  /healthz HTTP/1.1\r\n" + host, 400),
                ("GET /%zz HTTP/1.1\r\n" + host, 400),
                ("GET /healthz HTTP/1.1\n" + host, 400),
                ("GET /healthz HTTP/1.1\r\n" + host + " folded: 1\r\n", 400),
                ("GET /healthz HTTP/1.1\r\n" + host + "Bad : 1\r\n", 400),
                ("GET /healthz HTTP/1.1\r\n" + host + cl + te, 400),
                ("GET /healthz HTTP/1.1\r\n" + host + cl + cl, 400),
                ("GET /healthz HTTP/1.1\r\n" + host
                 + "Authorization: a\r\nAuthorization: b\r\n", 400),
                ("GET /healthz HTTP/1.1\r\n" + host
                 + "Transfer-Encoding: gzip\r\n", 501),
                ("TRACE /healthz HTTP/1.1\r\n" + host, 405),
        ):
            sock = self.agent.raw()
            sock.sendall((head + "Connection: close\r\n\r\n").encode())
            first = read_all(sock).split(b"\r\n")[0].decode()
            sock.close()
            with self.subTest(head=head):
                self.assertEqual(first.split(" ")[1], str(status))

    def test_body_limits(self):
        url = "/v1/egress/x"
        mib = 1 << 20
        for size, status, detail in (
                (2 * mib, 200, ""), (2 * mib + 1, 413, "Request body too"),
                (5 * mib, 413, "413 Request Entity Too Large")):
            with self.subTest(size=size):
                self.check(self.agent.send("POST", url, body=b"x" * size),
                           status, detail)
        chunks = iter([b"x" * mib] * 3)
        self.check(self.agent.send("POST", url, body=chunks), 413)
        self.gw.set(body_limit=-1)
        answer = self.agent.send("POST", url, body=b"x" * 5 * mib)
        self.assertEqual(self.check(answer, 200).json()["body_sha256"],
                         hashlib.sha256(b"x" * 5 * mib).hexdigest())

    def test_keep_alive_ends_by_count_by_time_and_on_demand(self):
        self.gw.set(keepalive_requests=2)
        conn = self.agent.connect()
        ends = [self.agent.send("GET", "/healthz", conn=conn)
                .header("Connection") for _ in range(2)]
        conn.close()
        self.assertEqual(ends, ["keep-alive", "close"])
        self.gw.set(keepalive_requests=1000)
        self.gw.set(keepalive_ms=1)
        self.assertEqual(self.idle_then(lambda: None), b"")
        self.gw.set(keepalive_ms=60000)
        for order in ({}, {"how": "reset", "which": "all"}):
            with self.subTest(order=order):
                self.assertEqual(self.idle_then(
                    lambda o=order: self.gw.post("/connections/close", o)),
                    b"")
        wait_for(lambda: self.gw.stats()["connections_open"] == 0, "the end")

    def idle_then(self, end):
        """What comes on a kept connection that end() lets end."""
        sock = self.agent.raw()
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: l\r\n\r\n")
        self.assertIn(b"200 OK", sock.recv(4096))
        end()
        rest = read_all(sock)
        sock.close()
        return rest

    def test_sessions_are_resumed(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            agent = Agent(self.gw, DIR + "/gw/agent")
            agent.context.maximum_version = version
            agent.context.minimum_version = version
            first = agent.raw()
            first.sendall(b"GET /healthz HTTP/1.1\r\nHost: l\r\n"
                          b"Connection: close\r\n\r\n")
            read_all(first)
            session = first.session
            first.close()
            sock = agent.raw(session)
            sock.sendall(b"GET /v1/egress/x HTTP/1.1\r\nHost: l\r\n"
                         b"Connection: close\r\n\r\n")
            self.assertIn(b"200 OK", read_all(sock))
            sock.close()
            entry = self.gw.last()
            with self.subTest(version=version):
                self.assertTrue(entry["tls"]["resumed"])
                self.assertIn("orga::demo", entry["tls"]["client_subject"])
        self.assertEqual(self.gw.stats()["handshakes_resumed"], 2)


class Application(Case):
    def setUp(self):
        super().setUp()
        self.agent.login()

    def test_chat_repeats_the_last_user_message(self):
        answer = self.agent.call("POST", CHAT, body=HELLO).json()
        self.assertEqual(answer["choices"][0]["message"]["content"],
                         "hi there")
        self.check(self.agent.call("POST", CHAT, body={"model": "m"}), 422,
                   "missing")
        self.check(self.bare.send("POST", CHAT, body="{"), 422,
                   "json_invalid")

    def test_a_stream_has_one_event_per_word_and_an_end(self):
        answer = self.agent.call("POST", CHAT, body=STREAM)
        self.assertEqual(answer.header("Content-Type"),
                         "text/event-stream; charset=utf-8")
        frames = [f for f in answer.body.decode().split("\n\n") if f]
        self.assertEqual(frames[-1], "data: [DONE]")
        text = "".join(json.loads(f[6:])["choices"][0]["delta"]["content"]
                       for f in frames[:-1])
        self.assertEqual(text, "hi there")
        self.assertEqual(self.gw.last()["events_written"], 2)
        answer = self.agent.call("POST", CHAT, {
            "X-Mastio-Events": "3", "X-Mastio-Interval-Ms": "20",
            "X-Mastio-Error-Frame": "yes"}, STREAM)
        frames = [f for f in answer.body.decode().split("\n\n") if f]
        self.assertEqual(len(frames), 4)
        self.assertIn('data: {"error":', frames[-1])

    def test_a_gate_holds_each_event_back(self):
        conn = self.agent.connect()
        conn.request("POST", CHAT, json.dumps(STREAM), {
            "Host": "localhost", "X-Mastio-Events": "3", "X-Mastio-Gate": "g",
            **self.agent.bound("POST", CHAT)})
        response = conn.getresponse()
        for n in (1, 2, 3):
            line = response.readline()
            self.assertIn(f"event {n} ".encode(), line)
            self.assertEqual(response.readline(), b"\n")
            entry = self.gw.last()
            self.assertEqual((entry["events_written"], entry["complete"]),
                             (n, False))
            self.assertEqual(self.gw.control("GET", "/gate/g"),
                             {"written": n, "released": n - 1})
            self.gw.post("/gate/g/release", {"count": 1})
        self.assertEqual(response.read(), b"data: [DONE]\n\n")
        conn.close()
        self.assertTrue(self.gw.last()["complete"])

    def test_models_health_keys_and_the_ca(self):
        for path in ("/v1/models", "/v1/egress/models"):
            answer = self.agent.call("GET", path)
            self.assertEqual(answer.json()["object"], "list")
        self.assertEqual(self.bare.send("GET", "/healthz").json(),
                         {"status": "ok"})
        jwks = self.bare.send("GET", "/.well-known/jwks-local.json").json()
        self.assertRegex(jwks["keys"][0]["kid"], "^mastio-[0-9a-f]{16}$")
        ca = self.bare.send("GET", "/pki/ca.crt").body.decode()
        with open(DIR + "/gw/pki/root.pem", encoding="ascii") as root:
            self.assertEqual(ca, root.read())

    def test_mcp(self):
        def call(body):
            return self.agent.call("POST", "/v1/mcp", body=body)

        def rpc(method, **params):
            return call({"jsonrpc": "2.0", "id": 7, "method": method,
                         "params": params})

        self.assertEqual(rpc("initialize").json()["result"]
                         ["protocolVersion"], "2024-11-05")
        self.check(call({"jsonrpc": "2.0",
                         "method": "notifications/initialized"}), 204)
        tools = rpc("tools/list").json()["result"]["tools"]
        self.assertEqual([t["name"] for t in tools], ["echo"])
        done = rpc("tools/call", name="echo", arguments={"a": 1}).json()
        self.assertEqual(done["result"]["content"][0]["text"], '{"a":1}')
        self.assertEqual(rpc("tools/call", name="no").json()["error"]
                         ["code"], -32004)
        self.assertEqual(rpc("nothing").json()["error"]["code"], -32601)
        self.check(call("{"), 400)
        self.assertEqual(self.gw.stats()["executed_tools"], 1)

    def test_prefixes_of_the_court_and_wrong_methods(self):
        for path in ("/v1/broker/x", "/v1/registry/x", "/v1/federation/x",
                     "/v1/auth/revoke"):
            self.check(self.agent.call("POST", path), 503,
                       "reverse proxy not configured (broker_url missing)")
        self.check(self.agent.call("HEAD", "/v1/models"), 405)
        self.check(self.agent.call("GET", "/v1/mcp"), 405, "Method Not")

    def test_the_echo_says_what_arrived(self):
        body = b"some bytes"
        answer = self.agent.call("PUT", "/v1/egress/a?b=c", {
            "X-One": "1", "X-Mastio-Status": "418",
            "X-Mastio-Reply-Header": "X-Two: 2"}, iter([body]))
        echo = self.check(answer, 418).json()
        self.assertEqual((echo["method"], echo["target"], echo["query"]),
                         ("PUT", "/v1/egress/a?b=c", "b=c"))
        self.assertIn(["X-One", "1"], echo["headers"])
        self.assertEqual(echo["body_sha256"],
                         hashlib.sha256(body).hexdigest())
        self.assertEqual(answer.header("X-Two"), "2")
        self.assertEqual(self.gw.last()["framing"], "chunked")

    def test_bodies_to_order_in_each_framing(self):
        size = 3000000
        want = bytes(i % 251 for i in range(251)) * (size // 251 + 1)
        for extra, header in (({}, "Content-Length"),
                              ({"X-Mastio-Reply-Chunked": "yes"},
                               "Transfer-Encoding"),
                              ({"X-Mastio-Reply-Close": "yes"}, None)):
            answer = self.agent.call("GET", f"/v1/egress/a?bytes={size}",
                                     extra)
            with self.subTest(header=header):
                self.assertEqual(answer.body, want[:size])
                self.assertEqual(answer.header("X-Mastio-Reply-Sha256"),
                                 hashlib.sha256(answer.body).hexdigest())
                if header:
                    self.assertIsNotNone(answer.header(header))
                else:
                    self.assertEqual(answer.header("Connection"), "close")

    def test_pipelined_requests_are_answered_in_order(self):
        sock = self.agent.raw()
        one = "GET /v1/egress/{} HTTP/1.1\r\nHost: l\r\n{}\r\n"
        sock.sendall((one.format("first", "X-Mastio-Reply-Bytes: 100000\r\n")
                      + one.format("second", "")
                      + one.format("third", "Connection: close\r\n"))
                     .encode())
        data = read_all(sock)
        sock.close()
        self.assertLess(data.index(b"/v1/egress/second"),
                        data.index(b"/v1/egress/third"))
        self.assertEqual(data.count(b"HTTP/1.1 200 OK"), 3)

    def test_a_websocket_sends_frames_back(self):
        """The sample handshake and frames of RFC 6455 sections 1.3, 5.7."""
        sock = self.agent.raw()
        sock.sendall(b"GET /v1/broker/ws HTTP/1.1\r\nHost: localhost\r\n"
                     b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     b"Sec-WebSocket-Version: 13\r\n\r\n"
                     b"\x81\x857\xfa!=\x7f\x9fMQX"
                     b"\x89\x857\xfa!=\x7f\x9fMQX\x88\x80abcd")
        head, frames = read_all(sock).split(b"\r\n\r\n", 1)
        sock.close()
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        self.assertIn(b"Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
        self.assertEqual(frames, b"\x81\x05Hello\x8a\x05Hello\x88\x00")
        self.check(self.agent.send("GET", "/v1/broker/ws"), 403)


class Faults(Case):
    URL = "/v1/egress/x"
    GET = b"GET /v1/egress/x?bytes=1000 HTTP/1.1\r\nHost: l\r\n\r\n"

    def exchange(self, data=GET):
        sock = self.agent.raw()
        sock.sendall(data)
        got = read_all(sock)
        sock.close()
        return got

    def test_made_up_answers(self):
        self.gw.fault({"status": 502}, match={"path_prefix": self.URL})
        self.check(self.agent.send("GET", "/healthz"), 200)
        answer = self.agent.send("GET", self.URL)
        self.check(answer, 502, "502 Bad Gateway")
        self.assertIsNone(answer.header("x-cullis-mode"))
        self.gw.fault({"status": 429, "headers": {"Retry-After": "7"},
                       "body": '{"detail":"no"}'}, where="app", after=1)
        self.check(self.agent.send("GET", self.URL), 200)
        answer = self.check(self.agent.send("GET", self.URL), 429, "no")
        self.assertEqual(answer.header("Retry-After"), "7")
        self.assertEqual(answer.header("x-cullis-mode"), "standalone")
        self.check(self.agent.send("GET", self.URL), 200)
        self.assertEqual(self.gw.stats()["faults_applied"], 2)

    def test_an_app_fault_comes_behind_authentication(self):
        self.gw.fault({"status": 500}, where="app")
        self.check(self.bare.send("GET", "/v1/models"), 401, CERT401)

    def test_delay(self):
        self.gw.fault({"delay_ms": 50, "status": 503})
        self.check(self.agent.send("GET", self.URL), 503)
        self.gw.fault({"delay_ms": 50})
        self.check(self.agent.send("POST", self.URL, body=b"x"), 200)

    def test_answers_that_break_off(self):
        self.gw.fault({"truncate_after_bytes": 10})
        body = self.exchange().split(b"\r\n\r\n", 1)[1]
        self.assertEqual(len(body), 10)
        self.gw.fault({"reset_after_bytes": 10})
        self.assertIn(b"200 OK", self.exchange())
        entry = self.gw.last()
        self.assertEqual((entry["cut"], entry["complete"],
                          entry["response_bytes"]), (True, False, 10))

    def test_an_end_without_close_notify(self):
        for bare in (False, True):
            self.gw.fault({"truncate_after_bytes": 10,
                           "no_close_notify": bare})
            sock = self.agent.raw()
            sock.sendall(self.GET)
            with self.subTest(bare=bare):
                if bare:
                    with self.assertRaises(ssl.SSLEOFError):
                        while sock.recv(4096):
                            pass
                else:
                    while sock.recv(4096):
                        pass
            sock.close()

    def test_no_answer_at_all(self):
        for action in ({"reset": True}, {"close_before_answer": True}):
            self.gw.fault(action)
            with self.subTest(action=action):
                self.assertEqual(self.exchange(), b"")
        self.gw.fault({"stall": True})
        sock = self.agent.raw()
        sock.sendall(self.GET)
        wait_for(lambda: self.gw.last()["status"] == 0, "the stall")
        sock.close()
        wait_for(lambda: self.gw.last()["aborted"], "the abort")

    def test_raw_bytes(self):
        self.gw.fault({"raw": "SFRUUC8xLjEgMjAwIE9LDQpYOiAN"})
        self.assertEqual(self.exchange(), b"HTTP/1.1 200 OK\r\nX: \r")

    def test_an_early_answer_overtakes_the_body(self):
        self.gw.fault({"status": 503}, early=True)
        sock = self.agent.raw()
        sock.sendall(b"POST /v1/egress/x HTTP/1.1\r\nHost: l\r\n"
                     b"Content-Length: 100000\r\n\r\nfirst")
        self.assertIn(b"503", sock.recv(4096))
        sock.sendall(b"x" * 99995 + self.GET)
        self.assertIn(b"200 OK", sock.recv(4096))
        sock.close()
        self.assertEqual(self.gw.journal()[0]["body_bytes"], 100000)

    def test_bad_faults_are_refused(self):
        for spec in ({"action": {"nonsense": 1}}, {"acton": {}},
                     {"action": {}, "where": "nowhere"},
                     {"action": {"raw": "%"}}):
            with self.subTest(spec=spec):
                self.gw.post("/fault", spec, 400)
        self.gw.post("/nothing", {}, 400)
        self.gw.fault({"status": 503}, count=-1)
        self.check(self.agent.send("GET", self.URL), 503)
        self.gw.control("DELETE", "/fault")
        self.check(self.agent.send("GET", self.URL), 200)


class Journal(Case):
    def setUp(self):
        self.proofs = tempfile.mkstemp(dir=DIR)[1]
        self.options = ("--journal-proofs", self.proofs)
        super().setUp()

    def test_an_entry_tells_all(self):
        self.agent.login()
        self.agent.call("POST", "/v1/egress/x?y", body=b"abc")
        entry = self.gw.last()
        self.assertEqual(
            {k: entry[k] for k in (
                "method", "target", "path", "host", "http_version",
                "body_bytes", "framing", "status", "auth", "agent_id",
                "complete", "aborted", "process")},
            {"method": "POST", "target": "/v1/egress/x?y",
             "path": "/v1/egress/x", "host": "localhost",
             "http_version": "HTTP/1.1", "body_bytes": 3,
             "framing": "length", "status": 200, "auth": "token",
             "agent_id": "orga::demo", "complete": True, "aborted": False,
             "process": 0})
        self.assertEqual(entry["body_sha256"],
                         hashlib.sha256(b"abc").hexdigest())
        self.assertTrue(entry["token"]["bound"])
        self.assertEqual(entry["token"]["jti"], claims(self.agent.token)
                         ["jti"])
        self.assertEqual(entry["proof"]["htu"], HTU + "/v1/egress/x")
        self.assertEqual(entry["proof"]["verdict"], "ok")
        self.assertIn(["Host", "localhost"], entry["headers"])
        self.assertEqual(self.gw.journal(entry["seq"]), [])
        self.gw.control("DELETE", "/journal")
        self.assertEqual(self.gw.journal(), [])

    def test_an_entry_is_there_once_the_head_is(self):
        sock = self.agent.raw()
        sock.sendall(b"POST /v1/egress/x HTTP/1.1\r\nHost: l\r\n"
                     b"Content-Length: 10\r\n\r\nabc")
        wait_for(lambda: self.gw.journal() and
                 self.gw.last()["body_bytes"] == 3, "the first bytes")
        self.assertEqual(self.gw.last()["status"], 0)
        sock.close()
        wait_for(lambda: self.gw.last()["aborted"], "the abort")
        self.assertFalse(self.gw.last()["complete"])

    def test_dpopcheck_accepts_what_was_recorded(self):
        self.agent.login()
        for _ in range(3):
            self.check(self.agent.call("GET", "/v1/models"), 200)
        done = subprocess.run([DPOPCHECK, self.proofs], capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stdout),
                         (0, "4 passed, 0 failed\n"))
        headers = self.agent.bound("GET", "/v1/models", htu="https://x")
        for _ in range(2):
            self.agent.send("GET", "/v1/models", headers)
        done = subprocess.run([DPOPCHECK, self.proofs], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout.count("step 9"), 2)


class Commands(unittest.TestCase):
    def test_bad_usage_and_files_end_with_a_sentence(self):
        for args, code in ((("serve",), 2), (("serve", "/nowhere"), 1),
                           (("serve", DIR, "--front", "Z"), 2),
                           (("serve", DIR + "/gw", "--listen", "x"), 1),
                           (("init",), 2), (("nonsense",), 2),
                           (("issue", DIR + "/gw", DIR + "/z", "--key", "x"),
                            1),
                           (("proof", "/nowhere", "GET", "https://x"), 1)):
            done = subprocess.run([os.path.join(os.path.dirname(DPOPCHECK),
                                                "mastio-dev"), *args],
                                  capture_output=True, text=True, check=False)
            with self.subTest(args=args):
                self.assertEqual(done.returncode, code)
                self.assertTrue(done.stderr)


if __name__ == "__main__":
    unittest.main()
