"""What other processes and the disk can see of the sidecar's memory."""

import os
import resource

from harness import case


def limits(s):
    with open(f"/proc/{s.process.pid}/limits", encoding="ascii") as f:
        return {line[:26].strip(): line[26:].split()[:2] for line in f}


@case(plain=True, once=True)
def not_dumpable(t):
    """No core file, and /proc/PID of a sidecar that runs as somebody else
    belongs to root; its own counts still work."""
    g = t.gateway()
    as_nobody = ()
    if os.geteuid() == 0:
        for path in (t.dir, t.run.dir):
            os.chmod(path, 0o755)
        for directory, _, names in os.walk(g.agent_dir):
            for path in [directory] + [os.path.join(directory, n)
                                       for n in names]:
                os.chown(path, 65534, 65534)
        runtime = t.path("runtime")
        os.mkdir(runtime, 0o700)
        os.chown(runtime, 65534, 65534)
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534",
                     "--clear-groups", "--inh-caps=-all",
                     "env", f"RUNTIME_DIRECTORY={runtime}")
    s = t.sidecar(g, wait=False, prefix=as_nobody)
    if as_nobody:
        s.runtime = runtime
    s.wait_listening()
    s.wait_ready()
    assert limits(s)["Max core file size"] == ["0", "0"], limits(s)
    memory = f"/proc/{s.process.pid}/mem"
    assert os.stat(memory).st_uid == 0
    assert s.metrics()["process_open_fds"] > 5
    assert s.get("/v1/models").status == 200


def may_lock():
    """An infinite limit, or CAP_IPC_LOCK."""
    with open("/proc/self/status", encoding="ascii") as f:
        effective = next(int(line.split()[1], 16) for line in f
                         if line.startswith("CapEff:"))
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    return hard == resource.RLIM_INFINITY or bool(effective >> 14 & 1)


@case(plain=True, once=True)
def memory_is_locked_where_allowed(t):
    """Where the limit of locked memory does not bind no page can be swapped
    out; where it does, the sidecar works as well, and says so."""
    g = t.gateway()
    s = t.sidecar(g, log_level="debug")
    assert s.get("/v1/models").status == 200
    if may_lock():
        s.wait_log("memory is locked")
        assert s.memory("VmLck") > 0
        assert s.memory("VmRSS") < 64 << 20, s.memory("VmRSS")
    else:
        s.wait_log("memory is not locked")
    low = t.sidecar(g, log_level="debug", prefix=(
        "setpriv", "--bounding-set=-sys_resource,-ipc_lock",
        "--inh-caps=-sys_resource,-ipc_lock",
        "prlimit", "--memlock=65536:65536") if os.geteuid() == 0 else
        ("prlimit", "--memlock=65536:65536"))
    assert low.get("/v1/models").status == 200
    low.wait_log("memory is not locked")
    assert low.memory("VmLck") == 0
