#!/usr/bin/env python3
"""conf/*.service and conf/*.socket under a real systemd, started beside this
one.

It boots in namespaces of its own on an overlay of this machine (boot.sh), with
the units as they are shipped, identities that root alone can read, and
mastio-dev as the gateway.  Needs root and the packages systemd, iproute2 and
curl; what is missing is a failure.

usage: run.py BUILD-DIRECTORY [PATTERN]
"""
import re
import sys
import traceback

sys.dont_write_bytecode = True

import instances  # noqa: E402
import service  # noqa: E402
import upgrade  # noqa: E402
from machine import Machine  # noqa: E402

# In this order; within each in the order of the file.  Each leaves the service
# running as it is shipped.
MODULES = (service, upgrade, instances)


def run_tests(machine, pattern):
    failed = 0
    tests = [(f"{module.__name__}.{name}", test) for module in MODULES
             for name, test in vars(module).items()
             if name.startswith("test_") and re.search(
                 pattern, f"{module.__name__}.{name}")]
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
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    machine = Machine(sys.argv[1])
    try:
        machine.boot()
        failed = run_tests(machine, (sys.argv + [""])[2])
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
