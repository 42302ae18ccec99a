"""A gateway that loses nonces, keys, tokens, its clock and itself, while
agents work."""

import collections
import json
import random
import threading
import time

from harness import Cut, case

PLAIN, STREAMS, RATE = 30, 50, 300
EVENTS = 40
CLOCKS = (120, 240, 360)  # not before its certificates were made
# What an agent may see, and whose fault it was.  Everything else is a defect.
EXCUSED = {
    "cut: answer begun": "the gateway broke off an answer it had begun",
    "upstream-closed POST": "the gateway broke the connection; the request "
                            "may have run",
    "upstream-truncated POST": "the same, in its answer's head",
    "upstream-truncated GET": "the gateway broke off an answer's head",
    "shed": "the gateway shed the request before running it, for longer "
            "than a retry waits",
}


class Agents:
    """Threads that ask, each in its own rhythm, and what they met."""

    def __init__(self, t, s, seed, rate=RATE):
        self.t, self.s, self.seed = t, s, seed
        self.pace = PLAIN / rate  # seconds between two requests of one
        self.lock = threading.Lock()
        self.seen = collections.Counter()
        self.defects = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,))
                        for n in range(PLAIN + STREAMS)]

    def note(self, what, detail=None):
        with self.lock:
            self.seen[what] += 1
            if what != "ok" and what not in EXCUSED:
                self.defects.append(f"{what}: {detail}")

    def run(self, n):
        rnd = random.Random(self.seed * 1000 + n)
        ask = self.plain if n < PLAIN else self.stream
        client, count = None, 0
        while not self.stop.is_set():
            began = time.monotonic()
            count += 1
            try:
                client = client or self.s.connect(seen=False, timeout=60)
                if not ask(client, rnd, f"{n}-{count}"):
                    client.close()
                    client = None
            except Cut as cut:
                begun = getattr(cut, "answer", None) is not None
                self.note("cut: answer begun" if begun else "cut", cut)
                client.close()
                client = None
            except (OSError, AssertionError, ValueError) as e:
                self.note(type(e).__name__, e)
                client.close()
                client = None
            # At the agents' pace, even if the gateway says no at once.
            self.stop.wait(max(0, self.pace + began - time.monotonic()))
        if client:
            client.close()

    def judge(self, answer, method, ok):
        """Notes one whole answer; False: use another connection."""
        if answer.status < 300 and ok(answer):
            self.note("ok")
        elif answer.get("X-Cullis-Shed-Reason") or \
                answer.code == "gateway-busy":
            self.note("shed")
        else:
            self.note(f"{answer.code or answer.status} {method}", answer)
        return answer.get("Connection") != "close"

    def plain(self, c, rnd, name):
        kind = rnd.random()
        if kind < 0.5:
            c.request("GET", f"/v1/egress/{name}?bytes=300",
                      self.s.authority)
            return self.judge(c.answer(), "GET",
                              lambda a: len(a.body) == 300)
        if kind < 0.85:
            body = name.encode() * 20
            c.request("POST", f"/v1/egress/{name}?bytes=10",
                      self.s.authority, [("X-Mastio-Id", name)], body)
            return self.judge(c.answer(), "POST",
                              lambda a: len(a.body) == 10)
        body = json.dumps({"jsonrpc": "2.0", "id": name,
                           "method": "tools/call", "params": {
                               "name": "echo",
                               "arguments": {"id": name}}}).encode()
        c.request("POST", "/v1/mcp", self.s.authority,
                  [("Content-Type", "application/json")], body)
        return self.judge(c.answer(), "POST",
                          lambda a: json.loads(a.body)["id"] == name)

    def stream(self, c, rnd, name):
        body = json.dumps({"model": "m", "stream": True, "messages": [
            {"role": "user", "content": name}]}).encode()
        c.request("POST", "/v1/chat/completions", self.s.authority,
                  [("Content-Type", "application/json"),
                   ("X-Mastio-Events", str(EVENTS)),
                   ("X-Mastio-Interval-Ms", str(rnd.randrange(20, 120)))],
                  body)
        return self.judge(c.answer(), "POST",
                          lambda a: a.body.rstrip().endswith(b"[DONE]"))


