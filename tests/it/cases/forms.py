"""The forms in which agents ask for the gateway."""

import os
import subprocess

from harness import case
from harness.gateway import NAME
from harness.process import clean_environment

HELLO = "hello sidecar"


def content(answer):
    assert answer.status == 200, answer
    return answer.json["choices"][0]["message"]["content"]


@case
def absolute_form_http(t):
    """http://GATEWAY/… as http_proxy clients send it is answered by the
    gateway, over mTLS, with a bound token and a proof.

    END: ok
    """
    g, s = t.pair()
    for authority in (NAME, NAME + ":80", NAME + ":9443", NAME + ":443",
                      NAME.upper(), "user:pw@" + NAME):
        a = s.get(f"http://{authority}/v1/models",
                  host=authority.rpartition("@")[2])
        if "@" in authority:
            assert a.status == 400, a
            continue
        assert a.status == 200, (authority, a)
        assert a.json["object"] == "list"
    entries = g.requests()
    assert len(entries) == 5
    for e in entries:
        assert e["target"] == "/v1/models", e
        assert e["auth"] == "token" and e["agent_id"] == "orga::bot", e
        assert e["tls"]["client_sha256"] and e["token"]["cnf"]["jkt"], e
    assert s.wait_end("ok")["status"] == 200


@case
def absolute_form_https(t):
    """https://GATEWAY/… in plain text, which axios sends, is served too."""
    g, s = t.pair()
    a = s.get(f"https://{NAME}:9443/v1/models", host=NAME)
    assert a.status == 200, a
    assert g.requests()[0]["target"] == "/v1/models"


@case
def absolute_form_decides_over_host(t):
    """The authority of an absolute-form target counts, not the Host field
    beside it (RFC 9112 section 3.2.2)."""
    g, s = t.pair()
    assert s.get(f"http://{NAME}/v1/models", host="other.test").status == 200
    a = s.get("http://other.test/v1/models", host=NAME)
    assert a.status == 421, a
    assert len(g.requests()) == 1


@case
def absolute_form_without_path(t):
    """http://GATEWAY asks for the root; its query stays."""
    g, s = t.pair()
    s.get(f"http://{NAME}", host=NAME)
    s.get(f"http://{NAME}?a=b", host=NAME)
    assert [e["target"] for e in g.requests()] == ["/", "/?a=b"]


@case
def origin_form_by_listener_address(t):
    """A base URL that is the sidecar's address works, with and without port,
    and so does localhost."""
    g, s = t.pair()
    for host in (s.authority, "127.0.0.1", "localhost",
                 f"localhost:{s.port}", "LOCALHOST"):
        assert s.get("/v1/models", host=host).status == 200, host
    assert len(g.requests()) == 5


@case
def origin_form_by_gateway_name(t):
    """In origin-form a gateway name is a good Host without port, with 80, 443
    and the gateway's own port, and with no other."""
    g, s = t.pair()
    for port in ("", ":80", ":443", ":9443"):
        assert s.get("/v1/models", host=NAME + port).status == 200, port
    a = s.get("/v1/models", host=NAME + ":9444")
    assert (a.status, a.code) == (403, "host-refused"), a
    assert len(g.requests()) == 4


@case
def unix_socket(t):
    """A Unix socket serves any Host, since no web page can reach it."""
    path = t.path("proxy.sock")
    g, s = t.pair(listen=["unix:" + path])
    assert ("listen", "unix:" + path) in s.addresses()
    for host in ("localhost", "whatever.test:99", NAME):
        assert s.get("/v1/models", host=host).status == 200, host
    assert s.get(f"http://{NAME}/v1/models", host=NAME).status == 200
    assert s.get("http://other.test/v1/models", host=NAME).status == 421
    assert len(g.requests()) == 4


@case
def several_listeners(t):
    """All listeners serve at once: two on TCP and one on a Unix socket."""
    g, s = t.pair(listen=["127.0.0.1:0", "127.0.0.1:0",
                          "unix:" + t.path("p.sock")])
    assert len({a for _, a in s.addresses()}) == 4, s.addresses()
    for n in range(3):
        assert s.get("/v1/models", host="localhost", n=n).status == 200, n


@case
def ipv6_loopback_listener(t):
    """[::1]:PORT is loopback too, and a good Host."""
    g, s = t.pair(listen="[::1]:0")
    host, port = s.address()
    assert host == "::1" and port
    for name in (f"[::1]:{port}", "[::1]", "localhost"):
        assert s.get("/v1/models", host=name).status == 200, name


@case
def gateway_alias(t):
    """gateway-alias names are names of the gateway; the gateway still sees
    its own name."""
    g, s = t.pair(gateway_alias=["llm.test", "mastio.alias"])
    assert s.get("http://llm.test/v1/models", host="llm.test").status == 200
    assert s.get("/v1/models", host="mastio.alias:9443").status == 200
    for e in g.requests():
        assert e["host"] == NAME, e


@case
def real_name_and_port(t):
    """Without gateway-address the gateway's own name is looked up and all its
    addresses are tried; the proof names the host without port."""
    g = t.gateway()
    s = t.sidecar(g, gateway=f"https://localhost:{g.port}",
                  gateway_address=None)
    a = s.get(f"http://localhost:{g.port}/v1/models",
              host=f"localhost:{g.port}")
    assert a.status == 200, a
    (e,) = g.requests()
    assert e["proof"]["htu"] == "https://localhost/v1/models", e


def curl(*args, **env):
    environment = clean_environment()
    environment.update(env)
    p = subprocess.run(["curl", "-sS", "--max-time", "20", *args],
                       capture_output=True, env=environment, check=False)
    assert p.returncode == 0, p.stderr
    return p.stdout.decode()


@case
def curl_through_http_proxy(t):
    """curl with http_proxy and nothing else gets the gateway's answer."""
    g, s = t.pair()
    proxy = "http://" + s.authority
    out = curl(f"http://{NAME}/v1/models", http_proxy=proxy)
    assert '"mastio-dev-echo"' in out
    out = curl("-N", "-H", "Content-Type: application/json", "-d",
               '{"model":"m","stream":true,"messages":'
               '[{"role":"user","content":"one two three"}]}',
               f"http://{NAME}/v1/chat/completions", http_proxy=proxy)
    assert out.count("data: ") >= 4 and out.rstrip().endswith("[DONE]"), out


@case
def curl_through_base_url(t):
    """curl with the sidecar as base URL, and with its Unix socket."""
    path = t.path("proxy.sock")
    g, s = t.pair(listen=["127.0.0.1:0", "unix:" + path])
    assert "mastio-dev-echo" in curl(f"http://{s.authority}/v1/models")
    assert "mastio-dev-echo" in curl("--unix-socket", path,
                                     "http://localhost/v1/models")


@case
def curl_large_upload(t):
    """curl's Expect: 100-continue is met, and the whole body arrives."""
    g, s = t.pair()
    with open(t.path("upload"), "wb") as f:
        f.write(os.urandom(1500000))
    out = curl("-T", t.path("upload"), "-H", "Expect: 100-continue",
               f"http://{NAME}/v1/egress/echo",
               http_proxy="http://" + s.authority)
    assert '"body_bytes":1500000' in out.replace(" ", "")
