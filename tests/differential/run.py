#!/usr/bin/env python3
"""Differential test of the HTTP reader: the same bytes through src/http,
through llhttp (the parser of Node, without leniency) and through strict.py.

usage: run.py BUILD-DIRECTORY [--mutations N] [--seed N]
              [--node PROGRAM] [--show]

Where the sidecar refuses and another accepts, nobody is harmed; that is
counted.  Where the sidecar accepts and another refuses or understands another
message, a row of explained.py must say why that is right, and each of its rows
must be needed.  The last line says `N passed, N failed`.
"""

import argparse
import collections
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import inputs  # noqa: E402
import strict  # noqa: E402
from explained import EXPLAINED  # noqa: E402

# What two readings of a message have in common if they are one.
CONTENT = ("method", "target", "status", "minor", "fields")
SHOWN = 20


class Input:
    def __init__(self, name, kind, data):
        self.name, self.kind, self.data = name, kind, data


class Difference:
    """The sidecar accepted `ours` of the input; what the other one made of it:
    `theirs`, or None, with `why` it refused.  `methods`: those of llhttp."""

    methods = ()

    def __init__(self, case, what, ours, theirs, why):
        self.case, self.what, self.ours = case, what, ours
        self.theirs, self.why = theirs, why


def run_reader(command, file):
    with open(file, "rb") as f:
        done = subprocess.run(command, stdin=f, stdout=subprocess.PIPE,
                              check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def differ(ours, theirs, refused):
    """In what are these two readings of one message different?"""
    for key in CONTENT:
        if ours[key] != theirs[key]:
            return key
    if ours["framing"] != theirs.get("framing", ours["framing"]):
        return "framing"
    if ours["done"] and not theirs["done"]:
        return "refused" if refused else "unfinished"
    if theirs["done"] and not ours["done"]:
        return "unfinished"
    if refused and not theirs["done"]:
        # We wait for more; is some of this through already?
        return "refused" if len(ours["body"]) > len(theirs["body"]) else None
    if ours["body"] != theirs["body"]:
        return "body"
    if ours["keep"] and not theirs["keep"]:
        return "keep"
    return None


def compare(case, ours, theirs):
    """A Difference, or how the two went along: "agree" or "stricter"."""
    for i, message in enumerate(ours["messages"]):
        last = i + 1 == len(ours["messages"])
        if i == len(theirs["messages"]):
            what = "refused" if theirs["why"] else "unfinished"
            return Difference(case, what, message, None, theirs["why"])
        other = theirs["messages"][i]
        if last and ours["why"] and not message["done"]:
            break  # refused in its body: the connection is cut
        what = differ(message, other, bool(theirs["why"]))
        if what:
            return Difference(case, what, message, other, theirs["why"])
        if message["upgrade"]:
            return "agree"  # what follows may be another protocol
    if ours["why"] and (not theirs["why"] or
                        len(theirs["messages"]) > len(ours["messages"])):
        return "stricter"
    return "agree"


class Verdicts:
    def __init__(self, llhttp):
        self.llhttp = llhttp  # its version
        self.counts = collections.Counter()
        self.stricter = collections.Counter()
        self.hits = collections.Counter()
        self.bad = []

    def judge(self, reader, case, ours, theirs):
        found = compare(case, ours, theirs)
        if found == "stricter":
            self.stricter[ours["why"]] += 1
        if not isinstance(found, Difference):
            self.counts[reader, found] += 1
            return
        for row in EXPLAINED:
            if (row.reader == reader and row.is_for(self.llhttp) and
                    row.applies(found)):
                self.hits[row.name] += 1
                self.counts[reader, "explained"] += 1
                return
        self.counts[reader, "unexplained"] += 1
        self.bad.append((reader, found))


def show(reader, d):
    print(f"FAIL: {d.case.name} ({d.case.kind}), {reader}: {d.what}"
          f"{', ' + d.why if d.why else ''}")
    print(f"  bytes  {d.case.data!r}")
    print(f"  ours   {json.dumps(d.ours)}")
    print(f"  theirs {json.dumps(d.theirs)}")


def report(verdicts, details):
    shown = [row for row in EXPLAINED if row.is_for(verdicts.llhttp)]
    for (reader, verdict), n in sorted(verdicts.counts.items()):
        print(f"{reader:8}{verdict:12}{n:7}")
    if details:
        print("where the sidecar refuses and another reader does not:")
        for why, n in verdicts.stricter.most_common():
            print(f"{n:7}  {why}")
    print("explained, where the sidecar accepts:")
    for row in shown:
        print(f"{verdicts.hits[row.name]:7}  {row.name}, {row.reader} "
              f"({row.section})")
    for reader, difference in verdicts.bad[:SHOWN]:
        show(reader, difference)


def write_inputs(cases, path):
    with open(path, "wb") as f:
        for case in cases:
            f.write(case.kind.encode() + struct.pack(">I", len(case.data)) +
                    case.data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--mutations", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--node", default="node", metavar="PROGRAM")
    parser.add_argument("--show", action="store_true",
                        help="also why the sidecar refuses more")
    options = parser.parse_args()

    hand, corpus = inputs.named(), inputs.corpus()
    cases = [Input(*row) for row in hand + corpus +
             inputs.mutations(options.seed, options.mutations)]
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "inputs")
        write_inputs(cases, path)
        ours = run_reader(
            [os.path.join(options.build, "tests/differential/reader")], path)
        about, *llhttp = run_reader(
            [options.node, "--no-deprecation",
             os.path.join(HERE, "llhttp.js")], path)
    if not len(ours) == len(llhttp) == len(cases) or not corpus:
        sys.exit("a reader did not answer to every input")
    print(f"{len(hand)} inputs by name, {len(corpus)} from the fuzz corpora, "
          f"{options.mutations} mutations (seed {options.seed}); llhttp "
          f"{about['llhttp']} of Node {about['node']}")

    Difference.methods = about["methods"]
    verdicts = Verdicts(tuple(map(int, about["llhttp"].split("."))))
    for case, our, their in zip(cases, ours, llhttp):
        verdicts.judge("llhttp", case, our, their)
        verdicts.judge("strict", case, our, strict.read(case.kind, case.data))
    report(verdicts, options.show)
    idle = [row.name for row in EXPLAINED if not verdicts.hits[row.name] and
            row.is_for(verdicts.llhttp)]
    for name in idle:
        print(f"FAIL: nothing needs the explanation {name!r} any more")
    failed = len(verdicts.bad) + len(idle)
    print(f"{2 * len(cases) - len(verdicts.bad)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
