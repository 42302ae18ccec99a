#!/usr/bin/env python3
"""The image's program finds its gateway by name: by DNS without /etc/hosts,
and by /etc/hosts without DNS.

It runs with nothing but the image's files around it, as the image's user, in
a network namespace where this program is the name server; the pid namespace
ends what it has started.

usage: unshare -n -p --fork --kill-child names.py ROOT-DIRECTORY BUILD-DIRECTORY
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading

NAME = "mastio.test"
PORT = 9443
USER = 64780
TYPE_A = 1


def answer(query):
    """127.0.0.1 for the name, nothing for another type or name."""
    labels = b"".join(bytes([len(part)]) + part.encode()
                      for part in NAME.split(".")) + b"\0"
    question = query[12:12 + len(labels) + 4]
    if len(question) < len(labels) + 4:
        return None
    kind, = struct.unpack("!H", question[-4:-2])
    known = question[:-4].lower() == labels
    found = known and kind == TYPE_A
    head = query[:2] + struct.pack("!5H", 0x8180 if known else 0x8183, 1,
                                   int(found), 0, 0)
    row = struct.pack("!3HIH4s", 0xc00c, TYPE_A, 1, 60, 4,
                      socket.inet_aton("127.0.0.1"))
    return head + question + (row if found else b"")


def serve_names(bound, asked):
    while True:
        query, peer = bound.recvfrom(512)
        asked.append(query)
        if (said := answer(query)):
            bound.sendto(said, peer)


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def reaches_gateway(root):
    """Whether the sidecar gets ready: it has logged in at the gateway."""
    inside = ["/usr/sbin/chroot", f"--userspec={USER}:{USER}", "--groups=",
              root, "/usr/bin/cullis-sidecar"]
    flags = ["--identity-dir", "/identity"]
    with subprocess.Popen(inside + flags, env={}) as sidecar:
        done = subprocess.run(inside + ["wait", "--timeout", "20s"] + flags,
                              env={}, check=False)
        sidecar.terminate()
        return done.returncode == 0 and sidecar.wait() == 0


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root, build = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    mastio = root + ".mastio"
    subprocess.run([build + "/mastio-dev", "init", mastio, "--agent",
                    "orga::unit", "--names", NAME, "--url",
                    f"https://{NAME}:{PORT}"], check=True)
    shutil.copytree(mastio + "/agent", root + "/identity")
    for path in os.listdir(root + "/identity"):
        os.chown(f"{root}/identity/{path}", USER, USER)
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 53))
    asked = []
    threading.Thread(target=serve_names, args=(bound, asked),
                     daemon=True).start()
    with subprocess.Popen(
            [build + "/mastio-dev", "serve", mastio, "--listen",
             f"127.0.0.1:{PORT}"],
            stdout=subprocess.DEVNULL) as gateway:
        try:
            write(root + "/etc/resolv.conf", "nameserver 127.0.0.1\n")
            assert reaches_gateway(root), "not by DNS"
            assert asked, "nobody asked"
            write(root + "/etc/resolv.conf", "nameserver 127.0.0.2\n")
            write(root + "/etc/hosts", f"127.0.0.1 {NAME}\n")
            assert reaches_gateway(root), "not by /etc/hosts"
        finally:
            gateway.terminate()


main()
