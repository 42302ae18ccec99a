"""Identity directories as the various enrolments leave them."""

import json
import os
import shutil

from harness import case
from harness import p256
from harness.gateway import NAME

URL = f"https://{NAME}:9443"


def layout(t, g, names, **documents):
    """Copies the agent's items under other names, and writes documents."""
    d = t.path("layout")
    os.mkdir(d, 0o755)
    for item, name in names.items():
        shutil.copy2(os.path.join(g.agent_dir, item), os.path.join(d, name))
    for name, content in documents.items():
        with open(os.path.join(d, name.replace("__", ".")), "w",
                  encoding="utf-8") as f:
            json.dump(content, f)
    return d


def serves(t, g, directory, **options):
    s = t.sidecar(g, identity_dir=directory, **options)
    a = s.get("/v1/models")
    assert a.status == 200, a
    (e,) = g.requests()
    assert e["agent_id"] == "orga::bot", e
    return s


@case
def quickstart(t):
    """cert.pem, agent-key.pem, dpop.jwk."""
    g = t.gateway()
    serves(t, g, layout(t, g, {"cert.pem": "cert.pem", "ca.pem": "ca.pem",
                               "key.pem": "agent-key.pem",
                               "dpop.jwk": "dpop.jwk"}))


@case
def admin_minted(t):
    """cert.pem and agent-key.pem without dpop.jwk and metadata."""
    g = t.gateway()
    serves(t, g, layout(t, g, {"cert.pem": "cert.pem", "ca.pem": "ca.pem",
                               "key.pem": "agent-key.pem"}))


@case
def sdk_enrolment(t):
    """agent.json names the gateway: no gateway key is needed."""
    g = t.gateway()
    d = layout(t, g, {n: n for n in ("cert.pem", "key.pem", "dpop.jwk",
                                     "ca.pem")},
               agent__json={"agent_id": "orga::bot", "org_id": None,
                            "mastio_url": URL})
    serves(t, g, d, gateway=None)


@case
def sdk_device_code(t):
    """agent.crt, agent.key, dpop.jwk, meta.json, ca-chain.pem."""
    g = t.gateway()
    d = layout(t, g, {"cert.pem": "agent.crt", "key.pem": "agent.key",
                      "dpop.jwk": "dpop.jwk", "ca.pem": "ca-chain.pem"},
               meta__json={"agent_id": "orga::bot", "capabilities": [],
                           "enrolled_at": "2026-05-20T10:00:00+00:00",
                           "mastio_url": URL})
    serves(t, g, d, gateway=None)


@case
def connector(t):
    """agent.crt, agent.key, ca-chain.pem, metadata.json with site_url, found
    through CULLIS_CONFIG_DIR."""
    g = t.gateway()
    d = layout(t, g, {"cert.pem": "agent.crt", "key.pem": "agent.key",
                      "dpop.jwk": "dpop.jwk", "ca.pem": "ca-chain.pem"},
               metadata__json={"agent_id": "orga::bot",
                               "capabilities": ["kyc.read"], "site_url": URL,
                               "issued_at": "2026-05-20T10:00:00+00:00"})
    config = t.path("config")
    os.mkdir(config, 0o755)
    os.rename(d, os.path.join(config, "identity"))
    serves(t, g, None, gateway=None, env={"CULLIS_CONFIG_DIR": config})


@case
def connector_profile(t):
    """CULLIS_PROFILE names ~/.cullis/profiles/NAME/identity; CULLIS_SITE_URL
    the gateway."""
    g = t.gateway()
    d = layout(t, g, {"cert.pem": "agent.crt", "key.pem": "agent.key",
                      "ca.pem": "ca-chain.pem"})
    home = t.path("home")
    os.makedirs(os.path.join(home, ".cullis/profiles/work"))
    os.rename(d, os.path.join(home, ".cullis/profiles/work/identity"))
    serves(t, g, None, gateway=None,
           env={"CULLIS_PROFILE": "work", "HOME": home,
                "CULLIS_SITE_URL": URL})


