/*
 * t_caller: who may use the sidecar, what for, and what of the request reaches
 * the gateway then.
 */
#include "base/b64.h"
#include "base/mem.h"

#include "conf_fixture.h"
#include "rig.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define CULK "culk_" TOKEN "0123456789abcdefghij"
#define LINE "GET /v1/models HTTP/1.1\r\nHost: mastio.test\r\n"
#define CONNECT \
	"CONNECT mastio.test:9443 HTTP/1.1\r\nHost: mastio.test:9443\r\n"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

static struct rig rig;
static char *token_path;

static void
teardown(void)
{
	rig_fini(&rig);
	if (token_path)
		unlink(token_path);
	free(token_path);
	token_path = NULL;
}

static void
init_with_token(const char *more)
{
	char *text;

	token_path = fixture_file(TOKEN "\n");
	text = mem_printf("local-token-file = %s\n%s", token_path, more);
	rig_init(&rig, text);
	free(text);
}

/* The head as the gateway got it, which then answers. */
static struct buf *
head_at_gateway(struct agent *a)
{
	struct gate_conn *g;

	RIG_UNTIL(&rig,
	    (rig.gate.n && rig_has_head(&rig.gate.conn[0].in)) || a->in.len);
	ck_assert_msg(rig.gate.n && a->in.len == 0, "refused: %.*s",
	    SPAN_ARG(buf_span(&a->in)));
	g = &rig.gate.conn[0];
	gate_say(g, SPAN(NO_CONTENT));
	RIG_UNTIL(&rig, rig_has(&a->in, "204"));
	return &g->in;
}

static void
must_pass(struct agent *a)
{
	rig_forget(head_at_gateway(a));
	rig_forget(&a->in);
}

static void
must_end(struct agent *a, enum end end)
{
	char field[80];
	unsigned before = rig_ended(&rig, end);

	snprintf(field, sizeof(field), "X-Cullis-Sidecar-Error: %s\r\n",
	    end_row(end)->token);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	ck_assert_msg(rig_has(&a->in, field), "not %s but %.*s",
	    end_row(end)->token, SPAN_ARG(buf_span(&a->in)));
	ck_assert_uint_ge(rig_ended(&rig, end), before);
	ck_assert(!rig.gate.n || rig.gate.conn[0].in.len == 0);
}

/* ---- by uid ---- */

static const struct {
	const char *why, *config;
	struct peer peer;
	bool ok;
} uids[] = {
    {"nothing is asked", "", {true, 4711}, true},
    {"nothing is asked, unknown", "", {false, 0}, true},
    {"named", "allow-uid = 4711\n", {true, 4711}, true},
    {"the second", "allow-uid = root\nallow-uid = 4711\n", {true, 4711}, true},
    {"a member", "allow-uid = @root\n", {true, 0}, true},
    {"somebody else", "allow-uid = 4711\n", {true, 4712}, false},
    {"root is not named", "allow-uid = 4711\n", {true, 0}, false},
    {"unknown", "allow-uid = 4711\n", {false, 4711}, false},
    {"unknown, as root", "allow-uid = root\n", {false, 0}, false},
    {"nobody is a member", "allow-uid = @tty\n", {true, 4711}, false},
};

START_TEST(by_uid)
{
	struct agent *a;

	rig_init(&rig, uids[_i].config);
	rig.peer = uids[_i].peer;
	a = agent_open(&rig, false);
	agent_say(a, LINE "\r\n");
	if (uids[_i].ok) {
		must_pass(a);
		ck_assert(!a->eof);
		ck_assert_uint_eq(
		    metric_get(&rig.w->metrics->denied_caller), 0);
		return;
	}
	must_end(a, END_CALLER_REFUSED);
	RIG_UNTIL(&rig, a->eof);
	ck_assert(rig_has(&a->in, "HTTP/1.1 403 "));
	ck_assert(rig_has(&a->in, uids[_i].peer.known ? "it has uid 47"
						      : "does not say whose") ||
		  rig_has(&a->in, "it has uid 0"));
	ck_assert_uint_eq(metric_get(&rig.w->metrics->denied_caller), 1);
}
END_TEST

/* ---- by token ---- */

static const struct {
	const char *why, *fields;
	bool ok;
} tokens[] = {
    {"none", "", false},
    {"7617: password", "Proxy-Authorization: Basic @user:token\r\n", true},
    {"7617: user", "Proxy-Authorization: Basic @token:\r\n", true},
    {"7617: wrong", "Proxy-Authorization: Basic @user:wrong\r\n", false},
    {"6750: proxy", "Proxy-Authorization: Bearer " TOKEN "\r\n", true},
    {"6750: origin", "Authorization: Bearer " TOKEN "\r\n", true},
    {"wrong", "Authorization: Bearer " TOKEN "0\r\n", false},
    {"API key", "X-API-Key: " TOKEN "\r\n", true},
    {"API key, wrong", "X-API-Key: sk-placeholder\r\n", false},
    {"origin's Basic is no API key", "Authorization: Basic @user:token\r\n",
	false},
    {"one of two", "Authorization: Bearer sk-x\r\nX-API-Key: " TOKEN "\r\n",
	true},
    {"in another field", "X-Token: " TOKEN "\r\n", false},
    {"in a misspelt field", "X_API_Key: " TOKEN "\r\n", false},
};

