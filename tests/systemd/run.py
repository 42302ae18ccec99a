#!/usr/bin/env python3
"""conf/cullis-sidecar.service under a real systemd, started beside this one.

It boots in namespaces of its own on an overlay of this machine (boot.sh), with
the unit as it is shipped, an identity that root alone can read, and mastio-dev
as the gateway.  Needs root and the packages systemd, iproute2 and curl; what
is missing is a failure.

usage: run.py BUILD-DIRECTORY
"""
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
UNIT = "cullis-sidecar.service"
NAME = "mastio.test"
PORT = 9443  # of mastio-dev; the network namespace is ours alone
CONTROL = 9444
CREDENTIALS = ("cert.pem", "key.pem", "dpop.jwk", "agent.json", "ca.pem")
EXPOSURE_MAX = 1.5
CHAT = f"http://{NAME}/v1/chat/completions"
PROMPT = ('{"model":"m","stream":true,"messages":'
          '[{"role":"user","content":"one two three"}]}')

TARGET = """[Unit]
Requires=basic.target dbus.socket mastio-dev.service
After=basic.target dbus.socket mastio-dev.service
"""

GATEWAY = f"""[Service]
Type=exec
ExecStart=/opt/test/mastio-dev serve /opt/test/mastio \
--listen 127.0.0.1:{PORT} --control 127.0.0.1:{CONTROL}
"""


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def install(source, target, mode=0o644):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    os.chmod(target, mode)


