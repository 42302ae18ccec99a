"""Everything at once and at random, and what is left afterwards."""

import collections
import os
import random
import threading
import time

from harness import case, netns
from harness.crowd import INJECTED, Crowd, reset_at_close
from harness.origin import Origin, read_all, read_head
from .rotation import Config, reloads

AGENTS = 24
TROUBLES = (
    {"reset": True}, {"close_before_answer": True}, {"delay_ms": 50},
    {"status": 503, "body": INJECTED, "content_type": "text/plain"},
    {"status": 503, "body": INJECTED, "content_type": "text/plain",
     "early": True},
    {"truncate_after_bytes": 10}, {"truncate_after_bytes": 5000},
    {"reset_after_bytes": 0}, {"reset_after_bytes": 20000}, {"stall": True},
    {"no_close_notify": True}, {"raw": b"HTTP/1.1 200 OK\r\nBad Name: x\r\n"},
    # Of HEAD it would be a whole answer.
    {"raw": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
     "method": "GET"})
GAUGES = ("clients", "open_streams", "replay_buffer_bytes",
          'upstream_connections{state="idle"}',
          'upstream_connections{state="busy"}',
          'upstream_connections{state="connecting"}')


def serve(sock):
    """Another host: sends tunnelled bytes back, or the path of a request."""
    try:
        if sock.recv(1, 2) == b"T":  # MSG_PEEK
            for data in iter(lambda: sock.recv(65536), b""):
                sock.sendall(data)
            return
        head, _ = read_head(sock)
        while head:
            name = head.split(b" ")[1][1:]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                         % (len(name), name))
            head, _ = read_head(sock)
    except OSError:
        pass


def descriptors(s):
    return len(os.listdir(f"/proc/{s.process.pid}/fd"))


def idle_descriptors(t, s):
    """How many there are while nobody is connected to anybody."""
    t.wait_until(lambda: not used(s), 30, lambda: f"these are 0: {used(s)}")
    seen = []

    def settled():
        seen.append(descriptors(s))
        return len(seen) >= 5 and len(set(seen[-5:])) == 1
    t.wait_until(settled, what=lambda: f"{seen} come to rest")
    return seen[-1]


def used(s):
    m = s.metrics()
    return [g for g in GAUGES if m[g]]


def wait_idle(t, s, fds):
    """Nothing of what was is left: no client, no connection to anybody, no
    stream, no body kept, and no descriptor."""
    t.wait_until(lambda: not used(s), 30, lambda: f"these are 0: {used(s)}")
    t.wait_until(lambda: descriptors(s) == fds, 15,
                 lambda: f"{descriptors(s)} descriptors are {fds}")


def trouble(g, rnd, stop):
    """A gateway that misbehaves until it is told to stop; but logins it
    grants, since all would wait for the next attempt."""
    while not stop.wait(rnd.random() / 10):
        what = rnd.randrange(24)
        if what < 3:
            g.close_connections(rnd.choice(("close", "reset")),
                                rnd.choice(("idle", "idle", "all")))
        elif what < 6:
            g.control("POST", "/nonce/rotate")
        elif what == 6:
            g.control("POST", rnd.choice(("/token/expire", "/restart-state")))
        else:
            action = rnd.choice(TROUBLES)
            g.fault(rnd.choice(("/v1/egress/", "/v1/chat/", "/v1/broker/")),
                    count=rnd.randint(1, 8), **action)
    g.clear_faults()


def never_twice(g):
    """No request that must not be repeated has run twice."""
    ran = collections.Counter(
        e["path"] for e in g.requests() if e["method"] == "POST"
        and e["status"] == 200 and e["path"].startswith("/v1/egress/"))
    twice = [path for path, n in ran.items() if n > 1]
    assert not twice, f"these ran twice: {twice}"


def mixed(t, g, s, crowd, rnd):
    """Agents for a while: first a gateway that is well, then one that is
    not."""
    stop = threading.Event()
    crowd.begin(AGENTS)
    crowd.ended.wait(t.run.stress_seconds / 2)
    crowd.calm = False
    print(f"while all was well: {crowd.counts}", flush=True)
    troubles = threading.Thread(target=trouble, args=(g, rnd, stop))
    troubles.start()
    crowd.ended.wait(t.run.stress_seconds / 2)
    stop.set()
    troubles.join()
    crowd.end()


def drain_while_busy(t, s, crowd, rnd):
    crowd.begin(AGENTS)
    crowd.ended.wait(0.2 + rnd.random())
    crowd.leaving = True
    s.terminate()
    assert s.wait_exit(30) == 0
    crowd.end()


@case(seconds=90, stress=True)
def mixed_load(t):
    """Agents that ask, upload, stream, tunnel, pipeline, half-close, stall,
    leave at any moment and send garbage, a gateway that is well and then is
    not: every whole answer belongs to its request, nothing that must not be
    repeated runs twice, afterwards nothing is left of it all, and a drain in
    the middle of it ends with 0."""
    seed = t.run.seed
    print(f"seed {seed}", flush=True)
    rnd = random.Random(seed)
    netns.enter()
    origin = Origin(t, serve, netns.ADDRESS)
    g, s = t.pair("--dpop-mode", "required", "--processes", "2",
                  pass_through=origin.authority, upstream_idle_timeout="1s",
                  max_upstream_connections=12 * t.workers,
                  queue_timeout="60s", first_byte_timeout=f"{t.seconds(3):g}s",
                  keepalive_timeout="75s", drain_timeout=f"{t.seconds(3):g}s")
    fds = idle_descriptors(t, s)
    crowd = Crowd(t, s, seed, origin)
    mixed(t, g, s, crowd, rnd)
    print(f"counts {dict(sorted(crowd.counts.items()))}", flush=True)
    for what in ("answers", "left", "frames", "tunnels"):
        assert crowd.counts.get(what), crowd.counts
    assert g.stats()["faults_applied"], "the gateway was well all the time"
    wait_idle(t, s, fds)
    never_twice(g)
    g.control("DELETE", "/journal")
    drain_while_busy(t, s, crowd, rnd)
    never_twice(g)


