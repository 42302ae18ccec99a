/*
 * t_route: which authority a client may name, in each form of target and on
 * each kind of listener.
 */
#include "conf/route.h"

#include "conf_fixture.h"

static const struct route_local tcp = {.host = {"127.0.0.1", 9}, .port = 7780};
static const struct route_local tcp6 = {.host = {"::1", 3}, .port = 7780};
static const struct route_local unix_socket = {.is_unix = true};
static const struct route_local wide = {.host = {"0.0.0.0", 7}, .port = 7780};

struct row {
	const char *why;
	const struct route_local *local;
	const char *method, *target, *host;
	enum host_verdict want;
};

/* One of each client form; RFC 9112 sections 3.2 and 3.2.1 to 3.2.4. */
static const struct row rows[] = {
    {"absolute, no port", &tcp, "GET", "http://mastio.acme.corp/v1",
	"mastio.acme.corp", HOST_OK},
    {"absolute, https", &tcp, "GET", "https://mastio.acme.corp/v1",
	"mastio.acme.corp", HOST_OK},
    {"absolute, 80", &tcp, "GET", "http://mastio.acme.corp:80/", "x", HOST_OK},
    {"absolute, 443", &tcp, "GET", "https://mastio.acme.corp:443/", "x",
	HOST_OK},
    {"absolute, own port", &tcp, "GET", "http://mastio.acme.corp:9443/", "x",
	HOST_OK},
    {"absolute, case", &tcp, "GET", "http://MASTIO.Acme.Corp/", "x", HOST_OK},
    {"absolute, root dot", &tcp, "GET", "http://mastio.acme.corp./", "x",
	HOST_OK},
    {"absolute, alias", &tcp, "GET", "http://llm.internal/", "x", HOST_OK},
    {"9112 3.2.2: Host is ignored", &tcp, "GET", "http://mastio.acme.corp/",
	"evil.example", HOST_OK},
    {"absolute, other port", &tcp, "GET", "http://mastio.acme.corp:8080/", "x",
	HOST_MISDIRECTED},
    {"absolute, other host", &tcp, "GET", "http://example.org/", "x",
	HOST_MISDIRECTED},
    {"absolute, subdomain", &tcp, "GET", "http://a.mastio.acme.corp/", "x",
	HOST_MISDIRECTED},
    {"absolute, prefix", &tcp, "GET", "http://mastio.acme.corp.evil/", "x",
	HOST_MISDIRECTED},
    {"absolute, listener", &tcp, "GET", "http://127.0.0.1:7780/",
	"127.0.0.1:7780", HOST_MISDIRECTED},
    {"absolute, other host on unix", &unix_socket, "GET", "http://example.org/",
	"mastio.acme.corp", HOST_MISDIRECTED},
    {"absolute, alias prefix", &tcp, "GET", "http://llm.internal.evil/", "x",
	HOST_MISDIRECTED},

    {"origin, listener", &tcp, "GET", "/v1", "127.0.0.1:7780", HOST_OK},
    {"origin, listener without port", &tcp, "GET", "/v1", "127.0.0.1", HOST_OK},
    {"origin, localhost", &tcp, "GET", "/v1", "localhost:7780", HOST_OK},
    {"origin, localhost without port", &tcp, "GET", "/v1", "LOCALHOST",
	HOST_OK},
    {"origin, IPv6 listener", &tcp6, "GET", "/v1", "[::1]:7780", HOST_OK},
    {"origin, gateway", &tcp, "GET", "/v1", "mastio.acme.corp", HOST_OK},
    {"origin, gateway with port", &tcp, "GET", "/v1", "mastio.acme.corp:443",
	HOST_OK},
    {"origin, HTTP/1.0 without Host", &tcp, "GET", "/v1", NULL, HOST_OK},
    {"origin, any on unix", &unix_socket, "GET", "/v1", "whatever.example:1",
	HOST_OK},
    {"origin, rebound name", &tcp, "GET", "/v1", "evil.example:7780",
	HOST_FOREIGN},
    {"origin, another local port", &tcp, "GET", "/v1", "127.0.0.1:7781",
	HOST_FOREIGN},
    {"origin, localhost, other port", &tcp, "GET", "/v1", "localhost:3000",
	HOST_FOREIGN},
    {"origin, another loopback", &tcp, "GET", "/v1", "127.0.0.2:7780",
	HOST_FOREIGN},
    {"a number is no name", &tcp, "GET", "/v1", "2130706433:7780",
	HOST_MALFORMED},
    {"origin, subdomain of localhost", &tcp, "GET", "/v1", "a.localhost:7780",
	HOST_FOREIGN},
    {"origin, gateway, other port", &tcp, "GET", "/v1", "mastio.acme.corp:22",
	HOST_FOREIGN},
    {"9112 3.2: empty Host", &tcp, "GET", "/v1", "", HOST_MALFORMED},
    {"9112 3.2: userinfo", &tcp, "GET", "/v1", "u@127.0.0.1:7780",
	HOST_MALFORMED},
    {"9112 3.2: two hosts", &tcp, "GET", "/v1", "a, b", HOST_MALFORMED},
    {"9112 3.2: bad port", &unix_socket, "GET", "/v1", "a:b", HOST_MALFORMED},
    {"9112 3.2: bad Host, absolute", &tcp, "GET", "http://mastio.acme.corp/",
	"a b", HOST_MALFORMED},
    {"9112 3.2: empty Host, absolute", &tcp, "GET", "http://mastio.acme.corp/",
	"", HOST_MALFORMED},
    {"9112 3.2: bad Host, CONNECT", &tcp, "CONNECT", "mastio.acme.corp:443",
	"a/b", HOST_MALFORMED},
    {"HTTP/1.0 without Host, absolute", &tcp, "GET", "http://mastio.acme.corp/",
	NULL, HOST_OK},
    {"all addresses, one of them", &wide, "GET", "/v1", "192.0.2.7:7780",
	HOST_OK},
    {"all addresses, IPv6", &wide, "GET", "/v1", "[2001:db8::1]:7780", HOST_OK},
    {"all addresses, localhost", &wide, "GET", "/v1", "localhost:7780",
	HOST_OK},
    {"all addresses, other port", &wide, "GET", "/v1", "192.0.2.7:80",
	HOST_FOREIGN},
    {"all addresses, a name", &wide, "GET", "/v1", "evil.example:7780",
	HOST_FOREIGN},
    {"all addresses, a name of digits", &wide, "GET", "/v1", "7.evil1:7780",
	HOST_FOREIGN},
    {"asterisk", &tcp, "OPTIONS", "*", "localhost", HOST_OK},
    {"asterisk, foreign", &tcp, "OPTIONS", "*", "evil.example", HOST_FOREIGN},

    {"CONNECT, 80", &tcp, "CONNECT", "mastio.acme.corp:80", "x", HOST_OK},
    {"CONNECT, 443", &tcp, "CONNECT", "mastio.acme.corp:443", "x", HOST_OK},
    {"CONNECT, own port", &tcp, "CONNECT", "mastio.acme.corp:9443", "x",
	HOST_OK},
    {"CONNECT, alias", &tcp, "CONNECT", "llm.internal:443", "x", HOST_OK},
    {"CONNECT, other port", &tcp, "CONNECT", "mastio.acme.corp:22", "x",
	HOST_NO_TUNNEL},
    {"CONNECT, other host", &tcp, "CONNECT", "example.org:443",
	"mastio.acme.corp", HOST_NO_TUNNEL},
    {"CONNECT, listener", &tcp, "CONNECT", "127.0.0.1:7780", "x",
	HOST_NO_TUNNEL},
    {"CONNECT, other host on unix", &unix_socket, "CONNECT", "example.org:443",
	"x", HOST_NO_TUNNEL},
};

