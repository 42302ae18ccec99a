#!/usr/bin/env python3
"""dpopcheck passes good proofs and names the step that a bad one fails."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
BUILD = os.environ.get("BUILDDIR", os.getcwd())

# Published vectors: header, payload, signature; a POST without and a GET with
# an access token, signed by the key with this thumbprint.
HEADER = ("eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwi"
          "eCI6IkVWc19vNS11UWJUakwzY2h5bkw0d1hnVWcyUjlxOVVVOEk1bUVvdlVmODQi"
          "LCJ5Ijoia0dlNURnU0l5Y0twOHc5YUptb0hoQjFzQjNRVHVnZm5SV201blVfVHpz"
          "WSJ9LCJ0eXAiOiJkcG9wK2p3dCJ9")
POST = {"proof": HEADER + "."
        "eyJqdGkiOiJ0ZXN0LWp0aS0wMDAxIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi"
        "8vYnJva2VyLmV4YW1wbGUuY29tL3YxL2F1dGgvdG9rZW4iLCJpYXQiOjE3MDAwMDAw"
        "MDAsIm5vbmNlIjoic2VydmVyLW5vbmNlLWZpeGVkLTAwMSJ9."
        "lUz6j8Fvfh-b1DZCUXZPsGMPHMcRWSQ9nk-MwunlHw96q256qT018SYVxl2mtNDn2l"
        "S36LylejZaLy3FXlufkg",
        "htm": "POST", "htu": "https://broker.example.com/v1/auth/token"}
GET = {"proof": HEADER + "."
       "eyJqdGkiOiJ0ZXN0LWp0aS0wMDAyIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9"
       "icm9rZXIuZXhhbXBsZS5jb20vdjEvc2Vzc2lvbnMvYWJjIiwiaWF0IjoxNzAwMDAwMD"
       "YwLCJub25jZSI6InNlcnZlci1ub25jZS1maXhlZC0wMDIiLCJhdGgiOiJEdFotZURsa"
       "U52Qm94X0E3WGRseS0yVFF2YXotVnIwUkFzQkh2SzNubUljIn0."
       "nw1S5D7h2b-AI2Dd6icpBE2-jQpJpzkTQK7cIBuUAAT77aYs3MPu7qe_cFb4ZV_4wcV"
       "m2vRJgHXeY_Zhnk01ag",
       "htm": "GET", "htu": "https://broker.example.com/v1/sessions/abc",
       "access_token": "fake-access-token"}
JKT = "19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8"
ATH = "DtZ-eDliNvBox_A7Xdly-2TQvaz-Vr0RAsBHvK3nmIc"


def judge(*rows):
    """Exit code, the lines that name failures, the closing line."""
    done = subprocess.run(
        [os.path.join(BUILD, "dpopcheck")], text=True, check=False,
        input="".join(json.dumps(row) + "\n" for row in rows),
        capture_output=True)
    lines = done.stdout.splitlines()
    return done.returncode, lines[:-1], lines[-1]


def with_header(row, **changes):
    """The row with another JOSE header; its signature no longer holds."""
    head, rest = row["proof"].split(".", 1)
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    header.update(changes)
    text = json.dumps(header).encode()
    return {**row, "proof": base64.urlsafe_b64encode(text).decode().rstrip("=")
            + "." + rest}


class Vectors(unittest.TestCase):
    def passes(self, **changes):
        row = {**GET, **changes}
        with self.subTest(changes=changes):
            self.assertEqual(judge(row), (0, [], "1 passed, 0 failed"))

    def fails(self, step, row):
        with self.subTest(step=step, row=row):
            code, lines, total = judge(row)
            self.assertEqual((code, total), (1, "0 passed, 1 failed"))
            self.assertTrue(lines[0].startswith(f"line 1: {step}: "), lines)

    def test_the_published_vectors_pass(self):
        self.assertEqual(judge(POST, GET), (0, [], "2 passed, 0 failed"))
        self.passes(jkt=JKT, nonce="server-nonce-fixed-002",
                    now=1700000060 + 60)
        self.passes(access_token=None, ath_token_sha256=ATH)
        self.passes(proof=[GET["proof"]])

    def test_the_uri_is_normalised(self):
        """RFC 3986 sections 6.2.2 and 6.2.3; RFC 9449 4.3 step 9."""
        base = "broker.example.com"
        for htu in ("HTTPS://BROKER.example.com:443/v1/sessions/abc",
                    f"https://{base}:/v1/sessions/abc?a=b#c",
                    f"https://{base}/v1/x/../sessions/./abc",
                    f"https://{base}/v1/sessi%6Fns/abc"):
            self.passes(htu=htu)
        for htu in (f"https://{base}:8443/v1/sessions/abc",
                    f"http://{base}/v1/sessions/abc",
                    f"https://{base}/v1/sessions/abc/",
                    f"https://{base}/v1/Sessions/abc",
                    f"https://{base}/v1%2Fsessions/abc",
                    f"https://{base}/v1/%zz", "ftp://x/", "nothing"):
            self.fails("step 9", {**GET, "htu": htu})

    def test_each_step_is_named(self):
        """RFC 9449 section 4.3."""
        head, body, sig = GET["proof"].split(".")
        self.fails("input", {})
        self.fails("step 1", {**GET, "proof": [GET["proof"]] * 2})
        for proof in ("x", "a.b.c", f"{head}.{body}", f"{head}=.{body}.{sig}",
                      f"{head}.{body}.{sig}.x"):
            self.fails("step 2", {**GET, "proof": proof})
        self.fails("step 3", {**POST, "access_token": "t"})
        self.fails("step 4", with_header(GET, typ="JWT"))
        self.fails("step 4", with_header(GET, typ="DPoP+JWT"))
        self.fails("step 5", with_header(GET, alg="none"))
        self.fails("step 5", with_header(GET, alg="HS256"))
        self.fails("step 6", with_header(GET, kid="changes what was signed"))
        self.fails("step 6", with_header(GET, jwk={"kty": "EC"}))
        self.fails("step 6", {**GET, "proof": f"{head}.{body}.{sig[:-8]}"})
        self.fails("step 8", {**GET, "htm": "get"})
        self.fails("step 10", {**GET, "nonce": "another"})
        self.fails("step 11", {**GET, "now": 1700000060 + 61})
        self.fails("step 11", {**GET, "now": 1700000060 - 6})
        self.fails("step 12", {**GET, "access_token": "another"})
        self.fails("step 12", {**GET, "jkt": "another"})

    def test_a_jti_counts_once(self):
        """RFC 9449 section 11.1."""
        self.assertEqual(
            judge(GET, POST, GET),
            (1, ["line 3: section 11.1: jti was used on line 1"],
             "2 passed, 1 failed"))


class Fresh(unittest.TestCase):
    """Proofs by another implementation, good and bent."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="judge-")
        self.addCleanup(shutil.rmtree, self.dir)
        subprocess.run([BUILD + "/mastio-dev", "init", self.dir], check=True)

    def row(self, *options):
        url = "https://localhost/v1/x"
        proof = subprocess.run(
            [BUILD + "/mastio-dev", "proof", self.dir + "/agent", "GET", url,
             *options], check=True, capture_output=True, text=True)
        return {"proof": proof.stdout.strip(), "htm": "GET", "htu": url,
                "now": int(time.time())}

    def test_good_and_bent_proofs(self):
        self.assertEqual(judge(self.row(), self.row("--nonce", "n")),
                         (0, [], "2 passed, 0 failed"))
        for options, step in ((("--no-jti",), 3), (("--der",), 6),
                              (("--private-jwk",), 7),
                              (("--iat-shift", "-90"), 11)):
            code, lines, _ = judge(self.row(*options))
            with self.subTest(options=options):
                self.assertEqual(code, 1)
                self.assertIn(f"step {step}:", lines[0])


if __name__ == "__main__":
    unittest.main()
