"""Enough of P-256 to make a DPoP key with a property of choice.  Not for
secrets that matter: nothing here is constant-time."""

import base64
import hashlib
import json

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(a, b):
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(n, point):
    result = None
    while n:
        if n & 1:
            result = point if result is None else add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def key_with_short(member):
    """(d, point) whose x or y has a leading zero byte."""
    d = 2**200 + 12345
    point = multiply(d, G)
    while point["xy".index(member)] >> 248:
        d, point = d + 1, add(point, G)
    return d, point


def text(number, padded=True):
    size = 32 if padded else max(1, (number.bit_length() + 7) // 8)
    data = number.to_bytes(size, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key, padded=True):
    d, (x, y) = key
    return {"kty": "EC", "crv": "P-256", "x": text(x, padded),
            "y": text(y, padded), "d": text(d, padded)}


def thumbprint(key):
    """RFC 7638."""
    _, (x, y) = key
    members = {"crv": "P-256", "kty": "EC", "x": text(x), "y": text(y)}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(canonical.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
