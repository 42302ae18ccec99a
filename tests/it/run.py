#!/usr/bin/env python3
"""Black-box tests of cullis-sidecar against mastio-dev.

usage: run.py --bin DIR [--workers 1,4] [-k PATTERN] [-j N]
              [--slow-factor F] [--sanitized] [--keep] [--list]
              [--secrets] [--stress-seconds N] [--soak-seconds N] [--aborts N]
              [--rotations N] [--seed N]

Each test runs in a process of its own with a directory of its own.  A test
that works through a table also reports each row as a test.  The last line
says `N passed, N failed`; the exit code is 1 if one failed.
"""

import argparse
import glob
import importlib
import json
import os
import re
import shutil
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from harness import secrets  # noqa: E402
from harness.case import CASES, ROWS, Run, Test  # noqa: E402
from harness.process import die_with_parent  # noqa: E402


def load_cases():
    for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.py"))):
        name = os.path.basename(path)[:-3]
        importlib.import_module("cases." + name)


def named(options, case):
    """Is the case asked for?  If only some of its rows are, it keeps those."""
    label = f"{case.file}.{case.name}"
    if not options.k or re.search(options.k, label):
        return True
    case.rows = [row for row in case.rows
                 if re.search(options.k, f"{label}:{row.name}")]
    return bool(case.rows)


def select(options):
    """(case, workers) in the order in which they are started."""
    chosen = []
    for case in CASES:
        if not named(options, case):
            continue
        if case.plain and options.sanitized:
            continue
        for workers in options.workers[:1] if case.once else options.workers:
            chosen.append((case, workers))
    # Long ones first, so that none is left over at the end.
    chosen.sort(key=lambda c: (c[0].alone, -c[0].seconds))
    return chosen


def label_of(case, workers, row=""):
    mark = "" if case.once else f"[{workers}]"
    return f"{case.file}.{case.name}{row and ':' + row}{mark}"


def run_one(run, case, workers, directory):
    """In the child: the exit code."""
    test = Test(run, case, workers, directory)
    code = 1
    try:
        case.run(test)
        test.finish()
        code = 0
    except BaseException:  # the log must come out whatever happened
        traceback.print_exc()
        sys.stderr.flush()
        print(test.logs(), flush=True)
    finally:
        test.kill()
        test.keep_received()
    return code


