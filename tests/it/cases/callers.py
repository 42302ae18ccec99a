"""Who may use the sidecar: by uid, by token; and what for: allow and deny."""

import base64
import contextlib
import os
import shutil
import socket
import tempfile

from harness import case, netns
from harness.gateway import NAME
from harness.http import Client, request_bytes
from harness.origin import Origin, read_head

OTHER = 4711  # a uid without a name
DAEMON = 1  # its own group is @daemon, on every system
TOKEN = "0123456789abcdef0123456789abcdef"
ROOT = os.geteuid() == 0


@contextlib.contextmanager
def user(uid):
    """Sockets made here belong to uid; without root they stay ours."""
    if ROOT:
        os.seteuid(uid)
    try:
        yield uid if ROOT else os.getuid()
    finally:
        if ROOT:
            os.seteuid(0)


def connect_as(t, s, uid, n=0):
    """(uid that it is, the connection)"""
    address = s.address("listen", n)
    with user(uid) as real:
        return real, Client(address, t.seconds(15), t.seen)


def get_as(t, s, uid, n=0):
    """(uid that it was, the answer)"""
    real, c = connect_as(t, s, uid, n)
    with c:
        c.request("GET", "/v1/models", NAME)
        return real, c.answer()


@contextlib.contextmanager
def open_directory():
    """Where others may look for a socket."""
    path = tempfile.mkdtemp(prefix="cullis-it-")
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def token_file(t, text=TOKEN + "\n", mode=0o600):
    path = t.path("local-token")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@case
def by_uid(t):
    """allow-uid lets its users in, on TCP and on a Unix socket; others get 403
    and nothing of theirs reaches the gateway.  The access line names the uid.

    END: caller-refused
    """
    allowed = OTHER if ROOT else os.getuid()
    g = t.gateway()
    with open_directory() as directory:
        s = t.sidecar(g, allow_uid=f"{allowed},@daemon", listen_mode="0666",
                      listen=["127.0.0.1:0", "[::1]:0",
                              f"unix:{directory}/p.sock"])
        for n in range(3):
            for uid in (OTHER, DAEMON, OTHER + 1, 0):
                real, a = get_as(t, s, uid, n=n)
                ok = real in (allowed, DAEMON)
                assert a.status == (200 if ok else 403), (n, real, a)
                assert a.code == (None if ok else "caller-refused"), a
                line = s.wait_end("ok" if ok else "caller-refused")
                t.wait_until(lambda: s.access_lines()[-1]["caller_uid"] == real,
                             what=f"a line names uid {real}")
        assert "every local user" not in s.process.stderr()
        refused = sum(l["end"] == "caller-refused" for l in s.access_lines())
        assert refused == (6 if ROOT else 0), refused
        assert len(g.requests()) == 12 - refused
        assert s.metrics()['denied_total{reason="caller-refused"}'] == refused


@case
def refused_caller_is_told_whose_it_is(t):
    """The refusal says the uid, and the connection is closed."""
    g, s = t.pair(allow_uid=OTHER + 1)
    real, c = connect_as(t, s, OTHER)
    with c:
        c.request("GET", "/v1/models", NAME)
        a = c.answer()
        assert a.status == 403 and f"uid {real}" in a.error["message"], a
        assert "allow-uid" in a.error["suggestion"], a
        assert c.ends()


@case
def gone_before_it_is_looked_at(t):
    """A caller that sends and closes at once is reported as uid 0 by the
    kernel; it is not taken for root."""
    g, s = t.pair(allow_uid="root" if ROOT else OTHER)
    request = request_bytes("POST", "/v1/egress/x", NAME, body=b"{}")
    address = s.address()
    for _ in range(60):
        with user(OTHER), socket.create_connection(address) as c:
            c.sendall(request)
    _, a = get_as(t, s, 0)
    assert a.status == (200 if ROOT else 403), a
    assert [e["path"] for e in g.requests()] == ["/v1/models"] * ROOT


