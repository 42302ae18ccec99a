"""systemctl restart, as an upgrade of the package does it, under load."""

import json
import time

from machine import RUN, UNIT, Held, until

NEW, KEPT = 4, 4  # agents at once


class Load:
    """Agents that ask all the time (load.py), on one address."""

    def __init__(self, machine, address, name):
        self.machine = machine
        self.stop_file = "/tmp/stop-" + name
        machine.run("rm", "-f", self.stop_file)
        self.process = machine.start(
            "python3", "/opt/test/load.py", address, str(NEW), str(KEPT),
            self.stop_file)

    def stop(self):
        """What it found; nothing may have gone wrong."""
        self.machine.run("touch", self.stop_file)
        out, err = self.process.communicate(timeout=90)
        assert self.process.returncode == 0, err
        found = json.loads(out)
        print("  " + out.strip())
        assert found["failed"] == 0, found
        assert found["connect_s"] < 1, found
        return found


def another_process(machine, pid):
    return machine.show("MainPID") not in (pid, "0") and \
        machine.show("ActiveState") == "active"


def restart(machine):
    pid = machine.show("MainPID")
    # Or the sixth start within ten seconds would be one too many.
    machine.run("systemctl", "reset-failed", UNIT)
    machine.run("systemctl", "restart", UNIT)
    until(lambda: another_process(machine, pid), "another process")


def pause(seconds):
    begun = time.monotonic()
    until(lambda: time.monotonic() > begun + seconds, "some time")


def test_restarts_under_load_lose_nothing(machine):
    """Five restarts with agents at the TCP socket and at the Unix socket, with
    new and with kept connections: none is refused, no request fails, no
    connect and no answer takes a second."""
    loads = [Load(machine, "127.0.0.1:7780", "tcp"),
             Load(machine, RUN + "/proxy.sock", "unix")]
    for _ in range(5):
        pause(1)
        restart(machine)
    pause(1)
    found = [load.stop() for load in loads]
    for one in found:
        assert one["answer_s"] < 1, one
    assert sum(one["new"] + one["kept"] for one in found) > 2000, found


def test_streams_finish_across_a_restart(machine):
    """A stream that is open at the restart and shorter than drain-timeout is
    served to its end by the old process, while others are served; those wait
    for nobody."""
    load = Load(machine, "127.0.0.1:7780", "streams")
    machine.run("systemctl", "reset-failed", UNIT)
    with Held(machine, "upgrade") as held:
        pid = machine.show("MainPID")
        job = machine.start("systemctl", "restart", UNIT)
        until(lambda: machine.show("StatusText") == "draining", "draining")
        pause(4)
        assert machine.show("MainPID") == pid
        assert held.agent.poll() is None and job.poll() is None
        held.release()
    _, err = job.communicate(timeout=30)
    assert job.returncode == 0, err
    assert another_process(machine, pid)
    assert load.stop()["answer_s"] < 1


def test_a_stream_that_is_too_long_is_all_that_is_lost(machine):
    """At the end of drain-timeout the stream is cut, and nothing else: not the
    requests that come meanwhile, nor those of that moment."""
    machine.drop_in("[Service]\nEnvironment=CULLIS_SIDECAR_DRAIN_TIMEOUT=3s")
    try:
        restart(machine)
        load = Load(machine, "127.0.0.1:7780", "cut")
        held = Held(machine, "cut")
        restart(machine)
        pause(1)
        assert load.stop()["answer_s"] < 1.5
        _, err = held.agent.communicate(timeout=30)
        assert held.agent.returncode, "a cut stream looks whole"
        assert "drain-timeout is over" in machine.journal(), err
    finally:
        machine.drop_in(None)
        restart(machine)


def test_a_killed_process_costs_no_connection(machine):
    """kill -9: who connects while there is no process is served by the next."""
    pid = machine.show("MainPID")
    machine.run("kill", "-KILL", pid)
    for _ in range(5):
        code = machine.run("curl", "-sS", "-o", "/dev/null", "-w",
                           "%{http_code}", "--max-time", "20",
                           "http://127.0.0.1:7780/v1/models").stdout
        assert code == "200", code
    until(lambda: another_process(machine, pid), "another process")
