"""The service, started with its .socket unit."""

import json
import os
import re
import stat
import time

from machine import (
    ADMIN, CHAT, CONTROL, CREDENTIALS, EXPOSURE_MAX, RUN, SOCKET, UNIT, UNITS,
    Held, main_pid_fields, stream, until)


def test_start_returns_when_the_listeners_are_up(machine):
    """Type=notify: READY=1 comes, and what follows needs no waiting."""
    machine.run("systemctl", "start", UNIT)
    found = machine.show("ActiveState", "SubState", "Type", "NotifyAccess",
                         "NRestarts")
    assert found == {"ActiveState": "active", "SubState": "running",
                     "Type": "notify", "NotifyAccess": "main",
                     "NRestarts": "0"}, found
    machine.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7780")


def test_status_tells_the_session(machine):
    """systemctl status shows in words how the session is."""
    until(lambda: machine.show("StatusText") == "session valid",
          "StatusText=session valid", 10)


def test_agents_are_served_over_tcp(machine):
    """An unmodified curl with a proxy variable streams through 7780."""
    stream(machine, "-x", "http://127.0.0.1:7780", CHAT)


def test_agents_are_served_over_the_unix_socket(machine):
    """The same through /run/cullis-sidecar/proxy.sock."""
    stream(machine, "--unix-socket", "/run/cullis-sidecar/proxy.sock",
           "http://localhost/v1/chat/completions")


def test_the_gateway_saw_proofs(machine):
    """mTLS, a bound token and a proof of its own for each request."""
    out = machine.run("curl", "-sS", f"http://127.0.0.1:{CONTROL}/journal")
    chats = [e for e in json.loads(out.stdout)["entries"]
             if e["path"].startswith("/v1/chat/")]
    assert len(chats) == 2, chats
    assert len({e["proof"]["jti"] for e in chats}) == 2, chats
    for entry in chats:
        assert entry["status"] == 200 and entry["tls"]["client_sha256"]
        assert entry["proof"]["verdict"] == "ok", entry


def test_healthcheck(machine):
    """Probes work with the unit's runtime directory and without it."""
    for environment in ((), ("env", "RUNTIME_DIRECTORY=" + ADMIN)):
        for option in ((), ("--startup",)):
            machine.run(*environment, "cullis-sidecar", "healthcheck", *option)


def test_it_runs_as_a_dynamic_user(machine):
    """No root, no capability, no new privileges, a system call filter."""
    _, fields = main_pid_fields(machine)
    assert all(61184 <= int(uid) <= 65519 for uid in fields["Uid"].split()), \
        fields["Uid"]
    assert int(fields["CapEff"], 16) == int(fields["CapBnd"], 16) == 0, fields
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2", fields


def test_it_sees_no_home(machine):
    """What stands in /home is not there for it."""
    pid, _ = main_pid_fields(machine)
    assert machine.run("ls", "/home/somebody").stdout == "secret\n"
    inside = machine.run("ls", "-A", f"/proc/{pid}/root/home", check=False)
    assert inside.stdout == "", inside.stdout
    mode = machine.run("stat", "-c", "%a", f"/proc/{pid}/root/home").stdout
    assert mode == "0\n", mode


def test_credentials_are_its_own(machine):
    """Root alone reads the files; the service reads its copies, others do
    not."""
    for name in CREDENTIALS:
        mode = os.stat(f"{machine.agent}/{name}").st_mode
        assert stat.S_IMODE(mode) == 0o600, name
    pid, fields = main_pid_fields(machine)
    own = fields["Uid"].split()[0]
    path = f"/run/credentials/{UNIT}/key.pem"
    for uid, wanted in ((own, True), ("65534", False)):
        got = machine.run("setpriv", f"--reuid={uid}", "--clear-groups", "cat",
                          path, check=False)
        assert (got.returncode == 0) is wanted, (uid, got.stderr)
    environment = machine.run("cat", f"/proc/{pid}/environ").stdout
    assert f"CREDENTIALS_DIRECTORY=/run/credentials/{UNIT}" in environment


