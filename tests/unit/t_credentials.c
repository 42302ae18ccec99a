/*
 * t_credentials: what requests show in each mode, and what they fall back to:
 * conversations with a gateway that refuses, turn by turn.
 */
#include "base/clock.h"
#include "base/mem.h"

#include "conf_fixture.h"
#include "jose.h"
#include "rig.h"
#include "unit.h"

#define LOCAL "https://mastio.test/v1/agents" /* base of the rig's login */
#define OK NULL
#define NEVER                                                              \
	"DPoP proof required \xe2\x80\x94 set MCP_PROXY_EGRESS_DPOP_MODE=" \
	"optional"
#define KEY_UNKNOWN \
	"DPoP proof was signed by a key not registered for this agent."
#define UNVERIFIED "{client_cert_not_verified}"

/* One request as the gateway sees it, and what it says. */
struct turn {
	const char *auth;  /* token cert api-key */
	const char *htu;   /* NULL: no proof */
	const char *nonce; /* NULL: none */
	const char *says;  /* detail of a 401, or OK */
	const char *fields;
};

struct conversation {
	const char *what, *options, *path;
	struct turn turns[9];
	enum end end;
	enum token_kind kind;
	bool kept; /* what was learned serves the next request at once */
	bool head; /* by HEAD: no refusal has a body */
};

#define PUBLIC "https://mastio.test:PORT/v1/agents"
#define PUBLIC_MODELS "https://mastio.test:PORT/v1/models"
#define KEY_WANTED "X-API-Key header required"
#define PUBLIC_MCP "https://mastio.test:PORT/v1/mcp"
#define REALM "WWW-Authenticate: DPoP realm=\"mcp-proxy\"\r\n"
#define EGRESS "WWW-Authenticate: DPoP realm=\"egress\"\r\n"
#define HTU_HINT "X-Cullis-Hint: htu_mismatch_check_proxy_public_url\r\n"
#define N(n) "DPoP-Nonce: " n "\r\n"
#define COURT(n) N(n) "X-Cullis-Role: proxy\r\n"
#define EXPECTED                                           \
	"Invalid DPoP proof: htu mismatch "                \
	"(expected='https://public.test:9443/v1/agents', " \
	"got='https://mastio.test/v1/agents')"
#define MISMATCH "Invalid DPoP proof: htu mismatch"

