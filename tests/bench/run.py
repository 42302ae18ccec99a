#!/usr/bin/env python3
"""Figures of cullis-sidecar beside nginx, in one run on one machine.

It asserts nothing; a run whose requests fail stops with the reason.

usage: run.py BUILD-DIRECTORY [--rounds N] [--seconds S]
"""
import argparse
import os
import platform
import re
import resource
import selectors
import shlex
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import bed as beds

PROMPT = ('{"model":"m","messages":[{"role":"user","content":"'
          + "y" * 200 + '"}]}')
SCRIPT = """
wrk.method = "POST"
wrk.path = "/v1/chat/completions"
wrk.body = '%s'
wrk.headers["Host"] = "%s"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer placeholder"
wrk.headers["User-Agent"] = "bench"
done = function(s, l, r)
  local e = s.errors
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", s.requests,
      s.duration, e.connect + e.read + e.write + e.timeout + e.status,
      l:percentile(50), l:percentile(99)))
end
""" % (PROMPT, beds.NAME)
STREAMS = 1000
IDLE = 1000


class Load:
    """What wrk did in one round, and what it cost the process it hit."""

    def __init__(self, bed, process, connections, seconds):
        script = os.path.join(bed.dir, "load.lua")
        with open(script, "w", encoding="ascii") as f:
            f.write(SCRIPT)
        before, split = process.cpu_us(), process.cpu_ticks()
        out = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script,
             "http://%s:%d" % process.address],
            capture_output=True, text=True, check=True).stdout
        after = [b - a for a, b in zip(split, process.cpu_ticks())]
        count, us, errors, self.p50, self.p99 = map(
            int, re.search(r"RESULT (.*)", out).group(1).split())
        if errors or not count:
            process.fail(f"{errors} of {count} requests failed\n{out}")
        self.rate = count * 1e6 / us
        self.cpu = (process.cpu_us() - before) / count
        self.user = after[0] / (sum(after) or 1)


def signature_us(seconds):
    """CPU time of one ES256 signature, as openssl speed counts it."""
    out = subprocess.run(
        ["openssl", "speed", "-seconds", str(seconds), "ecdsap256"],
        capture_output=True, text=True, check=True).stdout
    return 1e6 / float(out.splitlines()[-1].split()[-2])


def median(values):
    return statistics.median(values)


def show(name, *cells):
    print(f"  {name:<34}" + "".join(f"{c:>16}" for c in cells), flush=True)


# ---- CPU


def measure_cpu(bed, sidecar, nginx, rounds, seconds):
    """In turn, so that each round's three figures are of the same moment: on
    a shared machine a busy neighbour slows all of them."""
    got = {sidecar: [], nginx: []}
    signs = []
    for process in got:
        Load(bed, process, 16, 1)
    for _ in range(rounds):
        signs.append(signature_us(1))
        for process, loads in got.items():
            loads.append(Load(bed, process, 16, seconds))
    ratios = [ours.cpu / (theirs.cpu + sign) for ours, theirs, sign
              in zip(got[sidecar], got[nginx], signs)]
    print(f"\nCPU per exchange, c=16, {rounds} rounds in turn (us)")
    show("", "sidecar", "nginx")
    show("median", *(f"{median(x.cpu for x in got[p]):.1f}" for p in got))
    show("least, most", *("{:.1f}, {:.1f}".format(
        min(x.cpu for x in got[p]), max(x.cpu for x in got[p])) for p in got))
    show("of it in user mode",
         *(f"{100 * median(x.user for x in got[p]):.0f} %" for p in got))
    show("one ES256 signature", f"{median(signs):.1f}")
    show("sidecar / (nginx + signature)", f"{median(ratios):.2f}")
    show("  least, most", f"{min(ratios):.2f}, {max(ratios):.2f}")


def measure_rate(bed, sidecar, nginx, seconds):
    print("\nRate (1/s) and latency p50, p99 (us)")
    show("", "sidecar", "nginx")
    for c in (1, 16, 64):
        loads = [Load(bed, p, c, seconds) for p in (sidecar, nginx)]
        show(f"c={c}", *(f"{x.rate:.0f}" for x in loads))
        show("  p50, p99", *(f"{x.p50}, {x.p99}" for x in loads))


# ---- streams


def request(path):
    return (f"GET {path} HTTP/1.1\r\nHost: {beds.NAME}\r\n"
            "Accept: text/event-stream\r\n\r\n").encode()


def direct(bed):
    """A connection to the gateway itself, with the agent's certificate."""
    agent = bed.dir + "/m/agent/"
    context = ssl.create_default_context(cafile=agent + "ca.pem")
    context.load_cert_chain(agent + "cert.pem", agent + "key.pem")
    return context.wrap_socket(socket.create_connection(bed.gateway.address),
                               server_hostname=beds.NAME)


