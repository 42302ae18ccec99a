"""The template units: one sidecar for each of several agents."""

import json

from machine import CONTROL, INSTANCES, stream, until


def units(name):
    return f"cullis-sidecar@{name}.service", f"cullis-sidecar@{name}.socket"


def run_of(name):
    return f"/run/cullis-sidecar-{name}"


def test_two_run_side_by_side(machine):
    """Each starts with its own socket, beside the service without a name, and
    each shows the gateway its own agent."""
    for name in INSTANCES:
        machine.run("systemctl", "start", units(name)[0])
    for name in INSTANCES:
        stream(machine, "--unix-socket", run_of(name) + "/proxy.sock",
               "http://localhost/v1/chat/completions?" + name)
    out = machine.run("curl", "-sS", f"http://127.0.0.1:{CONTROL}/journal")
    seen = {e["target"].rpartition("?")[2]: e["agent_id"]
            for e in json.loads(out.stdout)["entries"]}
    for name in INSTANCES:
        assert seen[name] == "orga::" + name, seen


def test_they_have_nothing_in_common(machine):
    """Their users, runtime directories and credentials are their own."""
    uids = set()
    for name in INSTANCES:
        pid = machine.show("MainPID", unit=units(name)[0])
        uids.add(machine.run("stat", "-c", "%u", f"/proc/{pid}").stdout)
        owner = machine.run("stat", "-c", "%u", run_of(name) + "/admin").stdout
        assert owner in uids, (owner, uids)
        environment = machine.run("cat", f"/proc/{pid}/environ").stdout
        assert "CREDENTIALS_DIRECTORY=/run/credentials/" + units(name)[0] in \
            environment, environment
        machine.run("env", f"RUNTIME_DIRECTORY={run_of(name)}/admin",
                    "cullis-sidecar", "healthcheck", "--admin-listen",
                    f"unix:{run_of(name)}/admin/admin.sock")
    assert len(uids) == len(INSTANCES), uids


def test_each_has_its_settings(machine):
    """/etc/cullis/NAME/sidecar.conf and a port in a drop-in of the one's .socket
    unit are its own."""
    service, socket = units(INSTANCES[0])
    machine.run("systemctl", "stop", socket, service)
    machine.drop_in("[Socket]\nListenStream=127.0.0.1:8780", socket)
    machine.run("sh", "-c", 'echo "deny = GET /v1/models" >"$1"', "sh",
                f"/etc/cullis/{INSTANCES[0]}/sidecar.conf")
    machine.run("systemctl", "start", service)
    for name, wanted in zip(INSTANCES, ("403", "200")):
        code = machine.run("curl", "-s", "-o", "/dev/null", "-w",
                           "%{http_code}", "--unix-socket",
                           run_of(name) + "/proxy.sock",
                           "http://localhost/v1/models").stdout
        assert code == wanted, (name, code)
    code = machine.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}",
                       "http://127.0.0.1:8780/v1/models").stdout
    assert code == "403", code


def test_they_end_alone(machine):
    """Stopping one leaves the other in peace, and nothing of itself."""
    service, socket = units(INSTANCES[0])
    machine.run("systemctl", "stop", socket, service)
    until(lambda: machine.show("ActiveState", unit=service) == "inactive",
          "inactive")
    left = machine.run("ls", "-A", run_of(INSTANCES[0])).stdout
    assert left == "", left
    stream(machine, "--unix-socket", run_of(INSTANCES[1]) + "/proxy.sock",
           "http://localhost/v1/chat/completions")
