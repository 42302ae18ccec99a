"""cullis-sidecar under test."""

import json
import os
import signal

from harness.gateway import NAME
from harness.http import Client, request_bytes
from harness.process import Process, clean_environment

SANITIZER = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
             "runtime error:", "WARNING: ThreadSanitizer", "Assertion")


class Sidecar:
    """One running sidecar.  Options are its keys with _ for -; a list gives
    one several times, None leaves a default of ours out."""

    def __init__(self, test, gateway=None, /, wait=True, env=None,
                 prefix=(), config=None, handed=(), **options):
        self.test, self.gateway = test, gateway
        self.name = f"sidecar{len(test.sidecars)}"
        self.runtime = test.path(self.name)
        os.mkdir(self.runtime, 0o700)
        self.options = self.defaults()
        self.options.update(options)
        self.expected_exit = 0
        self.stopped = False
        environment = clean_environment()
        environment["RUNTIME_DIRECTORY"] = self.runtime
        environment.update(env or {})
        self.process = Process(
            [*prefix, test.run.binary("cullis-sidecar"),
             *(["-c", config] if config else []), *self.flags()],
            test.path(self.name), environment, handed=handed)
        test.processes.append(self.process)
        test.sidecars.append(self)
        if wait:
            self.wait_listening()
        if wait == "ready" or (wait is True and gateway):
            self.wait_ready()

    def defaults(self):
        o = {"listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0",
             "log_format": "json", "workers": self.test.workers}
        if self.gateway:
            o["gateway"] = f"https://{NAME}:9443"
            o["gateway_address"] = f"127.0.0.1:{self.gateway.port}"
            o["identity_dir"] = self.gateway.agent_dir
        return o

    def flags(self):
        out = []
        for key, value in self.options.items():
            for v in value if isinstance(value, list) else [value]:
                if v is not None:
                    out += ["--" + key.replace("_", "-"), str(v)]
        return out

    # ---- addresses ----

    def addresses(self):
        """(kind, address) as written into its runtime directory."""
        path = os.path.join(self.runtime, "address")
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as f:
            return [tuple(line.strip().split(" = ", 1)) for line in f
                    if line.strip()]

    def address(self, kind="listen", n=0):
        found = [a for k, a in self.addresses() if k == kind]
        assert len(found) > n, f"no {kind} address {n}: {self.addresses()}"
        a = found[n]
        if a.startswith("unix:"):
            return a[5:]
        host, port = a.rsplit(":", 1)
        return host.strip("[]"), int(port)

    @property
    def port(self):
        return self.address()[1]

    @property
    def authority(self):
        return "%s:%d" % self.address()

    def wait_listening(self):
        def look():
            if not self.process.running:
                raise AssertionError("the sidecar ended with "
                                     f"{self.process.code}:\n"
                                     + self.process.stderr())
            return any(k == "listen" for k, _ in self.addresses())
        self.test.wait_until(look, what="the sidecar listens")

    def ready(self):
        return self.admin("/readyz").status == 200

    def wait_ready(self):
        self.test.wait_until(self.ready, what="the sidecar is ready")

    # ---- requests ----

    def connect(self, n=0, seen=True, timeout=15):
        return Client(self.address("listen", n), self.test.seconds(timeout),
                      self.test.seen if seen else None)

    def request(self, method, path, fields=(), body=None, host=None,
                version="1.1", n=0):
        """One request in origin-form on a connection of its own."""
        # mastio-dev's echo repeats our credentials, which is its job.
        echo = "/v1/egress/" in path and "bytes=" not in path
        with self.connect(n, seen=not echo) as c:
            c.request(method, path, host or self.authority, fields, body,
                      version)
            return c.answer(method)

    def get(self, path, fields=(), **more):
        return self.request("GET", path, fields, **more)

    def post(self, path, body=b"", fields=(), **more):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields = [*(fields.items() if isinstance(fields, dict)
                        else fields), ("Content-Type", "application/json")]
        return self.request("POST", path, fields, body, **more)

    def raw(self, data, method="GET", n=0):
        """The answer to literal bytes."""
        with self.connect(n) as c:
            c.send(data)
            return c.answer(method)

    def chat(self, text="hello", fields=(), **more):
        return self.post("/v1/chat/completions", {
            "model": "mastio-dev-echo", **more,
            "messages": [{"role": "user", "content": text}]}, fields)

    def connect_admin(self):
        return Client(self.address("admin-listen"), self.test.seconds(15),
                      self.test.seen)

    def admin(self, path, method="GET"):
        with self.connect_admin() as c:
            c.send(request_bytes(method, path, "127.0.0.1"))
            return c.answer(method)

    def status(self):
        return json.loads(self.admin("/status").body)

    def metrics(self):
        """{"name{labels}": value} without the common prefix."""
        found = {}
        for line in self.admin("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name.removeprefix("cullis_sidecar_")] = float(value)
        return found

    # ---- logs ----

    def log_lines(self):
        """Whole lines only: the last may still be being written."""
        return [json.loads(line)
                for line in self.process.stderr().splitlines(keepends=True)
                if line.startswith("{") and line.endswith("\n")]

    def access_lines(self):
        return [l for l in self.log_lines() if "end" in l]

    def wait_end(self, token, count=1):
        """Waits for an access line that ended so; returns the last."""
        def look():
            found = [l for l in self.access_lines() if l["end"] == token]
            return found[-1] if len(found) >= count else None
        return self.test.wait_until(
            look, what=f"an exchange ends with {token}; there are "
            + str([l["end"] for l in self.access_lines()]))

    def wait_log(self, text):
        return self.test.wait_until(
            lambda: text in self.process.stderr(), what=f"the log says {text}")

    # ---- memory ----

    def memory(self, name):
        """A line of /proc/PID/status, such as VmHWM, in bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name} in /proc")

    # ---- the end ----

    def terminate(self):
        self.process.signal(signal.SIGTERM)

    def wait_exit(self, timeout=15):
        code = self.process.wait(self.test.seconds(timeout))
        assert code is not None, "the sidecar does not end"
        return code

    def stop(self):
        """SIGTERM, and the exit code must be as expected."""
        if self.stopped:
            return
        self.stopped = True
        if self.process.running:
            self.terminate()
        code = self.wait_exit(45)
        assert code == self.expected_exit, f"the sidecar exits with {code}"

    def check_output(self):
        for text in SANITIZER:
            assert text not in self.process.stderr(), f"{text} in its output"
