"""Files that are missing or wrong: one sentence that names the file and what
to do, the right exit code, and no secret in it."""

import json
import os
import shutil
import subprocess

from harness import case

P384_JWK = {"kty": "EC", "crv": "P-384", "x": "A" * 64, "y": "A" * 64,
            "d": "A" * 64}


def path(g, name):
    return os.path.join(g.agent_dir, name)


def write(g, name, text):
    with open(path(g, name), "w", encoding="utf-8") as f:
        f.write(text)


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def refused(t, g, *words, code=78, directory=None, **options):
    """check and serve both refuse, with these words in the sentence."""
    d = directory or g.agent_dir
    flags = ["--identity-dir", d, "--gateway", "https://mastio.test:9443"]
    for key, value in options.items():
        flags += ["--" + key.replace("_", "-"), value]
    for args in (["check", *flags],
                 [*flags, "--listen", "127.0.0.1:0", "--admin-listen",
                  "none"]):
        got, out, err = t.command(*args)
        assert got == code, (args[0], got, err)
        lines = [l for l in err.splitlines() if "error" in l]
        assert lines, err
        for word in words:
            assert any(word in l for l in lines), (word, err)
    assert not g.journal()


@case(once=True)
def missing_directory(t):
    """The identity directory does not exist."""
    refused(t, t.gateway(), t.path("none"), directory=t.path("none"))


@case(once=True)
def directory_is_a_file(t):
    """The identity directory is a file."""
    g = t.gateway()
    refused(t, g, path(g, "cert.pem"), "directory",
            directory=path(g, "cert.pem"))


@case(once=True)
def writable_directory(t):
    """Others may write into the identity directory."""
    g = t.gateway()
    os.chmod(g.agent_dir, 0o777)
    refused(t, g, g.agent_dir, "chmod")


def missing(t, name, *words):
    g = t.gateway()
    os.unlink(path(g, name))
    refused(t, g, *words)


@case(once=True)
def missing_certificate(t):
    """No certificate: the names that it may have are said."""
    missing(t, "cert.pem", "cert.pem", "cert-file")


@case(once=True)
def missing_key(t):
    """No key."""
    missing(t, "key.pem", "agent-key.pem", "key-file")


@case(once=True)
def missing_ca(t):
    """No CA: both cures are named."""
    missing(t, "ca.pem", "ca-file = system", "ca-file")


def empty(t, name):
    g = t.gateway()
    write(g, name, "")
    refused(t, g, path(g, name))


@case(once=True)
def empty_certificate(t):
    """An empty certificate file."""
    empty(t, "cert.pem")


@case(once=True)
def empty_key(t):
    """An empty key file."""
    empty(t, "key.pem")


@case(once=True)
def empty_dpop_key(t):
    """An empty dpop.jwk."""
    empty(t, "dpop.jwk")


@case(once=True)
def empty_agent_file(t):
    """An empty agent.json."""
    empty(t, "agent.json")


@case(once=True)
def empty_ca(t):
    """An empty CA file."""
    empty(t, "ca.pem")


def garbage(t, name):
    g = t.gateway()
    write(g, name, "this is not what it should be\n")
    refused(t, g, path(g, name))


@case(once=True)
def garbage_certificate(t):
    """A certificate file with something else in it."""
    garbage(t, "cert.pem")


@case(once=True)
def garbage_key(t):
    """A key file with something else in it."""
    garbage(t, "key.pem")


@case(once=True)
def garbage_dpop_key(t):
    """A dpop.jwk that is no JSON."""
    garbage(t, "dpop.jwk")


@case(once=True)
def garbage_agent_file(t):
    """An agent.json that is no JSON."""
    garbage(t, "agent.json")


@case(once=True)
def garbage_ca(t):
    """A CA file without a certificate."""
    garbage(t, "ca.pem")


