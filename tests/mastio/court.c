/*
 * court: see court.h.  Here: the forwarder, and who may ask the Court what.
 */
#include "mastio/court.h"

#include "mastio/auth.h"
#include "mastio/exchange.h"
#include "mastio/execution.h"
#include "mastio/map.h"
#include "mastio/process.h"
#include "mastio/proof.h"
#include "mastio/util.h"
#include "mastio/websocket.h"

#include <stdlib.h>
#include <string.h>

#define CHALLENGE "DPoP realm=\"agent-trust\""
#define RATE_WINDOW 60
#define LOGINS_MAX 1024

struct court {
	struct process *process;
	struct map *assertions; /* jti values */
	struct court_tokens *tokens;
	int64_t logins[LOGINS_MAX]; /* when, oldest first */
	size_t nlogins;
	struct court_socket *sockets;
};

struct court *
court_new(void)
{
	struct court *c = xcalloc(1, sizeof(*c));

	c->process = process_new(0);
	c->assertions = map_new(NULL);
	c->tokens = court_tokens_new();
	return c;
}

void
court_free(struct court *c)
{
	if (!c)
		return;
	process_free(c->process);
	map_free(c->assertions);
	court_tokens_free(c->tokens);
	free(c);
}

void
court_forget(struct court *c)
{
	process_forget(c->process);
	map_clear(c->assertions);
	c->nlogins = 0;
}

struct process *
court_process(struct court *c)
{
	return c->process;
}

struct court_socket **
court_sockets(struct court *c)
{
	return &c->sockets;
}

struct court_tokens *
court_tokens(struct court *c)
{
	return c->tokens;
}

bool
court_use_assertion(struct server *srv, const char *jti)
{
	return map_add(srv->court->assertions, jti, NULL, MAP_FOR_EVER, 0);
}

bool
court_admits_login(struct server *srv)
{
	struct court *c = srv->court;
	int64_t now = server_now(srv);
	size_t old = 0;

	while (old < c->nlogins && c->logins[old] <= now - RATE_WINDOW)
		old++;
	c->nlogins -= old;
	memmove(c->logins, c->logins + old, c->nlogins * sizeof(c->logins[0]));
	if (c->nlogins >= LOGINS_MAX ||
	    (int64_t)c->nlogins >= srv->set.court_rate)
		return false;
	c->logins[c->nlogins++] = now;
	return true;
}

/* A client's own X-Forwarded-Host survives; else it is the Host that the
 * Mastio received. */
char *
court_htu(const struct exchange *x, const char *path)
{
	const char *base = x->srv->set.court_public_url;
	const char *host = http_header(x->head, "X-Forwarded-Host", 0);
	size_t n = base ? strlen(base) : 0;

	if (!base)
		return xasprintf(
		    "https://%s%s", host ? host : x->app_host, path);
	if (n && base[n - 1] == '/')
		n--;
	return xasprintf("%.*s%s", (int)n, base, path);
}

static bool
refuse(struct exchange *x, const char *detail, const char *scheme)
{
	answer_detail_with(x, 401, detail, "WWW-Authenticate", scheme);
	return false;
}

static bool
check_proof(struct exchange *x, const char *text, const struct court_token *t)
{
	char *htu = court_htu(x, x->path);
	struct proof p = proof_verify(
	    x, &(struct proof_rule){
		   .htu = htu, .token = text, .nonce = true, .court = true});
	bool ok = false;

	if (p.detail)
		proof_answer(x, &p);
	else if (strcmp(p.jkt, t->jkt) != 0)
		refuse(x, "DPoP proof key does not match token binding",
		    CHALLENGE);
	else if (court_token_revoked(x->srv->court, t))
		refuse(x, "Token has been revoked", CHALLENGE);
	else
		ok = auth_admit(x, t->agent_id, AUTH_COURT);
	proof_fini(&p);
	free(htu);
	return ok;
}

