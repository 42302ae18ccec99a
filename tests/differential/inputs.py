"""Inputs by name: (name, kind, bytes), kinds as in reader.c.  Each class of
request smuggling and response splitting that was ever reported has a row, so
that mutations begin near to it."""

import glob
import os
import random

CORPUS = os.path.join(os.path.dirname(__file__), "..", "fuzz", "corpus")
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


def get(target=b"/", fields=b"", version=b"1.1", method=b"GET",
        host=b"Host: a\r\n"):
    return (method + b" " + target + b" HTTP/" + version + b"\r\n" + host +
            fields + b"\r\n")


def post(fields, body=b"", version=b"1.1"):
    """A request with a body, and another one behind it."""
    return get(b"/p", fields, version, b"POST") + body + NEXT


def chunked(body):
    return post(b"Transfer-Encoding: chunked\r\n", body)


def line(first):
    return first + b"Host: a\r\n\r\n"


def answer(fields=b"", body=b"", status=b"200 OK", version=b"1.1"):
    return b"HTTP/" + version + b" " + status + b"\r\n" + fields + b"\r\n" + body


def in_chunks(body):
    return answer(b"Transfer-Encoding: chunked\r\n", body)


LINES = {
    "get": get() + NEXT,
    "http-1.0": get(version=b"1.0") + NEXT,
    "http-1.0-keep-alive": get(
        fields=b"Connection: keep-alive\r\n", version=b"1.0") + NEXT,
    "http-1.0-no-host": get(version=b"1.0", host=b""),
    "http-0.9": b"GET /\r\n",
    "http-1.2": get(version=b"1.2"),
    "http-2.0": get(version=b"2.0"),
    "http-1.10": get(version=b"1.10"),
    "http-01.1": get(version=b"01.1"),
    "http-version-lower-case": line(b"GET / http/1.1\r\n"),
    "http-version-dot": line(b"GET / HTTP/11\r\n"),
    "h2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version-trailing-space": line(b"GET / HTTP/1.1 \r\n"),
    "two-spaces": line(b"GET  / HTTP/1.1\r\n"),
    "tab-for-space": line(b"GET\t/ HTTP/1.1\r\n"),
    "vertical-tab-for-space": line(b"GET\x0b/ HTTP/1.1\r\n"),
    "nul-in-target": line(b"GET /\0 HTTP/1.1\r\n"),
    "space-in-target": line(b"GET /a b HTTP/1.1\r\n"),
    "no-target": line(b"GET HTTP/1.1\r\n"),
    "line-lf": line(b"GET / HTTP/1.1\n"),
    "line-cr": line(b"GET / HTTP/1.1\r"),
    "line-cr-cr-lf": line(b"GET / HTTP/1.1\r\r\n"),
    "method-lower-case": get(method=b"get"),
    "method-unknown": get(method=b"BREW"),
    "method-sign": get(method=b"M-SEARCH"),
    "method-colon": get(method=b"GET:"),
    "method-none": line(b" / HTTP/1.1\r\n"),
    "method-at-sign": get(method=b"G@T"),
    "leading-space": b" " + get(),
    "leading-crlf": b"\r\n" + get(),
    "leading-crlf-twice": b"\r\n\r\n" + get(),
    "leading-lf": b"\n" + get(),
    "leading-cr": b"\r" + get(),
    "leading-nul": b"\0" + get(),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + get(),
    "crlf-between": get() + b"\r\n" + get(),
    "body-of-get-without-length": get() + b"SMUGGLED / HTTP/1.1\r\n\r\n",
}