@case(once=True)
def unreadable_key(t):
    """A key that we may not read: exit code 77."""
    g = t.gateway()
    for name in os.listdir(g.agent_dir):
        os.chmod(path(g, name), 0o644)
    os.chmod(path(g, "key.pem"), 0)
    for d in (t.run.dir, t.dir, g.home, g.agent_dir):
        os.chmod(d, 0o755)
    program = t.path("program")
    shutil.copy2(t.run.binary("cullis-sidecar"), program)
    p = subprocess.run(
        [program, "check", "--identity-dir", g.agent_dir],
        capture_output=True, user=65534, group=65534, extra_groups=[],
        check=False)
    assert p.returncode == 77, p
    assert path(g, "key.pem").encode() in p.stderr, p.stderr


@case(once=True)
def certificate_is_a_directory(t):
    """A directory where a file should be."""
    g = t.gateway()
    os.unlink(path(g, "cert.pem"))
    os.mkdir(path(g, "cert.pem"))
    refused(t, g, path(g, "cert.pem"), "directory")


@case(once=True)
def key_is_a_pipe(t):
    """A named pipe does not hold us up."""
    g = t.gateway()
    os.unlink(path(g, "key.pem"))
    os.mkfifo(path(g, "key.pem"))
    refused(t, g, path(g, "key.pem"))


@case(once=True)
def oversized_file(t):
    """A file over 1 MiB is none of ours."""
    g = t.gateway()
    write(g, "ca.pem", "x" * (2 << 20))
    refused(t, g, path(g, "ca.pem"), "1 MiB")


def issued(t, *words, **options):
    g = t.gateway()
    d = g.issue("issued", agent="orga::other", **options)
    refused(t, g, os.path.join(d, "cert.pem"), *words, directory=d)


@case(once=True)
def expired_certificate(t):
    """An expired certificate."""
    issued(t, "expired", not_before=-7200, not_after=-3600)


@case(once=True)
def certificate_of_the_future(t):
    """A certificate that is not valid yet."""
    issued(t, "valid from", not_before=86400, not_after=172800)


@case(once=True)
def certificate_not_for_clients(t):
    """A certificate whose EKU lacks clientAuth."""
    issued(t, "clientAuth", eku="server")


@case(once=True)
def certificate_without_agent(t):
    """A certificate that names no agent."""
    issued(t, "names no agent", san="none", cn="nobody")


@case(once=True)
def certificate_and_key_of_two_agents(t):
    """A key that does not belong to the certificate: both files are
    named."""
    g = t.gateway()
    d = g.issue("other", agent="orga::other")
    shutil.copy2(os.path.join(d, "key.pem"), path(g, "key.pem"))
    refused(t, g, path(g, "key.pem"), path(g, "cert.pem"))


@case(once=True)
def another_agents_metadata(t):
    """agent.json that names another agent than the certificate."""
    g = t.gateway()
    write(g, "agent.json", json.dumps({"agent_id": "orga::impostor"}))
    refused(t, g, path(g, "agent.json"), "orga::impostor", "orga::bot")


@case(once=True)
def key_on_another_curve(t):
    """A P-384 key."""
    g = t.gateway()
    d = g.issue("p384", agent="orga::other", key="p384")
    refused(t, g, d, "P-256", directory=d)


@case(once=True)
def ed25519_key(t):
    """An Ed25519 key."""
    g = t.gateway()
    d = g.issue("ed", agent="orga::other", key="ed25519")
    refused(t, g, d, "P-256", directory=d)


@case(once=True)
def short_rsa_key(t):
    """An RSA key under 2048 bits."""
    g = t.gateway()
    d = g.issue("rsa", agent="orga::other", key="rsa1024")
    refused(t, g, d, "1024", directory=d)


@case(once=True)
def encrypted_key(t):
    """An encrypted key, PKCS#8 and traditional: the command that decrypts it
    is named."""
    g = t.gateway()
    plain = t.path("plain.pem")
    shutil.copy2(path(g, "key.pem"), plain)
    openssl("pkcs8", "-topk8", "-in", plain, "-out", path(g, "key.pem"),
            "-passout", "pass:secret")
    refused(t, g, path(g, "key.pem"), "encrypted", "openssl")
    openssl("ec", "-aes128", "-in", plain, "-out", path(g, "key.pem"),
            "-passout", "pass:secret")
    refused(t, g, path(g, "key.pem"), "encrypted")


