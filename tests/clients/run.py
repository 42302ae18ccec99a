#!/usr/bin/env python3
"""Real clients, unmodified, against cullis-sidecar and mastio-dev.

Each asks in two ways, by http_proxy and by a base URL, for a plain and for a
streamed answer, with one worker and with four.  A stream is held by the
gateway: it writes an event only when the client has printed the one before.

The clients of PyPI and npm are installed into BUILD-DIRECTORY/clients from
the pins that stand beside this file.  What is missing is a failure.

usage: run.py [--table] BUILD-DIRECTORY

--table writes the results into README.md.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "it"))
sys.dont_write_bytecode = True

from harness.case import Run, Test  # noqa: E402
from harness.gateway import NAME  # noqa: E402
from harness.process import Process, clean_environment  # noqa: E402
from harness.series import Series  # noqa: E402

WORKERS = (1, 4)
WAYS = ("http_proxy", "base URL")
KINDS = ("plain", "streamed")
CHAT = ["one ", "two ", "three"]  # what the agents say, word by word

# Client, its program in agents/, and what it asks for.
CLIENTS = (
    ("curl", "chat_curl.sh", KINDS),
    ("httpx", "chat_httpx.py", KINDS),
    ("openai", "chat_openai.py", KINDS),
    ("openai, async", "chat_openai_async.py", KINDS),
    ("mcp", "tools_mcp.py", KINDS[:1]),
    ("undici", "chat_undici.js", KINDS),
    ("undici, fetch", "chat_undici_fetch.js", KINDS),
    ("axios", "chat_axios.js", KINDS),
)


# ---- installing ----

class Tools:
    """Interpreters and packages, installed once for the same pins."""

    def __init__(self, build):
        self.home = os.path.join(os.path.abspath(build), "clients")
        self.venv = os.path.join(self.home, "python")
        self.node = os.path.join(self.home, "node")
        os.makedirs(self.home, exist_ok=True)
        for program in ("curl", "node", "npm"):
            if not shutil.which(program):
                raise FileNotFoundError(f"{program} is not installed")
        self.keep(self.venv, "requirements.txt", self.install_python)
        self.keep(self.node, "package-lock.json", self.install_node)

    def keep(self, directory, pins, install):
        """Runs install unless the directory was made from the same pins."""
        with open(os.path.join(HERE, pins), "rb") as f:
            made_from = hashlib.sha256(f.read() + sys.version.encode())
        stamp = os.path.join(directory, "made-from")
        if os.path.exists(stamp):
            with open(stamp, encoding="ascii") as f:
                if f.read() == made_from.hexdigest():
                    return
        shutil.rmtree(directory, ignore_errors=True)
        install()
        with open(stamp, "w", encoding="ascii") as f:
            f.write(made_from.hexdigest())

    def install_python(self):
        subprocess.run([sys.executable, "-m", "venv", self.venv], check=True)
        subprocess.run([self.venv + "/bin/pip", "install", "-q",
                        "--require-hashes", "-r",
                        os.path.join(HERE, "requirements.txt")], check=True)

    def install_node(self):
        os.mkdir(self.node)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, name), self.node)
        subprocess.run(["npm", "ci", "--loglevel=error", "--ignore-scripts",
                        "--no-audit", "--no-fund"], cwd=self.node, check=True)

    def command(self, program):
        """How a program of agents/ is started."""
        by = {".sh": "sh", ".js": "node", ".py": self.venv + "/bin/python"}
        return [by[os.path.splitext(program)[1]],
                os.path.join(HERE, "agents", program)]

    def environment(self):
        return {**clean_environment(), "PYTHONDONTWRITEBYTECODE": "1",
                "NODE_PATH": os.path.join(self.node, "node_modules")}

    def version(self, client):
        """Of the package, or of curl."""
        name = client.split(",")[0]
        if name == "curl":
            said = subprocess.run(["curl", "--version"], check=True,
                                  capture_output=True, text=True).stdout
            return said.split()[1]
        with open(os.path.join(HERE, "package.json"), encoding="utf-8") as f:
            pinned = json.load(f)["dependencies"]
        with open(os.path.join(HERE, "requirements.in"),
                  encoding="utf-8") as f:
            pinned.update(line.strip().split("==") for line in f)
        return pinned[name]


# ---- one run of one client ----

def contents(text):
    """The contents of the answers and events that are whole in an output."""
    found = []
    for line in text.splitlines(keepends=True):
        said = line.strip().removeprefix("data: ")
        if not line.endswith("\n") or said in ("", "[DONE]"):
            continue
        said = json.loads(said)
        if "choices" in said:
            choice = said["choices"][0]
            said = choice.get("delta", choice.get("message"))["content"]
        found.append(said)
    return found


def follow(test, gateway, gate, process):
    """Lets the gateway write each event after the client printed the last."""
    for n in range(1, len(CHAT) + 1):
        def look():
            if not process.running:
                raise AssertionError(f"it ended before event {n}")
            return len(contents(process.stdout())) >= n
        test.wait_until(look, 60, f"the client prints event {n}")
        assert contents(process.stdout()) == CHAT[:n], process.stdout()
        assert gateway.gate(gate)["written"] == n, gateway.gate(gate)
        gateway.release(gate)


def expected(program, kind):
    if program.startswith("tools_"):
        return [{"text": "".join(CHAT)}]
    return CHAT if kind == "streamed" else ["".join(CHAT)]


def judge_gateway(gateway, since):
    """The gateway saw the agent's certificate and our credentials alone."""
    entries = [e for e in gateway.journal(since=since)
               if not e["path"].startswith("/v1/auth/")]
    assert entries, "nothing reached the gateway"
    for e in entries:
        sent = [v for n, v in e["headers"] if n.lower() == "authorization"]
        assert len(sent) == 1 and sent[0].startswith("DPoP "), sent
        assert e["auth"] == "token" and e["agent_id"] == "orga::bot", e
        assert e["tls"]["client_sha256"] and e["token"]["cnf"]["jkt"], e
        assert e["proof"]["htm"] == e["method"], e
    stats = gateway.stats()
    assert stats["proofs_bad"] == stats["jti_repeated"] == 0, stats