@case
def nobody_is_anybody(t):
    """uid 65534 is what a user namespace makes of users that it does not map:
    it cannot be allowed, and its requests have no caller_uid."""
    g = t.gateway()
    code, _, err = t.command("check", "--allow-uid", "nobody")
    assert code == 2 and "allow-uid" in err and "nobody" in err, err
    s = t.sidecar(g, allow_uid=OTHER)
    real, a = get_as(t, s, 65534)
    assert a.status == 403, a
    if real == 65534:
        assert "does not say whose" in a.error["message"], a
        assert "caller_uid" not in s.wait_end("caller-refused")


@case
def caller_uid_without_rules(t):
    """The access line names the uid without allow-uid too."""
    g, s = t.pair()
    for uid in (OTHER, 0):
        real, a = get_as(t, s, uid)
        assert a.status == 200
        t.wait_until(lambda: [l for l in s.access_lines()
                              if l.get("caller_uid") == real],
                     what=f"a line names uid {real}")


@case
def unknown_users(t):
    """allow-uid names the user or group that does not exist; exit code 78 in
    the file, 2 on the command line."""
    config = t.path("conf")
    for name in ("no-such-user", "@no-such-group", "65534", "x y"):
        with open(config, "w", encoding="ascii") as f:
            f.write(f"allow-uid = {name}\n")
        code, _, err = t.command("-c", config)
        assert code == 78 and f'"{name}"' in err and ":1:" in err, err


@case
def by_token(t):
    """With local-token-file requests show the token in one of four ways, else
    407 with a challenge; the gateway never sees it.

    END: local-token-required
    """
    g, s = t.pair(local_token_file=token_file(t))
    good = ({"Proxy-Authorization": basic("any:" + TOKEN)},
            {"Proxy-Authorization": basic(TOKEN + ":")},
            {"Proxy-Authorization": "Bearer " + TOKEN},
            {"Authorization": "Bearer " + TOKEN},
            {"X-API-Key": TOKEN})
    bad = ({}, {"Authorization": "Bearer sk-placeholder"},
           {"Proxy-Authorization": basic("any:" + TOKEN[:-1])},
           {"Proxy-Authorization": basic(TOKEN)},
           {"Proxy-Authorization": "Digest " + TOKEN},
           {"X-API-Key": TOKEN + "0"}, {"X-Api-Token": TOKEN})
    with s.connect() as c:
        for fields in bad + good + bad:
            c.request("POST", "/v1/egress/x?bytes=1", s.authority, fields,
                      b"{}")
            a = c.answer()
            if fields in good:
                assert a.status == 200, (fields, a)
                continue
            assert (a.status, a.code) == (407, "local-token-required"), a
            assert a.all("Proxy-Authenticate") == [
                'Basic realm="cullis-sidecar"'], a
            # Its body was not read: the next one needs a new connection.
            c.close()
            c = s.connect()
    assert len(g.requests()) == len(good)
    for e in g.requests():
        assert TOKEN not in str(e["headers"]), e
        assert e["agent_id"] == "orga::bot"
    s.wait_end("local-token-required", 2 * len(bad))
    assert "every local user" not in s.process.stderr()
    assert TOKEN not in s.process.stderr()


@case
def token_of_connect(t):
    """CONNECT shows the token; requests inside of its tunnel need not."""
    g, s = t.pair(local_token_file=token_file(t))
    with s.connect() as c:
        c.request("CONNECT", NAME + ":80", NAME + ":80")
        assert c.answer("CONNECT").status == 407
    with s.connect() as c:
        c.request("CONNECT", NAME + ":80", NAME + ":80",
                  {"Proxy-Authorization": basic("agent:" + TOKEN)})
        assert c.answer("CONNECT").status == 200
        for _ in range(3):
            c.request("GET", "/v1/models", NAME)
            assert c.answer().status == 200
    assert len(g.requests()) == 3


