/*
 * t_value: the kinds of value that a configuration key can have.
 */
#include "conf/value.h"

#include "unit.h"

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0}, {"0s", 0}, {"500ms", 500}, {"10s", 10000},
	    {"5m", 300000}, {"2h", 7200000},
	    {"9223372036854775807ms", INT64_MAX}};
	static const char *const bad[] = {"", "10", "s", "-1s", "+1s", "1.5s",
	    "1 s", "1S", "1d", "1s1", "9223372036854775808ms",
	    "9223372036854775807h"};
	int64_t ms;

	for (size_t i = 0; i < COUNT(good); i++) {
		ck_assert_msg(value_duration(span_of(good[i].text), &ms), "%s",
		    good[i].text);
		ck_assert_int_eq(ms, good[i].ms);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(
		    !value_duration(span_of(bad[i]), &ms), "%s", bad[i]);
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"0", 0}, {"512", 512}, {"64k", 65536}, {"4m", 4194304},
	    {"1g", 1073741824}, {"18446744073709551615", UINT64_MAX}};
	static const char *const bad[] = {"", "k", "-1", "1K", "1kb", "1.5m",
	    "1 k", "0x10", "18446744073709551616", "18014398509481984k"};
	uint64_t bytes;

	for (size_t i = 0; i < COUNT(good); i++) {
		ck_assert_msg(value_size(span_of(good[i].text), &bytes), "%s",
		    good[i].text);
		ck_assert_uint_eq(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(
		    !value_size(span_of(bad[i]), &bytes), "%s", bad[i]);
}
END_TEST

START_TEST(words_and_modes)
{
	static const char *const bad_modes[] = {
	    "", "8", "0668", "1777", "rw", "00660", "-7"};
	static const char *const bad_bools[] = {
	    "", "Yes", "true", "on", "1", "y", "no "};
	unsigned v;
	bool yes;

	ck_assert(value_mode(SPAN("0660"), &v));
	ck_assert_uint_eq(v, 0660);
	for (size_t i = 0; i < COUNT(bad_modes); i++)
		ck_assert_msg(
		    !value_mode(span_of(bad_modes[i]), &v), "%s", bad_modes[i]);

	ck_assert(value_bool(SPAN("yes"), &yes) && yes);
	ck_assert(value_bool(SPAN("no"), &yes) && !yes);
	for (size_t i = 0; i < COUNT(bad_bools); i++)
		ck_assert_msg(!value_bool(span_of(bad_bools[i]), &yes), "%s",
		    bad_bools[i]);

	ck_assert(value_enum(SPAN("challenge"), "auto direct challenge", &v));
	ck_assert_uint_eq(v, 2);
	ck_assert(
	    !value_enum(SPAN("direct challenge"), "auto direct challenge", &v));
	ck_assert(!value_enum(SPAN(""), "auto direct", &v));
	ck_assert(!value_enum(SPAN("Auto"), "auto direct", &v));
}
END_TEST

START_TEST(origins)
{
	static const struct {
		const char *text, *host, *printed;
		uint16_t port;
	} good[] = {
	    {"https://mastio.acme.corp", "mastio.acme.corp", "mastio.acme.corp",
		443},
	    {"HTTPS://Mastio.ACME.corp/", "mastio.acme.corp",
		"mastio.acme.corp", 443},
	    {"https://h:9443", "h", "h:9443", 9443},
	    /* protocol: a default port that is written stays written */
	    {"https://h:443/", "h", "h:443", 443},
	    {"https://[2001:DB8::1]:9443", "2001:db8::1", "[2001:db8::1]:9443",
		9443},
	    {"https://192.0.2.1", "192.0.2.1", "192.0.2.1", 443},
	};
	static const char *const bad[] = {"", "https://", "https:///",
	    "http://h", "h", "h:443", "https://h/v1", "https://h//",
	    "https://h?x", "https://h#x", "https://u@h", "https://h:0",
	    "https://h:65536", "https://h:", "https://h h", "https://[::1",
	    "https://2001:db8::1", "ftp://h"};
	struct origin o;

	for (size_t i = 0; i < COUNT(good); i++) {
		struct buf b = BUF_INIT;

		ck_assert_msg(value_origin(span_of(good[i].text), &o), "%s",
		    good[i].text);
		ck_assert_str_eq(o.host, good[i].host);
		ck_assert_uint_eq(o.port, good[i].port);
		origin_print(&o, &b);
		ck_span(buf_span(&b), good[i].printed);
		buf_free(&b);
		origin_fini(&o);
		ck_assert_ptr_null(o.host);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!value_origin(span_of(bad[i]), &o), "%s", bad[i]);
}
END_TEST

START_TEST(hosts_with_and_without_port)
{
	static const char *const bad[] = {
	    "", "h", ":443", "h:", "h:0", "h:65536", "h:x", "u@h:443"};
	static const char *const bad_proxies[] = {"", "http://p", "p:3128",
	    "https://p:3128", "socks5://p:1080", "http://u:p@p:3128",
	    "http://p:3128/x", "http://p:0"};
	struct origin o;
	char *host;

	ck_assert(value_hostport(SPAN("10.0.0.1:9443"), &o));
	ck_assert_str_eq(o.host, "10.0.0.1");
	ck_assert_uint_eq(o.port, 9443);
	origin_fini(&o);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(
		    !value_hostport(span_of(bad[i]), &o), "%s", bad[i]);

	ck_assert(value_proxy(SPAN("http://Proxy.corp:3128/"), &o));
	ck_assert_str_eq(o.host, "proxy.corp");
	ck_assert_uint_eq(o.port, 3128);
	origin_fini(&o);
	for (size_t i = 0; i < COUNT(bad_proxies); i++)
		ck_assert_msg(!value_proxy(span_of(bad_proxies[i]), &o), "%s",
		    bad_proxies[i]);

	ck_assert(value_host(SPAN("Mastio.Local"), &host));
	ck_assert_str_eq(host, "mastio.local");
	free(host);
	ck_assert(!value_host(SPAN("mastio.local:443"), &host));
	ck_assert(!value_host(SPAN("https://mastio.local"), &host));
	ck_assert(!value_host(SPAN(""), &host));
}
END_TEST

START_TEST(listeners)
{
	static const struct {
		const char *text;
		enum listen_kind kind;
		const char *where; /* host, path or name */
		uint16_t port;
		bool local;
	} good[] = {
	    {"127.0.0.1:7780", LISTEN_TCP, "127.0.0.1", 7780, true},
	    {"127.9.9.9:0", LISTEN_TCP, "127.9.9.9", 0, true},
	    {"localhost:80", LISTEN_TCP, "127.0.0.1", 80, true},
	    {"LocalHost:80", LISTEN_TCP, "127.0.0.1", 80, true},
	    {"[::1]:65535", LISTEN_TCP, "::1", 65535, true},
	    {"0.0.0.0:7780", LISTEN_TCP, "0.0.0.0", 7780, false},
	    {"[::]:7780", LISTEN_TCP, "::", 7780, false},
	    {"[::ffff:192.0.2.1]:1", LISTEN_TCP, "::ffff:192.0.2.1", 1, false},
	    {"192.0.2.1:7780", LISTEN_TCP, "192.0.2.1", 7780, false},
	    {"unix:/run/p.sock", LISTEN_UNIX, "/run/p.sock", 0, true},
	    {"fd:proxy", LISTEN_FD, "proxy", 0, true},
	    {"fd:a.socket", LISTEN_FD, "a.socket", 0, true},
	};
	static const char *const bad[] = {"", "7780", ":7780", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1x",
	    "127.1:80", "::1:80", "[127.0.0.1]:80", "[::1:80", "[]:80",
	    "example.org:80", "unix:", "unix:run/p.sock", "unix:/",
	    "fd:", "fd:a b", "fd:a:b", "fd:a\x7f", "fd", "http://127.0.0.1:80",
	    "127.0.0.1:7780,127.0.0.1:7781",
	    "unix:/123456789012345678901234567890123456789012345678901234567"
	    "890123456789012345678901234567890123456789012345678"};
	struct buf printed = BUF_INIT;
	struct listen_addr a;

	for (size_t i = 0; i < COUNT(good); i++) {
		const char *where;

		ck_assert_msg(value_listen(span_of(good[i].text), &a), "%s",
		    good[i].text);
		ck_assert_int_eq(a.kind, good[i].kind);
		where = a.host ? a.host : a.path ? a.path : a.name;
		ck_assert_str_eq(where, good[i].where);
		ck_assert_uint_eq(a.port, good[i].port);
		ck_assert_msg(
		    listen_is_local(&a) == good[i].local, "%s", good[i].text);
		listen_addr_print(&a, &printed);
		if (a.kind != LISTEN_TCP)
			ck_span(buf_span(&printed), good[i].text);
		buf_free(&printed);
		listen_addr_fini(&a);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!value_listen(span_of(bad[i]), &a), "%s", bad[i]);
}
END_TEST

START_TEST(same_address)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
	    {"127.0.0.1:7780", "localhost:7780", true},
	    {"127.0.0.1:7780", "127.0.0.1:7781", false},
	    {"127.0.0.1:7780", "127.0.0.2:7780", false},
	    {"127.0.0.1:0", "127.0.0.1:0", false},
	    {"[::1]:80", "[0:0::1]:80", true},
	    {"[::ffff:127.0.0.1]:80", "127.0.0.1:80", false},
	    {"unix:/run/a", "unix:/run/a", true},
	    {"unix:/run/a", "unix:/run/b", false},
	    {"fd:a", "fd:a", true},
	    {"fd:a", "unix:/a", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listen_addr a, b;

		ck_assert(value_listen(span_of(rows[i].a), &a));
		ck_assert(value_listen(span_of(rows[i].b), &b));
		ck_assert_msg(listen_addr_same(&a, &b) == rows[i].same, "%s %s",
		    rows[i].a, rows[i].b);
		listen_addr_fini(&a);
		listen_addr_fini(&b);
	}
}
END_TEST

UNIT_MAIN("value", durations, sizes, words_and_modes, origins,
    hosts_with_and_without_port, listeners, same_address)
