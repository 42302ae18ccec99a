"""Server-sent events."""

import json

from harness import case
from harness.http import Cut


def begin(c, s, fields=(), content="a b c d", target="/v1/chat/completions"):
    body = json.dumps({"model": "m", "stream": True, "messages": [
        {"role": "user", "content": content}]}).encode()
    c.request("POST", target, s.authority,
              [("Content-Type", "application/json"), *dict(fields).items()],
              body)
    a = c.begin_answer()
    assert a.status == 200, a
    assert a.get("Content-Type").startswith("text/event-stream"), a
    return a


def next_event(c, a):
    """The next event; reads chunks until it is whole."""
    text = getattr(a, "rest", b"")
    while b"\n\n" not in text:
        part = c.body_part(a)
        if not part:
            return None
        text += part
    event, a.rest = text.split(b"\n\n", 1)
    return event.decode()


def gated(t, s, g, events, version="1.1"):
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": str(events),
                         "X-Mastio-Gate": "sse"})
        for n in range(1, events + 1):
            event = next_event(c, a)
            assert event.startswith("data: "), event
            # The gateway has not written more than what we hold.
            assert g.gate("sse")["written"] == n, (n, g.gate("sse"))
            g.release("sse")
        assert next_event(c, a) == "data: [DONE]"
        g.release("sse")
        assert c.body_part(a) == b""


@case
def each_event_arrives_before_the_next_is_written(t):
    """Each event reaches the client before the gateway writes the next one;
    the gateway waits for the client's word."""
    g, s = t.pair()
    gated(t, s, g, 40)


@case
def events_do_not_wait_for_other_streams(t):
    """Thirty streams held at their gates do not hold up one another, nor a
    plain request."""
    g, s = t.pair()
    held = []
    for i in range(30):
        c = s.connect()
        a = begin(c, s, {"X-Mastio-Events": "3", "X-Mastio-Gate": f"g{i}"})
        held.append((c, a))
    assert s.get("/v1/models").status == 200
    for i, (c, a) in reversed(list(enumerate(held))):
        assert next_event(c, a)
        g.release(f"g{i}", 10)
        while next_event(c, a):
            pass
        c.close()
    s.wait_end("ok", 31)


@case
def stream_through_a_tunnel(t):
    """Events arrive one by one inside a CONNECT tunnel too."""
    g, s = t.pair()
    with s.connect() as c:
        c.request("CONNECT", "mastio.test:80", "mastio.test:80")
        assert c.answer("CONNECT").status == 200
        a = begin(c, s, {"X-Mastio-Events": "3", "X-Mastio-Gate": "tun"})
        for _ in range(3):
            assert next_event(c, a)
            g.release("tun")
        assert next_event(c, a) == "data: [DONE]"


@case
def error_frame_and_end_pass(t):
    """A stream that ends with an error frame and without [DONE] is passed on
    as it is."""
    g, s = t.pair()
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Error-Frame": "yes"})
        events = []
        for event in iter(lambda: next_event(c, a), None):
            events.append(event)
    assert "error" in events[-1] and "[DONE]" not in "".join(events)
    s.wait_end("ok")
    assert s.metrics()["stream_error_frames_total"] == 1


@case
def provider_refuses_behind_200(t):
    """A provider's refusal comes as an error frame on a 200: it passes, is
    counted, and is no error of ours; the same text in an ordinary answer is
    not counted."""
    g, s = t.pair()
    g.set(provider_error="provider_auth_failed")
    for n in range(1, 3):
        with s.connect() as c:
            a = begin(c, s)
            frames = list(iter(lambda: next_event(c, a), None))
        assert "provider_auth_failed" in frames[-1], frames
        s.wait_end("ok", n)
        assert s.metrics()["stream_error_frames_total"] == n
    a = s.chat()
    assert a.status == 401 and a.code is None, a
    assert s.metrics()["stream_error_frames_total"] == 2


@case
def silent_stream_is_cut_by_the_gateway(t):
    """The front end gives up on a silent stream: the agent sees a broken
    transfer, and the log says whose timer it was and how long."""
    g, s = t.pair("--read-timeout-ms", "1500")
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "3", "X-Mastio-Gate": "mute"})
        assert next_event(c, a)
        try:
            while c.body_part(a):
                pass
            raise AssertionError("the stream ends well")
        except Cut:
            pass
    s.wait_end("upstream-truncated")
    s.wait_log("s of silence; not a timer of the sidecar")
    line = [l for l in s.log_lines()
            if l.get("msg") == "a stream was cut off"][-1]
    seconds = float(line["detail"].split(" after ")[1].split()[0])
    assert 1 <= seconds < 1.5 + t.seconds(15), line


@case
def stream_to_http_1_0(t):
    """An HTTP/1.0 client gets the events as they come, without chunks."""
    g, s = t.pair()
    with s.connect() as c:
        body = b'{"model":"m","stream":true,"messages":' \
               b'[{"role":"user","content":"x"}]}'
        c.request("POST", "/v1/chat/completions", s.authority,
                  {"Content-Type": "application/json",
                   "X-Mastio-Events": "3", "X-Mastio-Gate": "old"},
                  body, version="1.0")
        a = c.begin_answer()
        assert a.framing == "close" and not a.all("Transfer-Encoding"), a
        for n in range(1, 4):
            while c.buffer.count(b"\n\n") < n:
                assert c.fill()
            assert g.gate("old")["written"] == n
            g.release("old")
        c.body(a)
        assert a.body.endswith(b"data: [DONE]\n\n"), a.body


@case
def slow_events_are_no_timeout(t):
    """A pause between events shorter than stream-idle-timeout ends nothing,
    though the whole takes longer."""
    g, s = t.pair(stream_idle_timeout="1s", first_byte_timeout="1s",
                  body_timeout="1s", head_timeout="1s")
    with s.connect() as c:
        a = begin(c, s, {"X-Mastio-Events": "5",
                         "X-Mastio-Interval-Ms": "400"})
        n = 0
        while next_event(c, a):
            n += 1
    assert n == 6, n
