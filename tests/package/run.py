#!/usr/bin/env python3
"""What `./dev release` makes: that it can be made again bit for bit, what it
holds, and what it does to a machine.

The Debian package is installed, upgraded and purged under a real systemd, on
an overlay of this machine (../systemd/boot.sh).  Needs root and what `./dev
test all` installs; what is missing is a failure.

usage: run.py BUILD-DIRECTORY
"""
import glob
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests", "it"))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from harness.series import Series, tests_of

IMAGE_MAX = 12 << 20  # bytes, unpacked
UNIT = "cullis-sidecar.service"
SOCKET = "cullis-sidecar.socket"
INSTANCE = "cullis-sidecar@second.service"
NAME = "mastio.test"
PORT = 9443  # of mastio-dev; the network namespace is ours alone
CREDENTIALS = ("cert.pem", "key.pem", "dpop.jwk", "agent.json", "ca.pem")

# What has to be there wherever it is installed, less the prefix.
INSTALLED = (
    "bin/cullis-sidecar",
    "lib/systemd/system/cullis-sidecar.service",
    "lib/systemd/system/cullis-sidecar.socket",
    "lib/systemd/system/cullis-sidecar@.service",
    "lib/systemd/system/cullis-sidecar@.socket",
    "share/bash-completion/completions/cullis-sidecar",
    "share/zsh/site-functions/_cullis-sidecar",
    "share/fish/vendor_completions.d/cullis-sidecar.fish",
    "share/man/man8/cullis-sidecar.8",
    "share/man/man5/cullis-sidecar.conf.5",
    "share/doc/cullis-sidecar/README.md",
    "share/doc/cullis-sidecar/operations.md",
    "share/doc/cullis-sidecar/examples/sidecar.conf.sample",
    "share/doc/cullis-sidecar/examples/contrib/kubernetes/pod.yaml",
    "share/doc/cullis-sidecar/examples/contrib/prometheus/alerts.yaml",
)
# Where Debian has it elsewhere.
DEBIAN = {
    "/usr/lib/systemd/system/": "/lib/systemd/system/",
    "/usr/share/zsh/site-functions/": "/usr/share/zsh/vendor-completions/",
}

TARGET = """[Unit]
Requires=basic.target dbus.socket
After=basic.target dbus.socket
"""


