"""mastio-dev, the stand-in gateway, and its control port."""

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess

from harness.process import Process, clean_environment

NAME = "mastio.test"  # of the gateway, in its certificate and for the agents


class Gateway:
    def __init__(self, test, args=(), home=None):
        self.test, self.args = test, list(args)
        self.home = home or test.path("mastio")
        if not os.path.isdir(self.home):
            shutil.copytree(test.run.gateway_home, self.home)
        self.agent_dir = os.path.join(self.home, "agent")
        self.proofs = test.path("proofs.jsonl")
        self.tokens = test.path("tokens")
        self.host = "127.0.0.1"
        self.port = self.control_port = 0
        self.held = None  # the port of one that was stopped
        self.process = None
        self.start()

    # ---- life ----

    def start(self):
        """Starts it, on the same TLS port as before if it ran before.  Somebody
        else may have been given that port meanwhile: then it is tried again
        until that one has ended."""
        if self.held:
            self.held.close()
        self.test.wait_until(self.launch, what="mastio-dev is ready")

    def launch(self):
        self.process = Process(
            [self.test.run.binary("mastio-dev"), "serve", self.home,
             "--listen", f"{self.host}:{self.port}",
             "--control", "127.0.0.1:0",
             "--journal-proofs", self.proofs,
             "--journal-tokens", self.tokens, *self.args],
            self.test.path("mastio-dev"))
        self.test.processes.append(self.process)
        self.test.wait_until(
            lambda: self.ready() or not self.process.running,
            what="mastio-dev is ready, or has ended")
        if self.process.running:
            return True
        said = self.process.stderr()
        if not self.port or "cannot listen" not in said:
            raise AssertionError("mastio-dev did not start: " + said)
        self.test.processes.remove(self.process)
        return False

    def ready(self):
        for line in reversed(self.process.stdout().splitlines()):
            said = json.loads(line)
            if said["pid"] == self.process.pid:
                self.port = int(said["tls"].rsplit(":", 1)[1])
                self.control_port = int(said["control"].rsplit(":", 1)[1])
                return True
        return False

    def stop(self):
        """Ends it; nobody is given its port, where nobody listens."""
        self.process.kill()
        self.held = socket.socket()
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind((self.host, self.port))
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)

    def stall(self):
        """Stopped, it is connected to again, and says nothing."""
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.listen()

    def restart(self):
        self.stop()
        self.start()

    # ---- control ----

    def control(self, method, path, body=None):
        conn = http.client.HTTPConnection(
            "127.0.0.1", self.control_port, timeout=self.test.seconds(20))
        try:
            conn.request(method, path,
                         json.dumps(body) if body is not None else None)
            answer = conn.getresponse()
            said = json.loads(answer.read())
            assert answer.status == 200, f"{method} {path}: {said}"
            return said
        finally:
            conn.close()

    def journal(self, path=None, since=0):
        """What it received: all, or the requests below a path.  `token` and
        `proof` of an entry are the claims that were sent, or None."""
        entries = self.control("GET", f"/journal?since={since}")["entries"]
        for e in entries:
            e["token"], e["proof"] = sent_claims(e["headers"])
        return [e for e in entries
                if path is None or (e["path"] or "").startswith(path)]

    def requests(self):
        """What it received but for logins."""
        return [e for e in self.journal()
                if not (e["path"] or "").startswith("/v1/auth/")]

    def last_seq(self):
        return max((e["seq"] for e in self.journal()), default=0)

    def stats(self):
        return self.control("GET", "/stats")

    def fault(self, path=None, method=None, count=-1, after=0, where="front",
              early=False, **action):
        """Makes something go wrong; raw=BYTES is sent literally."""
        match = {}
        if path:
            match["path_prefix"] = path
        if method:
            match["method"] = method
        if "raw" in action:
            action["raw"] = base64.b64encode(action["raw"]).decode()
        self.control("POST", "/fault", {
            "match": match, "count": count, "after": after, "where": where,
            "early": early, "action": action})

    def fault_json(self, path, status, body, headers=None, **more):
        """Answers requests below a path with a JSON body."""
        self.fault(path, status=status, body=json.dumps(body),
                   content_type="application/json", headers=headers or {},
                   **more)

    def clear_faults(self):
        self.control("DELETE", "/fault")

    def set(self, **settings):
        self.control("POST", "/set", settings)

    def release(self, gate, count=1):
        self.control("POST", f"/gate/{gate}/release", {"count": count})

    def gate(self, gate):
        return self.control("GET", f"/gate/{gate}")

    def close_connections(self, how="close", which="idle"):
        self.control("POST", "/connections/close",
                     {"how": how, "which": which})

    # ---- identities ----

    def issue(self, name, **options):
        """A new identity directory by the gateway's CA."""
        out = self.test.path(name)
        args = [self.test.run.binary("mastio-dev"), "issue", self.home, out]
        for key, value in options.items():
            args.append("--" + key.replace("_", "-"))
            if value is not True:
                args.append(str(value))
        subprocess.run(args, check=True, env=clean_environment())
        if self.process.running:  # it reads its agents at its start
            self.restart()
        return out

    def renew(self, name, agent="orga::bot", **options):
        """Another directory for an agent that is known.  The gateway refuses
        it until pin()."""
        out = self.test.path(name)
        args = [self.test.run.binary("mastio-dev"), "issue", self.home, out,
                "--agent", agent, "--register", "no"]
        for key, value in options.items():
            args += ["--" + key.replace("_", "-"), str(value)]
        subprocess.run(args, check=True, env=clean_environment())
        return out

    def foreign_ca(self, name):
        """A directory with the CA of another gateway."""
        home = self.test.path(name)
        subprocess.run([self.test.run.binary("mastio-dev"), "init", home,
                        "--agent", "orga::bot"],
                       check=True, env=clean_environment())
        return os.path.join(home, "agent")

    def pin(self, directory, agent="orga::bot", grace_s=0):
        """The certificate there is the one on file, and any DPoP key will
        do; the one before is good for the grace."""
        with open(os.path.join(directory, "cert.pem"), encoding="ascii") as f:
            self.control("POST", "/agent/pin",
                         {"agent_id": agent, "cert_pem": f.read(),
                          "grace_s": grace_s})
        self.control("POST", "/agent/dpop", {"agent_id": agent, "jkt": None})


def claims(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def sent_claims(headers):
    """The claims of the token and of the proof among the header fields."""
    token = proof = None
    for name, value in headers:
        if name.lower() == "authorization" and value.count(".") == 2:
            token = claims(value)
        elif name.lower() == "dpop" and value.count(".") == 2:
            proof = claims(value)
    return token, proof
