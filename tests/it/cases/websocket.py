"""WebSocket to the gateway."""

import base64
import hashlib
import os
import struct

from harness import case

KEY = base64.b64encode(b"0123456789abcdef").decode()
ACCEPT = base64.b64encode(hashlib.sha1(
    (KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
HANDSHAKE = [("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"),
             ("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", "13")]
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
UNASKED = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
           b"Upgrade: %s\r\n\r\n")


def frame(opcode, payload):
    n = len(payload)
    if n < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | n)
    elif n < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, n)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, n)
    mask = b"\x11\x22\x33\x44"
    key = int.from_bytes((mask * (n // 4 + 1))[:n], "big")
    masked = (int.from_bytes(payload, "big") ^ key).to_bytes(n, "big")
    return head + mask + masked


def read_frame(c):
    first, n = c.exactly(2)
    if n == 126:
        n, = struct.unpack("!H", c.exactly(2))
    elif n == 127:
        n, = struct.unpack("!Q", c.exactly(8))
    return first & 15, c.exactly(n)


def open_socket(s, path="/v1/broker/ws", fields=()):
    c = s.connect()
    c.request("GET", path, s.authority, HANDSHAKE + list(fields))
    a = c.begin_answer()
    assert a.status == 101, a
    return c, a


def echo(c, data, opcode=TEXT):
    c.send(frame(opcode, data))
    assert read_frame(c) == (opcode, data)


@case
def handshake_carries_our_credentials(t):
    """The handshake reaches the gateway with token and proof, Connection and
    Upgrade made anew; its Sec-WebSocket fields pass both ways; frames then go
    to and fro."""
    g, s = t.pair()
    c, a = open_socket(s, fields=[("Sec-WebSocket-Protocol", "chat"),
                                  ("Authorization", "Bearer theirs"),
                                  ("Cookie", "a=b")])
    assert a.all("Upgrade") == ["websocket"], a
    assert a.all("Connection") == ["Upgrade"], a
    assert a.get("Sec-WebSocket-Accept") == ACCEPT, a
    assert a.get("Sec-WebSocket-Protocol") == "chat", a
    assert not a.all("Content-Length") + a.all("Transfer-Encoding"), a
    echo(c, b"hello")
    echo(c, b"\x00\xff" * 200, BINARY)
    c.send(frame(PING, b"p"))
    assert read_frame(c) == (PONG, b"p")
    c.send(frame(CLOSE, b"\x03\xe8"))
    assert read_frame(c) == (CLOSE, b"\x03\xe8")
    assert c.ends()
    c.close()
    e, = g.journal("/v1/broker/ws")
    fields = [(n.lower(), v) for n, v in e["headers"]]
    assert [v for n, v in fields if n == "connection"] == ["Upgrade"], fields
    assert [v for n, v in fields if n == "upgrade"] == ["websocket"], fields
    assert e["token"] and e["proof"]["htm"] == "GET", e
    assert e["proof"]["htu"] == "https://mastio.test/v1/broker/ws", e
    assert not [n for n, v in fields if n == "cookie" or "theirs" in v]
    t.dpopcheck(g, 2)
    line = s.wait_end("ok")
    assert line["status"] == 101 and line["path"] == "/v1/broker/ws", line
    assert line["bytes_in"] > 400 and line["bytes_out"] > 400, line


@case
def proof_is_judged(t):
    """A gateway that wants a nonce in the handshake's proof gets it, and then
    switches."""
    g, s = t.pair("--dpop-mode", "required", "--processes", "3")
    for _ in range(3):
        c, _ = open_socket(s, "/v1/egress/ws")
        echo(c, b"x")
        c.close()
    for e in g.journal("/v1/egress/ws"):
        assert e["status"] in (101, 401), e


@case
def frames_at_once_behind_the_handshake(t):
    """Frames that come with the handshake are not lost."""
    g, s = t.pair()
    with s.connect() as c:
        fields = "".join(f"{n}: {v}\r\n" for n, v in HANDSHAKE)
        c.send(f"GET /v1/broker/ws HTTP/1.1\r\nHost: {s.authority}\r\n{fields}"
               "\r\n".encode() + frame(TEXT, b"eager"))
        assert c.begin_answer().status == 101
        assert read_frame(c) == (TEXT, b"eager")


@case
def large_messages(t):
    """Messages of megabytes pass whole, while others are on their way."""
    g, s = t.pair()
    c, _ = open_socket(s)
    with c:
        for size in (125, 126, 65535, 65536, 3 << 20):
            echo(c, os.urandom(size), BINARY)


@case(plain=True)
def reader_that_stops(t):
    """A client that does not read its frames stops the gateway's; memory stays
    small."""
    g, s = t.pair()
    c, _ = open_socket(s)
    before = s.memory("VmRSS")
    data = frame(BINARY, os.urandom(60000))
    with c:
        c.sock.settimeout(t.seconds(1))
        sent = 0
        try:
            while sent < 256 << 20:
                sent += c.sock.send(data[sent % len(data):])
        except TimeoutError:
            pass
        assert sent < 64 << 20, sent
        assert s.memory("VmRSS") - before < 4 << 20
        c.sock.settimeout(t.seconds(15))
        for _ in range(sent // len(data)):
            assert read_frame(c)[0] == BINARY


@case
def client_leaves(t):
    """A client that leaves ends the gateway's connection too."""
    g, s = t.pair()
    c, _ = open_socket(s)
    echo(c, b"x")
    before = g.stats()["connections_open"]
    c.close()
    t.wait_until(lambda: g.stats()["connections_open"] < before,
                 what="the gateway's connection ends")
    s.wait_end("ok")


@case
def gateway_breaks_off(t):
    """A socket that the gateway resets does not look like one that it closed.
    END: upstream-truncated"""
    g, s = t.pair()
    c, _ = open_socket(s)
    echo(c, b"x")
    g.close_connections("reset", "all")
    with c:
        try:
            assert not c.fill()
            raise AssertionError("it looks like a clean end")
        except ConnectionResetError:
            pass
    s.wait_end("upstream-truncated")


@case
def refusal_is_an_ordinary_answer(t):
    """What the gateway answers instead of 101 is relayed, the client's
    connection serves on, and the gateway's is not used again."""
    g, s = t.pair()
    g.fault("/v1/broker/", status=403, body="Forbidden",
            content_type="text/plain")
    with s.connect() as c:
        for _ in range(2):
            c.request("GET", "/v1/broker/ws", s.authority, HANDSHAKE)
            a = c.answer()
            assert a.status == 403 and a.body == b"Forbidden", a
            assert not a.all("Upgrade"), a
        accepted = g.stats()["connections_accepted"]
        c.request("GET", "/v1/models", s.authority)
        assert c.answer().status == 200
    assert g.stats()["connections_accepted"] == accepted + 1


@case
def switch_that_nobody_asked_for(t):
    """A 101 without an Upgrade in the request, or to another protocol, is no
    answer. END: upstream-malformed"""
    g, s = t.pair()
    g.fault("/v1/models", raw=UNASKED % b"websocket", count=1)
    a = s.get("/v1/models")
    assert a.status == 502 and a.code == "upstream-malformed", a
    for protocol in (b"h2c", b"websocket, h2c", b"websocketx", b""):
        g.fault("/v1/broker/", raw=UNASKED % protocol, count=1)
        a = s.get("/v1/broker/ws", HANDSHAKE)
        assert a.status == 502 and a.code == "upstream-malformed", a
    g.fault("/v1/broker/", raw=b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n",
            count=1)
    assert s.get("/v1/broker/ws", HANDSHAKE).code == "upstream-malformed"


@case
def other_upgrades_are_ignored(t):
    """Other protocols that a client offers are not passed on, and the request
    is served as it is (RFC 9110 section 7.8)."""
    g, s = t.pair()
    for fields in ([("Connection", "Upgrade, HTTP2-Settings"),
                    ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")],
                   [("Connection", "upgrade"), ("Upgrade", "TLS/1.2")],
                   [("Upgrade", "websocket")]):
        a = s.get("/v1/egress/x?bytes=3", fields)
        assert a.status == 200 and len(a.body) == 3, a
    a = s.get("/v1/egress/x?bytes=3", HANDSHAKE, version="1.0")
    assert a.status == 200, a
    for e in g.requests():
        names = [n.lower() for n, _ in e["headers"]]
        assert "upgrade" not in names and "http2-settings" not in names, e


@case
def incomplete_handshakes(t):
    """A handshake that is none is refused (RFC 6455 section 4.2.1), and so is
    one from a web page. END: bad-request END: browser-refused"""
    g, s = t.pair()
    for missing in ("Sec-WebSocket-Key", "Sec-WebSocket-Version"):
        a = s.get("/v1/broker/ws",
                  [f for f in HANDSHAKE if f[0] != missing])
        assert a.status == 400 and "Sec-WebSocket" in a.error["message"], a
    assert s.post("/v1/broker/ws", b"x", HANDSHAKE).status == 400
    assert s.get("/v1/broker/ws", HANDSHAKE
                 + [("Sec-WebSocket-Key", KEY)]).status == 400
    a = s.get("/v1/broker/ws", HANDSHAKE + [("Origin", "http://evil.test")])
    assert a.status == 403 and a.code == "browser-refused", a
    assert not g.requests()


@case
def idle_socket(t):
    """A socket in which nothing moves for stream-idle-timeout is ended.
    END: stream-idle-timeout"""
    g, s = t.pair(stream_idle_timeout="500ms")
    c, _ = open_socket(s)
    with c:
        echo(c, b"x")
        assert c.ends()
    s.wait_end("stream-idle-timeout")
