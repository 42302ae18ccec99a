/*
 * t_access: reserved paths in every spelling that reaches the policy path, and
 * the rules of allow and deny against every reading of a path.
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
		struct span path = span_of(rows[i].path);
		enum access_verdict got = access_check(
		    conf, span_of(rows[i].method), path, path, &matched);

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

/* The request line's path, read as admission reads it. */
struct rule_row {
	const char *why, *method, *raw;
	enum access_verdict want;
};

static void
check_rules(const char *text, const struct rule_row *rows, size_t n)
{
	struct config *conf = fixture_config(text);

	for (size_t i = 0; i < n; i++) {
		struct span raw = span_of(rows[i].raw), matched = SPAN_NONE;
		struct path path = {0};
		enum access_verdict got;

		ck_assert_msg(path_read(raw, &path) == PATH_OK, "%s: %s",
		    rows[i].why, rows[i].raw);
		got = access_check(conf, span_of(rows[i].method), raw,
		    buf_span(&path.policy), &matched);
		ck_assert_msg(got == rows[i].want, "%s: %s %s gives %d",
		    rows[i].why, rows[i].method, rows[i].raw, (int)got);
		ck_assert_msg(
		    (matched.p != NULL) ==
			(got == ACCESS_DENIED || got == ACCESS_RESERVED),
		    "%s", rows[i].why);
		path_free(&path);
	}
	config_unref(conf);
}

#define YES ACCESS_ALLOWED
#define NO ACCESS_UNNAMED
#define DENIED ACCESS_DENIED

START_TEST(allow_rules)
{
	static const struct rule_row rows[] = {
	    {"itself", "GET", "/v1/models", YES},
	    {"below", "GET", "/v1/models/gpt-4", YES},
	    {"with a slash", "GET", "/v1/models/", YES},
	    {"beside", "GET", "/v1/models2", NO},
	    {"above", "GET", "/v1", NO},
	    {"another method", "POST", "/v1/models", NO},
	    {"HEAD is a method of its own", "HEAD", "/v1/models", NO},
	    {"9110 9.1: methods are case-sensitive", "get", "/v1/models", NO},
	    {"case", "GET", "/V1/models", NO},
	    {"another rule", "POST", "/v1/chat/completions", YES},
	    {"any method", "DELETE", "/v1/mcp", YES},
	    {"any method, below", "QUERY", "/v1/mcp/x", YES},
	    {"a rule with a slash, without it", "PUT", "/v1/egress", YES},
	    {"a rule with a slash, below", "PUT", "/v1/egress/a", YES},
	    {"a rule with a slash, beside", "PUT", "/v1/egress2", NO},
	    {"UTF-8", "GET", "/v1/caf%C3%A9/menu", YES},
	    {"3986 2.4: escapes of other bytes", "GET", "/%761/m%6Fdels", YES},
	    {"3986 2.4: an encoded slash divides nothing", "GET",
		"/v1%2Fmodels", NO},
	    {"the same in lower case", "GET", "/v1%2fmodels", NO},
	    {"an encoded slash as boundary", "GET", "/v1/models%2Fx", NO},
	    {"an encoded slash further down", "GET", "/v1/models/a%2Fb", YES},
	    {"3986 3.3: parameters", "GET", "/v1/models;v=1", NO},
	    {"parameters before", "GET", "/v1;x/models", NO},
	    {"parameters further down", "GET", "/v1/models/a;v=1", YES},
	    {"encoded parameters", "GET", "/v1/models%3Bv=1", NO},
	    {"empty segments, encoded", "GET", "/%2Fv1/models", NO},
	    {"a space behind it", "GET", "/v1/models%20", NO},
	    {"reserved paths stay so", "GET", "/v1/auth/x", ACCESS_RESERVED},
	};

	check_rules("gateway = https://h\n"
		    "allow = GET /v1/models\n"
		    "allow = POST /v1/chat/completions\n"
		    "allow = * /v1/mcp\n"
		    "allow = PUT /v1/egress/\n"
		    "allow = GET /v1/caf\xc3\xa9\n"
		    "allow = * /v1/auth\n",
	    rows, COUNT(rows));
}
END_TEST

