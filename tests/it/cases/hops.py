"""Hops: Via and loops, Max-Forwards, OPTIONS that goes no further."""

from harness import case
from .pass_through import ANSWER, outside
from harness.origin import read_head


def via_of(entry):
    return [v for n, v in entry["headers"] if n.lower() == "via"]


@case
def via_and_loop(t):
    """Requests and answers say that they came through here; a request that
    says so already is refused (RFC 9110 7.6.3).

    END: loop-detected
    """
    g, s = t.pair()
    answer = s.get("/v1/models", [("Via", "1.0 agent")])
    (entry,) = g.requests()
    theirs, ours = via_of(entry)
    assert theirs == "1.0 agent" and ours.startswith("1.1 cullis-sidecar-")
    assert answer.all("Via")[-1] == ours, answer
    again = s.get("/v1/models", [("Via", f"1.0 agent, {ours}, 1.1 front")])
    assert again.status == 508 and again.code == "loop-detected", again
    assert len(g.requests()) == 1


@case
def another_sidecar_is_no_loop(t):
    """Each process has a pseudonym of its own."""
    g = t.gateway()
    names = set()
    for _ in range(2):
        answer = t.sidecar(g).get("/v1/models")
        names.update(answer.all("Via"))
    assert len(names) == 2, names


@case
def options_of_the_server(t):
    """`OPTIONS *` asks what is at our address, and no hops left makes us the
    last one; both are answered here (RFC 9110 7.6.2, 9.3.7)."""
    g, s = t.pair()
    with s.connect() as c:
        for target, fields in (("*", []), ("/v1/models",
                                           [("Max-Forwards", "0")])):
            c.request("OPTIONS", target, s.authority, fields)
            a = c.answer("OPTIONS")
            assert a.status == 200 and "POST" in a.get("Allow"), a
            assert a.get("Content-Length") == "0" and not a.code, a
    assert not g.requests()
    s.request("OPTIONS", "/v1/models", [("Max-Forwards", "3")])
    (entry,) = g.requests()
    assert ["Max-Forwards", "2"] in [list(h) for h in entry["headers"]], entry


@case
def options_of_another_server(t):
    """What a client asks of a pass-through host as a whole is asked there
    (RFC 9112 3.2.4)."""
    heads = []

    def serve(sock):
        heads.append(read_head(sock)[0])
        sock.sendall(ANSWER)

    origin, s = outside(t, serve)
    with s.connect() as c:
        c.request("OPTIONS", f"http://{origin.authority}", origin.authority)
        assert c.answer("OPTIONS").body == b"ok"
    assert heads[0].startswith(b"OPTIONS * HTTP/1.1\r\n"), heads
