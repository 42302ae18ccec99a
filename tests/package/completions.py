#!/usr/bin/env python3
"""Completions, in a real shell on a terminal: what it makes of typed words.

cullis-sidecar is a function there that prints its arguments, so that what the
Tab key has completed is seen when the line is entered.

usage: completions.py [SHELL...]    (in the build directory; default: bash)
"""
import os
import pty
import re
import select
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
SECONDS = 60

# What is typed behind the program's name, and what it is given.  --KEY=VALUE
# is as good as --KEY VALUE, and a slash behind a directory as good as none.
ROWS = (
    ("a command", "hea\t", ["healthcheck"]),
    ("its flag", "healthcheck --star\t", ["healthcheck", "--startup"]),
    ("another's flag", "check --js\t", ["check", "--json"]),
    ("a key", "--identity-d\t/x", ["--identity-dir", "/x"]),
    ("a key of a command", "serve --log-lev\twarn",
     ["serve", "--log-level", "warn"]),
    ("a word", "--auth tok\t", ["--auth", "token"]),
    ("a word behind =", "check --log-format=js\t",
     ["check", "--log-format", "json"]),
    ("yes or no", "--unsafe-listen y\t", ["--unsafe-listen", "yes"]),
    ("the file", "-c files/si\t", ["-c", "files/sidecar.conf"]),
    ("a file", "--key-file files/ke\t", ["--key-file", "files/key.pem"]),
    ("a user", "--allow-uid roo\t", ["--allow-uid", "root"]),
    ("a directory and no file", "--identity-dir files/i\t",
     ["--identity-dir", "files/identity"]),
    ("nothing known", "--gateway no\t-such", ["--gateway", "no-such"]),
)

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "cullis-sidecar() { printf '<%s>' \"$@\"; echo; }\n"
             "PS1=; bind 'set bell-style none'\n"
             "bind 'set enable-bracketed-paste off'\n"
             "source share/bash-completion/completions/cullis-sidecar\n"),
    "zsh": (["zsh", "-f", "-i"],
            "cullis-sidecar() { printf '<%s>' \"$@\"; echo; }\n"
            "PS1= PS2= RPS1=; unsetopt promptsp promptcr beep; "
            "fpath=(share/zsh/site-functions $fpath)\n"
            "autoload -U compinit; compinit -u -D\n"),
    "fish": (["fish", "--no-config", "-i"],
             "function cullis-sidecar; printf '<%s>' $argv; echo; end\n"
             "function fish_prompt; end; function fish_greeting; end\n"
             "set fish_autosuggestion_enabled 0\n"
             "source share/fish/vendor_completions.d/cullis-sidecar.fish\n"),
}
INSTALLED = {
    "cullis-sidecar": "share/bash-completion/completions",
    "_cullis-sidecar": "share/zsh/site-functions",
    "cullis-sidecar.fish": "share/fish/vendor_completions.d",
}


def lay_out(home):
    """The completions as they are installed, and files to choose from."""
    for name, directory in INSTALLED.items():
        os.makedirs(f"{home}/{directory}")
        made = "contrib/completions/" + name
        shutil.copy(made if os.path.exists(made) else f"{SOURCE}/{made}",
                    f"{home}/{directory}")
    os.makedirs(home + "/files/identity")
    for name in ("files/sidecar.conf", "files/key.pem", "files/index", "note"):
        open(f"{home}/{name}", "w", encoding="ascii").close()


class Terminal:
    """A shell that believes that somebody sits there."""

    def __init__(self, shell, home):
        argv, setup = SHELLS[shell]
        self.said = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            env = {"PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb",
                   "LANG": "C.UTF-8", "XDG_DATA_HOME": home + "/data"}
            os.execvpe(argv[0], argv, env)
        self.type(setup + "echo rea''dy\n")
        self.until("ready")

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, pattern):
        """What matched, once the shell has said it."""
        end = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.said)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"never said {pattern}: {self.said!r}")
            self.said += os.read(self.fd, 65536).decode(errors="replace")
        self.said = self.said[found.end():]
        return found

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def try_row(terminal, number, typed, wanted):
    terminal.type(f"cullis-sidecar {typed}\n")
    terminal.type(f"echo row''-{number}\n")
    said = terminal.until(rf"(?s)(.*)row-{number}\r?\n")[1]
    given = re.findall(r"<([^<>\r\n]*)>", said)
    given = [word.rstrip("/") for arg in given
             for word in (arg.split("=", 1) if arg.startswith("--") else [arg])]
    if given != wanted:
        raise AssertionError(f"typed {typed!r}, wanted {wanted}: {said!r}")


def main():
    shells = sys.argv[1:] or ["bash"]
    passed = failed = 0
    for shell in shells:
        home = tempfile.mkdtemp(prefix="cullis-completions-")
        terminal = None
        try:
            lay_out(home)
            terminal = Terminal(shell, home)
            for number, (name, typed, wanted) in enumerate(ROWS):
                try:
                    try_row(terminal, number, typed, wanted)
                    passed += 1
                    print(f"ok   {shell}: {name}")
                except AssertionError as error:
                    failed += 1
                    print(f"FAIL {shell}: {name}: {error}")
        except (AssertionError, OSError) as error:
            failed += 1
            print(f"FAIL {shell}: {error}")
        finally:
            if terminal:
                terminal.end()
            shutil.rmtree(home)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