@case
def systemd_credentials(t):
    """$CREDENTIALS_DIRECTORY with files of mode 0400."""
    g = t.gateway()
    d = layout(t, g, {n: n for n in ("cert.pem", "key.pem", "dpop.jwk",
                                     "agent.json", "ca.pem")})
    for name in os.listdir(d):
        os.chmod(os.path.join(d, name), 0o400)
    os.chmod(d, 0o500)
    serves(t, g, None, env={"CREDENTIALS_DIRECTORY": d})


@case
def spiffe_helper(t):
    """svid.pem, svid_key.pem, svid_bundle.pem."""
    g = t.gateway()
    serves(t, g, layout(t, g, {"cert.pem": "svid.pem",
                               "key.pem": "svid_key.pem",
                               "ca.pem": "svid_bundle.pem"}))


@case
def spiffe_helper_other_spelling(t):
    """svid-key.pem, spire-bundle.pem."""
    g = t.gateway()
    serves(t, g, layout(t, g, {"cert.pem": "svid.pem",
                               "key.pem": "svid-key.pem",
                               "ca.pem": "spire-bundle.pem"}))


@case
def bundle_export(t):
    """org-ca.pem, as the Mastio bundle exports it."""
    g = t.gateway()
    serves(t, g, layout(t, g, {"cert.pem": "cert.pem", "key.pem": "key.pem",
                               "ca.pem": "org-ca.pem"}))


@case
def kubernetes_secret(t):
    """A Secret's symbolic links are followed."""
    g = t.gateway()
    d = t.path("secret")
    os.mkdir(d, 0o755)
    shutil.copytree(g.agent_dir, os.path.join(d, "..2026_01_01"))
    os.symlink("..2026_01_01", os.path.join(d, "..data"))
    for name in os.listdir(g.agent_dir):
        os.symlink(os.path.join("..data", name), os.path.join(d, name))
    serves(t, g, d)


@case
def single_files(t):
    """cert-file, key-file, dpop-key-file, agent-file and ca-file name the
    files one by one."""
    g = t.gateway()
    d = g.agent_dir
    serves(t, g, None,
           cert_file=os.path.join(d, "cert.pem"),
           key_file=os.path.join(d, "key.pem"),
           dpop_key_file=os.path.join(d, "dpop.jwk"),
           agent_file=os.path.join(d, "agent.json"),
           ca_file=os.path.join(d, "ca.pem"))


@case
def equal_copies(t):
    """Two equal copies of one item are fine."""
    g = t.gateway()
    shutil.copy2(os.path.join(g.agent_dir, "key.pem"),
                 os.path.join(g.agent_dir, "agent-key.pem"))
    serves(t, g, g.agent_dir)


@case
def flat_jwk(t):
    """dpop.jwk without the private_jwk wrapper."""
    g = t.gateway()
    path = os.path.join(g.agent_dir, "dpop.jwk")
    with open(path, encoding="ascii") as f:
        inner = json.load(f)["private_jwk"]
    with open(path, "w", encoding="ascii") as f:
        json.dump(inner, f)
    serves(t, g, g.agent_dir)


@case
def short_coordinates(t):
    """Coordinates without their leading zero bytes are padded: the thumbprint
    is that of the padded key, and the gateway accepts it."""
    g = t.gateway()
    for member in "xy":
        key = p256.key_with_short(member)
        with open(os.path.join(g.agent_dir, "dpop.jwk"), "w",
                  encoding="ascii") as f:
            json.dump({"private_jwk": p256.jwk(key, padded=False)}, f)
        s = t.sidecar(g)
        assert s.get("/v1/models").status == 200
        e = g.requests()[-1]
        assert e["token"]["cnf"]["jkt"] == p256.thumbprint(key), e
