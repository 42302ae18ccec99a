"""A strict reading of HTTP/1.1 streams, written from the ABNF of RFC 9112,
9110 and 3986 and from nothing else: what the grammar does not say, or what a
recipient is told to take for an error, is refused.

    read(kind, bytes)    kind Q: requests; G, H, C: responses to GET, HEAD,
                         CONNECT; as in reader.c
"""

import ipaddress
import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
VALUE = rb"[\t -~\x80-\xff]*"
PCHAR = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
SEGMENTS = rb"(?:/" + PCHAR + rb"*)"
QUERY = rb"(?:\?(?:" + PCHAR + rb"|[/?])*)?"
REG_NAME = rb"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*"
AUTHORITY = (rb"(?P<host>\[(?P<six>[0-9A-Fa-f:.]+)\]|" + REG_NAME +
             rb")(?::(?P<port>[0-9]*))?")
BWS = rb"[ \t]*"

REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/1\.([0-9])")
STATUS_LINE = re.compile(
    rb"HTTP/1\.([0-9]) ([1-5][0-9]{2}) (" + VALUE + rb")")
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"):(" + VALUE + rb")")
CHUNK_LINE = re.compile(
    rb"([0-9A-Fa-f]+)(?:" + BWS + rb";" + BWS + TOKEN + rb"(?:" + BWS +
    rb"=" + BWS + rb"(?:" + TOKEN + rb"|" + QUOTED + rb"))?)*")
ORIGIN_FORM = re.compile(SEGMENTS + rb"+" + QUERY)
ABSOLUTE_FORM = re.compile(
    rb"(?i:https?)://" + AUTHORITY + SEGMENTS + rb"*" + QUERY)
AUTHORITY_ONLY = re.compile(AUTHORITY)


class Refused(Exception):
    pass


class More(Exception):
    """The input ends before the message does."""


class Stream:
    def __init__(self, data):
        self.data, self.at = data, 0

    def line(self):
        end = self.data.find(b"\r\n", self.at)
        if end < 0:
            raise More()
        found = self.data[self.at:end]
        self.at = end + 2
        return found

    def take(self, most):
        found = self.data[self.at:self.at + most]
        self.at += len(found)
        return found


def text(data):
    return data.decode("latin-1")


def read_authority(match):
    if match.group("six"):
        try:
            ipaddress.IPv6Address(text(match.group("six")))
        except ValueError:
            raise Refused("no IPv6 address in the brackets") from None
    return match.group("host"), match.group("port")


def read_target(method, target):
    """RFC 9112 section 3.2."""
    if method == b"CONNECT":
        match = AUTHORITY_ONLY.fullmatch(target)
        if not match:
            raise Refused("no authority form")
        host, port = read_authority(match)
        if not host or not port:
            raise Refused("CONNECT needs host and port")
    elif target == b"*":
        if method != b"OPTIONS":
            raise Refused("asterisk form without OPTIONS")
    elif not ORIGIN_FORM.fullmatch(target):
        match = ABSOLUTE_FORM.fullmatch(target)
        if not match:
            raise Refused("no form of a target")
        # RFC 9110 section 4.2.1: an empty host is invalid.
        if not read_authority(match)[0]:
            raise Refused("a URI without host")


def read_fields(stream):
    """RFC 9112 section 5, also of trailers."""
    fields = []
    while True:
        line = stream.line()
        if not line:
            return fields
        match = FIELD_LINE.fullmatch(line)
        if not match:
            raise Refused("no field line")
        fields.append((match.group(1), match.group(2).strip(b" \t")))


def values(fields, name):
    return [v for n, v in fields if n.lower() == name]


def elements(fields, name):
    """RFC 9110 section 5.6.1, of tokens."""
    found = []
    for value in values(fields, name):
        for element in value.split(b","):
            element = element.strip(b" \t")
            if element:
                found.append(element.lower())
    return found


def read_host(fields, minor):
    """RFC 9112 section 3.2."""
    hosts = values(fields, b"host")
    if len(hosts) > 1 or not hosts and minor >= 1:
        raise Refused("not exactly one Host")
    if hosts:
        match = AUTHORITY_ONLY.fullmatch(hosts[0])
        if not match:
            raise Refused("no authority in Host")
        read_authority(match)


