"""pass-through: other hosts than the gateway, without our credentials."""

import hashlib
import os
import socket
import threading

from harness import Cut, case, netns
from harness.origin import Origin, read_all, read_head

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def outside(t, serve, **options):
    """An origin on an address that may be dialled, and a sidecar that lets
    agents through to it."""
    netns.enter()
    origin = Origin(t, serve, netns.ADDRESS)
    gateway, s = t.pair(pass_through=origin.authority, **options)
    return origin, s


def tunnel(s, origin, early=b""):
    """A client inside a CONNECT to the origin."""
    c = s.connect()
    c.send(f"CONNECT {origin.authority} HTTP/1.1\r\n"
           f"Host: {origin.authority}\r\n\r\n".encode() + early)
    a = c.begin_answer("CONNECT")
    assert a.status == 200 and not a.all("Transfer-Encoding"), a
    return c


def rest(c):
    while c.fill():
        pass
    return c.buffer


@case
def plain_request_as_it_is(t):
    """A plain request reaches the host with its own credentials and Host, and
    without anything of ours or between hops; so does the answer."""
    heads = []

    def serve(sock):
        head, _ = read_head(sock)
        heads.append(head.decode())
        sock.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n"
                     b"WWW-Authenticate: Basic realm=x\r\n"
                     b"Set-Cookie: a=b\r\nDPoP-Nonce: theirs\r\n"
                     b"Connection: close, X-Hop\r\nX-Hop: 1\r\n"
                     b"Proxy-Authenticate: Basic\r\n\r\nno!")

    origin, s = outside(t, serve)
    with s.connect() as c:
        c.request("GET", f"http://{origin.authority}/a//b/../c?d=%2e%2e",
                  "ignored.test", [
                      ("Authorization", "Bearer theirs"), ("Cookie", "c=d"),
                      ("X-API-Key", "key"), ("X-Forwarded-For", "1.2.3.4"),
                      ("Proxy-Authorization", "Basic secret"),
                      ("Proxy-Connection", "keep-alive"),
                      ("Connection", "keep-alive, X-Drop"),
                      ("X-Drop", "1"), ("TE", "trailers"),
                      ("Content_Length", "5"), ("Proxy_Authorization", "x")])
        a = c.answer()
    assert a.status == 401 and a.body == b"no!", a
    assert a.get("WWW-Authenticate") == "Basic realm=x", a
    assert a.get("Set-Cookie") == "a=b" and a.get("DPoP-Nonce") == "theirs"
    assert not a.all("X-Hop") + a.all("Proxy-Authenticate"), a
    origin.check()
    assert heads[0].splitlines() == [
        "GET /a//b/../c?d=%2e%2e HTTP/1.1", f"Host: {origin.authority}",
        "Authorization: Bearer theirs", "Cookie: c=d", "X-API-Key: key",
        "X-Forwarded-For: 1.2.3.4", f"Via: {a.get('Via')}"], heads
    line = s.wait_end("ok")
    assert line["route"] == "pass-through" and line["status"] == 401, line
    assert "jti" not in line, line


@case
def body_and_kept_connection(t):
    """A body is framed anew; the connection serves the next request."""
    bodies = []

    def serve(sock):
        for _ in range(3):
            head, data = read_head(sock)
            assert b"Transfer-Encoding: chunked" in head, head
            while not data.endswith(b"0\r\n\r\n"):
                data += sock.recv(65536)
            bodies.append(data)
            sock.sendall(ANSWER)

    origin, s = outside(t, serve)
    with s.connect() as c:
        for i in range(3):
            c.request("POST", f"http://{origin.authority}/", "x",
                      {"Transfer-Encoding": "chunked"})
            c.send_chunk(b"abc%d" % i)
            c.end_chunks(b"X-Trailer: 1\r\n")
            a = c.answer()
            assert a.status == 200 and a.body == b"ok", a
    origin.check()
    assert bodies == [b"4\r\nabc%d\r\n0\r\n\r\n" % i for i in range(3)], bodies
    assert origin.connections == 1, origin.connections


