"""What the black-box tests are written with.

A test is a function with @case in a file of cases/.  It gets a Test, starts a
gateway and one or more sidecars with it, and asserts.  Its docstring is the
promise that it checks; `END: token` in it names a way to end an exchange that
it brings about.
"""

from harness.case import Failure, Test, case
from harness.http import Answer, Client, Cut, NoAnswer
from harness.sidecar import Sidecar
from harness.gateway import Gateway

__all__ = ["Answer", "Client", "Cut", "Failure", "Gateway", "NoAnswer",
           "Sidecar", "Test", "case"]