def bad_jwk(t, *words, **members):
    g = t.gateway()
    with open(path(g, "dpop.jwk"), encoding="ascii") as f:
        jwk = json.load(f)["private_jwk"]
    jwk.update(members)
    jwk = {k: v for k, v in jwk.items() if v is not None}
    write(g, "dpop.jwk", json.dumps({"private_jwk": jwk}))
    refused(t, g, path(g, "dpop.jwk"), *words)


@case(once=True)
def jwk_on_another_curve(t):
    """A DPoP key on P-384."""
    bad_jwk(t, "P-256", **P384_JWK)


@case(once=True)
def jwk_without_d(t):
    """A public DPoP key."""
    bad_jwk(t, '"d"', d=None)


@case(once=True)
def jwk_off_the_curve(t):
    """A DPoP key whose point is not on the curve."""
    bad_jwk(t, "point", x="A" * 42 + "E")


@case(once=True)
def jwk_in_standard_base64(t):
    """A DPoP key with padding or standard base64."""
    bad_jwk(t, "base64url", x="+/" + "A" * 41)


@case(once=True)
def jwk_of_two_keys(t):
    """A DPoP key whose d does not belong to its point."""
    bad_jwk(t, '"d"', d="AQ")


def differing(t, name, other, content):
    g = t.gateway()
    write(g, other, content(g))
    refused(t, g, path(g, name), path(g, other))


@case(once=True)
def differing_keys(t):
    """Two copies of the key that differ."""
    def content(g):
        with open(os.path.join(g.home, "server", "key.pem"),
                  encoding="ascii") as f:
            return f.read()
    differing(t, "key.pem", "agent-key.pem", content)


@case(once=True)
def differing_certificates(t):
    """Two certificates that differ."""
    def content(g):
        with open(os.path.join(g.home, "server", "cert.pem"),
                  encoding="ascii") as f:
            return f.read()
    differing(t, "cert.pem", "agent.crt", content)


@case(once=True)
def differing_ca(t):
    """Two CA files that differ."""
    def content(g):
        with open(os.path.join(g.home, "pki", "root.pem"),
                  encoding="ascii") as f:
            return f.read()
    differing(t, "ca.pem", "org-ca.pem", content)


@case(once=True)
def differing_metadata(t):
    """agent.json and metadata.json that name different gateways."""
    differing(t, "agent.json", "metadata.json",
              lambda g: json.dumps({"agent_id": "orga::bot",
                                    "site_url": "https://else.test"}))


@case(once=True)
def no_gateway(t):
    """No gateway anywhere: the key and the file are named."""
    g = t.gateway()
    os.unlink(path(g, "agent.json"))
    code, _, err = t.command("check", "--identity-dir", g.agent_dir)
    assert code == 78 and "gateway" in err and "agent.json" in err, err


@case(once=True)
def gateway_of_agent_json_is_not_https(t):
    """A mastio_url that is not https is refused, naming the file or the
    member."""
    g = t.gateway()
    write(g, "agent.json", json.dumps({"agent_id": "orga::bot",
                                       "mastio_url": "http://mastio.test"}))
    code, _, err = t.command("check", "--identity-dir", g.agent_dir)
    assert code == 78 and "https" in err, (code, err)


@case(once=True)
def malformed_agent_id(t):
    """agent-id that is not org::name."""
    g = t.gateway()
    refused(t, g, "agent-id", agent_id="nobody")


@case(once=True)
def named_file_is_missing(t):
    """A file named by a key that is not there."""
    g = t.gateway()
    for key in ("cert_file", "key_file", "dpop_key_file", "agent_file",
                "ca_file", "chain_file"):
        refused(t, g, t.path("missing.pem"), **{key: t.path("missing.pem")})
