"""What a machine does to a process: it is killed, stopped, starved and cut off,
and what it needs goes away and comes back."""

import os
import signal
import socket
import time

from harness import case
from harness.gateway import NAME
from cases.streams import begin, next_event


@case
def killed_and_started_again(t):
    """After kill -9 the Unix sockets, their locks and the address file are
    still there; the next process replaces them and serves."""
    g = t.gateway()
    path, admin = t.path("p.sock"), t.path("a.sock")
    options = {"listen": "unix:" + path, "admin_listen": "unix:" + admin}
    first = t.sidecar(g, **options)
    assert first.get("/v1/models", host="x").status == 200
    first.process.signal(signal.SIGKILL)
    assert first.wait_exit() == -signal.SIGKILL
    first.stopped = True
    for left in (path, admin, path + ".lock", admin + ".lock",
                 first.runtime + "/address"):
        assert os.path.exists(left), left
    second = t.sidecar(g, env={"RUNTIME_DIRECTORY": first.runtime},
                       wait=False, **options)
    second.runtime = first.runtime
    t.wait_until(lambda: os.path.exists(path)
                 and second.process.running and connects(path)
                 and connects(admin))
    second.wait_ready()
    assert second.get("/v1/models", host="x").status == 200
    assert second.addresses() == first.addresses()
    second.stop()
    for gone in (path, admin, path + ".lock", admin + ".lock"):
        assert not os.path.exists(gone), gone


@case
def two_in_one_runtime_directory(t):
    """Of two sidecars with the same RUNTIME_DIRECTORY the second one ends with
    1 and says why, however different their ports; subcommands go on reaching
    the first."""
    g = t.gateway()
    first = t.sidecar(g)
    env = {"RUNTIME_DIRECTORY": first.runtime}
    before = first.addresses()
    code, _, err = t.command(
        "--gateway", "https://mastio.test:9443", "--identity-dir", g.agent_dir,
        "--listen", "127.0.0.1:0", "--admin-listen", "none", env=env)
    assert code == 1, (code, err)
    assert first.runtime in err and "directory of its own" in err, err
    assert first.addresses() == before
    assert sorted(os.listdir(first.runtime)) == ["address"]
    assert t.command("healthcheck", env=env)[0] == 0


def connects(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


@case(plain=True)
def few_descriptors(t):
    """With 64 descriptors it says so at start, and serves: so many clients are
    taken that each finds one for its connection to the gateway, the others
    wait, and all are served."""
    g = t.gateway()
    s = t.sidecar(g, prefix=("prlimit", "--nofile=64:64"))
    s.wait_log("the limit of open files is too low")
    crowd = []
    for _ in range(100):
        c = s.connect()
        c.request("GET", "/v1/models", s.authority, {"Connection": "close"})
        crowd.append(c)
    statuses = []
    for c in crowd:
        with c:
            statuses.append(c.answer().status)
    assert statuses == [200] * 100, statuses
    t.wait_until(lambda: s.get("/v1/models").status == 200)
    for _ in range(10):
        assert s.get("/v1/models").status == 200
    assert s.admin("/livez").status == 200


@case
def stopped_and_continued(t):
    """SIGSTOP for some seconds, SIGCONT: streams go on, requests that came
    meanwhile are answered, no timer of the client's side has expired for
    them."""
    g, s = t.pair(head_timeout="1s", body_timeout="1s", keepalive_timeout="20s")
    with s.connect() as c, s.connect() as kept, s.connect() as half:
        kept.request("GET", "/v1/models", s.authority)
        assert kept.answer().status == 200
        a = begin(c, s, {"X-Mastio-Events": "4", "X-Mastio-Gate": "d"})
        assert next_event(c, a)
        half.send(b"GET /v1/models HTTP/1.1\r\n")
        t.wait_until(lambda: s.metrics()["open_streams"] == 1)
        s.process.signal(signal.SIGSTOP)
        half.send(b"Host: localhost\r\n\r\n")
        late = [s.connect() for _ in range(20)]
        for one in (kept, *late):
            one.request("GET", "/v1/models", s.authority)
        end = time.monotonic() + 3
        t.wait_until(lambda: time.monotonic() > end)
        s.process.signal(signal.SIGCONT)
        for one in (kept, half, *late):
            got = one.answer("GET")
            assert got.status == 200, got
        g.release("d", 20)
        n = 1
        while next_event(c, a):
            n += 1
        assert n == 5, n


@case
def gateway_down_at_start(t):
    """Started before its gateway it answers 503 with the reason, and is ready
    soon after the gateway has come."""
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening", token_wait="200ms")
    s.wait_log("login failed")
    a = s.get("/v1/models")
    assert a.status == 503 and a.code == "no-token", a
    assert "cannot connect" in a.error["message"], a.error
    ready = s.admin("/readyz")
    assert ready.status == 503 and b"token" in ready.body, ready
    assert s.admin("/livez").status == 200
    g.start()
    s.wait_ready()
    assert s.get("/v1/models").status == 200


@case
def admin_port_taken(t):
    """A taken admin port is one sentence with the key, the address and a cure,
    and exit code 1, before an agent can connect."""
    g = t.gateway()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        path = t.path("p.sock")
        code, _, err = t.command(
            "--identity-dir", g.agent_dir, "--listen", "unix:" + path,
            "--admin-listen", address)
    assert code == 1, (code, err)
    (line,) = err.strip().splitlines()
    assert "admin-listen: cannot bind " + address in line, line
    assert "use another port" in line, line
    assert not os.path.exists(path)
    assert not g.journal()


def in_mount_namespace(hosts):
    """A prefix: the file stands for /etc/hosts, for this process alone."""
    user = () if os.geteuid() == 0 else ("-r",)
    return ("unshare", *user, "-m", "sh", "-c",
            'mount --bind "$0" /etc/hosts && exec "$@"', hosts)


@case
def gateway_moves(t):
    """The gateway's name is looked up for each new connection: when it means
    another address, the next connection goes there, without a restart."""
    hosts = t.path("hosts")

    def point(address):
        with open(hosts, "w", encoding="ascii") as f:
            f.write(f"127.0.0.1 localhost\n{address} {NAME}\n")

    point("127.0.0.1")
    g = t.gateway()
    s = t.sidecar(g, prefix=in_mount_namespace(hosts), gateway_address=None,
                  gateway=f"https://{NAME}:{g.port}")
    assert s.get("/v1/models").status == 200
    point("127.0.0.2")
    g.stop()
    g.host = "127.0.0.2"
    g.start()
    t.wait_until(lambda: s.get("/v1/models").status == 200)
    for _ in range(5):
        assert s.get("/v1/models").status == 200
    assert s.process.running


@case
def log_reader_gone(t):
    """When the reader of stderr ends, as a journald that crashes, requests go
    on and the lines that nobody takes are counted."""
    reader, writer = os.pipe()
    # The shell gives it our end of the pipe as its stderr.
    s = t.sidecar(t.gateway(), prefix=(
        "sh", "-c", f'exec "$@" 2>/proc/{os.getpid()}/fd/{writer}', "sh"))
    os.close(writer)
    assert s.get("/v1/models").status == 200
    assert s.metrics()["log_lines_dropped_total"] == 0
    os.close(reader)
    for _ in range(20):
        assert s.get("/v1/models").status == 200
    t.wait_until(lambda: s.metrics()["log_lines_dropped_total"] >= 20)
    assert s.get("/v1/models").status == 200
    assert s.process.running
