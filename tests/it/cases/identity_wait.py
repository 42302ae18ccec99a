"""identity-wait: the sidecar may start before its identity."""

import json
import os
import shutil

from harness import case


def waiting(t, g, directory, wait="60s", **options):
    return t.sidecar(g, wait="listening", identity_dir=directory,
                     identity_wait=wait, **options)


def refused(s):
    a = s.get("/v1/models")
    assert (a.status, a.code) == (503, "no-identity"), a
    assert int(a.get("Retry-After")) >= 1, a
    assert s.admin("/livez").status == 200
    ready = s.admin("/readyz")
    assert ready.status == 503 and b"identity" in ready.body, ready


@case
def files_that_come_later(t):
    """Until the files come, requests get 503 no-identity; then they are
    served.

    END: no-identity
    """
    g = t.gateway()
    d = t.path("later")
    os.mkdir(d, 0o755)
    s = waiting(t, g, d)
    refused(s)
    s.wait_end("no-identity")
    for name in sorted(os.listdir(g.agent_dir)):
        refused(s)
        shutil.copy2(os.path.join(g.agent_dir, name), d)
    s.wait_ready()
    assert s.get("/v1/models").status == 200


@case
def directory_that_comes_later(t):
    """The directory itself may be missing at first."""
    g = t.gateway()
    d = t.path("later")
    s = waiting(t, g, d)
    refused(s)
    shutil.copytree(g.agent_dir, t.path("ready-made"))
    os.rename(t.path("ready-made"), d)
    s.wait_ready()


@case
def files_that_are_not_valid_yet(t):
    """Files that do not belong together yet are waited for like missing
    ones."""
    g = t.gateway()
    other = g.issue("other", agent="orga::other")
    d = t.path("later")
    shutil.copytree(g.agent_dir, d)
    shutil.copy2(os.path.join(other, "key.pem"), d)
    s = waiting(t, g, d)
    refused(s)
    shutil.copy2(os.path.join(g.agent_dir, "key.pem"),
                 os.path.join(d, "key.pem.new"))
    os.rename(os.path.join(d, "key.pem.new"), os.path.join(d, "key.pem"))
    s.wait_ready()


@case
def wait_that_ends(t):
    """When identity-wait is over, the exit code is 78 and the reason is
    said."""
    d = t.path("never")
    os.mkdir(d, 0o755)
    s = t.sidecar(t.gateway(), wait="listening", identity_dir=d,
                  identity_wait="400ms")
    s.expected_exit = 78
    assert s.wait_exit() == 78
    assert d in s.process.stderr()


@case
def everything_said_is_json(t):
    """What the last try found is said in log lines too."""
    g = t.gateway()
    d = t.path("never")
    shutil.copytree(g.agent_dir, d)
    other = g.issue("other", agent="orga::other")
    shutil.copy2(os.path.join(other, "key.pem"), d)
    s = t.sidecar(g, wait="listening", identity_dir=d, identity_wait="400ms")
    s.expected_exit = 78
    assert s.wait_exit() == 78
    lines = s.process.stderr().splitlines()
    assert all(json.loads(line)["level"] for line in lines), lines
    assert [l for l in s.log_lines() if l["area"] == "identity"], lines


@case
def warnings_are_not_lost(t):
    """A key that others can read is warned of, whether the files are there
    at once or come later."""
    g = t.gateway()
    for name in ("there", "later"):
        d = t.path(name)
        if name == "there":
            shutil.copytree(g.agent_dir, d)
            os.chmod(os.path.join(d, "key.pem"), 0o644)
        s = waiting(t, g, d)
        if name == "later":
            shutil.copytree(t.path("there"), t.path("ready-made"))
            os.rename(t.path("ready-made"), d)
        s.wait_ready()
        s.wait_log(os.path.join(d, "key.pem"))


@case
def wait_that_ends_while_draining(t):
    """A drain that outlives identity-wait still ends with 0."""
    d = t.path("never")
    s = waiting(t, t.gateway(), d, wait=f"{t.seconds(1500):.0f}ms",
                drain_timeout=f"{t.seconds(2500):.0f}ms")
    with s.connect() as c:
        c.send(b"GET /v1/models HT")
        s.terminate()
        s.wait_log("draining")
        assert s.wait_exit() == 0, s.process.stderr()


@case
def no_wait(t):
    """Without identity-wait a missing identity is exit code 78 at once."""
    d = t.path("never")
    os.mkdir(d, 0o755)
    code, _, err = t.command("--gateway", "https://mastio.test",
                             "--identity-dir", d, "--listen", "127.0.0.1:0",
                             "--admin-listen", "none")
    assert code == 78 and d in err, err
