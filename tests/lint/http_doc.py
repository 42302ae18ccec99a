#!/usr/bin/env python3
"""doc/http.md says what the code says.  Its tables between `<!-- NAME -->` and
`<!-- end -->` are made from src/tbl/end.h, src/http/field_tbl.h,
src/conf/option_tbl.h and the constants of the readers; its tables of refusals
name every sentence that a refusal can hold, and no other, with its status.

usage: http_doc.py SOURCE-DIRECTORY [--write]    --write: make the tables anew
"""

import os
import re
import sys

LITERAL = r'"(?:[^"\\\n]|\\.)*"'
TOKENS = re.compile(rf"/\*.*?\*/|'(?:[^'\\\n]|\\.)+'|{LITERAL}(?:\s*{LITERAL})*",
                    re.S)

# Where refusals get their words.  What a client is never told stands apart.
SENTENCES = ["src/http/head.c", "src/http/framing.c", "src/http/chunked.c",
             "src/http/url.c", "src/proxy/client.c", "src/proxy/admit.c",
             "src/proxy/caller.c", "src/proxy/message.c"]
NOT_TOLD = {"a good path", "a bad path", "a head that was not reset"}
REFUSED = "| what the answer says | status | why |"

CONSTANTS = [
    ("src/http/head.h", "HEAD_METHOD_MAX", "bytes of a method"),
    ("src/http/head.h", "HEAD_TARGET_MAX", "bytes of a request target"),
    ("src/http/chunked.h", "CHUNKED_LINE_MAX",
     "bytes of a chunk size line with its extensions"),
    ("src/http/chunked.h", "CHUNKED_EXT_MAX",
     "bytes of extensions beyond the data so far"),
    ("src/http/chunked.h", "CHUNKED_TRAILER_MAX", "bytes of a trailer section"),
    ("src/proxy/exchange.c", "INTERIM_MAX", "interim answers to one request"),
    ("src/proxy/worker.h", "ANSWER_HEADERS_MAX", "field lines of an answer"),
    ("src/proxy/client.c", "LINGER_BYTES",
     "bytes read and dropped behind an early answer"),
    ("src/proxy/client.c", "LINGER_MS",
     "milliseconds for which that is done"),
]


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def joined(literals):
    """C string literals side by side, as text."""
    text = "".join(s[1:-1] for s in re.findall(LITERAL, literals))
    return text.replace('\\"', '"')


def rows(path, macro):
    """The arguments of each MACRO(...) row, strings joined."""
    text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
    found = []
    for match in re.finditer(rf"^{macro}\(((?:{LITERAL}|[^\"()])*)\)", text,
                             re.M | re.S):
        arguments = re.findall(rf"((?:{LITERAL}|[^,\"])+)(?:,|$)",
                               match.group(1), re.S)
        found.append([joined(a) if '"' in a else " ".join(a.split())
                      for a in arguments])
    if len(found) != len(re.findall(rf"^{macro}\(", text, re.M)) or not found:
        sys.exit(f"{path}: a row of {macro} that this script cannot read")
    return found


def table(head, lines):
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|"] +
                     [f"| {' | '.join(line)} |" for line in lines])


def ends():
    retry = {"RETRY_NO": "no", "RETRY_YES": "yes",
             "RETRY_IDEMPOTENT": "if it may run twice"}
    return table(
        ["status", "code", "meaning", "`X-Should-Retry`"],
        [[status if status != "0" else "none", f"`{token}`", meaning,
          retry[again]]
         for _, status, token, again, meaning, _ in rows("src/tbl/end.h",
                                                         "END")])


def treatment(flags, family):
    flags = set(flags.split(" | "))
    request = "goes on"
    if flags & {"F_HOP", "F_NO_REQ"}:
        request = ("removed, unless `allow-header` names it"
                   if "F_OPENABLE" in flags else "removed")
    return (request,
            "removed" if flags & {"F_HOP", "F_NO_RES"} else "goes on",
            "removed" if flags & {"F_HOP", "F_OURS"} else "goes on",
            "no effect" if "F_CREDENTIAL" in flags else "removes it",
            "400" if "F_SINGLE" in flags and not family else "")