static bool
authenticate(struct exchange *x)
{
	bool dpop_scheme, ok = false;
	const char *text = auth_header(x, &dpop_scheme);
	struct court_token t;

	if (!text || !dpop_scheme)
		return refuse(x,
		    "DPoP token required — plain Bearer is not accepted",
		    CHALLENGE ", algs=\"ES256 PS256\"");
	if (!court_token_open(x, text, &t))
		return refuse(x, "Token invalid or expired", "Bearer");
	if (!proof_header(x))
		refuse(x, "DPoP proof header required", CHALLENGE);
	else
		ok = check_proof(x, text, &t);
	court_token_fini(&t);
	return ok;
}

static void
agents_list(struct exchange *x)
{
	answer_json(x, 200,
	    json_pack("{s:[{s:s, s:s}]}", "agents", "agent_id", x->agent_id,
		"org_id", x->srv->org));
}

/* /v1/federation/agents/ID */
static void
agent_row(struct exchange *x)
{
	answer_json(x, 200,
	    json_pack("{s:s}", "agent_id",
		x->path + strlen("/v1/federation/agents/")));
}

static void
sessions_list(struct exchange *x)
{
	answer_json(x, 200, json_array());
}

static void
session_new(struct exchange *x)
{
	char id[33];

	random_hex(id, 16);
	answer_json(x, 201,
	    json_pack("{s:s, s:s}", "session_id", id, "status", "pending"));
}

static void
inbox(struct exchange *x)
{
	answer_json(x, 200, json_pack("{s:[], s:i}", "messages", "count", 0));
}

static void
revoke(struct exchange *x)
{
	court_revoke(x->srv, x->agent_id);
	answer_empty(x, 204);
}

static const struct court_route {
	const char *method;
	const char *path; /* with a trailing slash: a prefix */
	void (*handle)(struct exchange *);
} routes[] = {
    {"GET", "/v1/federation/agents", agents_list},
    {"GET", "/v1/federation/agents/", agent_row},
    {"GET", "/v1/broker/sessions", sessions_list},
    {"POST", "/v1/broker/sessions", session_new},
    {"GET", "/v1/broker/notifications", sessions_list},
    {"GET", "/v1/broker/oneshot/inbox", inbox},
    {"POST", "/v1/auth/revoke", revoke},
};

static const struct court_route *
find(const char *method, const char *path, bool *known)
{
	*known = false;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct court_route *r = &routes[i];
		size_t n = strlen(r->path);

		if (r->path[n - 1] == '/' ? strncmp(path, r->path, n)
					  : strcmp(path, r->path))
			continue;
		*known = true;
		if (strcmp(method, r->method) == 0)
			return r;
	}
	return NULL;
}

static void
judge(struct exchange *x)
{
	bool known;
	const struct court_route *r = find(x->head->method, x->path, &known);

	x->by_court = true;
	if (strcmp(x->path, "/v1/auth/token") == 0)
		court_login(x);
	else if (!r && known)
		answer_detail(x, 405, "Method Not Allowed");
	else if (!r)
		answer_detail(x, 404, "Not Found");
	else if (authenticate(x)) {
		execution_begin(x);
		r->handle(x);
	}
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;
	struct conn *c = x->conn;

	(void)fd;
	(void)what;
	answer_detail(x, 504, "broker timeout");
	conn_turn(c);
}

void
court_forward(struct exchange *x)
{
	const struct settings *set = &x->srv->set;

	if (websocket_asked(x)) {
		websocket_refuse(x);
	} else if (!set->federated) {
		answer_detail(x, 503,
		    "reverse proxy not configured (broker_url missing)");
	} else if (set->court == COURT_UNREACHABLE) {
		answer_detail(x, 502, "broker unreachable");
	} else if (set->court == COURT_SILENT) {
		x->stage = STAGE_DELAY;
		exchange_wait(x, set->court_timeout_ms, on_timeout);
	} else {
		judge(x);
	}
}
