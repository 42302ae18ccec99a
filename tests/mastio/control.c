/*
 * control: see control.h.  One row per request; each handler returns the JSON
 * answer, or NULL with *bad saying what was wrong with the request.
 */
#include "mastio/control.h"

#include "mastio/conn.h"
#include "mastio/court.h"
#include "mastio/execution.h"
#include "mastio/fault.h"
#include "mastio/gate.h"
#include "mastio/journal.h"
#include "mastio/listen.h"
#include "mastio/pki.h"
#include "mastio/process.h"
#include "mastio/records.h"
#include "mastio/token.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <netinet/in.h>

struct call {
	struct server *srv;
	struct evhttp_request *req;
	const char *rest; /* of the path, behind a row's prefix */
	json_t *body;     /* {} if none was sent */
	const char *bad;
};

static json_t *
done(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static json_t *
refuse(struct call *c, const char *why)
{
	c->bad = why;
	return NULL;
}

static json_t *
journal_get(struct call *c)
{
	const char *query =
	    evhttp_uri_get_query(evhttp_request_get_evhttp_uri(c->req));
	const char *since = query ? strstr(query, "since=") : NULL;

	return journal_json(
	    c->srv->journal, since ? strtoull(since + 6, NULL, 10) : 0);
}

static json_t *
journal_delete(struct call *c)
{
	journal_clear(c->srv->journal);
	return done();
}

static json_t *
stats_get(struct call *c)
{
	const struct stats *s = &c->srv->stats;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
	    {"connections_accepted", s->connections_accepted},
	    {"connections_open", s->connections_open},
	    {"handshakes_full", s->handshakes_full},
	    {"handshakes_resumed", s->handshakes_resumed},
	    {"handshakes_failed", s->handshakes_failed},
	    {"requests", s->requests},
	    {"requests_aborted", s->requests_aborted},
	    {"logins", s->logins},
	    {"logins_bound", s->logins_bound},
	    {"logins_refused", s->logins_refused},
	    {"proofs_ok", s->proofs_ok},
	    {"proofs_bad", s->proofs_bad},
	    {"jti_repeated", s->jti_repeated},
	    {"executed_tools", s->executed_tools},
	    {"executed_twice", s->executed_twice},
	    {"lost", s->lost},
	    {"shed", s->shed},
	    {"read_timeouts", s->read_timeouts},
	    {"faults_applied", s->faults_applied},
	};
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_object_set_new(
		    o, rows[i].name, json_integer((json_int_t)rows[i].value));
	return o;
}

static json_t *
fault_post(struct call *c)
{
	const char *bad = fault_add(c->srv, c->body);

	return bad ? refuse(c, bad) : done();
}

static json_t *
fault_delete(struct call *c)
{
	fault_clear(c->srv);
	return done();
}

static json_t *
token_expire(struct call *c)
{
	tokens_expire(c->srv->tokens);
	return done();
}

static json_t *
token_rotate_key(struct call *c)
{
	tokens_rotate_key(c->srv->tokens);
	return done();
}

static json_t *
nonce_rotate(struct call *c)
{
	for (unsigned i = 0; (int64_t)i < c->srv->set.processes; i++)
		process_drop_nonces(c->srv->processes[i]);
	return done();
}

/* What a restart takes with it. */
static json_t *
restart_state(struct call *c)
{
	for (unsigned i = 0; (int64_t)i < c->srv->set.processes; i++)
		process_forget(c->srv->processes[i]);
	c->srv->pool.ndead = 0;
	return done();
}

/* The gateway goes down, with a RST for everybody, and comes back. */
static json_t *
restart(struct call *c)
{
	const json_t *down = json_object_get(c->body, "down_ms");
	struct conn *next;

	if (down && json_integer_value(down) < 0)
		return refuse(c, "down_ms is negative");
	for (struct conn *n = c->srv->conns; n; n = next) {
		next = n->next;
		conn_reset(n);
	}
	if (json_integer_value(down) > 0)
		listen_pause(c->srv, json_integer_value(down));
	return restart_state(c);
}

static json_t *
clock_shift(struct call *c)
{
	const json_t *seconds = json_object_get(c->body, "seconds");

	if (!json_is_integer(seconds))
		return refuse(c, "seconds is missing");
	c->srv->clock_shift = json_integer_value(seconds);
	return done();
}

/* The record that the body names; NULL with c->bad set. */
static struct record *
named_agent(struct call *c)
{
	const char *id =
	    json_string_value(json_object_get(c->body, "agent_id"));
	struct record *rec = id ? records_find(c->srv->records, id) : NULL;

	if (!rec)
		c->bad = "agent_id is missing or unknown";
	return rec;
}

