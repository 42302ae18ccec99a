"""The admin listener, its subcommand and READY=1."""

import fcntl
import json
import os
import resource
import signal
import socket
import time

from harness import case, exposition
from harness.gateway import NAME
from harness.http import Client, request_bytes


def healthcheck(t, s, *args):
    return t.command("healthcheck", *args,
                     env={"RUNTIME_DIRECTORY": s.runtime})


@case
def pages(t):
    """/livez, /healthz, /startupz, /readyz, /metrics and /status answer;
    anything else is 404, and POST changes nothing."""
    g, s = t.pair()
    for path in ("/livez", "/healthz", "/startupz", "/readyz", "/metrics",
                 "/status"):
        assert s.admin(path).status == 200, path
    assert s.admin("/nothing").status == 404
    for path in ("/quitquitquit", "/reload", "/readyz"):
        assert s.admin(path, "POST").status >= 400, path
    assert s.get("/v1/models").status == 200


@case
def status_page(t):
    """/status says who we are, where we listen, how the session, the gateway
    and each worker are, in JSON."""
    g, s = t.pair(metrics_listen="127.0.0.1:0")
    said = s.admin("/status").json
    assert said["agent_id"] == "orga::bot", said
    assert said["session"] and said["workers"] == t.workers, said
    assert said["draining"] is False, said
    assert said["gateway"] == f"https://{NAME}:9443", said
    assert said["gateway_reached"] is True, said
    assert 0 <= said["gateway_tried_ms_ago"] < 60000 * t.run.slow, said
    assert said["not_after"] > time.time() and said["ca_not_after"], said
    days = (said["not_after"] - time.time()) / 86400
    assert days - 1.1 < said["expires_days"] <= days + 0.1, said
    assert said["token_expires_s"] > 0 and said["token_bound"] is True, said
    bound = [(l["key"], l["address"]) for l in said["listeners"]]
    assert bound == s.addresses(), (bound, s.addresses())
    assert [w["worker"] for w in said["per_worker"]] == \
        list(range(t.workers)), said
    assert sum(w["clients"] for w in said["per_worker"]) == said["clients"]


@case
def state_into_the_log(t):
    """SIGUSR1 writes what /status says into the log, whatever the level, and
    changes nothing else."""
    for level in ("info", "error"):
        g = t.gateway(home=t.path("mastio-" + level))
        s = t.sidecar(g, log_level=level)
        s.process.signal(signal.SIGUSR1)
        t.wait_until(lambda: [l for l in s.log_lines()
                              if l.get("worker") == t.workers - 1])
        lines = [l for l in s.log_lines() if l["area"] == "server"
                 and l["msg"].startswith("state")]
        page = s.admin("/status").json
        whole = lines[0]
        lists = {"listeners", "per_worker"}
        assert set(whole) - {"ts", "level", "area", "msg"} == \
            set(page) - lists, (whole, page)
        assert whole["agent_id"] == "orga::bot", whole
        assert [l["address"] for l in lines if l["msg"].endswith("listener")] \
            == [l["address"] for l in page["listeners"]], lines
        workers = [l for l in lines if l["msg"].endswith("worker")]
        assert [set(page["per_worker"][0]) <= set(l) for l in workers] == \
            [True] * t.workers, workers
        assert s.get("/v1/models").status == 200


@case
def not_ready_says_why(t):
    """/readyz is 503 without a token and names what is missing; /livez and
    /startupz are 200."""
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening")
    s.wait_log("login failed")
    a = s.admin("/readyz")
    assert a.status == 503 and b"token" in a.body, a
    assert s.admin("/livez").status == 200
    assert s.admin("/startupz").status == 200


@case
def gateway_comes_and_goes(t):
    """A gateway that no request reaches makes /readyz say so and what to do,
    though there is a token; it is found again without a request."""
    g, s = t.pair()
    g.stop()
    a = s.get("/v1/models")
    assert a.code == "connect-failed", a
    a = s.admin("/readyz")
    assert a.status == 503 and b"cannot be reached: Check" in a.body, a
    assert b"token" not in a.body, a
    said = s.admin("/status").json
    assert said["gateway_reached"] is False, said
    assert said["gateway_trouble"] == "connect-failed", said
    g.start()
    s.wait_ready()
    assert s.get("/v1/models").status == 200


