"""A network of the test's own, with an address that is not loopback."""

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFADDR, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8916, 0x8913, 0x8914
IFF_UP = 1
ADDRESS = "192.0.2.1"  # RFC 5737: documentation


def enter():
    """Moves this process and all its later children into a network namespace
    in which there is only loopback, up, and ADDRESS on it."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWNET | (0 if os.geteuid() == 0 else CLONE_NEWUSER)
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        now = struct.unpack("16sh14x", fcntl.ioctl(s, SIOCGIFFLAGS, request))
        fcntl.ioctl(s, SIOCSIFFLAGS,
                    struct.pack("16sh14x", b"lo", now[1] | IFF_UP))
        fcntl.ioctl(s, SIOCSIFADDR, struct.pack(
            "16sHH4s8x", b"lo:1", socket.AF_INET, 0,
            socket.inet_aton(ADDRESS)))
