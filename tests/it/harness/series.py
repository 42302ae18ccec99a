"""Tests that run one after another on one thing that all share: how each went
is said, and what came of all of them in the last line."""

import sys
import traceback


def tests_of(namespace):
    """{name: function} of a module's vars(), in the order of the file."""
    return {name: test for name, test in namespace.items()
            if name.startswith("test_")}


class Series:
    def __init__(self):
        self.passed = self.failed = 0

    def run(self, name, test, *args):
        """False if it failed; the others can still run."""
        try:
            test(*args)
        except Exception:  # pylint: disable=broad-except
            self.failed += 1
            print("FAIL " + name)
            traceback.print_exc(file=sys.stdout)
            return False
        self.passed += 1
        print("ok   " + name, flush=True)
        return True

    def end(self):
        """The exit status."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0
