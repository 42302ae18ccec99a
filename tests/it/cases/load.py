"""Many requests: none fails, no proof is used twice."""

import json
import selectors
import socket

from harness import case
from harness.http import request_bytes

BYTES = 20


class Slot:
    """One kept connection that sends the same request again and again."""

    def __init__(self, address):
        self.sock = socket.create_connection(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.have = b""

    def take(self):
        """True when a whole answer of status 200 is there."""
        data = self.sock.recv(65536)
        assert data, "the connection ended"
        self.have += data
        head, sep, body = self.have.partition(b"\r\n\r\n")
        if not sep or len(body) < BYTES:
            return False
        assert head.startswith(b"HTTP/1.1 200 "), head
        assert len(body) == BYTES, body
        self.have = b""
        return True


def load(s, total, at_once):
    """Answers received for `total` requests, `at_once` at a time."""
    request = request_bytes("GET", f"/v1/egress/l?bytes={BYTES}", s.authority)
    waiting = selectors.DefaultSelector()
    sent = done = 0
    for _ in range(at_once):
        slot = Slot(s.address())
        waiting.register(slot.sock, selectors.EVENT_READ, slot)
        slot.sock.sendall(request)
        sent += 1
    while done < total:
        events = waiting.select(s.test.seconds(20))
        assert events, f"nothing comes after {done} answers"
        for key, _ in events:
            if not key.data.take():
                continue
            done += 1
            if sent < total:
                key.data.sock.sendall(request)
                sent += 1
    for key in list(waiting.get_map().values()):
        key.data.sock.close()
    return done


def answered(s):
    return sum(v for k, v in s.metrics().items()
               if k.startswith("requests_total") and 'end="ok"' in k)


def judge(t, g, s, total):
    stats = g.stats()
    assert stats["proofs_bad"] == 0 and stats["jti_repeated"] == 0, stats
    assert stats["proofs_ok"] >= total, stats
    assert stats["logins"] == 1, stats
    # An answer may be read a moment before its worker has counted it.
    t.wait_until(lambda: answered(s) >= total)
    m = s.metrics()
    assert answered(s) == total and m["dpop_proofs_total"] >= total, m
    with open(g.proofs, encoding="utf-8") as f:
        seen = {json.loads(line)["proof"] for line in f}
    assert len(seen) >= total + 1
    t.dpopcheck(g, total + 1)


@case(seconds=90)
def thousand_one_after_the_other(t):
    """1,000 requests one after the other: no failure, no repeated jti, every
    proof accepted by dpopcheck."""
    g, s = t.pair(access_log="none")
    assert load(s, 1000, 1) == 1000
    judge(t, g, s, 1000)


@case(plain=True, alone=True, seconds=180)
def ten_thousand_at_64_at_once(t):
    """10,000 requests, 64 at once: no failure, no repeated jti, every proof
    accepted by dpopcheck."""
    g, s = t.pair(access_log="none")
    assert load(s, 10000, 64) == 10000
    judge(t, g, s, 10000)


@case(seconds=120)
def two_thousand_at_64_at_once(t):
    """2,000 requests, 64 at once, in every build."""
    g, s = t.pair(access_log="none")
    assert load(s, 2000, 64) == 2000
    judge(t, g, s, 2000)