/* What stands behind '@' is user:password, token for the token. */
static char *
encode_basic(const char *fields)
{
	struct span rest = span_of(fields), pair;
	struct buf b = BUF_INIT, plain = BUF_INIT;

	buf_add_span(&b, span_cut(&rest, '@'));
	if (rest.p) {
		pair = span_cut(&rest, '\r');
		while (pair.p) {
			struct span word = span_cut(&pair, ':');

			buf_add_span(&plain,
			    span_eq(word, SPAN("token")) ? SPAN(TOKEN) : word);
			if (pair.p)
				buf_add_char(&plain, ':');
		}
		buf_add_b64(&b, buf_span(&plain).p, plain.len);
		buf_add_str(&b, "\r\n");
	}
	buf_free(&plain);
	return buf_steal_str(&b);
}

START_TEST(by_token)
{
	char *fields = encode_basic(tokens[_i].fields);
	struct agent *a;

	init_with_token("");
	a = agent_open(&rig, false);
	agent_say(a, LINE);
	agent_say(a, fields);
	agent_say(a, "\r\n");
	free(fields);
	if (tokens[_i].ok) {
		struct buf *head = head_at_gateway(a);

		ck_assert(!rig_has(head, TOKEN));
		ck_assert(!rig_has(head, "Proxy-Authorization"));
		ck_assert(rig_has(head, "Authorization: DPoP "));
		return;
	}
	must_end(a, END_LOCAL_TOKEN);
	/* 9110 15.5.8: a 407 says how. */
	ck_assert(rig_has(&a->in, "HTTP/1.1 407 "));
	ck_assert(rig_has(&a->in, "Proxy-Authenticate: Basic "
				  "realm=\"cullis-sidecar\"\r\n"));
	ck_assert(!a->eof);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->denied_token), 1);
}
END_TEST

START_TEST(token_twice)
{
	struct agent *a;

	init_with_token("");
	a = agent_open(&rig, false);
	agent_say(a, LINE "Proxy-Authorization: Bearer wrong\r\n"
			  "Proxy-Authorization: Bearer " TOKEN "\r\n\r\n");
	must_end(a, END_BAD_REQUEST);
}
END_TEST

/* A page in a browser is not asked for a password. */
START_TEST(browsers_come_first)
{
	struct agent *a;

	init_with_token("");
	a = agent_open(&rig, false);
	agent_say(a, LINE "Origin: http://localhost:3000\r\n\r\n");
	must_end(a, END_BROWSER);
	ck_assert(!rig_has(&a->in, "Proxy-Authenticate"));
	ck_assert_uint_eq(metric_get(&rig.w->metrics->denied_browser), 1);
}
END_TEST

START_TEST(token_of_a_tunnel)
{
	struct agent *a, *b;

	init_with_token("");
	a = agent_open(&rig, false);
	agent_say(a, CONNECT "\r\n");
	must_end(a, END_LOCAL_TOKEN);
	rig_forget(&a->in);
	agent_say(a, CONNECT "Proxy-Authorization: Bearer " TOKEN "\r\n\r\n");
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	ck_assert(rig_has(&a->in, "HTTP/1.1 200 "));
	rig_forget(&a->in);
	for (unsigned i = 0; i < 2; i++) {
		agent_say(a, LINE "\r\n");
		must_pass(a);
	}

	/* Outside of a tunnel each request shows it. */
	b = agent_open(&rig, false);
	agent_say(b, LINE "X-API-Key: " TOKEN "\r\n\r\n");
	must_pass(b);
	agent_say(b, LINE "\r\n");
	must_end(b, END_LOCAL_TOKEN);
}
END_TEST

/* Whoever forgot to read it lets nobody in. */
START_TEST(token_that_was_not_read)
{
	struct agent *a;

	init_with_token("");
	localtoken_free(rig.conf->local_token);
	rig.conf->local_token = NULL;
	a = agent_open(&rig, false);
	agent_say(a, LINE "X-API-Key: " TOKEN "\r\n\r\n");
	must_end(a, END_LOCAL_TOKEN);
}
END_TEST

/* ---- what for ---- */

