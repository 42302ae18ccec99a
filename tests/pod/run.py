#!/usr/bin/env python3
"""contrib/kubernetes: checked against the schemas, run with podman.

The pods that run are made from the manifests as they are shipped
(as_podman_pod), so that they cannot drift apart.  Its images are FROM scratch, with this
build and files of this machine.  podman works in namespaces of its own, with
its storage in a scratch directory: all of it ends with one process.

Needs root, the packages podman, buildah, runc, catatonit, curl and
python3-venv, Go, and what requirements.txt pins of PyPI and kustomize/go.sum of
Go's modules; what is missing is a failure.

usage: run.py BUILD-DIRECTORY
"""
import contextlib
import copy
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests", "it"))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness.series import Series, tests_of

MANIFESTS = SOURCE + "/contrib/kubernetes"
IMAGE = SOURCE + "/contrib/image/image.py"
VERSIONS = ("1.29", "1.37")  # the first with native sidecars, and a late one
AGENT = "orga::kyc-screener"
NAME = "mastio.test"
PORT = 9443  # of mastio-dev; the network namespace is ours alone
CONTROL = 9444
LIVE_SECONDS = 6 + 10  # reload-interval + 1 s, and a loaded machine
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


class Tools:
    """What reads and judges manifests, installed from its pins."""

    def __init__(self, scratch):
        self.venv = scratch + "/venv"
        subprocess.run([sys.executable, "-m", "venv", self.venv], check=True)
        subprocess.run([self.venv + "/bin/pip", "install", "--quiet",
                        "--disable-pip-version-check", "--require-hashes",
                        "-r", HERE + "/requirements.txt"], check=True)
        self.kustomize = scratch + "/kustomize"
        env = {**os.environ, "GOTOOLCHAIN": "local",
               "GOFLAGS": "-mod=readonly -buildvcs=false"}
        subprocess.run(["go", "build", "-o", self.kustomize,
                        "sigs.k8s.io/kustomize/kustomize/v5"], check=True,
                       cwd=HERE + "/kustomize", env=env)

    def documents(self, path):
        """The objects of a manifest, by kind.  YAML is read by what
        kubernetes-validate brings along."""
        out = subprocess.run(
            [self.venv + "/bin/python", "-c", "import json, sys, yaml; "
             "json.dump(list(yaml.safe_load_all(open(sys.argv[1]))), "
             "sys.stdout)", path], check=True, capture_output=True).stdout
        objects = json.loads(out)
        found = {o["kind"]: o for o in objects}
        assert len(found) == len(objects), "two of a kind"
        return found

    def build(self, overlay):
        """What kustomize makes of a directory."""
        done = subprocess.run([self.kustomize, "build", overlay], check=False,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr
        return done.stdout

    def judge(self, path, version):
        """Strictly: an unknown field is an error."""
        done = subprocess.run(
            [self.venv + "/bin/kubernetes-validate", "--strict", "-k", version,
             path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


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
    this mode that the group may read.  The next version replaces ..data by a
    rename, and the one before is removed."""
    os.makedirs(directory, exist_ok=True)
    version = f"{directory}/..2026_01_01.{time.monotonic_ns()}"
    os.mkdir(version)
    for name in os.listdir(source):
        shutil.copy(f"{source}/{name}", f"{version}/{name}")
        os.chown(f"{version}/{name}", 0, group)
        os.chmod(f"{version}/{name}", mode)
        if not os.path.islink(f"{directory}/{name}"):
            os.symlink("..data/" + name, f"{directory}/{name}")
    for path, bits in ((version, 0o2755), (directory, 0o3777)):
        os.chown(path, 0, group)
        os.chmod(path, bits)
    before = glob.glob(directory + "/..2*")
    os.symlink(os.path.basename(version), directory + "/..data_tmp")
    os.rename(directory + "/..data_tmp", directory + "/..data")
    for path in before:
        if path != version:
            shutil.rmtree(path)


def as_podman_pod(pod, images, identity, command):
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
            container["command"] = command
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
        self.tools = Tools(scratch)
        self.objects = self.tools.documents(MANIFESTS + "/pod.yaml")
        pod = self.manifest()
        self.name = pod["metadata"]["name"]
        (self.sidecar,) = pod["spec"]["initContainers"]
        self.identity = scratch + "/mastio/agent"
        self.volume = scratch + "/volume"
        self.images = {}
        self.engine = Engine(scratch)

    def manifest(self):
        return copy.deepcopy(self.objects["Pod"])

    def job(self):
        """Its pod, as the Job makes it."""
        job = self.tools.documents(MANIFESTS + "/job.yaml")["Job"]
        return {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": job["metadata"]["name"]},
                "spec": job["spec"]["template"]["spec"]}

    def example(self):
        """The overlay's objects."""
        path = self.scratch + "/example.yaml"
        write(path, self.tools.build(MANIFESTS + "/kustomize/example"))
        return self.tools.documents(path)

    def make_images(self):
        mastio = self.scratch + "/mastio"
        subprocess.run(
            [self.build + "/mastio-dev", "init", mastio, "--agent",
             AGENT, "--names", NAME, "--url",
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

    def lay_out(self, source):
        """A version of the Secret."""
        spec = self.manifest()["spec"]
        (volume,) = (v["secret"] for v in spec["volumes"] if "secret" in v)
        lay_out_secret(source, self.volume,
                       spec["securityContext"]["fsGroup"],
                       volume["defaultMode"])

    def play(self, pod, command, *more):
        """The pod of a manifest, its agent doing this, and more containers."""
        pod = as_podman_pod(pod, self.images, self.volume, command)
        pod["spec"]["containers"] += more
        path = self.scratch + "/pod.yaml"  # JSON is YAML
        write(path, json.dumps(pod))
        self.engine.podman("kube", "play", path)

    def start(self):
        self.images = self.make_images()
        self.lay_out(self.identity)
        self.play(self.manifest(), ["/usr/bin/sleep", "infinity"], {
            "name": "gateway", "image": self.images["gateway"],
            "imagePullPolicy": "Never"})

    def control(self, path, body=None):
        """The gateway's own listener."""
        data = ["-d", json.dumps(body)] if body else []
        out = self.engine.run("curl", "-sS", "-f", *data,
                              f"http://127.0.0.1:{CONTROL}{path}").stdout
        return json.loads(out or "null")

    def renewed(self):
        """Another certificate and keys of the agent, which the gateway knows
        from now on."""
        out = self.scratch + "/renewed"
        subprocess.run([self.build + "/mastio-dev", "issue",
                        self.scratch + "/mastio", out, "--agent", AGENT,
                        "--register", "no"], check=True)
        shutil.copy(self.identity + "/agent.json", out)
        self.control("/agent/pin", {"agent_id": AGENT, "grace_s": 3600,
                                    "cert_pem": read(out + "/cert.pem")})
        self.control("/agent/dpop", {"agent_id": AGENT, "jkt": None})
        return out

    def admin_status(self):
        """/status, as the agent may read it."""
        return json.loads(self.exec(
            "agent", "curl", "-sS", "-f", "--noproxy", "*",
            "http://127.0.0.1:7781/status").stdout)

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


def test_the_manifests_are_valid(pod):
    """Each object, strictly, against the schemas of Kubernetes."""
    assert set(pod.objects) == {"Pod", "NetworkPolicy"}
    example = pod.example()
    del example["PodMonitor"]  # not one of Kubernetes' own
    assert set(example) == {"Deployment", "NetworkPolicy"}
    paths = [MANIFESTS + "/pod.yaml", MANIFESTS + "/job.yaml"]
    for kind, value in example.items():
        paths.append(f"{pod.scratch}/example-{kind}.yaml")
        write(paths[-1], json.dumps(value))
    for version in VERSIONS:
        for path in paths:
            pod.tools.judge(path, version)


def essence(spec):
    """Of a pod: all that does not differ from workload to workload."""
    spec = copy.deepcopy(spec)
    spec.pop("restartPolicy", None)
    (sidecar,) = spec["initContainers"]
    sidecar.pop("ports", None)
    sidecar["env"] = [v for v in sidecar["env"]
                      if v["name"] != "CULLIS_SIDECAR_METRICS_LISTEN"]
    (agent,) = spec["containers"]
    agent.pop("image")
    for volume in spec["volumes"]:
        if "secret" in volume:
            volume["secret"].pop("secretName")
    return spec


def test_the_manifests_say_the_same(pod):
    """One file to read, a Job, and the Kustomize component."""
    wanted = essence(pod.manifest()["spec"])
    assert essence(pod.job()["spec"]) == wanted
    deployment = pod.example()["Deployment"]["spec"]["template"]
    assert essence(deployment["spec"]) == wanted


def test_prometheus_finds_the_port(pod):
    """The PodMonitor, the pod's labels and port, and the sidecar's key."""
    example = pod.example()
    template = example["Deployment"]["spec"]["template"]
    monitor = example["PodMonitor"]["spec"]
    wanted = monitor["selector"]["matchLabels"]
    assert wanted.items() <= template["metadata"]["labels"].items()
    (sidecar,) = template["spec"]["initContainers"]
    (port,) = sidecar["ports"]
    assert [e["port"] for e in monitor["podMetricsEndpoints"]] == [port["name"]]
    (listen,) = [v["value"] for v in sidecar["env"]
                 if v["name"] == "CULLIS_SIDECAR_METRICS_LISTEN"]
    assert listen == f"0.0.0.0:{port['containerPort']}"


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
    pod.start()
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
    seen = [e for e in pod.control("/journal")["entries"]
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


def test_a_new_secret_goes_live(pod):
    """The Secret is replaced as the kubelet does it: the next request comes
    with the new certificate, from the same process."""
    before = pod.status("cullis-sidecar")["Pid"]
    new = pod.renewed()
    der = ssl.PEM_cert_to_DER_cert(read(new + "/cert.pem"))
    thumbprint = hashlib.sha256(der).hexdigest()
    assert pod.admin_status()["thumbprint"] != thumbprint
    pod.lay_out(new)
    until(lambda: pod.admin_status()["thumbprint"] == thumbprint,
          "the new certificate", LIVE_SECONDS)
    pod.exec("agent", "curl", "-sS", "-f", "--max-time", "20",
             f"http://{NAME}/v1/models")
    last = pod.control("/journal")["entries"][-1]
    assert last["tls"]["client_sha256"] == thumbprint, last
    assert pod.status("cullis-sidecar")["Pid"] == before
    assert pod.probe("livenessProbe").returncode == 0


def test_an_operator_may_reload(pod):
    """kubectl exec, with the program alone: its Unix socket is in a volume
    that the agent has not."""
    done = pod.exec("cullis-sidecar", "/usr/bin/cullis-sidecar", "reload")
    assert "reload" in done.stdout + done.stderr, done


def test_the_log_holds_no_secret(pod):
    """Neither key nor token nor proof."""
    log = pod.logs()
    assert AGENT in log and '"path":"/v1/models"' in log, log
    secrets = ["eyJ", "PRIVATE KEY"]
    for identity in (pod.identity, pod.scratch + "/renewed"):
        jwk = json.loads(read(identity + "/dpop.jwk"))
        secrets.append(jwk.get("private_jwk", jwk)["d"])
        secrets += [line for line in read(identity + "/key.pem").splitlines()
                    if "-----" not in line]
    for value in secrets:
        assert value not in log, log


def test_it_ends_clean(pod):
    """As process 1 of its container: SIGTERM, exit 0."""
    pod.engine.podman("stop", "-t", "30", f"{pod.name}-cullis-sidecar")
    assert pod.inspect("cullis-sidecar", "{{.State.ExitCode}}") == "0"
    assert '"msg":"stopped"' in pod.logs()


def test_the_job_ends(pod):
    """Its agent has ended: the kubelet sends SIGTERM to the sidecar, which
    ends at once and clean, long before drain-timeout."""
    job = pod.job()
    name = job["metadata"]["name"]
    # podman does not wait for the startup probe: curl does.
    pod.play(job, ["/usr/bin/curl", "-sS", "-f", "--retry", "30",
                   "--retry-delay", "1", "--retry-connrefused",
                   f"http://{NAME}/v1/models"])
    out = pod.engine.podman("wait", name + "-agent").stdout
    assert out.strip() == "0", pod.engine.podman("logs", name + "-agent").stderr
    start = time.monotonic()
    pod.engine.podman("stop", "-t", "30", name + "-cullis-sidecar")
    assert time.monotonic() - start < 10
    assert pod.engine.podman("inspect", "-f", "{{.State.ExitCode}}",
                             name + "-cullis-sidecar").stdout.strip() == "0"


def run_tests(series, pod):
    for name, test in tests_of(globals()).items():
        if not series.run(name, test, pod) and test is test_the_pod_starts:
            break
    for container in ("cullis-sidecar", "gateway") if series.failed else ():
        done = pod.engine.podman("logs", f"{pod.name}-{container}",
                                 check=False)
        print(f"---- {container}\n{done.stdout}{done.stderr}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    scratch = tempfile.mkdtemp(prefix="cullis-pod-")
    os.chmod(scratch, 0o755)
    series, pod = Series(), None
    try:
        pod = Pod(sys.argv[1], scratch)
        run_tests(series, pod)
    finally:
        if pod:
            pod.end()
        shutil.rmtree(scratch)
    sys.exit(series.end())


main()
