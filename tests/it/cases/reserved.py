"""Reserved paths: they would hand the identity's powers to the agent."""

from harness import case
from harness.gateway import NAME

# The theft: a signed assertion for nothing but our certificate.
THEFT = (
    "/v1/auth/sign-assertion", "/v1/auth/sign-assertion?x=y",
    "/v1/auth/sign-assertion/", "/v1%2fauth%2fsign-assertion",
    "/v1%2Fauth/sign-assertion", "/%76%31/auth/sign-assertion",
    "/v1/%61uth/sign-assertion", "/v1/%61%75%74%68/sign-assertion",
    "/v1/auth/%73ign-assertion", "//v1/auth/sign-assertion",
    "/v1//auth/sign-assertion", "/v1/auth//sign-assertion",
    "/./v1/auth/sign-assertion", "/v1/./auth/sign-assertion",
    "/v1/auth/./sign-assertion", "/v1/x/../auth/sign-assertion",
    "/v1/egress/../auth/sign-assertion", "/v1/models/../auth/sign-assertion",
    "/v1/egress/%2e%2e/auth/sign-assertion",
    "/v1/egress/%2E./auth/sign-assertion",
    "/v1/egress/..%2fauth/sign-assertion",
    "/v1/egress/..;/auth/sign-assertion", "/v1/auth;x=1/sign-assertion",
    "/v1;x/auth/sign-assertion", "/v1/auth/sign-assertion;x",
    "/V1/AUTH/SIGN-ASSERTION", "/v1/Auth/sign-assertion",
    "/v1/auth./sign-assertion", "/v1/auth%20/sign-assertion",
    "/v1/auth/sign-assertion.", "/v1/auth/sign-assertion%00",
    "/v1/auth%00/sign-assertion", "/v1\\auth\\sign-assertion",
    "/v1/%5cauth/sign-assertion", "/v1/egress/%5c..%5cauth/sign-assertion",
    "/v1/%2561uth/sign-assertion", "/v1/%c0%afauth/sign-assertion",
    "/v1/a%75th/sign-assertion#frag", "/v1/auth/sign-assertion%3f",
    "/v1/auth/sign-assertion%23", "/%2e/v1/auth/sign-assertion",
    "/v1/egress/%2e%2e%2fauth%2fsign-assertion",
    "/v1/auth/%2e/sign-assertion", "/v1/egress/x/../../auth/sign-assertion",
    "/v1/auth/sign%2dassertion", "/v1/auth\t/sign-assertion",
)
# Of these, what is another path to every reader, and to the gateway too.
OTHER_PATHS = ("/v1/auth./sign-assertion", "/v1/auth /sign-assertion",
               "/v1/%61uth/sign-assertion")
RESERVED = (
    "/v1/auth/token", "/v1/auth/login-challenge", "/v1/auth",
    "/v1/auth/sign-challenged-assertion", "/v1/admin/agents", "/v1/admin",
    "/v1/enrollment", "/v1/enrollment/start", "/v1/principals/csr",
    "/v1/registry/agents", "/proxy/login", "/pdp/policy", "/pki/ca.crt",
    "/registry/x",
)


def reached(g):
    """The gateway's entries that are not the sidecar's own login."""
    return [e for e in g.journal()
            if not (e["path"] == "/v1/auth/token" and e["status"] == 200)]


@case
def theft_of_an_assertion(t):
    """/v1/auth/sign-assertion is refused in every spelling of its path, in
    both forms, and the gateway never sees it.

    END: path-reserved
    END: bad-path
    """
    g, s = t.pair()
    codes = set()
    for path in THEFT:
        for target in (path, f"http://{NAME}{path}"):
            a = s.raw(f"POST {target} HTTP/1.1\r\nHost: {NAME}\r\n"
                      "Content-Length: 0\r\n\r\n")
            if a.status == 404 and a.code is None:
                # Another path to the gateway as well, or so it says.
                continue
            assert a.status in (400, 403), (target, a)
            assert a.code in ("path-reserved", "bad-path", "bad-request"), a
            codes.add(a.code)
    for e in reached(g):
        assert e["path"] in OTHER_PATHS and e["status"] == 404, e
    assert codes >= {"path-reserved", "bad-path"}, codes
    a = s.post("/v1/auth/sign-assertion")
    assert (a.status, a.code) == (403, "path-reserved"), a
    assert "allow-reserved" in a.error["suggestion"], a
    s.wait_end("path-reserved")
    s.wait_end("bad-path")


@case
def all_reserved_paths(t):
    """Every reserved path is refused, for GET and POST, but for GET below
    /v1/registry/."""
    g, s = t.pair()
    for path in RESERVED:
        for method in ("GET", "POST", "DELETE"):
            a = s.request(method, path)
            if path.startswith("/v1/registry/") and method == "GET":
                assert a.code is None, a
            else:
                assert (a.status, a.code) == (403, "path-reserved"), (
                    method, path, a)
    assert [e["path"] for e in reached(g)] == ["/v1/registry/agents"]


@case
def neighbours_pass(t):
    """Paths that only look like reserved ones pass."""
    g, s = t.pair()
    for path in ("/v1/authors", "/v1/administration", "/proxyfoo",
                 "/v1/egress/auth/token", "/pkix", "/health"):
        assert s.get(path).code is None, path
    assert len(reached(g)) == 6


@case
def allow_reserved(t):
    """allow-reserved opens one path and no other."""
    g, s = t.pair(allow_reserved="/v1/auth/sign-assertion")
    assert s.post("/v1/auth/sign-assertion").code is None
    assert [e["path"] for e in reached(g)] == ["/v1/auth/sign-assertion"]
    for path in ("/v1/auth/token", "/v1/auth/sign-assertion/x",
                 "/v1/auth/login-challenge"):
        assert s.post(path).code == "path-reserved", path


@case
def odd_paths_that_mean_one_thing_pass(t):
    """Escapes that every reader decodes alike are no reason to refuse."""
    g, s = t.pair()
    for path in ("/v1/egress/a%20b", "/v1/egress/%C3%A4", "/v1/egress/a:b",
                 "/v1/egress/a@b", "/v1/egress/orga%3A%3Abot",
                 "/v1/egress/x?next=/../v1/auth/"):
        assert s.get(path).status == 200, path
