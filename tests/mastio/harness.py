"""What the self-test of mastio-dev stands on: a gateway, agents, a raw socket.

Python's standard library only.  The programs are looked for in the current
directory, which is where `make check` runs tests, or in $BUILDDIR.
"""
import atexit
import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

BUILD = os.environ.get("BUILDDIR", os.getcwd())
PROGRAM = os.path.join(BUILD, "mastio-dev")
DPOPCHECK = os.path.join(BUILD, "dpopcheck")
HTU = "https://localhost"
DIR = tempfile.mkdtemp(prefix="mastio-")
atexit.register(shutil.rmtree, DIR)


def run(*args):
    """One mastio-dev subcommand; its output without the newline."""
    done = subprocess.run([PROGRAM, *map(str, args)], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{args}: {done.returncode} {done.stderr}")
    return done.stdout.strip()


def wait_for(condition, what, seconds=20):
    """Polls until the condition holds, and returns what it returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError("never came: " + what)


class Answer:
    """One response: status, body, headers in order."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.getheaders()
        self.body = response.read()

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        """detail, or its reason, or the title of an HTML page."""
        if self.body.startswith(b"<html>"):
            return self.body.split(b"<title>")[1].split(b"<")[0].decode()
        if not self.body.startswith(b"{"):
            return ""
        detail = self.json().get("detail", "")
        if isinstance(detail, dict):
            return detail["reason"]
        return detail if isinstance(detail, str) else detail[0]["type"]


class Gateway:
    """A running mastio-dev; a context manager that ends it by SIGTERM."""

    def __init__(self, directory, *options):
        self.directory = directory
        self.process = subprocess.Popen(
            [PROGRAM, "serve", directory, *map(str, options)],
            stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.port = int(ready["tls"].split(":")[1])
        self.control_port = int(ready["control"].split(":")[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(30)
        self.process.stdout.close()
        if code:
            raise AssertionError(f"mastio-dev ended with {code}")

    def control(self, method, path, body=None, status=200):
        conn = http.client.HTTPConnection("127.0.0.1", self.control_port,
                                          timeout=30)
        conn.request(method, path, json.dumps(body) if body else None)
        answer = Answer(conn.getresponse())
        conn.close()
        if answer.status != status:
            raise AssertionError(f"{path}: {answer.status} {answer.body}")
        return answer.json()

    def post(self, path, body=None, status=200):
        return self.control("POST", path, body, status)

    def set(self, **settings):
        return self.post("/set", settings)

    def fault(self, action, **spec):
        return self.post("/fault", {"action": action, "count": 1, **spec})

    def journal(self, since=0):
        return self.control("GET", f"/journal?since={since}")["entries"]

    def last(self):
        return self.journal()[-1]

    def stats(self):
        return self.control("GET", "/stats")


class Agent:
    """An identity directory in use."""

    def __init__(self, gateway, directory, cert=True, host="localhost"):
        self.gateway = gateway
        self.directory = directory
        self.host = host
        self.token = None
        self.context = ssl.create_default_context(
            cafile=os.path.join(gateway.directory, "pki/root.pem"))
        if cert:
            self.context.load_cert_chain(os.path.join(directory, "cert.pem"),
                                         os.path.join(directory, "key.pem"))

    def proof(self, method, url, *options, token=None):
        if token:
            options += ("--token", token)
        return run("proof", self.directory, method, url, *options)

    def assertion(self, *options):
        return run("assertion", self.directory, *options)

    def connect(self):
        """A kept connection, for http.client."""
        return http.client.HTTPSConnection(
            "localhost", self.gateway.port, context=self.context, timeout=60)

    def send(self, method, path, headers=None, body=None, conn=None):
        """One exchange, Host without port; on a connection of its own if
        none is given."""
        mine = conn is None
        conn = conn or self.connect()
        headers = {"Host": self.host, **(headers or {})}
        if isinstance(body, dict):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        conn.request(method, path, body, headers)
        answer = Answer(conn.getresponse())
        if mine:
            conn.close()
        return answer

    def login(self, *options, htu=HTU, proof=True, conn=None):
        """Direct login; the answer, its token kept."""
        headers = {}
        url = "/v1/auth/token"
        if proof:
            headers["DPoP"] = self.proof("POST", htu + url)
        answer = self.send("POST", url, headers,
                           {"client_assertion": self.assertion(*options)},
                           conn)
        if answer.status == 200:
            self.token = answer.json()["access_token"]
        return answer

    def bound(self, method, path, *options, htu=HTU, scheme="DPoP",
              token=None):
        """The headers of a request with the token and a proof."""
        token = token or self.token
        return {"Authorization": f"{scheme} {token}",
                "DPoP": self.proof(method, htu + path.split("?")[0],
                                   *options, token=token)}

    def call(self, method, path, headers=None, body=None, conn=None):
        """A request as a correct agent sends it."""
        return self.send(method, path,
                         {**self.bound(method, path), **(headers or {})},
                         body, conn)

    def raw(self, session=None):
        """A TLS socket on which bytes are sent as they are."""
        sock = socket.create_connection(("127.0.0.1", self.gateway.port), 60)
        return self.context.wrap_socket(sock, server_hostname="localhost",
                                        session=session,
                                        suppress_ragged_eofs=False)


class Case(unittest.TestCase):
    """A gateway of its own per test, an agent with and one without its
    certificate."""
    options = ()

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(DIR + "/gw"):
            run("init", DIR + "/gw")

    def setUp(self):
        self.gw = Gateway(DIR + "/gw", *self.options)
        self.addCleanup(self.gw.__exit__)
        self.agent = Agent(self.gw, DIR + "/gw/agent")
        self.bare = Agent(self.gw, DIR + "/gw/agent", cert=False)

    def check(self, answer, status, detail=""):
        self.assertEqual((answer.status, answer.detail[:len(detail)]),
                         (status, detail))
        return answer

    def issue(self, name, *options):
        run("issue", DIR + "/gw", f"{DIR}/{name}", *options)
        return Agent(self.gw, f"{DIR}/{name}")


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def read_all(sock):
    """Everything until the connection ends, by whatever means."""
    data = b""
    try:
        while True:
            more = sock.recv(65536)
            if not more:
                return data
            data += more
    except (ConnectionError, ssl.SSLError):
        return data
