#!/usr/bin/env python3
"""mastio-dev fails as the Mastio and its nginx fail: what the tests of a
client that heals itself stand on."""
import http.client
import json
import socket
import sys
import time
import unittest

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness import Case, read_all, wait_for

CHAT = "/v1/chat/completions"
HELLO = {"model": "m", "messages": [{"role": "user", "content": "hi there"}]}
STREAM = {**HELLO, "stream": True}
NOTE = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def tool(ident):
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params":
            {"name": "echo", "arguments": {"id": ident}}}


class Pool(Case):
    """Protocol 2.4: what follows a 204 of /v1/mcp on front B is lost."""
    options = ("--mcp-loss-ms", 60000)

    def setUp(self):
        super().setUp()
        self.agent.login()

    def note_then(self, method, path, body=None, agent=None):
        self.check(self.agent.call("POST", "/v1/mcp", body=NOTE), 204)
        agent = agent or self.agent
        agent.token = self.agent.token
        return agent.call(method, path, body=body)

    def test_the_next_post_is_lost_and_not_executed(self):
        answer = self.note_then("POST", "/v1/mcp", tool("a"))
        self.check(answer, 502, "502 Bad Gateway")
        self.assertIsNone(answer.header("x-cullis-mode"))
        entry = self.gw.last()
        self.assertEqual((entry["lost"], entry["executed"], entry["status"]),
                         (True, False, 502))
        self.check(self.agent.call("POST", "/v1/mcp", body=tool("a")), 200)
        self.assertEqual(self.gw.control("GET", "/executions"),
                         {"ids": {"a": 1}, "twice": []})
        stats = self.gw.stats()
        self.assertEqual((stats["lost"], stats["executed_tools"]), (1, 1))

    def test_any_client_and_any_path_may_be_hit_but_no_get(self):
        self.check(self.note_then("POST", CHAT, HELLO, self.bare), 502)
        self.check(self.note_then("GET", "/v1/models"), 200)
        self.check(self.agent.call("POST", CHAT, body=HELLO), 200)

    def test_a_and_c_keep_no_connections(self):
        for front in "AC":
            self.gw.set(front=front)
            with self.subTest(front=front):
                self.check(self.note_then("POST", "/v1/mcp", tool("b")), 200)

    def test_the_window_and_the_percentage(self):
        self.gw.set(mcp_loss=0)
        self.check(self.note_then("POST", "/v1/mcp", tool("c")), 200)
        self.gw.set(mcp_loss=100, mcp_loss_ms=0)
        self.check(self.agent.call("POST", "/v1/mcp", body=NOTE), 204)
        time.sleep(0.002)
        self.check(self.agent.call("POST", "/v1/mcp", body=tool("d")), 200)
        self.gw.set(mcp_loss=50, mcp_loss_ms=60000)
        got = [self.note_then("POST", "/v1/mcp", tool(f"e{i}")).status
               for i in range(24)]
        self.assertEqual(set(got), {200, 502})

    def test_every_notification_leaves_a_dead_connection(self):
        for _ in range(2):
            # The second one must not be lost itself.
            self.gw.set(mcp_loss=0)
            self.agent.call("POST", "/v1/mcp", body=NOTE)
        self.gw.set(mcp_loss=100)
        self.check(self.agent.call("POST", "/v1/mcp", body=tool("f")), 502)
        self.check(self.agent.call("POST", "/v1/mcp", body=tool("f")), 200)


