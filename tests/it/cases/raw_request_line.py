"""Raw bytes: the request line."""

from harness import case
from harness.raw import HOST, Row, Seen, Want, bad, good, numbered, run_table

END = f" HTTP/1.1\r\n{HOST}\r\n"
TOKEN = "!#$%&'*+-.^_`|~0aZ"  # RFC 9110 5.6.2: all signs of a token


def version(text):
    return f"GET $P {text}\r\n{HOST}\r\n"


ROWS = numbered([
    # ---- methods ----
    good("get", "RFC 9112 3", f"GET $P{END}", "GET $P", upkeep=True),
    good("method_unknown", "RFC 9110 9.1", f"PURGE $P{END}", "PURGE $P"),
    good("method_lower_case", "RFC 9110 9.1", f"get $P{END}", "get $P"),
    good("method_all_tchar", "RFC 9110 5.6.2", f"{TOKEN} $P{END}",
         f"{TOKEN} $P"),
    good("method_of_32_bytes", "RFC 9110 9.1", f"{'M' * 32} $P{END}",
         f"{'M' * 32} $P"),
    bad("method_of_33_bytes", "RFC 9112 3", f"{'M' * 33} $P{END}"),
    bad("method_missing", "RFC 9112 3", f" $P{END}"),
    bad("method_with_parenthesis", "RFC 9110 5.6.2", f"G(ET $P{END}"),
    bad("method_with_colon", "RFC 9110 5.6.2", f"GET: $P{END}"),
    bad("method_with_nul", "RFC 9110 5.6.2", f"GE\0T $P{END}"),
    bad("method_with_high_byte", "RFC 9110 5.6.2", f"G\xc9T $P{END}"),
    Row("trace", "RFC 9110 9.3.8", f"TRACE $P{END}",
        [Want(501, code="not-implemented")]),
    bad("trace_with_body", "RFC 9110 9.3.8",
        f"TRACE $P HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nab"),
    good("options_origin_form", "RFC 9110 9.3.7", f"OPTIONS $P{END}",
         "OPTIONS $P"),

    # ---- what is in front ----
    good("one_empty_line_before", "RFC 9112 2.2", f"\r\nGET $P{END}",
         "GET $P"),
    bad("two_empty_lines_before", "RFC 9112 2.2", f"\r\n\r\nGET $P{END}"),
    bad("line_feed_before", "RFC 9112 2.2", f"\nGET $P{END}"),
    bad("carriage_return_before", "RFC 9112 2.2", f"\rGET $P{END}"),
    bad("space_before", "RFC 9112 2.2", f" GET $P{END}"),
    bad("tab_before", "RFC 9112 2.2", f"\tGET $P{END}"),
    bad("nul_before", "CVE-2026-50020", f"\0GET $P{END}"),
    bad("control_before", "CVE-2026-50020", f"\x01GET $P{END}"),
    bad("byte_order_mark_before", "RFC 9112 2.2",
        f"\xef\xbb\xbfGET $P{END}"),
    Row("tls_client_hello", "RFC 8446 5.1",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        [Want(400, code="tls-to-plain")], keep=False),
    Row("tls_after_a_request", "RFC 8446 5.1",
        f"GET $P{END}\x16\x03\x01\x00\x05\x01",
        [200, Want(400, code="tls-to-plain")], ["GET $P"], keep=False),

    # ---- the spaces ----
    bad("two_spaces_after_method", "RFC 9112 3", f"GET  $P{END}"),
    bad("tab_after_method", "RFC 9112 3", f"GET\t$P{END}"),
    bad("vertical_tab_after_method", "RFC 9112 3", f"GET\x0b$P{END}"),
    bad("no_break_space_after_method", "RFC 9112 3", f"GET\xa0$P{END}"),
    bad("two_spaces_before_version", "RFC 9112 3", f"GET $P {END}"),
    bad("tab_before_version", "RFC 9112 3",
        f"GET $P\tHTTP/1.1\r\n{HOST}\r\n"),
    bad("space_in_target", "RFC 9112 3", f"GET $P /x{END}"),
    bad("space_after_version", "RFC 9112 3", version("HTTP/1.1 ")),
    bad("four_words", "RFC 9112 3", version("HTTP/1.1 HTTP/1.1")),

    # ---- the version ----
    bad("version_missing", "RFC 9112 2.3", f"GET $P\r\n{HOST}\r\n"),
    bad("version_missing_line_feed", "RFC 9112 2.3", "GET $P\n\n"),
    bad("version_lower_case", "RFC 9112 2.3", version("http/1.1")),
    bad("version_misspelt", "RFC 9112 2.3", version("HTPP/1.1")),
    bad("version_two_minor_digits", "RFC 9112 2.3", version("HTTP/1.10")),
    bad("version_two_major_digits", "RFC 9112 2.3", version("HTTP/01.1")),
    bad("version_without_dot", "RFC 9112 2.3", version("HTTP/11")),
    bad("version_with_comma", "RFC 9112 2.3", version("HTTP/1,1")),
    bad("version_without_minor", "RFC 9112 2.3", version("HTTP/1.")),
    bad("version_with_sign", "RFC 9112 2.3", version("HTTP/+1.1")),
    bad("version_with_space", "RFC 9112 2.3", version("HTTP/1. 1")),
    bad("version_of_letters", "RFC 9112 2.3", version("HTTP/a.b")),
    bad("version_0_9", "RFC 9110 2.5", version("HTTP/0.9"), 505),
    bad("version_1_2", "RFC 9110 2.5", version("HTTP/1.2"), 505),
    bad("version_2_0", "RFC 9110 15.6.6", version("HTTP/2.0"), 505),
    bad("version_3_0", "RFC 9110 15.6.6", version("HTTP/3.0"), 505),
    bad("version_9_9", "RFC 9110 15.6.6", version("HTTP/9.9"), 505),
    bad("http_2_preface", "RFC 9113 3.4",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),

    # ---- the end of the line ----
    bad("line_feed_alone", "CVE-2019-16785",
        f"GET $P HTTP/1.1\n{HOST}\r\n"),
    bad("carriage_return_alone", "CVE-2023-30589",
        f"GET $P HTTP/1.1\r{HOST}\r\n"),
    bad("two_carriage_returns", "RFC 9112 2.2",
        f"GET $P HTTP/1.1\r\r\n{HOST}\r\n"),
    bad("space_before_first_field", "RFC 9112 2.2",
        f"GET $P HTTP/1.1\r\n X-A: b\r\n{HOST}\r\n"),
    bad("tab_line_before_first_field", "RFC 9112 2.2",
        f"GET $P HTTP/1.1\r\n\t\r\n{HOST}\r\n"),

    # ---- target: origin form ----
    good("query", "RFC 9112 3.2.1", f"GET $P?a=b&c=/d/../e?f{END}",
         "GET $P?a=b&c=/d/../e?f"),
    good("path_all_pchar", "RFC 3986 3.3", f"GET $P/-._~!$&'()*+,=:@;%41{END}",
         "GET $P/-._~!$&'()*+,=:@;%41"),
    good("path_with_encoded_slash", "RFC 3986 2.2", f"GET $P/a%2Fb{END}",
         "GET $P/a%2Fb"),
    good("query_unencoded", "RFC 9110 4.1", f"GET $P?a[]={{b|c}}^`{END}",
         "GET $P?a[]={b|c}^`"),
    good("target_of_8000_bytes", "RFC 9112 3",
         f"GET $P/{'a' * 7980}{END}", f"GET $P/{'a' * 7980}"),
    bad("target_of_8100_bytes", "RFC 9110 15.5.15",
        f"GET $P/{'a' * 8100}{END}", 414),
    bad("target_empty", "RFC 9112 3.2", f"GET  HTTP/1.1\r\n{HOST}\r\n"),
    bad("target_without_slash", "RFC 9112 3.2.1", f"GET v1/models{END}"),
    bad("target_asterisk_with_get", "RFC 9112 3.2.4", f"GET *{END}"),
    bad("target_query_alone", "RFC 9112 3.2.1", f"GET ?a=b{END}"),
    bad("fragment", "CVE-2023-45539", f"GET $P#frag{END}"),
    bad("fragment_in_query", "CVE-2023-45539", f"GET $P?a#frag{END}"),
    bad("fragment_hides_suffix", "CVE-2023-45539", f"GET $P/a#.png{END}"),
    bad("target_with_nul", "RFC 9112 3.2", f"GET $P\0{END}"),
    bad("target_with_control", "RFC 9112 3.2", f"GET $P\x01{END}"),
    bad("target_with_delete", "RFC 9112 3.2", f"GET $P\x7f{END}"),
    bad("target_with_high_byte", "RFC 9112 3.2", f"GET $P/\xe9{END}"),
    bad("target_with_carriage_return", "RFC 9112 2.2", f"GET $P\r/x{END}"),
    *[bad(f"path_with_0x{ord(c):02x}", "RFC 3986 3.3", f"GET $P/a{c}b{END}")
      for c in '"<>[\\]^`{|}'],
    *[bad(f"query_with_0x{ord(c):02x}", "RFC 3986 3.4", f"GET $P?a{c}b{END}")
      for c in '"<>\\'],

    # ---- target: a path with two readings ----
    *[Row(name, source, f"GET {path}{END}", [Want(400, code="bad-path")])
      for name, source, path in (
          ("dot_segment", "RFC 3986 5.2.4", "$P/../x"),
          ("dot_segment_encoded", "RFC 3986 6.2.2.3", "$P/%2e%2e/x"),
          ("dot_segment_half_encoded", "RFC 3986 6.2.2.3", "$P/.%2E/x"),
          ("dot_segment_single", "RFC 3986 5.2.4", "$P/./x"),
          ("dot_segment_last", "RFC 3986 5.2.4", "$P/.."),
          ("dot_segment_with_parameter", "RFC 3986 3.3", "$P/..;a=b/x"),
          ("dot_segment_behind_encoded_slash", "RFC 3986 6.2.2.3",
           "$P/a%2f..%2fx"),
          ("empty_segment", "RFC 3986 3.3", "$P//x"),
          ("empty_first_segment", "RFC 3986 3.3", "//evil.test$P"),
          ("encoded_backslash", "RFC 3986 2.1", "$P/..%5cx"),
          ("encoded_nul", "RFC 3986 7.3", "$P/%00"),
          ("encoded_line_break", "CVE-2023-25690",
           "$P/%0d%0aX:%20y%0d%0a%0d%0aGET%20/"),
          ("encoded_line_feed", "CVE-2023-25690", "$P/%0ax"),
          ("escape_cut", "RFC 3986 2.1", "$P/%4"),
          ("escape_of_no_hex", "RFC 3986 2.1", "$P/%zz"),
          ("escape_of_escape", "RFC 3986 2.4", "$P/%252e%252e/x"),
          ("not_utf8", "RFC 3986 2.5", "$P/%ff%fe"),
          ("overlong_utf8", "RFC 3629 3", "$P/%c0%af..%c0%afx"))],

    # ---- target: absolute form ----
    good("absolute", "RFC 9112 3.2.2", f"GET http://mastio.test$P{END}",
         Seen("GET $P", has={"Host": "mastio.test"})),
    good("absolute_https", "RFC 9110 4.2.2",
         f"GET https://mastio.test$P{END}", "GET $P"),
    good("absolute_upper_case", "RFC 3986 6.2.2.1",
         f"GET HTTP://MASTIO.TEST$P{END}", "GET $P"),
    good("absolute_with_port", "RFC 9112 3.2.2",
         f"GET http://mastio.test:9443$P?q{END}", "GET $P?q"),
    good("absolute_beats_host", "RFC 9112 3.2.2",
         "GET http://mastio.test$P HTTP/1.1\r\nHost: evil.test\r\n\r\n",
         Seen("GET $P", has={"Host": "mastio.test"})),
    bad("absolute_with_malformed_host", "RFC 9112 3.2",
        "GET http://mastio.test$P HTTP/1.1\r\nHost: a b\r\n\r\n"),
    bad("absolute_without_host", "RFC 9112 3.2",
        "GET http://mastio.test$P HTTP/1.1\r\n\r\n"),
    bad("absolute_with_two_hosts", "RFC 9112 3.2",
        f"GET http://mastio.test$P HTTP/1.1\r\n{HOST}{HOST}\r\n"),
    *[bad(name, source, f"GET {target}{END}")
      for name, source, target in (
          ("absolute_with_userinfo", "RFC 9110 4.2.4",
           "http://user@mastio.test$P"),
          ("absolute_with_other_host_as_userinfo", "RFC 9110 4.2.4",
           "http://mastio.test:80@evil.test$P"),
          ("absolute_with_backslash", "RFC 3986 3.2",
           "http://evil.test\\@mastio.test$P"),
          ("absolute_without_authority", "RFC 9110 4.2.1", "http://$P"),
          ("absolute_with_one_slash", "RFC 9110 4.2.1", "http:$P"),
          ("absolute_ftp", "RFC 9110 4.2", "ftp://mastio.test$P"),
          ("absolute_file", "RFC 9110 4.2", "file://$P"),
          ("absolute_javascript", "RFC 9110 4.2", "javascript:$P"),
          ("absolute_with_port_0", "RFC 3986 3.2.3",
           "http://mastio.test:0$P"),
          ("absolute_with_port_99999", "RFC 3986 3.2.3",
           "http://mastio.test:99999$P"),
          ("absolute_with_port_of_zeros", "RFC 3986 3.2.3",
           "http://mastio.test:00080$P"),
          ("absolute_with_empty_port", "RFC 3986 3.2.3",
           "http://mastio.test:$P"),
          ("absolute_with_port_of_letters", "RFC 3986 3.2.3",
           "http://mastio.test:80a$P"),
          ("absolute_with_two_ports", "RFC 3986 3.2.3",
           "http://mastio.test:80:80$P"),
          ("absolute_with_open_bracket", "RFC 3986 3.2.2", "http://[::1$P"),
          ("absolute_with_ipv6_zone", "RFC 3986 3.2.2",
           "http://[fe80::1%25eth0]$P"),
          ("absolute_with_short_address", "RFC 3986 7.4", "http://127.1$P"),
          ("absolute_with_hex_address", "RFC 3986 7.4",
           "http://0x7f000001$P"),
          ("absolute_with_decimal_address", "RFC 3986 7.4",
           "http://2130706433$P"),
          ("absolute_with_encoded_host", "RFC 3986 3.2.2",
           "http://mastio%2etest$P"),
          ("absolute_with_comma_in_host", "RFC 3986 3.2.2",
           "http://mastio.test,evil.test$P"))],
    *[Row(name, source, f"GET {target}{END}",
          [Want(421, code="wrong-destination")])
      for name, source, target in (
          ("absolute_other_host", "RFC 9110 15.5.20", "http://evil.test$P"),
          ("absolute_other_port", "RFC 9110 15.5.20",
           "http://mastio.test:8080$P"),
          ("absolute_longer_host", "RFC 9110 15.5.20",
           "http://mastio.test.evil.test$P"),
          ("absolute_ipv6", "RFC 9110 15.5.20", "http://[::1]$P"))],

    # ---- target: authority form ----
    Row("connect", "RFC 9110 9.3.6",
        f"CONNECT mastio.test:443{END}GET $P{END}",
        [Want(200, "CONNECT", body=b""), 200], ["GET $P"]),
    Row("connect_elsewhere", "RFC 9110 9.3.6", f"CONNECT evil.test:443{END}",
        [Want(403, code="connect-refused")], keep=False),
    bad("connect_elsewhere_and_a_request", "RFC 9931",
        f"CONNECT evil.test:443{END}GET $P{END}", 403),
    bad("connect_from_a_page_and_a_request", "RFC 9931",
        f"CONNECT mastio.test:443 HTTP/1.1\r\n{HOST}Origin: x\r\n\r\n"
        f"GET $P{END}", 403),
    *[bad(name, "RFC 9112 3.2.3", f"CONNECT {target}{END}")
      for name, target in (
          ("connect_without_port", "mastio.test"),
          ("connect_origin_form", "$P"),
          ("connect_absolute_form", "http://mastio.test:443/"),
          ("connect_with_path", "mastio.test:443/"),
          ("connect_with_userinfo", "a@mastio.test:443"),
          ("connect_with_empty_host", ":443"),
          ("connect_with_empty_port", "mastio.test:"))],
    bad("connect_with_content_length", "RFC 9110 9.3.6",
        f"CONNECT mastio.test:443 HTTP/1.1\r\n{HOST}Content-Length: 4\r\n"
        "\r\nGET "),
    bad("connect_with_chunks", "RFC 9110 9.3.6",
        f"CONNECT mastio.test:443 HTTP/1.1\r\n{HOST}"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    bad("get_of_authority_form", "RFC 9112 3.2.3", f"GET mastio.test:443{END}"),
])


@case(rows=ROWS, seconds=120)
def request_line(t):
    """Each reading of a request line but the one of the grammar is refused,
    and nothing of it reaches the gateway."""
    run_table(t)