def test_sockets_are_not_for_everybody(machine):
    """Data socket 0660, admin socket 0600."""
    for path, wanted in ((RUN + "/proxy.sock", "660"),
                         (ADMIN + "/admin.sock", "600")):
        mode = machine.run("stat", "-c", "%a", path).stdout
        assert mode == wanted + "\n", (path, mode)


def check_group(machine, path):
    """Members of games may use the socket, others may not."""
    owner = machine.run("stat", "-c", "%G %a", path).stdout
    assert owner == "games 660\n", owner
    for group, wanted in (("games", 0), ("nogroup", 7)):
        got = machine.run(
            "setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups",
            "curl", "-sS", "-f", "--max-time", "20", "--unix-socket", path,
            "http://localhost/v1/models", check=False)
        assert got.returncode == wanted, (group, got.stdout, got.stderr)


def test_a_group_may_use_the_socket(machine):
    """SocketGroup= in a drop-in of the .socket unit gives the data socket to a
    group, SupplementaryGroups= and listen-group one of the service's own."""
    own = ADMIN + "/own.sock"
    machine.run("systemctl", "stop", SOCKET, UNIT)
    machine.drop_in("[Socket]\nSocketGroup=games", SOCKET)
    machine.drop_in("[Service]\nSupplementaryGroups=games\n"
                    "Environment=CULLIS_SIDECAR_LISTEN_GROUP=games\n"
                    f"Environment=CULLIS_SIDECAR_LISTEN=unix:{own}")
    try:
        machine.run("systemctl", "start", UNIT)
        check_group(machine, RUN + "/proxy.sock")
        check_group(machine, own)
    finally:
        machine.run("systemctl", "stop", SOCKET, UNIT)
        machine.drop_in(None)
        machine.drop_in(None, SOCKET)
        machine.run("systemctl", "start", UNIT)


def test_another_port(machine):
    """With another ListenStream= in a drop-in the service serves that and not
    7780, without a setting of its own."""
    machine.run("systemctl", "stop", SOCKET, UNIT)
    machine.drop_in("[Socket]\nListenStream=\nListenStream=127.0.0.1:8780\n"
                    "ListenStream=[::1]:8780", SOCKET)
    try:
        machine.run("systemctl", "start", UNIT)
        stream(machine, "-x", "http://127.0.0.1:8780", CHAT)
        stream(machine, "-x", "http://[::1]:8780", CHAT)
        assert machine.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7780",
                           check=False).returncode
    finally:
        machine.run("systemctl", "stop", SOCKET, UNIT)
        machine.drop_in(None, SOCKET)
        machine.run("systemctl", "start", UNIT)


def test_without_the_socket_unit(machine):
    """Where the .socket unit is masked the service opens 7780 itself."""
    machine.run("systemctl", "stop", SOCKET, UNIT)
    machine.run("mv", f"/etc/systemd/system/{SOCKET}", "/opt/test/")
    machine.run("systemctl", "mask", SOCKET)
    try:
        machine.run("systemctl", "start", UNIT)
        stream(machine, "-x", "http://127.0.0.1:7780", CHAT)
    finally:
        machine.run("systemctl", "stop", UNIT)
        machine.run("systemctl", "unmask", SOCKET)
        machine.run("mv", f"/opt/test/{SOCKET}", "/etc/systemd/system/")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", UNIT)


def test_exposure(machine):
    """systemd-analyze security finds little to say, of either service."""
    for unit in (UNIT, "cullis-sidecar@one.service"):
        out = machine.run("systemd-analyze", "security", "--no-pager",
                          unit).stdout
        figure = float(re.search(r"exposure level for \S+: (\S+)",
                                 out).group(1))
        print(f"  exposure of {unit}: {figure}")
        assert figure <= EXPOSURE_MAX, out


