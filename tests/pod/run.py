#!/usr/bin/env python3
"""contrib/kubernetes/pod.yaml: checked against the schemas, run with podman.

The pod that runs is made from the manifest as it is shipped (as_podman_pod),
so that the two cannot drift apart.  Its images are FROM scratch, with this
build and files of this machine.  podman works in namespaces of its own, with
its storage in a scratch directory: all of it ends with one process.

Needs root, the packages podman, buildah, runc, catatonit, curl and
python3-venv, and from PyPI what requirements.txt pins; what is missing is a failure.

usage: run.py BUILD-DIRECTORY
"""
import contextlib
import copy
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
MANIFEST = SOURCE + "/contrib/kubernetes/pod.yaml"
IMAGE = SOURCE + "/contrib/image/image.py"
VERSIONS = ("1.29", "1.37")  # the first with native sidecars, and a late one
NAME = "mastio.test"
PORT = 9443  # of mastio-dev; the network namespace is ours alone
CONTROL = 9444
CHAT = f"http://{NAME}/v1/chat/completions"
PROMPT = ('{"model":"m","stream":true,"messages":'
          '[{"role":"user","content":"one two three"}]}')

# This machine may have a hybrid cgroup tree and no CAP_SYS_RESOURCE.
PODMAN = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

# Tools of the agent's image: its work, and what the tests look with.
AGENT_TOOLS = ("curl", "sleep", "ls", "cat", "env", "id")


def until(condition, what, seconds=60):
    """Poll until it holds; what it returned."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.05)
    return value


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def documents(scratch):
    """The manifest's objects.  YAML is read by what kubernetes-validate
    brings along."""
    venv = scratch + "/venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv + "/bin/pip", "install", "--quiet",
                    "--disable-pip-version-check", "--require-hashes", "-r",
                    HERE + "/requirements.txt"], check=True)
    out = subprocess.run(
        [venv + "/bin/python", "-c", "import json, sys, yaml; json.dump("
         "list(yaml.safe_load_all(open(sys.argv[1]))), sys.stdout)",
         MANIFEST], check=True, capture_output=True).stdout
    return json.loads(out)


def fill_image(directory, programs, lines):
    """A Containerfile and programs with the libraries that they load."""
    for program in programs:
        target = directory + "/root/usr/bin/" + os.path.basename(program)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(program, target)
        out = subprocess.run(["ldd", program], check=True, text=True,
                             capture_output=True).stdout
        for library in re.findall(r"/\S+", out):
            target = directory + "/root" + library
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(library, target)
    write(directory + "/Containerfile",
          "FROM scratch\nCOPY root/ /\n" + lines)


def lay_out_secret(source, directory, group, mode):
    """A Secret volume as the kubelet lays it out with an fsGroup: a writable
    directory with sticky bit, symbolic links through ..data, and files of
    this mode that the group may read."""
    version = directory + "/..2026_01_01_00_00_00.1"
    os.makedirs(version)
    os.symlink(os.path.basename(version), directory + "/..data")
    for name in os.listdir(source):
        shutil.copy(f"{source}/{name}", f"{version}/{name}")
        os.chown(f"{version}/{name}", 0, group)
        os.chmod(f"{version}/{name}", mode)
        os.symlink("..data/" + name, f"{directory}/{name}")
    for path, bits in ((version, 0o2755), (directory, 0o3777)):
        os.chown(path, 0, group)
        os.chmod(path, bits)


def as_podman_pod(pod, images, identity):
    """The manifest for podman 4.3.  It knows no native sidecars; its Secret
    volumes have neither group nor mode, so that a directory stands in; and it
    has no network here but the host's, in our own namespace."""
    spec = pod["spec"]
    for sidecar in spec.pop("initContainers"):
        assert sidecar.pop("restartPolicy") == "Always"
        spec["containers"].insert(0, sidecar)
    for container in spec["containers"]:
        container["image"] = images[container["name"]]
        container["imagePullPolicy"] = "Never"
        if container["name"] == "agent":
            container["command"] = ["/usr/bin/sleep", "infinity"]
    spec["containers"].append({
        "name": "gateway", "image": images["gateway"],
        "imagePullPolicy": "Never"})
    for volume in spec["volumes"]:
        if volume.pop("secret", None):
            volume["hostPath"] = {"path": identity, "type": "Directory"}
    spec["hostNetwork"] = True
    return pod