def until(condition, what, seconds=30):
    """Poll until it holds; what it returned."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.02)
    return value


class Machine:
    """A booted systemd, and commands run in it."""

    def __init__(self, build):
        self.scratch = tempfile.mkdtemp(prefix="cullis-systemd-")
        self.files = self.scratch + "/files"
        self.agent = self.files + "/etc/cullis/agent"
        self.lay_out(os.path.abspath(build))
        self.log = open(self.scratch + "/boot.log", "wb")
        self.unshare = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-m", "-C", "-n", "-u", "-i", "--fork",
             "--kill-child", "bash", HERE + "/boot.sh", self.scratch,
             "sidecar-test.target"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.pid = 0

    def lay_out(self, build):
        units = self.files + "/etc/systemd/system/"
        install(build + "/cullis-sidecar",
                self.files + "/usr/bin/cullis-sidecar", 0o755)
        install(build + "/mastio-dev", self.files + "/opt/test/mastio-dev",
                0o755)
        install(f"{SOURCE}/conf/{UNIT}", units + UNIT)
        write(units + "mastio-dev.service", GATEWAY)
        write(units + "sidecar-test.target", TARGET)
        write(self.files + "/etc/hosts", f"127.0.0.1 localhost {NAME}\n")
        write(self.files + "/home/somebody/secret", "secret\n")
        mastio = self.files + "/opt/test/mastio"
        subprocess.run(
            [build + "/mastio-dev", "init", mastio, "--agent", "orga::unit",
             "--names", NAME, "--url", f"https://{NAME}:{PORT}"], check=True)
        for name in CREDENTIALS:
            install(f"{mastio}/agent/{name}", f"{self.agent}/{name}", 0o600)
        os.chmod(self.agent, 0o700)

    def child(self):
        path = f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children"
        if self.unshare.poll() is not None:
            raise AssertionError("the boot ended")
        with open(path, encoding="ascii") as f:
            return int((f.read().split() or [0])[0])

    def boot(self):
        self.pid = until(self.child, "the first process")
        until(lambda: os.readlink(f"/proc/{self.pid}/exe").endswith("systemd"),
              "systemd")
        until(lambda: self.run("systemctl", "is-active", "sidecar-test.target",
                               check=False).stdout == "active\n",
              "sidecar-test.target")

    def start(self, *argv, **kwargs):
        return subprocess.Popen(
            ["nsenter", "-t", str(self.pid), "-p", "-m", "-n", "-u", "-i",
             "--", *argv], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)

    def run(self, *argv, check=True, seconds=60):
        process = self.start(*argv)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        if check and process.returncode:
            raise AssertionError(
                f"{argv}: status {process.returncode}\n{out}{err}")
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def show(self, *names):
        out = self.run("systemctl", "show", UNIT, "-p", ",".join(names)).stdout
        found = dict(line.split("=", 1) for line in out.splitlines())
        return found[names[0]] if len(names) == 1 else found

    def journal(self):
        self.run("journalctl", "--sync")
        return self.run("journalctl", "-u", UNIT, "-o", "cat").stdout

    def drop_in(self, text):
        """Replace the drop-in of the unit; None removes it."""
        path = f"/etc/systemd/system/{UNIT}.d/test.conf"
        if text is None:
            self.run("rm", "-f", path)
        else:
            self.run("sh", "-c", 'mkdir -p "${1%/*}" && echo "$2" >"$1"',
                     "sh", path, text)
        self.run("systemctl", "daemon-reload")

    def end(self):
        """With its first process the whole namespace ends."""
        if self.unshare.poll() is None:
            os.kill(self.pid or self.unshare.pid, signal.SIGKILL)
        self.unshare.wait()
        self.log.close()
        shutil.rmtree(self.scratch)


def stream(machine, *options):
    """What curl says of one streamed chat: the answer and its status."""
    out = machine.run("curl", "-sS", "-N", "--max-time", "20", *options,
                      "-w", "\n%{http_code} %{content_type}", "-H",
                      "Content-Type: application/json", "-d", PROMPT).stdout
    body, _, last = out.rpartition("\n")
    assert last.startswith("200 text/event-stream"), out
    assert body.count("data: ") > 3 and "data: [DONE]" in body, out


def main_pid_fields(machine):
    pid = machine.show("MainPID")
    text = machine.run("cat", f"/proc/{pid}/status").stdout
    return pid, dict(line.split(":\t", 1) for line in text.splitlines()
                     if ":\t" in line)


# ---- the tests, in this order


def test_start_returns_when_the_listeners_are_up(machine):
    """Type=notify: READY=1 comes, and what follows needs no waiting."""
    machine.run("systemctl", "start", UNIT)
    found = machine.show("ActiveState", "SubState", "Type", "NotifyAccess",
                         "NRestarts")
    assert found == {"ActiveState": "active", "SubState": "running",
                     "Type": "notify", "NotifyAccess": "main",
                     "NRestarts": "0"}, found
    machine.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7780")


def test_status_tells_the_session(machine):
    """systemctl status shows in words how the session is."""
    until(lambda: machine.show("StatusText") == "session valid",
          "StatusText=session valid", 10)


def test_agents_are_served_over_tcp(machine):
    """An unmodified curl with a proxy variable streams through 7780."""
    stream(machine, "-x", "http://127.0.0.1:7780", CHAT)


def test_agents_are_served_over_the_unix_socket(machine):
    """The same through /run/cullis-sidecar/proxy.sock."""
    stream(machine, "--unix-socket", "/run/cullis-sidecar/proxy.sock",
           "http://localhost/v1/chat/completions")


def test_the_gateway_saw_proofs(machine):
    """mTLS, a bound token and a proof of its own for each request."""
    out = machine.run("curl", "-sS", f"http://127.0.0.1:{CONTROL}/journal")
    chats = [e for e in json.loads(out.stdout)["entries"]
             if e["path"].startswith("/v1/chat/")]
    assert len(chats) == 2, chats
    assert len({e["proof"]["jti"] for e in chats}) == 2, chats
    for entry in chats:
        assert entry["status"] == 200 and entry["tls"]["client_sha256"]
        assert entry["proof"]["verdict"] == "ok", entry


def test_healthcheck(machine):
    """Probes work with the unit's runtime directory and without it."""
    for environment in ((), ("env", "RUNTIME_DIRECTORY=/run/cullis-sidecar")):
        for option in ((), ("--startup",)):
            machine.run(*environment, "cullis-sidecar", "healthcheck", *option)


