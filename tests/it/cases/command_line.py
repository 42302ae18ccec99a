"""The command line, the configuration file and the environment."""

import json
import os

from harness import case


@case(once=True)
def help_and_version(t):
    """--help names every key and subcommand; --version the version."""
    code, out, err = t.command("--help")
    assert code == 0 and not err, (code, err)
    for word in ("gateway", "identity-dir", "listen", "workers", "check",
                 "healthcheck", "token-wait", "allow-reserved"):
        assert word in out, word
    code, out, _ = t.command("--version")
    assert code == 0 and out.startswith("cullis-sidecar "), out


@case(once=True)
def unknown_key(t):
    """An unknown key is refused with the nearest name: on the command line,
    in the file with file and line, in the environment."""
    code, _, err = t.command("--identity-dri", "/x")
    assert code in (2, 78) and "identity-dir" in err, (code, err)
    path = t.path("sidecar.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("# comment\n\ngatewya = https://x.test\n")
    code, _, err = t.command("-c", path)
    assert code == 78 and path + ":3" in err and "gateway" in err, (code, err)


@case(once=True)
def unknown_command(t):
    """An unknown command is exit code 2."""
    for args in (["chekc"], ["serve", "what"], ["-x"]):
        code, _, err = t.command(*args)
        assert code == 2 and err, (args, code, err)


@case(once=True)
def bad_values(t):
    """A value that its key does not take is refused, naming the key."""
    for key, value in (("workers", "0"), ("workers", "many"),
                       ("head-timeout", "10"), ("head-timeout", "x"),
                       ("max-head", "-1"), ("listen", "7780"),
                       ("listen", "127.0.0.1:99999"), ("gateway", "mastio"),
                       ("gateway", "http://mastio.test"),
                       ("gateway", "https://m.test/path"),
                       ("login", "sometimes"), ("token-binding", "no"),
                       ("log-format", "xml"), ("listen-mode", "0999")):
        code, _, err = t.command("--" + key, value, "--admin-listen", "none")
        assert code in (2, 78) and key in err, (key, value, code, err)


@case(once=True)
def bad_files(t):
    """A configuration file that is missing, a directory or malformed."""
    for name, text in (("missing", None), ("noequals", "gateway\n"),
                       ("twice", "workers = 1\nworkers = 2\n"),
                       ("section", "[what]\n"), ("nul", "gateway = a\0b\n")):
        path = t.path(name)
        if text is not None:
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        code, _, err = t.command("-c", path)
        assert code in (1, 2, 78) and path in err, (name, code, err)
    code, _, err = t.command("-c", t.dir)
    assert code in (1, 2, 78) and t.dir in err, (code, err)


@case
def order_of_sources(t):
    """A flag beats the environment, that beats the file."""
    g = t.gateway()
    path = t.path("sidecar.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"""# all keys from here
gateway = https://mastio.test:9443
gateway-address = 127.0.0.1:{g.port}
identity-dir = {g.agent_dir}
login = sometimes-is-no-word-but-overridden
listen = 127.0.0.1:0
listen = unix:{t.path("p.sock")}
admin-listen = 127.0.0.1:0
workers = {t.workers}
""".replace("sometimes-is-no-word-but-overridden", "direct"))
    s = t.sidecar(None, gateway=None, listen=None, admin_listen=None,
                  workers=None, log_format=None, config=path,
                  env={"CULLIS_SIDECAR_LOGIN": "challenge"})
    s.wait_ready()
    assert len([k for k, _ in s.addresses() if k == "listen"]) == 2
    assert g.journal("/v1/auth/login-challenge")
    s.stop()
    before = len(g.journal("/v1/auth/login-challenge"))
    s = t.sidecar(None, gateway=None, listen=None, admin_listen=None,
                  workers=None, log_format=None, config=path, login="direct",
                  env={"CULLIS_SIDECAR_LOGIN": "challenge"})
    s.wait_ready()
    assert len(g.journal("/v1/auth/login-challenge")) == before


@case(once=True)
def check_and_identity(t):
    """check and identity print who we are, without network; --json too."""
    g = t.gateway()
    args = ("--identity-dir", g.agent_dir)
    code, out, err = t.command("check", *args)
    assert code == 0, err
    for text in ("orga::bot", "spiffe://cullis.local/orga/bot"):
        assert text in out, out
    assert "memory stays below " in err or "memory may grow to" in err, err
    code, out, _ = t.command("check", "--json", *args)
    said = json.loads(out)
    assert code == 0 and said["ok"] is True, said
    assert said["agent_id"] == "orga::bot", said
    assert said["spiffe_id"] == "spiffe://cullis.local/orga/bot", said
    assert len(said["jkt"]) == 43 and len(said["thumbprint"]) == 64, said
    assert said["expires"] and said["gateway"], said
    assert said["auth"] == "auto", said
    code, out, _ = t.command("identity", "--json", *args)
    assert code == 0 and json.loads(out)["agent_id"] == "orga::bot", out
    s = t.sidecar(g)
    assert s.get("/v1/models").status == 200
    (e,) = g.requests()
    assert e["token"]["cnf"]["jkt"] == said["jkt"]
    assert e["tls"]["client_sha256"] == said["thumbprint"]


@case(once=True)
def key_readable_by_others(t):
    """A key that others may read is a warning that names the command to mend
    it."""
    g = t.gateway()
    os.chmod(os.path.join(g.agent_dir, "key.pem"), 0o644)
    code, _, err = t.command("check", "--identity-dir", g.agent_dir)
    assert code == 0 and "warning" in err and "chmod" in err, (code, err)


@case(once=True)
def check_names_all(t):
    """check says at once what is wrong with the file's keys, with what they
    mean together and with the identity; but nothing of what a key that it
    could not read may have meant."""
    def errors(text, *args):
        path = t.path("sidecar.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        code, out, _ = t.command("check", "--json", "-c", path, *args)
        assert code == 78, (code, out)
        return [f["message"] for f in json.loads(out)["findings"]
                if f["level"] == "error"]

    said = errors(f"gatway = https://mastio.test\nworkers = none\n"
                  "replay-limit = 1m\nreplay-total = 64k\n"
                  "listen = 192.0.2.1:80\n"
                  f"local-token-file = {t.path('no-token')}\n"
                  "upstream-proxy = http://127.0.0.1:3128\n"
                  f"upstream-proxy-auth-file = {t.path('no-password')}\n"
                  f"identity-dir = {t.path('no-identity')}\n")
    for what in ("did you mean gateway", "workers wants", "off loopback",
                 "replay-limit", "no-password", "no-token", "no-identity"):
        assert [s for s in said if what in s], (what, said)
    assert not [s for s in said if "no gateway is known" in s], said

    said = errors("unsafe-lisen = yes\nlisten = 192.0.2.1:80\n"
                  "local-token-file = /x\nupstream-proxy = ftp://x\n"
                  "upstream-proxy-auth-file = /dev/null\n"
                  "identity-dri = /x\n")
    assert len([s for s in said if "did you mean" in s]) == 2, said
    for what in ("off loopback", "of no use", "/etc/cullis"):
        assert not [s for s in said if what in s], (what, said)

    said = errors("a line that is no setting\n")
    assert len(said) == 1, said


@case(once=True)
def bad_runtime_directory(t):
    """What is wrong with RUNTIME_DIRECTORY is said of that."""
    for wrong in ("relative", "/" + 107 * "x"):
        code, _, err = t.command("check", env={"RUNTIME_DIRECTORY": wrong})
        assert code == 78 and "RUNTIME_DIRECTORY: " in err, (code, err)


@case(once=True)
def effective_configuration(t):
    """config prints each key with value and source; --sample a file that can
    be read back."""
    code, out, _ = t.command("config", "--workers", "2",
                             env={"CULLIS_SIDECAR_TOKEN_WAIT": "7s"})
    assert code == 0 and "workers" in out and "7s" in out, out
    code, out, _ = t.command("config", "--sample")
    assert code == 0 and "gateway" in out
    path = t.path("sample.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write(out)
    code, _, err = t.command("config", "-c", path)
    assert code == 0, err