START_TEST(client_forms)
{
	struct config *conf =
	    fixture_config("gateway = https://Mastio.acme.corp:9443\n"
			   "gateway-alias = llm.internal\n");

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const struct route *route = NULL;
		struct target target;
		enum host_verdict got;

		ck_assert_msg(target_parse(span_of(row->method),
				  span_of(row->target), &target),
		    "%s", row->why);
		got = route_find(
		    conf, &target, span_of(row->host), row->local, &route);
		ck_assert_msg(
		    got == row->want, "%s: verdict %d", row->why, (int)got);
		ck_assert_msg(
		    (route != NULL) == (got == HOST_OK), "%s", row->why);
	}
	config_unref(conf);
}
END_TEST

static const struct {
	const char *why, *method, *target;
	enum host_verdict want;
	int nth; /* of pass-through; -1: the gateway's */
} pass_rows[] = {
    {"plain, default port", "GET", "http://api.test/x", HOST_OK, 0},
    {"plain, that port written", "GET", "http://api.test:80/x", HOST_OK, 0},
    {"case and root dot", "GET", "http://API.test./x", HOST_OK, 0},
    {"another port of it", "GET", "http://api.test:8443/x", HOST_OK, 1},
    {"a port that is not listed", "GET", "http://api.test:81/x",
	HOST_MISDIRECTED, 0},
    {"TLS is the client's to do", "GET", "https://api.test:8443/x",
	HOST_MISDIRECTED, 0},
    {"CONNECT", "CONNECT", "api.test:8443", HOST_OK, 1},
    {"CONNECT to 80", "CONNECT", "Api.Test.:80", HOST_OK, 0},
    {"CONNECT, not listed", "CONNECT", "api.test:443", HOST_NO_TUNNEL, 0},
    {"IPv6", "CONNECT", "[2001:DB8::1]:443", HOST_OK, 2},
    {"IPv6, plain", "GET", "http://[2001:db8::1]:443/", HOST_OK, 2},
    {"a name that begins like it", "GET", "http://api.test.evil/",
	HOST_MISDIRECTED, 0},
    {"the gateway stays the gateway", "GET", "http://mastio.test/", HOST_OK,
	-1},
    {"not listed for it: any other port", "GET", "http://mastio.test:8080/",
	HOST_MISDIRECTED, 0},
    {"nor by CONNECT", "CONNECT", "mastio.test:22", HOST_NO_TUNNEL, 0},
    {"origin form does not choose by Host", "GET", "/x", HOST_FOREIGN, 0},
};

