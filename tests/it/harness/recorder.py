"""A recording upstream in the gateway's place: it hands logins on to
mastio-dev, and keeps every other request as the bytes say, read by a strict
reader of its own.  What it answers is set per test row."""

import itertools
import os
import re
import select
import socket
import ssl
import threading
import time

from harness.gateway import NAME

PATH = "/v1/egress/r"  # of row 7: /v1/egress/r7, and what is below it
ROW = re.compile(re.escape(PATH) + r"(\d+)(?!\d)")
REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP/1\.1")
FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): "
                   r"((?:[!-~\x80-\xff](?:[ -~\t\x80-\xff]*"
                   r"[!-~\x80-\xff])?)?)")
DIGITS = re.compile(r"0|[1-9][0-9]*")
CHUNK = re.compile(rb"(0|[1-9a-f][0-9a-f]*)")

CLOSE, RESET = "close", "reset"  # steps of an answer besides bytes


class Gone(Exception):
    """The sidecar closed the connection."""


class Request:
    """One request as it arrived; `complete` once its body has ended."""

    def __init__(self, connection, method, target, fields):
        self.connection = connection
        self.method, self.target, self.fields = method, target, fields
        self.body = b""
        self.complete = False

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    @property
    def line(self):
        return f"{self.method} {self.target}"

    def __repr__(self):
        return f"<{self.line} {self.fields} {self.body[:200]!r} " \
               f"{'complete' if self.complete else 'cut'}>"


class Connection:
    """One connection from the sidecar, on a thread of its own."""

    def __init__(self, recorder, sock, number):
        self.recorder, self.sock, self.number = recorder, sock, number
        self.buffer = b""
        self.closed = False

    # ---- reading, strictly ----

    def fill(self):
        try:
            data = self.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            raise Gone
        self.buffer += data

    def until(self, mark):
        while mark not in self.buffer:
            self.fill()
        found, self.buffer = self.buffer.split(mark, 1)
        return found

    def exactly(self, n):
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        match = REQUEST_LINE.fullmatch(lines[0])
        assert match, f"no request line: {lines[0]!r}"
        fields = []
        for line in lines[1:]:
            field = FIELD.fullmatch(line)
            assert field, f"no field line: {line!r}"
            fields.append(field.groups())
        return Request(self, *match.groups(), fields)

    def check(self, request):
        """What must hold for whatever we forward."""
        for name in ("Host", "Authorization", "DPoP"):
            assert len(request.all(name)) == 1, f"not one {name}: {request}"
        assert request.all("Host") == [NAME], request
        assert request.all("Authorization")[0].startswith("DPoP "), request
        lengths = request.all("Content-Length")
        codings = request.all("Transfer-Encoding")
        assert len(lengths) + len(codings) <= 1, f"two framings: {request}"
        assert all(DIGITS.fullmatch(v) for v in lengths), request
        assert codings in ([], ["chunked"]), request

    def body(self, request):
        if request.all("Transfer-Encoding"):
            while True:
                size = self.until(b"\r\n")
                assert CHUNK.fullmatch(size), f"no chunk size: {size!r}"
                if size == b"0":
                    assert self.exactly(2) == b"\r\n", "a trailer passed"
                    break
                request.body += self.exactly(int(size, 16))
                assert self.exactly(2) == b"\r\n", "a chunk without an end"
        elif request.all("Content-Length"):
            n = int(request.all("Content-Length")[0])
            while n:
                if not self.buffer:
                    self.fill()
                part, self.buffer = self.buffer[:n], self.buffer[n:]
                request.body += part
                n -= len(part)

    # ---- serving ----

    def serve(self):
        while not self.buffer:
            self.fill()
        if self.buffer.startswith(b"POST /v1/auth/"):
            return self.hand_on()
        while True:
            request = self.head()
            self.recorder.add(request)
            self.check(request)
            self.body(request)
            request.complete = True
            for step in self.recorder.reply_to(request):
                if step == RESET:
                    self.sock.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\1\0\0\0\0\0\0\0")
                    return
                if step == CLOSE:
                    self.sock.unwrap()
                    return
                self.sock.sendall(step)
                if self.recorder.pause:
                    time.sleep(self.recorder.pause)

    def hand_on(self):
        """A login: it is mastio-dev's.  One thread for both directions, since
        a TLS connection is not for two."""
        with self.recorder.dial() as to:
            to.sendall(self.buffer)
            while pass_on(self.sock, to) and pass_on(to, self.sock):
                select.select([self.sock, to], [], [])


def pass_on(source, sink):
    """Moves what is there; False at the end."""
    while True:
        source.setblocking(False)
        try:
            data = source.recv(65536)
        except ssl.SSLWantReadError:
            return True
        finally:
            source.setblocking(True)
        if not data:
            return False
        sink.sendall(data)


class Recorder:
    def __init__(self, test, gateway):
        self.test, self.gateway = test, gateway
        self.lock = threading.Lock()
        self.requests = {}  # row number, or None: what arrived
        self.replies = {}  # row number: [[step, ...] of each request]
        self.connections = []
        self.failures = []
        self.pause = 0  # seconds between the steps of an answer
        self.numbers = itertools.count(1)
        self.inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.inside.load_cert_chain(
            os.path.join(gateway.home, "server/cert.pem"),
            os.path.join(gateway.home, "server/key.pem"))
        self.inside.set_alpn_protocols(["http/1.1"])
        self.onward = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.onward.load_cert_chain(
            os.path.join(gateway.agent_dir, "cert.pem"),
            os.path.join(gateway.agent_dir, "key.pem"))
        self.onward.load_verify_locations(
            os.path.join(gateway.agent_dir, "ca.pem"))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def dial(self):
        return self.onward.wrap_socket(
            socket.create_connection(("127.0.0.1", self.gateway.port)),
            server_hostname=NAME)

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.run, args=(sock,),
                             daemon=True).start()

    def run(self, sock):
        connection = Connection(self, sock, next(self.numbers))
        try:
            connection.sock = self.inside.wrap_socket(sock, server_side=True)
            with self.lock:
                self.connections.append(connection)
            connection.serve()
        except (Gone, OSError):
            pass
        except Exception as e:  # told by the row, or at the end
            with self.lock:
                self.failures.append(f"{e!r}")
        finally:
            connection.sock.close()
            connection.closed = True

    # ---- what the rows ask for ----

    @staticmethod
    def row_of(target):
        match = ROW.match(target)
        return int(match.group(1)) if match else None

    def add(self, request):
        with self.lock:
            row = self.row_of(request.target)
            self.requests.setdefault(row, []).append(request)

    def of(self, row):
        with self.lock:
            return list(self.requests.get(row, ()))

    def reply_to(self, request):
        """The steps of the answer: the row's next, or who was asked what."""
        with self.lock:
            rest = self.replies.get(self.row_of(request.target))
            if rest:
                return rest.pop(0)
        body = request.line.encode("latin-1")
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        return [head if request.method == "HEAD" else head + body]

    def close(self):
        """Nothing stays open on our side."""
        self.listener.close()
        with self.lock:
            for connection in self.connections:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it has ended
