"""What is in a process's memory, and the forms that secrets have there."""

import base64
import json
import os
import subprocess
import sys

CAP_SYS_PTRACE = 19
PIECE = 1 << 20
WORD = 8  # of OpenSSL's big numbers
PART = 24  # characters of a text that are not there by chance


def may_look():
    """The sidecar is not dumpable: only who may trace anything can read it."""
    with open("/proc/self/status", encoding="ascii") as f:
        effective = next(int(line.split()[1], 16) for line in f
                         if line.startswith("CapEff:"))
    return bool(effective >> CAP_SYS_PTRACE & 1)


def regions(pid):
    """(begin, end, name) of what it may write, stacks and heaps included."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
        for line in f:
            words = line.split(None, 5)
            begin, end = (int(x, 16) for x in words[0].split("-"))
            if words[1].startswith("rw"):
                yield begin, end, words[5].strip() if len(words) > 5 else ""


def pieces(pid):
    """(address, region, bytes), overlapping so that nothing falls between."""
    fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for begin, end, name in regions(pid):
            at, tail = begin, b""
            while at < end:
                try:
                    data = os.pread(fd, min(PIECE, end - at), at)
                except OSError:
                    data = b""
                if not data:  # unmapped since, or nothing behind it
                    break
                yield at - len(tail), name, tail + data
                at += len(data)
                tail = data[-256:]
    finally:
        os.close(fd)


def search(pid, wanted):
    """{what: where it was first seen} of {what: the forms it may have}."""
    found = {}
    for address, name, data in pieces(pid):
        for what, forms in wanted.items():
            if what in found:
                continue
            for form, text in forms.items():
                at = data.find(text)
                if at >= 0:
                    found[what] = f"{form} at {address + at:x} {name}"
                    break
    return found


# ---- forms ----

def token_forms(token):
    """Parts of its signature: a piece of freed memory may have lost some."""
    signature = token.rpartition(b".")[2]
    assert len(signature) >= 3 * PART
    return {f"octets {at} to {at + PART} of the signature":
            signature[at:at + PART]
            for at in range(0, len(signature) - PART, PART)}


def number_forms(d):
    """A private number: as files have it, as OpenSSL's big numbers do, and
    the text that a JWK has."""
    words = [d[i:i + WORD] for i in range(0, len(d), WORD)][::-1]
    if sys.byteorder == "little":
        words = [w[::-1] for w in words]
    return {"octets": d, "number": b"".join(words),
            "base64url": base64.urlsafe_b64encode(d).rstrip(b"=")}


def dpop_forms(directory):
    with open(os.path.join(directory, "dpop.jwk"), encoding="ascii") as f:
        jwk = json.load(f)
    d = jwk.get("private_jwk", jwk)["d"]
    return number_forms(base64.urlsafe_b64decode(d + "=" * (-len(d) % 4)))


def key_forms(directory):
    """Of the certificate's key, on P-256; each line of its PEM too."""
    path = os.path.join(directory, "key.pem")
    der = subprocess.run(["openssl", "ec", "-in", path, "-outform", "DER"],
                         check=True, capture_output=True).stdout
    # RFC 5915 section 3: SEQUENCE, version 1, privateKey of 32 octets.
    at = der.index(b"\x02\x01\x01\x04\x20") + 5
    forms = number_forms(der[at:at + 32])
    with open(path, "rb") as f:
        lines = [l for l in f.read().splitlines() if len(l) >= 2 * PART]
    # The first line says what kind of key it is, the rest is the key itself.
    return {**forms, **{f"line {i} of the PEM": l[-PART:]
                        for i, l in enumerate(lines)}}
