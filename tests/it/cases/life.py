"""Subcommands that talk to a running sidecar, and who may end it."""

import contextlib
import os
import shutil
import tempfile
import threading
import time

from cases import rotation
from harness import case
from harness.http import Client, request_bytes

OTHER = 4711  # a uid without a name
ROOT = os.geteuid() == 0


def say(t, s, *args):
    """(exit code, stdout, stderr) of a subcommand beside the sidecar."""
    return t.command(*args, env={"RUNTIME_DIRECTORY": s.runtime})


@contextlib.contextmanager
def admin_socket():
    """A path that others can reach."""
    directory = tempfile.mkdtemp(prefix="cullis-it-")
    os.chmod(directory, 0o755)
    try:
        yield os.path.join(directory, "admin.sock")
    finally:
        shutil.rmtree(directory)


def begin_stream(c, s):
    """A chat that waits behind gate d after its first event."""
    c.request("POST", "/v1/chat/completions", s.authority,
              {"Content-Type": "application/json", "X-Mastio-Events": "6",
               "X-Mastio-Gate": "d"},
              b'{"model":"mastio-dev-echo","stream":true,'
              b'"messages":[{"role":"user","content":"hello"}]}')
    c.answering = c.begin_answer("POST")
    assert c.answering.status == 200


def post(t, address, path):
    with Client(address, t.seconds(15), t.seen) as c:
        c.send(request_bytes("POST", path, "localhost"))
        return c.answer()


@case
def quit_by_socket(t):
    """quit drains: what is under way is finished, and the exit status is 0."""
    path = t.path("admin.sock")
    g, s = t.pair(admin_listen=["127.0.0.1:0", "unix:" + path])
    with s.connect() as c:
        begin_stream(c, s)
        code, out, err = say(t, s, "quit")
        assert code == 0 and "draining" in out, (code, out, err)
        assert post(t, path, "/quitquitquit").status == 200
        assert s.admin("/readyz").status == 503
        g.release("d", 20)
        assert c.body(c.answering).body.endswith(b"[DONE]\n\n")
    assert s.wait_exit() == 0


@case
def quit_is_not_for_all(t):
    """TCP may not end the sidecar, and no other user may: 403 says how."""
    with admin_socket() as path:
        g, s = t.pair(admin_listen=["127.0.0.1:0", "unix:" + path])
        a = post(t, s.address("admin-listen"), "/quitquitquit")
        assert a.status == 403 and b"admin-quit" in a.body, a
        if ROOT:
            os.chmod(path, 0o666)
            os.seteuid(OTHER)
            try:
                a = post(t, path, "/quitquitquit")
            finally:
                os.seteuid(0)
            assert a.status == 403 and b"root" in a.body, a
        assert s.get("/v1/models").status == 200
        s2 = t.sidecar(g)
        code, out, err = say(t, s2, "quit")
        assert code == 1 and "403" in err and "socket" in err, (out, err)
        assert s2.get("/v1/models").status == 200


@case
def quit_by_tcp(t):
    """admin-quit = tcp lets a TCP listener do it as well."""
    g, s = t.pair(admin_quit="tcp")
    assert say(t, s, "quit")[0] == 0
    assert s.wait_exit() == 0


@case
def wait_command(t):
    """wait ends with 0 as soon as the sidecar is ready, and with 1 after
    --timeout, saying what is missing."""
    g = t.gateway()
    g.stop()
    s = t.sidecar(g, wait="listening")
    s.wait_log("login failed")
    begun = time.monotonic()
    code, out, err = say(t, s, "wait", "--timeout", "300ms")
    assert code == 1 and "not ready after 0.3 s" in err, (code, err)
    assert "token" in err and "connect" in err.lower(), err
    assert time.monotonic() - begun >= 0.3
    g.start()
    code, out, err = say(t, s, "wait", "--timeout=60s")
    assert code == 0 and "ok" in out and not err, (code, out, err)
    assert s.get("/v1/models").status == 200


@case
def wait_for_one_that_comes_later(t):
    """wait may be started before the sidecar; nobody there is told as such."""
    runtime = t.path("none")
    os.mkdir(runtime)
    code, out, err = t.command(
        "wait", "--timeout", "200ms", "--admin-listen", "127.0.0.1:1",
        env={"RUNTIME_DIRECTORY": runtime})
    assert code == 1 and "is the sidecar running?" in err, (code, out, err)


# ---- reload ----

def with_socket(t, **options):
    """(gateway, identity directory, sidecar with an admin socket)"""
    g = t.gateway()
    d = rotation.identity(t, g)
    s = t.sidecar(g, identity_dir=d, reload_interval="1h",
                  admin_listen=["127.0.0.1:0", "unix:" + t.path("admin.sock")],
                  **options)
    return g, d, s


@case
def reload_command(t):
    """reload exits with 0 when the new files are live or nothing is new, and
    with 1 when they are not used; it says what came of it."""
    g, d, s = with_socket(t)
    code, out, err = say(t, s, "reload")
    assert code == 0 and "nothing" in out, (code, out, err)
    new = g.renew("next")
    rotation.put(new, d)
    code, out, err = say(t, s, "reload")
    assert code == 0 and not err, (code, out, err)
    assert rotation.live(s) == rotation.thumbprint(new)
    with open(os.path.join(d, "key.pem"), "wb"):
        pass
    code, out, err = say(t, s, "reload")
    assert code == 1 and "key.pem" in err and "500" in err, (code, out, err)
    assert rotation.live(s) == rotation.thumbprint(new)
    assert "key.pem" in s.status()["newest_files_not_used"]
    assert s.metrics()["identity_files_refused"] == 1
    assert s.get("/v1/models").status == 200
    rotation.put(new, d)
    assert say(t, s, "reload")[0] == 0
    assert s.metrics()["identity_files_refused"] == 0


@case
def reload_is_held_until_the_outcome(t):
    """Many who ask at a time are all told the same, once it is known; what they
    ask for is done once or twice, and probes are answered meanwhile."""
    g, d, s = with_socket(t)
    logins = g.stats()["logins"]
    rotation.put(g.renew("next"), d)
    answers, lock = [], threading.Lock()

    def ask():
        a = post(t, t.path("admin.sock"), "/reload")
        with lock:
            answers.append((a.status, s.status()["thumbprint"]))

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    assert s.admin("/livez").status == 200
    for thread in threads:
        thread.join(t.seconds(30))
    assert len(answers) == 100, answers
    expected = (200, rotation.thumbprint(d))
    assert set(answers) == {expected}, set(answers)
    assert g.stats()["logins"] - logins <= 3, g.stats()


@case
def reload_is_not_for_all(t):
    """TCP may not ask for it, nor while draining anybody."""
    g, d, s = with_socket(t)
    a = post(t, s.address("admin-listen"), "/reload")
    assert a.status == 403 and b"admin-quit" in a.body, a
    with s.connect() as c:
        begin_stream(c, s)
        assert say(t, s, "quit")[0] == 0
        code, out, err = say(t, s, "reload")
        assert code == 1 and "409" in err and "draining" in err, (out, err)
        g.release("d", 20)
        c.body(c.answering)
    assert s.wait_exit() == 0