def run(*argv, check=True, seconds=500, **kwargs):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=seconds, check=False, **kwargs)
    if check and done.returncode:
        raise AssertionError(
            f"{argv}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def until(condition, what, seconds=60):
    """Poll until it holds; what it returned."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.05)
    return value


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def files_of_deb(path):
    """Its files, as they are installed."""
    lines = run("dpkg-deb", "-c", path).stdout.splitlines()
    return {line.split()[5][1:] for line in lines if line[0] == "-"}


class Machine:
    """A booted systemd on an overlay of this machine."""

    def __init__(self, scratch, build):
        self.files = scratch + "/files"
        write(self.files + "/etc/systemd/system/package-test.target", TARGET)
        # Not copied: the machine has it, and nothing of ours.
        os.makedirs(self.files + "/opt")
        shutil.copy(build + "/mastio-dev", self.files + "/opt")
        run(build + "/mastio-dev", "init", self.files + "/opt/mastio",
            "--agent", "orga::unit", "--names", NAME, "--url",
            f"https://{NAME}:{PORT}")
        write(self.files + "/etc/hosts", f"127.0.0.1 localhost {NAME}\n")
        with open(scratch + "/boot.log", "wb") as log:
            self.unshare = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "-p", "-m", "-C",
                 "-n", "-u", "-i", "--fork", "--kill-child", "bash",
                 SOURCE + "/tests/systemd/boot.sh", scratch,
                 "package-test.target"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = until(self.child, "the first process")
        until(lambda: os.readlink(f"/proc/{self.pid}/exe").endswith("systemd"),
              "systemd")
        until(lambda: self.run("systemctl", "is-active", "package-test.target",
                               check=False).stdout == "active\n",
              "package-test.target")
        # An image for containers forbids packages to start services.
        self.run("rm", "-f", "/usr/sbin/policy-rc.d")

    def child(self):
        if self.unshare.poll() is not None:
            raise AssertionError("the boot ended")
        path = f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children"
        with open(path, encoding="ascii") as f:
            return int((f.read().split() or [0])[0])

    def run(self, *argv, **kwargs):
        return run("nsenter", "-t", str(self.pid), "-p", "-m", "-n", "-u",
                   "-i", "--", *argv, **kwargs)

    def install(self, path):
        """A package from outside: its bytes go in by a pipe."""
        with open(path, "rb") as f:
            subprocess.run(
                ["nsenter", "-t", str(self.pid), "-m", "--", "dd", "status=none",
                 "of=/run/package.deb"], stdin=f, check=True)
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "-i",
                        "/run/package.deb")

    def listing(self):
        """Every file but those in which the machine itself keeps notes."""
        return set(self.run(
            "find", "/", "-xdev", "(", "-path", "/var/lib/dpkg", "-o",
            "-path", "/var/log", "-o", "-path", "/var/cache", "-o", "-path",
            "/var/tmp", ")", "-prune", "-o", "-print").stdout.splitlines())

    def left_since(self, before):
        """Files of its own: what others write on this machine meanwhile is seen
        there too."""
        new = {path for path in self.listing() - before
               if not os.path.lexists(path)}
        return {path for path in new if self.run(
            "test", "-e", path, "-o", "-L", path, check=False).returncode == 0}

    def show(self, name, unit=UNIT):
        return self.run("systemctl", "show", unit, "-P", name).stdout.strip()

    def start(self, *argv):
        """What goes on meanwhile."""
        return subprocess.Popen(
            ["nsenter", "-t", str(self.pid), "-p", "-m", "-n", "-u", "-i", "--",
             *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            text=True)

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        self.unshare.wait()


class Image:
    """An OCI archive, opened by its own directory of contents."""

    def __init__(self, path):
        with tarfile.open(path) as archive:
            self.blobs = {m.name: archive.extractfile(m).read()
                          for m in archive if m.isfile()}
        for name, data in self.blobs.items():
            if name.startswith("blobs/sha256/"):
                assert hashlib.sha256(data).hexdigest() == name[13:], name
        (index,) = json.loads(self.blobs["index.json"])["manifests"]
        self.digest = index["digest"]
        manifest = json.loads(self.blob(index))
        self.config = json.loads(self.blob(manifest["config"]))
        (layer,) = manifest["layers"]
        with tarfile.open(fileobj=io.BytesIO(self.blob(layer))) as tar:
            self.members = tar.getmembers()
            self.files = {m.name: tar.extractfile(m).read()
                          for m in self.members if m.isfile()}

    def blob(self, descriptor):
        data = self.blobs["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(data) == descriptor["size"], descriptor
        return data

    def unpack(self, root):
        for member in self.members:
            path = f"{root}/{member.name}"
            if member.isdir():
                os.makedirs(path)
                continue
            with open(path, "wb") as f:
                f.write(self.files[member.name])
            os.chmod(path, member.mode)


class Packages:
    """All that the tests share."""

    def __init__(self, build, scratch):
        self.build = os.path.abspath(build)
        self.scratch = scratch
        self.deb = ""
        self.release = scratch + "/release"

    def image(self):
        (path,) = glob.glob(self.release + "/*.oci.tar")
        return Image(path)

    def dev(self, what, release, **changed):
        """./dev WHAT, its packages in a directory of this scratch."""
        env = {**os.environ, "RELEASE_DIR": release, **changed}
        run(SOURCE + "/dev", what, env=env)


# ---- the tests, in this order


def test_make_install_is_complete(p):
    """Under DESTDIR, with a prefix of its own; make uninstall leaves no file."""
    root = p.scratch + "/root"
    at = ("-s", "-C", p.build, "DESTDIR=" + root, "prefix=/opt/x")
    run("make", "install", *at)
    for name in INSTALLED:
        assert os.path.isfile(f"{root}/opt/x/{name}"), name
    for unit in glob.glob(root + "/opt/x/lib/systemd/system/*.service"):
        with open(unit, encoding="utf-8") as f:
            assert "ExecStart=/opt/x/bin/cullis-sidecar" in f.read(), unit
    examples = root + "/opt/x/share/doc/cullis-sidecar/examples/"
    for name in ("kubernetes", "prometheus", "grafana"):
        here = f"{SOURCE}/contrib/{name}"
        there = {os.path.relpath(path, examples + "contrib/" + name)
                 for path in glob.glob(examples + f"contrib/{name}/**/*.*",
                                       recursive=True)}
        wanted = {os.path.relpath(path, here) for path in
                  glob.glob(here + "/**/*.*", recursive=True)}
        assert wanted - there <= {"alerts_test.yaml"}, wanted - there
    shipped = {os.path.basename(path) for path in
               glob.glob(SOURCE + "/conf/cullis-sidecar*")}
    there = set(os.listdir(root + "/opt/x/lib/systemd/system"))
    assert there == shipped, (there, shipped)
    run("make", "uninstall", *at)
    assert not [f for _, _, files in os.walk(root) for f in files]


def test_completions_in_every_shell(p):
    """The two that make check does not ask for."""
    run(HERE + "/completions.py", "zsh", "fish", cwd=p.build)


def test_debs_are_equal(p):
    """Two builds in different places, languages, time zones and masks."""
    one, two = p.release, p.scratch + "/other/place"
    p.dev("deb", one)
    os.umask(0o077)
    try:
        p.dev("deb", two, TZ="Pacific/Auckland", LC_ALL="C.UTF-8",
              HOME=p.scratch)
    finally:
        os.umask(0o022)
    (p.deb,) = glob.glob(one + "/*.deb")
    (other,) = glob.glob(two + "/*.deb")
    assert digest(p.deb) == digest(other), "not reproducible"
    for path in glob.glob(one + "/*.tar.xz"):
        assert digest(path) == digest(two + "/" + os.path.basename(path)), path


def test_lintian_is_content(p):
    """No error, no warning, and nothing overridden."""
    done = run("lintian", "--allow-root", "--show-overrides", p.deb)
    assert not done.stdout, done.stdout


def test_the_deb_is_complete(p):
    """What make install brings along, where Debian has it."""
    there = files_of_deb(p.deb)
    for name in INSTALLED:
        path = "/usr/" + name
        for ours, theirs in DEBIAN.items():
            path = path.replace(ours, theirs)
        assert path in there or path + ".gz" in there, path
    assert "/etc/cullis/sidecar.conf" in there
    strangers = {path for path in there if "cullis" not in path}
    assert not strangers, strangers


def test_the_deb_on_a_machine(p):
    """Installed, enabled, upgraded while it runs, removed, purged."""
    machine = Machine(p.scratch, p.build)
    try:
        before = machine.listing()
        machine.install(p.deb)
        check_installed(machine)
        check_service(machine)
        check_upgrade(p, machine)
        machine.run("dpkg", "--remove", "cullis-sidecar")
        for unit in (UNIT, SOCKET, INSTANCE):
            assert machine.show("ActiveState", unit) == "inactive", unit
        machine.run("test", "!", "-e", "/run/cullis-sidecar/proxy.sock")
        machine.run("test", "-e", "/etc/cullis/sidecar.conf")
        # The identities are the user's, and the user's to remove.
        machine.run("rm", "-r", "/etc/cullis/agent", "/etc/cullis/second")
        machine.run("dpkg", "--purge", "cullis-sidecar")
        left = machine.left_since(before)
        assert not left, left
        assert "cullis" not in machine.run("dpkg", "-l").stdout
    finally:
        machine.end()


def check_installed(machine):
    """It is there and does nothing yet."""
    assert machine.run("cullis-sidecar", "--version").stdout.startswith(
        "cullis-sidecar "), "no version"
    for page in ("man8/cullis-sidecar.8", "man5/cullis-sidecar.conf.5"):
        machine.run("mandoc", "-Tlint", "-W", "error",
                    f"/usr/share/man/{page}.gz")
    for unit in (UNIT, SOCKET):
        assert machine.show("UnitFileState", unit) == "disabled", unit
        assert machine.show("ActiveState", unit) == "inactive", unit
    assert machine.show("NRestarts") == "0"


def check_service(machine):
    """With an identity it is enabled and starts, as README.Debian says; and
    so does an instance."""
    machine.run("systemd-run", "-q", "/opt/mastio-dev", "serve", "/opt/mastio",
                "--listen", f"127.0.0.1:{PORT}")
    for directory in ("/etc/cullis/agent", "/etc/cullis/second"):
        machine.run("install", "-d", "-m", "711", directory)
        for name in CREDENTIALS:
            machine.run("install", "-m", "600", "/opt/mastio/agent/" + name,
                        directory)
    machine.run("install", "-m", "644", "/dev/null",
                "/etc/cullis/second/sidecar.conf")
    machine.run("cullis-sidecar", "check")
    for unit in (UNIT, INSTANCE):
        machine.run("systemctl", "enable", "--now", unit)
        assert machine.show("ActiveState", unit) == "active"


def check_upgrade(p, machine):
    """A later version: what runs goes on with it, agents notice nothing, and
    the user's configuration is as it was."""
    machine.run("sh", "-c",
                "echo 'log-level = debug' >>/etc/cullis/sidecar.conf")
    mine = machine.run("cat", "/etc/cullis/sidecar.conf").stdout
    first = {unit: machine.show("MainPID", unit) for unit in (UNIT, INSTANCE)}
    socket = machine.show("ActiveEnterTimestampMonotonic", SOCKET)
    tree = p.scratch + "/later"
    run("dpkg-deb", "-R", p.deb, tree)
    run("sed", "-i", r"s/^Version: .*/&+later/", tree + "/DEBIAN/control")
    run("dpkg-deb", "-b", tree, p.scratch + "/later.deb")
    agent = machine.start(
        "sh", "-c", "until [ -e /run/enough ]; do curl -sS -o /dev/null -w "
        "'%{http_code}\\n' http://127.0.0.1:7780/v1/models 2>&1; done")
    assert agent.stdout.readline() == "200\n"
    machine.install(p.scratch + "/later.deb")
    for unit in (UNIT, INSTANCE):
        assert machine.show("ActiveState", unit) == "active", unit
        assert machine.show("MainPID", unit) != first[unit], "still the old"
        assert machine.show("UnitFileState", unit) == "enabled", unit
    machine.run("touch", "/run/enough")
    answers = agent.communicate(timeout=60)[0].split()
    assert len(answers) > 3 and set(answers) == {"200"}, answers
    assert machine.show("ActiveEnterTimestampMonotonic", SOCKET) == socket
    assert machine.run("cat", "/etc/cullis/sidecar.conf").stdout == mine


def test_releases_are_equal(p):
    """All of it, with its sums, made twice; in the same place, since an RPM
    holds the path of its build."""
    p.dev("release", p.release)
    names = sorted(os.listdir(p.release))
    endings = ("SHA256SUMS", ".src.rpm", ".rpm", ".oci.tar", ".spdx.json",
               ".tar.xz", ".deb")
    assert len(names) == len(endings), names
    assert all(any(n.endswith(e) for n in names) for e in endings), names
    run("sha256sum", "-c", "--strict", "SHA256SUMS", cwd=p.release)
    with open(p.release + "/SHA256SUMS", encoding="ascii") as f:
        summed = [line.split()[1] for line in f]
    assert sorted(summed + ["SHA256SUMS"]) == names, summed
    first = digest(p.release + "/SHA256SUMS")
    p.dev("release", p.release, TZ="Pacific/Auckland")
    assert digest(p.release + "/SHA256SUMS") == first


def test_the_rpm_is_complete(p):
    """What make install brings along, and a configuration that rpm guards."""
    (path,) = glob.glob(p.release + f"/*.{os.uname().machine}.rpm")
    there = set(run("rpm", "-qpl", path).stdout.splitlines())
    for name in INSTALLED:
        assert {"/usr/" + name, f"/usr/{name}.gz"} & there, name
    kept = run("rpm", "-qp", "--queryformat",
               "[%{FILENAMES} %{FILEFLAGS:fflags}\\n]", path).stdout
    assert re.search(r"(?m)^/etc/cullis/sidecar.conf cn$", kept), kept


def test_the_image_is_small(p):
    """The program of the Debian package, its libraries, and no shell."""
    image = p.image()
    assert sum(len(data) for data in image.files.values()) < IMAGE_MAX
    programs = {m.name for m in image.members if m.isfile() and m.mode & 0o111
                and ".so." not in m.name}
    assert programs == {"usr/bin/cullis-sidecar"}, programs
    run("dpkg-deb", "-x", p.deb, p.scratch + "/deb")
    with open(p.scratch + "/deb/usr/bin/cullis-sidecar", "rb") as f:
        assert f.read() == image.files["usr/bin/cullis-sidecar"]
    for member in image.members:
        assert member.uid == 0 and not member.mode & 0o7022, member.name
    assert image.config["config"]["User"] == "64780:64780"
    assert image.config["config"]["Entrypoint"] == ["/usr/bin/cullis-sidecar"]


def test_the_image_finds_names(p):
    """With its own files alone."""
    root = p.scratch + "/image"
    p.image().unpack(root)
    os.chmod(p.scratch, 0o755)
    said = run("chroot", root, "/usr/bin/cullis-sidecar", "--version").stdout
    assert said.startswith("cullis-sidecar "), said
    run("unshare", "-n", "-p", "--fork", "--kill-child", HERE + "/names.py", root,
        p.build)


def test_the_sbom_tells_the_truth(p):
    """Each file of the image, and no other, with the package that has it on
    this machine in the version that is installed."""
    image = p.image()
    (path,) = glob.glob(p.release + "/*.spdx.json")
    with open(path, encoding="utf-8") as f:
        sbom = json.load(f)
    assert sbom["spdxVersion"] == "SPDX-2.3"
    packages = {row["SPDXID"]: row for row in sbom["packages"]}
    files = {row["fileName"][2:]: row for row in sbom["files"]}
    assert set(files) == set(image.files)
    origins = {r["spdxElementId"]: packages[r["relatedSpdxElement"]]
               for r in sbom["relationships"]
               if r["relationshipType"] == "EXPANDED_FROM_ARCHIVE"}
    for name, row in files.items():
        sums = {c["algorithm"]: c["checksumValue"] for c in row["checksums"]}
        data = image.files[name]
        assert sums == {"SHA1": hashlib.sha1(data).hexdigest(),
                        "SHA256": hashlib.sha256(data).hexdigest()}, name
        if name == "etc/nsswitch.conf":
            continue
        origin = origins[row["SPDXID"]]
        if name == "usr/bin/cullis-sidecar":
            assert origin["name"] == "cullis-sidecar", origin
        else:
            check_origin(name, data, origin)
    (whole,) = [row for row in packages.values()
                if row["name"] == "cullis-sidecar-image"]
    assert image.digest == "sha256:" + whole["checksums"][0]["checksumValue"]


def check_origin(name, data, origin):
    """dpkg's own list of the package has this file, with these bytes."""
    version = run("dpkg-query", "-W", "-f", "${Version}\\n",
                  origin["name"]).stdout.split()
    assert [origin["versionInfo"]] == version, (origin, version)
    listed = run("dpkg-query", "-L", origin["name"]).stdout.splitlines()
    real = {os.path.realpath(path) for path in listed}
    assert os.path.realpath("/" + name) in real, (name, origin["name"])
    with open("/" + name, "rb") as f:
        assert f.read() == data, name


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    scratch = tempfile.mkdtemp(prefix="cullis-package-")
    series = Series()
    try:
        packages = Packages(sys.argv[1], scratch)
        for name, test in tests_of(globals()).items():
            series.run(name, test, packages)
    finally:
        shutil.rmtree(scratch)
    sys.exit(series.end())


main()
