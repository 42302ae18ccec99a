#!/usr/bin/env python3
"""doc/authentication.md says what src/tbl/verdict.h says: its tables between
`<!-- NAME -->` and `<!-- end -->` are made from there.

usage: auth_doc.py SOURCE-DIRECTORY [--write]    --write: make the tables anew
"""

import os
import sys

sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
from http_doc import fill, read, rows, table

DOC = "doc/authentication.md"
TABLE = "src/tbl/verdict.h"

WHERE = {"DETAIL": "`detail` is {}", "BEGINS": "`detail` begins {}",
         "HOLDS": "`detail` holds {}", "REASON": "`reason` is {}",
         "REALM": "challenge of realm {}", "SHED": "shed for {}",
         "HINT": "`X-Cullis-Hint` is {}", "NONCE": "a `DPoP-Nonce`",
         "TITLE": "an HTML page with the title {}", "ANYTHING": "anything else"}
WHEN = {"ANY": "", "LOGIN": "", "REQUEST": "", "NO_TOKEN": "without a token",
        "HEAD": "to HEAD", "HEAD_NO_TOKEN": "to HEAD without a token",
        "HEAD_TOKEN_PATH": "to HEAD without a token, where nothing else counts",
        "API_KEY": "with our API key",
        "CERT_PATH": "where tokens are ignored",
        "LOCAL_TOKEN": "with a local token", "COURT_TOKEN": "with a token of a Court",
        "COURT_LOCAL": "from the Court, with a local token"}
DOES = {"PASS": "the agent's own answer", "NEW_NONCE": "new nonce",
        "NEW_PROOF": "new proof", "LOGIN": "new login",
        "LEARN_HTU": "another URL in the proof", "FIX_CLOCK":
        "the gateway's clock", "BACKOFF": "waits", "TERMINAL": "gives up"}


def codes():
    return {row[0]: row[1] for row in rows(TABLE, "VERDICT_CODE")}


def verdicts(login):
    names, lines = codes(), []
    for row in rows(TABLE, "VERDICT_ROW"):
        _, status, where, text, when, action, tries, wait, flags, code = row
        if (when == "LOGIN") != login:
            continue
        if where not in WHERE or when not in WHEN or action not in DOES:
            sys.exit(f"{TABLE}: auth_doc.py does not know {row}")
        said = WHERE[where].format(f"`{text}`")
        if WHEN[when]:
            said += f", {WHEN[when]}"
        does = DOES[action] + (f", {tries}×" if tries != "0" else "")
        if "V_KEY" in flags:
            does += ", or by the API key, 1×"
        if wait != "0":
            does += f", after {wait} s"
        name = names[code]
        lines.append([status if status != "0" else "any", said, does,
                      f"`{name}`" if name and name != "NULL" else ""])
    return table(["status", "what the gateway says", "what the sidecar does",
                  "code if that is of no use"], lines)


MADE = {"login": lambda: verdicts(True), "requests": lambda: verdicts(False)}


def main():
    os.chdir(sys.argv[1])
    text = read(DOC)
    made = fill(DOC, MADE, text)
    if sys.argv[2:] == ["--write"]:
        with open(DOC, "w", encoding="utf-8") as f:
            f.write(made)
    elif text != made:
        print(f"{DOC}: its tables are not those of {TABLE}: run "
              "tests/lint/auth_doc.py . --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
