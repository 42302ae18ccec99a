"""What the bench measures on: a gateway, and two proxies in front of it.

The gateway is nginx with TLS and client certificates, as in front of a real
Mastio; it answers by itself, so that it costs little, passes the login on to
mastio-dev and event streams to events.py.  The proxies are cullis-sidecar and
an nginx that does the same without token and proof.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "mastio.test"
ANSWER = json.dumps({
    "id": "chatcmpl-bench", "object": "chat.completion", "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant", "content": "x" * 400}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 12}})

COMMON = """
daemon off;
user root;
worker_processes 1;
pid {dir}/{role}.pid;
error_log {dir}/{role}.error warn;
events {{ worker_connections 8192; }}
http {{
    client_body_temp_path {dir}/{role}.body;
    proxy_temp_path {dir}/{role}.proxy;
    fastcgi_temp_path {dir}/{role}.fastcgi;
    uwsgi_temp_path {dir}/{role}.uwsgi;
    scgi_temp_path {dir}/{role}.scgi;
    access_log {access};
    keepalive_timeout 75s;
"""

GATEWAY = COMMON + """
    upstream mastio {{ server {mastio}; }}
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        server_name {name};
        ssl_certificate {dir}/m/server/cert.pem;
        ssl_certificate_key {dir}/m/server/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_verify_client on;
        ssl_verify_depth 2;
        ssl_client_certificate {dir}/m/agent/ca.pem;
        ssl_session_cache shared:gateway:10m;
        location /v1/auth/ {{
            proxy_pass https://mastio;
            proxy_ssl_certificate {dir}/m/agent/cert.pem;
            proxy_ssl_certificate_key {dir}/m/agent/key.pem;
            proxy_ssl_name {name};
            proxy_ssl_server_name on;
            proxy_set_header Host {name};
        }}
        location /events {{
            proxy_pass http://unix:{dir}/events.sock;
            proxy_http_version 1.1;
            proxy_buffering off;
        }}
        location / {{
            default_type application/json;
            return 200 '{answer}';
        }}
    }}
}}
"""

PROXY = COMMON + """
    upstream gateway {{
        server 127.0.0.1:{gateway};
        keepalive 64;
        keepalive_requests 900;
        keepalive_timeout 30s;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        keepalive_requests 100000000;
        location / {{
            proxy_pass https://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host {name};
            proxy_buffering off;
            proxy_ssl_certificate {dir}/m/agent/cert.pem;
            proxy_ssl_certificate_key {dir}/m/agent/key.pem;
            proxy_ssl_trusted_certificate {dir}/m/agent/ca.pem;
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 2;
            proxy_ssl_name {name};
            proxy_ssl_server_name on;
        }}
    }}
}}
"""


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


class Process:
    """One process, its log, and what it costs."""

    def __init__(self, directory, role, argv, **kwargs):
        self.role = role
        self.log = os.path.join(directory, role + ".log")
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(argv, stderr=log, **kwargs)

    def fail(self, what):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            sys.exit(f"bench: {self.role}: {what}\n{log.read()[-2000:]}")

    def wait_for(self, condition, what):
        end = time.monotonic() + 20
        while not condition():
            if self.child.poll() is not None:
                self.fail(f"ended with {self.child.returncode}")
            if time.monotonic() > end:
                self.fail("never came: " + what)
            time.sleep(0.0005)

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    @property
    def pid(self):
        """The process that does the work: nginx's worker, not its master."""
        path = f"/proc/{self.child.pid}/task/{self.child.pid}/children"
        return int((read(path).split() or [self.child.pid])[0])

    def cpu_us(self):
        """CPU time of all its threads so far, as the scheduler counts it:
        utime and stime come in steps of 10 ms."""
        task = f"/proc/{self.pid}/task"
        return sum(int(read(f"{task}/{tid}/schedstat").split()[0])
                   for tid in os.listdir(task)) / 1000

    def cpu_ticks(self):
        """utime and stime."""
        fields = read(f"/proc/{self.pid}/stat").rpartition(")")[2].split()
        return int(fields[11]), int(fields[12])

    def memory_kib(self):
        """RSS and the anonymous part of it."""
        status = read(f"/proc/{self.pid}/status")
        return [int(status.split(name + ":")[1].split()[0])
                for name in ("VmRSS", "RssAnon")]


def run_nginx(directory, role, template, **values):
    """nginx on a port that the kernel picks: it inherits the socket as it
    does from an older nginx in an upgrade."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        listener.setblocking(False)
        port = listener.getsockname()[1]
        conf = os.path.join(directory, role + ".conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(template.format(dir=directory, role=role, port=port,
                                    name=NAME, **values))
        process = Process(directory, role, ["nginx", "-c", conf, "-e", "stderr"],
                          pass_fds=[listener.fileno()],
                          env={**os.environ, "NGINX": f"{listener.fileno()};"})
    process.address = ("127.0.0.1", port)
    process.wait_for(lambda: process.pid != process.child.pid, "a worker")
    return process


class Bed:
    """Everything that runs, in one scratch directory."""

    def __init__(self, build, directory):
        self.build = os.path.abspath(build)
        self.dir = directory
        self.running = []
        self.mastio = self.gateway = None

    def start(self, process):
        self.running.append(process)
        return process

    def stop(self, process):
        process.stop()
        self.running.remove(process)

    def stop_all(self):
        for process in reversed(self.running):
            process.stop()

    def start_gateway(self):
        mastio = self.build + "/mastio-dev"
        subprocess.run([mastio, "init", self.dir + "/m", "--agent",
                        "orga::bench", "--names", NAME, "--url",
                        "https://" + NAME], check=True)
        self.mastio = self.start(Process(
            self.dir, "mastio", [mastio, "serve", self.dir + "/m",
                                 "--token-ttl", "3600"],
            stdout=subprocess.PIPE))
        tls = json.loads(self.mastio.child.stdout.readline())["tls"]
        source = self.start(Process(
            self.dir, "events", [sys.executable, HERE + "/events.py",
                                 self.dir + "/events.sock"],
            stdout=subprocess.PIPE))
        source.child.stdout.readline()
        self.gateway = self.start(run_nginx(
            self.dir, "gateway", GATEWAY, access="off", mastio=tls,
            answer=ANSWER))

    def start_nginx(self):
        return self.start(run_nginx(
            self.dir, "nginx", PROXY, gateway=self.gateway.address[1],
            access=f"{self.dir}/nginx.access combined buffer=64k flush=1s"))

    def start_sidecar(self, *options):
        run = tempfile.mkdtemp(prefix="run-", dir=self.dir)
        address = run + "/address"
        sidecar = self.start(Process(self.dir, "sidecar", [
            self.build + "/cullis-sidecar",
            "--identity-dir", self.dir + "/m/agent",
            "--gateway-address", "%s:%d" % self.gateway.address,
            "--listen", "127.0.0.1:0",
            "--admin-listen", f"unix:{run}/admin.sock", *options],
            env={**os.environ, "RUNTIME_DIRECTORY": run}))
        sidecar.wait_for(lambda: os.path.exists(address), address)
        with open(address, encoding="ascii") as f:
            text = f.readline().split(" = ")[1].strip()
        host, port = text.rsplit(":", 1)
        sidecar.address = (host, int(port))
        return sidecar
