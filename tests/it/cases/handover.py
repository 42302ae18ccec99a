"""Listening sockets that systemd hands over."""

import os
import signal
import socket
import threading
import time

from harness import case
from harness.http import Client
from cases.streams import begin, next_event

LISTEN_ON = socket.SOMAXCONN


def tcp(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family, backlog=LISTEN_ON)


def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(LISTEN_ON)
    return s


def name_of(s):
    address = s.getsockname()
    if isinstance(address, str):
        return "unix:" + address
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{host}:{address[1]}"


def addresses(s, kind):
    return sorted(a for k, a in s.addresses() if k == kind)


def get(t, sock, path="/v1/models"):
    """One request at a socket, on a connection of its own."""
    with Client(sock.getsockname()[:2] if sock.family != socket.AF_UNIX
                else sock.getsockname(), t.seconds(15), t.seen) as c:
        c.request("GET", path, "localhost")
        return c.answer()


@case
def without_configuration(t):
    """Sockets named proxy and proxy-... serve agents in place of 127.0.0.1:7780,
    those named admin in place of 127.0.0.1:7781, over TCP, IPv6 and Unix; the
    admin socket in the runtime directory stays."""
    g = t.gateway()
    data = [tcp(), unix(t.path("p.sock")), tcp("::1")]
    admin, metrics = tcp(), tcp()
    s = t.sidecar(g, listen=None, admin_listen=None, handed=[
        ("proxy", data[0]), ("proxy", data[1]), ("proxy-six", data[2]),
        ("admin", admin), ("metrics", metrics)])
    assert addresses(s, "listen") == sorted(map(name_of, data))
    assert addresses(s, "admin-listen") == sorted(
        [name_of(admin), f"unix:{s.runtime}/admin.sock"])
    assert addresses(s, "metrics-listen") == [name_of(metrics)]
    for sock in data:
        assert get(t, sock).status == 200, sock
    assert get(t, admin, "/livez").status == 200
    assert get(t, metrics, "/metrics").status == 200


@case
def by_address(t):
    """A socket that is handed over stands for the address in listen that is
    its own; other addresses there are opened as ever."""
    data = [tcp(), tcp("::1"), unix(t.path("p.sock"))]
    s = t.sidecar(
        t.gateway(), admin_listen="127.0.0.1:0",
        listen=[*map(name_of, data), "unix:" + t.path("own.sock")],
        handed=[("whatever", sock) for sock in data])
    assert [a for k, a in s.addresses() if k == "listen"] == [
        *map(name_of, data), "unix:" + t.path("own.sock")]
    for n, sock in enumerate(data):
        assert get(t, sock).status == 200
        assert s.get("/v1/models", n=n, host="localhost").status == 200
    assert s.get("/v1/models", n=3, host="localhost").status == 200


@case
def by_name(t):
    """listen = fd:NAME takes all sockets of that name, admin-listen = fd:NAME
    likewise."""
    data, admin = [tcp(), tcp()], unix(t.path("a.sock"))
    s = t.sidecar(
        t.gateway(), listen=["fd:agents", "127.0.0.1:0"],
        admin_listen=["fd:ops", "127.0.0.1:0"],
        handed=[("agents", data[0]), ("ops", admin), ("agents", data[1])])
    assert len(addresses(s, "listen")) == 3, s.addresses()
    for sock in data:
        assert name_of(sock) in addresses(s, "listen")
        assert get(t, sock).status == 200
    assert get(t, admin, "/livez").status == 200
    env = {"RUNTIME_DIRECTORY": s.runtime}
    assert t.command("healthcheck", env=env)[0] == 0
    code, _, err = t.command("healthcheck", "--admin-listen", "fd:ops")
    assert code == 1 and "RUNTIME_DIRECTORY" in err, (code, err)