START_TEST(pass_through)
{
	static const char text[] = "pass-through = API.test:80\n"
				   "pass-through = api.test:8443\n"
				   "pass-through = [2001:db8::1]:443\n"
				   "pass-through = mastio.test:8080\n"
				   "pass-through = mastio.test:22\n";
	struct findings found = {0};
	struct config *conf = fixture_load(text, NULL, &found);
	struct err err = ERR_INIT;

	/* Only the identity tells who the gateway is. */
	ck_assert_ptr_nonnull(conf);
	ck_assert_int_eq(
	    config_adopt_gateway(conf, "https://mastio.test", &err), 0);
	for (size_t i = 0; i < COUNT(pass_rows); i++) {
		const char *why = pass_rows[i].why;
		const struct route *route = NULL, *want = &conf->route;
		struct target target;

		ck_assert_msg(target_parse(span_of(pass_rows[i].method),
				  span_of(pass_rows[i].target), &target),
		    "%s", why);
		ck_assert_msg(route_find(conf, &target, SPAN("api.test"), &tcp,
				  &route) == pass_rows[i].want,
		    "%s", why);
		if (pass_rows[i].nth >= 0)
			want = &conf->pass_routes[pass_rows[i].nth];
		if (pass_rows[i].want != HOST_OK)
			want = NULL;
		ck_assert_msg(route == want, "%s", why);
	}
	ck_assert_int_eq(conf->pass_routes[0].auth, ROUTE_AUTH_NONE);
	ck_assert_uint_eq(conf->pass_routes[1].dial->port, 8443);
	config_unref(conf);
	findings_free(&found);
}
END_TEST

START_TEST(a_route_says_where_and_how)
{
	static const char with[] = "gateway = https://mastio.acme.corp\n"
				   "gateway-address = 10.0.0.1:9443\n";
	struct config *conf = fixture_config(with);

	ck_assert_str_eq(conf->route.origin->host, "mastio.acme.corp");
	ck_assert_uint_eq(conf->route.origin->port, 443);
	ck_assert_str_eq(conf->route.dial->host, "10.0.0.1");
	ck_assert_uint_eq(conf->route.dial->port, 9443);
	ck_assert_int_eq(conf->route.auth, ROUTE_AUTH_MASTIO);
	config_unref(conf);

	conf = fixture_config("gateway = https://mastio.acme.corp\n");
	ck_assert_ptr_eq(conf->route.dial, conf->route.origin);
	config_unref(conf);
}
END_TEST

UNIT_MAIN("route", client_forms, pass_through, a_route_says_where_and_how)
