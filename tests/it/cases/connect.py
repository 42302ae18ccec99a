"""CONNECT."""

import ssl

from harness import case
from harness.gateway import NAME
from harness.http import request_bytes

CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + b"\0" * 190


@case
def plain_http_inside(t):
    """CONNECT to a gateway name gets 200; plain HTTP inside is served, many
    requests long."""
    g, s = t.pair(gateway_alias="alias.test")
    for authority in (NAME + ":80", NAME + ":443", NAME + ":9443",
                      "alias.test:80"):
        with s.connect() as c:
            c.request("CONNECT", authority, authority)
            a = c.answer("CONNECT")
            assert a.status == 200, a
            assert not a.all("Content-Length") + a.all("Transfer-Encoding")
            for i in range(3):
                c.request("GET", f"/v1/egress/x?bytes={i}",
                          authority.split(":")[0])
                a = c.answer()
                assert a.status == 200 and len(a.body) == i, a
    assert len(g.requests()) == 12


@case
def request_at_once_behind_connect(t):
    """A request that comes in one piece with the CONNECT is served."""
    g, s = t.pair()
    with s.connect() as c:
        c.send(request_bytes("CONNECT", NAME + ":80", NAME + ":80")
               + request_bytes("GET", "/v1/models", NAME))
        assert c.answer("CONNECT").status == 200
        assert c.answer().status == 200


@case
def same_rules_inside(t):
    """Inside a tunnel reserved paths, pages and foreign hosts are refused
    like outside."""
    g, s = t.pair()
    for head, status in (
            (request_bytes("POST", "/v1/auth/sign-assertion", NAME), 403),
            (request_bytes("GET", "/v1/models", NAME, {"Origin": "x"}), 403),
            (request_bytes("GET", "/v1/models", "evil.test"), 403),
            (request_bytes("GET", "http://evil.test/", NAME), 421)):
        with s.connect() as c:
            c.request("CONNECT", NAME + ":80", NAME + ":80")
            assert c.answer("CONNECT").status == 200
            c.send(head)
            assert c.answer().status == status, head
    assert not g.requests()


@case
def tls_inside_is_refused(t):
    """A TLS ClientHello inside is refused in plain HTTP, and the log names the
    cure.

    END: tls-to-plain
    """
    g, s = t.pair()
    with s.connect() as c:
        c.request("CONNECT", NAME + ":443", NAME + ":443")
        assert c.answer("CONNECT").status == 200
        c.send(CLIENT_HELLO)
        a = c.answer()
        assert (a.status, a.code) == (400, "tls-to-plain"), a
        assert c.ends()
    s.wait_end("tls-to-plain")
    s.wait_log("http://")
    assert not g.requests()


@case
def tls_on_the_plain_port_is_refused(t):
    """A TLS client without CONNECT is refused likewise: its library says that
    this is not TLS, and not that the network broke."""
    g, s = t.pair()
    context = ssl.create_default_context()
    with s.connect() as c:
        try:
            context.wrap_socket(c.sock, server_hostname=NAME)
            raise AssertionError("a TLS handshake with the plain port")
        except ssl.SSLError as e:
            assert e.reason == "WRONG_VERSION_NUMBER", e
    s.wait_end("tls-to-plain")
    assert not g.requests()


@case
def other_destinations(t):
    """CONNECT to anything else gets 403 and ends the connection.

    END: connect-refused
    """
    g, s = t.pair()
    for authority in ("example.test:443", f"127.0.0.1:{g.port}",
                      NAME + ":22", s.authority, "localhost:80"):
        a = s.raw(request_bytes("CONNECT", authority, authority), "GET")
        assert (a.status, a.code) == (403, "connect-refused"), a
        assert "NO_PROXY" in a.error["suggestion"], a
        assert a.get("Connection") == "close", a
    s.wait_end("connect-refused")


@case
def browser_may_not_connect(t):
    """A CONNECT with an Origin is refused."""
    g, s = t.pair()
    a = s.raw(request_bytes("CONNECT", NAME + ":80", NAME + ":80",
                            {"Origin": "http://x"}), "GET")
    assert a.code == "browser-refused", a


@case
def malformed_connect(t):
    """CONNECT without port, with a path or with a body is malformed."""
    g, s = t.pair()
    for data in (f"CONNECT {NAME} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
                 f"CONNECT /x HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
                 f"CONNECT http://{NAME}/ HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
                 f"CONNECT {NAME}:80 HTTP/1.1\r\nHost: {NAME}\r\n"
                 "Content-Length: 3\r\n\r\nabc"):
        assert s.raw(data).status == 400, data