def fields():
    groups = {}
    path = "src/http/field_tbl.h"
    for _, name, flags in rows(path, "FIELD"):
        groups.setdefault(treatment(flags, False), []).append(f"`{name}`")
    for name, flags in rows(path, "FAMILY"):
        groups.setdefault(treatment(flags, True), []).append(f"`{name}-*`")
    return table(
        ["field", "request to the gateway", "answer to the agent",
         "pass-through", "named by `Connection`", "twice in a request"],
        [[", ".join(names), *how] for how, names in groups.items()])


def options(section):
    text = read("src/conf/option_tbl.h")
    start = text.index(f"/* {section} */")
    end = text.find("\n/* ", start + 1)
    keys = re.findall(r'^OPT\(\w+,\s*"([a-z-]+)"', text[start:end], re.M)
    by_key = {r[1]: r for r in rows("src/conf/option_tbl.h", "OPT")}
    # NULL: found out at start, as the meaning says.
    return table(["key", "default", "meaning"],
                 [[f"`{k}`", by_key[k][4].replace("NULL", "–"),
                   by_key[k][7].replace("  ", " ")] for k in keys])


def constants():
    lines = []
    for path, name, meaning in CONSTANTS:
        value = re.search(rf"^#define {name} ([0-9* ()]+)", read(path), re.M)
        factors = re.findall("[0-9]+", value.group(1))
        number = 1
        for factor in factors:
            number *= int(factor)
        lines.append([f"{number:,}", meaning])
    return table(["limit", "of"], lines)


MADE = {"ends": ends, "fields": fields, "limits": lambda: options("Limits"),
        "timers": lambda: options("Timers"), "constants": constants}


def fill(doc, makers, text):
    """The text of `doc`, with these tables made anew."""
    for name, maker in makers.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(\n?<!-- end -->)", re.S)
        if not mark.search(text):
            sys.exit(f"{doc} has no place for the table {name}")
        text = mark.sub(lambda m, t=maker(): m.group(1) + t + "\n<!-- end -->",
                        text)
    return text


def plain(sentence):
    return re.sub(r"%[.*]*[a-z]", "...", sentence)


def is_sentence(path, text):
    if path.endswith("message.c") and not text.startswith("it "):
        return False
    return text.count(" ") >= 2 and text not in NOT_TOLD


def told():
    """Sentence to status; None where it is not said beside it."""
    status = {code: s for code, s, *_ in rows("src/tbl/end.h", "END")}
    found = {}
    for path in SENTENCES:
        text = read(path)
        for match in TOKENS.finditer(text):
            said = joined(match.group(0)) if match.group(0)[0] == '"' else ""
            if not is_sentence(path, said):
                continue
            call = re.search(r"refuse\(\s*\w+,\s*END_(\w+),\s*$",
                             text[:match.start()])
            found[plain(said)] = status[call.group(1)] if call else None
    return found


def documented(text):
    """The same from the document, and what stands in it twice."""
    found, twice = {}, []
    for block in text.split(REFUSED)[1:]:
        for line in block.strip().split("\n"):
            if not line.startswith("|"):
                break
            match = re.match(r"\| `(.*?)` \| ([0-9 /]+|none) \|", line)
            if match:
                twice += [match.group(1)] * (match.group(1) in found)
                found[match.group(1)] = match.group(2)
    return found, twice


def check_sentences(text):
    code = told()
    doc, twice = documented(text)
    wrong = [f"this refusal is in no table: {s}" for s in code if s not in doc]
    wrong += [f"no refusal says: {s}" for s in doc if s not in code]
    wrong += [f"stands there twice: {s}" for s in twice]
    wrong += [f"is answered {code[s]}, not {doc[s]}: {s}" for s in code
              if s in doc and code[s] and code[s] != doc[s]]
    return wrong


def main():
    os.chdir(sys.argv[1])
    text = read("doc/http.md")
    made = fill("doc/http.md", MADE, text)
    if sys.argv[2:] == ["--write"]:
        with open("doc/http.md", "w", encoding="utf-8") as f:
            f.write(made)
        text = made
    wrong = check_sentences(text)
    if text != made:
        wrong.append("its tables are not those of the code: run "
                     "tests/lint/http_doc.py . --write")
    for line in wrong:
        print(f"doc/http.md: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
