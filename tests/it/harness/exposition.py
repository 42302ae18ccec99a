"""A strict reader of the Prometheus text format, version 0.0.4."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
COMMENT = re.compile(rf"# (HELP|TYPE) ({NAME}) (.+)")
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
TYPES = ("counter", "gauge", "histogram")


def labels_of(text):
    """Sorted (name, value) pairs; no comma is left over."""
    found, at = {}, 0
    while text and at <= len(text):
        m = LABEL.match(text, at)
        assert m, f"no label at {text[at:]!r}"
        assert m[1] not in found, f"label {m[1]} twice in {text!r}"
        assert not m[1].startswith("__"), f"reserved label {m[1]}"
        found[m[1]] = m[2]
        at = m.end()
        assert at == len(text) or text[at] == ",", text
        at += 1
    return tuple(sorted(found.items()))


def family_of(name, kind):
    if kind == "histogram":
        for end in ("_bucket", "_sum", "_count"):
            if name.endswith(end):
                return name[:-len(end)]
    return name


def check_histogram(name, samples):
    """Buckets rise to +Inf, which is the count; a sum is there."""
    series = {}
    for (sample, labels), value in samples.items():
        rest = tuple(l for l in labels if l[0] != "le")
        one = series.setdefault(rest, {"le": [], "_sum": None, "_count": None})
        if sample == name + "_bucket":
            one["le"].append((float(dict(labels)["le"]), value))
        else:
            assert sample != name, f"{name} is a histogram"
            one[sample[len(name):]] = value
    for one in series.values():
        bounds, counts = zip(*one["le"])
        assert list(bounds) == sorted(set(bounds)), (name, bounds)
        assert list(counts) == sorted(counts), (name, counts)
        assert bounds[-1] == float("inf"), (name, bounds)
        assert one["_count"] == counts[-1] and one["_sum"] is not None, name


def check_family(name, kind, samples):
    assert (kind == "counter") == name.endswith("_total"), (name, kind)
    if kind != "gauge":
        assert all(v >= 0 for v in samples.values()), (name, samples)
    if kind == "histogram":
        check_histogram(name, samples)
    else:
        sets = {tuple(l[0] for l in labels) for _, labels in samples}
        assert len(sets) <= 1, f"{name} has different labels: {sets}"


def parse(text):
    """{(name, labels): value}, or AssertionError: HELP and TYPE before the
    samples of each name, once, its samples together and each only once."""
    assert text.endswith("\n"), "the last line has no end"
    families, family, said = {}, None, None
    for line in text[:-1].split("\n"):
        comment = COMMENT.fullmatch(line)
        if comment and comment[1] == "HELP":
            assert comment[2] not in families, f"{comment[2]} twice"
            said, family = comment[2], None
            continue
        if comment:
            assert comment[2] == said, f"TYPE of {comment[2]} without HELP"
            assert comment[3] in TYPES, line
            family = families[said] = (said, comment[3], {})
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"not a line: {line!r}"
        assert family and family_of(sample[1], family[1]) == family[0], \
            f"not below its TYPE: {line!r}"
        key = (sample[1], labels_of(sample[2] or ""))
        assert key not in family[2], f"twice: {line!r}"
        family[2][key] = float(sample[3])
    found = {}
    for name, kind, samples in families.values():
        check_family(name, kind, samples)
        found.update(samples)
    return found