TARGETS = {
    "target-query": get(b"/a?b=c&d=%20"),
    "target-query-brackets": get(b"/a?b[]=c|d&e={f}`^"),
    "target-path-brackets": get(b"/a[1]"),
    "target-fragment": get(b"/a#b"),
    "target-backslash": get(b"/a\\b"),
    "target-quote": get(b'/"a"'),
    "target-bad-escape": get(b"/%zz"),
    "target-short-escape": get(b"/a%2"),
    "target-bad-query-escape": get(b"/a?b=%zz"),
    "target-obs-text": get(b"/\xc3\xa9"),
    "target-no-slash": get(b"a"),
    "target-double-slash": get(b"//b/c"),
    "target-dots": get(b"/a/../b/./c"),
    "target-absolute": get(b"http://a/b"),
    "target-absolute-other-host": get(b"http://b/c"),
    "target-absolute-upper-case": get(b"HTTP://A/b"),
    "target-absolute-https": get(b"https://a:443/b"),
    "target-absolute-no-path": get(b"http://a"),
    "target-absolute-query-only": get(b"http://a?b"),
    "target-absolute-no-host": get(b"http:///b"),
    "target-absolute-userinfo": get(b"http://u:p@a/b"),
    "target-absolute-ipv6": get(b"http://[::1]:80/"),
    "target-absolute-ftp": get(b"ftp://a/b"),
    "target-absolute-port-empty": get(b"http://a:/b"),
    "target-absolute-port-large": get(b"http://a:65536/b"),
    "target-asterisk-get": get(b"*"),
    "target-asterisk-options": get(b"*", method=b"OPTIONS"),
    "connect": get(b"a:443", method=b"CONNECT") + b"\x16\x03\x01",
    "connect-ipv6": get(b"[::1]:443", method=b"CONNECT"),
    "connect-no-port": get(b"a", method=b"CONNECT"),
    "connect-path": get(b"/a", method=b"CONNECT"),
    "connect-absolute": get(b"http://a:1/", method=b"CONNECT"),
    "connect-length": get(
        b"a:1", b"Content-Length: 3\r\n", method=b"CONNECT") + b"abc",
    "connect-length-zero": get(
        b"a:1", b"Content-Length: 0\r\n", method=b"CONNECT"),
    "connect-chunked": get(
        b"a:1", b"Transfer-Encoding: chunked\r\n", method=b"CONNECT") +
    b"0\r\n\r\n",
    "get-authority-form": get(b"a:443"),
}

