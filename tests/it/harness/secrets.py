"""Secrets, and the search for them in what the sidecar lets out.

mastio-dev writes each token that it issues and each proof that it sees into
files of the test's directory; the keys are in the identities there.  What must
not be found is the signature of a token or a proof, a token's claims, a line
of a private key, the DPoP key and an API key.
"""

import json
import os
import re

WORD = re.compile(rb"[A-Za-z0-9_-]{20,}")
KEY_LINE = 40


class Secrets:
    def __init__(self):
        self.words = {}  # base64url: what it is
        self.texts = {}  # to be found anywhere: what it is
        self.lengths = set()

    def add_word(self, word, what):
        if len(word) >= 20:
            self.words[word] = what
            self.lengths.add(len(word))

    def add_token(self, text):
        parts = text.split(b".")
        if len(parts) == 3:
            self.add_word(parts[1], "the claims of a token")
            self.add_word(parts[2], "a token")

    def add_proof(self, text):
        self.add_word(text.rpartition(b".")[2], "a proof")

    # ---- out of a directory ----

    def collect(self, directory):
        """What the processes of a test had."""
        for where, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(where, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    self.collect_file(path, name)
        return self

    def collect_file(self, path, name):
        if name == "tokens":
            for line in lines_of(path):
                self.add_token(line)
        elif name == "proofs.jsonl":
            for line in lines_of(path):
                if line.endswith(b"}"):  # whole
                    self.add_proof(json.loads(line)["proof"].encode())
        elif name.endswith((".pem", ".key")):
            self.add_key(path)
        elif name.endswith(".jwk"):
            self.add_jwk(path)
        elif name == "api-key":
            for line in lines_of(path):
                self.add_text(line.strip(), "the API key")

    def add_text(self, text, what):
        if len(text) >= 16:
            self.texts[text] = what

    def add_key(self, path):
        inside = False
        for line in lines_of(path):
            if line.startswith(b"-----"):
                inside = b"PRIVATE KEY" in line and b"BEGIN" in line
            elif inside and len(line) >= KEY_LINE:
                self.add_text(line, "key material of " + os.path.basename(path))

    def add_jwk(self, path):
        try:
            jwk = json.loads(b"\n".join(lines_of(path)))
            d = jwk.get("private_jwk", jwk).get("d")
        except (ValueError, AttributeError):
            return
        if isinstance(d, str) and len(d) > 20:
            self.add_text(d.encode(), "the DPoP key")

    # ---- the search ----

    def find(self, text):
        """What of it is in the text, or None."""
        for word in set(WORD.findall(text)):
            for n in self.lengths:
                for at in range(len(word) - n + 1):
                    if word[at:at + n] in self.words:
                        return self.words[word[at:at + n]]
        for secret, what in self.texts.items():
            if secret in text:
                return what
        return None


def lines_of(path):
    with open(path, "rb") as f:
        return f.read().splitlines()


# ---- of a whole run ----

SHOWN = re.compile(r"(sidecar|command)\d+\.(out|err)|received")


def outputs(directory):
    """What a test's sidecars said, and what their clients received."""
    return sorted(name for name in os.listdir(directory)
                  if SHOWN.fullmatch(name))


def keep(directory, secrets, where):
    """Takes the secrets of a test's directory, and moves its outputs."""
    secrets.collect(directory)
    os.makedirs(where)
    for name in outputs(directory):
        os.rename(os.path.join(directory, name), os.path.join(where, name))


def search(where, secrets):
    """[sentence] for each file below `where` that holds one."""
    found = []
    for directory, _, names in os.walk(where):
        for name in sorted(names):
            path = os.path.join(directory, name)
            with open(path, "rb") as f:
                what = secrets.find(f.read())
            if what:
                found.append(f"{what} is in {os.path.relpath(path, where)}")
    return found
