"""A gateway that cannot be reached, or is not the one that we trust."""

import os
import subprocess

from harness import case
from harness.process import clean_environment

TOKEN = "/v1/auth/token"


def no_token(t, s, *words):
    a = s.get("/v1/models")
    assert (a.status, a.code) == (503, "no-token"), a
    text = (a.error["message"] + a.error["suggestion"]).lower()
    for word in words:
        assert word.lower() in text, (word, a)
    s.wait_log("login failed")
    return a


def other_home(t, name, *args):
    home = t.path(name)
    subprocess.run([t.run.binary("mastio-dev"), "init", home, *args],
                   check=True, env=clean_environment())
    return home


@case
def unreachable_after_login(t):
    """A gateway that went away gives 502 connect-failed that names it.

    END: connect-failed
    """
    g, s = t.pair()
    g.stop()
    a = s.get("/v1/models")
    assert (a.status, a.code) == (502, "connect-failed"), a
    assert "refused" in a.error["message"].lower(), a
    s.wait_end("connect-failed")
    g.start()
    assert s.get("/v1/models").status == 200


@case
def wrong_ca_after_login(t):
    """A gateway that suddenly shows a certificate of another CA gives 502
    tls-failed, and nothing is sent to it.

    END: tls-failed
    """
    g, s = t.pair()
    g.stop()
    g.home = other_home(t, "impostor", "--agent", "orga::bot")
    g.start()
    a = s.get("/v1/models")
    assert (a.status, a.code) == (502, "tls-failed"), a
    s.wait_end("tls-failed")
    assert not g.journal()


@case
def wrong_ca_at_login(t):
    """A gateway of another CA gets neither assertion nor request."""
    g = t.gateway(home=other_home(t, "other", "--agent", "orga::bot"))
    own = os.path.join(t.run.gateway_home, "agent")
    s = t.sidecar(g, wait="listening", identity_dir=own, token_wait="300ms")
    no_token(t, s, "certificate")
    assert not g.journal()


@case
def wrong_name(t):
    """A gateway whose certificate lacks the name that we call it gets
    nothing; the reason names the host."""
    g = t.gateway()
    s = t.sidecar(g, wait="listening", gateway="https://elsewhere.test:9443",
                  token_wait="300ms")
    a = s.get("/v1/models", host="localhost")
    assert (a.status, a.code) == (503, "no-token"), a
    assert "elsewhere.test" in a.error["message"], a
    assert not g.journal()


@case
def certificate_refused_at_login(t):
    """A client certificate of an unknown CA: nginx's 400 page becomes a
    reason in plain words."""
    g = t.gateway()
    d = g.issue("stranger", agent="orga::stranger", issuer="other")
    s = t.sidecar(g, wait="listening", identity_dir=d, token_wait="300ms")
    no_token(t, s, "certificate")


@case
def login_refused_401(t):
    """401 at login: the reason reaches log and agent, and the gateway is not
    hammered."""
    g = t.gateway()
    g.fault_json(TOKEN, 401, {"detail": "sub does not match client cert"},
                 headers={"WWW-Authenticate": 'Bearer realm="mcp-proxy"'})
    s = t.sidecar(g, wait="listening", token_wait="300ms")
    s.wait_log("login failed")
    no_token(t, s, "sub does not match")
    assert len(g.journal(TOKEN)) <= 2


@case
def unknown_agent(t):
    """An agent that the gateway does not know can log in, and is then told
    with 502 agent-deactivated."""
    g = t.gateway()
    d = g.issue("unknown", agent="orga::unknown", register="no")
    s = t.sidecar(g, identity_dir=d)
    a = s.get("/v1/models")
    assert (a.status, a.code) == (502, "agent-deactivated"), a


@case
def not_a_gateway(t):
    """An answer that is no login answer is a reason too."""
    for status, body in ((404, "{}"), (200, "<html>hello</html>"),
                         (302, ""), (500, "oops")):
        g = t.gateway(home=t.path(f"m{status}"))
        g.fault(TOKEN, status=status, body=body, content_type="text/html")
        s = t.sidecar(g, wait="listening", token_wait="300ms")
        no_token(t, s)


@case
def unresolvable_name(t):
    """A gateway name without address: the reason names it."""
    with open(t.path("hosts"), "w", encoding="ascii") as f:
        f.write("127.0.0.1 localhost\n")
    g = t.gateway()
    s = in_own_hosts(t, g, wait="listening", token_wait="300ms")
    no_token(t, s, "gateway.test")


def in_own_hosts(t, g, **options):
    """A sidecar that sees /etc/hosts and nsswitch.conf of the test."""
    with open(t.path("nsswitch"), "w", encoding="ascii") as f:
        f.write("hosts: files\n")
    script = (f"mount --bind {t.path('hosts')} /etc/hosts && "
              f"mount --bind {t.path('nsswitch')} /etc/nsswitch.conf && "
              'exec "$0" "$@"')
    return t.sidecar(g, gateway=f"https://gateway.test:{g.port}",
                     gateway_address=None,
                     prefix=["unshare", "-m", "sh", "-c", script], **options)


def gateway_with_hosts(t, *lines):
    with open(t.path("hosts"), "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in lines))
    return t.gateway(home=other_home(t, "named", "--agent", "orga::bot",
                                     "--names", "gateway.test"))


@case
def name_that_vanishes(t):
    """A name that has no address any more gives 502 resolve-failed.

    END: resolve-failed
    """
    g = gateway_with_hosts(t, "127.0.0.1 gateway.test")
    s = in_own_hosts(t, g)
    with open(t.path("hosts"), "w", encoding="ascii") as f:
        f.write("127.0.0.1 localhost\n")
    a = s.get("/v1/models", host="localhost")
    assert (a.status, a.code) == (502, "resolve-failed"), a
    assert "gateway.test" in a.error["message"], a
    s.wait_end("resolve-failed")


@case
def all_addresses_are_tried(t):
    """Where the first addresses of the name do not answer, the next are
    tried."""
    g = gateway_with_hosts(t, "127.0.0.3 gateway.test",
                           "127.0.0.1 gateway.test", "::1 gateway.test")
    s = in_own_hosts(t, g)
    assert s.get("/v1/models", host="localhost").status == 200
