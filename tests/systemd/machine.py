"""A real systemd, booted beside this one, and commands run in it."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
UNIT = "cullis-sidecar.service"
SOCKET = "cullis-sidecar.socket"
UNITS = (UNIT, SOCKET, "cullis-sidecar@.service", "cullis-sidecar@.socket")
RUN = "/run/cullis-sidecar"
ADMIN = RUN + "/admin"  # RuntimeDirectory=
NAME = "mastio.test"
PORT = 9443  # of mastio-dev; the network namespace is ours alone
CONTROL = 9444
INSTANCES = ("one", "two-b")  # of the template units
CREDENTIALS = ("cert.pem", "key.pem", "dpop.jwk", "agent.json", "ca.pem")
EXPOSURE_MAX = 1.5
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
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
        for unit in UNITS:
            install(f"{SOURCE}/conf/{unit}", units + unit)
        install(HERE + "/load.py", self.files + "/opt/test/load.py")
        write(units + "mastio-dev.service", GATEWAY)
        write(units + "sidecar-test.target", TARGET)
        write(self.files + "/etc/hosts", f"127.0.0.1 localhost {NAME}\n")
        write(self.files + "/home/somebody/secret", "secret\n")
        mastio = self.files + "/opt/test/mastio"
        subprocess.run(
            [build + "/mastio-dev", "init", mastio, "--agent", "orga::unit",
             "--names", NAME, "--url", f"https://{NAME}:{PORT}"], check=True)
        self.install_identity(mastio + "/agent", self.agent)
        os.chmod(self.agent, 0o700)
        for name in INSTANCES:
            subprocess.run(
                [build + "/mastio-dev", "issue", mastio, mastio + "/" + name,
                 "--agent", "orga::" + name], check=True)
            directory = f"{self.files}/etc/cullis/{name}"
            self.install_identity(mastio + "/" + name, directory)
            write(directory + "/sidecar.conf", "")

    @staticmethod
    def install_identity(source, target):
        for name in CREDENTIALS:
            install(f"{source}/{name}", f"{target}/{name}", 0o600)

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

    def show(self, *names, unit=UNIT):
        out = self.run("systemctl", "show", unit, "-p", ",".join(names)).stdout
        found = dict(line.split("=", 1) for line in out.splitlines())
        return found[names[0]] if len(names) == 1 else found

    def journal(self, unit=UNIT):
        self.run("journalctl", "--sync")
        return self.run("journalctl", "-u", unit, "-o", "cat").stdout

    def drop_in(self, text, unit=UNIT):
        """Replace the drop-in of the unit; None removes it."""
        path = f"/etc/systemd/system/{unit}.d/test.conf"
        if text is None:
            self.run("rm", "-f", path)
        else:
            self.run("sh", "-c", 'mkdir -p "${1%/*}" && echo "$2" >"$1"',
                     "sh", path, text)
        self.run("systemctl", "daemon-reload")

    # ---- processes of the machine, as they are seen from outside ----

    def outside(self, pid):
        """What a process of the machine is called here."""
        space = os.readlink(f"/proc/{self.pid}/ns/pid")
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{name}/ns/pid") != space:
                    continue
                with open(f"/proc/{name}/status", encoding="ascii") as f:
                    ids = next(l for l in f if l.startswith("NSpid:")).split()
            except OSError:  # it has ended
                continue
            if ids[-1] == pid:
                return int(name)
        raise AssertionError(f"there is no process {pid}")

    def stop_process(self, pid):
        """It stands still."""
        self.run("kill", "-STOP", pid)

    def stop_worker(self, pid):
        """One worker thread of it stands still, and it alone: as a debugger
        does it, for a signal would stop them all."""
        tasks = f"/proc/{self.outside(pid)}/task"
        for tid in os.listdir(tasks):
            with open(f"{tasks}/{tid}/comm", encoding="ascii") as f:
                if f.read() == "worker 0\n":
                    break
        else:
            raise AssertionError("no worker")
        ready, failed = threading.Event(), []

        def trace():
            for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
                if LIBC.ptrace(request, int(tid), None, None) != 0:
                    failed.append(os.strerror(ctypes.get_errno()))
            ready.set()
            # When it is killed, only who traces it can bury it.
            while LIBC.waitpid(int(tid), None, WALL) == int(tid):
                pass

        tracer = threading.Thread(target=trace, daemon=True)
        tracer.start()
        ready.wait()
        assert not failed, failed


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




class Held:
    """An agent with a stream that goes on when it is let go."""

    def __init__(self, machine, gate, *options):
        self.machine = machine
        self.gate = f"http://127.0.0.1:{CONTROL}/gate/{gate}"
        self.agent = machine.start(
            "curl", "-sS", "-N", "--max-time", "60",
            *(options or ("-x", "http://127.0.0.1:7780")), CHAT, "-H",
            "Content-Type: application/json", "-H", f"X-Mastio-Gate: {gate}",
            "-d", PROMPT)
        until(self.begun, "the stream's first event")

    def begun(self):
        out = self.machine.run("curl", "-sS", self.gate).stdout
        return json.loads(out)["written"] == 1

    def release(self):
        self.machine.run("curl", "-sS", self.gate + "/release", "-d",
                         '{"count":1000}')

    def __enter__(self):
        return self

    def __exit__(self, *why):
        """It has been let go, and was not cut."""
        if why[0]:
            self.agent.kill()
            return
        out, err = self.agent.communicate(timeout=30)
        assert self.agent.returncode == 0 and "data: [DONE]" in out, (out, err)