@case
def token_stays_here(t):
    """In none of the forms in which it is shown does the local token reach the
    gateway or a pass-through host, not even with allow-header; what the agent
    says to that host itself does."""
    heads = []

    def serve(sock):
        head, _ = read_head(sock)
        heads.append(head.decode())
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                     b"Connection: close\r\n\r\n")

    netns.enter()
    origin = Origin(t, serve, netns.ADDRESS)
    g, s = t.pair(local_token_file=token_file(t),
                  pass_through=origin.authority,
                  allow_header=["Authorization", "X-API-Key"])
    forms = [("Proxy-Authorization", basic("any:" + TOKEN)),
             ("Proxy-Authorization", basic(TOKEN + ":")),
             ("Proxy-Authorization", "Bearer " + TOKEN),
             ("Authorization", "Bearer " + TOKEN), ("X-API-Key", TOKEN)]
    for name, value in forms:
        own = "Authorization" if name != "Authorization" else "X-API-Key"
        fields = [(name, value), (own, "mine"), ("X-Mine", "mine")]
        assert s.get("/v1/models", fields).status == 200
        assert s.get(f"http://{origin.authority}/a", fields).status == 200
        assert f"{own}: mine" in heads[-1], heads[-1]
        with s.connect() as c:
            c.request("CONNECT", origin.authority, "x", fields)
            assert c.answer("CONNECT").status == 200
            c.request("GET", "/b", "x")
            assert c.answer().status == 200
    # Two fields may show it at once, one of them in another form or in a
    # place where nobody looks.
    for second in (("Authorization", basic("any:" + TOKEN)),
                   ("Api-Key", TOKEN), ("X-Token", "Bearer " + TOKEN)):
        both = [forms[2], second]
        assert s.get(f"http://{origin.authority}/c", both).status == 200
        assert s.get("/v1/models", both).status == 200
    origin.check()
    assert len(heads) == 2 * len(forms) + 3
    assert len(g.requests()) == len(forms) + 3
    words = [TOKEN] + [basic(w).split()[1] for w in ("any:" + TOKEN,
                                                     TOKEN + ":")]
    for text in heads + [str(e["headers"]) for e in g.requests()]:
        assert not [w for w in words if w in text], text
        assert "Proxy-Authorization" not in text, text


@case(once=True)
def off_loopback_refused(t):
    """An address off loopback needs both unsafe-listen and local-token-file,
    and the refusal says so."""
    g = t.gateway()
    tokens = token_file(t)
    for host in ("0.0.0.0", "[::]", "192.0.2.1", "[::ffff:192.0.2.1]"):
        for more in ([], ["--unsafe-listen", "yes"],
                     ["--local-token-file", tokens],
                     ["--unsafe-listen", "no", "--local-token-file", tokens]):
            code, _, err = t.command(
                "--gateway", "https://mastio.test", "--identity-dir",
                g.agent_dir, "--admin-listen", "none", *more, "--listen",
                host + ":0")
            said = ("cullis-sidecar: error: --listen: listen is off loopback "
                    f"({host.strip('[]')}), where anybody who can connect "
                    "would act as the agent: use 127.0.0.1 or a Unix socket, "
                    "or set both unsafe-listen = yes and local-token-file\n")
            assert code in (2, 78) and said in err, (host, more, code, err)


@case
def off_loopback_with_a_token(t):
    """unsafe-listen and local-token-file together open an address off
    loopback, to those who show the token."""
    g, s = t.pair(listen="0.0.0.0:0", unsafe_listen="yes",
                  local_token_file=token_file(t))
    address = ("127.0.0.1", s.port)
    for host, fields, status in (
            ("192.0.2.1:%d" % s.port, {"X-API-Key": TOKEN}, 200),
            ("127.0.0.1:%d" % s.port, {"X-API-Key": TOKEN}, 200),
            ("127.0.0.1:%d" % s.port, {}, 407),
            ("evil.test:%d" % s.port, {"X-API-Key": TOKEN}, 403)):
        with Client(address, t.seconds(15)) as c:
            c.request("GET", "/v1/models", host, fields)
            assert c.answer().status == status, (host, fields)
    assert len(g.requests()) == 2