class Engine:
    """podman, in pid, mount and network namespaces of its own."""

    def __init__(self, scratch):
        self.scratch = scratch
        write(scratch + "/containers.conf", PODMAN)
        write(scratch + "/hosts", f"127.0.0.1 localhost {NAME}\n")
        self.env = {**os.environ,
                    "CONTAINERS_CONF": scratch + "/containers.conf",
                    "TMPDIR": scratch}
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-m", "-n",
             "--fork", "--kill-child", "--mount-proc", "bash", "-c",
             'ip link set lo up && mount --bind "$1" /etc/hosts && echo up && '
             'exec catatonit -P', "bash", scratch + "/hosts"],
            env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        assert self.holder.stdout.readline() == "up\n", "no namespaces"
        children = f"/proc/{self.holder.pid}/task/{self.holder.pid}/children"
        self.pid = int(read(children).split()[0])

    def run(self, *argv, check=True, seconds=120):
        done = subprocess.run(
            ["nsenter", "-t", str(self.pid), "-p", "-m", "-n", "--", *argv],
            env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=seconds, check=False)
        if check and done.returncode:
            raise AssertionError(
                f"{argv}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def podman(self, *argv, **kwargs):
        return self.run(
            "podman", "--root", self.scratch + "/storage", "--runroot",
            self.scratch + "/runroot", "--tmpdir", self.scratch + "/libpod",
            "--storage-driver", "vfs", *argv, **kwargs)

    def end(self):
        self.podman("pod", "rm", "-f", "-a", check=False)
        os.kill(self.pid, signal.SIGKILL)
        self.holder.wait()
        for parent in glob.glob("/sys/fs/cgroup/*/libpod_parent"):
            for path, _, _ in os.walk(parent, topdown=False):
                with contextlib.suppress(OSError):  # another podman's
                    os.rmdir(path)


class Pod:
    """The pod of the manifest, at work."""

    def __init__(self, build, scratch):
        self.scratch = scratch
        self.build = os.path.abspath(build)
        self.objects = documents(scratch)
        pod = self.manifest()
        self.name = pod["metadata"]["name"]
        (self.sidecar,) = pod["spec"]["initContainers"]
        self.identity = scratch + "/mastio/agent"
        self.engine = Engine(scratch)

    def manifest(self):
        (pod,) = (o for o in self.objects if o["kind"] == "Pod")
        return copy.deepcopy(pod)

    def make_images(self):
        mastio = self.scratch + "/mastio"
        subprocess.run(
            [self.build + "/mastio-dev", "init", mastio, "--agent",
             "orga::kyc-screener", "--names", NAME, "--url",
             f"https://{NAME}:{PORT}"], check=True)
        archive = self.scratch + "/cullis-sidecar.tar"
        subprocess.run([IMAGE, self.build + "/cullis-sidecar", "test", archive,
                        self.scratch + "/cullis-sidecar.json"], check=True)
        self.engine.podman("load", "-q", "-i", archive)
        fill_image(self.scratch + "/agent",
                   [shutil.which(tool) or tool for tool in AGENT_TOOLS], "")
        fill_image(self.scratch + "/gateway", [self.build + "/mastio-dev"],
                   'CMD ["/usr/bin/mastio-dev", "serve", "/mastio", '
                   f'"--listen", "127.0.0.1:{PORT}", '
                   f'"--control", "127.0.0.1:{CONTROL}"]\n')
        shutil.copytree(mastio, self.scratch + "/gateway/root/mastio")
        images = {"cullis-sidecar": "localhost/cullis-sidecar:test"}
        for name in ("agent", "gateway"):
            images[name] = f"localhost/{name}:test"
            self.engine.podman("build", "-q", "-t", images[name],
                               f"{self.scratch}/{name}")
        return images

    def play(self):
        images = self.make_images()
        pod = self.manifest()
        (volume,) = (v["secret"] for v in pod["spec"]["volumes"]
                     if "secret" in v)
        volume_dir = self.scratch + "/volume"
        lay_out_secret(self.identity, volume_dir,
                       pod["spec"]["securityContext"]["fsGroup"],
                       volume["defaultMode"])
        path = self.scratch + "/pod.yaml"  # JSON is YAML
        write(path, json.dumps(as_podman_pod(pod, images, volume_dir)))
        self.engine.podman("kube", "play", path)

    def exec(self, container, *argv, check=True):
        return self.engine.podman("exec", f"{self.name}-{container}", *argv,
                                  check=check)

    def inspect(self, container, template):
        return self.engine.podman("inspect", "-f", template,
                                  f"{self.name}-{container}").stdout.strip()

    def status(self, container):
        """/proc/PID/status of a container's first process."""
        pid = self.inspect(container, "{{.State.Pid}}")
        text = self.engine.run("cat", f"/proc/{pid}/status").stdout
        return dict(line.split(":\t", 1) for line in text.splitlines()
                    if ":\t" in line)

    def logs(self):
        done = self.engine.podman("logs", f"{self.name}-cullis-sidecar")
        return done.stdout + done.stderr

    def probe(self, name):
        return self.exec("cullis-sidecar",
                         *self.sidecar[name]["exec"]["command"], check=False)

    def end(self):
        self.engine.end()


# ---- the tests, in this order


def test_the_manifest_is_valid(pod):
    """Each object, strictly, against the schemas of Kubernetes."""
    assert {o["kind"] for o in pod.objects} == {"Pod", "NetworkPolicy"}
    for version in VERSIONS:
        done = subprocess.run(
            [pod.scratch + "/venv/bin/kubernetes-validate", "--strict", "-k",
             version, MANIFEST], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_a_native_sidecar(pod):
    """It starts before the agent and ends after it, and the agent's
    container has environment variables only."""
    spec = pod.manifest()["spec"]
    assert pod.sidecar["restartPolicy"] == "Always"
    assert pod.sidecar["startupProbe"]["periodSeconds"] == 1
    assert spec["terminationGracePeriodSeconds"] > 30  # drain-timeout
    (agent,) = spec["containers"]
    assert "volumeMounts" not in agent
    assert {"http_proxy", "HTTP_PROXY"} <= {v["name"] for v in agent["env"]}
    for mount in pod.sidecar["volumeMounts"]:
        assert "subPath" not in mount, "a subPath is not updated"


def test_the_pod_starts(pod):
    """Images of the build alone; the startup probe of the manifest turns."""
    pod.play()
    until(lambda: pod.probe("startupProbe").returncode == 0, "startup")
    done = pod.probe("livenessProbe")
    assert done.returncode == 0, done.stderr


def test_the_agent_gets_a_plain_answer(pod):
    """curl in the agent's container knows nothing but its environment."""
    out = pod.exec("agent", "curl", "-sS", "-f", "--max-time", "20",
                   f"http://{NAME}/v1/models").stdout
    assert json.loads(out)["object"] == "list", out


def test_the_agent_gets_a_stream(pod):
    """Server-sent events to their end."""
    out = pod.exec("agent", "curl", "-sS", "-N", "--max-time", "20", CHAT,
                   "-H", "Content-Type: application/json", "-d", PROMPT,
                   "-w", "\n%{http_code} %{content_type}").stdout
    body, _, last = out.rpartition("\n")
    assert last.startswith("200 text/event-stream"), out
    assert body.count("data: ") > 3 and "data: [DONE]" in body, out


def test_the_agent_may_use_a_base_url(pod):
    """OPENAI_BASE_URL of the manifest, past the proxy variables."""
    env = dict(line.split("=", 1) for line in
               pod.exec("agent", "env").stdout.splitlines())
    out = pod.exec("agent", "curl", "-sS", "-f", "--max-time", "20",
                   env["OPENAI_BASE_URL"] + "/models").stdout
    assert json.loads(out)["object"] == "list", out


def test_the_gateway_saw_proofs(pod):
    """mTLS and a proof of its own for each of the three."""
    out = pod.engine.run("curl", "-sS", f"http://127.0.0.1:{CONTROL}/journal")
    seen = [e for e in json.loads(out.stdout)["entries"]
            if e["path"].startswith(("/v1/chat/", "/v1/models"))]
    assert len(seen) == 3 and len({e["proof"]["jti"] for e in seen}) == 3, seen
    for entry in seen:
        assert entry["status"] == 200 and entry["tls"]["client_sha256"], entry
        assert entry["proof"]["verdict"] == "ok", entry


def test_the_users_differ(pod):
    """Each has its own uid; the sidecar has no capability and a read-only
    root."""
    sidecar, agent = pod.status("cullis-sidecar"), pod.status("agent")
    wanted = pod.sidecar["securityContext"]["runAsUser"]
    assert wanted == 64780
    assert sidecar["Uid"].split() == [str(wanted)] * 4, sidecar["Uid"]
    assert str(wanted) not in agent["Uid"].split(), agent["Uid"]
    assert "0" not in agent["Uid"].split(), agent["Uid"]
    for fields in (sidecar, agent):
        assert int(fields["CapEff"], 16) == 0, fields["CapEff"]
        assert fields["NoNewPrivs"] == "1", fields["NoNewPrivs"]
    assert pod.inspect("cullis-sidecar",
                       "{{.HostConfig.ReadonlyRootfs}}") == "true"


def test_the_agent_sees_no_secret(pod):
    """No file, no socket and no process of the sidecar."""
    for mount in pod.sidecar["volumeMounts"]:
        done = pod.exec("agent", "ls", mount["mountPath"], check=False)
        assert done.returncode != 0, (mount, done.stdout)
    processes = pod.exec("agent", "ls", "/proc").stdout.split()
    commands = [pod.exec("agent", "cat", f"/proc/{p}/cmdline", check=False)
                .stdout for p in processes if p.isdigit()]
    assert commands and not any("cullis" in c for c in commands), commands
    environment = pod.exec("agent", "env").stdout
    assert "eyJ" not in environment and "PRIVATE" not in environment


def test_the_agent_cannot_stop_the_sidecar(pod):
    """They share the loopback: the admin port there only reads."""
    for path in ("quitquitquit", "reload"):
        out = pod.exec("agent", "curl", "-sS", "-o", "/dev/null", "-w",
                       "%{http_code}", "--noproxy", "*", "-X", "POST",
                       "http://127.0.0.1:7781/" + path).stdout
        assert out[0] in "45", (path, out)
    assert pod.probe("livenessProbe").returncode == 0


def test_the_image_has_no_shell(pod):
    """Nothing to run there but the program itself."""
    for shell in ("/bin/sh", "/usr/bin/sh", "sh"):
        done = pod.exec("cullis-sidecar", shell, "-c", "true", check=False)
        assert done.returncode == 127, (shell, done)


def test_the_log_holds_no_secret(pod):
    """Neither key nor token nor proof."""
    log = pod.logs()
    assert "orga::kyc-screener" in log and '"path":"/v1/models"' in log, log
    secrets = ["eyJ", "PRIVATE KEY"]
    jwk = json.loads(read(pod.identity + "/dpop.jwk"))
    secrets.append(jwk.get("private_jwk", jwk)["d"])
    secrets += [line for line in read(pod.identity + "/key.pem").splitlines()
                if "-----" not in line]
    for value in secrets:
        assert value not in log, log


def test_it_ends_clean(pod):
    """As process 1 of its container: SIGTERM, exit 0."""
    pod.engine.podman("stop", "-t", "30", f"{pod.name}-cullis-sidecar")
    assert pod.inspect("cullis-sidecar", "{{.State.ExitCode}}") == "0"
    assert '"msg":"stopped"' in pod.logs()


def run_tests(pod):
    passed = failed = 0
    tests = [(name, test) for name, test in globals().items()
             if name.startswith("test_")]
    for name, test in tests:
        try:
            test(pod)
            passed += 1
            print("ok   " + name, flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("FAIL " + name)
            traceback.print_exc(file=sys.stdout)
            if test is test_the_pod_starts:
                break
    if failed:
        for container in ("cullis-sidecar", "gateway"):
            done = pod.engine.podman("logs", f"{pod.name}-{container}",
                                     check=False)
            print(f"---- {container}\n{done.stdout}{done.stderr}")
    print(f"{passed} passed, {failed} failed")
    return failed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    scratch = tempfile.mkdtemp(prefix="cullis-pod-")
    os.chmod(scratch, 0o755)
    pod = None
    try:
        pod = Pod(sys.argv[1], scratch)
        failed = run_tests(pod)
    finally:
        if pod:
            pod.end()
        shutil.rmtree(scratch)
    sys.exit(1 if failed else 0)


main()
