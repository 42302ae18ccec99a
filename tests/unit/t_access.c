/*
 * t_access: reserved paths in every spelling that reaches the policy path.
 */
#include "conf/access.h"

#include "conf_fixture.h"

struct row {
	const char *why, *method, *path, *matched; /* NULL: allowed */
};

static void
check_rows(const struct config *conf, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct span matched = SPAN_NONE;
		enum access_verdict got = access_check(conf,
		    span_of(rows[i].method), span_of(rows[i].path), &matched);

		ck_assert_msg(
		    got == (rows[i].matched ? ACCESS_RESERVED : ACCESS_ALLOWED),
		    "%s: %s %s", rows[i].why, rows[i].method, rows[i].path);
		if (rows[i].matched)
			ck_span(matched, rows[i].matched);
	}
}

START_TEST(reserved_by_default)
{
	static const struct row rows[] = {
	    {"theft of a signed assertion", "POST", "/v1/auth/sign-assertion",
		"/v1/auth/"},
	    {"login", "POST", "/v1/auth/token", "/v1/auth/"},
	    {"without slash", "POST", "/v1/auth", "/v1/auth/"},
	    {"case", "POST", "/V1/Auth/Sign-Assertion", "/v1/auth/"},
	    {"deeper", "GET", "/v1/auth/a/b/c", "/v1/auth/"},
	    {"admin", "GET", "/v1/admin/agents", "/v1/admin/"},
	    {"enrollment", "POST", "/v1/enrollment", "/v1/enrollment"},
	    {"enrollment below", "POST", "/v1/enrollment/start",
		"/v1/enrollment"},
	    {"enrollment beside", "POST", "/v1/enrollments", "/v1/enrollment"},
	    {"principals", "POST", "/v1/principals/csr", "/v1/principals/"},
	    {"registry write", "POST", "/v1/registry/agents", "/v1/registry/"},
	    {"registry delete", "DELETE", "/v1/registry/agents/x",
		"/v1/registry/"},
	    {"method case (RFC 9110 9.1)", "get", "/v1/registry/agents",
		"/v1/registry/"},
	    {"dashboard", "GET", "/proxy/login", "/proxy/"},
	    {"policy", "POST", "/pdp/decide", "/pdp/"},
	    {"pki", "POST", "/pki/rotate-ca", "/pki/"},
	    {"pki read", "GET", "/pki/ca.crt", "/pki/"},
	    {"court registry", "GET", "/registry/agents", "/registry/"},

	    {"registry read", "GET", "/v1/registry/agents", NULL},
	    {"registry head", "HEAD", "/v1/registry/agents", NULL},
	    {"chat", "POST", "/v1/chat/completions", NULL},
	    {"models", "GET", "/v1/models", NULL},
	    {"longer word", "GET", "/v1/authors", NULL},
	    {"elsewhere", "GET", "/v1/egress/v1/auth/token", NULL},
	    {"root", "GET", "/", NULL},
	};
	struct config *conf = fixture_config("gateway = https://h\n");

	check_rows(conf, rows, COUNT(rows));
	config_unref(conf);
}
END_TEST

START_TEST(opened_one_by_one)
{
	static const struct row rows[] = {
	    {"the path", "GET", "/pki/ca.crt", NULL},
	    {"its child", "GET", "/pki/ca.crt/x", "/pki/"},
	    {"its sibling", "POST", "/pki/rotate-ca", "/pki/"},
	    {"another case", "GET", "/pki/CA.crt", "/pki/"},
	    {"below the prefix", "POST", "/v1/principals/csr", NULL},
	    {"the prefix without slash", "POST", "/v1/principals",
		"/v1/principals/"},
	    {"untouched", "POST", "/v1/auth/token", "/v1/auth/"},
	};
	struct config *conf = fixture_config("gateway = https://h\n"
					     "allow-reserved = /pki/ca.crt\n"
					     "allow-reserved = "
					     "/v1/principals/\n");

	check_rows(conf, rows, COUNT(rows));
	config_unref(conf);
}
END_TEST

UNIT_MAIN("access", reserved_by_default, opened_one_by_one)