@case
def bad_token_files(t):
    """A token file that is missing, short or not one line of text ends the
    start with 78, and check says the same; one that others may read is a
    warning.  None of its text is printed."""
    g = t.gateway()
    for text, mode, said in ((None, 0, "does not exist"),
                             ("too-short", 0o600, "9 characters"),
                             (TOKEN + "\n" + TOKEN, 0o600, "one line"),
                             ("\u00e9" * 20, 0o600, "visible ASCII"),
                             (TOKEN, 0o666, "chmod o-w")):
        path = t.path("missing") if text is None else token_file(t, text, mode)
        for command in ("serve", "check"):
            code, out, err = t.command(
                command, "--gateway", "https://mastio.test:9443",
                "--identity-dir", g.agent_dir, "--listen", "127.0.0.1:0",
                "--admin-listen", "none", "--local-token-file", path)
            assert code == 78, (said, code, err)
            assert said in err and path in err, err
            assert text is None or text[:8] not in out + err
    s = t.sidecar(g, local_token_file=token_file(t, mode=0o644))
    assert "local-token" in s.process.stderr()
    assert "everybody" in s.process.stderr()


@case
def rules(t):
    """deny wins over allow; with an allow rule, what none names is refused.
    What the gateway gets is what the rules were asked about.

    END: access-denied
    """
    g, s = t.pair(allow=["GET /v1/tools", "* /v1/models"],
                  deny=["* /v1/tools/secret", "DELETE /"])
    passing = (("GET", "/v1/tools/a"), ("GET", "/v1/tools/a%2Fb"),
               ("GET", "/v1/tools/a;b=c"), ("GET", "/%761/tools/a"),
               ("GET", "/v1/tools/a%20b?x=/v1/tools/secret"),
               ("POST", "/v1/models"), ("GET", "/v1/tools/secrets"))
    refused = (("POST", "/v1/tools/a"), ("GET", "/v1/tools2"),
               ("GET", "/v1%2Ftools/a"), ("GET", "/v1;x/tools/a"),
               ("GET", "/V1/tools/a"), ("GET", "/v1/agents"), ("GET", "/"),
               ("HEAD", "/v1/tools/a"), ("DELETE", "/v1/models"),
               ("GET", "/v1/tools/secret"), ("GET", "/v1/tools/secret/x"),
               ("GET", "/v1/tools/SECRET"), ("GET", "/v1/tools/%73ecret"),
               ("GET", "/v1/tools/secret;x"), ("GET", "/v1/tools;x/secret"),
               ("GET", "/v1/tools/%2Fsecret"), ("GET", "/v1/tools%2Fsecret"))
    ambiguous = ("/v1/tools/x/../secret", "/v1/tools/x/%2e%2e/secret",
                 "/v1/tools/x%2F..%2Fsecret", "/v1/tools/..;/tools/secret",
                 "/v1/tools//secret", "/v1/tools/x%5C..%5Csecret",
                 "/v1/tools/%c0%aesecret", "/v1/tools/%2573ecret",
                 "/v1/tools/secret%00")
    for method, path in passing:
        for target in (path, f"http://{NAME}{path}"):
            a = s.request(method, target)
            assert a.code is None, (method, target, a)
    got = [e["path"] + ("?" + e["query"] if e.get("query") else "")
           for e in g.requests()]
    assert len(got) == 2 * len(passing), got
    for method, path in refused:
        for target in (path, f"http://{NAME}{path}"):
            a = s.request(method, target)
            assert (a.status, a.code) == (403, "access-denied"), (
                method, target, a)
    for path in ambiguous:
        a = s.get(path)
        assert a.status == 400, (path, a)
    assert len(g.requests()) == 2 * len(passing)
    a = s.request("DELETE", "/v1/models")
    assert "deny = DELETE /" in a.error["message"], a
    a = s.get("/v1/agents")
    assert "no allow rule" in a.error["message"], a
    s.wait_end("access-denied", 2 * len(refused) + 2)
    assert (s.metrics()['denied_total{reason="access-denied"}']
            == 2 * len(refused) + 2)


