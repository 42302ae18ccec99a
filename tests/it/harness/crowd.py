"""A crowd of agents that behave at random, well and badly, and judge every
answer they get: it must be whole and for their own request.

All choices come from one seed.  While the gateway is well (Crowd.calm) nothing
may go wrong that an agent did not do itself."""

import hashlib
import json
import random
import socket
import struct
import threading
import time
import traceback

from harness.http import Cut, NoAnswer, request_bytes

WELL = "X-Crowd-Id"
INJECTED = "made up"  # the body of an answer that a fault has made
# What the sidecar may answer on its own while the gateway misbehaves, or
# while it drains.
REFUSALS = ("upstream-closed", "upstream-truncated", "upstream-malformed",
            "first-byte-timeout", "stream-idle-timeout", "no-token",
            "token-refused", "nonce-refused", "draining", "queue-timeout")
PATTERN = bytes(range(251)) * 4200
GARBAGE = (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
           b"GET  / HTTP/1.1\r\n\r\n", b"\r\n\r\n\r\n", b"PRI * HTTP/2.0\r\n",
           b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
           b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
           b"Content-Length: 3\r\n\r\nabc", b"X" * 9000)
WEBSOCKET = [("Connection", "Upgrade"), ("Upgrade", "websocket"),
             ("Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg=="),
             ("Sec-WebSocket-Version", "13")]


class Ask:
    """One request: its bytes, and what its answer must be like."""

    def __init__(self, method, data, body, check):
        self.method, self.data, self.body = method, data, body
        self.check = check

    @property
    def bytes(self):
        return self.data + self.body


def chunked(rnd, body):
    out = b""
    while body:
        n = rnd.randint(1, max(1, len(body)))
        out += b"%x\r\n%s\r\n" % (n, body[:n])
        body = body[n:]
    return out + b"0\r\n\r\n"


def reset_at_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))


