#!/usr/bin/env python3
"""An image with the program, the shared libraries that it needs and nothing
else: no shell, no package manager.  Beside it, what it is made of.

The OCI archive (image-spec 1.0) is written here, and not by an engine: it takes
no privileges, no registry and no storage, and the same files and
SOURCE_DATE_EPOCH make the same bytes.  The libraries are those of this Debian
machine, each with the copyright file of its package; the list of materials is
SPDX 2.3.

usage: image.py PROGRAM VERSION ARCHIVE SBOM
"""
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time

NAME = "cullis-sidecar"
USER = 64780
PROGRAM = "usr/bin/" + NAME
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
DATE = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
MEDIA = "application/vnd.oci.image."

# Names are looked up in /etc/hosts and by DNS; glibc does both by itself.
NSSWITCH = b"hosts: files dns\n"


def said_by(*argv):
    return subprocess.run(argv, check=True, capture_output=True,
                          text=True).stdout


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as error:
        sys.exit(f"image.py: {path}: {error.strerror}")


# ---- what goes in


def libraries(program):
    """Paths of what the dynamic linker loads, itself included."""
    return sorted(set(re.findall(r"/\S+", said_by("ldd", program))))


def owner(path):
    """Debian's package of a file.  dpkg knows it by the path that it was
    installed to, before /lib became a link to /usr/lib, or after."""
    for name in (path, "/usr" + path, path.removeprefix("/usr"),
                 os.path.realpath(path),
                 os.path.realpath(path).removeprefix("/usr")):
        found = subprocess.run(["dpkg-query", "-S", name], check=False,
                               capture_output=True, text=True).stdout
        for line in found.splitlines():
            package, _, at = line.rpartition(": ")
            if at == name and not package.startswith("diversion "):
                return package
    sys.exit(f"image.py: {path} is of no Debian package")


def package_facts(package):
    fields = ("Package", "Version", "Architecture", "source:Package",
              "source:Version", "Homepage")
    show = "\\n".join("${%s}" % field for field in fields)
    return dict(zip(fields, said_by("dpkg-query", "-W", "-f", show,
                                    package).split("\n")))


def collect(program):
    """{path in the image: (mode, bytes, package or None)}, and the facts of
    each package."""
    files = {PROGRAM: (0o755, read(program), NAME),
             "etc/nsswitch.conf": (0o644, NSSWITCH, None)}
    packages = {}
    for path in libraries(program):
        facts = package_facts(owner(path))
        name = facts["Package"]
        packages[name] = facts
        files[path.lstrip("/")] = (0o755, read(path), name)
        terms = f"usr/share/doc/{name}/copyright"
        files[terms] = (0o644, read("/" + terms), name)
    return files, packages


# ---- the archive


def add(tar, name, mode, data=None):
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = mode, EPOCH
    if data is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    else:
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))


def parents(names):
    found = set()
    for name in names:
        while name := os.path.dirname(name):
            found.add(name)
    return found


def tar_of(files):
    """{name: (mode, bytes)} with the directories above them, in order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name in sorted(parents(files) | set(files)):
            if name in files:
                add(t, name, files[name][0], files[name][1])
            else:
                add(t, name + "/", 0o755)
    return out.getvalue()


class Archive:
    """An OCI layout, blob by blob."""

    def __init__(self):
        self.files = {"oci-layout": (0o644, b'{"imageLayoutVersion":"1.0.0"}')}

    def blob(self, kind, data):
        """Adds it; its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        self.files["blobs/sha256/" + digest] = (0o644, data)
        return {"mediaType": MEDIA + kind, "digest": "sha256:" + digest,
                "size": len(data)}

    def document(self, kind, value):
        return self.blob(kind, json.dumps(value, sort_keys=True).encode())

    def write(self, path):
        with open(path, "wb") as f:
            f.write(tar_of(self.files))