@case
def limits_of_a_new_configuration(t):
    """A reload changes the limits of its connections too, and refuses nobody
    while the gateway's name is looked up for it."""
    def serve(sock):
        while read_head(sock)[0]:
            sock.sendall(ANSWER)

    netns.enter()
    origin = Origin(t, serve, netns.ADDRESS)
    path = t.path("sidecar.conf")

    def configure(uses):
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write(f"pass-through = {origin.authority}\n"
                    f"upstream-max-uses = {uses}\n")
        os.rename(path + ".new", path)

    configure(1000)
    _, s = t.pair(config=path)
    with s.connect() as c:
        def opened(n):
            before = origin.connections
            for _ in range(n):
                c.request("GET", f"http://{origin.authority}/", "x")
                a = c.answer()
                assert a.status == 200, a
            return origin.connections - before

        assert opened(3) == 1
        for _ in range(5):
            configure(1)
            t.wait_until(lambda: opened(2) == 2, what="one use for each")
            configure(1000)
            t.wait_until(lambda: opened(2) == 0, what="many uses for each")


@case
def tunnel_both_ways(t):
    """CONNECT to a listed host is a tunnel for any bytes, also those that come
    with the request; the access line counts them."""
    def serve(sock):
        got = b""
        while len(got) < 11:
            got += sock.recv(100)
        sock.sendall(b"\x16\x03\x01" + got)
        assert read_all(sock) == b"more"
        sock.sendall(b"bye")

    origin, s = outside(t, serve)
    with tunnel(s, origin, b"\x16\x03\x01early") as c:
        c.send(b"...")
        assert c.exactly(14) == b"\x16\x03\x01\x16\x03\x01early..."
        c.send(b"more")
        c.half_close()
        assert rest(c) == b"bye"
    origin.check()
    line = s.wait_end("ok")
    assert (line["method"], line["route"]) == ("CONNECT", "pass-through")
    assert (line["bytes_in"], line["bytes_out"]) == (15, 17), line


@case
def origin_half_closes(t):
    """When the host has said all, the client hears so and can still send."""
    def serve(sock):
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"late" * 1000

    origin, s = outside(t, serve)
    with tunnel(s, origin) as c:
        assert rest(c) == b"hello"
        for _ in range(1000):
            c.send(b"late")
        c.half_close()
        origin.check()
    s.wait_end("ok")


@case
def client_leaves(t):
    """A client that closes its socket ends the tunnel, after the host has got
    its last bytes."""
    got = []

    def serve(sock):
        sock.sendall(b"x")
        got.append(read_all(sock))

    origin, s = outside(t, serve)
    with tunnel(s, origin) as c:
        assert c.exactly(1) == b"x"
        c.send(b"last words")
    origin.check()
    assert got == [b"last words"], got
    s.wait_end("ok")


@case
def client_resets(t):
    """A client that resets its connection ends the tunnel, and the host does
    not take it for a clean end. END: client-gone"""
    def serve(sock):
        sock.sendall(b"x")
        try:
            read_all(sock)
            raise AssertionError("it looks like a clean end")
        except ConnectionResetError:
            pass

    origin, s = outside(t, serve)
    c = tunnel(s, origin)
    assert c.exactly(1) == b"x"
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                      b"\1\0\0\0\0\0\0\0")
    c.close()
    origin.check()
    s.wait_end("client-gone")


@case
def origin_resets(t):
    """A host that breaks off does not look like one that has ended.
    END: upstream-truncated"""
    go = threading.Event()

    def serve(sock):
        sock.sendall(b"half of it")
        go.wait(t.seconds(15))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\1\0\0\0\0\0\0\0")

    origin, s = outside(t, serve)
    with tunnel(s, origin) as c:
        assert c.exactly(10) == b"half of it"
        go.set()
        try:
            assert not c.fill()
            raise AssertionError("it looks like a clean end")
        except ConnectionResetError:
            pass
    s.wait_end("upstream-truncated")


@case
def megabytes_both_ways(t):
    """Eight megabytes in each direction at once arrive whole."""
    blob = os.urandom(8 << 20)
    seen = []

    def serve(sock):
        sender = threading.Thread(target=sock.sendall, args=(blob,))
        sender.start()
        seen.append(hashlib.sha256(read_all(sock)).digest())
        sender.join()

    origin, s = outside(t, serve)
    with tunnel(s, origin) as c:
        def send():
            c.sock.sendall(blob)
            c.half_close()
        sender = threading.Thread(target=send)
        sender.start()
        got = read_all(c.sock, c.buffer)
        sender.join()
    assert got == blob
    origin.check()
    assert seen == [hashlib.sha256(blob).digest()]
    line = s.wait_end("ok")
    assert line["bytes_in"] == line["bytes_out"] == len(blob), line


