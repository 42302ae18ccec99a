"""Tokens and keys that are no longer in use are gone from the sidecar's
memory: its heap, its stacks and what OpenSSL keeps."""

from cases.rotation import identity, put, wait_live
from harness import case, memory

CHAT = {"model": "m", "stream": True,
        "messages": [{"role": "user", "content": "x"}]}


def tokens(g):
    """All that the gateway issued, oldest first."""
    with open(g.tokens, "rb") as f:
        return f.read().splitlines()


def wait_gone(t, s, wanted):
    """Views of the workers and idle connections let go a little later."""
    found = {}

    def gone():
        found.clear()
        found.update(memory.search(s.process.pid, wanted))
        return not found
    t.wait_until(gone, 10, lambda: f"gone from memory: {found}")


def use(s, workers):
    """Every worker shows the token, plainly, with a body and in a stream."""
    for i in range(4 * workers):
        assert s.get("/v1/models").status == 200
        assert s.post("/v1/egress/x?bytes=1", b"b" * 3000).status == 200
        assert s.post("/v1/chat/completions", CHAT).status == 200


def live_is_found(s, token, directory):
    """Otherwise the search would prove nothing."""
    wanted = {"token": memory.token_forms(token),
              "dpop": memory.dpop_forms(directory),
              "key": memory.key_forms(directory)}
    found = memory.search(s.process.pid, wanted)
    assert set(found) == set(wanted), f"of what is in use, only {found}"


def promise(run):
    """A case that looks; who may not trace others must not be able to."""
    def checked(t):
        if memory.may_look():
            run(t)
            return
        _, s = t.pair()
        try:
            memory.search(s.process.pid, {})
        except PermissionError:
            return
        raise AssertionError("the memory can be read by everybody")
    checked.__name__, checked.__doc__ = run.__name__, run.__doc__
    checked.__module__ = run.__module__
    return case(checked, plain=True)


@promise
def token_after_a_refresh(t):
    """A token that was replaced before its end, with no request since then."""
    g, s = t.pair("--token-ttl", "5")
    use(s, t.workers)
    first = tokens(g)[0]
    live_is_found(s, first, g.agent_dir)
    t.wait_until(lambda: len(tokens(g)) > 1, what="the next login")
    wait_gone(t, s, {"token": memory.token_forms(first)})


@promise
def token_after_its_end(t):
    """A token that ended while the issuer was down, with no request since
    then."""
    g, s = t.pair("--token-ttl", "4")
    use(s, t.workers)
    g.fault_json("/v1/auth/token", 503, {"detail": "down"})
    first = tokens(g)[0]
    live_is_found(s, first, g.agent_dir)
    t.wait_until(lambda: s.admin("/readyz").status == 503,
                 what="there is no token")
    wait_gone(t, s, {"token": memory.token_forms(first)})
    g.clear_faults()
    s.wait_ready()


@promise
def keys_after_a_rotation(t):
    """Private keys that were replaced, and the token that was bound to one."""
    g = t.gateway()
    d = identity(t, g)
    s = t.sidecar(g, identity_dir=d, reload_interval="1h")
    use(s, t.workers)
    first = tokens(g)[0]
    live_is_found(s, first, d)
    new = g.renew("new")
    g.pin(new, grace_s=3600)
    put(new, d)
    wait_live(t, s, new)
    wait_gone(t, s, {"token": memory.token_forms(first),
                     "dpop": memory.dpop_forms(g.agent_dir),
                     "key": memory.key_forms(g.agent_dir)})
    use(s, t.workers)
    live_is_found(s, tokens(g)[-1], new)


@promise
def keys_as_files_have_them(t):
    """Of a key in use there is what OpenSSL signs with, and no text of a
    file beside it."""
    g, s = t.pair()
    use(s, t.workers)
    wanted = {}
    for name, forms in (("dpop", memory.dpop_forms(g.agent_dir)),
                        ("key", memory.key_forms(g.agent_dir))):
        wanted.update({f"{name}, {form}": {form: text}
                       for form, text in forms.items() if form != "number"})
    wait_gone(t, s, wanted)
