"""The log: its fields, what may stand in them, and where it cannot be written."""

import contextlib
import fcntl
import json
import os
import socket

from harness import case

# Whatever else is written is a mistake, here or there.
ACCESS = {"ts", "request_id", "trace_id", "caller_uid", "listener", "method",
          "route", "host", "path", "status", "end", "duration_ms", "ttfb_ms",
          "auth_ms", "bytes_in", "bytes_out", "attempts", "nonce_retries",
          "auth", "jti", "gateway_trace", "upstream", "reused", "worker"}
ALWAYS = ACCESS - {"trace_id", "caller_uid", "host", "jti", "gateway_trace",
                   "upstream", "method", "path"}
EVENT = {"ts", "level", "area", "msg"}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def to(path):
    """A prefix with which the sidecar's stderr goes there."""
    return ("sh", "-c", f'exec "$0" "$@" 2{path}')


def dropped(s):
    return s.metrics()["log_lines_dropped_total"]


@case
def no_other_fields(t):
    """Access lines have the documented fields and no others, events those that
    every event has."""
    g, s = t.pair(pass_through=["192.0.2.1:80"])
    s.get("/v1/models", {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    s.post("/v1/egress/x?bytes=3", b"abc")
    s.get("/v1/models", {"Origin": "x"})
    s.get("/", host="other.test")
    s.raw("nonsense\r\n\r\n")
    s.request("BREW", "/v1/models?a=b")
    s.get("/v1/auth/token")
    g.fault("/v1/models", status=500, body="x")
    s.get("/v1/models")
    t.wait_until(lambda: len(s.access_lines()) == 8)
    for line in s.access_lines():
        assert set(line) <= ACCESS, set(line) - ACCESS
        assert ALWAYS <= set(line), ALWAYS - set(line)
    events = [l for l in s.log_lines() if "end" not in l]
    assert events and all(EVENT <= set(l) for l in events), events


@case
def ids_of_clients(t):
    """A client's request id and trace id are logged if they have the right form;
    else there is one of ours, or none.  Both go on to the gateway."""
    g, s = t.pair()
    good = ["a", "A-b_c.9", "x" * 128]
    bad = ["x" * 129, "a b", "a\"b", "a\\b", "a/b", "a=b", "é", "a,b", "<4>"]
    for given in good + bad:
        s.get("/v1/models", {"X-Request-ID": given})
    s.get("/v1/models")
    t.wait_until(lambda: len(s.access_lines()) == len(good + bad) + 1)
    ids = [l["request_id"] for l in s.access_lines()]
    ours = [i for i in ids if i not in good]
    assert sorted(set(ids) - set(ours)) == sorted(good), ids
    assert len(set(ours)) == len(ours) == len(bad) + 1, ours
    assert all(len(i) == 16 and set(i) <= set("0123456789abcdef")
               for i in ours), ours
    sent = [dict((n.lower(), v) for n, v in e["headers"])
            for e in g.requests()]
    assert [h.get("x-request-id") for h in sent[:3]] == good, sent
    assert "x-request-id" not in sent[-1], sent[-1]


@case
def words_of_the_gateway(t):
    """What the gateway says stands in one line, and moves no terminal."""
    for form in ("json", "text"):
        g = t.gateway(home=t.path("mastio-" + form))
        s = t.sidecar(g, log_format=form)
        evil = "\x1b[2J\u009b31m\u202e\n2026-01-01T00:00:00.000Z error x: y\r"
        g.fault_json("/v1/models", 401, {"detail": {
            "reason": "client_cert_pin_mismatch", "hint": evil}},
            headers={"X-Cullis-Trace": "a b"})
        a = s.get("/v1/models")
        assert a.code == "client-cert-pin-mismatch", a
        assert b"\x1b" not in a.body and b"\xc2\x9b" not in a.body, a.body
        g.fault_json("/v1/auth", 403, {"detail": evil})
        s2 = t.sidecar(g, wait="listening", log_format=form)
        s2.wait_log("login failed")
        for one in (s, s2):
            one.stop()
            text = one.process.stderr()
            assert not any(c in text for c in "\x1b\u009b\u202e\r"), text
            assert "\n2026-01-01" not in text, text
            for line in text.splitlines() if form == "json" else []:
                json.loads(line)


@case
def slow_reader(t):
    """A reader that hangs holds up nobody: beyond a MiB lines are dropped, and
    counted; it is written again when it reads."""
    path = t.path("stderr")
    os.mkfifo(path)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)
    try:
        s = t.pair(prefix=to(">" + path))[1]
        before = dropped(s)
        while dropped(s) == before:
            for _ in range(100):  # some KiB each, for the path is in the line
                a = s.get("/v1/auth/" + "p" * 4000)
                assert a.code == "path-reserved", a
        assert s.get("/v1/models").status == 200
        got = b""

        def written_again():
            nonlocal got
            s.get("/v1/models", {"X-Request-ID": "a-new-one"})
            with contextlib.suppress(BlockingIOError):
                while b"a-new-one" not in got:
                    got = got[-1000:] + os.read(fd, 65536)
            return b"a-new-one" in got
        t.wait_until(written_again, what="a line comes through again")
    finally:
        os.close(fd)


@case
def disk_full(t):
    """Where there is no room for the log, requests are served; the lost lines
    are counted and /livez is 200."""
    s = t.pair(prefix=to(">/dev/full"))[1]
    before = dropped(s)
    for _ in range(20):
        assert s.get("/v1/models").status == 200
    t.wait_until(lambda: dropped(s) >= before + 20,
                 what=lambda: f"{dropped(s)} lines were dropped")
    assert s.admin("/livez").status == 200
    assert s.admin("/readyz").status == 200
    s.stop()


@case
def closed_stderr(t):
    """Started without stdin, stdout and stderr: no connection gets their
    numbers, so no line of the log ends up at a client or the gateway."""
    g = t.gateway()
    s = t.sidecar(g, prefix=("sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-'),
                  access_log="stdout", log_level="debug")
    for _ in range(5):
        a = s.get("/v1/models")
        assert a.status == 200 and a.json, a
    for n in (0, 1, 2):
        at = os.readlink(f"/proc/{s.process.pid}/fd/{n}")
        assert at == "/dev/null", (n, at)
    assert g.requests()[-1]["path"] == "/v1/models"
    s.stop()


@case
def reader_goes_away(t):
    """Whoever read stderr ends: requests go on, lines are counted."""
    path = t.path("stderr")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        script = ("import os,socket,sys;s=socket.socket(socket.AF_UNIX);"
                  f"s.connect({path!r});os.dup2(s.fileno(),2);"
                  "os.execv(sys.argv[1],sys.argv[1:])")
        g = t.gateway()
        s = t.sidecar(g, prefix=("python3", "-c", script))
        reader = server.accept()[0]
    assert s.get("/v1/models").status == 200
    reader.close()
    t.wait_until(lambda: s.get("/v1/models").status == 200 and dropped(s) > 0)
    s.stop()


@case
def journal(t):
    """Lines have their priority in front when stderr is the journal, and only
    then."""
    g = t.gateway()
    path = t.path("sidecar0.err")
    with open(path, "ab") as f:
        st = os.fstat(f.fileno())
    g.stop()
    s = t.sidecar(g, wait="listening",
                  env={"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"})
    s.wait_log("login failed")
    s.get("/v1/models", {"Origin": "x"})
    s.wait_log('"end":"browser-refused"')
    s.stop()
    for line in s.process.stderr().splitlines():
        level = {"<3>": "error", "<4>": "warn", "<6>": "info"}[line[:3]]
        said = json.loads(line[3:])
        assert said.get("level", "info") == level, line
    g.start()
    s2 = t.sidecar(g, env={"JOURNAL_STREAM": "1:2"})
    s2.stop()
    assert s2.process.stderr().startswith("{")