static const struct {
	const char *config, *line, *want; /* of the error; NULL: it passes */
} rules[] = {
    {"deny = POST /v1/chat\n", "POST /v1/chat/completions",
	"deny = POST /v1/chat"},
    {"deny = POST /v1/chat\n", "GET /v1/chat/completions", NULL},
    {"allow = GET /v1/models\n", "GET /v1/models/x%2Fy", NULL},
    {"allow = GET /v1/models\n", "GET /v1/agents", "no allow rule names it"},
    {"allow = * /v1\ndeny = * /v1/mcp\n", "GET /v1/mcp", "deny = * /v1/mcp"},
    {"allow = GET /v1/models\n", "GET http://mastio.test/v1/models", NULL},
    {"allow = GET /v1/models\n", "GET http://mastio.test/v1/agents",
	"no allow rule"},
};

START_TEST(by_rule)
{
	struct agent *a;

	rig_init(&rig, rules[_i].config);
	a = agent_open(&rig, false);
	agent_say(a, rules[_i].line);
	agent_say(a, " HTTP/1.1\r\nHost: mastio.test\r\n\r\n");
	if (!rules[_i].want) {
		must_pass(a);
		return;
	}
	must_end(a, END_ACCESS_DENIED);
	ck_assert(rig_has(&a->in, "HTTP/1.1 403 "));
	ck_assert(rig_has(&a->in, rules[_i].want));
	ck_assert_uint_eq(metric_get(&rig.w->metrics->denied_rule), 1);
}
END_TEST

/* CONNECT has no path; the requests inside have. */
START_TEST(rules_inside_a_tunnel)
{
	struct agent *a;

	rig_init(&rig, "allow = GET /v1/agents\n");
	a = agent_open(&rig, false);
	agent_say(a, CONNECT "\r\n");
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	ck_assert(rig_has(&a->in, "HTTP/1.1 200 "));
	rig_forget(&a->in);
	agent_say(a, LINE "\r\n");
	must_end(a, END_ACCESS_DENIED);
}
END_TEST

START_TEST(reserved_before_rules)
{
	struct agent *a;

	rig_init(&rig, "allow = * /v1/auth\n");
	a = agent_open(&rig, false);
	agent_say(
	    a, "GET /v1/auth/token HTTP/1.1\r\nHost: mastio.test\r\n\r\n");
	must_end(a, END_PATH_RESERVED);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->denied_reserved), 1);
}
END_TEST

/* ---- fields that are let through ---- */

static const struct {
	const char *why, *config, *field;
	bool passes;
} fields[] = {
    {"stripped", "", "Cookie: a=b", false},
    {"opened", "allow-header = Cookie\n", "Cookie: a=b", true},
    {"in any case", "allow-header = cookie\n", "COOKIE: a=b", true},
    {"another one", "allow-header = Cookie\n", "X-API-Key: k", false},
    {"API key", "allow-header = X-API-Key\n", "X-API-Key: k", true},
    {"the second", "allow-header = Cookie\nallow-header = X-Org-Id\n",
	"X-Org-Id: acme", true},
    {"of a family", "allow-header = X-Cullis-Trace-Me\n",
	"X-Cullis-Trace-Me: 1", true},
    {"its sibling", "allow-header = X-Cullis-Trace-Me\n", "X-Cullis-Agent: a",
	false},
    {"misspelt", "allow-header = X-API-Key\n", "X_API_Key: k", false},
    {"misspelt, of a family", "allow-header = X-Cullis-Trace-Me\n",
	"X_Cullis_Trace_Me: 1", false},
    {"9110 7.6.1: a hop-by-hop field cannot be named, nor taken away",
	"allow-header = Cookie\n", "Connection: cookie\r\nCookie: a=b", true},
    {"a placeholder key", "allow-header = Authorization\n",
	"Authorization: Bearer sk-placeholder", false},
    {"another scheme", "allow-header = Authorization\n",
	"Authorization: Basic " CULK, false},
    {"not opened", "", "Authorization: Bearer " CULK, false},
};

START_TEST(by_name)
{
	const char *field = fields[_i].field, *last = strrchr(field, '\n');
	struct buf *head;
	struct agent *a;

	rig_init(&rig, fields[_i].config);
	a = agent_open(&rig, false);
	agent_say(a, LINE);
	agent_say(a, field);
	agent_say(a, "\r\n\r\n");
	head = head_at_gateway(a);
	ck_assert_msg(
	    rig_has(head, last ? last + 1 : field) == fields[_i].passes,
	    "%s: %.*s", fields[_i].why, SPAN_ARG(buf_span(head)));
	ck_assert(rig_has(head, "Authorization: DPoP "));
	ck_assert(rig_has(head, "\r\nDPoP: "));
}
END_TEST