class Running:
    def __init__(self, run, number, case, workers):
        self.case, self.workers = case, workers
        self.dir = os.path.join(run.dir, f"t{number}")
        os.mkdir(self.dir, 0o755)
        self.log = os.path.join(run.dir, f"t{number}.log")
        self.begun = time.monotonic()
        self.limit = case.seconds * run.slow
        if case.soak:
            self.limit += run.soak_seconds
        if case.rotations:
            self.limit += run.rotations * 4 * run.slow
        if case.stress:
            self.limit += run.stress_seconds + run.aborts / 40 * run.slow
        self.late = False
        self.pid = os.fork()
        if self.pid == 0:
            self.child(run)

    def child(self, run):
        code = 1
        try:
            die_with_parent()
            os.setpgid(0, 0)
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT, 0o644)
            os.dup2(log, 1)
            os.dup2(log, 2)
            code = run_one(run, self.case, self.workers, self.dir)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def poll(self):
        """None while it runs, else whether it passed."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status) == 0
        if not self.late and time.monotonic() - self.begun > self.limit:
            self.late = True
            os.kill(self.pid, signal.SIGINT)  # lets it say where it hangs
            self.begun_end = time.monotonic()
        elif self.late and time.monotonic() - self.begun_end > 10:
            os.killpg(self.pid, signal.SIGKILL)
        return None

    def rows(self):
        """(name, seconds, error or None) of each row, run or not."""
        path = os.path.join(self.dir, ROWS)
        ended = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                ended = {name: (seconds, error)
                         for name, seconds, error in map(json.loads, f)}
        return [(row.name, *ended.get(row.name, (0, "it did not run")))
                for row in self.case.rows]

    def report_rows(self):
        """(how many rows passed, labels of those that did not)"""
        passed, failed = 0, []
        for name, seconds, error in self.rows():
            label = label_of(self.case, self.workers, name)
            print(f"{'FAIL' if error else 'PASS'} {label} {seconds:.2f}")
            if error:
                print("\n".join(f"    {l}" for l in error.splitlines()))
                failed.append(label)
            else:
                passed += 1
        return passed, failed

    def report(self, passed):
        took = time.monotonic() - self.begun
        word = "PASS" if passed else "FAIL"
        print(f"{word} {label_of(self.case, self.workers)} {took:.2f}")
        # What it measured is its result.
        if not passed or self.case.soak or self.case.rotations:
            if self.late:
                print(f"    it was not done after {self.limit:g} s")
            with open(self.log, encoding="utf-8", errors="replace") as f:
                print("".join("    " + line for line in f))
        sys.stdout.flush()


def search_all(run):
    """After the whole run: (rows passed, labels of those that did not)"""
    if not run.secrets:
        return 0, []
    found = secrets.search(run.outputs, run.secrets)
    print(f"{'FAIL' if found else 'PASS'} secrets: searched for "
          f"{len(run.secrets.words) + len(run.secrets.texts)}")
    for sentence in found:
        print("    " + sentence)
    enough = run.secrets.words and run.secrets.texts
    return (1, []) if enough and not found else (0, ["secrets"])


def run_all(run, chosen, jobs):
    waiting, running = list(chosen), []
    passed, failed = 0, []
    number = 0
    while waiting or running:
        while waiting and len(running) < jobs:
            alone = waiting[0][0].alone
            if running and (alone or running[0].case.alone):
                break
            number += 1
            running.append(Running(run, number, *waiting.pop(0)))
        time.sleep(0.005)
        for r in list(running):
            outcome = r.poll()
            if outcome is None:
                continue
            running.remove(r)
            rows = r.report_rows()
            passed += rows[0]
            failed += rows[1]
            r.report(outcome)
            if run.secrets:
                label = label_of(r.case, r.workers)
                secrets.keep(r.dir, run.secrets,
                             os.path.join(run.outputs, label))
            if outcome:
                passed += 1
                shutil.rmtree(r.dir, ignore_errors=True)
            else:
                failed.append(label_of(r.case, r.workers))
    return passed, failed


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", required=True)
    p.add_argument("--workers", default="1,4",
                   type=lambda s: [int(n) for n in s.split(",")])
    p.add_argument("-k", help="only tests whose name this pattern matches")
    p.add_argument("-j", type=int, default=4)
    p.add_argument("--slow-factor", type=float, default=1.0)
    p.add_argument("--sanitized", action="store_true",
                   help="leave out what measures the plain build")
    p.add_argument("--keep", action="store_true", help="keep the directory")
    p.add_argument("--list", action="store_true")
    p.add_argument("--stress-seconds", type=int, default=4,
                   help="how long the mixed load goes on")
    p.add_argument("--soak-seconds", type=int, default=10,
                   help="how long the chaos goes on")
    p.add_argument("--aborts", type=int, default=2000,
                   help="how many exchanges are broken off")
    p.add_argument("--rotations", type=int, default=15,
                   help="how often the identity changes under load")
    p.add_argument("--seed", type=int, default=None,
                   help="of what is done at random")
    p.add_argument("--secrets", action="store_true",
                   help="after the run, search all outputs of all sidecars "
                   "for every token, proof and key that was there")
    options = p.parse_args()
    load_cases()
    chosen = select(options)
    if options.list:
        for case, workers in chosen:
            first = " ".join(case.promise.split("\n\n")[0].split())
            print(f"{label_of(case, workers)}: {first}")
            for row in case.rows:
                print(f"{label_of(case, workers, row.name)}: {row.source}")
        return 0
    run = Run(options.bin, options.slow_factor, options.sanitized,
              options.stress_seconds, options.soak_seconds, options.aborts,
              options.rotations, options.seed)
    if options.secrets:
        run.secrets = secrets.Secrets()
    try:
        passed, failed = run_all(run, chosen, options.j)
        more = search_all(run)
        passed, failed = passed + more[0], failed + more[1]
    finally:
        if options.keep:
            print(f"kept: {run.dir}")
        else:
            shutil.rmtree(run.dir, ignore_errors=True)
    for name in failed:
        print(f"FAILED {name}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