static const struct conversation conversations[] = {
    {"a local token needs no nonce", "", "/v1/agents",
	{{"token", LOCAL, NULL, OK, NULL}}, END_OK, TOKEN_LOCAL, false},
    {"a nonce that came is repeated", "", "/v1/agents",
	{{"token", LOCAL, NULL, OK, N("a")}, {"token", LOCAL, "a", OK, NULL}},
	END_OK, TOKEN_LOCAL, true},

    {"a local token: another base is named, and kept", "", "/v1/agents",
	{{"token", LOCAL, NULL, EXPECTED, NULL},
	    {"token", "https://public.test:9443/v1/agents", NULL, OK, NULL},
	    {"token", "https://public.test:9443/v1/agents", NULL, OK, NULL},
	    {"token", "https://public.test:9443/v1/agents", NULL, MISMATCH,
		NULL},
	    {"token", LOCAL, NULL, OK, NULL}, {"token", LOCAL, NULL, OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"a local token: what is named and refused is not kept", "", "/v1/agents",
	{{"token", LOCAL, NULL, EXPECTED, NULL},
	    {"token", "https://public.test:9443/v1/agents", NULL, EXPECTED,
		NULL}},
	END_AUTH_REFUSED, TOKEN_LOCAL, false},
    {"a local token that is not known teaches no base", "", "/v1/agents",
	{{"token", LOCAL, NULL, EXPECTED, NULL},
	    {"token", "https://public.test:9443/v1/agents", NULL,
		"use_dpop_nonce", N("a")},
	    {"token", "https://public.test:9443/v1/agents", "a", OK, NULL},
	    {"token", LOCAL, "a", OK, NULL}},
	END_OK, TOKEN_LOCAL, true},

    {"cert: a nonce is asked for, and kept", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "use_dpop_nonce", N("a")},
	    {"cert", PUBLIC, "a", OK, N("b")}, {"cert", PUBLIC, "b", OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"cert: five nonces that nobody knows, then no proof", "auth = cert\n",
	"/v1/agents",
	{{"cert", PUBLIC, NULL, "use_dpop_nonce", N("a")},
	    {"cert", PUBLIC, "a", "use_dpop_nonce", N("b")},
	    {"cert", PUBLIC, "b", "use_dpop_nonce", N("c")},
	    {"cert", PUBLIC, "c", "use_dpop_nonce", N("d")},
	    {"cert", PUBLIC, "d", "use_dpop_nonce", N("e")},
	    {"cert", PUBLIC, "e", "use_dpop_nonce", N("f")},
	    {"cert", NULL, NULL, OK, NULL}, {"cert", NULL, NULL, OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"cert: HEAD is told nothing but a nonce", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "use_dpop_nonce", N("a")},
	    {"cert", PUBLIC, "a", OK, N("b")}, {"cert", PUBLIC, "b", OK, NULL}},
	END_OK, TOKEN_LOCAL, true, true},
    {"cert: HEAD is told our realm", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "", N("a") REALM},
	    {"cert", PUBLIC, "a", OK, NULL}},
	END_OK, TOKEN_LOCAL, false, true},
    {"cert: HEAD is refused whatever it shows", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "", N("a")}, {"cert", PUBLIC, "a", "", N("b")},
	    {"cert", NULL, NULL, "", N("c")}},
	END_AUTH_REFUSED, TOKEN_LOCAL, false, true},
    {"cert: HEAD is refused by somebody else", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "", N("a")}, {"cert", PUBLIC, "a", "", N("b")},
	    {"cert", NULL, NULL, "", NULL}},
	END_OK, TOKEN_LOCAL, false, true},
    {"cert: HEAD where proofs are optional", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "", N("a")}, {"cert", PUBLIC, "a", "", N("b")},
	    {"cert", NULL, NULL, OK, N("c")}},
	END_OK, TOKEN_LOCAL, false, true},
    {"cert: HEAD where proofs are required, and five nonces not known",
	"auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "", N("a")}, {"cert", PUBLIC, "a", "", N("b")},
	    {"cert", NULL, NULL, "", N("c") EGRESS},
	    {"cert", PUBLIC, "c", "", N("d")},
	    {"cert", PUBLIC, "d", "", N("e")},
	    {"cert", PUBLIC, "e", "", N("f")}, {"cert", PUBLIC, "f", OK, NULL}},
	END_OK, TOKEN_LOCAL, false, true},
    {"cert: HEAD where proofs are required, and none is known", "auth = cert\n",
	"/v1/agents",
	{{"cert", PUBLIC, NULL, "", N("a")}, {"cert", PUBLIC, "a", "", N("b")},
	    {"cert", NULL, NULL, "", N("c") EGRESS},
	    {"cert", PUBLIC, "c", "", N("d")},
	    {"cert", PUBLIC, "d", "", N("e")},
	    {"cert", PUBLIC, "e", "", N("f")},
	    {"cert", PUBLIC, "f", "", N("g")}},
	END_AUTH_REFUSED, TOKEN_LOCAL, false, true},
    {"cert: HEAD where only a token counts", "auth = cert\n", "/v1/mcp",
	{{"cert", PUBLIC_MCP, NULL, "", N("a") REALM}}, END_AUTH_REFUSED,
	TOKEN_LOCAL, false, true},
    {"cert: HEAD where only a token counts, which is not said", "auth = cert\n",
	"/v1/mcp", {{"cert", PUBLIC_MCP, NULL, "", N("a")}}, END_AUTH_REFUSED,
	TOKEN_LOCAL, false, true},
    {"cert: HEAD goes without a proof, then must have one", "auth = cert\n",
	"/v1/agents",
	{{"cert", PUBLIC, NULL, "", HTU_HINT},
	    {"cert", LOCAL, NULL, "", HTU_HINT},
	    {"cert", NULL, NULL, "", EGRESS},
	    {"cert", LOCAL, NULL, "", HTU_HINT}},
	END_AUTH_REFUSED, TOKEN_LOCAL, false, true},
    {"cert: without a proof is not enough", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, KEY_UNKNOWN, NULL},
	    {"cert", NULL, NULL, NEVER, NULL},
	    {"cert", PUBLIC, NULL, KEY_UNKNOWN, NULL}},
	END_AUTH_REFUSED, TOKEN_LOCAL, false},
    {"cert: another key on file, where proofs are optional", "auth = cert\n",
	"/v1/agents",
	{{"cert", PUBLIC, NULL, KEY_UNKNOWN, NULL},
	    {"cert", NULL, NULL, OK, NULL}},
	END_OK, TOKEN_LOCAL, false},
    {"cert: the gateway names its public URL", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, EXPECTED, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL, OK, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL, OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"cert: it names none, the other spelling is right", "auth = cert\n",
	"/v1/agents",
	{{"cert", PUBLIC, NULL, MISMATCH, NULL},
	    {"cert", LOCAL, NULL, OK, NULL}, {"cert", LOCAL, NULL, OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"cert: no spelling is right", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, MISMATCH, NULL},
	    {"cert", LOCAL, NULL, MISMATCH, NULL},
	    {"cert", NULL, NULL, OK, NULL}, {"cert", NULL, NULL, OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"cert: public-htu-base", "auth = cert\npublic-htu-base = https://p.test\n",
	"/v1/agents",
	{{"cert", "https://p.test/v1/agents", NULL, MISMATCH, NULL},
	    {"cert", NULL, NULL, NEVER, NULL},
	    {"cert", "https://p.test/v1/agents", NULL, MISMATCH, NULL}},
	END_AUTH_REFUSED, TOKEN_LOCAL, false},
    {"cert: public-htu-base, another is named, taken and kept",
	"auth = cert\npublic-htu-base = https://p.test\n", "/v1/agents",
	{{"cert", "https://p.test/v1/agents", NULL, EXPECTED, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL, OK, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL, OK, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL, MISMATCH,
		NULL},
	    {"cert", "https://p.test/v1/agents", NULL, OK, NULL},
	    {"cert", "https://p.test/v1/agents", NULL, OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"cert: public-htu-base, another is named, and taken with a nonce",
	"auth = cert\npublic-htu-base = https://p.test\n", "/v1/agents",
	{{"cert", "https://p.test/v1/agents", NULL, EXPECTED, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL,
		"use_dpop_nonce", N("a")},
	    {"cert", "https://public.test:9443/v1/agents", "a", OK, NULL},
	    {"cert", "https://public.test:9443/v1/agents", "a", OK, NULL}},
	END_OK, TOKEN_LOCAL, true},
    {"cert: a route that wants a token", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, "DPoP token required \xe2\x80\x94 plain",
	    NULL}},
	END_AUTH_REFUSED, TOKEN_LOCAL, false},

    {"api-key: HEAD", "auth = api-key\n", "/v1/agents",
	{{"api-key", PUBLIC, NULL, "", N("a")},
	    {"api-key", PUBLIC, "a", OK, NULL}},
	END_OK, TOKEN_LOCAL, false, true},
    {"api-key: shown with a proof over it", "auth = api-key\n", "/v1/agents",
	{{"api-key", PUBLIC, NULL, "use_dpop_nonce", N("a")},
	    {"api-key", PUBLIC, "a", OK, NULL}},
	END_OK, TOKEN_LOCAL, false},

    {"Court: its token goes with the Mastio's nonce", "", "/v1/agents",
	{{"token", PUBLIC, NULL, "use_dpop_nonce", N("a")},
	    {"token", PUBLIC, "a", OK, NULL}},
	END_OK, TOKEN_COURT, false},
    {"Court: on its own paths with its own nonce", "", "/v1/broker/sessions",
	{{"token", "https://mastio.test/v1/broker/sessions", NULL,
	     "use_dpop_nonce", COURT("c")},
	    {"token", "https://mastio.test/v1/broker/sessions", "c", OK,
		COURT("d")},
	    {"token", "https://mastio.test/v1/broker/sessions", "d", OK, NULL}},
	END_OK, TOKEN_COURT, true},
    {"Court: a lottery that is not won ends on the certificate", "",
	"/v1/agents",
	{{"token", PUBLIC, NULL, "use_dpop_nonce", N("a")},
	    {"token", PUBLIC, "a", "use_dpop_nonce", N("b")},
	    {"token", PUBLIC, "b", "use_dpop_nonce", N("c")},
	    {"token", PUBLIC, "c", "use_dpop_nonce", N("d")},
	    {"token", PUBLIC, "d", "use_dpop_nonce", N("e")},
	    {"token", PUBLIC, "e", "use_dpop_nonce", N("f")},
	    {"token", NULL, NULL, OK, NULL}},
	END_OK, TOKEN_COURT, false},
    {"Court: a lottery where the certificate is not enough", "", "/v1/mcp",
	{{"token", PUBLIC_MCP, NULL, "use_dpop_nonce", N("a")},
	    {"token", PUBLIC_MCP, "a", "use_dpop_nonce", N("b")},
	    {"token", PUBLIC_MCP, "b", "use_dpop_nonce", N("c")},
	    {"token", PUBLIC_MCP, "c", "use_dpop_nonce", N("d")},
	    {"token", PUBLIC_MCP, "d", "use_dpop_nonce", N("e")},
	    {"token", PUBLIC_MCP, "e", "use_dpop_nonce", N("f")}},
	END_AUTH_REFUSED, TOKEN_COURT, false},
    {"Court: its own base is never guessed from another", "", "/v1/registry/x",
	{{"token", "https://mastio.test/v1/registry/x", NULL, MISMATCH, NULL}},
	END_AUTH_REFUSED, TOKEN_COURT, false},
    {"Court: its token is nothing where the certificate is kept back",
	"auth = token\n", "/v1/models",
	{{"token", PUBLIC_MODELS, NULL, UNVERIFIED, NULL}}, END_AUTH_REFUSED,
	TOKEN_COURT, false},
    {"Court: nor is the key, where it is not known", "", "/v1/models",
	{{"token", PUBLIC_MODELS, NULL, UNVERIFIED, NULL},
	    {"api-key", PUBLIC_MODELS, NULL, UNVERIFIED, NULL}},
	END_AUTH_REFUSED, TOKEN_COURT, false},
    {"Court: the key where its token does not count, and from then on", "",
	"/v1/models",
	{{"token", PUBLIC_MODELS, NULL, KEY_WANTED, NULL},
	    {"api-key", PUBLIC_MODELS, NULL, "use_dpop_nonce", N("a")},
	    {"api-key", PUBLIC_MODELS, "a", OK, NULL},
	    {"api-key", PUBLIC_MODELS, "a", OK, NULL}},
	END_OK, TOKEN_COURT, true},
    {"Court: the key is wrong", "", "/v1/models",
	{{"token", PUBLIC_MODELS, NULL, KEY_WANTED, NULL},
	    {"api-key", PUBLIC_MODELS, NULL, "Invalid API key", NULL}},
	END_AUTH_REFUSED, TOKEN_COURT, false},
    {"Court: the key is nothing on paths that want a token", "", "/v1/mcp",
	{{"token", PUBLIC_MCP, NULL, UNVERIFIED, NULL}}, END_AUTH_REFUSED,
	TOKEN_COURT, false},
    {"api-key: the Court is not shown it", "auth = api-key\n",
	"/v1/broker/sessions",
	{{"cert", "https://mastio.test:PORT/v1/broker/sessions", NULL, OK,
	    NULL}},
	END_OK, TOKEN_LOCAL, false},
    {"cert: a gateway that wants a key", "auth = cert\n", "/v1/agents",
	{{"cert", PUBLIC, NULL, KEY_WANTED, NULL}}, END_AUTH_REFUSED,
	TOKEN_LOCAL, false},
};

static struct rig rig;

static void
setup(const struct conversation *c)
{
	char *key = fixture_file("sk_local_bot_0123456789abcdef\n");
	char *options = mem_printf("%sapi-key-file = %s\n", c->options, key);

	rig_init_bare(&rig, options);
	rig.token_kind = c->kind;
	gate_open(&rig.gate);
	rig_publish(&rig, 900, NULL);
	rig_turn(&rig);
	unlink(key);
	free(key);
	free(options);
}

/* The newest connection to the gateway. */
static struct gate_conn *
gate(void)
{
	return &rig.gate.conn[rig.gate.n - 1];
}

/* A field's value in what the gateway has got, or NULL. */
static char *
field_value(const char *name)
{
	struct span in = buf_span(&gate()->in), line;
	size_t n = strlen(name);

	while (in.p && in.n) {
		line = span_cut(&in, '\n');
		if (span_istarts(line, span_of(name)) && line.n > n &&
		    line.p[n] == ':')
			return span_dup(span_trim(
			    span_new(line.p + n + 1, line.n - n - 2)));
	}
	return NULL;
}

static char *
with_port(const char *htu)
{
	const char *at = strstr(htu, "PORT");

	return at ? mem_printf("%.*s%u%s", (int)(at - htu), htu,
			rig.conf->gateway.port, at + 4)
		  : mem_strdup(htu);
}

static void
check_proof(const char *jws, const struct turn *t, const char *credential)
{
	json_t *header, *claims;
	char ath[TOKEN_ATH_LEN + 1];
	char *htu = with_port(t->htu);

	jose_open(
	    span_of(jws), identity_dpop_key(rig.identity), &header, &claims);
	ck_assert_str_eq(jose_text(claims, "htu"), htu);
	ck_assert_pstr_eq(jose_text(claims, "nonce"), t->nonce);
	if (credential) {
		token_ath(span_of(credential), ath);
		ck_assert_str_eq(jose_text(claims, "ath"), ath);
	} else {
		ck_assert_ptr_null(jose_text(claims, "ath"));
	}
	json_decref(header);
	json_decref(claims);
	free(htu);
}

static void
check_turn(const struct turn *t)
{
	char *authorization = field_value("Authorization");
	char *key = field_value("X-API-Key"), *proof = field_value("DPoP");
	const char *credential = key;

	if (authorization) {
		ck_assert_int_eq(strncmp(authorization, "DPoP ", 5), 0);
		credential = authorization + 5;
	}
	ck_assert_int_eq(authorization != NULL, strcmp(t->auth, "token") == 0);
	ck_assert_int_eq(key != NULL, strcmp(t->auth, "api-key") == 0);
	ck_assert_int_eq(proof != NULL, t->htu != NULL);
	if (proof)
		check_proof(proof, t, credential);
	free(authorization);
	free(key);
	free(proof);
}

/* A detail in braces is the reason of an object (protocol 6.3). */
static char *
refusal(const char *says)
{
	size_t n = strlen(says);

	return *says == '{' ? mem_printf("{\"detail\":{\"reason\":\"%.*s\"}}",
				  (int)n - 2, says + 1)
			    : mem_printf("{\"detail\":\"%s\"}", says);
}

static void
reply(const struct turn *t, bool head)
{
	const char *fields = t->fields ? t->fields : "";
	char *body = t->says ? refusal(t->says) : NULL;
	char *text =
	    body ? mem_printf("HTTP/1.1 401 Unauthorized\r\n%s"
			      "Content-Type: application/json\r\n"
			      "Content-Length: %zu\r\n\r\n%s",
		       fields, strlen(body), head ? "" : body)
		 : mem_printf("HTTP/1.1 204 No Content\r\n%s\r\n", fields);

	rig_forget(&gate()->in);
	gate_say(gate(), span_of(text));
	free(text);
	free(body);
}

static unsigned
ended(const struct conversation *c)
{
	return rig_ended(&rig, END_OK) + rig_ended(&rig, c->end);
}

START_TEST(talks)
{
	const struct conversation *c = &conversations[_i];
	struct agent *a;
	bool asking = false;

	setup(c);
	a = agent_open(&rig, false);
	for (const struct turn *t = c->turns; t->auth; t++) {
		unsigned before = ended(c);
		bool last = !t->says || !t[1].auth;
		char *request =
		    mem_printf("%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			c->head ? "HEAD" : "GET", c->path);

		if (!asking)
			agent_say(a, request);
		free(request);
		RIG_UNTIL(
		    &rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
		check_turn(t);
		reply(t, c->head);
		asking = !last;
		if (last) {
			RIG_UNTIL(&rig, ended(c) > before);
			rig_forget(&a->in);
		}
	}
	rig_settle(&rig);
	ck_assert_uint_gt(rig_ended(&rig, c->end), 0);
	ck_assert_uint_eq(rig.gate.n, 1);
	ck_assert_uint_eq(rig.gate.conn[0].in.len, 0);
	rig_fini(&rig);
}
END_TEST

/* The Court's nonce comes with its token, and is not taken for newer than what
 * came since. */
START_TEST(nonce_of_the_login)
{
	static const struct turn turns[] = {
	    {"token", "https://mastio.test/v1/broker/x", "login", OK,
		COURT("b")},
	    {"token", "https://mastio.test/v1/broker/x", "b", OK, NULL},
	    {"token", "https://mastio.test/v1/broker/x", "later", OK, NULL}};
	const struct conversation c = {.options = "", .kind = TOKEN_COURT};
	struct agent *a;

	setup(&c);
	rig.token_nonce = "login";
	rig_publish(&rig, 900, NULL);
	a = agent_open(&rig, false);
	for (unsigned i = 0; i < COUNT(turns); i++) {
		if (i == 1) { /* the same token again, for another reason */
			worker_publish(rig.w,
			    bundle_new(rig.conf, rig.identity,
				rig.w->view->bundle->token, AUTH_TOKEN, "x"));
		} else if (i == 2) {
			rig.token_nonce = "later";
			rig_publish(&rig, 900, NULL);
		}
		rig_settle(&rig);
		agent_say(
		    a, "GET /v1/broker/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
		RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&gate()->in));
		check_turn(&turns[i]);
		reply(&turns[i], false);
		RIG_UNTIL(&rig, a->in.len);
		rig_settle(&rig);
		rig_forget(&a->in);
	}
	rig_fini(&rig);
}
END_TEST

/* What cannot be sent again teaches the next request. */
START_TEST(base_of_large_bodies)
{
	static const struct conversation c = {
	    .options = "auth = cert\nreplay-limit = 9\n"};
	static const struct turn turns[] = {
	    {"cert", PUBLIC, NULL, MISMATCH, NULL},
	    {"cert", LOCAL, NULL, EXPECTED, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL, OK, NULL}};
	struct agent *a;

	setup(&c);
	a = agent_open(&rig, false);
	for (unsigned i = 0; i < COUNT(turns); i++) {
		agent_say(a, "POST /v1/agents HTTP/1.1\r\nHost: localhost\r\n"
			     "Content-Length: 10\r\n\r\n0123456789");
		RIG_UNTIL(&rig, rig.gate.n && rig_has(&gate()->in, "456789"));
		check_turn(&turns[i]);
		reply(&turns[i], false);
		RIG_UNTIL(&rig, a->in.len && !gate()->in.len);
		rig_settle(&rig);
		rig_forget(&a->in);
	}
	ck_assert_uint_eq(rig_ended(&rig, END_NOT_KEPT), 2);
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
	rig_fini(&rig);
}
END_TEST

/* What was learned under one configuration is not known under the next. */
START_TEST(base_of_another_configuration)
{
	static const struct conversation c = {
	    .options = "auth = cert\npublic-htu-base = https://p.test\n"};
	static const struct turn turns[] = {
	    {"cert", "https://p.test/v1/agents", NULL, EXPECTED, NULL},
	    {"cert", "https://public.test:9443/v1/agents", NULL, OK, NULL},
	    {"cert", "https://p.test/v1/agents", NULL, OK, NULL}};
	struct config *first;
	struct agent *a;

	setup(&c);
	first = rig.conf;
	a = agent_open(&rig, false);
	for (unsigned i = 0; i < COUNT(turns); i++) {
		if (i == 2) {
			rig.conf = rig_load_config(&rig, c.options);
			rig_publish(&rig, 900, NULL);
			rig_settle(&rig);
		}
		if (i != 1)
			agent_say(a, "GET /v1/agents HTTP/1.1\r\n"
				     "Host: localhost\r\n\r\n");
		RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&gate()->in));
		check_turn(&turns[i]);
		reply(&turns[i], false);
		if (i != 0)
			RIG_UNTIL(&rig, a->in.len);
		rig_settle(&rig);
		rig_forget(&a->in);
	}
	config_unref(first);
	rig_fini(&rig);
}
END_TEST