static json_t *
agent_switch(struct call *c, bool active)
{
	struct record *rec = named_agent(c);

	if (!rec)
		return NULL;
	rec->active = active;
	return done();
}

static json_t *
agent_deactivate(struct call *c)
{
	return agent_switch(c, false);
}

static json_t *
agent_activate(struct call *c)
{
	return agent_switch(c, true);
}

/* Until when what is replaced stays good: "grace_s" from now; 0: not. */
static int64_t
grace_end(struct call *c)
{
	json_int_t s = json_integer_value(json_object_get(c->body, "grace_s"));

	return s > 0 ? server_now(c->srv) + s : 0;
}

static json_t *
agent_repin(struct call *c)
{
	struct record *rec = named_agent(c);
	char other[SHA256_HEX_SIZE];

	if (!rec)
		return NULL;
	random_hex(other, SHA256_LEN);
	record_set_pin(rec, other, grace_end(c));
	return done();
}

static json_t *
agent_pin(struct call *c)
{
	struct record *rec = named_agent(c);
	const char *pem =
	    json_string_value(json_object_get(c->body, "cert_pem"));
	char pin[SHA256_HEX_SIZE];
	X509 *cert;

	if (!rec)
		return NULL;
	if (!pem) {
		record_restore_pin(rec);
		return done();
	}
	cert = pki_parse_cert(pem);
	if (!cert)
		return refuse(c, "cert_pem holds no certificate");
	pki_sha256_hex(cert, pin);
	X509_free(cert);
	record_set_pin(rec, pin, grace_end(c));
	return done();
}

/* "jkt": a thumbprint, or null for no key. */
static json_t *
agent_dpop(struct call *c)
{
	struct record *rec = named_agent(c);

	if (!rec)
		return NULL;
	record_set_jkt(rec, json_string_value(json_object_get(c->body, "jkt")),
	    grace_end(c));
	return done();
}

static json_t *
court_revoke_agent(struct call *c)
{
	const struct record *rec = named_agent(c);

	if (!rec)
		return NULL;
	court_revoke(c->srv, rec->agent_id);
	return json_pack(
	    "{s:b, s:I}", "ok", 1, "at", (json_int_t)server_now(c->srv));
}

static json_t *
court_event_post(struct call *c)
{
	const struct record *rec = named_agent(c);
	json_t *event = json_object_get(c->body, "event");

	if (!rec)
		return NULL;
	if (!json_is_object(event))
		return refuse(c, "event is no object");
	if (!court_event(c->srv, rec->agent_id, event))
		return refuse(c, "the agent has no socket");
	return done();
}

static json_t *
court_restart(struct call *c)
{
	court_forget(c->srv->court);
	return done();
}

static json_t *
court_token_expire(struct call *c)
{
	court_expire_tokens(c->srv->court);
	return done();
}

static json_t *
court_token_key(struct call *c)
{
	court_rotate_key(c->srv->court);
	return done();
}

static json_t *
connections_close(struct call *c)
{
	const char *how = json_string_value(json_object_get(c->body, "how"));
	const char *which =
	    json_string_value(json_object_get(c->body, "which"));
	bool reset = how && strcmp(how, "reset") == 0;
	bool all = which && strcmp(which, "all") == 0;
	struct conn *next;

	for (struct conn *n = c->srv->conns; n; n = next) {
		next = n->next;
		if (n->state != CONN_OPEN || (n->x && !all))
			continue;
		if (reset)
			conn_reset(n);
		else if (n->x)
			conn_close(n);
		else
			conn_finish(n);
	}
	return done();
}

/* "NAME/release" */
static json_t *
gate_post(struct call *c)
{
	const json_t *count = json_object_get(c->body, "count");
	size_t n = strcspn(c->rest, "/");
	char *name;

	if (n == 0 || strcmp(c->rest + n, "/release") != 0)
		return refuse(c, "no such path; use /gate/NAME/release");
	name = xstrndup(c->rest, n);
	gate_release(c->srv, name,
	    json_is_integer(count) ? (uint64_t)json_integer_value(count) : 1);
	free(name);
	return done();
}

static json_t *
gate_query(struct call *c)
{
	const struct gate *g = gate_get(c->srv, c->rest);

	return json_pack("{s:I, s:I}", "written", (json_int_t)g->written,
	    "released", (json_int_t)g->released);
}

static json_t *
set_post(struct call *c)
{
	const char *bad = settings_set_json(&c->srv->set, c->body);

	server_set_processes(c->srv, c->srv->set.processes);
	return bad ? refuse(c, bad) : done();
}

static json_t *
set_get(struct call *c)
{
	return settings_json(&c->srv->set);
}