@case
def gateway_without_login(t):
    """Where nobody logs in, readiness takes a connection to the gateway."""
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening", auth="cert")
    t.wait_until(lambda: b"cannot be reached" in s.admin("/readyz").body)
    assert s.admin("/readyz").status == 503
    g.start()
    s.wait_ready()
    assert not g.journal(), "it only looked"


@case
def healthcheck_command(t):
    """healthcheck exits 0 while the sidecar lives, also without a gateway,
    and 1 when it is gone; --startup waits for the identity."""
    g, s = t.pair()
    assert healthcheck(t, s)[0] == 0
    assert healthcheck(t, s, "--startup")[0] == 0
    g2 = t.gateway(home=t.path("mastio2"))
    g2.stop()
    s2 = t.sidecar(g2, wait="listening")
    s2.wait_log("login failed")
    assert healthcheck(t, s2)[0] == 0
    assert healthcheck(t, s2, "--startup")[0] == 0
    s3 = t.sidecar(g, wait="listening", identity_wait="60s",
                   identity_dir=t.path("later"))
    assert healthcheck(t, s3)[0] == 0
    code, out, err = healthcheck(t, s3, "--startup")
    assert code == 1 and "identity" in out + err, (code, out, err)
    s2.stop()
    assert healthcheck(t, s2)[0] == 1


@case
def admin_unix_socket(t):
    """The admin socket is for its owner alone, and healthcheck finds it."""
    path = t.path("admin.sock")
    g, s = t.pair(admin_listen=["127.0.0.1:0", "unix:" + path])
    assert os.stat(path).st_mode & 0o777 == 0o600
    g2 = t.gateway(home=t.path("mastio2"))
    only = t.path("only.sock")
    s2 = t.sidecar(g2, wait="listening", admin_listen="unix:" + only)
    t.wait_until(lambda: healthcheck(t, s2)[0] == 0)


@case
def no_admin_listener(t):
    """admin-listen = none opens none."""
    s = t.sidecar(t.gateway(), wait="listening", admin_listen="none")
    assert not [k for k, _ in s.addresses() if k == "admin-listen"]
    t.wait_until(lambda: s.get("/v1/models").status == 200)


@case
def metrics_listener(t):
    """metrics-listen shows /metrics, /livez and /readyz, under any name off
    loopback, and nothing else."""
    g, s = t.pair(metrics_listen=["0.0.0.0:0", "127.0.0.1:0"])
    host, port = s.address("metrics-listen")
    assert host == "0.0.0.0"

    def ask(address, path, name, method="GET", fields=()):
        with Client(address, t.seconds(15), t.seen) as c:
            c.send(request_bytes(method, path, name, fields))
            return c.answer(method)

    for path in ("/metrics", "/livez", "/readyz"):
        assert ask(("127.0.0.1", port), path, "pod-7:9464").status == 200
    for path in ("/status", "/healthz", "/startupz", "/"):
        assert ask(("127.0.0.1", port), path, "pod-7").status == 404
    for path in ("/quitquitquit", "/reload"):
        a = ask(("127.0.0.1", port), path, "pod-7", "POST")
        assert a.status == 404, a
    a = ask(("127.0.0.1", port), "/metrics", "pod-7", fields={"Origin": "x"})
    assert a.status == 403, a
    near = s.address("metrics-listen", 1)
    assert ask(near, "/metrics", "pod-7").status == 403
    assert ask(near, "/metrics", "localhost").status == 200


def open_files(s):
    return len(os.listdir(f"/proc/{s.process.pid}/fd"))


def cpu_seconds(s):
    with open(f"/proc/{s.process.pid}/stat", encoding="ascii") as f:
        user, system = f.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@case
def silent_connections(t):
    """Connections that ask nothing neither use up the descriptors nor keep
    a probe out."""
    g, s = t.pair()
    before = open_files(s)
    silent = [s.connect_admin() for _ in range(100)]
    assert s.admin("/livez").status == 200
    assert open_files(s) <= before + 32, open_files(s)
    assert s.get("/v1/models").status == 200
    for c in silent:
        c.close()