/* After a minute proofs are tried again. */
START_TEST(proofs_return)
{
	static const struct conversation c = {.options = "auth = cert\n"};
	struct agent *a;

	setup(&c);
	rig.w->learned.proofless_until_ms = clock_now_ms() + 60000;
	a = agent_open(&rig, false);
	for (unsigned i = 0; i < 2; i++) {
		agent_say(
		    a, "GET /v1/agents HTTP/1.1\r\nHost: localhost\r\n\r\n");
		RIG_UNTIL(
		    &rig, rig.gate.n > i && rig_has_head(&rig.gate.conn[i].in));
		ck_assert_int_eq(
		    rig_has(&rig.gate.conn[i].in, "\r\nDPoP: "), i == 1);
		gate_say(
		    &rig.gate.conn[i], SPAN("HTTP/1.1 204 No Content\r\n\r\n"));
		RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == i + 1 && a->in.len);
		rig_forget(&a->in);
		rig_advance(&rig, 60000);
	}
	rig_fini(&rig);
}
END_TEST

/* protocol 9.1: what the forwarder would say wrongly is not asked for; what
 * the Court's side says too shortly is explained. */
static const struct {
	const char *path, *answer, *hint;
	enum token_kind kind;
	const char *encoding;
} forwarded[] = {
    {"/v1/broker/sessions", "204 No Content", NULL, TOKEN_COURT, "identity"},
    {"/v1/egress/peers", "204 No Content", NULL, TOKEN_COURT, "gzip"},
    {"/v1/federation/agents", "503 X\r\nX-Cullis-Mode: standalone",
	"this gateway is standalone", TOKEN_LOCAL, "identity"},
    {"/v1/egress/peers", "503 X\r\nX-Cullis-Mode: standalone", NULL,
	TOKEN_LOCAL, "gzip"},
    {"/v1/broker/sessions", "401 X", "takes no local tokens", TOKEN_LOCAL,
	"identity"},
    {"/v1/broker/sessions", "401 X", NULL, TOKEN_COURT, "identity"},
    {"/v1/broker/sessions", "403 X\r\nContent-Type: text/plain", NULL,
	TOKEN_COURT, "identity"},
};