class Agent:
    """One thread of the crowd: a random deed after the other."""

    def __init__(self, crowd, number):
        self.crowd, self.number = crowd, number
        self.s, self.t = crowd.s, crowd.t
        self.rnd = random.Random(f"{crowd.seed}/{number}")
        self.count = 0
        self.deeds = [
            (30, self.kept), (15, self.pipelined), (25, self.leaves),
            (6, self.stream), (4, self.slow_reader), (6, self.half_closes),
            (6, self.websocket), (6, self.garbage), (4, self.connect_gateway)]
        if crowd.origin:
            self.deeds += [(6, self.tunnel), (6, self.pass_through)]

    # ---- requests ----

    def name(self):
        self.count += 1
        return f"{self.number}-{self.count}"

    def order(self, method, target, fields=(), body=None):
        return request_bytes(method, target, self.s.authority, fields, body)

    def ask(self):
        return self.rnd.choice((self.ask_bytes, self.ask_bytes, self.ask_echo,
                                self.ask_head, self.ask_upload,
                                self.ask_upload))()

    def ask_bytes(self, size=None):
        if size is None:
            size = self.rnd.choice((0, 1, 500, 70000, 300000))
        name, n = self.name(), self.rnd.randint(0, size)
        fields = [("X-Mastio-Reply-Header", f"{WELL}: {name}")]
        if self.rnd.random() < 0.5:
            fields.append(("X-Mastio-Reply-Chunked", "yes"))

        def check(a):
            assert a.get(WELL) == name, f"{name} has got {a}"
            assert a.body == PATTERN[:n], f"{name}: not its body: {a}"
        return Ask("GET", self.order("GET", f"/v1/egress/{name}?bytes={n}",
                                     fields), b"", check)

    def ask_head(self):
        name = self.name()

        def check(a):
            assert a.get(WELL) == name, f"{name} has got {a}"
        return Ask("HEAD", self.order(
            "HEAD", f"/v1/egress/{name}?bytes={self.rnd.randint(0, 9999)}",
            [("X-Mastio-Reply-Header", f"{WELL}: {name}"),
             ("X-Mastio-Status", "200")]), b"", check)

    def echo(self, method, name, body, fields, data):
        """An order whose answer says what has arrived."""
        digest = hashlib.sha256(body).hexdigest()

        def check(a):
            said = a.json
            assert said["target"] == f"/v1/egress/{name}", f"{name}: {said}"
            assert said["body_bytes"] == len(body), f"{name}: {said}"
            assert not body or said["body_sha256"] == digest, said
        return Ask(method, self.order(method, f"/v1/egress/{name}", fields),
                   data, check)

    def ask_echo(self):
        return self.echo(self.rnd.choice(("GET", "DELETE", "OPTIONS")),
                         self.name(), b"", [], b"")

    def ask_upload(self):
        body = self.rnd.randbytes(self.rnd.randint(0, self.rnd.choice(
            (10, 3000, 200000))))
        fields = []
        if self.rnd.random() < 0.2:
            fields.append(("Expect", "100-continue"))
        if self.rnd.random() < 0.5:
            fields.append(("Transfer-Encoding", "chunked"))
            data = chunked(self.rnd, body)
        else:
            fields.append(("Content-Length", str(len(body))))
            data = body
        return self.echo(self.rnd.choice(("POST", "PUT")), self.name(), body,
                         fields, data)

    # ---- answers ----

    def judge(self, ask, a):
        """True if it is the gateway's own answer."""
        if a.status == 200 and not a.code:
            ask.check(a)
            self.crowd.counted("answers")
            return True
        assert not self.crowd.calm, f"while all is well: {a}"
        if a.code:
            assert a.code in REFUSALS, a
            self.crowd.counted(a.code)
        else:
            assert a.status == 503, a
            assert a.body == INJECTED.encode() or a.framing == "none", a
            self.crowd.counted("injected")
        return False

    def answer(self, c, ask):
        """Reads and judges one; True if the connection serves on."""
        a = c.answer(ask.method)
        self.judge(ask, a)
        return (a.get("Connection") or "").lower() != "close"

    # ---- deeds ----

    def kept(self):
        """One request after the other on one connection."""
        with self.connect() as c:
            for _ in range(self.rnd.randint(1, 6)):
                ask = self.ask()
                c.send(ask.bytes)
                if not self.answer(c, ask):
                    return

    def pipelined(self):
        """Several requests at once; the answers come in their order."""
        asks = [self.ask() for _ in range(self.rnd.randint(2, 8))]
        with self.connect() as c:
            # All at once could wait for each other: nobody reads meanwhile.
            sender = threading.Thread(target=self.send_quietly,
                                      args=(c, b"".join(a.bytes
                                                        for a in asks)))
            sender.start()
            try:
                for ask in asks:
                    if not self.answer(c, ask):
                        break
            finally:
                c.sock.shutdown(socket.SHUT_RDWR)
                sender.join()

    @staticmethod
    def send_quietly(c, data):
        """What goes wrong shows in the answers."""
        try:
            c.send(data)
        except OSError:
            pass

    def leaves(self):
        """Goes away in mid-head, mid-body, before or inside the answer."""
        ask = self.ask()
        data, kept = ask.bytes, self.rnd.random() < 0.3
        with self.connect() as c:
            if kept:
                first = self.ask_echo()
                c.send(first.bytes)
                if not self.answer(c, first):
                    return
            if self.rnd.random() < 0.4:
                c.send(data[:self.rnd.randrange(len(data))])
            else:
                c.send(data)
                if self.rnd.random() < 0.7:
                    c.sock.recv(self.rnd.choice((1, 100, 5000, 65536)))
            if self.rnd.random() < 0.2:
                time.sleep(self.rnd.random() / 20)
            if self.rnd.random() < 0.5:
                reset_at_close(c.sock)
        self.crowd.counted("left")

    def stream(self):
        """Events to the end, or up to some moment."""
        name, n = self.name(), self.rnd.randint(1, 20)
        words = " ".join(f"{name}.{i}" for i in range(n))
        body = json.dumps({"model": name, "stream": True, "messages": [
            {"role": "user", "content": words}]}).encode()
        leave = self.rnd.random() < 0.3
        with self.connect() as c:
            c.send(self.order(
                "POST", "/v1/chat/completions",
                [("Content-Type", "application/json"),
                 ("X-Mastio-Interval-Ms", str(self.rnd.randint(0, 20)))],
                body))
            a = c.begin_answer()
            if leave and a.framing == "chunked":
                c.body_part(a)
                return
            c.body(a)

        def check(a):
            events = [e for e in a.body.decode().split("\n\n") if e]
            assert events[-1] == "data: [DONE]", a
            said = [json.loads(e[6:]) for e in events[:-1]]
            assert {e["model"] for e in said} == {name}, f"{name}: {a}"
            text = "".join(e["choices"][0]["delta"]["content"] for e in said)
            assert text == words, (text, words)
        self.judge(Ask("POST", b"", b"", check), a)

    def slow_reader(self):
        """Does not read for a while."""
        ask = self.ask_bytes(len(PATTERN))
        with self.connect() as c:
            # Less than the answer, more than the largest segment.
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 150000)
            c.send(ask.bytes)
            time.sleep(self.rnd.random() / 4)
            self.answer(c, ask)

    def half_closes(self):
        """Says that it has said all; the answer comes nevertheless."""
        ask = self.ask()
        with self.connect() as c:
            c.send(ask.bytes)
            c.half_close()
            if self.rnd.random() < 0.3:
                return
            self.answer(c, ask)

    def websocket(self):
        """Frames to and fro."""
        path = self.rnd.choice(("/v1/broker/ws", "/v1/egress/ws"))
        with self.connect() as c:
            c.send(self.order("GET", path, WEBSOCKET))
            a = c.begin_answer()
            if a.status != 101:
                self.judge(None, c.body(a))
                return
            for _ in range(self.rnd.randint(0, 5)):
                text = self.rnd.randbytes(self.rnd.randint(1, 60))
                c.send(bytes((0x82, 0x80 | len(text), 0, 0, 0, 0)) + text)
                assert c.exactly(2) == bytes((0x82, len(text)))
                assert c.exactly(len(text)) == text, "not its own frame"
                self.crowd.counted("frames")
            self.part(c)

    def part(self, c):
        if self.rnd.random() < 0.3:
            reset_at_close(c.sock)
        elif self.rnd.random() < 0.3:
            c.half_close()

    def garbage(self):
        """What no request is gets an error or an end, nothing else."""
        data = self.rnd.choice(GARBAGE)
        if self.rnd.random() < 0.5:
            data = self.rnd.randbytes(self.rnd.randint(1, 3000)) + data
        with self.connect() as c:
            self.send_quietly(c, data)
            if self.rnd.random() < 0.5:
                return
            self.send_quietly(c, b"\r\n\r\n")
            try:
                c.half_close()
                while True:
                    a = c.begin_answer()
                    assert a.status >= 400 and a.code, a
                    c.body(a)
            except (NoAnswer, Cut, OSError):
                pass

    def connect_gateway(self):
        """A plain request inside a CONNECT to the gateway."""
        with self.connect() as c:
            name = "mastio.test:9443"
            c.send(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n")
            a = c.begin_answer("CONNECT")
            assert a.status == 200, a
            ask = self.ask()
            c.send(ask.bytes)
            self.answer(c, ask)

    def tunnel(self):
        """Bytes to and fro inside a CONNECT to another host."""
        name = self.crowd.origin.authority
        text = b"T" + self.rnd.randbytes(self.rnd.randint(10, 30000))
        with self.connect() as c:
            c.send(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
                   + text)
            a = c.begin_answer("CONNECT")
            if a.status != 200:
                self.judge(None, c.body(a))
                return
            if self.rnd.random() < 0.3:
                self.part(c)
                return
            assert c.exactly(len(text)) == text, "not its own bytes"
            self.crowd.counted("tunnels")
            self.part(c)

    def pass_through(self):
        """A plain request to another host."""
        name = self.name()

        def check(a):
            assert a.body == name.encode(), f"{name} has got {a}"
        data = request_bytes(
            "GET", f"http://{self.crowd.origin.authority}/{name}", "x")
        with self.connect() as c:
            c.send(data)
            if self.rnd.random() < 0.2:
                return
            self.judge(Ask("GET", data, b"", check), c.answer())

    # ---- the thread ----

    def connect(self):
        return self.s.connect(seen=False, timeout=30)

    def run(self):
        weights, deeds = zip(*self.deeds)
        while not self.crowd.over:
            deed, = self.rnd.choices(deeds, weights)
            try:
                deed()
            except (Cut, NoAnswer, OSError) as e:
                if self.crowd.calm or isinstance(e, TimeoutError):
                    self.crowd.fail(self, deed)
                if isinstance(e, ConnectionRefusedError):
                    assert self.crowd.leaving, "nobody listens any more"
                    return
                self.crowd.counted(type(e).__name__)
            except Exception:
                self.crowd.fail(self, deed)


class Crowd:
    def __init__(self, t, s, seed, origin=None):
        self.t, self.s, self.seed, self.origin = t, s, seed, origin
        self.calm = True  # the gateway does as it should
        self.leaving = False  # the sidecar was told to end
        self.ended = threading.Event()
        self.failures = []
        self.counts = {}
        self.lock = threading.Lock()
        self.agents, self.threads = [], []

    @property
    def over(self):
        return self.ended.is_set()

    def counted(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, agent, deed):
        self.failures.append(f"seed {self.seed}, agent {agent.number}, "
                             f"{deed.__name__}:\n" + traceback.format_exc())
        self.ended.set()

    def begin(self, n):
        """n more agents, each in a thread of its own."""
        self.ended.clear()
        first = len(self.agents)
        self.agents += [Agent(self, first + i) for i in range(n)]
        self.threads = [threading.Thread(target=a.run, daemon=True)
                        for a in self.agents[first:]]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(self.t.seconds(60))
            assert not thread.is_alive(), "an agent does not come to an end"
        assert not self.failures, self.failures[0]
