"""Everything at once and at random, and what is left afterwards."""

import os
import random
import threading
import time

from harness import case, netns
from harness.crowd import INJECTED, Crowd
from harness.origin import Origin, read_all, read_head

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
    """A gateway that misbehaves until it is told to stop."""
    while not stop.wait(rnd.random() / 5):
        what = rnd.randrange(8)
        if what == 0:
            g.close_connections(rnd.choice(("close", "reset")),
                                rnd.choice(("idle", "idle", "all")))
        elif what == 1:
            g.control("POST", rnd.choice(("/nonce/rotate", "/restart-state")))
        elif what == 2:
            g.control("POST", "/token/expire")
        else:
            action = rnd.choice(TROUBLES)
            g.fault(rnd.choice(("/v1/egress/", "/v1/chat/", "/v1/")),
                    count=rnd.randint(1, 4), **action)
    g.clear_faults()


def never_twice(g):
    """No request that must not be repeated has been answered twice."""
    seen = set()
    for e in g.requests():
        if e["method"] in ("POST", "DELETE", "PUT") and e["status"] == 200 \
                and e["path"].startswith("/v1/egress/"):
            key = (e["method"], e["path"])
            assert key not in seen, f"{key} ran twice"
            seen.add(key)


def mixed(t, g, s, crowd, rnd):
    """Agents for a while: first a gateway that is well, then one that is
    not."""
    stop = threading.Event()
    crowd.begin(AGENTS)
    end = time.monotonic() + t.run.stress_seconds
    while not crowd.over and time.monotonic() < end - \
            t.run.stress_seconds / 2:
        time.sleep(0.05)
    crowd.calm = False
    troubles = threading.Thread(target=trouble, args=(g, rnd, stop))
    troubles.start()
    while not crowd.over and time.monotonic() < end:
        time.sleep(0.05)
    stop.set()
    troubles.join()
    crowd.end()


def drain_while_busy(t, s, crowd, rnd):
    crowd.begin(AGENTS)
    time.sleep(0.2 + rnd.random())
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
    for what in ("answers", "left", "frames", "tunnels", "injected"):
        assert crowd.counts.get(what), crowd.counts
    wait_idle(t, s, fds)
    never_twice(g)
    g.control("DELETE", "/journal")
    drain_while_busy(t, s, crowd, rnd)
    never_twice(g)
