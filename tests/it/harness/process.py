"""Child processes: started with their output in files, ended by their pid."""

import ctypes
import fcntl
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

# What could reach a child from the machine that the tests run on.
FOREIGN = ("CULLIS_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
           "CREDENTIALS_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET",
           "WATCHDOG_", "LISTEN_", "SSL_CERT_", "OPENSSL_CONF")


def clean_environment():
    """The environment without anything that would steer a child."""
    return {k: v for k, v in os.environ.items()
            if not k.upper().startswith(FOREIGN)}


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# What systemd does between fork and exec, with the shell's pid.
WITH_LISTEN_PID = ("sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh")


def hand_over(sockets):
    """In a child: they become its descriptors from 3 on."""
    # None may be where another has to go.
    high = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 100) for s in sockets]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.close(fd)


class Process:
    """A child with its stdout and stderr in files of their own.  handed is
    what systemd would hand over to it: (name, listening socket)."""

    def __init__(self, args, log, env=None, cwd=None, handed=()):
        self.args = [str(a) for a in args]
        env = clean_environment() if env is None else env
        if handed:
            self.args[:0] = WITH_LISTEN_PID
            env = {**env, "LISTEN_FDS": str(len(handed)),
                   "LISTEN_FDNAMES": ":".join(name for name, _ in handed)}

        def in_child():
            die_with_parent()
            hand_over([s for _, s in handed])

        self.out_path, self.err_path = log + ".out", log + ".err"
        with open(self.out_path, "ab") as out, \
                open(self.err_path, "ab") as err:
            self.popen = subprocess.Popen(
                self.args, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=env, cwd=cwd, preexec_fn=in_child, close_fds=not handed)
        self.pid = self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    @property
    def code(self):
        """Exit code, negative for a signal, None while it runs."""
        return self.popen.poll()

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout):
        """Exit code, or None if it still runs after so many seconds."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        if self.running:
            self.popen.kill()
        self.popen.wait()

    def stdout(self):
        return read(self.out_path)

    def stderr(self):
        return read(self.err_path)


def read(path):
    with open(path, "rb") as f:
        return f.read().decode("utf-8", "replace")