@case(plain=True)
def reader_that_stops(t):
    """A client that does not read stops the host; memory stays small."""
    sent = [0]
    go = threading.Event()

    def serve(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        sock.setblocking(False)
        while not go.is_set():
            try:
                sent[0] += sock.send(b"x" * 65536)
            except BlockingIOError:
                go.wait(0.01)

    origin, s = outside(t, serve)
    before = s.memory("VmRSS")
    with tunnel(s, origin) as c:
        last = [-1, 0]

        def stalled():
            last[1] = last[1] + 1 if sent[0] == last[0] else 0
            last[0] = sent[0]
            return last[1] > 8
        t.wait_until(stalled, what="the host stops sending")
        assert sent[0] < 32 << 20, sent
        assert s.memory("VmRSS") - before < 4 << 20
        go.set()
        assert len(rest(c)) == sent[0]
    origin.check()


@case
def idle_tunnel(t):
    """A tunnel in which nothing moves for stream-idle-timeout is ended, one in
    which a byte moves now and then is not. END: stream-idle-timeout"""
    def serve(sock):
        try:
            while True:
                data = sock.recv(10)
                if not data:
                    return
                sock.sendall(data)
        except ConnectionResetError:
            pass

    origin, s = outside(t, serve, stream_idle_timeout="1s")
    with tunnel(s, origin) as c:
        for _ in range(5):
            threading.Event().wait(0.4)
            c.send(b".")
            assert c.exactly(1) == b"."
        assert not s.access_lines()
        assert c.ends()
    s.wait_end("stream-idle-timeout")
    origin.check()


@case
def drain_ends_tunnels(t):
    """A drain leaves tunnels alone until drain-timeout. END: draining"""
    def serve(sock):
        try:
            sock.sendall(sock.recv(10))
            read_all(sock)
        except ConnectionResetError:
            pass

    origin, s = outside(t, serve, drain_timeout="1s")
    with tunnel(s, origin) as c:
        s.terminate()
        s.wait_log("draining")
        c.send(b"still")
        assert c.exactly(5) == b"still"
        assert c.ends()
    s.wait_exit()
    s.wait_end("draining")
    origin.check()


@case
def only_listed_hosts(t):
    """Other hosts, other ports and https:// are refused, and nothing reaches
    anybody. END: wrong-destination END: connect-refused"""
    origin, s = outside(t, lambda sock: None)
    host = netns.ADDRESS
    for target in (f"http://{host}/", f"http://{host}:1/",
                   f"https://{origin.authority}/",
                   "http://192.0.2.2:%d/" % origin.port,
                   f"http://{origin.authority}.test/"):
        assert s.raw(f"GET {target} HTTP/1.1\r\nHost: {origin.authority}"
                     "\r\n\r\n".encode()).status in (400, 421), target
    for target in (f"{host}:1", "192.0.2.2:%d" % origin.port):
        a = s.raw(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
                  "CONNECT")
        assert a.status == 403 and a.code == "connect-refused", a
    # In origin-form the Host does not choose where it goes.
    assert s.get("/", host=origin.authority).status == 403
    assert origin.connections == 0


@case
def names_of_forbidden_addresses(t):
    """A listed name that leads to loopback is not dialled, in any form.
    END: pass-through-denied"""
    origin = Origin(t, lambda sock: None)
    listed = f"localhost:{origin.port}"
    g, s = t.pair(pass_through=listed)
    for data, method in (
            (f"GET http://{listed}/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET"),
            (f"CONNECT {listed} HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT")):
        a = s.raw(data.encode(), method)
        assert a.status == 403 and a.code == "pass-through-denied", a
        assert "a loopback address" in a.error["message"], a.error
    assert origin.connections == 0
    s.wait_end("pass-through-denied", 2)


@case
def address_of_the_gateway(t):
    """The gateway is not to be reached around its route.
    END: pass-through-denied"""
    netns.enter()
    g = t.gateway()
    origin = Origin(t, lambda sock: None, netns.ADDRESS)
    s = t.sidecar(g, wait="listening", gateway_address=origin.authority,
                  pass_through=f"{netns.ADDRESS}:1")
    a = s.raw(f"CONNECT {netns.ADDRESS}:1 HTTP/1.1\r\nHost: x\r\n\r\n"
              .encode(), "CONNECT")
    assert a.code == "pass-through-denied", a
    assert "the gateway's address" in a.error["message"], a.error


@case
def own_listeners(t):
    """The sidecar's own listeners are not reached through itself, under no
    spelling of their addresses. END: pass-through-denied"""
    netns.enter()
    with socket.create_server((netns.ADDRESS, 0)) as free:
        port = free.getsockname()[1]
    path = t.path("local-token")
    with open(path, "w", encoding="ascii") as f:
        f.write("t" * 32)
    os.chmod(path, 0o600)
    listed = ("localhost", netns.ADDRESS, f"[::ffff:{netns.ADDRESS}]")
    other = ("127.1", "0x7f.1", "2130706433", "017700000001", "0", "192.2.1",
             "0xc0000201", "3221225985", "192.0.2.1.", "[::ffff:127.0.0.1]",
             "[::1]", "[::]", "localhost.", "ip6-localhost")
    g, s = t.pair(listen=f"0.0.0.0:{port}", unsafe_listen="yes",
                  local_token_file=path,
                  pass_through=[f"{host}:{port}" for host in listed])

    def ask(method, target):
        with s.connect() as c:
            c.request(method, target, "x", {"X-API-Key": "t" * 32})
            return c.answer(method)

    for host in listed + other:
        there = f"{host}:{port}"
        wanted = (("pass-through-denied",) if host in listed else
                  ("bad-request", "wrong-destination", "connect-refused",
                   "pass-through-denied"))
        for a in (ask("GET", f"http://{there}/"), ask("CONNECT", there)):
            assert a.code in wanted, (there, a)
    a = ask("CONNECT", f"{netns.ADDRESS}:{port}")
    assert "an address of the sidecar's own" in a.error["message"], a.error
    assert s.metrics()["clients_opened_total"] == 2 * len(listed + other) + 1
    assert not g.requests()


@case(once=True)
def spellings_that_cannot_be_listed(t):
    """An address is listed as it is written everywhere, or not at all: what
    the C library would take for one too is refused."""
    for host in ("127.1", "0x7f.1", "2130706433", "017700000001", "0",
                 "192.2.1", "0xc0000201", "192.0.2.01"):
        code, _, err = t.command("check", "--pass-through", host + ":80")
        assert code == 2 and "wants host:port" in err, (host, code, err)


@case(once=True)
def never_listed(t):
    """What is never dialled cannot be listed."""
    g = t.gateway()
    for listed in ("127.0.0.1:80", "[::1]:80", "169.254.169.254:80",
                   "[fe80::1]:80", "[fd00:ec2::254]:80", "0.0.0.0:80",
                   "[::ffff:127.0.0.1]:80", "[64:ff9b::a9fe:a9fe]:80",
                   "100.100.100.200:80", "mastio.test:22", "alias.test:80"):
        code, _, err = t.command(
            "--gateway", "https://mastio.test", "--identity-dir", g.agent_dir,
            "--gateway-alias", "alias.test", "--listen", "127.0.0.1:0",
            "--admin-listen", "none", "--pass-through", listed)
        assert code == 78 and "pass-through names" in err, (listed, code, err)


@case
def host_that_fails(t):
    """What goes wrong with a listed host is told as its failure, not as the
    gateway's. END: pass-through-failed END: pass-through-timeout"""
    def serve(sock):
        head, _ = read_head(sock)
        if b"/silent" in head:
            read_all(sock)
        elif b"/bad" in head:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                         b"Content-Length: 2\r\n\r\nxx")

    netns.enter()
    origin = Origin(t, serve, netns.ADDRESS)
    nobody = f"{netns.ADDRESS}:1"
    nowhere = "no-such-host.invalid:80"
    g, s = t.pair(pass_through=[origin.authority, nobody, nowhere],
                  first_byte_timeout="500ms")
    for target, status, said in (
            (f"{origin.authority}/close", 502, "closed the connection"),
            (f"{origin.authority}/bad", 502, ""),
            (f"{origin.authority}/silent", 504, "in time"),
            (f"{nobody}/", 502, "refused"),
            (f"{nowhere}/", 502, "pass-through option")):
        a = s.raw(f"GET http://{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert a.status == status, (target, a)
        assert a.code.startswith("pass-through-"), a
        assert "gateway" not in a.error["message"], a.error
        assert said in a.error["message"], (target, a.error)
    a = s.raw(f"CONNECT {nobody} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
              "CONNECT")
    assert a.status == 502 and a.code == "pass-through-failed", a
    s.wait_end("pass-through-failed", 5)
    s.wait_end("pass-through-timeout")
    assert s.get("/v1/models").status == 200


@case
def cut_answer(t):
    """An answer that a listed host breaks off is broken off for the client."""
    def serve(sock):
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxx")

    origin, s = outside(t, serve)
    with s.connect() as c:
        c.request("GET", f"http://{origin.authority}/", "x")
        try:
            c.answer()
            raise AssertionError("it looks whole")
        except Cut:
            pass
    s.wait_end("upstream-truncated")