START_TEST(deny_rules)
{
	static const struct rule_row rows[] = {
	    {"itself", "POST", "/v1/mcp", DENIED},
	    {"below", "POST", "/v1/mcp/tools", DENIED},
	    {"beside", "POST", "/v1/mcp2", YES},
	    {"another method", "GET", "/v1/mcp", YES},
	    {"a server may not care about the method's case", "post", "/v1/mcp",
		DENIED},
	    {"nor about the path's", "POST", "/V1/Mcp", DENIED},
	    {"encoded", "POST", "/v1/%6dcp", DENIED},
	    {"an encoded slash", "POST", "/v1%2Fmcp", DENIED},
	    {"an encoded slash as boundary", "POST", "/v1/mcp%2ftools", DENIED},
	    {"empty segments", "POST", "/v1/%2F/mcp", DENIED},
	    {"an empty segment at the start", "POST", "/%2Fv1/mcp", DENIED},
	    {"parameters", "POST", "/v1/mcp;a=b", DENIED},
	    {"parameters above", "POST", "/v1;a=b/mcp", DENIED},
	    {"encoded parameters", "POST", "/v1/mcp%3Ba", DENIED},
	    {"parameters alone", "POST", "/;x/v1/mcp", DENIED},
	    {"with a slash", "POST", "/v1/mcp/", DENIED},
	    {"any method", "PURGE", "/v1/egress/x", DENIED},
	    {"a rule with a slash, without it", "GET", "/v1/egress", DENIED},
	    {"elsewhere", "POST", "/v1/x/v1/mcp", YES},
	};

	check_rules("gateway = https://h\n"
		    "deny = POST /v1/mcp\n"
		    "deny = * /v1/egress/\n",
	    rows, COUNT(rows));
}
END_TEST

START_TEST(deny_wins)
{
	static const struct rule_row rows[] = {
	    {"allowed", "GET", "/v1/models", YES},
	    {"denied though allowed", "GET", "/v1/models/secret", DENIED},
	    {"neither", "POST", "/v2", NO},
	    {"denied by the last rule", "DELETE", "/v1/models", DENIED},
	};

	check_rules("gateway = https://h\n"
		    "deny = * /v1/models/secret\n"
		    "allow = * /v1\n"
		    "deny = DELETE /\n",
	    rows, COUNT(rows));
}
END_TEST

/* Spellings that never get as far as a rule. */
START_TEST(ambiguous_paths_are_refused_before)
{
	static const char *const raw[] = {"/v1/models/../mcp",
	    "/v1/models/%2e%2e/mcp", "/v1/models/%2E%2e%2Fmcp",
	    "/v1/models/..;/mcp", "/v1/models/.%2e;a/mcp", "/v1/models/./x",
	    "/v1//mcp", "//v1/mcp", "/v1/models\\..\\mcp",
	    "/v1/models%5c..%5cmcp", "/v1/%c0%ae%c0%ae/mcp", "/v1/%ffmcp",
	    "/v1/mcp%00", "/v1/mcp%0a", "/v1/%256dcp", "/v1/%252e%252e/mcp",
	    "/v1/%u006dcp", "/v1/mc%7"};

	for (size_t i = 0; i < COUNT(raw); i++) {
		struct path path = {0};

		ck_assert_msg(
		    path_read(span_of(raw[i]), &path) != PATH_OK, "%s", raw[i]);
		path_free(&path);
	}
}
END_TEST

START_TEST(rules_that_are_none)
{
	static const char *const bad[] = {"", "GET", "/v1", "GET v1", "get /v1",
	    "Get /v1", "G@T /v1", "** /v1", "GET /v1/*", "GET /v1?x",
	    "GET /v1#x", "GET /v1;x", "GET /v1/%6dcp", "GET /v1//x",
	    "GET /v1/../x", "GET /v1/.", "GET /v1\\x", "GET /v1 /v2",
	    "GET, POST /v1", "GET /\xff", "GET\t/v1", " /v1"};
	static const char *const good[] = {"GET /", "* /", "GET /v1/",
	    "GET  /v1", "M-SEARCH /v1", "GET /v1/a:b@c,d",
	    "GET /v1/caf\xc3\xa9"};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct rule rule;

		ck_assert_msg(
		    !rule_parse(span_of(bad[i]), &rule), "\"%s\"", bad[i]);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		struct rule_list list = {0};
		struct rule rule;

		ck_assert_msg(
		    rule_parse(span_of(good[i]), &rule), "\"%s\"", good[i]);
		rule_list_add(&list, rule);
		rule_list_fini(&list);
	}
}
END_TEST

UNIT_MAIN("access", reserved_by_default, opened_one_by_one, allow_rules,
    deny_rules, deny_wins, ambiguous_paths_are_refused_before,
    rules_that_are_none)
