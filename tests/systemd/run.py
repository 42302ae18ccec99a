#!/usr/bin/env python3
"""conf/*.service and conf/*.socket under a real systemd, started beside this
one.

It boots in namespaces of its own on an overlay of this machine (boot.sh), with
the units as they are shipped, identities that root alone can read, and
mastio-dev as the gateway.  Needs root and the packages systemd, iproute2 and
curl; what is missing is a failure.

usage: run.py BUILD-DIRECTORY [PATTERN]
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "it"))
sys.dont_write_bytecode = True

import instances  # noqa: E402
import service  # noqa: E402
import upgrade  # noqa: E402
from harness.series import Series, tests_of  # noqa: E402
from machine import Machine  # noqa: E402

# In this order; within each in the order of the file.  Each leaves the service
# running as it is shipped.
MODULES = (service, upgrade, instances)


def run_tests(series, machine, pattern):
    for module in MODULES:
        for name, test in tests_of(vars(module)).items():
            if re.search(pattern, f"{module.__name__}.{name}"):
                series.run(f"{module.__name__}.{name}", test, machine)
    if series.failed:
        print(machine.run("journalctl", "-n", "200", "-o", "short",
                          check=False).stdout)


def boots(machine):
    """Or its log says why not."""
    try:
        machine.boot()
    except AssertionError:
        with open(machine.scratch + "/boot.log", encoding="utf-8",
                  errors="replace") as log:
            print(log.read())
        raise


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    machine = Machine(sys.argv[1])
    series = Series()
    try:
        if series.run("boots", boots, machine):
            run_tests(series, machine, (sys.argv + [""])[2])
    finally:
        machine.end()
    sys.exit(series.end())


main()
