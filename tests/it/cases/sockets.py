"""Listening sockets."""

import os
import socket

from harness import case


def run(t, g, *args):
    return t.command("--gateway", "https://mastio.test:9443",
                     "--gateway-address", f"127.0.0.1:{g.port}",
                     "--identity-dir", g.agent_dir, *args)


@case
def socket_mode(t):
    """A Unix socket gets listen-mode, 0660 by default, and goes at the
    end."""
    g = t.gateway()
    for mode in (None, "0600", "0666"):
        path = t.path(f"p{mode}.sock")
        s = t.sidecar(g, listen="unix:" + path, listen_mode=mode)
        want = int(mode or "0660", 8)
        assert os.stat(path).st_mode & 0o777 == want, mode
        s.stop()
        assert not os.path.exists(path)


@case
def stale_socket_is_replaced(t):
    """A socket file that nobody serves is replaced."""
    path = t.path("p.sock")
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(path)
    g, s = t.pair(listen="unix:" + path)
    assert s.get("/v1/models", host="x").status == 200


@case
def served_socket_is_left_alone(t):
    """A socket that another program serves is not taken over: exit code 1."""
    path = t.path("p.sock")
    g = t.gateway()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        code, _, err = run(t, g, "--listen", "unix:" + path,
                           "--admin-listen", "none")
        assert code == 1 and path in err, (code, err)
        other.settimeout(5)
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(path)
            other.accept()[0].close()


@case
def file_in_the_way_is_left_alone(t):
    """A regular file at the socket's path is not removed."""
    path = t.path("p.sock")
    with open(path, "w", encoding="ascii") as f:
        f.write("precious")
    code, _, err = run(t, t.gateway(), "--listen", "unix:" + path,
                       "--admin-listen", "none")
    assert code in (1, 78) and path in err, (code, err)
    with open(path, encoding="ascii") as f:
        assert f.read() == "precious"


@case
def port_in_use(t):
    """A port in use: exit code 1, and the sentence names address and
    cure."""
    g = t.gateway()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        code, _, err = run(t, g, "--listen", address, "--admin-listen", "none")
        assert code == 1 and address in err and "listen" in err, (code, err)
        code, _, err = run(t, g, "--listen", "127.0.0.1:0",
                           "--admin-listen", address)
        assert code == 1 and address in err, (code, err)
    assert not g.journal()


@case
def off_loopback_is_refused(t):
    """A data listener off loopback is refused with exit code 78."""
    g = t.gateway()
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:7780"):
        for more in ((), ("--unsafe-listen", "yes")):
            code, _, err = run(t, g, "--listen", address,
                               "--admin-listen", "none", *more)
            assert code == 78 and "loopback" in err, (address, code, err)


@case
def every_local_user_warning(t):
    """A TCP listener says at start that every local user acts as the agent;
    a Unix socket does not."""
    g, s = t.pair()
    s.wait_log("every local user")
    s2 = t.sidecar(g, listen="unix:" + t.path("p.sock"))
    assert "every local user" not in s2.process.stderr()


@case
def unusable_socket_paths(t):
    """A socket path that is too long, or in a missing directory, is one
    sentence that names it."""
    g = t.gateway()
    for path in (t.path("x" * 120), t.path("missing/p.sock")):
        code, _, err = run(t, g, "--listen", "unix:" + path,
                           "--admin-listen", "none")
        assert code in (1, 2, 78) and path in err, (code, err)
        assert len(err.strip().splitlines()) == 1, err