@case
def out_of_descriptors(t):
    """Without a free descriptor the admin listener waits for one; it neither
    spins nor floods the log."""
    g, s = t.pair()
    limits = resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    before = cpu_seconds(s)
    with s.connect_admin() as c:
        c.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        s.wait_log("cannot accept")
        end = time.monotonic() + 1
        t.wait_until(lambda: time.monotonic() > end)
        assert cpu_seconds(s) - before < 0.5, cpu_seconds(s) - before
        said = s.process.stderr().count("cannot accept")
        assert said <= 1 + (time.monotonic() - end + 1) / 10, said
        resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE, limits)
        assert c.answer("GET").status == 200


@case
def metrics_count(t):
    """The metrics of the conventions are there, and they count."""
    g, s = t.pair()
    for _ in range(5):
        assert s.get("/v1/models").status == 200
    s.get("/v1/models", {"Origin": "x"})
    s.request("BREW", "/v1/egress/x?bytes=3")
    # An exchange is counted when it is over, a moment after its last byte.
    t.wait_until(lambda: s.metrics()["request_duration_seconds_count"] >= 7)
    m = s.metrics()

    def total(name, *labels):
        return sum(v for k, v in m.items() if k.partition("{")[0] == name
                   and all(label in k for label in labels))

    assert total("requests_total") == 7, m
    assert total("requests_total", 'end="ok"', 'method="GET"') == 5, m
    assert total("requests_total", 'end="browser-refused"') == 1, m
    assert total("requests_total", 'method="other"') == 1, m
    assert total("dpop_proofs_total") >= 6, m
    assert total("tls_handshakes_total") >= 1, m
    assert total("token_refreshes_total", 'result="ok"') == 1, m
    assert m["token_expiry_timestamp_seconds"] > 1e9, m
    assert total("identity_not_after_timestamp_seconds",
                 'kind="certificate"') > 1e9, m
    assert total("build_info", "version=", "openssl=") == 1, m
    for name in ("request_duration_seconds_count",
                 "request_duration_seconds_sum",
                 "time_to_first_byte_seconds_count", "open_streams",
                 "clock_offset_seconds", "log_lines_dropped_total"):
        assert any(
            k.startswith(name) for k in m), name
    text = s.admin("/metrics").body.decode()
    found = exposition.parse(text)
    for name, labels in found:
        assert name.startswith(("cullis_sidecar_", "process_")), name
    routes = {dict(labels)["route"] for name, labels in found
              if name == "cullis_sidecar_requests_total"}
    assert routes == {"mastio", "-"}, routes
    assert "/v1/" not in text


@case
def process_metrics(t):
    """What every program tells of itself has the name it has everywhere."""
    g, s = t.pair()
    m = exposition.parse(s.admin("/metrics").body.decode())
    limit = resource.prlimit(s.process.pid, resource.RLIMIT_NOFILE)[0]
    assert m["process_max_fds", ()] == limit, m
    assert abs(m["process_open_fds", ()] - open_files(s)) <= 2, m
    assert m["process_resident_memory_bytes", ()] > 1e6, m
    assert m["process_cpu_seconds_total", ()] > 0, m
    assert abs(m["process_start_time_seconds", ()] - time.time()) < 600, m


@case
def gauges_of_the_moment(t):
    """Connections to the gateway by state, and bodies that are kept."""
    g, s = t.pair()
    assert s.get("/v1/models").status == 200

    def connections(state):
        return s.metrics()[f'upstream_connections{{state="{state}"}}']

    t.wait_until(lambda: connections("idle") >= 1)
    t.wait_until(
        lambda: connections("busy") == connections("connecting") == 0)
    assert s.metrics()["upstream_connect_duration_seconds_count"] >= 2
    with s.connect() as c:
        c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
               b"Content-Length: 9\r\n\r\nabc")
        t.wait_until(lambda: s.metrics()["replay_buffer_bytes"] == 3)
        assert connections("busy") == 1
    t.wait_until(lambda: connections("busy") == 0)
    t.wait_until(lambda: s.metrics()["replay_buffer_bytes"] == 0)