def stated(fields, minor):
    """What the two fields say: "chunked", a number or None (RFC 9112 sections
    6.1 to 6.3)."""
    codings = elements(fields, b"transfer-encoding")
    lengths = values(fields, b"content-length")
    if values(fields, b"transfer-encoding"):
        if minor == 0:
            raise Refused("Transfer-Encoding in HTTP/1.0")
        if lengths:
            raise Refused("Content-Length beside Transfer-Encoding")
        if codings != [b"chunked"]:
            raise Refused("another coding than chunked")
        return "chunked"
    if not lengths:
        return None
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]+", lengths[0]):
        raise Refused("not one Content-Length of digits")
    return int(lengths[0])


def framing_of(kind, message, fields):
    said = stated(fields, message["minor"])
    status = message["status"]
    if kind == "Q":
        none = said is None
    else:
        none = kind == "H" or status < 200 or status in (204, 304)
        # RFC 9112 section 6.1, RFC 9110 section 8.6.
        if said is not None and (status < 200 or status == 204):
            raise Refused("a field about a body that is not allowed")
        if not none and said is None:
            return "close"
    if none:
        return "none"
    return "chunked" if said == "chunked" else f"length {said}"


def read_chunks(stream, message):
    """RFC 9112 section 7.1."""
    while True:
        match = CHUNK_LINE.fullmatch(stream.line())
        if not match:
            raise Refused("no chunk-size line")
        size = int(match.group(1), 16)
        if size == 0:
            read_fields(stream)
            return
        message["body"] += text(data := stream.take(size))
        end = stream.take(2)
        if len(data) < size or end == b"\r" or not end:
            raise More()
        if end != b"\r\n":
            raise Refused("chunk data without CRLF behind it")


def read_body(stream, message):
    framing = message["framing"]
    if framing == "chunked":
        read_chunks(stream, message)
    elif framing == "close":
        message["body"] = text(stream.take(len(stream.data)))
    elif framing != "none":
        length = int(framing.split()[1])
        message["body"] = text(stream.take(length))
        if len(message["body"]) < length:
            raise More()
    message["done"] = True


def keeps(message, fields):
    """RFC 9112 section 9.3; for a proxy, which the client's target names in
    full, HTTP/1.0 has no kept connections."""
    options = elements(fields, b"connection")
    if b"close" in options:
        return False
    if message["minor"] >= 1:
        return True
    return b"keep-alive" in options and not re.match(r"[^/]", message["target"])


def read_message(kind, stream, messages):
    message = {"method": "", "target": "", "status": 0, "body": "",
               "done": False, "upgrade": False}
    if kind == "Q":
        line = stream.line()
        if not line:  # RFC 9112 section 2.2: at least one
            line = stream.line()
        match = REQUEST_LINE.fullmatch(line)
        if not match:
            raise Refused("no request line")
        message["method"] = text(match.group(1))
        message["target"] = text(match.group(2))
        message["minor"] = int(match.group(3))
    else:
        match = STATUS_LINE.fullmatch(stream.line())
        if not match:
            raise Refused("no status line")
        message["minor"] = int(match.group(1))
        message["status"] = int(match.group(2))
    fields = read_fields(stream)
    if kind == "Q":
        read_target(match.group(1), match.group(2))
        read_host(fields, message["minor"])
    tunnel = message["method"] == "CONNECT" or (
        kind == "C" and 200 <= message["status"] < 300)
    if tunnel:
        message["framing"] = "none"
        if kind == "Q" and stated(fields, message["minor"]):
            raise Refused("CONNECT with content")
    else:
        message["framing"] = framing_of(kind, message, fields)
    message["fields"] = [[text(n), text(v)] for n, v in fields]
    message["keep"] = keeps(message, fields)
    messages.append(message)
    read_body(stream, message)
    if kind == "Q":
        return message["keep"] and not tunnel
    return message["status"] < 200 and message["status"] != 101


def read(kind, data):
    stream, messages, why = Stream(data), [], ""
    try:
        while stream.at < len(data):
            if not read_message(kind, stream, messages):
                break
    except Refused as refused:
        why = str(refused)
    except More:
        pass
    return {"messages": messages, "why": why}
