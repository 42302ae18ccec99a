"""Raw bytes: field lines, Host, and what a request may not say."""

from harness import case
from harness.raw import HOST, Row, Seen, Want, bad, good, numbered, run_table

GET = f"GET $P HTTP/1.1\r\n{HOST}"
BODY = f"GET $P/smuggled HTTP/1.1\r\n{HOST}\r\n"


def line(name, source, text, **more):
    """A request that is refused for one line among its fields."""
    return bad(name, source, f"{GET}X-A: a\r\n{text}X-B: b\r\n\r\n", **more)


def kept(name, source, text, field, value):
    """A field that arrives with this value."""
    return good(name, source, f"{GET}{text}\r\n\r\n",
                Seen("GET $P", has={field: value}))


def dropped(name, source, text, field):
    """A field that is not passed on; the request is."""
    return good(name, source, f"{GET}X-A: a\r\n{text}\r\nX-B: b\r\n\r\n",
                Seen("GET $P", has={"X-A": "a", "X-B": "b"},
                     lacks=(field,)))


def host(name, lines, source="RFC 9112 3.2"):
    return bad(name, source, f"GET $P HTTP/1.1\r\n{lines}\r\n")


ROWS = numbered([
    # ---- Host ----
    host("host_missing", ""),
    host("host_missing_among_others", "X-A: a\r\n"),
    host("host_twice", f"{HOST}{HOST}", "CVE-2026-34525"),
    host("host_twice_differing", f"{HOST}Host: evil.test\r\n",
         "CVE-2026-34525"),
    host("host_twice_in_other_case", f"{HOST}HOST: mastio.test\r\n"),
    host("host_empty", "Host:\r\n"),
    host("host_list", "Host: mastio.test, evil.test\r\n"),
    host("host_with_path", "Host: mastio.test/evil\r\n"),
    host("host_with_userinfo", "Host: a@mastio.test\r\n"),
    host("host_with_space", "Host: mastio.test evil.test\r\n"),
    host("host_with_scheme", "Host: http://mastio.test\r\n"),
    host("host_with_empty_port", "Host: mastio.test:\r\n"),
    host("host_with_port_of_letters", "Host: mastio.test:a\r\n"),
    host("host_with_port_too_large", "Host: mastio.test:65536\r\n"),
    host("host_with_two_ports", "Host: mastio.test:80:81\r\n"),
    host("host_with_high_byte", "Host: m\xe4stio.test\r\n"),
    host("host_with_escape", "Host: mastio%2etest\r\n"),
    host("host_with_open_bracket", "Host: [::1\r\n"),
    host("host_with_empty_label", "Host: mastio..test\r\n"),
    host("host_short_address", "Host: 127.1\r\n", "RFC 3986 7.4"),
    Row("host_foreign", "RFC 9110 7.2",
        "GET $P HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        [Want(403, code="host-refused")]),
    good("host_upper_case", "RFC 9110 4.2.3",
         "GET $P HTTP/1.1\r\nHOST: MASTIO.TEST\r\n\r\n",
         Seen("GET $P", has={"Host": "mastio.test"})),
    good("host_without_space", "RFC 9112 5",
         "GET $P HTTP/1.1\r\nHost:mastio.test\r\n\r\n", "GET $P"),
    good("host_in_much_white_space", "RFC 9112 5.1",
         "GET $P HTTP/1.1\r\nHost: \t  mastio.test \t \r\n\r\n", "GET $P"),
    good("http_1_0_without_host", "RFC 9112 3.2",
         "GET $P HTTP/1.0\r\n\r\n", "GET $P", keep=False),
    bad("http_1_0_with_two_hosts", "RFC 9112 3.2",
        f"GET $P HTTP/1.0\r\n{HOST}{HOST}\r\n"),

    # ---- names ----
    *[line(f"name_with_0x{ord(c):02x}", "RFC 9110 5.1", f"X{c}C: c\r\n")
      for c in '\0\x01\x0b\x0c\x1b"(),/;<=>?@[\\]{}\x7f\x80\xff'],
    line("name_empty", "CVE-2023-25725", ": c\r\n"),
    line("name_of_a_space", "RFC 9112 5.1", " : c\r\n"),
    line("space_before_colon", "CVE-2021-22959", "X-C : c\r\n"),
    line("space_before_colon_of_transfer_encoding", "CVE-2019-16276",
         "Transfer-Encoding : chunked\r\n"),
    line("tab_before_colon", "RFC 9112 5.1", "X-C\t: c\r\n"),
    line("colon_missing", "CVE-2019-20444", "X-C c\r\n"),
    line("colon_missing_and_no_value", "CVE-2019-20444", "X-C\r\n"),
    kept("name_of_all_tchar", "RFC 9110 5.1", "!#$%&'*+-.^_`|~0aZ: x",
         "!#$%&'*+-.^_`|~0aZ", "x"),
    kept("name_of_one_byte", "RFC 9110 5.1", "X: x", "X", "x"),

    # ---- values ----
    *[line(f"value_with_0x{c:02x}", "RFC 9110 5.5", f"X-C: a{chr(c)}b\r\n")
      for c in (0, 1, 7, 8, 0x0b, 0x0c, 0x0e, 0x1b, 0x1f, 0x7f)],
    line("value_ends_with_nul", "RFC 9110 5.5", "X-C: a\0\r\n"),
    kept("value_empty", "RFC 9110 5.5", "X-C:", "X-C", ""),
    kept("value_of_white_space", "RFC 9110 5.5", "X-C: \t ", "X-C", ""),
    kept("value_trimmed", "RFC 9112 5.1", "X-C:\t  a b\t ", "X-C", "a b"),
    kept("value_with_tab", "RFC 9110 5.5", "X-C: a\tb", "X-C", "a\tb"),
    kept("value_with_high_bytes", "RFC 9110 5.5", "X-C: \xe9\xff", "X-C",
         "\xe9\xff"),
    kept("value_with_colons", "RFC 9110 5.5", "X-C:: a: b", "X-C", ": a: b"),
    kept("value_of_8000_bytes", "RFC 9110 5.4", f"X-C: {'a' * 8000}", "X-C",
         "a" * 8000),
    kept("repeated", "RFC 9110 5.3", "X-C: a\r\nX-D: d\r\nx-c: b", "X-C",
         ["a", "b"]),

    # ---- line ends ----
    line("fold_with_space", "RFC 9112 5.2", "X-C: c\r\n d\r\n"),
    line("fold_with_tab", "RFC 9112 5.2", "X-C: c\r\n\td\r\n"),
    line("fold_of_nothing", "RFC 9112 5.2", "X-C: c\r\n \r\n"),
    line("fold_hides_a_name", "CVE-2024-27982",
         f" Content-Length: {len(BODY)}\r\n"),
    line("line_feed_alone", "CVE-2022-32214", "X-C: c\n"),
    line("line_feed_splits_a_value", "CVE-2021-41136",
         "X-C: c\nTransfer-Encoding: chunked\r\n"),
    line("carriage_return_alone", "CVE-2023-30589", "X-C: c\r"),
    line("carriage_return_splits_a_value", "CVE-2023-30589",
         "X-C: c\rTransfer-Encoding: chunked\r\n"),
    line("two_carriage_returns", "RFC 9112 2.2", "X-C: c\r\r\n"),
    line("line_feed_carriage_return", "RFC 9112 2.2", "X-C: c\n\r"),
    line("line_feed_in_a_name", "RFC 9110 5.1", "X-\nC: c\r\n"),
    line("carriage_return_in_a_name", "RFC 9110 5.1", "X-\rC: c\r\n"),
    bad("head_ends_with_line_feed", "CVE-2022-32214", f"{GET}\n"),
    bad("head_ends_with_two_line_feeds", "CVE-2022-32214",
        "GET $P HTTP/1.1\r\nHost: mastio.test\n\n"),
    bad("head_ends_with_carriage_returns", "RFC 9112 2.2", f"{GET}\r\r"),
    bad("head_ends_with_cr_cr_lf", "RFC 9112 2.2", f"{GET}\r\r\n"),

    # ---- limits ----
    good("many_fields", "RFC 9110 5.4", GET + "X-N: 1\r\n" * 90 + "\r\n",
         Seen("GET $P", has={"X-N": ["1"] * 90})),
    bad("too_many_fields", "RFC 6585 5", GET + "X-N: 1\r\n" * 300 + "\r\n",
        431),
    bad("value_too_long", "RFC 6585 5", f"{GET}X-C: {'a' * 70000}\r\n\r\n",
        431),
    bad("name_too_long", "RFC 6585 5", f"{GET}{'a' * 70000}: c\r\n\r\n", 431),
    bad("head_too_long", "RFC 6585 5",
        GET + f"X-C: {'a' * 1000}\r\n" * 70 + "\r\n", 431),

    # ---- what two readers could take differently ----
    *[bad(f"{name.lower().replace('-', '_')}_twice", "RFC 9110 5.3",
          f"{GET}{name}: a\r\nX-A: b\r\n{name}: a\r\n\r\n")
      for name in ("Authorization", "Content-Type", "X-API-Key",
                   "Proxy-Authorization", "X-Cullis-Session-Token",
                   "X-Cullis-On-Behalf-Of-User",
                   "X-Cullis-Device-Attestation")],

    # ---- what the gateway takes from an agent, and the rest of its names ----
    *[kept(name.lower().replace("-", "_"), "", f"{name}: st.e-1", name,
           ["st.e-1"])
      for name in ("X-Cullis-Session-Token", "X-Cullis-On-Behalf-Of-User",
                   "X-Cullis-Device-Attestation")],
    *[dropped(name.lower().replace("-", "_"), "", f"{name}: 1", name)
      for name in ("X-Cullis-Mastio-Signature", "X-Cullis-Trace",
                   "X-Cullis-Session-Tokens", "X-Cullis-Anything")],
    *[dropped(f"spelt_{name.replace('-', '_').lower()}", "RFC 3875 4.1.18",
              f"{name.replace('-', '_')}: 1", name.replace("-", "_"))
      for name in ("X-Cullis-Session-Token", "X-Cullis-On-Behalf-Of-User",
                   "X-Cullis-Device-Attestation")],

    # ---- other spellings of names that matter, as CGI reads them ----
    *[dropped(f"spelt_{name.replace('-', '_').replace('.', '_dot_')}_{i}",
              "RFC 3875 4.1.18", f"{name}: 1", name)
      for i, name in enumerate((
          "Content_Length", "Transfer_Encoding", "Content.Length",
          "transfer_encoding", "X_Forwarded_For",
          "X_SSL_Client_Cert", "X-SSL_Client_S_DN", "X_Cullis_Role",
          "X~Forwarded~Host", "X_Original_URL", "Proxy_Authorization",
          "X_HTTP_Method_Override", "Sec_Fetch_Site"))],

    # ---- what the sidecar says itself ----
    *[dropped(f"stripped_{name.lower().replace('-', '_')}", source,
              f"{name}: planted", name)
      for name, source in (
          ("Cookie", "RFC 6265 5.4"), ("X-API-Key", "RFC 9110 11.1"),
          ("Forwarded", "RFC 7239 8.1"), ("X-Forwarded-For", "RFC 7239 8.1"),
          ("X-Real-IP", "RFC 7239 8.1"), ("Client-Cert", "RFC 9440 4"),
          ("Client-Cert-Chain", "RFC 9440 4"),
          ("X-Original-URL", "RFC 9110 7.1"),
          ("X-Rewrite-URL", "RFC 9110 7.1"),
          ("X-HTTP-Method-Override", "RFC 9110 9.1"),
          ("Proxy-Authorization", "RFC 9110 11.7.2"),
          ("DPoP-Nonce", "RFC 9449 8"))],
    good("credentials_are_replaced", "RFC 9449 4.3",
         f"{GET}Authorization: DPoP planted\r\nDPoP: a.b.c\r\n"
         "dpop: d.e.f\r\n\r\n", "GET $P"),
    Row("browser_origin", "RFC 6454 7", f"{GET}Origin: http://a.test\r\n\r\n",
        [Want(403, code="browser-refused")]),
    Row("browser_origin_null", "RFC 6454 7", f"{GET}Origin: null\r\n\r\n",
        [Want(403, code="browser-refused")]),
    Row("browser_fetch_metadata", "RFC 9110 7.4",
        f"{GET}Sec-Fetch-Site: same-site\r\n\r\n",
        [Want(403, code="browser-refused")]),
])


@case(rows=ROWS, seconds=120)
def fields(t):
    """Field lines have one reading or are refused; nothing that the agent says
    about its identity reaches the gateway."""
    run_table(t)
