"""upstream-proxy: the gateway through a forward proxy."""

import base64
import os
import socket
import threading

from harness import case
from harness.gateway import NAME
from harness.origin import Origin, read_head

SECRET = "bot:correct horse"


class Proxy(Origin):
    """A forward proxy that leads everything to the gateway."""

    def __init__(self, test, gateway):
        super().__init__(test, self.tunnel)
        self.gateway = gateway
        self.heads = []
        self.answer = b"HTTP/1.1 200 OK\r\nVia: 1.1 x\r\n\r\n"

    def tunnel(self, sock):
        head, early = read_head(sock)
        self.heads.append(head.decode().splitlines())
        answer = self.answer
        if answer:
            sock.sendall(answer)
        if b" 200 " not in answer or early:
            return
        with socket.create_connection(
                ("127.0.0.1", self.gateway.port)) as to:
            back = threading.Thread(target=copy, args=(to, sock))
            back.start()
            copy(sock, to)
            back.join()


def copy(a, b):
    try:
        for data in iter(lambda: a.recv(65536), b""):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def start(t, *, wait=True, **options):
    g = t.gateway()
    p = Proxy(t, g)
    s = t.sidecar(g, wait=wait, gateway_address=None,
                  upstream_proxy=f"http://{p.authority}", **options)
    return g, p, s


def secret_file(t, text=SECRET + "\n"):
    path = t.path("proxy-auth")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


@case
def everything_goes_through_it(t):
    """Login and requests go through CONNECT, with the gateway's name and our
    TLS inside; connections are kept."""
    g, p, s = start(t)
    for _ in range(5):
        assert s.get("/v1/models").status == 200
    assert s.chat().status == 200
    assert p.heads, "nothing went through the proxy"
    for head in p.heads:
        assert head == [f"CONNECT {NAME}:9443 HTTP/1.1",
                        f"Host: {NAME}:9443"], head
    assert len(p.heads) == g.stats()["connections_accepted"]
    assert len(p.heads) <= 2 + t.workers, p.heads


@case
def gateway_address_is_what_it_connects_to(t):
    """gateway-address is the destination that the proxy is given."""
    g = t.gateway()
    p = Proxy(t, g)
    s = t.sidecar(g, upstream_proxy=f"http://{p.authority}/")
    assert s.get("/v1/models").status == 200
    assert p.heads[0][0] == f"CONNECT 127.0.0.1:{g.port} HTTP/1.1", p.heads


@case
def credentials_from_a_file(t):
    """user:password of upstream-proxy-auth-file goes to the proxy, to nobody
    else, and into no log (RFC 7617)."""
    g, p, s = start(t, upstream_proxy_auth_file=secret_file(t))
    assert s.get("/v1/models").status == 200
    basic = base64.b64encode(SECRET.encode()).decode()
    for head in p.heads:
        assert f"Proxy-Authorization: Basic {basic}" in head, head
    for e in g.journal():
        assert not [n for n, _ in e["headers"] if "proxy" in n.lower()], e
    said = s.process.stderr() + s.process.stdout()
    assert "correct horse" not in said and basic not in said


@case
def proxy_that_refuses(t):
    """A proxy's refusal is told as its own, with what to do about it.
    END: upstream-proxy-failed END: no-token"""
    g, p, s = start(t)
    assert s.get("/v1/models").status == 200
    for answer, said in (
            (b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n",
             "set upstream-proxy-auth-file"),
            (b"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden"),
            (b"HTTP/1.1 503 No route\r\n\r\n", "cannot reach the gateway"),
            (b"SSH-2.0-OpenSSH\r\n", "not valid HTTP"),
            (b"HTTP/1.1 200 OK\r\n\r\nsurprise", "bytes of its own"),
            (b"", "without an answer")):
        p.answer = answer
        g.close_connections("close", "idle")
        a = t.wait_until(lambda: not_ok(s.get("/v1/models")))
        assert a.status == 502 and a.code == "upstream-proxy-failed", a
        assert said in a.error["message"], (said, a.error)
    s.wait_end("upstream-proxy-failed", 6)
    p.close()
    a = s.get("/v1/models")
    assert a.code == "upstream-proxy-failed", a
    assert "refused" in a.error["message"], a.error


def not_ok(answer):
    return answer if answer.status != 200 else None


@case
def login_that_is_refused(t):
    """While the proxy wants credentials that are not there, nobody is logged
    in, and requests are told why. END: no-token"""
    g = t.gateway()
    p = Proxy(t, g)
    p.answer = b"HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n"
    s = t.sidecar(g, wait="listening", gateway_address=None, token_wait="1s",
                  upstream_proxy=f"http://{p.authority}")
    a = s.get("/v1/models")
    assert a.status == 503 and a.code == "no-token", a
    assert "407" in a.error["message"], a.error
    assert "upstream-proxy-auth-file" in a.error["message"], a.error


@case
def slow_proxy(t):
    """connect-timeout counts for the proxy's answer too.
    END: connect-timeout"""
    g, p, s = start(t, connect_timeout="1s")
    assert s.get("/v1/models").status == 200
    p.serve = lambda sock: sock.recv(65536) and sock.recv(1)
    g.close_connections("close", "idle")
    a = t.wait_until(lambda: not_ok(s.get("/v1/models")))
    assert a.status == 504 and a.code == "connect-timeout", a


@case(once=True)
def wrong_configuration(t):
    """A proxy that cannot be meant, or a bad credentials file, is refused at
    the start."""
    g = t.gateway()
    for flags, said in (
            (["--upstream-proxy", "https://p:1"], "http://host:port"),
            (["--upstream-proxy", "http://p"], "http://host:port"),
            (["--upstream-proxy", "http://u:p@p:1"], "http://host:port"),
            (["--upstream-proxy", "http://127.0.0.1:7780"],
             "is the sidecar itself"),
            (["--upstream-proxy-auth-file", secret_file(t)],
             "no use without upstream-proxy"),
            (["--upstream-proxy", "http://p:1", "--upstream-proxy-auth-file",
              secret_file(t, "nocolon\n")], "not user:password"),
            (["--upstream-proxy", "http://p:1", "--upstream-proxy-auth-file",
              t.path("none")], "none")):
        code, _, err = t.command(
            "--gateway", "https://mastio.test", "--identity-dir", g.agent_dir,
            "--admin-listen", "none", *flags)
        assert code in (2, 78) and said in err, (flags, code, err)