def test_units_are_sound(machine):
    """systemd-analyze verify has nothing to say."""
    for unit in UNITS:
        name = unit.replace("@.", "@one.")
        got = machine.run("systemd-analyze", "verify", "--man=no", name,
                          check=False)
        said = [line for line in got.stderr.splitlines() if "cullis" in line]
        assert got.returncode == 0 and not said, got.stderr


def test_it_comes_back_when_it_is_killed(machine):
    """Restart=on-failure, and the agents are served again."""
    pid = machine.show("MainPID")
    machine.run("kill", "-KILL", pid)
    until(lambda: machine.show("MainPID") not in (pid, "0")
          and machine.show("ActiveState") == "active", "another process")
    stream(machine, "-x", "http://127.0.0.1:7780", CHAT)


def test_stop_waits_for_a_stream(machine):
    """A stream that is under way is served to its end, then exit 0; new
    clients of the .socket unit are served meanwhile."""
    with Held(machine, "drain") as held:
        stop = machine.start("systemctl", "stop", UNIT)
        until(lambda: machine.show("ActiveState") == "deactivating",
              "draining")
        until(lambda: machine.show("StatusText") == "draining", "StatusText")
        stream(machine, "-x", "http://127.0.0.1:7780", CHAT)
        assert held.agent.poll() is None and stop.poll() is None
        held.release()
    _, err = stop.communicate(timeout=30)
    assert stop.returncode == 0, err
    # systemd forgets a stopped unit that nobody refers to: the journal tells.
    assert machine.show("ActiveState") == "inactive"
    assert f"{UNIT}: Deactivated successfully." in machine.journal()
    assert machine.run("ls", "-A", RUN).stdout == "proxy.sock\n"


def test_a_request_starts_it(machine):
    """A stopped service is started by the next agent, who is served."""
    assert machine.show("ActiveState") == "inactive"
    stream(machine, "-x", "http://127.0.0.1:7780", CHAT)
    assert machine.show("ActiveState") == "active"


def test_draining_may_take_longer_than_systemd_allows(machine):
    """With drain-timeout above TimeoutStopSec= a stream that is shorter than
    the former is not cut."""
    machine.drop_in("[Service]\nTimeoutStopSec=1s")
    try:
        machine.run("systemctl", "restart", UNIT)
        with Held(machine, "long") as held:
            stop = machine.start("systemctl", "stop", UNIT)
            until(lambda: machine.show("StatusText") == "draining",
                  "StatusText")
            begun = time.monotonic()
            until(lambda: time.monotonic() > begun + 5, "five seconds")
            assert held.agent.poll() is None and stop.poll() is None
            held.release()
        _, err = stop.communicate(timeout=30)
        assert stop.returncode == 0, err
        assert "timed out" not in machine.journal()
    finally:
        machine.drop_in(None)
        machine.run("systemctl", "start", UNIT)


def test_a_process_that_stands_still_is_replaced(machine):
    """SIGSTOP, and then one worker alone that hangs while main and the admin
    listener work on: either way the watchdog finds out, and agents are served
    again."""
    machine.drop_in("[Service]\nWatchdogSec=2")
    try:
        for hang in (machine.stop_process, machine.stop_worker):
            machine.run("systemctl", "reset-failed", UNIT)
            machine.run("systemctl", "restart", UNIT)
            pid = machine.show("MainPID")
            # It is fed for longer than it would live without.
            begun = time.monotonic()
            until(lambda: time.monotonic() > begun + 3, "three seconds")
            assert machine.show("MainPID") == pid
            hang(pid)
            if hang == machine.stop_worker:
                machine.run("curl", "-sS", "-f",
                            "http://127.0.0.1:7781/startupz")
            until(lambda: machine.show("MainPID") not in (pid, "0")
                  and machine.show("ActiveState") == "active",
                  "another process")
            stream(machine, "-x", "http://127.0.0.1:7780", CHAT)
        assert machine.journal().count("Watchdog timeout") == 2
    finally:
        machine.drop_in(None)
        machine.run("systemctl", "restart", UNIT)