@case
def refusals_are_counted(t):
    """Each kind of refusal of our credentials is a series of its own."""
    g, s = t.pair()
    g.fault_json("/v1/models", 401, {"detail": "use_dpop_nonce"}, count=1,
                 headers={"DPoP-Nonce": "00112233445566778899aabbccddeeff"})
    assert s.get("/v1/models").status == 200
    found = {k: v for k, v in s.metrics().items()
             if k.startswith("auth_refusals_total")}
    assert found.pop('auth_refusals_total{verdict="new-nonce"}') == 1, found
    assert len(found) > 4 and not any(found.values()), found


@case
def ready_is_notified(t):
    """READY=1 goes to NOTIFY_SOCKET when the listeners are up, STOPPING=1 at
    the end."""
    path = t.path("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as n:
        n.bind(path)
        n.settimeout(t.seconds(15))
        s = t.sidecar(t.gateway(), wait="listening",
                      env={"NOTIFY_SOCKET": path})
        said = b""
        while b"READY=1" not in said:
            said += n.recv(4096) + b"\n"
        s.terminate()
        while b"STOPPING=1" not in said:
            said += n.recv(4096) + b"\n"


@case
def access_line(t):
    """Each exchange writes one line with the fields of the conventions, with
    the path and never the query."""
    g, s = t.pair()
    trace = "0af7651916cd43dd8448eb211c80319c"
    a = s.request("POST", "/v1/egress/x?bytes=7&secret=hunter2", body=b"abcd",
                  fields={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert a.status == 200
    line = s.wait_end("ok")
    for field in ("ts", "request_id", "listener", "method", "route", "path",
                  "status", "end", "duration_ms", "ttfb_ms", "auth_ms",
                  "bytes_in", "bytes_out", "attempts", "nonce_retries",
                  "jti", "reused", "worker"):
        assert field in line, (field, line)
    assert line["trace_id"] == trace, line
    assert line["auth"] == "token" and line["upstream"].endswith(":9443"), line
    assert line["path"] == "/v1/egress/x" and line["method"] == "POST"
    assert (line["bytes_in"], line["bytes_out"]) == (4, 7), line
    assert line["jti"] == g.requests()[0]["proof"]["jti"]
    assert "hunter2" not in s.process.stderr()
    s.get("/v1/models", {"Origin": "x", "traceparent": f"00-{trace}-0-01"})
    line = s.wait_end("browser-refused")
    assert line["auth"] == "none" and line["route"] == "-", line
    assert "upstream" not in line and "trace_id" not in line, line


@case
def text_log(t):
    """log-format = text writes lines for people; hostile bytes in a request
    stay on their line, escaped."""
    g, s = t.pair(log_format="text")
    s.raw("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n"
          "X-Request-ID: a\x1b[31m\r\n\r\n")
    s.raw("G\x1b[2J /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
    s.get("/v1/egress/x%0afake?bytes=1")
    s.stop()
    text = s.process.stderr()
    assert "\x1b" not in text and "access" in text, text
    assert not any(l.startswith("fake") for l in text.splitlines())


@case
def access_log_to_stdout_or_nowhere(t):
    """access-log = stdout and none are kept to."""
    g = t.gateway()
    s = t.sidecar(g, access_log="stdout")
    assert s.get("/v1/models").status == 200
    t.wait_until(lambda: '"end":"ok"' in s.process.stdout())
    assert not s.access_lines()
    json.loads(s.process.stdout().splitlines()[0])
    s2 = t.sidecar(g, access_log="none")
    assert s2.get("/v1/models").status == 200
    s2.stop()
    assert not s2.access_lines() and not s2.process.stdout()


@case
def log_that_nobody_reads(t):
    """A reader of stderr that hangs holds up neither requests nor the end."""
    path = t.path("stderr")
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)
    try:
        s = t.pair(prefix=("sh", "-c", f'exec "$0" "$@" 2>{path}'))[1]
        for _ in range(50):
            assert s.get("/v1/models").status == 200
        s.stop()
    finally:
        os.close(fd)
