"""No descriptor is left for another connection."""

import resource
import select
from datetime import datetime

from harness import case


def parse(ts):
    return datetime.fromisoformat(ts.replace("Z", "+00:00"))


@case
def none_left_for_a_client(t):
    """While there is none, clients that are there are served, over the
    connections to the gateway that are there, and the log says what is wrong;
    who came meanwhile is served when there are some again."""
    g, s = t.pair()
    pid = s.process.pid
    _, hard = before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    here = [s.connect() for _ in range(t.workers)]

    def ask_all():
        for c in here:
            c.request("GET", "/v1/models", s.authority)
            assert c.answer().status == 200

    ask_all()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    late = [s.connect() for _ in range(3)]
    for c in late:
        c.request("GET", "/v1/models", s.authority)
    s.wait_log("cannot accept")
    said = next(l for l in s.log_lines() if l.get("msg") == "cannot accept")
    assert said["level"] == "warn" and "open files" in said["err"], said
    assert said["listener"] == s.authority, said
    ask_all()
    assert not select.select([c.sock for c in late], [], [], 0)[0]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    for c in late:
        assert c.answer().status == 200
    assert s.get("/v1/models").status == 200
    assert s.admin("/livez").status == 200
    for c in here + late:
        c.close()
    # It says so every ten seconds, and that it is over.
    s.wait_log("accepts again")
    said = [l for l in s.log_lines() if l.get("msg") == "cannot accept"]
    apart = parse(said[-1]["ts"]) - parse(said[0]["ts"])
    assert len(said) <= 1 + apart.total_seconds() / 10, said