@case
def rules_are_for_the_gateway(t):
    """allow and deny speak of the gateway's paths: a pass-through host is
    allowed by being named, whatever the path and the method."""
    seen = []

    def serve(sock):
        head, _ = read_head(sock)
        seen.append(head.decode().split("\r\n")[0])
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                     b"Connection: close\r\n\r\n")

    netns.enter()
    origin = Origin(t, serve, netns.ADDRESS)
    g, s = t.pair(pass_through=origin.authority, allow="GET /v1/models",
                  deny=["* /denied", "CONNECT /"])
    assert s.get("/denied").code == "access-denied"
    assert s.get("/other").code == "access-denied"
    for path in ("/denied", "/other", "/v1/auth/token", "/a/../denied"):
        a = s.get(f"http://{origin.authority}{path}")
        assert a.status == 200 and not a.code, (path, a)
        assert seen[-1] == f"GET {path} HTTP/1.1", seen
    with s.connect() as c:
        c.request("CONNECT", origin.authority, origin.authority)
        assert c.answer("CONNECT").status == 200
        c.request("DELETE", "/denied", "x")
        assert c.answer().status == 200
    origin.check()
    assert seen[-1] == "DELETE /denied HTTP/1.1", seen
    assert not g.requests()


@case
def rules_inside_a_tunnel(t):
    """Rules judge what is inside of a CONNECT tunnel."""
    g, s = t.pair(allow="GET /v1/models")
    with s.connect() as c:
        c.request("CONNECT", NAME + ":80", NAME + ":80")
        assert c.answer("CONNECT").status == 200
        c.request("GET", "/v1/models", NAME)
        assert c.answer().status == 200
        c.request("GET", "/v1/agents", NAME)
        assert c.answer().code == "access-denied"


@case
def opened_fields(t):
    """allow-header lets what it names through, and nothing else; never what
    the sidecar vouches for itself."""
    g, s = t.pair(allow_header=["Cookie", "X-Cullis-Mine"])
    s.get("/v1/models", {"Cookie": "a=b", "X-Cullis-Mine": "1",
                         "X-Cullis-Other": "2", "X-API-Key": "k",
                         "X_Cullis_Mine": "3"})
    (e,) = g.requests()
    names = [n for n, _ in e["headers"]]
    assert "Cookie" in names and "X-Cullis-Mine" in names, names
    for name in ("X-Cullis-Other", "X-API-Key", "X_Cullis_Mine"):
        assert name not in names, names
    for name in ("DPoP", "X-SSL-Client-Cert", "X-Forwarded-For", "Host",
                 "Connection", "Proxy-Authorization", "X-HTTP-Method"):
        code, _, err = t.command("check", "--allow-header", name)
        assert code == 2 and f'"{name}"' in err, (name, err)


@case
def a_users_token(t):
    """With allow-header = Authorization a user's gateway token goes through in
    place of ours, without a proof; a placeholder key does not."""
    g, s = t.pair(allow_header="Authorization")
    value = "Bearer culk_" + "a" * 52
    s.get("/v1/models", {"Authorization": value})
    s.get("/v1/models", {"Authorization": "Bearer sk-placeholder"})
    user_s, ours = g.requests()
    headers = [(n.lower(), v) for n, v in user_s["headers"]]
    assert ("authorization", value) in headers, headers
    assert [n for n, _ in headers].count("authorization") == 1
    assert "dpop" not in [n for n, _ in headers]
    assert ours["token"] and ours["proof"]


@case
def two_at_one_socket(t):
    """Of two sidecars with the same Unix socket the second one ends with 1 and
    the first one serves on; after a crash the socket is taken over; at the end
    nothing is left."""
    g = t.gateway()
    path = t.path("p.sock")
    first = t.sidecar(g, listen="unix:" + path)
    code, _, err = t.command(
        "--gateway", "https://mastio.test:9443", "--identity-dir", g.agent_dir,
        "--listen", "unix:" + path, "--admin-listen", "none")
    assert code == 1 and path in err and "another program" in err, err
    assert first.get("/v1/models", host="x").status == 200
    first.process.kill()
    first.stopped = True
    assert os.path.exists(path)
    second = t.sidecar(g, listen="unix:" + path)
    assert second.get("/v1/models", host="x").status == 200
    second.stop()
    assert not [n for n in os.listdir(t.dir) if n.startswith("p.sock")]


@case
def old_one_leaves_the_new_socket_alone(t):
    """A sidecar whose socket file was replaced does not remove the new one."""
    g = t.gateway()
    path = t.path("p.sock")
    s = t.sidecar(g, listen="unix:" + path)
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        s.stop()
        assert os.path.exists(path)
