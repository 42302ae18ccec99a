/*
 * routes: see routes.h.
 */
#include "mastio/routes.h"

#include "mastio/auth.h"
#include "mastio/court.h"
#include "mastio/exchange.h"
#include "mastio/execution.h"
#include "mastio/fault.h"
#include "mastio/journal.h"
#include "mastio/proof.h"
#include "mastio/token.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#define HELD_MAX (8 << 20)

/* A Court judges for itself. */
enum dep { DEP_NONE, DEP_E, DEP_I, DEP_K, DEP_COURT };
enum keep { KEEP_NOTHING, KEEP_JSON, KEEP_RAW };

struct route {
	const char *method; /* NULL: any */
	const char *path;   /* with a trailing slash: a prefix */
	enum dep dep;
	enum keep keep;
	void (*handle)(struct exchange *);
};

static void
health(struct exchange *x)
{
	answer_json(x, 200,
	    json_pack("{s:s, s:s}", "status", "ok", "version", "mastio-dev"));
}

static void
healthz(struct exchange *x)
{
	answer_json(x, 200, json_pack("{s:s}", "status", "ok"));
}

static void
readyz(struct exchange *x)
{
	answer_json(
	    x, 200, json_pack("{s:s, s:{}}", "status", "ready", "checks"));
}

static void
jwks(struct exchange *x)
{
	answer_json(
	    x, 200, json_pack("{s:[o]}", "keys", tokens_jwk(x->srv->tokens)));
}

static void
ca_cert(struct exchange *x)
{
	const char *pem = x->srv->root_pem;

	answer_begin(x, 200, FROM_APP);
	answer_header(x, "Content-Type", "application/x-pem-file");
	answer_header(x, "Cache-Control", "public, max-age=300");
	answer_body(x, pem, strlen(pem));
}

static void
agents_search(struct exchange *x)
{
	answer_json(x, 200,
	    json_pack("{s:[{s:s, s:s, s:b}], s:i, s:s}", "agents", "agent_id",
		x->agent_id, "org_id", x->srv->org, "active", 1, "count", 1,
		"scope", "local"));
}

static void
audit_session(struct exchange *x)
{
	answer_json(x, 200, json_array());
}

static void
guardian(struct exchange *x)
{
	if (!json_is_string(json_object_get(x->json, "payload_b64"))) {
		answer_unprocessable(
		    x, "missing", "payload_b64", "Field required");
		return;
	}
	answer_json(x, 200,
	    json_pack(
		"{s:s, s:n, s:[]}", "decision", "pass", "ticket", "reasons"));
}

static void
ingress_tools(struct exchange *x)
{
	answer_json(x, 200,
	    json_pack("[{s:s, s:s, s:s, s:{}}]", "name", "echo", "description",
		"Returns its arguments", "required_capability", "",
		"parameters_schema"));
}

/* The first that matches the path and the method serves. */
static const struct route routes[] = {
    {"GET", "/health", DEP_NONE, KEEP_NOTHING, health},
    {"GET", "/healthz", DEP_NONE, KEEP_NOTHING, healthz},
    {"GET", "/readyz", DEP_NONE, KEEP_NOTHING, readyz},
    {"GET", "/.well-known/jwks-local.json", DEP_NONE, KEEP_NOTHING, jwks},
    {"GET", "/pki/ca.crt", DEP_NONE, KEEP_NOTHING, ca_cert},
    {"POST", "/v1/auth/login-challenge", DEP_K, KEEP_NOTHING, login_challenge},
    {"POST", "/v1/auth/sign-challenged-assertion", DEP_K, KEEP_JSON,
	login_endorse},
    {"POST", "/v1/auth/sign-assertion", DEP_K, KEEP_NOTHING,
	login_sign_assertion},
    {"POST", "/v1/auth/token", DEP_NONE, KEEP_JSON, login_token},
    {"POST", "/v1/chat/completions", DEP_E, KEEP_JSON, chat_completions},
    {"POST", "/v1/llm/chat", DEP_E, KEEP_JSON, chat_completions},
    {"GET", "/v1/models", DEP_E, KEEP_NOTHING, models_list},
    {"GET", "/v1/egress/models", DEP_E, KEEP_NOTHING, models_list},
    {"POST", "/v1/guardian/inspect", DEP_E, KEEP_JSON, guardian},
    {"POST", "/v1/mcp", DEP_I, KEEP_RAW, mcp_call},
    {"GET", "/v1/ingress/tools", DEP_I, KEEP_NOTHING, ingress_tools},
    {"GET", "/v1/agents/search", DEP_K, KEEP_NOTHING, agents_search},
    {"GET", "/v1/audit/session/", DEP_K, KEEP_NOTHING, audit_session},
    {"GET", "/v1/broker/ws", DEP_COURT, KEEP_NOTHING, websocket_broker},
    {"GET", "/v1/egress/ws", DEP_E, KEEP_NOTHING, websocket_echo},
    {NULL, "/v1/egress/", DEP_E, KEEP_NOTHING, egress_echo},
    {NULL, "/v1/auth/", DEP_COURT, KEEP_NOTHING, court_forward},
    {NULL, "/v1/broker/", DEP_COURT, KEEP_NOTHING, court_forward},
    {NULL, "/v1/registry/", DEP_COURT, KEEP_NOTHING, court_forward},
    {NULL, "/v1/federation/", DEP_COURT, KEEP_NOTHING, court_forward},
};

