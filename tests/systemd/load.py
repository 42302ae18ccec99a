"""Agents that ask one request after the other until a file appears.

usage: load.py HOST:PORT|PATH NEW KEPT STOP-FILE

NEW of them make a connection for each request, KEPT of them keep theirs as long
as it is kept for them.  Prints how many requests were answered 200, why others
were not, and the slowest connect and answer in seconds, as JSON.
"""
import json
import os
import socket
import sys
import threading
import time

TIMEOUT = 30
REQUEST = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n{}\r\n"


class Agent(threading.Thread):
    def __init__(self, address, keep, stop):
        super().__init__(daemon=True)
        self.address, self.keep, self.stop = address, keep, stop
        self.done, self.failed = 0, []
        self.connect_s = self.answer_s = 0.0
        self.socket = self.file = None

    def connect(self):
        begun = time.monotonic()
        if isinstance(self.address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(TIMEOUT)
            self.socket.connect(self.address)
        else:
            self.socket = socket.create_connection(self.address, TIMEOUT)
        self.file = self.socket.makefile("rb")
        self.connect_s = max(self.connect_s, time.monotonic() - begun)

    def close(self):
        if self.socket:
            self.file.close()
            self.socket.close()
            self.socket = None

    def read_answer(self):
        """Does the connection stay open?"""
        status = self.file.readline()
        if not status.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"status line {status!r}")
        fields = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.partition(b":")
            fields[name.lower()] = value.strip().lower()
        if fields.get(b"transfer-encoding") == b"chunked":
            while (n := int(self.file.readline(), 16)):
                self.file.read(n + 2)
            self.file.readline()
        else:
            n = int(fields[b"content-length"])
            if len(self.file.read(n)) != n:
                raise ValueError("the body is cut")
        return fields.get(b"connection") != b"close"

    def ask(self):
        if not self.socket:
            self.connect()
        begun = time.monotonic()
        text = REQUEST.format("" if self.keep else "Connection: close\r\n")
        self.socket.sendall(text.encode())
        stays = self.read_answer()
        self.answer_s = max(self.answer_s, time.monotonic() - begun)
        self.done += 1
        if not stays or not self.keep:
            self.close()

    def run(self):
        while not os.path.exists(self.stop):
            try:
                self.ask()
            except Exception as problem:  # each is a request that failed
                self.failed.append(repr(problem))
                self.close()
                time.sleep(0.05)
        self.close()


def main():
    where, new, kept, stop = sys.argv[1:]
    host, _, port = where.rpartition(":")
    address = (host, int(port)) if host else where
    agents = [Agent(address, n < int(kept), stop)
              for n in range(int(new) + int(kept))]
    for agent in agents:
        agent.start()
    for agent in agents:
        agent.join()
    failed = [text for agent in agents for text in agent.failed]
    print(json.dumps({
        "new": sum(a.done for a in agents if not a.keep),
        "kept": sum(a.done for a in agents if a.keep),
        "failed": len(failed), "why": failed[:10],
        "connect_s": round(max(a.connect_s for a in agents), 3),
        "answer_s": round(max(a.answer_s for a in agents), 3)}))


main()