def test_reload(machine):
    """systemctl reload comes back, and the service is active."""
    pid = machine.show("MainPID")
    machine.run("systemctl", "reload", UNIT)
    until(lambda: machine.show("ActiveState") == "active", "active")
    assert machine.show("MainPID") == pid
    stream(machine, "-x", "http://127.0.0.1:7780", CHAT)


def test_encrypted_credentials(machine):
    """LoadCredentialEncrypted= with a key that only this machine can
    decrypt."""
    machine.run("systemd-creds", "setup")
    machine.run("systemd-creds", "encrypt", "--with-key=host",
                "--name=key.pem", "/etc/cullis/agent/key.pem",
                "/etc/cullis/agent/key.pem.cred")
    lines = "\n".join(f"LoadCredential={name}:/etc/cullis/agent/{name}"
                      for name in CREDENTIALS if name != "key.pem")
    machine.drop_in(
        "[Service]\nLoadCredential=\n" + lines + "\nLoadCredentialEncrypted="
        "key.pem:/etc/cullis/agent/key.pem.cred")
    machine.run("mv", "/etc/cullis/agent/key.pem", "/etc/cullis/agent/away")
    try:
        machine.run("systemctl", "restart", UNIT)
        stream(machine, "-x", "http://127.0.0.1:7780", CHAT)
        cred = machine.run("cat", "/etc/cullis/agent/key.pem.cred").stdout
        assert "PRIVATE" not in cred
    finally:
        machine.run("mv", "/etc/cullis/agent/away",
                    "/etc/cullis/agent/key.pem")
        machine.drop_in(None)
        machine.run("systemctl", "restart", UNIT)


def settled_failure(machine):
    """Start a unit that cannot run: its exit status, once it has given up."""
    machine.run("systemctl", "stop", UNIT)
    assert machine.run("systemctl", "start", UNIT, check=False).returncode
    until(lambda: machine.show("ActiveState") == "failed", "failed")
    found = machine.show("NRestarts", "ExecMainStatus", "SubState")
    machine.run("systemctl", "reset-failed", UNIT)
    assert found["NRestarts"] == "0", found
    return int(found["ExecMainStatus"])


def test_an_incomplete_identity_does_not_loop(machine):
    """A unit without the key ends with 78 once, and says what is missing."""
    lines = "\n".join(f"LoadCredential={name}:/etc/cullis/agent/{name}"
                      for name in CREDENTIALS if name != "key.pem")
    machine.drop_in("[Service]\nLoadCredential=\n" + lines)
    status = settled_failure(machine)
    machine.drop_in(None)
    assert status == 78, status
    assert "key.pem" in machine.journal()


def test_a_credential_that_is_not_there_does_not_loop(machine):
    """A file that LoadCredential= names and nobody made."""
    machine.run("mv", "/etc/cullis/agent/key.pem", "/etc/cullis/agent/away")
    status = settled_failure(machine)
    machine.run("mv", "/etc/cullis/agent/away", "/etc/cullis/agent/key.pem")
    assert status == 243, status  # systemd.exec(5): EXIT_CREDENTIALS


def test_it_starts_again_after_all_that(machine):
    """Nothing of what went wrong stays."""
    machine.run("systemctl", "start", UNIT)
    stream(machine, "-x", "http://127.0.0.1:7780", CHAT)


def test_the_journal_holds_no_secret(machine):
    """After all of that: no key, no token, no proof, no cookie in the log."""
    journal = machine.journal()
    assert "orga::unit" in journal and "request_id" in journal, journal
    secrets = ["eyJ", "PRIVATE KEY", "Bearer"]
    with open(machine.agent + "/dpop.jwk", encoding="ascii") as f:
        jwk = json.load(f)
    secrets.append(jwk.get("private_jwk", jwk)["d"])
    with open(machine.agent + "/key.pem", encoding="ascii") as f:
        secrets += [line.strip() for line in f if "-----" not in line]
    for secret in secrets:
        assert secret not in journal, journal