START_TEST(forwarded_prefixes)
{
	const struct conversation c = {
	    .options = "", .kind = forwarded[_i].kind};
	char *head, *encoding;
	struct agent *a;

	setup(&c);
	a = agent_open(&rig, false);
	head = mem_printf("GET %s HTTP/1.1\r\nHost: localhost\r\n"
			  "Accept-Encoding: gzip\r\n\r\n",
	    forwarded[_i].path);
	agent_say(a, head);
	free(head);
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
	encoding = field_value("Accept-Encoding");
	ck_assert_pstr_eq(encoding, forwarded[_i].encoding);
	free(encoding);
	head = mem_printf("HTTP/1.1 %s\r\n%s\r\n", forwarded[_i].answer,
	    span_starts(span_of(forwarded[_i].answer), SPAN("204"))
		? ""
		: "Content-Length: 0\r\n");
	gate_say(&rig.gate.conn[0], span_of(head));
	free(head);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	ck_assert_int_eq(rig_has(&a->in, "X-Cullis-Sidecar-Hint: "),
	    forwarded[_i].hint != NULL);
	if (forwarded[_i].hint)
		ck_assert(rig_has(&a->in, forwarded[_i].hint));
	rig_fini(&rig);
}
END_TEST

static const struct {
	const char *path;
	bool court;
} paths[] = {
    {"/v1/broker/sessions", true},
    {"/v1/federation/agents", true},
    {"/v1/registry", true},
    {"/v1/auth/revoke", true},
    {"/v1/auth/login-challenge", false},
    {"/v1/brokers", false},
    {"/v1/mcp", false},
    {"/", false},
};

START_TEST(court_paths)
{
	ck_assert_int_eq(pathclass_wants(pathclass_of(
			     span_of(paths[_i].path))) == WANTS_COURT,
	    paths[_i].court);
}
END_TEST

UNIT_MAIN_ROWS("credentials", NULL, NULL, {talks, COUNT(conversations)},
    {nonce_of_the_login, 1}, {base_of_large_bodies, 1},
    {base_of_another_configuration, 1}, {proofs_return, 1},
    {forwarded_prefixes, COUNT(forwarded)}, {court_paths, COUNT(paths)})
