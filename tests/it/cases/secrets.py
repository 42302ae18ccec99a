"""The search for secrets finds them: else it would prove nothing."""

import os

from harness import case
from harness import secrets as search

NAMES = ("sidecar0.err", "sidecar1.out", "command2.err", "received")


def real(t):
    """{what: the bytes} of an agent that has made requests, and Secrets."""
    g, s = t.pair()
    assert s.get("/v1/models").status == 200
    found = search.Secrets().collect(t.dir)
    by_what = {}
    for one in (found.words, found.texts):
        for secret, what in one.items():
            by_what.setdefault(what, secret)
    return found, by_what


def leak(t, n, name, text):
    """What the search of a run says of a directory with this in one file."""
    where = t.path(f"leak{n}")
    os.makedirs(os.path.join(where, "some.test[1]"))
    with open(os.path.join(where, "some.test[1]", name), "wb") as f:
        f.write(b"x" * 5000 + b" " + text + b"\n")
    return where


@case(once=True)
def are_found(t):
    """Each kind of secret, in each kind of output, alone, inside a line of JSON,
    between other letters and in a whole token."""
    found, by_what = real(t)
    kinds = set(by_what)
    assert {"a token", "the claims of a token", "a proof",
            "the DPoP key"} <= kinds, kinds
    assert any(k.startswith("key material of ") for k in kinds), kinds
    n = 0
    for name in NAMES:
        for what, secret in by_what.items():
            for form in (b"%s", b'{"msg":"\\n%s\\n"}', b"abc%sdef",
                         b"Authorization: DPoP e30.%s.e30"):
                n += 1
                said = search.search(leak(t, n, name, form % secret), found)
                assert len(said) == 1 and name in said[0], (what, form, said)


@case(once=True)
def nothing_else_is(t):
    """What may be seen is no secret: ids, thumbprints, halves of one."""
    found, by_what = real(t)
    harmless = b" ".join(s[:len(s) // 2] for s in by_what.values())
    harmless += b" " + b"0af7651916cd43dd8448eb211c80319c" * 2
    assert not search.search(leak(t, 0, "received", harmless), found)


@case(once=True)
def of_a_whole_run(t):
    """The outputs of a test are kept and searched with the secrets of all."""
    found, by_what = real(t)
    other = t.path("other")
    os.makedirs(other)
    with open(os.path.join(other, "sidecar0.err"), "wb") as f:
        f.write(by_what["a token"])
    with open(os.path.join(other, "tokens"), "wb") as f:
        f.write(b"e30.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
    kept = t.path("kept")
    everything = search.Secrets()
    search.keep(other, everything, os.path.join(kept, "first"))
    assert not search.search(kept, everything)
    everything.collect(t.dir)
    assert search.search(kept, everything) == \
        ["a token is in first/sidecar0.err"]