FIELDS = {
    "host-absent": get(host=b""),
    "host-twice": get(host=b"Host: a\r\nHost: b\r\n"),
    "host-twice-same": get(host=b"Host: a\r\nHost: a\r\n"),
    "host-twice-case": get(host=b"Host: a\r\nhost: b\r\n"),
    "host-empty": get(host=b"Host:\r\n"),
    "host-port": get(host=b"Host: a:80\r\n"),
    "host-port-text": get(host=b"Host: a:b\r\n"),
    "host-list": get(host=b"Host: a, b\r\n"),
    "host-userinfo": get(host=b"Host: u@a\r\n"),
    "host-slash": get(host=b"Host: a/b\r\n"),
    "host-space": get(host=b"Host: a b\r\n"),
    "host-obs-text": get(host=b"Host: \xe4\r\n"),
    "host-ipv6": get(host=b"Host: [::1]:80\r\n"),
    "host-ipv6-zone": get(host=b"Host: [fe80::1%25eth0]\r\n"),
    "host-ipv6-bad": get(host=b"Host: [::g]\r\n"),
    "host-number": get(host=b"Host: 127.1\r\n"),
    "host-underscore": get(host=b"Host: a_b\r\n"),
    "host-folded": get(host=b"Host:\r\n a\r\n"),
    "host-space-before-colon": get(host=b"Host : a\r\n"),
    "name-space": get(fields=b"A B: c\r\n"),
    "name-empty": get(fields=b": c\r\n"),
    "name-obs-text": get(fields=b"\xe4: c\r\n"),
    "name-nul": get(fields=b"A\0: c\r\n"),
    "name-cr": get(fields=b"A\r: c\r\n"),
    "name-quoted": get(fields=b'"A": c\r\n'),
    "name-underscore": get(fields=b"Content_Length: 5\r\n"),
    "name-all-tchar": get(fields=b"!#$%&'*+-.^_`|~: c\r\n"),
    "no-colon": get(fields=b"ABC\r\n"),
    "no-colon-last": get(fields=b"ABC"),
    "fold-space": get(fields=b"A: b\r\n c\r\n"),
    "fold-tab": get(fields=b"A: b\r\n\tContent-Length: 5\r\n"),
    "fold-first": get(host=b" Host: a\r\n"),
    "value-empty": get(fields=b"A:\r\nB: \r\nC:\t \t\r\n"),
    "value-padded": get(fields=b"A: \t b \t \r\n"),
    "value-no-space": get(fields=b"A:b\r\n"),
    "value-inner-space": get(fields=b"A: b  c\td\r\n"),
    "value-obs-text": get(fields=b"A: \xc3\xa9\x80\xff\r\n"),
    "value-nul": get(fields=b"A: b\0c\r\n"),
    "value-del": get(fields=b"A: b\x7fc\r\n"),
    "value-control": get(fields=b"A: b\x01c\r\n"),
    "value-cr": get(fields=b"A: b\rContent-Length: 5\r\n"),
    "value-lf": get(fields=b"A: b\nContent-Length: 5\r\n"),
    "value-cr-cr-lf": get(fields=b"A: b\r\r\nContent-Length: 5\r\n"),
    "value-form-feed": get(fields=b"A: \x0cb\r\n"),
    "head-end-lf": get(fields=b"A: b\r\n")[:-2] + b"\n" + NEXT,
    "head-end-cr": get(fields=b"A: b\r\n")[:-1] + NEXT,
    "fields-many": get(fields=b"".join(
        b"A%d: b\r\n" % i for i in range(90))) + NEXT,
    "connection-close": get(fields=b"Connection: close\r\n") + NEXT,
    "connection-close-list": get(fields=b"Connection: a, cLose ,b\r\n") + NEXT,
    "connection-close-second": get(
        fields=b"Connection: a\r\nConnection: close\r\n") + NEXT,
    "connection-quoted": get(fields=b'Connection: "a, close, b"\r\n') + NEXT,
    "connection-length": post(
        b"Connection: Content-Length\r\nContent-Length: 3\r\n", b"abc"),
    "proxy-connection-close": get(fields=b"Proxy-Connection: close\r\n") + NEXT,
    "keep-alive-both": get(
        fields=b"Connection: keep-alive, close\r\n") + NEXT,
    "upgrade": get(fields=b"Connection: upgrade\r\nUpgrade: h2c\r\n") + NEXT,
    "upgrade-unnamed": get(fields=b"Upgrade: h2c\r\n") + NEXT,
    "upgrade-body": post(b"Connection: upgrade\r\nUpgrade: h2c\r\n"
                         b"Content-Length: 3\r\n", b"abc"),
    "expect": post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc"),
}