def event_delays(sock, count):
    """From the source's write to our read, in microseconds."""
    delays, text = [], b""
    with sock:
        sock.sendall(request(f"/events?n={count}&ms=10"))
        while len(delays) < count:
            got = sock.recv(65536)
            now = time.monotonic_ns()
            if not got:
                sys.exit("bench: a stream ended early")
            text += got
            for written in re.findall(rb"data: (\d+)\n\n", text):
                delays.append((now - int(written)) / 1000)
            text = text[text.rfind(b"\n\n") + 2:]
    return delays


def measure_events(bed, sidecar, nginx, count):
    ways = {"direct": lambda: direct(bed),
            "sidecar": lambda: socket.create_connection(sidecar.address),
            "nginx": lambda: socket.create_connection(nginx.address)}
    got = {name: [] for name in ways}
    for _ in range(3):
        for name, connect in ways.items():
            got[name] += event_delays(connect(), count // 3)
    base = median(got["direct"])
    print(f"\nServer-sent events, from write to read, {count} each (us)")
    show("", *ways)
    show("median", *(f"{median(got[n]):.0f}" for n in ways))
    show("p99", *(f"{sorted(got[n])[int(0.99 * count)]:.0f}" for n in ways))
    show("added to direct, median",
         *(f"{median(got[n]) - base:.0f}" for n in ways))


# ---- memory


def hold(address, count, first):
    """Open connections; with a request, each until its first event came."""
    socks = []
    waiting = selectors.DefaultSelector()
    for begin in range(0, count, 50):
        for _ in range(begin, min(begin + 50, count)):
            sock = socket.create_connection(address)
            socks.append(sock)
            if first:
                sock.sendall(first)
                waiting.register(sock, selectors.EVENT_READ, [b""])
        while waiting.get_map():
            ready = waiting.select(20)
            if not ready:
                sys.exit("bench: a stream never began")
            for key, _ in ready:
                got = key.fileobj.recv(65536)
                key.data[0] += got
                if not got:
                    sys.exit("bench: a stream was refused: %r" % key.data[0])
                if b"data: " in key.data[0]:
                    waiting.unregister(key.fileobj)
    return socks


def settled_kib(process):
    """Its memory, once it has stopped growing."""
    last = None
    while last != (last := process.memory_kib()):
        time.sleep(0.1)
    return last


def per_connection(process, count, first):
    before = settled_kib(process)[1]
    socks = hold(process.address, count, first)
    after = settled_kib(process)[1]
    for sock in socks:
        sock.close()
    return (after - before) / count


def measure_memory(bed, sidecar_options):
    rows = {"resident, idle (KiB)": [], "of it anonymous (KiB)": [],
            "per idle client (KiB)": [], "per open stream (KiB)": []}
    for start in (lambda: bed.start_sidecar(*sidecar_options),
                  bed.start_nginx):
        process = start()
        hold(process.address, 1, request("/events?n=1"))[0].close()
        rss, anon = settled_kib(process)
        rows["resident, idle (KiB)"].append(rss)
        rows["of it anonymous (KiB)"].append(anon)
        rows["per idle client (KiB)"].append(
            f"{per_connection(process, IDLE, None):.2f}")
        rows["per open stream (KiB)"].append("{:.1f}".format(
            per_connection(process, STREAMS, request("/events?hold=1"))))
        bed.stop(process)
    print(f"\nMemory, with {IDLE} idle clients, then {STREAMS} streams")
    show("", "sidecar", "nginx")
    for name, cells in rows.items():
        show(name, *cells)


# ---- start


def measure_start(bed, times):
    up, answered = [], []
    for _ in range(times):
        began = time.monotonic()
        sidecar = bed.start_sidecar()
        up.append(time.monotonic() - began)
        with socket.create_connection(sidecar.address) as sock:
            sock.sendall(request("/v1/models"))
            if not sock.recv(65536).startswith(b"HTTP/1.1 200 "):
                sidecar.fail("the first answer is no 200")
            answered.append(time.monotonic() - began)
        bed.stop(sidecar)
    print(f"\nFrom start, median of {times}, login included (ms)")
    show("listening", f"{1000 * median(up):.1f}")
    show("first answer", f"{1000 * median(answered):.1f}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=1)
    args = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))
    room = ("--max-clients", "4096", "--max-upstream-connections", "4096")
    directory = tempfile.mkdtemp(prefix="cullis-bench-")
    bed = beds.Bed(args.build, directory)
    print("$", shlex.join(sys.argv))
    print(f"{platform.system()} {platform.release()}, {os.cpu_count()} CPUs, "
          f"{ssl.OPENSSL_VERSION}, load {os.getloadavg()[0]:.1f}")
    try:
        bed.start_gateway()
        sidecar, nginx = bed.start_sidecar(*room), bed.start_nginx()
        measure_cpu(bed, sidecar, nginx, args.rounds, args.seconds)
        measure_rate(bed, sidecar, nginx, args.seconds)
        measure_events(bed, sidecar, nginx, 300)
        bed.stop(sidecar)
        bed.stop(nginx)
        measure_memory(bed, room)
        measure_start(bed, 9)
    finally:
        bed.stop_all()
        shutil.rmtree(directory)


main()