def make_archive(files, version, architecture):
    """The archive, and the digest of its manifest."""
    layer = tar_of({name: row[:2] for name, row in files.items()})
    labels = {"org.opencontainers.image.title": NAME,
              "org.opencontainers.image.version": version,
              "org.opencontainers.image.licenses": "Apache-2.0",
              "org.opencontainers.image.description":
              "Lets an unmodified agent use a Cullis Mastio"}
    archive = Archive()
    config = archive.document("config.v1+json", {
        "created": DATE, "architecture": architecture, "os": "linux",
        "config": {"User": f"{USER}:{USER}", "Entrypoint": ["/" + PROGRAM],
                   "Env": ["PATH=/usr/bin"], "WorkingDir": "/",
                   "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids":
                   ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created": DATE, "created_by": "image.py"}]})
    manifest = archive.document("manifest.v1+json", {
        "schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
        "config": config,
        "layers": [archive.blob("layer.v1.tar+gzip",
                                gzip.compress(layer, 9, mtime=0))],
        "annotations": labels})
    manifest["annotations"] = {"org.opencontainers.image.ref.name":
                               f"{NAME}:{version}"}
    archive.files["index.json"] = (0o644, json.dumps(
        {"schemaVersion": 2, "manifests": [manifest]},
        sort_keys=True).encode())
    return archive, manifest["digest"]


# ---- the list of materials


def spdx_id(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def package_row(name, version, **more):
    return {"SPDXID": spdx_id("Package", name), "name": name,
            "versionInfo": version, "downloadLocation": "NOASSERTION",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
            **more}


def debian_row(facts):
    """Its licence is in the copyright file, which the image has as well."""
    name, version = facts["Package"], facts["Version"]
    url = f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}"
    source = f"{facts['source:Package']} {facts['source:Version']}"
    return package_row(
        name, version, filesAnalyzed=False, supplier="Organization: Debian",
        sourceInfo="built from Debian's source package " + source,
        externalRefs=[{"referenceCategory": "PACKAGE-MANAGER",
                       "referenceType": "purl", "referenceLocator":
                       f"{url}?arch={facts['Architecture']}"}],
        **({"homepage": facts["Homepage"]} if facts["Homepage"] else {}))


def file_row(path, data):
    return {"SPDXID": spdx_id("File", path), "fileName": "./" + path,
            "checksums": [
                {"algorithm": "SHA1",
                 "checksumValue": hashlib.sha1(data).hexdigest()},
                {"algorithm": "SHA256",
                 "checksumValue": hashlib.sha256(data).hexdigest()}],
            "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}


def verification_code(files):
    """SPDX 2.3, 7.9: of the SHA-1 of every file."""
    sums = sorted(hashlib.sha1(row[1]).hexdigest() for row in files.values())
    return hashlib.sha1("".join(sums).encode()).hexdigest()


def image_row(files, version, digest):
    return package_row(
        NAME + "-image", version, primaryPackagePurpose="CONTAINER",
        packageVerificationCode={
            "packageVerificationCodeValue": verification_code(files)},
        checksums=[{"algorithm": "SHA256",
                    "checksumValue": digest.removeprefix("sha256:")}])


def relations_of(files, packages):
    """The image has each file, and each but nsswitch.conf comes out of a
    package."""
    image, own = (spdx_id("Package", n) for n in (NAME + "-image", NAME))
    yield "SPDXRef-DOCUMENT", "DESCRIBES", image
    for name in sorted(packages):
        yield own, "DEPENDS_ON", spdx_id("Package", name)
    for path, (_, _, package) in sorted(files.items()):
        yield image, "CONTAINS", spdx_id("File", path)
        if package:
            yield (spdx_id("File", path), "EXPANDED_FROM_ARCHIVE",
                   spdx_id("Package", package))


def make_sbom(files, packages, version, digest):
    own = package_row(NAME, version, filesAnalyzed=False,
                      licenseDeclared="Apache-2.0",
                      primaryPackagePurpose="APPLICATION")
    rows = [image_row(files, version, digest), own]
    rows += [debian_row(packages[name]) for name in sorted(packages)]
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT", "name": f"{NAME}-image-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/{NAME}-image-"
                             f"{version}-{digest.removeprefix('sha256:')}",
        "creationInfo": {"created": DATE,
                         "creators": ["Tool: cullis-sidecar-image.py"]},
        "packages": rows,
        "files": [file_row(path, files[path][1]) for path in sorted(files)],
        "relationships": [{"spdxElementId": a, "relationshipType": kind,
                           "relatedSpdxElement": b}
                          for a, kind, b in relations_of(files, packages)]}


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    program, version, archive_path, sbom_path = sys.argv[1:]
    files, packages = collect(program)
    architecture = said_by("dpkg", "--print-architecture").strip()
    archive, digest = make_archive(files, version, architecture)
    archive.write(archive_path)
    with open(sbom_path, "w", encoding="utf-8") as f:
        json.dump(make_sbom(files, packages, version, digest), f, indent=1)
        f.write("\n")


main()