static json_t *
executions_get(struct call *c)
{
	return executions_json(c->srv->executions);
}

static json_t *
executions_delete(struct call *c)
{
	executions_clear(c->srv->executions);
	return done();
}

/* A path with a trailing slash is a prefix. */
static const struct row {
	enum evhttp_cmd_type method;
	const char *path;
	json_t *(*handle)(struct call *);
} rows[] = {
    {EVHTTP_REQ_GET, "/journal", journal_get},
    {EVHTTP_REQ_DELETE, "/journal", journal_delete},
    {EVHTTP_REQ_GET, "/stats", stats_get},
    {EVHTTP_REQ_POST, "/fault", fault_post},
    {EVHTTP_REQ_DELETE, "/fault", fault_delete},
    {EVHTTP_REQ_POST, "/token/expire", token_expire},
    {EVHTTP_REQ_POST, "/token/rotate-key", token_rotate_key},
    {EVHTTP_REQ_POST, "/nonce/rotate", nonce_rotate},
    {EVHTTP_REQ_POST, "/restart-state", restart_state},
    {EVHTTP_REQ_POST, "/restart", restart},
    {EVHTTP_REQ_POST, "/clock/shift", clock_shift},
    {EVHTTP_REQ_POST, "/agent/deactivate", agent_deactivate},
    {EVHTTP_REQ_POST, "/agent/activate", agent_activate},
    {EVHTTP_REQ_POST, "/agent/repin", agent_repin},
    {EVHTTP_REQ_POST, "/agent/pin", agent_pin},
    {EVHTTP_REQ_POST, "/agent/dpop", agent_dpop},
    {EVHTTP_REQ_POST, "/court/revoke", court_revoke_agent},
    {EVHTTP_REQ_POST, "/court/event", court_event_post},
    {EVHTTP_REQ_POST, "/court/restart-state", court_restart},
    {EVHTTP_REQ_POST, "/court/expire", court_token_expire},
    {EVHTTP_REQ_POST, "/court/rotate-key", court_token_key},
    {EVHTTP_REQ_POST, "/connections/close", connections_close},
    {EVHTTP_REQ_POST, "/gate/", gate_post},
    {EVHTTP_REQ_GET, "/gate/", gate_query},
    {EVHTTP_REQ_POST, "/set", set_post},
    {EVHTTP_REQ_GET, "/set", set_get},
    {EVHTTP_REQ_GET, "/executions", executions_get},
    {EVHTTP_REQ_DELETE, "/executions", executions_delete},
};

static void
reply(struct evhttp_request *req, int status, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	evhttp_add_header(evhttp_request_get_output_headers(req),
	    "Content-Type", "application/json");
	evbuffer_add_printf(
	    evhttp_request_get_output_buffer(req), "%s\n", text);
	evhttp_send_reply(req, status, NULL, NULL);
	free(text);
	json_decref(j);
}

static const struct row *
find(struct call *c)
{
	const char *path =
	    evhttp_uri_get_path(evhttp_request_get_evhttp_uri(c->req));

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].path);
		bool prefix = rows[i].path[n - 1] == '/';

		if (rows[i].method != evhttp_request_get_command(c->req) ||
		    (prefix ? strncmp(path, rows[i].path, n)
			    : strcmp(path, rows[i].path)))
			continue;
		c->rest = path + n;
		return &rows[i];
	}
	return NULL;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct call c = {.srv = arg, .req = req, .bad = "no such path"};
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t n = evbuffer_get_length(in);
	const struct row *row = find(&c);
	json_t *answer = NULL;

	c.body =
	    n ? json_loadb((const char *)evbuffer_pullup(in, -1), n, 0, NULL)
	      : json_object();
	if (row && !json_is_object(c.body))
		c.bad = "the body is no JSON object";
	else if (row)
		answer = row->handle(&c);
	json_decref(c.body);
	if (answer)
		reply(req, 200, answer);
	else
		reply(req, 400, json_pack("{s:s}", "error", c.bad));
}

struct evhttp *
control_open(
    struct server *srv, const char *host, uint16_t port, uint16_t *bound)
{
	struct evhttp *http = evhttp_new(srv->base);
	struct evhttp_bound_socket *sock;
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (!http)
		abort();
	evhttp_set_gencb(http, on_request, srv);
	evhttp_set_max_body_size(http, 64 << 20);
	sock = evhttp_bind_socket_with_handle(http, host, port);
	if (!sock || getsockname(evhttp_bound_socket_get_fd(sock),
			 (struct sockaddr *)&ss, &n) < 0) {
		complain("cannot listen on %s:%u", host, port);
		evhttp_free(http);
		return NULL;
	}
	*bound = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	return http;
}