/* The local token stays here, whatever field carries it. */
START_TEST(opened_field_with_the_local_token)
{
	struct buf *head;
	struct agent *a;

	init_with_token("allow-header = X-API-Key\n");
	a = agent_open(&rig, false);
	agent_say(a, LINE "X-API-Key: " TOKEN "\r\n\r\n");
	head = head_at_gateway(a);
	ck_assert(!rig_has(head, TOKEN));
	rig_forget(head);
	rig_forget(&a->in);
	agent_say(a, LINE "Proxy-Authorization: Bearer " TOKEN
			  "\r\nX-API-Key: theirs\r\n\r\n");
	ck_assert(rig_has(head_at_gateway(a), "X-API-Key: theirs"));
}
END_TEST

/* Nor does a field that is nobody's business, as Api-Key of Azure's clients. */
START_TEST(other_field_with_the_local_token)
{
	struct buf *head;
	struct agent *a;

	init_with_token("");
	a = agent_open(&rig, false);
	agent_say(a,
	    LINE "X-API-Key: " TOKEN "\r\nApi-Key: " TOKEN
		 "\r\nX-Token: Bearer " TOKEN "\r\nX-Other: mine\r\n\r\n");
	head = head_at_gateway(a);
	ck_assert(!rig_has(head, TOKEN));
	ck_assert(!rig_has(head, "Api-Key"));
	ck_assert(!rig_has(head, "X-Token"));
	ck_assert(rig_has(head, "X-Other: mine"));
}
END_TEST

/* Also as the password or user name of a Basic that is opened. */
START_TEST(opened_field_with_the_local_token_in_basic)
{
	char *field = encode_basic("X-API-Key: Basic @user:token\r\n");
	struct buf *head;
	struct agent *a;

	init_with_token("allow-header = X-API-Key\n");
	a = agent_open(&rig, false);
	agent_say(a, LINE "Authorization: Bearer " TOKEN "\r\n");
	agent_say(a, field);
	agent_say(a, "\r\n");
	free(field);
	head = head_at_gateway(a);
	ck_assert(!rig_has(head, "Basic"));
	ck_assert(!rig_has(head, "X-API-Key"));
}
END_TEST

/* ---- a user's token ---- */

START_TEST(user_token)
{
	struct buf *head;
	struct agent *a;

	rig_init(&rig, "allow-header = Authorization\n");
	a = agent_open(&rig, false);
	agent_say(a, LINE "authorization: bearer " CULK "\r\n\r\n");
	head = head_at_gateway(a);
	ck_assert(rig_has(head, "authorization: bearer " CULK "\r\n"));
	ck_assert(!rig_has(head, "DPoP"));
	ck_assert_uint_eq(metric_get(&rig.w->metrics->proofs), 0);
	/* The next request is the agent's again. */
	rig_forget(head);
	rig_forget(&a->in);
	agent_say(a, LINE "\r\n");
	ck_assert(rig_has(head_at_gateway(a), "Authorization: DPoP "));
}
END_TEST

/* It needs no token of ours. */
START_TEST(user_token_without_a_session)
{
	struct agent *a;

	rig_init_bare(&rig, "allow-header = Authorization\n");
	gate_open(&rig.gate);
	rig_publish(&rig, 0, NULL);
	a = agent_open(&rig, false);
	agent_say(a, LINE "Authorization: Bearer " CULK "\r\n\r\n");
	ck_assert(rig_has(head_at_gateway(a), CULK));
}
END_TEST

/* A refusal is about the user's token: the agent hears it, we do not log in. */
START_TEST(user_token_refused)
{
	struct agent *a;

	rig_init(&rig, "allow-header = Authorization\n");
	a = agent_open(&rig, false);
	agent_say(a, LINE "Authorization: Bearer " CULK "\r\n\r\n");
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
	gate_say(&rig.gate.conn[0],
	    SPAN("HTTP/1.1 401 Unauthorized\r\nContent-Type: "
		 "application/json\r\nContent-Length: 33\r\n\r\n"
		 "{\"detail\":\"local token rejected\"}\n"));
	RIG_UNTIL(&rig, rig_has(&a->in, "rejected"));
	ck_assert(rig_has(&a->in, "HTTP/1.1 401 "));
	ck_assert_uint_eq(rig.refused, 0);
}
END_TEST

UNIT_MAIN_ROWS("caller", NULL, teardown, {by_uid, COUNT(uids)},
    {by_token, COUNT(tokens)}, {token_twice, 1}, {browsers_come_first, 1},
    {token_of_a_tunnel, 1}, {token_that_was_not_read, 1},
    {by_rule, COUNT(rules)}, {rules_inside_a_tunnel, 1},
    {reserved_before_rules, 1}, {by_name, COUNT(fields)},
    {opened_field_with_the_local_token, 1},
    {opened_field_with_the_local_token_in_basic, 1},
    {other_field_with_the_local_token, 1}, {user_token, 1},
    {user_token_without_a_session, 1}, {user_token_refused, 1})