static bool
path_matches(const struct route *r, const char *path)
{
	size_t n = strlen(r->path);

	return r->path[n - 1] == '/' ? strncmp(path, r->path, n) == 0
				     : strcmp(path, r->path) == 0;
}

/* The route, or NULL; *allow is set if only the method is wrong. */
static const struct route *
find(const char *method, const char *path, const char **allow)
{
	*allow = NULL;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *r = &routes[i];

		if (!path_matches(r, path))
			continue;
		if (!r->method || strcmp(r->method, method) == 0)
			return *allow ? NULL : r;
		*allow = r->method;
	}
	return NULL;
}

void
app_route(struct exchange *x)
{
	const char *allow;

	x->route = find(x->head->method, x->path, &allow);
	if (!x->route || x->route->keep == KEEP_NOTHING)
		return;
	x->held = evbuffer_new();
	x->held_max = HELD_MAX;
}

static bool
body_too_large(struct exchange *x)
{
	static const char body[] = "{\"detail\":\"Request body too large\","
				   "\"error\":\"request_body_too_large\"}";
	int64_t limit = x->srv->set.body_limit;
	bool held_over = x->held && x->body.bytes > x->held_max;

	if (!held_over && (limit < 0 || x->body.bytes <= (uint64_t)limit))
		return false;
	answer_begin(x, 413, FROM_OUTER);
	answer_header(x, "x-cullis-shed-reason", "request_body_too_large");
	answer_header(x, "Content-Type", "application/json");
	answer_body(x, body, sizeof(body) - 1);
	return true;
}

/* Malformed JSON is found before authentication, as FastAPI does. */
static bool
parse_json(struct exchange *x)
{
	size_t n;
	const char *p;

	if (x->route->keep != KEEP_JSON)
		return true;
	n = evbuffer_get_length(x->held);
	p = n ? (const char *)evbuffer_pullup(x->held, -1) : "";
	x->json = json_loadb(p, n, 0, NULL);
	if (json_is_object(x->json))
		return true;
	if (n == 0)
		answer_unprocessable(x, "missing", "", "Field required");
	else
		answer_unprocessable(
		    x, "json_invalid", "0", "JSON decode error");
	return false;
}

static bool
authenticate(struct exchange *x)
{
	switch (x->route->dep) {
	case DEP_E:
		return auth_egress(x);
	case DEP_I:
		return auth_ingress(x);
	case DEP_K:
		return auth_certificate(x);
	case DEP_NONE:
	case DEP_COURT:
		break;
	}
	return true;
}

static void
no_route(struct exchange *x)
{
	const char *allow;

	find(x->head->method, x->path, &allow);
	if (allow)
		answer_detail_with(
		    x, 405, "Method Not Allowed", "Allow", allow);
	else
		answer_detail(x, 404, "Not Found");
}

/* An app fault may do what the handler would; true: it did. */
static bool
apply_app_fault(struct exchange *x)
{
	return x->fault && x->fault->app && fault_apply(x);
}

static void
execute(struct exchange *x)
{
	if (x->route->dep != DEP_COURT)
		execution_begin(x);
	x->route->handle(x);
}

void
app_handle(struct exchange *x)
{
	struct conn *c = x->conn;

	if (pool_loses(x) || overload_sheds(x) || body_too_large(x))
		;
	else if (!x->route)
		no_route(x);
	else if (parse_json(x) && authenticate(x) && !apply_app_fault(x))
		execute(x);
	if (c->x) /* no fault has ended it */
		proof_note_ignored(x);
}
