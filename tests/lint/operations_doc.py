#!/usr/bin/env python3
"""doc/operations.md says what the code says.  Its tables between `<!-- NAME -->`
and `<!-- end -->` are made from src/tbl/end.h, src/tbl/verdict.h and
src/tbl/metric.h; its table of the access line has the fields that
src/proxy/accesslog.c writes, in that order; and each metric that it, an alert,
a test of one or the dashboard names is one of the table.

usage: operations_doc.py SOURCE-DIRECTORY [--write]  --write: make them anew
"""

import os
import re
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from http_doc import fill, read, rows, table

DOC = "doc/operations.md"
METRICS = "src/tbl/metric.h"
PREFIX = "cullis_sidecar_"
NAMING = [DOC, "contrib/prometheus/alerts.yaml",
          "contrib/prometheus/alerts_test.yaml",
          "contrib/grafana/dashboard.json"]
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",),
            "gauge": ("",)}
LABELS = re.compile(r'(\w+)="')


def metrics():
    """[(name, type, labels, help)] in the order of the table."""
    found = {}
    for macro in ("COUNTER", "GAUGE"):
        for _, name, labels, words in rows(METRICS, macro):
            at = found.setdefault(name, (macro.lower(), [], words))
            at[1].extend(l for l in LABELS.findall(labels) if l not in at[1])
    for _, name, words in rows(METRICS, "HISTOGRAM"):
        found[name] = ("histogram", [], words)
    for _, kind, name, labels, words in rows(METRICS, "FAMILY"):
        found[name] = (kind, labels.split(), words)
    for _, kind, name, labels, words in rows(METRICS, "STANDARD"):
        found[name] = (kind, labels.split(), words)
    order = re.findall(r'^[A-Z]+\([^"]*?(?:"(?:counter|gauge)",\s*)?"([a-z_]+)"',
                       re.sub(r"/\*.*?\*/", "", read(METRICS), flags=re.S),
                       re.M)
    order = list(dict.fromkeys(order))
    if sorted(order) != sorted(found):
        sys.exit(f"{METRICS}: a row that this script cannot read: "
                 f"{set(order) ^ set(found)}")
    standard = {r[2] for r in rows(METRICS, "STANDARD")}
    return [(n if n in standard else PREFIX + n, *found[n]) for n in order]


def metric_table():
    return table(["metric", "type", "labels", "what it says"],
                 [[f"`{name}`", kind, " ".join(f"`{l}`" for l in labels), words]
                  for name, kind, labels, words in metrics()])


def errors():
    return table(
        ["code", "status", "what has happened", "what to do"],
        [[f"`{token}`", status if status != "0" else "none", meaning, cure]
         for _, status, token, _, meaning, cure in rows("src/tbl/end.h", "END")
         if cure])


def refusals():
    return table(
        ["code", "what the gateway says", "what to do"],
        [[f"`{code}`", message, cure] for _, code, message, cure in
         rows("src/tbl/verdict.h", "VERDICT_CODE") if code != "NULL"])


MADE = {"errors": errors, "refusals": refusals, "metrics": metric_table}


def check_fields(text):
    """The access line's table against what writes it."""
    code = read("src/proxy/accesslog.c")
    code = code[code.index("\nadd_fields("):]
    written = re.findall(r'L_(?:STR|SPAN|INT)\("(\w+)"', code)
    block = re.search(r"\| field \|.*?\n\n", text, re.S)
    said = re.findall(r"^\| `(\w+)` \|", block[0], re.M) if block else []
    if ["ts"] + written != said:
        return [f"its fields of the access line are {said}, but "
                f"{['ts'] + written} are written"]
    return []


def check_names():
    known = {name + suffix for name, kind, _, _ in metrics()
             for suffix in SUFFIXES[kind]}
    families = {name for name, _, _, _ in metrics()}
    wrong = []
    for path in NAMING:
        named = set(re.findall(rf"\b{PREFIX}[a-z_]+", read(path)))
        if not named:
            wrong.append(f"{path} names no metric")
        also = families if path == DOC else set()
        wrong += [f"{path} names {n}, which is no metric of {METRICS}"
                  for n in sorted(named - known - also)]
    return wrong


def main():
    os.chdir(sys.argv[1])
    text = read(DOC)
    made = fill(DOC, MADE, text)
    if sys.argv[2:] == ["--write"]:
        with open(DOC, "w", encoding="utf-8") as f:
            f.write(made)
        text = made
    wrong = check_fields(text) + check_names()
    if text != made:
        wrong.append("its tables are not those of src/tbl: run "
                     "tests/lint/operations_doc.py . --write")
    for line in wrong:
        print(f"{DOC}: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