@case
def for_somebody_else(t):
    """Variables that are meant for another process are not believed."""
    s = t.sidecar(t.gateway(), env={
        "LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "proxy"})
    assert s.get("/v1/models").status == 200
    code, _, err = start(t, t.gateway(home=t.path("mastio2")),
                         "--listen", "fd:proxy", env={
                             "LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert code == 78 and "none" in err, (code, err)


def start(t, g, *args, env=None, handed=()):
    return t.command("--identity-dir", g.agent_dir, "--admin-listen", "none",
                     *args, env=env, handed=handed)


@case
def wrong_names(t):
    """A name that nobody has, and a socket that nothing says the purpose of:
    exit code 78 and the names that were handed over."""
    g = t.gateway()
    code, _, err = start(t, g, "--listen", "fd:proxi", handed=[
        ("proxy", tcp()), ("web", tcp()), ("web", tcp())])
    assert code == 78 and "fd:proxi" in err, (code, err)
    assert "are: proxy, web;" in err and "FileDescriptorName" in err, err
    code, _, err = start(t, g, "--listen", "fd:proxy")
    assert code == 78 and "are: none;" in err, (code, err)
    code, _, err = start(t, g, handed=[("cullis-sidecar.socket", tcp())])
    assert code == 78 and '"cullis-sidecar.socket"' in err, (code, err)
    assert "FileDescriptorName" in err, err
    code, _, err = start(t, g, "--listen", "fd:a", "--admin-listen", "fd:a",
                         handed=[("a", tcp())])
    assert code in (2, 78) and "fd:a" in err, (code, err)
    for bad in ("fd:", "fd:a b", "fd:a:b"):
        code, _, err = start(t, g, "--listen", bad)
        assert code == 2 and "listen wants" in err, (bad, code, err)


@case
def unfit_descriptors(t):
    """What is not a listening stream socket, has no path, or is off loopback
    is refused with exit code 78."""
    g = t.gateway()
    connected, _other = socket.socketpair()
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent = socket.socket()
    abstract = unix("\0" + t.path("x"))
    with open(t.path("file"), "wb") as file:
        for what, word in ((connected, "does not listen"),
                           (datagram, "not a stream"),
                           (silent, "does not listen"),
                           (file, "not a stream"),
                           (abstract, "no path"),
                           (tcp("0.0.0.0"), "off loopback"),
                           (tcp("::"), "off loopback")):
            code, _, err = start(t, g, handed=[("proxy", what)])
            assert code == 78 and '"proxy"' in err and word in err, \
                (word, code, err)
    code, _, err = start(t, g, "--listen", "127.0.0.1:0",
                         handed=[("admin", tcp("0.0.0.0"))])
    assert code == 78 and "off loopback" in err, (code, err)
    code, _, err = start(t, g, "--listen", "127.0.0.1:0",
                         handed=[("metrics", unix(t.path("m.sock")))])
    assert code == 78 and "Prometheus" in err, (code, err)


@case
def file_stays(t):
    """A Unix socket that was handed over is not removed at the end, and what
    has connected meanwhile waits there for the next process."""
    g = t.gateway()
    path = t.path("p.sock")
    sock = unix(path)
    s = t.sidecar(g, listen=None, handed=[("proxy", sock)])
    assert get(t, sock).status == 200
    s.stop()
    assert os.path.exists(path) and not os.path.exists(path + ".lock")
    with Client(path, t.seconds(15), t.seen) as c:
        c.request("GET", "/v1/models", "localhost")
        t.sidecar(g, listen=None, handed=[("proxy", sock)])
        assert c.answer().status == 200


@case
def served_while_streams_drain(t):
    """While a stream from before SIGTERM is open, new clients of a socket that
    was handed over are served without delay; when it has ended, so does the
    process."""
    g = t.gateway()
    sock = tcp()
    s = t.sidecar(g, listen=[name_of(sock), "unix:" + t.path("own.sock")],
                  drain_timeout="60s", handed=[("proxy", sock)])
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "3", "X-Mastio-Gate": "d"})
        assert next_event(c, a)
        s.terminate()
        t.wait_until(lambda: not os.path.exists(t.path("own.sock")))
        end = time.monotonic() + 3
        slowest = 0
        while time.monotonic() < end:
            begun = time.monotonic()
            answer = get(t, sock)
            slowest = max(slowest, time.monotonic() - begun)
            assert answer.status == 200, answer
            assert answer.all("Connection") == ["close"], answer
        assert slowest < t.seconds(1), slowest
        assert s.process.running
        g.release("d", 20)
        while next_event(c, a):
            pass
    begun = time.monotonic()
    assert s.wait_exit() == 0
    assert time.monotonic() - begun < t.seconds(5)


class Load:
    """Threads that ask one request after the other, each on a connection of
    its own or all on one as long as it lasts."""

    def __init__(self, t, address, threads, keep):
        self.t, self.address, self.keep = t, address, keep
        self.done, self.failed, self.slowest = 0, [], 0
        self.stopping = False
        self.threads = [threading.Thread(target=self.run, daemon=True)
                        for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def ask(self, client):
        client = client or Client(self.address, self.t.seconds(30))
        begun = time.monotonic()
        client.request("GET", "/v1/models", "localhost",
                       () if self.keep else {"Connection": "close"})
        a = client.answer()
        self.slowest = max(self.slowest, time.monotonic() - begun)
        assert a.status == 200, a
        if self.keep and not a.all("Connection"):
            return client
        client.close()
        return None

    def run(self):
        client = None
        while not self.stopping:
            try:
                client = self.ask(client)
                self.done += 1
            except Exception as e:  # what it is does not matter
                self.failed.append(repr(e))
                client = None
        if client:
            client.close()

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()
        assert not self.failed, (len(self.failed), self.failed[:5])


@case(plain=True, seconds=120)
def restarts_under_load(t):
    """Five restarts under load, with new and with kept connections, each as
    systemd does it: the next process starts when the one before has ended.
    No request fails, none takes a second."""
    g = t.gateway()
    sock, handed = tcp(), []
    handed.append(("proxy", sock))
    s = t.sidecar(g, listen=None, handed=handed)
    loads = [Load(t, sock.getsockname(), 4, keep) for keep in (False, True)]
    for _ in range(5):
        before = sum(l.done for l in loads)
        t.wait_until(lambda: sum(l.done for l in loads) > before + 200,
                     timeout=60)
        s.stop()
        s = t.sidecar(g, listen=None, handed=handed)
    for load in loads:
        load.stop()
        assert load.done > 300, load.done
        assert load.slowest < t.seconds(1), load.slowest


@case
def one_stream_after_the_other(t):
    """Streams that begin while it drains and overlap without end do not keep
    it: in the last third of drain-timeout the door stays shut, and all of them
    finish."""
    g = t.gateway()
    sock = tcp()
    s = t.sidecar(g, listen=None, drain_timeout="6s",
                  handed=[("proxy", sock)])
    ended, begun = [], time.monotonic()
    stop = threading.Event()

    def talk():
        with Client(sock.getsockname(), t.seconds(30)) as c:
            a = begin(c, s, {"X-Mastio-Events": "8", "X-Mastio-Interval-Ms": "100"})
            while next_event(c, a):
                pass
            ended.append(time.monotonic())

    threads = []

    def start_some():
        while not stop.wait(0.25):
            threads.append(threading.Thread(target=talk, daemon=True))
            threads[-1].start()

    starter = threading.Thread(target=start_some, daemon=True)
    starter.start()
    t.wait_until(lambda: len(ended) > 2)
    s.process.signal(signal.SIGTERM)
    assert s.wait_exit() == 0
    assert "drain-timeout is over" not in s.process.stderr()
    s.stopped = True
    stop.set()
    starter.join()
    t.sidecar(g, listen=None, handed=[("proxy", sock)])
    for thread in threads:
        thread.join(t.seconds(30))
        assert not thread.is_alive()
    assert len(ended) == len(threads), (len(ended), len(threads))
    assert time.monotonic() - begun < t.seconds(60)
