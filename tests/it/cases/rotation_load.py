"""A hundred rotations while agents work: nobody notices any."""

import base64
import hashlib
import json
import os
import random
import shutil
import time

from harness import case
from .rotation import identity, put, rewrite, thumbprint
from .soak import Agents

POOL = 6            # identities that take turns
INTERVAL_S = 1      # reload-interval
QUICK = 30          # rotations from which on agents ask at the full rate
PARTS = {"certificate": ("cert.pem", "key.pem"), "DPoP key": ("dpop.jwk",),
         "CA": ("ca.pem",)}


def jkt(directory):
    """RFC 7638."""
    with open(os.path.join(directory, "dpop.jwk"), encoding="ascii") as f:
        key = json.load(f)
    key = key.get("private_jwk", key)
    text = json.dumps({k: key[k] for k in ("crv", "kty", "x", "y")},
                      separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Rotation:
    """The files as they should be, and how they become so."""

    def __init__(self, t, g, d, rnd):
        self.t, self.d, self.rnd = t, d, rnd
        self.pool = [g.renew(f"pool{i}") for i in range(POOL)]
        expired = g.renew("expired", not_before=-3600, not_after=-60)
        self.broken = {"certificate": [expired, self.cut("cert.pem", 200),
                                       self.mixed()],
                       "DPoP key": [self.cut("dpop.jwk", 20)],
                       "CA": [self.cut("ca.pem", 100), self.other_ca(g)]}
        self.good = t.path("good")  # a whole set, as it is meant
        shutil.copytree(d, self.good)
        self.cas = [t.path("good-ca"), t.path("both-cas")]
        for path, files in zip(self.cas, (["ca.pem"],
                                          ["ca.pem", "../foreign/agent/ca.pem"])):
            os.mkdir(path)
            with open(os.path.join(path, "ca.pem"), "wb") as out:
                for name in files:
                    with open(os.path.join(self.good, name), "rb") as f:
                        out.write(f.read())

    def copy(self, name):
        path = self.t.path(name)
        shutil.copytree(self.pool[0], path)
        return path

    def cut(self, name, size):
        path = self.copy("cut-" + name)
        file = os.path.join(path, name)
        shutil.copy2(os.path.join(self.d, name), file)
        with open(file, "r+b") as f:
            f.truncate(size)
        return path

    def mixed(self):
        path = self.copy("mixed")
        shutil.copy2(os.path.join(self.pool[1], "key.pem"), path)
        return path

    def other_ca(self, g):
        """One that has nothing to do with the gateway."""
        return g.foreign_ca("foreign")

    def put(self, source, part):
        self.rnd.choice((put, rewrite))(source, self.d, PARTS[part])

    def renew(self, part):
        source = self.rnd.choice(self.cas if part == "CA" else self.pool)
        for name in PARTS[part]:
            shutil.copy2(os.path.join(source, name), self.good)
        self.put(self.good, part)

    def spoil(self, part):
        self.put(self.rnd.choice(self.broken[part]), part)

    def mend(self, part):
        self.put(self.good, part)


def live(s):
    """Certificate and DPoP key in use, and what /readyz says."""
    status, ready = s.status(), s.admin("/readyz")
    assert ready.status == 200, ready
    return (status["thumbprint"], status["jkt"]), ready.body.decode()


def wait_for(t, s, what, good):
    """Seconds until it is so."""
    begun = time.monotonic()
    t.wait_until(lambda: good(*live(s)), what=what)
    return time.monotonic() - begun


def one_rotation(t, s, r, part, bad):
    """How long it took to be live, or to be named."""
    want = lambda: (thumbprint(r.good), jkt(r.good))
    if not bad:
        r.renew(part)
        return wait_for(t, s, f"a new {part} is live", lambda now, ready:
                        now == want() and ready == "ok\n")
    r.spoil(part)
    took = wait_for(t, s, f"a broken {part} is named", lambda now, ready:
                    now == want() and "are not used: " in ready)
    r.mend(part)
    wait_for(t, s, f"the {part} is mended", lambda now, ready:
             now == want() and ready == "ok\n")
    return took


@case(seconds=60, rotations=True)
def rotations_under_load(t):
    """Certificate and key, DPoP key and CA change in random order, by rename
    and in place, each third time to something broken: no request fails, no
    stream breaks, what is good is live and what is broken is named within
    reload-interval and a second."""
    rnd = random.Random(t.run.seed)
    count = t.run.rotations
    rate = (500 if count >= QUICK else 100) / t.run.slow
    print(f"seed {t.run.seed}", flush=True)
    g = t.gateway()
    d = identity(t, g)
    g.control("POST", "/agent/dpop", {"agent_id": "orga::bot", "jkt": None})
    r = Rotation(t, g, d, rnd)
    s = t.sidecar(g, identity_dir=d, reload_interval=f"{INTERVAL_S}s",
                  access_log="none", max_clients=200)
    agents = Agents(t, s, t.run.seed, rate)
    for thread in agents.threads:
        thread.start()
    times = []
    for n in range(count):
        times.append(one_rotation(t, s, r, rnd.choice(list(PARTS)),
                                  bad=n % 3 == 2))
    agents.stop.set()
    for thread in agents.threads:
        thread.join(t.seconds(60))
    m = s.metrics()
    print(f"rotations {count}, slowest {max(times):.2f} s, seen by agents "
          f"{dict(agents.seen)}, logins {g.stats()['logins']}, reloads "
          + ", ".join(f"{k.split(chr(34))[1]} {v:g}" for k, v in m.items()
                      if k.startswith("identity_reloads_total")), flush=True)
    assert not agents.defects, agents.defects[:20]
    assert set(agents.seen) == {"ok"}, agents.seen
    assert max(times) < t.seconds(INTERVAL_S + 1), times
