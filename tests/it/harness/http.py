"""A raw HTTP/1.1 client: it sends the bytes it is told to, reads answers
strictly, and tells a whole answer from one that was cut off."""

import json
import socket

LINE_MAX = 65536


class NoAnswer(Exception):
    """The connection ended before an answer began."""


class Cut(Exception):
    """The connection ended, cleanly or not, inside an answer."""

    def __init__(self, why, answer=None, reset=False):
        super().__init__(why)
        self.answer, self.reset = answer, reset


class Answer:
    """One response.  Field names are compared without regard to case."""

    def __init__(self, version, status, reason, fields):
        self.version, self.status, self.reason = version, status, reason
        self.fields = fields
        self.body = b""
        self.interim = []
        self.framing = None

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def get(self, name, otherwise=None):
        values = self.all(name)
        return values[0] if values else otherwise

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error object of an answer that the sidecar made itself."""
        return self.json["error"]

    @property
    def code(self):
        return self.get("X-Cullis-Sidecar-Error")

    def __repr__(self):
        return f"<Answer {self.status} {self.fields} {self.body[:300]!r}>"


class Client:
    """One connection.  `address` is (host, port) or the path of a socket.
    `seen` collects what it receives, so that it can be searched for secrets."""

    def __init__(self, address, timeout, seen=None):
        self.timeout, self.seen = timeout, seen
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(timeout)
            self.sock.connect(address)
        else:
            self.sock = socket.create_connection(address, timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.chunk_left = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    # ---- sending ----

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def request(self, method, target, host, fields=(), body=None,
                version="1.1"):
        """Writes one request; `body` bytes get a Content-Length."""
        self.send(request_bytes(method, target, host, fields, body, version))

    def send_chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_chunks(self, trailer=b""):
        self.send(b"0\r\n" + trailer + b"\r\n")

    # ---- receiving ----

    def fill(self):
        """Receives more; False at the end of the connection."""
        data = self.sock.recv(65536)
        self.buffer += data
        if self.seen is not None:
            self.seen(data)
        return bool(data)

    def line(self):
        while b"\n" not in self.buffer:
            if len(self.buffer) > LINE_MAX:
                raise Cut("a line without end")
            if not self.fill():
                raise Cut("the connection ended inside a line")
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise Cut(f"a line ends without CR: {line!r}")
        return line[:-1]

    def exactly(self, n):
        while len(self.buffer) < n:
            if not self.fill():
                raise Cut(f"{n - len(self.buffer)} bytes are missing")
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def head(self):
        """Status line and fields of the next response, 1xx or final."""
        while not self.buffer:
            try:
                if not self.fill():
                    raise NoAnswer("closed before an answer")
            except ConnectionResetError:
                raise NoAnswer("reset before an answer") from None
        version, status, reason = self.line().decode("latin-1").split(" ", 2)
        fields = []
        while True:
            line = self.line().decode("latin-1")
            if not line:
                break
            name, value = line.split(":", 1)
            fields.append((name, value.strip(" \t")))
        answer = Answer(version, int(status), reason, fields)
        answer.framing = framing_of(answer)
        return answer

    def begin_answer(self, method="GET"):
        """The final head; its interim ones are in .interim."""
        interim = []
        while True:
            answer = self.head()
            if answer.status >= 200 or answer.status == 101:
                break
            interim.append(answer)
        answer.interim = interim
        if method == "HEAD" or answer.status in (204, 304):
            answer.framing = "none"
        if method == "CONNECT" and answer.status < 300:
            answer.framing = "none"
        self.chunk_left = None
        return answer

    def body_part(self, answer):
        """What of a chunked body comes next: one chunk, or b"" at its end."""
        size = int(self.line().split(b";")[0], 16)
        if size == 0:
            while self.line():
                pass
            return b""
        data = self.exactly(size)
        if self.exactly(2) != b"\r\n":
            raise Cut("a chunk does not end with CRLF", answer)
        return data

    def body(self, answer):
        """Reads the rest of an answer; raises Cut if it is not whole."""
        try:
            if answer.framing == "length":
                answer.body = self.exactly(int(answer.get("Content-Length")))
            elif answer.framing == "chunked":
                for part in iter(lambda: self.body_part(answer), b""):
                    answer.body += part
            elif answer.framing == "close":
                while self.fill():
                    pass
                answer.body, self.buffer = self.buffer, b""
        except ConnectionResetError:
            raise Cut("the connection was reset", answer, True) from None
        except Cut as cut:
            cut.answer = answer
            raise
        return answer

    def answer(self, method="GET"):
        return self.body(self.begin_answer(method))

    def ends(self):
        """True if the connection is closed or reset with nothing more in it."""
        try:
            return not self.buffer and not self.fill()
        except ConnectionResetError:
            return True


def framing_of(answer):
    lengths = answer.all("Content-Length")
    codings = answer.all("Transfer-Encoding")
    assert len(lengths) <= 1 and len(codings) <= 1, f"two framings: {answer}"
    assert not (lengths and codings), f"length and coding: {answer}"
    if codings:
        assert codings[0].lower() == "chunked", f"coding {codings}"
        return "chunked"
    return "length" if lengths else "close"


def request_bytes(method, target, host, fields=(), body=None, version="1.1"):
    fields = fields.items() if isinstance(fields, dict) else fields
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{n}: {v}" for n, v in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("latin-1") + (body or b"")