def run_client(tools, test, program, way, kind):
    """True if the client asked by CONNECT."""
    gateway, sidecar = test.gateways[0], test.sidecars[0]
    since, lines = gateway.last_seq(), len(sidecar.access_lines())
    gate = f"g{len(test.processes)}"
    env = tools.environment()
    url = f"http://{sidecar.authority}/v1"
    if way == "http_proxy":
        env["http_proxy"] = env["HTTP_PROXY"] = f"http://{sidecar.authority}"
        url = f"http://{NAME}/v1"
    process = Process([*tools.command(program), url, kind, gate],
                      test.path(gate), env)
    test.processes.append(process)
    try:
        if kind == "streamed":
            follow(test, gateway, gate, process)
        assert process.wait(60) == 0, f"exit code {process.code}"
        said = contents(process.stdout() + "\n")
        assert said == expected(program, kind), said
    except BaseException:
        print(process.stdout() + process.stderr())
        raise
    finally:
        process.kill()
        test.seen((process.stdout() + process.stderr()).encode())
    judge_gateway(gateway, since)
    ends = test.wait_until(lambda: sidecar.access_lines()[lines:],
                           what="the sidecar logs the exchange")
    return any(line["method"] == "CONNECT" for line in ends)


# ---- all of them ----

class Results(Series):
    def __init__(self):
        super().__init__()
        self.failures, self.tunnels = set(), set()

    def count(self, key, label, work):
        """Runs work() and remembers how it went."""
        def look():
            if work():
                self.tunnels.add(key)
        if not self.run(label, look):
            self.failures.add(key)


def run_all(tools, run, results):
    for workers in WORKERS:
        directory = os.path.join(run.dir, f"workers{workers}")
        os.mkdir(directory, 0o755)
        test = Test(run, None, workers, directory)
        before = results.failed
        try:
            test.pair()
            for client, program, kinds in CLIENTS:
                for way in WAYS:
                    for kind in kinds:
                        results.count(
                            (client, way, kind),
                            f"{client}, {way}, {kind} [{workers}]",
                            lambda p=program, w=way, k=kind:
                            run_client(tools, test, p, w, k))
            results.count(None, f"no secret in any output [{workers}]",
                          test.finish)
        finally:
            test.kill()
            if results.failed > before:
                for actor in test.sidecars + test.gateways:
                    print(actor.process.stderr()[-8000:])


def table(tools, results):
    head = [f"{way}, {kind}" for way in WAYS for kind in KINDS]
    rows = [["client", "version", *head], ["---"] * (2 + len(head))]
    for client, _, kinds in CLIENTS:
        row = [client, tools.version(client)]
        for way in WAYS:
            for kind in KINDS:
                key = client, way, kind
                if kind not in kinds:
                    row.append("–")
                elif key in results.failures:
                    row.append("fails")
                else:
                    row.append("CONNECT" if key in results.tunnels else "yes")
        rows.append(row)
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def write_table(text):
    path = os.path.join(HERE, "README.md")
    with open(path, encoding="utf-8") as f:
        readme = f.read()
    readme, found = re.subn(r"(?m)(^\|.*\n)+", lambda _: text, readme)
    assert found == 1, "README.md has to have one table"
    with open(path, "w", encoding="utf-8") as f:
        f.write(readme)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--table", action="store_true")
    p.add_argument("build")
    options = p.parse_args()
    results = Results()
    try:
        tools = Tools(options.build)
    except (OSError, subprocess.CalledProcessError) as problem:
        print(f"{problem}\n0 passed, 1 failed")
        return 1
    run = Run(options.build)
    try:
        run_all(tools, run, results)
    except Exception:  # pylint: disable=broad-except
        results.failed += 1
        traceback.print_exc(file=sys.stdout)
    finally:
        shutil.rmtree(run.dir, ignore_errors=True)
    if options.table:
        write_table(table(tools, results))
    return results.end()


if __name__ == "__main__":
    sys.exit(main())