LENGTHS = {
    "length": post(b"Content-Length: 3\r\n", b"abc"),
    "length-zero": post(b"Content-Length: 0\r\n"),
    "length-short": get(b"/", b"Content-Length: 9\r\n", method=b"PUT") + b"abc",
    "length-get": get(fields=b"Content-Length: 3\r\n") + b"abc" + NEXT,
    "length-http-1.0": post(b"Content-Length: 3\r\n", b"abc", b"1.0"),
    "length-twice-same": post(
        b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"),
    "length-twice": post(b"Content-Length: 3\r\nContent-Length: 9\r\n", b"abc"),
    "length-list-same": post(b"Content-Length: 3, 3\r\n", b"abc"),
    "length-list": post(b"Content-Length: 3, 9\r\n", b"abc"),
    "length-plus": post(b"Content-Length: +3\r\n", b"abc"),
    "length-minus": post(b"Content-Length: -3\r\n", b"abc"),
    "length-hex": post(b"Content-Length: 0x3\r\n", b"abc"),
    "length-leading-zeros": post(b"Content-Length: 003\r\n", b"abc"),
    "length-inner-space": post(b"Content-Length: 1 2\r\n", b"abc"),
    "length-trailing-space": post(b"Content-Length: 3 \t\r\n", b"abc"),
    "length-empty": post(b"Content-Length:\r\n", b"abc"),
    "length-underscore": post(b"Content-Length: 1_0\r\n", b"abc"),
    "length-fraction": post(b"Content-Length: 3.0\r\n", b"abc"),
    "length-vertical-tab": post(b"Content-Length: \x0b3\r\n", b"abc"),
    "length-2^63-1": post(b"Content-Length: 9223372036854775807\r\n", b"abc"),
    "length-2^63": post(b"Content-Length: 9223372036854775808\r\n", b"abc"),
    "length-2^64+3": post(b"Content-Length: 18446744073709551619\r\n", b"abc"),
    "length-space-before-colon": post(b"Content-Length : 3\r\n", b"abc"),
    "length-folded": post(b"Content-Length:\r\n 3\r\n", b"abc"),
    "length-semicolon": post(b"Content-Length: 3;a\r\n", b"abc"),
    "length-arabic-digits": post(
        "Content-Length: \u0663\r\n".encode(), b"abc"),
}

ONE = b"3\r\nabc\r\n0\r\n\r\n"
CODINGS = {
    "te": post(b"Transfer-Encoding: chunked\r\n", ONE),
    "te-case": post(b"transfer-encoding: CHUNKED\r\n", ONE),
    "te-get": get(fields=b"Transfer-Encoding: chunked\r\n") + ONE + NEXT,
    "te-http-1.0": post(b"Transfer-Encoding: chunked\r\n", ONE, b"1.0"),
    "cl.te": post(
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", ONE),
    "te.cl": post(
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", ONE),
    "te-twice": post(b"Transfer-Encoding: chunked\r\n" * 2, ONE),
    "te-chunked-chunked": post(b"Transfer-Encoding: chunked, chunked\r\n", ONE),
    "te-identity": post(b"Transfer-Encoding: identity\r\n", ONE),
    "te-identity-second": post(
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", ONE),
    "te-identity-chunked": post(
        b"Transfer-Encoding: identity, chunked\r\n", ONE),
    "te-gzip-chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", ONE),
    "te-chunked-gzip": post(b"Transfer-Encoding: chunked, gzip\r\n", ONE),
    "te-empty": post(b"Transfer-Encoding:\r\n", ONE),
    "te-comma": post(b"Transfer-Encoding: , chunked ,\r\n", ONE),
    "te-quoted": post(b'Transfer-Encoding: "chunked"\r\n', ONE),
    "te-parameter": post(b"Transfer-Encoding: chunked;a=b\r\n", ONE),
    "te-xchunked": post(b"Transfer-Encoding: xchunked\r\n", ONE),
    "te-chunkedx": post(b"Transfer-Encoding: chunkedx\r\n", ONE),
    "te-space-before-colon": post(b"Transfer-Encoding : chunked\r\n", ONE),
    "te-tab": post(b"Transfer-Encoding:\tchunked\t\r\n", ONE),
    "te-vertical-tab": post(b"Transfer-Encoding: \x0bchunked\r\n", ONE),
    "te-nul": post(b"Transfer-Encoding: chunked\0\r\n", ONE),
    "te-folded": post(b"Transfer-Encoding:\r\n chunked\r\n", ONE),
    "te-leading-space": post(b" Transfer-Encoding: chunked\r\n", ONE),
    "te-cr-before": post(b"A: b\rTransfer-Encoding: chunked\r\n", ONE),
    "te-lf-before": post(b"A: b\nTransfer-Encoding: chunked\r\n", ONE),
    "te-underscore": post(b"Transfer_Encoding: chunked\r\n", ONE),
    "te-obs-text": post(b"Transfer-Encoding: chunked\xff\r\n", ONE),
}

CHUNKS = {
    "chunks": chunked(b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"),
    "chunk-upper-case": chunked(b"A\r\n0123456789\r\n0\r\n\r\n"),
    "chunk-leading-zeros": chunked(b"0003\r\nabc\r\n000\r\n\r\n"),
    "chunk-zeros-many": chunked(
        b"00000000000000000003\r\nabc\r\n0\r\n\r\n"),
    "chunk-hex-prefix": chunked(b"0x3\r\nabc\r\n0\r\n\r\n"),
    "chunk-plus": chunked(b"+3\r\nabc\r\n0\r\n\r\n"),
    "chunk-minus": chunked(b"-3\r\nabc\r\n0\r\n\r\n"),
    "chunk-underscore": chunked(b"1_0\r\nabc\r\n0\r\n\r\n"),
    "chunk-overflow": chunked(b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
    "chunk-2^64-1": chunked(b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    "chunk-2^63-1": chunked(b"7fffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-empty": chunked(b"\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-leading-space": chunked(b" 3\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-trailing-space": chunked(b"3 \r\nabc\r\n0\r\n\r\n"),
    "chunk-size-trailing-tab": chunked(b"3\t\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-lf": chunked(b"3\nabc\r\n0\r\n\r\n"),
    "chunk-size-cr": chunked(b"3\rabc\r\n0\r\n\r\n"),
    "chunk-size-cr-cr-lf": chunked(b"3\r\r\nabc\r\n0\r\n\r\n"),
    "chunk-size-nul": chunked(b"3\0\r\nabc\r\n0\r\n\r\n"),
    "chunk-data-lf": chunked(b"3\r\nabc\n0\r\n\r\n"),
    "chunk-data-no-end": chunked(b"3\r\nabc0\r\n\r\n"),
    "chunk-data-long": chunked(b"3\r\nabcd\r\n0\r\n\r\n"),
    "chunk-data-short": chunked(b"5\r\nabc\r\n0\r\n\r\n"),
    "chunk-data-xx": chunked(b"3\r\nabcXX0\r\n\r\n"),
    "chunk-last-lf": chunked(b"3\r\nabc\r\n0\n\n"),
    "chunk-last-no-end": chunked(b"3\r\nabc\r\n0\r\n"),
    "chunk-last-cr": chunked(b"3\r\nabc\r\n0\r\n\r"),
    "ext": chunked(b"3;a\r\nabc\r\n0;b=c\r\n\r\n"),
    "ext-quoted": chunked(b'3;a="b;\\"c"\r\nabc\r\n0\r\n\r\n'),
    "ext-quoted-open": chunked(b'3;a="b\r\nabc\r\n0\r\n\r\n'),
    "ext-bws": chunked(b"3 ; a = b\r\nabc\r\n0\r\n\r\n"),
    "ext-bws-front": chunked(b"3 ;a=b\r\nabc\r\n0\r\n\r\n"),
    "ext-bws-name": chunked(b"3; a=b\r\nabc\r\n0\r\n\r\n"),
    "ext-bws-equals": chunked(b"3;a =b\r\nabc\r\n0\r\n\r\n"),
    "ext-bws-value": chunked(b"3;a= b\r\nabc\r\n0\r\n\r\n"),
    "ext-two": chunked(b'3;a;b="c";d\r\nabc\r\n0\r\n\r\n'),
    "ext-empty": chunked(b"3;\r\nabc\r\n0\r\n\r\n"),
    "ext-no-name": chunked(b"3;=b\r\nabc\r\n0\r\n\r\n"),
    "ext-no-value": chunked(b"3;a=\r\nabc\r\n0\r\n\r\n"),
    "ext-lf": chunked(b"3;a\nabc\r\n0\r\n\r\n"),
    "ext-cr": chunked(b"3;a\rb\r\nabc\r\n0\r\n\r\n"),
    "ext-obs-text": chunked(b'3;a="\xff"\r\nabc\r\n0\r\n\r\n'),
    "ext-nul": chunked(b"3;a\0\r\nabc\r\n0\r\n\r\n"),
    "trailer": chunked(b"3\r\nabc\r\n0\r\nA: b\r\nC:\r\n\r\n"),
    "trailer-length": chunked(b"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n"),
    "trailer-host": chunked(b"3\r\nabc\r\n0\r\nHost: b\r\n\r\n"),
    "trailer-te": chunked(
        b"3\r\nabc\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n"),
    "trailer-connection": chunked(
        b"3\r\nabc\r\n0\r\nConnection: close\r\n\r\n"),
    "trailer-folded": chunked(b"3\r\nabc\r\n0\r\nA: b\r\n c\r\n\r\n"),
    "trailer-no-colon": chunked(b"3\r\nabc\r\n0\r\nA\r\n\r\n"),
    "trailer-space-before-colon": chunked(b"3\r\nabc\r\n0\r\nA : b\r\n\r\n"),
    "trailer-lf": chunked(b"3\r\nabc\r\n0\r\nA: b\nC: d\r\n\r\n"),
    "trailer-nul": chunked(b"3\r\nabc\r\n0\r\nA: \0\r\n\r\n"),
    "trailer-empty-name": chunked(b"3\r\nabc\r\n0\r\n: b\r\n\r\n"),
}

ANSWERS = {
    "answer-length": answer(b"Content-Length: 3\r\n", b"abc"),
    "answer-length-rest": answer(b"Content-Length: 3\r\n", b"abcd"),
    "answer-length-short": answer(b"Content-Length: 9\r\n", b"abc"),
    "answer-close": answer(b"", b"abc"),
    "answer-close-named": answer(b"Connection: close\r\n", b"abc"),
    "answer-http-1.0": answer(b"Content-Length: 3\r\n", b"abc", version=b"1.0"),
    "answer-http-1.0-keep": answer(
        b"Connection: keep-alive\r\nContent-Length: 3\r\n", b"abc",
        version=b"1.0"),
    "answer-http-2": answer(version=b"2.0"),
    "answer-http-1.2": answer(version=b"1.2"),
    "answer-icy": b"ICY 200 OK\r\n\r\nabc",
    "answer-http-0.9": b"abc",
    "answer-no-reason": answer(status=b"200 "),
    "answer-no-space": answer(status=b"200"),
    "answer-reason-obs-text": answer(status=b"200 \xe4\xff"),
    "answer-reason-control": answer(status=b"200 O\x01K"),
    "answer-reason-lf": answer(status=b"200 OK\nA: b"),
    "answer-reason-cr": answer(status=b"200 OK\rA: b"),
    "answer-status-short": answer(status=b"20 OK"),
    "answer-status-long": answer(status=b"2000 OK"),
    "answer-status-600": answer(status=b"600 OK"),
    "answer-status-099": answer(status=b"099 OK"),
    "answer-status-letters": answer(status=b"2xx OK"),
    "answer-status-plus": answer(status=b"+20 OK"),
    "answer-leading-crlf": b"\r\n" + answer(b"Content-Length: 0\r\n"),
    "answer-chunked": in_chunks(b"3\r\nabc\r\n0\r\n\r\n"),
    "answer-chunked-rest": in_chunks(b"3\r\nabc\r\n0\r\n\r\nabc"),
    "answer-chunked-short": in_chunks(b"3\r\nabc\r\n"),
    "answer-chunked-http-1.0": answer(
        b"Transfer-Encoding: chunked\r\n", ONE, version=b"1.0"),
    "answer-te.cl": answer(
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", ONE),
    "answer-te-gzip": answer(b"Transfer-Encoding: gzip\r\n", b"abc"),
    "answer-te-gzip-chunked": answer(
        b"Transfer-Encoding: gzip, chunked\r\n", ONE),
    "answer-length-twice": answer(
        b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd"),
    "answer-length-list": answer(b"Content-Length: 3, 3\r\n", b"abc"),
    "answer-length-minus": answer(b"Content-Length: -3\r\n", b"abc"),
    "answer-continue": answer(status=b"100 Continue") + answer(
        b"Content-Length: 3\r\n", b"abc"),
    "answer-hints": answer(b"Link: <a>\r\n", status=b"103 Early Hints") + answer(
        b"Content-Length: 3\r\n", b"abc"),
    "answer-interim-length-zero": answer(
        b"Content-Length: 0\r\n", status=b"100 Continue") + answer(
            b"Content-Length: 3\r\n", b"abc"),
    "answer-interim-length": answer(
        b"Content-Length: 3\r\n", status=b"102 Processing") + b"abc" + answer(
            b"Content-Length: 3\r\n", b"abc"),
    "answer-interim-close": answer(
        b"Connection: close\r\n", status=b"103 Early Hints") + answer(
            b"Content-Length: 3\r\n", b"abc"),
    "answer-interim-http-1.0": answer(
        status=b"100 Continue", version=b"1.0") + answer(
            b"Content-Length: 3\r\n", b"abc"),
    "answer-switching": answer(
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        status=b"101 Switching Protocols") + b"\x81\x00",
    "answer-204": answer(status=b"204 No Content"),
    "answer-204-length-zero": answer(
        b"Content-Length: 0\r\n", status=b"204 No Content"),
    "answer-204-length": answer(
        b"Content-Length: 3\r\n", b"abc", status=b"204 No Content"),
    "answer-204-chunked": answer(
        b"Transfer-Encoding: chunked\r\n", ONE, status=b"204 No Content"),
    "answer-205": answer(b"Content-Length: 0\r\n", status=b"205 Reset Content"),
    "answer-304": answer(status=b"304 Not Modified"),
    "answer-304-length": answer(
        b"Content-Length: 3\r\n", status=b"304 Not Modified"),
    "answer-304-chunked": answer(
        b"Transfer-Encoding: chunked\r\n", status=b"304 Not Modified"),
    "answer-fold": answer(b"A: b\r\n c\r\nContent-Length: 0\r\n"),
    "answer-space-before-colon": answer(b"Content-Length : 3\r\n", b"abc"),
    "answer-field-lf": answer(b"A: b\nContent-Length: 3\r\n", b"abc"),
    "answer-field-nul": answer(b"A: \0\r\nContent-Length: 3\r\n", b"abc"),
    "answer-connection-quoted": answer(
        b'Connection: "a, close, b"\r\nContent-Length: 3\r\n', b"abc"),
    "answer-proxy-connection": answer(
        b"Proxy-Connection: close\r\nContent-Length: 3\r\n", b"abc"),
}

HEADS = {
    "head-length": answer(b"Content-Length: 3\r\n"),
    "head-chunked": answer(b"Transfer-Encoding: chunked\r\n"),
    "head-plain": answer(),
    "head-204-length": answer(
        b"Content-Length: 3\r\n", status=b"204 No Content"),
}

TUNNELS = {
    "tunnel": answer() + b"\x16\x03\x01",
    "tunnel-length": answer(b"Content-Length: 3\r\n") + b"abc",
    "tunnel-chunked": answer(b"Transfer-Encoding: chunked\r\n") + ONE,
    "tunnel-length-bad": answer(b"Content-Length: x\r\n") + b"abc",
    "tunnel-refused": answer(
        b"Content-Length: 3\r\n", b"abc", status=b"403 Forbidden"),
}

TABLES = [("Q", LINES), ("Q", TARGETS), ("Q", FIELDS), ("Q", LENGTHS),
          ("Q", CODINGS), ("Q", CHUNKS), ("G", ANSWERS), ("H", HEADS),
          ("C", TUNNELS)]


def named():
    return [(name, kind, data) for kind, table in TABLES
            for name, data in table.items()]


def corpus():
    """The committed corpora of the fuzz targets, as streams."""
    # Which first line a file for fuzz_framing asks for, see there.
    kinds = [("Q", b"POST / HTTP/1.1\r\nHost: a\r\n"),
             ("Q", b"POST / HTTP/1.0\r\nHost: a\r\n"),
             ("Q", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n"),
             ("G", b"HTTP/1.1 200 OK\r\n"), ("G", b"HTTP/1.0 200 OK\r\n"),
             ("H", b"HTTP/1.1 200 OK\r\n"),
             ("G", b"HTTP/1.1 204 No Content\r\n"),
             ("G", b"HTTP/1.1 304 Not Modified\r\n"),
             ("G", b"HTTP/1.1 100 Continue\r\n")]
    found = []
    for path in sorted(glob.glob(os.path.join(CORPUS, "*", "*"))):
        target, name = path.split(os.sep)[-2:]
        with open(path, "rb") as f:
            data = f.read()
        name = f"{target}/{name}"
        if target == "head_request":
            found.append((name, "Q", data))
        elif target == "head_response":
            found.append((name, "G", data))
        elif target == "chunked":
            found.append((name, "Q", chunked(b"")[:-len(NEXT)] + data))
            found.append((name, "G", in_chunks(data)))
        elif target == "framing" and data:
            kind, first = kinds[data[0] % len(kinds)]
            found.append((name, kind, first + data[1:] + b"\r\n\r\n"))
    return found


PIECES = [b"\r", b"\n", b"\r\n", b" ", b"\t", b"\0", b"\x0b", b"\x7f", b"\xff",
          b":", b";", b",", b'"', b"\\", b"=", b"%", b"/", b"?", b"[", b"_",
          b"0", b"1", b"9", b"a", b"f", b"+", b"-", b"0x", b"\r\n ",
          b"\r\n\r\n", b"chunked", b"close", b"Content-Length: 4\r\n",
          b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
          b"Host: b\r\n", b"Upgrade: h2c\r\n", b";a=b", b"0\r\n\r\n", NEXT]
SIGNS = b"\r\n \t:;,=0123456789abcdef"


def place(rng, data):
    """Somewhere, mostly where the syntax has a joint."""
    joints = [i for i, c in enumerate(data) if c in SIGNS]
    if joints and rng.random() < 0.8:
        return rng.choice(joints) + rng.randrange(2)
    return rng.randrange(len(data) + 1)


def insert(rng, data):
    at = place(rng, data)
    return data[:at] + rng.choice(PIECES) + data[at:]


def delete(rng, data):
    at = place(rng, data)
    return data[:at] + data[at + rng.choice((1, 1, 1, 2, 4)):]


def replace(rng, data):
    at = place(rng, data)
    return data[:at] + rng.choice(PIECES) + data[at + 1:]


def double_line(rng, data):
    lines = data.split(b"\r\n")
    at = rng.randrange(len(lines))
    lines.insert(rng.randrange(len(lines) + 1), lines[at])
    return b"\r\n".join(lines)


def swap_lines(rng, data):
    lines = data.split(b"\r\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\r\n".join(lines)


def swap_case(rng, data):
    at = rng.randrange(len(data) + 1)
    end = at + rng.choice((1, 4, 20))
    return data[:at] + data[at:end].swapcase() + data[end:]


def bend_number(rng, data):
    places = [i for i, c in enumerate(data) if chr(c).isdigit()]
    if not places:
        return data
    at = rng.choice(places)
    return data[:at] + rng.choice(
        (b"0", b"1", b"2", b"3", b"4", b"9", b"00", b"10")) + data[at + 1:]


def cut(rng, data):
    return data[:rng.randrange(1, len(data) + 1)]


def splice(rng, data):
    """The front of one input and the back of another."""
    other = rng.choice([d for _, t in TABLES[:6] for d in t.values()])
    return data[:place(rng, data)] + other[place(rng, other):]


OPERATORS = [insert, insert, insert, delete, delete, replace, replace,
             double_line, swap_lines, swap_case, bend_number, bend_number, cut,
             splice]


def mutations(seed, count):
    rng = random.Random(seed)
    seeds = named()
    found = []
    for i in range(count):
        name, kind, data = rng.choice(seeds)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            data = rng.choice(OPERATORS)(rng, data) or data
        found.append((f"{name}~{i}", kind, data))
    return found
