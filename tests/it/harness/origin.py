"""A server that is not the gateway: a thread for each connection runs the
function that the test gives; what it raises fails the test."""

import socket
import threading
import traceback


class Origin:
    def __init__(self, test, serve, host="127.0.0.1"):
        self.test, self.serve, self.host = test, serve, host
        self.connections = 0
        self.failures = []
        self.threads = []
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.authority = f"{host}:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            sock.settimeout(self.test.seconds(15))
            thread = threading.Thread(target=self.run, args=(sock,),
                                      daemon=True)
            self.threads.append(thread)
            thread.start()

    def run(self, sock):
        try:
            with sock:
                self.serve(sock)
        except Exception:
            self.failures.append(traceback.format_exc())

    def close(self):
        """Nobody can connect any more; accept() would keep it open."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def check(self):
        """All connections are over and went as the function wanted."""
        for thread in self.threads:
            thread.join(self.test.seconds(15))
            assert not thread.is_alive(), "a connection is still open"
        assert not self.failures, self.failures[0]


def read_head(sock):
    """Bytes up to the empty line, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return data, b""
        data += part
    head, rest = data.split(b"\r\n\r\n", 1)
    return head + b"\r\n", rest


def read_all(sock, data=b""):
    """Everything up to the end of the connection."""
    while True:
        part = sock.recv(65536)
        if not part:
            return data
        data += part