# What a reload may change, and values of which no agent notices which it is.
CHANGES = {
    "gateway-address": ("127.0.0.1:%d", "localhost:%d"),
    "gateway-alias": ("other.test", "more.test"), "auth": ("auto", "token"),
    "login": ("auto", "challenge"), "token-binding": ("require", "prefer"),
    "token-wait": ("10s", "20s"), "deny": ("GET /no", "POST /never"),
    "queue-timeout": ("60s", "61s"),
    "max-upstream-connections": ("64", "1024"), "head-timeout": ("10s", "11s"),
    "body-timeout": ("60s", "61s"), "keepalive-timeout": ("75s", "76s"),
    "connect-timeout": ("5s", "6s"), "first-byte-timeout": ("10m", "11m"),
    "stream-idle-timeout": ("10m", "11m"), "upstream-max-uses": ("1", "900"),
    "upstream-idle-timeout": ("1s", "30s"), "log-level": ("info", "debug")}


def text_of(values, g):
    return "".join(f"{key} = {CHANGES[key][n]}\n" for key, n in values.items()
                   ).replace("%d", str(g.port))


@case(seconds=60, stress=True)
def reloads_among_agents(t):
    """One configuration follows the other as soon as it is in force, and no
    agent notices: not who asks, streams or tunnels, to the gateway or to
    another host."""
    seed = t.run.seed
    print(f"seed {seed}", flush=True)
    rnd = random.Random(seed)
    netns.enter()
    origin = Origin(t, serve, netns.ADDRESS)
    g = t.gateway()
    values = dict.fromkeys(CHANGES, 0)
    config = Config(t, text_of(values, g))
    s = t.sidecar(g, config=config.path, gateway_address=None,
                  pass_through=origin.authority, reload_interval="1h")
    crowd = Crowd(t, s, seed, origin)
    crowd.begin(AGENTS)
    end, n = time.monotonic() + t.run.stress_seconds, 0
    while not crowd.over and (n < 3 or time.monotonic() < end):
        for key in rnd.sample(list(CHANGES), rnd.randint(1, 3)):
            values[key] = 1 - values[key]
        config.write(text_of(values, g))
        n += 1
        t.wait_until(lambda: reloads(s, "renewed") == n or crowd.over,
                     what=lambda: f"in force: {values}; the log ends "
                     + s.process.stderr()[-2000:])
    crowd.end()
    print(f"{n} reloads, {crowd.counts}", flush=True)
    never_twice(g)


def abort_one(s, rnd, n):
    """An exchange that has begun and is broken off by the agent."""
    where = rnd.randrange(4)
    size = 0 if where == 0 else 200000
    fields = [] if where else [("Content-Length", "100000")]
    with s.connect(seen=False) as c:
        c.request("GET" if where else "POST", f"/v1/egress/a{n}?bytes={size}",
                  s.authority, fields)
        if where == 0:  # in mid-body; where == 1: before the answer
            c.send(b"x" * rnd.randrange(1, 100000))
        elif where == 2:
            c.sock.recv(1)
        elif where == 3:
            c.sock.recv(65536)
        if rnd.random() < 0.5:
            reset_at_close(c.sock)


@case(seconds=90, stress=True)
def aborted_exchanges(t):
    """Thousands of exchanges that agents break off, before the answer and
    inside it, leave no descriptor and no memory behind: the second half needs
    no more than the first has needed.  (Of a sanitized build that is not
    asked: its allocator spreads; it looks for leaks itself, at the end.)"""
    total, rnd = t.run.aborts, random.Random(t.run.seed)
    print(f"seed {t.run.seed}", flush=True)
    g, s = t.pair(access_log="none", upstream_idle_timeout="1s")
    fds = idle_descriptors(t, s)
    memory = []
    for n in range(total):
        abort_one(s, rnd, n)
        if (n + 1) % (total // 10) == 0:
            memory.append(s.memory("VmRSS"))
    wait_idle(t, s, fds)
    growth = s.memory("VmRSS") - memory[4]
    m = s.metrics()
    begun = sum(v for k, v in m.items() if k.startswith("requests_total"))
    left = sum(v for k, v in m.items() if k.startswith("requests_total")
               and 'end="client-gone"' in k)
    print(f"{begun:g} exchanges, {left:g} ended by the client, {fds} "
          f"descriptors, {growth} bytes more at the end than at half of it: "
          f"{memory}", flush=True)
    assert begun > total * 0.9 and left > total / 2, (begun, left)
    if not t.run.sanitized:
        assert growth < 1 << 20, memory
    assert s.get("/v1/egress/x?bytes=3").status == 200
