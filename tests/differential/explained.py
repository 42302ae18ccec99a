"""Where the sidecar accepts what another reader refuses or takes differently:
why it is right.  The first row that applies counts; a row that nothing needs
any more makes the test fail.  Rows name refusals of llhttp 6 (Node 18) and of
llhttp 9 (Node 20)."""

import re

import strict

BLANK_IN_EXTENSION = re.compile(
    rb"\r\n[0-9A-Fa-f]+(?:[ \t]+;|[^\r\n]*[ \t]+[;=]|[^\r\n]*[;=][ \t]+)")
TAB_AROUND = re.compile(
    rb"(?i)\r\n(?:content-length|transfer-encoding):"
    rb"(?:[ \t]*\t|[^\r\n]*\t[ \t]*\r)")
INTERIM_CLOSE = re.compile(
    rb"(?i)(?:^|\r\n)(?:HTTP/1.0 1|HTTP/1.1 1[^\r\n]*\r\n"
    rb"(?:[^\r\n]+\r\n)*?(?:proxy-)?connection:[^\r\n]*close)")
CLOSE_IN_TRAILERS = re.compile(
    rb"(?i)\r\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*?"
    rb"(?:proxy-)?connection:[^\r\n]*close")
URL_STANDARD = re.compile(r"[][^`{|}]")
BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


class Row:
    """name; which reader; the section that we follow; why; which differences
    it is about, see run.py; and if it is a fault of older llhttp, the version
    without it."""

    def __init__(self, name, reader, section, why, applies, mended=None):
        self.name, self.reader, self.section = name, reader, section
        self.why, self.applies, self.mended = why, applies, mended

    def is_for(self, llhttp):
        return not self.mended or llhttp < self.mended


def values(message, name):
    return [v for n, v in message["fields"] if n.lower() == name]


def is_refusal(d, *codes):
    return d.what == "refused" and d.why.startswith(codes)


def unknown_method(d):
    return is_refusal(d, "HPE_INVALID_METHOD") and d.theirs is None and (
        d.ours["method"] not in d.methods)


def blank_in_extension(d):
    return (is_refusal(d, "HPE_INVALID_CHUNK_SIZE", "HPE_STRICT") and
            d.ours["framing"] == "chunked" and
            BLANK_IN_EXTENSION.search(d.case.data))


def tab_around(d):
    return is_refusal(d, "HPE_INVALID_CONTENT_LENGTH",
                      "HPE_INVALID_TRANSFER_ENCODING",
                      "HPE_UNEXPECTED_CONTENT_LENGTH") and TAB_AROUND.search(
                          d.case.data)


def framing_of_tunnel(d):
    return (d.case.kind == "C" and d.ours["status"] // 100 == 2 and
            is_refusal(d, "HPE_INVALID_CONTENT_LENGTH",
                       "HPE_INVALID_TRANSFER_ENCODING",
                       "HPE_UNEXPECTED_CONTENT_LENGTH"))


def framing_in_trailers(d):
    return (d.ours["framing"] == "chunked" and d.theirs and
            d.ours["body"] == d.theirs["body"] and
            is_refusal(d, "HPE_INVALID_CONTENT_LENGTH",
                       "HPE_INVALID_TRANSFER_ENCODING",
                       "HPE_UNEXPECTED_CONTENT_LENGTH"))


def close_in_trailers(d):
    return ((is_refusal(d, "HPE_CLOSED_CONNECTION") or
             d.what == "unfinished") and d.theirs is None and
            CLOSE_IN_TRAILERS.search(d.case.data))


def proxy_connection(d):
    return d.what == "keep" and any(
        "close" in v.lower() for v in values(d.ours, "proxy-connection"))


def length_of_head(d):
    return (d.what == "keep" and d.case.kind == "H" and
            not values(d.ours, "content-length"))


def interim_close(d):
    return ((is_refusal(d, "HPE_CLOSED_CONNECTION") or
             d.what == "unfinished") and d.theirs is None and
            d.case.kind in "GH" and INTERIM_CLOSE.search(d.case.data))


def body_of_304(d):
    return d.ours["status"] == 304 and d.what in ("refused", "body",
                                                  "unfinished")


def zero_without_body(d):
    return (d.what == "refused" and
            d.why == "a field about a body that is not allowed" and
            re.fullmatch("0+", values(d.ours, "content-length")[0]))


def target_but_for(d, replace):
    """Would strict.py take the target if it were not for these bytes?"""
    if d.what != "refused" or d.why != "no form of a target":
        return False
    path, mark, query = d.ours["target"].partition("?")
    target = replace(path, mark + query)
    try:
        strict.read_target(d.ours["method"].encode(), target.encode())
    except strict.Refused:
        return False
    return True


def url_standard(d):
    return target_but_for(
        d, lambda path, query: path + URL_STANDARD.sub("x", query))


def bare_percent(d):
    return target_but_for(d, lambda path, query: BARE_PERCENT.sub(
        "x", path + URL_STANDARD.sub("x", query)))


EXPLAINED = [
    Row("unknown method", "llhttp", "RFC 9110 9.1",
        "methods are tokens and may be new ones; which one it is does not "
        "change where a request ends", unknown_method),
    Row("blank in a chunk extension", "llhttp", "RFC 9112 7.1.1",
        "a recipient must parse BWS around \";\" and \"=\"; it changes no size, "
        "and we send no extension on", blank_in_extension),
    Row("tab around a framing field's value", "llhttp", "RFC 9110 5.6.3",
        "OWS is SP and HTAB; what goes on is written anew, without it",
        tab_around),
    Row("framing of a tunnel", "llhttp", "RFC 9112 6.3, rule 2",
        "in a 2xx answer to CONNECT both fields are to be ignored",
        framing_of_tunnel),
    Row("framing fields in trailers", "llhttp", "RFC 9110 6.5.1",
        "trailers are checked for their form and dropped, whatever their name",
        framing_in_trailers),
    Row("Connection: close in trailers", "llhttp", "RFC 9110 6.5.1",
        "it is no trailer field; the connection is what the header says",
        close_in_trailers),
    Row("Proxy-Connection: close", "llhttp", "RFC 9112 C.2.2",
        "it is no field of HTTP and is removed; who closes will be seen to "
        "close", proxy_connection),
    Row("answer to HEAD without a length", "llhttp", "RFC 9112 6.3, rule 1",
        "it ends with its head, whatever the fields say, so the connection "
        "can be kept", length_of_head),
    Row("interim answer that closes", "llhttp", "RFC 9112 9.6",
        "by Connection: close or as HTTP/1.0: the connection ends behind the "
        "final answer, which is awaited",
        interim_close),
    Row("body of 304", "llhttp", "RFC 9112 6.3, rule 1",
        "it ends with its head, whatever the fields say", body_of_304,
        mended=(9,)),
    Row("length 0 where no body can be", "strict", "RFC 9110 8.6",
        "servers send Content-Length: 0 with 204; it is true, and it is not "
        "sent on", zero_without_body),
    Row("bytes that the URL Standard leaves alone", "strict", "RFC 3986 3.4",
        "clients in JavaScript send []^`{|} in a query as they are; no reader "
        "takes them for the end of a target", url_standard),
    Row("percent sign without digits", "strict", "RFC 3986 2.1",
        "clients that follow the URL Standard leave it alone too; in a path to "
        "the gateway it is refused behind the reader, where escapes are "
        "decoded", bare_percent),
]
