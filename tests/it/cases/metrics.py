"""The metrics that are exported are those that are documented."""

import os
import sys

from harness import case, exposition

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "lint"))
import operations_doc  # noqa: E402  pylint: disable=wrong-import-position


def documented():
    """{name: (type, sorted labels)}"""
    here = os.getcwd()
    os.chdir(SOURCE)
    try:
        return {name: (kind, sorted(labels))
                for name, kind, labels, _ in operations_doc.metrics()}
    finally:
        os.chdir(here)


def exported(text):
    """The same, of a page."""
    types = dict(line.split(" ")[2:4] for line in text.splitlines()
                 if line.startswith("# TYPE "))
    found = {}
    for name, labels in exposition.parse(text):
        for family in types:
            kind = types[family]
            if exposition.family_of(name, kind) == family:
                found[family] = (kind, sorted(
                    l for l, _ in labels if l != "le" or kind != "histogram"))
    return found


@case
def as_documented(t):
    """Each documented name is there with its type and its labels, and no
    other."""
    g, s = t.pair()
    assert s.get("/v1/models").status == 200
    s.wait_end("ok")
    found = exported(s.admin("/metrics").body.decode())
    wanted = documented()
    assert set(found) == set(wanted), set(found) ^ set(wanted)
    for name, form in wanted.items():
        assert found[name] == form, (name, found[name], form)


@case
def ready_and_reached(t):
    """The gauges say what /readyz says."""
    g, s = t.pair()
    m = s.metrics()
    assert m["ready"] == m["gateway_reached"] == 1, m
    assert m["max_clients"] == 1024, m
    assert m["identity_not_before_timestamp_seconds"] > 1e9, m
    g.stop()
    assert s.get("/v1/models").code == "connect-failed"
    m = s.metrics()
    assert m["ready"] == m["gateway_reached"] == 0, m
    s2 = t.sidecar(g, wait="listening", auth="cert")
    m = s2.metrics()
    assert m["ready"] == 0 and "token_expiry_timestamp_seconds" not in m, m


@case(once=True)
def rejects_what_is_wrong(t):
    """The reader of these tests finds fault with pages that have one."""
    good = ("# HELP a_total x\n# TYPE a_total counter\na_total 1\n"
            "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n"
            "h_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n")
    assert exposition.parse(good)
    for old, new in (("a_total 1\n", "a_total 1"), ("a_total 1", "a_total x"),
                     ("# TYPE a_total counter\n", ""),
                     ("a_total", "a"), ("a_total 1\n", "a_total 1\n" * 2),
                     ("h_count 2", "h_count 3"), ("h_sum 3\n", ""),
                     ("} 2", "} 0"), ('le="1"', "le=1"),
                     ("a_total 1", "a_total -1"), ("a_total 1", "b_total 1")):
        assert old in good
        try:
            exposition.parse(good.replace(old, new))
        except (AssertionError, ValueError):
            continue
        raise AssertionError(f"{new!r} for {old!r} was not seen")
