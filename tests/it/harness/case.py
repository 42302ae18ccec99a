"""A test and what it works with."""

import json
import os
import random
import subprocess
import tempfile
import time

from harness.gateway import Gateway
from harness.sidecar import Sidecar
from harness.process import clean_environment, Process
from harness.secrets import Secrets

SEEN_MAX = 32 << 20
ROWS = "rows.jsonl"  # in a test's directory: its rows, as they ended


class Failure(AssertionError):
    pass


class Run:
    """What all tests share: binaries, time factor, one gateway's PKI."""

    def __init__(self, binaries, slow=1.0, sanitized=False, stress_seconds=4,
                 soak_seconds=10, aborts=2000, rotations=15, seed=None):
        self.bin = os.path.abspath(binaries)
        self.slow = slow
        self.sanitized = sanitized
        self.stress_seconds = stress_seconds
        self.soak_seconds = soak_seconds
        self.aborts = aborts
        self.rotations = rotations
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.dir = tempfile.mkdtemp(prefix="cullis-it-")
        self.secrets = None  # Secrets, if the whole run is searched
        self.outputs = os.path.join(self.dir, "outputs")
        self.gateway_home = os.path.join(self.dir, "mastio")
        # In use for a quarter of an hour: its clock may go back by minutes.
        subprocess.run([self.binary("mastio-dev"), "init", self.gateway_home,
                        "--agent", "orga::bot", "--not-before", "-900"],
                       check=True, env=clean_environment())

    def binary(self, name):
        return os.path.join(self.bin, name)


class Case:
    def __init__(self, run, file, **flags):
        self.run, self.file = run, file
        self.name = run.__name__
        self.promise = run.__doc__ or ""
        self.once = flags.get("once", False)  # workers do not matter
        self.plain = flags.get("plain", False)  # measures; not sanitized
        self.alone = flags.get("alone", False)  # wants the machine
        self.soak = flags.get("soak", False)  # as long as is wanted
        self.stress = flags.get("stress", False)  # as long as is wanted
        self.rotations = flags.get("rotations", False)  # the same
        self.seconds = flags.get("seconds", 60)
        self.rows = flags.get("rows", [])  # each a named test of its own


CASES = []


def case(run=None, **flags):
    """@case, or @case(once=True, plain=True, alone=True, stress=True,
    rotations=True, seconds=N, rows=TABLE)."""
    def add(f):
        CASES.append(Case(f, f.__module__.rpartition(".")[2], **flags))
        return f
    return add(run) if run else add


class Test:
    """What one run of a case has made; finish() takes it all down."""

    def __init__(self, run, case, workers, directory):
        self.run, self.case, self.workers = run, case, workers
        self.dir = directory
        self.rows = case.rows if case else []
        self.processes, self.sidecars, self.gateways = [], [], []
        self.received = []
        self.received_bytes = 0

    def path(self, name):
        return os.path.join(self.dir, name)

    def seconds(self, n):
        """A time limit, longer for slow builds."""
        return n * self.run.slow

    def wait_until(self, condition, timeout=15, what="the condition holds"):
        """Polls until condition() is true and returns it."""
        end = time.monotonic() + self.seconds(timeout)
        pause = 0.005
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise Failure(f"after {self.seconds(timeout):g} s still not: "
                              + (what() if callable(what) else what))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    def seen(self, data):
        """Notes what a client received, for the search for secrets."""
        if self.received_bytes < SEEN_MAX:
            self.received.append(data)
            self.received_bytes += len(data)

    def report_row(self, row, seconds, error):
        """Tells run.py how a row of the case's table went."""
        with open(self.path(ROWS), "a", encoding="utf-8") as f:
            f.write(json.dumps([row.name, seconds, error]) + "\n")

    # ---- actors ----

    def gateway(self, *args, **more):
        gateway = Gateway(self, args, **more)
        self.gateways.append(gateway)
        return gateway

    def sidecar(self, gateway=None, /, **options):
        return Sidecar(self, gateway, **options)

    def pair(self, /, *args, **options):
        """A gateway and a sidecar that is ready."""
        gateway = self.gateway(*args)
        return gateway, self.sidecar(gateway, **options)

    def command(self, *args, env=None, timeout=20, handed=()):
        """Runs cullis-sidecar to its end: (exit code, stdout, stderr)."""
        n = len(self.processes)
        p = Process([self.run.binary("cullis-sidecar"), *args],
                    self.path(f"command{n}"),
                    {**clean_environment(), **(env or {})}, handed=handed)
        self.processes.append(p)
        code = p.wait(self.seconds(timeout))
        assert code is not None, f"{args} does not end"
        return code, p.stdout(), p.stderr()

    def dpopcheck(self, gateway, at_least):
        """The proofs that a gateway received, judged by dpopcheck."""
        with open(gateway.proofs, "rb") as f:
            n = sum(1 for _ in f)
        assert n >= at_least, f"{n} proofs, expected {at_least}"
        p = Process([self.run.binary("dpopcheck"), gateway.proofs],
                    self.path("dpopcheck"))
        self.processes.append(p)
        assert p.wait(self.seconds(60)) == 0, p.stdout() + p.stderr()

    # ---- after the test ----

    def finish(self):
        """What must hold whatever the test was about."""
        for g in self.gateways:
            if g.process.running:
                assert g.stats()["jti_repeated"] == 0, "a proof sent twice"
        for s in self.sidecars:
            s.stop()
        for s in self.sidecars:
            s.check_output()
        self.search()

    def search(self):
        secrets = Secrets().collect(self.dir)
        texts = [("an answer", b"".join(self.received))]
        for p in self.processes:
            if self.run.binary("cullis-sidecar") in p.args:
                texts += [("stdout", p.stdout().encode()),
                          ("stderr", p.stderr().encode())]
        for where, text in texts:
            what = secrets.find(text)
            assert not what, f"{what} is in {where}"

    def keep_received(self):
        """For the search of the whole run."""
        with open(self.path("received"), "wb") as f:
            f.writelines(self.received)

    def kill(self):
        for p in self.processes:
            p.kill()

    def logs(self):
        """All output of the actors, for a failure."""
        parts = []
        for name in sorted(os.listdir(self.dir)):
            if name.endswith((".out", ".err")):
                with open(self.path(name), "rb") as f:
                    text = f.read().decode("utf-8", "replace")
                if text:
                    parts.append(f"---- {name}\n{text[-6000:]}")
        return "\n".join(parts)
