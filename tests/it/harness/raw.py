"""Tables of raw bytes: what a client or the upstream sends, and what must
come of it on both sides.  The rows of a table share one sidecar and one
recording upstream; each has a client connection and a path of its own, by
which the upstream knows what belongs to it."""

import os
import time
import traceback
from dataclasses import dataclass, field

from harness.http import Cut, NoAnswer
from harness.recorder import CLOSE, PATH, RESET, Recorder

HOST = "Host: mastio.test\r\n"


@dataclass
class Row:
    """One named exchange.  In all its bytes and targets $P stands for the
    row's own path.

    send:   what the client writes at once.
    get:    its answers in order: a status, a Want, CUT (begun, not whole) or
            NONE (the connection ends without one).
    seen:   the complete requests that reach the upstream: "METHOD target" or
            a Seen.  Nothing else may reach it.
    partial: an unfinished request may have reached the upstream too.
    reply:  what the upstream sends for each request, instead of 200 and the
            request's method and target.  Bytes, or a list of steps.
    keep:   does the client's connection go on?  Then a next request on it
            must get its own answer; else it must end, and a request behind
            what was sent is not taken for one.
    upkeep: does the connection to the upstream go on?  If not, the next
            request takes another one.  None: either.
    settle: wait for that end before the next request.
    on_continue: what the client sends after 100.
    half_close: the client says that nothing more comes.
    """
    name: str
    source: str
    send: object
    get: list
    seen: list = field(default_factory=list)
    keep: bool = True
    upkeep: object = None
    reply: list = field(default_factory=list)
    partial: bool = False
    half_close: bool = False
    settle: bool = False
    on_continue: bytes = b""
    number: int = 0

    def fill(self, text):
        """The bytes that a text with $P stands for."""
        path = f"{PATH}{self.number}"
        if isinstance(text, str):
            text = text.encode("latin-1")
        return text.replace(b"$P", path.encode())


@dataclass
class Want:
    """An answer: fields that it has (None: any value) and lacks."""
    status: int
    method: str = "GET"
    body: object = None
    has: dict = field(default_factory=dict)
    lacks: tuple = ()
    code: str = None
    interim: list = None


@dataclass
class Seen:
    """A request as the upstream got it."""
    line: str
    body: bytes = b""
    has: dict = field(default_factory=dict)
    lacks: tuple = ()


CUT, NONE = "cut", "none"


def bad(name, source, send, status=400, **more):
    """A row whose request is refused: nothing of it reaches the upstream, and
    nothing that follows on this connection is taken for a request."""
    return Row(name, source, send, [status], **{"keep": False, **more})


def good(name, source, send, *seen, **more):
    """A row whose requests all reach the upstream and are answered."""
    return Row(name, source, send, [200] * len(seen), list(seen), **more)


def numbered(rows):
    """The rows, with numbers and names that are their own."""
    for i, row in enumerate(rows):
        row.number = i + 1
    names = [row.name for row in rows]
    assert len(set(names)) == len(names), "a name stands twice"
    return rows


# ---- one row ----

def check_fields(what, got, has, lacks):
    for name, value in has.items():
        values = got.all(name)
        if value is None:
            assert values, f"no {name} in {what}: {got}"
        else:
            value = value if isinstance(value, list) else [value]
            assert values == value, f"{name} of {what} is {values}: {got}"
    for name in lacks:
        assert not got.all(name), f"{name} is in {what}: {got}"


def check_answer(row, want, client, own):
    """Reads one answer.  own: the body that the upstream gave it, if it is
    one of those that tell who was asked what."""
    answer = client.answer(want.method)
    assert answer.status == want.status, answer
    check_fields("the answer", answer, want.has, want.lacks)
    body = row.fill(want.body) if want.body is not None else own
    if answer.framing == "none":
        body = b""
    if body is not None:
        assert answer.body == body, answer
    if want.status >= 400 and not row.reply:
        assert answer.code and answer.error["code"] == answer.code, answer
    if want.code:
        assert answer.code == want.code, answer
    if want.interim is not None:
        assert [i.status for i in answer.interim] == want.interim, answer
    return answer


def check_cut(client):
    try:
        answer = client.answer()
    except Cut:
        assert b"evil" not in client.buffer, client.buffer
        client.buffer = b""
        return
    raise AssertionError(f"it looks whole: {answer}")


def check_none(client):
    try:
        answer = client.answer()
    except NoAnswer:
        return
    raise AssertionError(f"there is an answer: {answer}")


def own_bodies(row, seen):
    """Bodies of the answers that the upstream made itself, in order."""
    return [row.fill(s.line) for s in seen[len(row.reply):]]