def test_it_runs_as_a_dynamic_user(machine):
    """No root, no capability, no new privileges, a system call filter."""
    _, fields = main_pid_fields(machine)
    assert all(61184 <= int(uid) <= 65519 for uid in fields["Uid"].split()), \
        fields["Uid"]
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0, fields
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2", fields


def test_it_sees_no_home(machine):
    """What stands in /home is not there for it."""
    pid, _ = main_pid_fields(machine)
    assert machine.run("ls", "/home/somebody").stdout == "secret\n"
    inside = machine.run("ls", "-A", f"/proc/{pid}/root/home", check=False)
    assert inside.stdout == "", inside.stdout
    mode = machine.run("stat", "-c", "%a", f"/proc/{pid}/root/home").stdout
    assert mode == "0\n", mode


def test_credentials_are_its_own(machine):
    """Root alone reads the files; the service reads its copies, others do
    not."""
    for name in CREDENTIALS:
        mode = os.stat(f"{machine.agent}/{name}").st_mode
        assert stat.S_IMODE(mode) == 0o600, name
    pid, fields = main_pid_fields(machine)
    own = fields["Uid"].split()[0]
    path = f"/run/credentials/{UNIT}/key.pem"
    for uid, wanted in ((own, True), ("65534", False)):
        got = machine.run("setpriv", f"--reuid={uid}", "--clear-groups", "cat",
                          path, check=False)
        assert (got.returncode == 0) is wanted, (uid, got.stderr)
    environment = machine.run("cat", f"/proc/{pid}/environ").stdout
    assert f"CREDENTIALS_DIRECTORY=/run/credentials/{UNIT}" in environment


def test_sockets_are_not_for_everybody(machine):
    """Data socket 0660, admin socket 0600."""
    for name, wanted in (("proxy.sock", "660"), ("admin.sock", "600")):
        mode = machine.run("stat", "-c", "%a",
                           "/run/cullis-sidecar/" + name).stdout
        assert mode == wanted + "\n", (name, mode)


def test_a_group_may_use_the_socket(machine):
    """listen-group gives the data socket to a group that the unit is in; its
    members are served, others cannot connect."""
    machine.drop_in("[Service]\nSupplementaryGroups=games\n"
                    "Environment=CULLIS_SIDECAR_LISTEN_GROUP=games")
    path = "/run/cullis-sidecar/proxy.sock"
    url = "http://localhost/v1/models"
    try:
        machine.run("systemctl", "restart", UNIT)
        owner = machine.run("stat", "-c", "%G %a", path).stdout
        assert owner == "games 660\n", owner
        for group, wanted in (("games", 0), ("nogroup", 7)):
            got = machine.run(
                "setpriv", "--reuid=nobody", f"--regid={group}",
                "--clear-groups", "curl", "-sS", "-f", "--max-time", "20",
                "--unix-socket", path, url, check=False)
            assert got.returncode == wanted, (group, got.stdout, got.stderr)
    finally:
        machine.drop_in(None)
        machine.run("systemctl", "restart", UNIT)


def test_exposure(machine):
    """systemd-analyze security finds little to say."""
    out = machine.run("systemd-analyze", "security", "--no-pager", UNIT).stdout
    figure = float(re.search(r"exposure level for \S+: (\S+)", out).group(1))
    print(f"  exposure {figure}")
    assert figure <= EXPOSURE_MAX, out


def test_it_comes_back_when_it_is_killed(machine):
    """Restart=on-failure, and the agents are served again."""
    pid = machine.show("MainPID")
    machine.run("kill", "-KILL", pid)
    until(lambda: machine.show("MainPID") not in (pid, "0")
          and machine.show("ActiveState") == "active", "another process")
    stream(machine, "-x", "http://127.0.0.1:7780", CHAT)