class Executions(Case):
    def test_what_runs_twice_is_found(self):
        self.agent.login()
        for n in (1, 2):
            self.agent.call("POST", "/v1/egress/x", {"X-Mastio-Id": "m"}, b"x")
            entry = self.gw.last()
            self.assertEqual((entry["executed"], entry["execution_id"],
                              entry["execution_count"]), (True, "m", n))
        self.check(self.bare.send("GET", "/v1/models", {"X-Mastio-Id": "n"}),
                   401)
        self.assertFalse(self.gw.last()["executed"])
        self.assertEqual(self.gw.control("GET", "/executions"),
                         {"ids": {"m": 2}, "twice": ["m"]})
        self.assertEqual(self.gw.stats()["executed_twice"], 1)
        self.gw.control("DELETE", "/executions")
        self.assertEqual(self.gw.control("GET", "/executions")["ids"], {})

    def test_an_answer_lost_behind_the_execution(self):
        self.agent.login()
        self.gw.fault({"lose_answer": True}, match={"path_prefix": "/v1/mcp"})
        body = json.dumps(tool("lost"))
        sock = self.agent.raw()
        headers = self.agent.bound("POST", "/v1/mcp")
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        sock.sendall((f"POST /v1/mcp HTTP/1.1\r\nHost: localhost\r\n{lines}"
                      f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        self.assertEqual(read_all(sock), b"")
        sock.close()
        entry = self.gw.last()
        self.assertEqual((entry["executed"], entry["cut"],
                          entry["execution_count"]), (True, True, 1))


class Proofs(Case):
    def test_a_repeated_jti_is_told_apart(self):
        self.agent.login()
        headers = self.agent.bound("GET", "/v1/models")
        for again in (False, True):
            self.agent.send("GET", "/v1/models", headers)
            self.assertEqual(self.gw.last()["proof"]["repeated"], again)


class Overload(Case):
    """Protocol 6.5."""

    def test_both_reasons_and_the_exempt_path(self):
        for shed, error, retry in (
                ("global_rate_limit", "global_rate_limit_exceeded", "1"),
                ("db_latency_circuit_breaker",
                 "db_latency_circuit_breaker_open", "5")):
            self.gw.set(shed=shed)
            answer = self.bare.send("GET", "/v1/models")
            with self.subTest(shed=shed):
                self.check(answer, 503)
                self.assertEqual(answer.json()["error"], error)
                self.assertEqual(answer.header("Retry-After"), retry)
                self.assertEqual(answer.header("x-cullis-shed-reason"), shed)
                for absent in ("x-cullis-mode", "DPoP-Nonce"):
                    self.assertIsNone(answer.header(absent))
                self.check(self.bare.send("GET", "/health"), 200)
        entry = [e for e in self.gw.journal() if e["shed"]]
        self.assertEqual([e["executed"] for e in entry], [False, False])
        self.gw.set(shed="none")
        self.check(self.bare.send("GET", "/healthz"), 200)
        self.assertEqual(self.gw.stats()["shed"], 2)

    def test_only_what_is_too_much_is_shed(self):
        self.gw.set(shed="global_rate_limit", shed_rps=3)
        conn = self.bare.connect()

        def burst():
            got = [self.bare.send("GET", "/readyz", conn=conn).status
                   for _ in range(30)]
            return got.count(503) and got.count(200)

        self.assertGreaterEqual(wait_for(burst, "a mixed burst"), 3)
        conn.close()


class ReadTimeout(Case):
    """Protocol 2.4: nginx gives up on a silent application."""

    def test_before_the_head_it_is_a_504(self):
        self.agent.login()
        self.gw.set(read_timeout_ms=30)
        self.gw.fault({"stall": True})
        answer = self.agent.call("GET", "/v1/models")
        self.check(answer, 504, "504 Gateway Time-out")
        self.gw.fault({"delay_ms": 60000})
        self.check(self.agent.call("POST", CHAT, body=HELLO), 504)
        self.assertTrue(self.gw.last()["read_timeout"])
        self.check(self.agent.call("GET", "/v1/models"), 200)
        self.assertEqual(self.gw.stats()["read_timeouts"], 2)

    def test_a_silent_stream_breaks_off(self):
        self.agent.login()
        self.gw.set(read_timeout_ms=150)
        conn = self.agent.connect()
        conn.request("POST", CHAT, json.dumps(STREAM), {
            "Host": "localhost", "X-Mastio-Events": "4",
            "X-Mastio-Gate": "slow", **self.agent.bound("POST", CHAT)})
        response = conn.getresponse()
        self.assertIn(b"event 1 ", response.readline())
        self.gw.post("/gate/slow/release", {"count": 1})
        with self.assertRaises(http.client.IncompleteRead) as broken:
            response.read()
        self.assertIn(b"event 2 ", broken.exception.partial)
        conn.close()
        entry = self.gw.last()
        self.assertEqual((entry["read_timeout"], entry["cut"],
                          entry["complete"]), (True, True, False))

    def test_a_stream_that_speaks_is_left_alone(self):
        self.agent.login()
        self.gw.set(read_timeout_ms=400)
        answer = self.agent.call("POST", CHAT, {
            "X-Mastio-Events": "12", "X-Mastio-Interval-Ms": "50"}, STREAM)
        self.assertTrue(answer.body.endswith(b"[DONE]\n\n"))


class Provider(Case):
    """Protocol 5.4 and 8.2: what the provider refuses."""

    def ask(self, **more):
        return self.agent.call("POST", CHAT, body={**HELLO, **more})

    def test_plain_requests_get_the_status(self):
        self.agent.login()
        for reason, status in (
                ("provider_auth_failed", 401), ("provider_rate_limited", 429),
                ("provider_permission_denied", 403), ("upstream_timeout", 504),
                ("provider_api_error", 502), ("provider_key_missing", 503),
                ("provider_not_implemented:x", 501)):
            answer = self.ask(mastio_refuse=reason)
            with self.subTest(reason=reason):
                self.check(answer, status, reason)
                self.assertRegex(answer.json()["detail"]["trace_id"],
                                 "^trace_[0-9a-f]{16}$")

    def test_streamed_ones_get_a_frame(self):
        self.agent.login()
        self.gw.set(provider_error="provider_auth_failed")
        answer = self.check(self.ask(stream=True), 200)
        self.assertEqual(answer.body.count(b"data: "), 1)
        error = json.loads(answer.body[len(b"data: "):])["error"]
        self.assertEqual(error["type"], "provider_auth_failed")
        self.check(self.ask(), 401, "provider_auth_failed")
        self.gw.set(provider_error=None)
        self.check(self.ask(stream=True, mastio_refuse="provider_disabled"),
                   503, "provider_disabled")
        self.check(self.ask(), 200)


class Life(Case):
    def test_a_restart_resets_everybody_and_keeps_the_port(self):
        self.agent.login()
        nonce = self.agent.send("GET", "/v1/egress/x").header("DPoP-Nonce")
        sock = self.agent.raw()
        self.gw.post("/restart", {"down_ms": 200})
        self.assertEqual(read_all(sock), b"")
        sock.close()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.gw.port), 5)

        def back():
            try:
                return self.agent.call("GET", "/v1/models").status == 200
            except OSError:
                return False

        wait_for(back, "the gateway's return")
        self.check(self.agent.send("GET", "/v1/egress/x", {
            "DPoP": self.agent.proof("GET", "https://localhost/v1/egress/x",
                                     "--nonce", nonce)}),
            401, "use_dpop_nonce")

    def test_a_restart_may_be_instant(self):
        self.gw.post("/restart")
        self.check(self.agent.login(), 200)
        self.gw.post("/restart", {"down_ms": -1}, 400)

    def test_a_slow_login_and_one_that_has_to_wait(self):
        """Both are faults behind the authentication of the token route."""
        login = {"path_prefix": "/v1/auth/token"}
        self.gw.fault({"delay_ms": 80}, match=login, where="app")
        begin = time.monotonic()
        self.check(self.agent.login(), 200)
        self.assertGreater(time.monotonic() - begin, 0.08)
        self.gw.fault({"status": 429, "headers": {"Retry-After": "9"},
                       "body": '{"detail":"Rate limit exceeded"}'},
                      match=login, where="app")
        answer = self.check(self.agent.login(), 429, "Rate limit exceeded")
        self.assertEqual(answer.header("Retry-After"), "9")
        self.check(self.agent.login(), 200)

    def test_settings_are_told_and_mistakes_refused(self):
        self.gw.set(front="C", shed_rps=7)
        told = self.gw.control("GET", "/set")
        self.assertEqual((told["front"], told["shed_rps"],
                          told["public_url"]), ("C", 7, None))
        self.gw.post("/set", {"read-timeout-ms": 5})
        self.assertEqual(self.gw.control("GET", "/set")["read_timeout_ms"], 5)
        for wrong in ({"front": "Z"}, {"nonsense": 1}, {"processes": 0},
                      {"production": 1}, {"public_url": 3}):
            with self.subTest(wrong=wrong):
                self.gw.post("/set", wrong, 400)


if __name__ == "__main__":
    unittest.main()