def check_answers(row, client, seen):
    own = own_bodies(row, seen)
    for want in row.get:
        if want == CUT:
            check_cut(client)
        elif want == NONE:
            check_none(client)
        else:
            want = want if isinstance(want, Want) else Want(want)
            mine = want.status == 200 and want.body is None and own
            check_answer(row, want, client, own.pop(0) if mine else None)


def check_seen(row, recorder, seen, more=()):
    """What reached the upstream for this row, and nothing else."""
    got = recorder.of(row.number)
    cut = [r for r in got if not r.complete]
    assert row.partial or not cut, f"a part of a request passed: {cut}"
    got = [r for r in got if r.complete]
    want = [row.fill(s.line).decode("latin-1") for s in [*seen, *more]]
    assert [r.line for r in got] == want, f"the upstream got {got}"
    for request, s in zip(got, seen):
        assert request.body == row.fill(s.body), request
        check_fields("the request", request, s.has, s.lacks)
    return got


def check_next(row, client):
    """The connection still works, and its answers are its own."""
    client.send(row.fill(f"GET $P/next HTTP/1.1\r\n{HOST}\r\n"))
    check_answer(row, Want(200), client, row.fill("GET $P/next"))


def check_upstream(t, row, first, last):
    """Did the upstream's connection go on, as the row says?"""
    if row.upkeep:
        assert not first.connection.closed, "the upstream's connection ended"
    elif row.upkeep is not None:
        t.wait_until(lambda: first.connection.closed,
                     what="the upstream's connection ends")
        assert last.connection is not first.connection, "it was used again"


def send(row, client):
    data = row.fill(row.send)
    if not row.keep and not row.half_close:
        data += row.fill(f"GET $P/behind HTTP/1.1\r\n{HOST}\r\n")
    client.send(data)
    if row.on_continue:
        interim = client.head()
        assert interim.status == 100, interim
        client.send(row.on_continue)
    if row.half_close:
        client.half_close()


def run_row(t, s, recorder, row):
    seen = [w if isinstance(w, Seen) else Seen(w) for w in row.seen]
    recorder.replies[row.number] = [
        [row.fill(step) if step not in (CLOSE, RESET) else step
         for step in (r if isinstance(r, list) else [r])] for r in row.reply]
    with s.connect() as client:
        send(row, client)
        check_answers(row, client, seen)
        if row.settle:
            first = recorder.of(row.number)[0].connection
            t.wait_until(lambda: first.closed, what="it is closed upstream")
        if row.keep:
            check_next(row, client)
        else:
            assert client.ends(), f"it goes on: {client.buffer!r}"
    more = [Seen("GET $P/next")] if row.keep else []
    if row.upkeep is False and not row.keep:
        with s.connect() as client:
            check_next(row, client)
        more = [Seen("GET $P/next")]
    got = check_seen(row, recorder, seen, more)
    if row.upkeep is not None:
        check_upstream(t, row, got[0], got[-1])


# ---- a table ----

def open_files(s):
    return len(os.listdir(f"/proc/{s.process.pid}/fd"))


def recorded(t, **options):
    """A recording upstream and a sidecar that takes it for the gateway."""
    gateway = t.gateway()
    recorder = Recorder(t, gateway)
    return recorder, t.sidecar(
        gateway, gateway_address=f"127.0.0.1:{recorder.port}", **options)


def each_row(t, run):
    """Runs each of the test's rows and reports it under its name."""
    failed = 0
    for row in t.rows:
        begun = time.monotonic()
        error = None
        try:
            run(row)
        except Exception:
            error = traceback.format_exc()
            failed += 1
        t.report_row(row, time.monotonic() - begun, error)
    assert not failed, f"{failed} rows failed"


def run_table(t, **options):
    """All rows of the test's table; then nothing more may have arrived, all
    descriptors must be back, and the sidecar must serve."""
    recorder, s = recorded(t, **options)
    before = open_files(s)
    failures = []

    def run(row):
        known = len(recorder.failures)
        run_row(t, s, recorder, row)
        assert len(recorder.failures) == known, recorder.failures[known:]

    def rows():
        each_row(t, run)

    try:
        rows()
    finally:
        failures += recorder.failures
    for row in t.rows:
        lines = [r.line for r in recorder.of(row.number) if r.complete]
        expected = [w.line if isinstance(w, Seen) else w for w in row.seen]
        assert len(lines) <= len(expected) + 1, f"{row.name}: {lines}"
    assert not recorder.of(None), recorder.of(None)
    assert not failures, failures
    recorder.close()
    t.wait_until(lambda: open_files(s) <= before,
                 what=lambda: f"{open_files(s)} files are {before} again")
    assert s.ready()