def shed_for_a_moment(g, rnd, stop):
    g.set(shed=rnd.choice(("global_rate_limit",
                           "db_latency_circuit_breaker")))
    stop.wait(0.3)
    g.set(shed="none")


TROUBLES = {
    "nonces rotate": lambda g, rnd, stop: g.control("POST", "/nonce/rotate"),
    "restart": lambda g, rnd, stop: g.control(
        "POST", "/restart", {"down_ms": rnd.randrange(50, 500)}),
    "tokens expire": lambda g, rnd, stop: g.control("POST", "/token/expire"),
    "another signing key": lambda g, rnd, stop: g.control(
        "POST", "/token/rotate-key"),
    "clock": lambda g, rnd, stop: g.control(
        "POST", "/clock/shift", {"seconds": rnd.choice(CLOCKS)}),
    "resets": lambda g, rnd, stop: g.close_connections(
        "reset", rnd.choice(("idle", "idle", "all"))),
    "shedding": shed_for_a_moment,
    "slow login": lambda g, rnd, stop: g.fault(
        "/v1/auth/token", count=1, delay_ms=1500),
}


def chaos(t, g, agents, seconds, rnd):
    """One trouble after the other; each comes up before any comes twice."""
    met = collections.Counter()
    end = time.monotonic() + seconds
    waiting = []
    while time.monotonic() < end and not agents.stop.wait(
            t.seconds(1 + rnd.random() * 2)):
        if not waiting:
            waiting = rnd.sample(sorted(TROUBLES), len(TROUBLES))
        name = waiting.pop()
        TROUBLES[name](g, rnd, agents.stop)
        met[name] += 1
    return met


def report(s, g, agents, met):
    stats, m = g.stats(), s.metrics()
    seen = dict(sorted(agents.seen.items()))
    print(f"troubles {dict(sorted(met.items()))}\n"
          f"answers {sum(seen.values())}, seen by agents {seen}\n"
          f"logins {stats['logins']}, executed twice "
          f"{stats['executed_twice']}, jti repeated {stats['jti_repeated']}, "
          f"nonce retries {m['dpop_nonce_retries_total']:g}, connections asked "
          f"for again {m['upstream_reconnects_total']:g}, sent again "
          f"{m['upstream_stale_retries_total']:g}", flush=True)
    return stats


@case(seconds=60, soak=True)
def chaos_at_the_gateway(t):
    """Plain requests, tool calls and streams go on through lost nonces,
    restarts, expired tokens, changed keys, clock jumps, resets, shedding and
    slow logins: agents see no failure but those that no client could heal,
    nothing runs twice, no proof is sent twice."""
    seed = t.run.seed
    print(f"seed {seed}", flush=True)
    g = t.gateway("--processes", "4")
    g.control("POST", "/clock/shift", {"seconds": CLOCKS[1]})
    s = t.sidecar(g, access_log="none", max_clients=200, token_wait="30s",
                  queue_timeout="30s")
    agents = Agents(t, s, seed)
    for thread in agents.threads:
        thread.start()
    met = chaos(t, g, agents, t.run.soak_seconds, random.Random(seed))
    agents.stop.set()
    for thread in agents.threads:
        thread.join(t.seconds(60))
    stats = report(s, g, agents, met)
    assert not agents.defects, agents.defects[:20]
    ran = sum(agents.seen.values()) - agents.seen["shed"]
    assert agents.seen["ok"] > ran * 0.9, agents.seen
    assert not stats["executed_twice"], g.control("GET", "/executions")
    assert not stats["jti_repeated"], stats
    t.wait_until(lambda: s.chat().status == 200, what="all is well again")
