"""Identity and configuration that change while the sidecar runs."""

import contextlib
import hashlib
import os
import shutil
import signal
import ssl
import subprocess

from harness import case

PEERS = "/v1/egress/peers"  # by certificate on every front end
AGENT = ("cert.pem", "key.pem", "dpop.jwk")


def identity(t, g, name="identity"):
    """A copy of the agent's directory, to rotate in."""
    d = t.path(name)
    shutil.copytree(g.agent_dir, d)
    g.pin(g.agent_dir)
    return d


def put(source, directory, names=AGENT):
    """Each file by a rename, as careful tools do."""
    for name in names:
        new = os.path.join(directory, f".{name}.new")
        shutil.copy2(os.path.join(source, name), new)
        os.rename(new, os.path.join(directory, name))


def rewrite(source, directory, names=AGENT):
    """Each file in place."""
    for name in names:
        with open(os.path.join(source, name), "rb") as f:
            data = f.read()
        with open(os.path.join(directory, name), "r+b") as f:
            f.truncate(0)
            f.write(data)


def thumbprint(directory):
    with open(os.path.join(directory, "cert.pem"), encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    return hashlib.sha256(der).hexdigest()


def live(s):
    return s.status()["thumbprint"]


def wait_live(t, s, directory):
    t.wait_until(lambda: live(s) == thumbprint(directory),
                 what="the new certificate is live; the log ends "
                 + s.process.stderr()[-2000:])


def reloads(s, result):
    return s.metrics().get(f'identity_reloads_total{{result="{result}"}}', 0)


def served_by(g, directory):
    """The latest request came with this certificate."""
    return g.requests()[-1]["tls"]["client_sha256"] == thumbprint(directory)


def wait_refused(t, s, why, path="/v1/models"):
    """The newest files are named in /readyz, which stays 200."""
    def look():
        a = s.admin("/readyz")
        assert a.status == 200, a
        return why in a.body.decode()
    t.wait_until(look, what=f"/readyz says {why}")
    s.wait_log(why)
    assert s.get(path).status == 200


class Config:
    """A configuration file that changes."""

    def __init__(self, t, text):
        self.path = t.path("sidecar.conf")
        self.write(text)

    def write(self, text):
        with open(self.path + ".new", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(self.path + ".new", self.path)


def init(t, name):
    """A gateway with a CA of its own."""
    home = t.path(name)
    subprocess.run([t.run.binary("mastio-dev"), "init", home, "--agent",
                    "orga::bot"], check=True)
    return home


# ---- the identity ----

@case
def renewed_by_rename(t):
    """New certificate and keys, each renamed into place: requests go on, the
    next connection shows the new certificate, kept ones of the old are
    closed."""
    g = t.gateway()
    d = identity(t, g)
    s = t.sidecar(g, identity_dir=d, reload_interval="1h")
    with s.connect() as c:
        c.request("GET", "/v1/models", s.authority)
        assert c.answer("GET").status == 200
        new = g.renew("new")
        g.pin(new, grace_s=3600)
        put(new, d)
        wait_live(t, s, new)
        c.request("GET", "/v1/models", s.authority)
        assert c.answer("GET").status == 200
    assert served_by(g, new)
    assert reloads(s, "renewed") == 1 and reloads(s, "refused") == 0
    t.wait_until(lambda: g.stats()["connections_open"] <= 2 * t.workers + 2,
                 what="connections of the old certificate are closed")


@case
def renewed_in_place(t):
    """The same files rewritten: half of a set is never used."""
    g = t.gateway()
    d = identity(t, g)
    s = t.sidecar(g, identity_dir=d, reload_interval="1h")
    new = g.renew("new")
    g.pin(new, grace_s=3600)
    rewrite(new, d)
    wait_live(t, s, new)
    assert s.get("/v1/models").status == 200 and served_by(g, new)


@case
def renewed_by_link(t):
    """As the kubelet does it: files are links into ..data, which is a link
    that is swapped."""
    g = t.gateway()
    d = t.path("volume")
    os.mkdir(d, 0o755)
    shutil.copytree(g.agent_dir, os.path.join(d, "..1"))
    os.symlink("..1", os.path.join(d, "..data"))
    for name in os.listdir(g.agent_dir):
        os.symlink(os.path.join("..data", name), os.path.join(d, name))
    s = t.sidecar(g, identity_dir=d, reload_interval="1h")
    new = g.renew("new")
    g.pin(new, grace_s=3600)
    shutil.copytree(new, os.path.join(d, "..2"))
    shutil.copy2(os.path.join(g.agent_dir, "ca.pem"), os.path.join(d, "..2"))
    os.symlink("..2", os.path.join(d, "..data_tmp"))
    os.rename(os.path.join(d, "..data_tmp"), os.path.join(d, "..data"))
    shutil.rmtree(os.path.join(d, "..1"))
    wait_live(t, s, new)
    assert s.get("/v1/models").status == 200 and served_by(g, new)


@case
def seen_without_inotify(t):
    """What the kernel does not tell (here: a file behind a link into another
    directory) is seen at the next reload-interval."""
    g = t.gateway()
    d = identity(t, g)
    away = t.path("away")
    os.mkdir(away, 0o755)
    for name in AGENT:
        os.rename(os.path.join(d, name), os.path.join(away, name))
        os.symlink(os.path.join(away, name), os.path.join(d, name))
    s = t.sidecar(g, identity_dir=d, reload_interval="200ms")
    new = g.renew("new")
    g.pin(new, grace_s=3600)
    rewrite(new, away)
    wait_live(t, s, new)


@case
def directory_replaced(t):
    """The directory is deleted and comes back: what was live serves on."""
    g = t.gateway()
    d = identity(t, g)
    s = t.sidecar(g, identity_dir=d, reload_interval="200ms")
    shutil.rmtree(d)
    wait_refused(t, s, "cannot be opened")
    new = g.renew("new")
    g.pin(new, grace_s=3600)
    shutil.copytree(g.agent_dir, t.path("again"))
    put(new, t.path("again"))
    os.rename(t.path("again"), d)
    wait_live(t, s, new)
    t.wait_until(lambda: s.admin("/readyz").body == b"ok\n",
                 what="/readyz names nothing any more")


def watches(s):
    """How many directories the process watches."""
    base = f"/proc/{s.process.pid}/fdinfo"
    found = 0
    for fd in os.listdir(base):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            with open(os.path.join(base, fd), encoding="ascii") as f:
                found += f.read().count("inotify wd:")
    return found


@case
def directory_behind_a_link(t):
    """identity-dir is a link that leads to one directory after the other: that
    one is watched, and those before are not."""
    g = t.gateway()
    link = t.path("current")
    os.symlink(identity(t, g), link)
    s = t.sidecar(g, identity_dir=link, reload_interval="200ms")
    before = 0
    for n in range(4):
        new = g.renew(f"new{n}")
        g.pin(new, grace_s=3600)
        put(new, identity(t, g, f"release{n}"))
        os.symlink(t.path(f"release{n}"), link + ".new")
        os.rename(link + ".new", link)
        wait_live(t, s, new)
        before = before or watches(s)
    assert watches(s) == before > 0, (watches(s), before)


BROKEN = [
    # what is put there, what is said
    ("other_key", "does not belong to certificate"),
    ("cut_certificate", "certificate"),
    ("empty_key", "private key"),
    ("no_certificate", "holds no client certificate"),
    ("unreadable_dpop", "DPoP key"),
    ("expired", "expired"),
    ("unknown_ca", "does not accept the client certificate"),
]


def breaking(t, g, d, how):
    other = g.renew("broken") if how != "expired" else g.renew(
        "broken", not_after=-60, not_before=-3600)
    at = lambda name: os.path.join(d, name)
    if how == "other_key":
        put(other, d, ["key.pem"])
    elif how == "cut_certificate":
        with open(at("cert.pem"), "r+b") as f:
            f.truncate(200)
    elif how == "empty_key":
        with open(at("key.pem"), "wb"):
            pass
    elif how == "no_certificate":
        os.unlink(at("cert.pem"))
    elif how == "unreadable_dpop":
        with open(at("dpop.jwk"), "wb") as f:
            f.write(b"{")
    elif how == "expired":
        put(other, d)
    elif how == "unknown_ca":
        put(g.renew("foreign", issuer="other"), d)


def broken_case(how, said):
    def run(t):
        g = t.gateway()
        d = identity(t, g)
        s = t.sidecar(g, identity_dir=d, reload_interval="500ms")
        before = live(s)
        breaking(t, g, d, how)
        wait_refused(t, s, said)
        assert live(s) == before and reloads(s, "refused") >= 1
        put(g.agent_dir, d, ["cert.pem", "key.pem", "dpop.jwk"])
        t.wait_until(lambda: s.admin("/readyz").body == b"ok\n",
                     what="/readyz names nothing any more")
        assert live(s) == before
    run.__name__ = f"broken_{how}"
    run.__doc__ = f"A set with {how.replace('_', ' ')} is named and not used."
    return run


for row in BROKEN:
    globals()[f"broken_{row[0]}"] = case(broken_case(*row))


@case
def pinned_later(t):
    """A certificate that the gateway does not have on file yet is tried again
    until it has."""
    g = t.gateway()
    d = identity(t, g)
    s = t.sidecar(g, identity_dir=d, auth="cert", reload_interval="500ms")
    new = g.renew("new")
    put(new, d)
    wait_refused(t, s, "another certificate on file", PEERS)
    g.pin(new, grace_s=3600)
    wait_live(t, s, new)


@case
def pinned_before(t):
    """The gateway refuses the old certificate: the new one, which lies there
    already, goes live at once."""
    g = t.gateway()
    d = identity(t, g)
    s = t.sidecar(g, identity_dir=d, auth="cert", reload_interval="1h")
    new = g.renew("new")
    put(new, d)
    wait_refused(t, s, "another certificate on file", PEERS)
    g.pin(new)
    t.wait_until(lambda: s.get(PEERS).status == 200,
                 what="requests are served")
    wait_live(t, s, new)


@case
def expired_while_the_gateway_is_away(t):
    """When the live certificate has ended, a good one is used although the
    gateway cannot be asked."""
    g = t.gateway()
    d = identity(t, g)
    first = g.renew("first", not_after=4)
    g.pin(first, grace_s=3600)
    put(first, d)
    s = t.sidecar(g, identity_dir=d, reload_interval="200ms")
    g.stop()
    put(g.agent_dir, d)
    wait_live(t, s, g.agent_dir)
    s.wait_log("has not confirmed it")
    g.start()
    g.pin(g.agent_dir)
    s.wait_ready()
    assert s.get("/v1/models").status == 200


@case
def expired_without_tokens(t):
    """The same with `auth = cert`: the answer to what was asked before the
    new set went live comes after it."""
    g = t.gateway()
    d = identity(t, g)
    first = g.renew("first", not_after=4)
    g.pin(first, grace_s=3600)
    put(first, d)
    s = t.sidecar(g, identity_dir=d, auth="cert", reload_interval="1h")
    t.wait_until(lambda: "has expired" in s.admin("/readyz").body.decode(),
                 what="the certificate has expired")
    put(g.agent_dir, d)
    wait_live(t, s, g.agent_dir)
    g.pin(g.agent_dir)
    for _ in range(3):
        t.wait_until(lambda: s.get(PEERS).status == 200,
                     what="requests are served")
    assert served_by(g, g.agent_dir)


@case
def end_comes_near(t):
    """The log says when the certificate ends soon, and that it has ended, once
    each."""
    g = t.gateway()
    d = identity(t, g)
    for seconds, said in ((20 * 86400, "ends soon"), (3 * 86400, "ends soon"),
                          (60 * 86400, None)):
        old = s if seconds != 20 * 86400 else None
        put(g.renew(f"for{seconds}", not_after=seconds,
                    not_before=-50 * 86400), d)
        s = t.sidecar(g, identity_dir=d, reload_interval="100ms")
        if old:
            old.stop()
        if said:
            s.wait_log(said)
        s.wait_ready()
        told = [l for l in s.log_lines() if l["msg"] == "ends soon"]
        assert len(told) == (1 if said else 0), told
        assert all("without a restart" in l["cure"] for l in told), told


def both_cas(old, new, out):
    with open(out, "wb") as f:
        for d in (old, new):
            with open(os.path.join(d, "ca.pem"), "rb") as one:
                f.write(one.read())


@case
def organisation_ca_rotates(t):
    """Old and new CA in one file: agents are given it, then the gateway gets
    its new certificates, then agents get theirs; requests are served all the
    time."""
    old, new = t.gateway(), t.gateway(home=init(t, "new-ca"))
    d = identity(t, old)
    config = Config(t, f"gateway-address = 127.0.0.1:{old.port}\n")
    s = t.sidecar(old, config=config.path, gateway_address=None,
                  identity_dir=d, reload_interval="1h")
    both_cas(old.agent_dir, new.agent_dir, os.path.join(d, ".ca"))
    os.rename(os.path.join(d, ".ca"), os.path.join(d, "ca.pem"))
    t.wait_until(lambda: reloads(s, "renewed") == 1, what="both are trusted")
    assert s.get("/v1/models").status == 200
    # The gateway: here another one, at another address.
    put(new.agent_dir, d)
    wait_refused(t, s, "does not accept the client certificate")
    config.write(f"gateway-address = 127.0.0.1:{new.port}\n")
    wait_live(t, s, new.agent_dir)
    assert s.get("/v1/models").status == 200
    assert new.requests() and not s.process.stderr().count("no TLS")
    shutil.copy2(os.path.join(new.agent_dir, "ca.pem"), d)
    t.wait_until(lambda: reloads(s, "renewed") >= 3,
                 what="the old CA is forgotten")
    assert s.get("/v1/models").status == 200


@case
def another_gateway(t):
    """A stream from the gateway before ends there while new requests go to
    the new one."""
    one, two = t.gateway(), t.gateway(home=t.path("two"))
    config = Config(t, f"gateway-address = 127.0.0.1:{one.port}\n")
    s = t.sidecar(one, config=config.path, gateway_address=None,
                  reload_interval="1h")
    for _ in range(3):
        one.control("POST", "/token/expire")
        assert s.get("/v1/models").status == 200
    with s.connect() as c:
        c.request("POST", "/v1/chat/completions", s.authority,
                  [("Content-Type", "application/json"),
                   ("X-Mastio-Events", "20"), ("X-Mastio-Interval-Ms", "60")],
                  b'{"model":"m","stream":true,"messages":'
                  b'[{"role":"user","content":"x"}]}')
        answer = c.begin_answer("POST")
        config.write(f"gateway-address = 127.0.0.1:{two.port}\n")
        t.wait_until(lambda: s.get("/v1/models").status == 200
                     and two.requests(), what="the new one is asked")
        assert c.body(answer).body.rstrip().endswith(b"[DONE]")
    two.control("POST", "/token/expire")
    assert s.get("/v1/models").status == 200
    assert len(one.journal("/v1/chat")) == 1 and not two.journal("/v1/chat")
    config.write("gateway-address = 127.0.0.1:1\n")
    wait_refused(t, s, "could not be used at the gateway")
    assert two.requests()


@case
def refused_where_it_was(t):
    """What the gateway before says of the agent as a whole, after another has
    taken its place, is said to whom asked it and closes nothing there."""
    one, two = t.gateway(), t.gateway(home=t.path("two"))
    config = Config(t, f"gateway-address = 127.0.0.1:{one.port}\n")
    s = t.sidecar(one, config=config.path, gateway_address=None,
                  reload_interval="1h")
    assert s.get("/v1/models").status == 200
    one.fault_json("/v1/egress/", 401, {
        "detail": "agent not registered or deactivated"}, count=1,
        delay_ms=int(t.seconds(3) * 1000))
    with s.connect() as c:
        c.request("GET", "/v1/egress/x", s.authority)
        config.write(f"gateway-address = 127.0.0.1:{two.port}\n")
        t.wait_until(lambda: s.get("/v1/models").status == 200
                     and two.requests(), what="the new one is asked")
        assert c.answer("GET").code == "agent-deactivated"
    for _ in range(4):
        assert s.get("/v1/models").status == 200
    assert s.ready()


@case
def another_login(t):
    """Another base for the login, or another way to log in, is tried before
    it counts: refused, what was live serves on."""
    g = t.gateway()
    config = Config(t, "token-wait = 5s\n")
    s = t.sidecar(g, config=config.path, reload_interval="1h")
    assert s.get("/v1/models").status == 200
    config.write("htu-base = https://wrong.test\n")
    wait_refused(t, s, "not bound to our DPoP key")
    config.write("htu-base = https://mastio.test\n")
    t.wait_until(lambda: reloads(s, "renewed") == 1, what="it is live")
    since = g.last_seq()
    assert s.get("/v1/models").status == 200
    config.write("htu-base = https://mastio.test\nlogin = challenge\n")
    t.wait_until(lambda: reloads(s, "renewed") == 2, what="it is live")
    assert g.journal("/v1/auth/login-challenge", since)
    g.control("POST", "/token/expire")
    assert s.get("/v1/models").status == 200


@case
def not_ours_to_read(t):
    """New files that may not be read are named; once they may be they are
    live."""
    g = t.gateway()
    d = identity(t, g)
    # root that minds the mode of files
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search"
              ) if os.geteuid() == 0 else ()
    s = t.sidecar(g, identity_dir=d, reload_interval="200ms", prefix=prefix)
    new = g.renew("new")
    g.pin(new, grace_s=3600)
    for name in AGENT:
        os.chmod(os.path.join(new, name), 0)
    put(new, d)
    wait_refused(t, s, "Permission denied")
    for name in AGENT:
        os.chmod(os.path.join(d, name), 0o400)
    wait_live(t, s, d)


# ---- on demand ----

def hang_up(s):
    s.process.signal(signal.SIGHUP)


@case
def hangup_without_news(t):
    """SIGHUP looks at once and says what came of it; a storm of them costs no
    login."""
    g = t.gateway()
    s = t.sidecar(g)
    hang_up(s)
    s.wait_log("nothing has changed")
    logins = g.stats()["logins"]
    for _ in range(200):
        hang_up(s)
        assert s.get("/v1/models").status == 200
    assert g.stats()["logins"] == logins
    assert reloads(s, "unchanged") >= 1


@case
def hangup_while_draining(t):
    """What ends is not reloaded, and ends."""
    g = t.gateway()
    d = identity(t, g)
    s = t.sidecar(g, identity_dir=d, drain_delay="60s")
    s.terminate()
    s.wait_log("draining")
    hang_up(s)
    s.wait_log("SIGHUP is ignored while draining")
    assert s.get("/v1/models").status == 200
    s.terminate()
    assert s.wait_exit() == 0


@case
def configuration(t):
    """A key of the file takes effect; one that needs a start is named; a bad
    file changes nothing."""
    g = t.gateway()
    config = Config(t, "token-wait = 5s\n")
    s = t.sidecar(g, config=config.path, reload_interval="1h")
    assert s.get("/v1/models").status == 200
    config.write("deny = GET /v1/models\nmax-clients = 7\n")
    t.wait_until(lambda: s.get("/v1/models").status == 403,
                 what="the rule is in force")
    s.wait_log("max-clients takes effect at the next start")
    logins = g.stats()["logins"]
    config.write("deny = GET /v1/models\nno-such-key = 1\n")
    s.wait_log("no-such-key is not known")
    assert s.get("/v1/models").status == 403
    probe = subprocess.run(
        [t.run.binary("cullis-sidecar"), "healthcheck", "-c", config.path,
         "--admin-listen", "%s:%d" % s.address("admin-listen")],
        capture_output=True, text=True, check=False)
    assert probe.returncode == 0, probe
    assert "no-such-key is not known" in probe.stderr, probe
    config.write("deny = GET /v1/agents\n")
    t.wait_until(lambda: s.get("/v1/models").status == 200,
                 what="the rule is gone")
    assert g.stats()["logins"] == logins