def test_stop_waits_for_a_stream(machine):
    """A stream that is under way is served to its end, then exit 0."""
    control = f"http://127.0.0.1:{CONTROL}/gate/drain"
    gate = {}

    def written():
        out = machine.run("curl", "-sS", control).stdout
        gate.update(json.loads(out))
        return gate["written"]

    agent = machine.start(
        "curl", "-sS", "-N", "--max-time", "60", "-x", "http://127.0.0.1:7780",
        CHAT, "-H", "Content-Type: application/json", "-H",
        "X-Mastio-Gate: drain", "-d", PROMPT)
    until(lambda: written() == 1, "the stream's first event")
    stop = machine.start("systemctl", "stop", UNIT)
    until(lambda: machine.show("ActiveState") == "deactivating", "draining")
    until(lambda: machine.show("StatusText") == "draining", "StatusText")
    assert machine.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7780",
                       check=False).returncode, "a new connection is taken"
    assert agent.poll() is None and stop.poll() is None
    machine.run("curl", "-sS", control + "/release", "-d", '{"count":1000}')
    out, err = agent.communicate(timeout=30)
    assert agent.returncode == 0 and "data: [DONE]" in out, (out, err)
    _, err = stop.communicate(timeout=30)
    assert stop.returncode == 0, err
    # systemd forgets a stopped unit that nobody refers to: the journal tells.
    assert machine.show("ActiveState") == "inactive"
    assert f"{UNIT}: Deactivated successfully." in machine.journal()
    left = machine.run("ls", "-A", "/run/cullis-sidecar", check=False).stdout
    assert left == "", left


def settled_failure(machine):
    """Start a unit that cannot run: its exit status, once it has given up."""
    assert machine.run("systemctl", "start", UNIT, check=False).returncode
    until(lambda: machine.show("ActiveState") == "failed", "failed")
    found = machine.show("NRestarts", "ExecMainStatus", "SubState")
    machine.run("systemctl", "reset-failed", UNIT)
    assert found["NRestarts"] == "0", found
    return int(found["ExecMainStatus"])


def test_an_incomplete_identity_does_not_loop(machine):
    """A unit without the key ends with 78 once, and says what is missing."""
    lines = "\n".join(f"LoadCredential={name}:/etc/cullis/agent/{name}"
                      for name in CREDENTIALS if name != "key.pem")
    machine.drop_in("[Service]\nLoadCredential=\n" + lines)
    status = settled_failure(machine)
    machine.drop_in(None)
    assert status == 78, status
    assert "key.pem" in machine.journal()


def test_a_credential_that_is_not_there_does_not_loop(machine):
    """A file that LoadCredential= names and nobody made."""
    machine.run("mv", "/etc/cullis/agent/key.pem", "/etc/cullis/agent/away")
    status = settled_failure(machine)
    machine.run("mv", "/etc/cullis/agent/away", "/etc/cullis/agent/key.pem")
    assert status == 243, status  # systemd.exec(5): EXIT_CREDENTIALS


def test_the_journal_holds_no_secret(machine):
    """After all of that: no key, no token, no proof, no cookie in the log."""
    journal = machine.journal()
    assert "orga::unit" in journal and "request_id" in journal, journal
    secrets = ["eyJ", "PRIVATE KEY", "Bearer"]
    with open(machine.agent + "/dpop.jwk", encoding="ascii") as f:
        jwk = json.load(f)
    secrets.append(jwk.get("private_jwk", jwk)["d"])
    with open(machine.agent + "/key.pem", encoding="ascii") as f:
        secrets += [line.strip() for line in f if "-----" not in line]
    for secret in secrets:
        assert secret not in journal, journal


def run_tests(machine):
    failed = 0
    tests = [(name, test) for name, test in globals().items()
             if name.startswith("test_")]
    for name, test in tests:
        try:
            test(machine)
            print("ok   " + name, flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("FAIL " + name)
            traceback.print_exc(file=sys.stdout)
    if failed:
        print(machine.run("journalctl", "-n", "200", "-o", "short",
                          check=False).stdout)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return failed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    machine = Machine(sys.argv[1])
    try:
        machine.boot()
        failed = run_tests(machine)
    except AssertionError as problem:
        with open(machine.scratch + "/boot.log", encoding="utf-8",
                  errors="replace") as log:
            print(log.read())
        print(problem)
        print("0 passed, 1 failed")
        failed = 1
    finally:
        machine.end()
    sys.exit(1 if failed else 0)


main()
