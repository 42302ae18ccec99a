"""Raw bytes: what belongs to one hop (RFC 9110 section 7.6)."""

from harness import case
from harness.raw import HOST, Seen, good, numbered, run_table

GET = f"GET $P HTTP/1.1\r\n{HOST}"


def removed(name, source, lines, *fields, has=None, **more):
    """These fields end here; the others pass."""
    return good(name, source, f"{GET}X-A: a\r\n{lines}X-B: b\r\n\r\n",
                Seen("GET $P", has={"X-A": "a", "X-B": "b", **(has or {})},
                     lacks=("Connection", *fields)), **more)


def protected(field, value="v", source="RFC 9110 7.6.1", **more):
    """A field that Connection names, and that passes all the same."""
    name = field.lower().replace("-", "_")
    return removed(f"names_{name}", source,
                   f"Connection: {field}\r\n{field}: {value}\r\n",
                   has={field: value}, **more)


ROWS = numbered([
    # ---- what Connection names ends here ----
    removed("named", "RFC 9110 7.6.1",
            "Connection: X-Hop\r\nX-Hop: h\r\n", "X-Hop"),
    removed("named_in_front", "RFC 9110 7.6.1",
            "X-Hop: h\r\nConnection: X-Hop\r\n", "X-Hop"),
    removed("named_in_other_case", "RFC 9110 7.6.1",
            "connection: x-HOP\r\nX-Hop: h\r\n", "X-Hop"),
    removed("named_in_a_list", "RFC 9110 7.6.1",
            "Connection: keep-alive, X-Hop ,X-Hip\r\nX-Hop: h\r\nX-Hip: i\r\n",
            "X-Hop", "X-Hip"),
    removed("named_among_empty_elements", "RFC 9110 5.6.1",
            "Connection: ,, X-Hop, ,\r\nX-Hop: h\r\n", "X-Hop"),
    removed("named_by_the_second_line", "RFC 9110 5.3",
            "Connection: keep-alive\r\nX-Hop: h\r\nConnection: X-Hop\r\n",
            "X-Hop"),
    removed("named_twice_sent", "RFC 9110 7.6.1",
            "X-Hop: h\r\nConnection: X-Hop\r\nx-hop: i\r\n", "X-Hop"),
    removed("named_and_not_sent", "RFC 9110 7.6.1",
            "Connection: X-Hop\r\n", "X-Hop"),
    removed("named_nothing", "RFC 9110 5.6.1", "Connection:\r\n"),
    removed("named_300_times", "RFC 9110 7.6.1",
            f"Connection: {', '.join(f'X-H{i}' for i in range(300))}\r\n"
            "X-H299: h\r\n", "X-H299"),
    removed("named_itself", "CVE-2023-49606", "Connection: Connection\r\n"),
    removed("named_itself_twice", "CVE-2023-49606",
            "Connection: Connection, Connection\r\nConnection: x\r\n"),
    removed("named_quoted", "RFC 9110 7.6.1",
            'Connection: "X-C"\r\nX-C: c\r\n', has={"X-C": "c"}),
    removed("named_part_of_a_name", "RFC 9110 7.6.1",
            "Connection: X\r\nX-C: c\r\n", has={"X-C": "c"}),
    removed("named_longer_name", "RFC 9110 7.6.1",
            "Connection: X-C-D\r\nX-C: c\r\n", has={"X-C": "c"}),
    removed("named_two_words", "RFC 9110 7.6.1",
            "Connection: X-C X-D\r\nX-C: c\r\n", has={"X-C": "c"}),

    # ---- it cannot take away what matters behind us ----
    protected("Accept", "text/plain"),
    protected("Accept-Encoding", "br"),
    protected("User-Agent", "agent/1"),
    protected("Content-Type", "a/b"),
    protected("Content-Encoding", "br"),
    protected("Cache-Control", "no-store", "CVE-2022-45059"),
    protected("If-Match", '"e"', "CVE-2022-45059"),
    protected("If-None-Match", '"e"', "CVE-2022-45059"),
    protected("Range", "bytes=0-1"),
    protected("Idempotency-Key", "k"),
    protected("Mcp-Session-Id", "m"),
    protected("Mcp-Protocol-Version", "2025-06-18"),
    protected("traceparent", "00-ab"),
    protected("X-Request-ID", "rid"),
    protected("X-Cullis-Session-Token", "st"),
    protected("X-Cullis-On-Behalf-Of-User", "u"),
    removed("names_authorization", "CVE-2022-45059",
            "Connection: Authorization, DPoP\r\n"),
    removed("names_authorization_planted", "CVE-2022-45059",
            "Connection: Authorization, DPoP\r\nAuthorization: planted\r\n"
            "DPoP: planted\r\n"),
    removed("names_host", "CVE-2022-45059", "Connection: Host\r\n",
            has={"Host": "mastio.test"}),
    removed("names_cookie", "RFC 9110 7.6.1",
            "Connection: Cookie\r\nCookie: planted\r\n", "Cookie"),
    removed("names_x_forwarded_for", "CVE-2022-31813",
            "Connection: X-Forwarded-For\r\nX-Forwarded-For: ::1\r\n",
            "X-Forwarded-For"),
    good("names_content_length", "CVE-2022-45059",
         f"POST $P HTTP/1.1\r\n{HOST}Connection: Content-Length\r\n"
         "Content-Length: 5\r\n\r\nhello",
         Seen("POST $P", body=b"hello", has={"Content-Length": "5"})),
    good("names_transfer_encoding", "RFC 9110 7.6.1",
         f"POST $P HTTP/1.1\r\n{HOST}Connection: Transfer-Encoding\r\n"
         "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
         Seen("POST $P", body=b"hello",
              has={"Transfer-Encoding": "chunked"})),
    good("names_expect", "RFC 9110 10.1.1",
         f"POST $P HTTP/1.1\r\n{HOST}Connection: Expect\r\n"
         "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
         Seen("POST $P", body=b"hello", lacks=("Expect",))),

    # ---- fields of one hop, named or not ----
    removed("keep_alive", "RFC 9110 7.6.1",
            "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n",
            "Keep-Alive"),
    removed("keep_alive_not_named", "RFC 9110 7.6.1",
            "Keep-Alive: timeout=5\r\n", "Keep-Alive"),
    removed("te", "RFC 9110 10.1.4", "Connection: TE\r\nTE: trailers\r\n",
            "TE"),
    removed("te_not_named", "RFC 9110 10.1.4", "TE: trailers, gzip;q=1\r\n",
            "TE"),
    removed("trailer", "RFC 9110 6.6.2", "Trailer: X-T\r\n", "Trailer"),
    removed("proxy_connection", "RFC 9110 7.6.1",
            "Proxy-Connection: keep-alive\r\n", "Proxy-Connection"),
    removed("proxy_connection_close", "RFC 9112 9.3",
            "Proxy-Connection: close\r\n", "Proxy-Connection"),
    removed("proxy_authorization", "RFC 9110 11.7.2",
            "Proxy-Authorization: Basic eA==\r\n", "Proxy-Authorization"),
    removed("proxy_anything", "RFC 9110 11.7", "Proxy-Foo: f\r\n",
            "Proxy-Foo"),
    removed("proxy_alone", "CVE-2016-5385", "Proxy: http://evil.test\r\n",
            "Proxy"),
    removed("upgrade_h2c", "RFC 9110 7.8",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            "HTTP2-Settings: AAMAAABk\r\n", "Upgrade", "HTTP2-Settings"),
    removed("upgrade_h2c_not_named", "RFC 9110 7.8",
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", "Upgrade",
            "HTTP2-Settings"),
    removed("upgrade_tls", "RFC 2817 3.1",
            "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", "Upgrade"),
    removed("upgrade_websocket_not_named", "RFC 9110 7.8",
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Upgrade"),
    good("upgrade_websocket_in_http_1_0", "RFC 6455 4.2.1",
         f"GET $P HTTP/1.0\r\n{HOST}Connection: Upgrade\r\n"
         "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         Seen("GET $P", lacks=("Upgrade", "Connection")), keep=False),
    removed("close", "RFC 9112 9.6", "Connection: close\r\n", keep=False),
    removed("close_in_a_list", "RFC 9112 9.6",
            "Connection: X-Hop, CLOSE\r\nX-Hop: h\r\n", "X-Hop", keep=False),
    removed("close_and_keep_alive", "RFC 9112 9.3",
            "Connection: keep-alive, close\r\n", keep=False),
    removed("close_in_a_second_line", "RFC 9112 9.3",
            "Connection: keep-alive\r\nConnection: close\r\n", keep=False),
    removed("close_as_part_of_a_word", "RFC 9112 9.6",
            "Connection: closed\r\n"),
])


@case(rows=ROWS, seconds=120)
def hop_by_hop(t):
    """Fields of one hop end here; Connection cannot take away or bring in what
    is end-to-end or ours to say."""
    run_table(t)
