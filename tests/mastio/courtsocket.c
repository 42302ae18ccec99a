/*
 * courtsocket: /v1/broker/ws: authentication by the first frame, then events.
 * A frame that is no ping comes back as {"type":"echo","frame":…}.
 *
 * Owner: the exchange whose endless answer the frames are; the court lists the
 * sockets, so that a second one of an agent finds the first.
 */
#include "mastio/court.h"

#include "mastio/auth.h"
#include "mastio/exchange.h"
#include "mastio/execution.h"
#include "mastio/journal.h"
#include "mastio/proof.h"
#include "mastio/util.h"
#include "mastio/websocket.h"

#include <stdlib.h>
#include <string.h>

#define PATH "/v1/broker/ws"
#define TICK_MS 20
#define SILENCE_MS 10000
#define FRAMES_MAX 30
#define FRAMES_WINDOW_MS 60000
#define MESSAGE_MAX (16 << 20)

struct court_socket {
	struct court_socket *next;
	struct exchange *x;
	struct evbuffer *out;     /* frames to send */
	struct evbuffer *message; /* of the client, so far */
	uint8_t opcode;
	bool authenticated, closing;
	char *agent_id;
	int64_t exp;       /* of its token */
	int64_t opened_ms; /* monotonic, like the next three */
	int64_t heard_ms;  /* the client's last frame */
	int64_t asked_ms;  /* the Court's JSON ping; 0: answered */
	int64_t pinged_ms; /* the Mastio's protocol ping */
	bool ponged;
	int64_t window_ms;
	unsigned frames; /* since then */
};

static void
unlink_socket(struct court_socket *s)
{
	struct court_socket **at = court_sockets(s->x->srv->court);

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
}

static void
socket_free(void *arg)
{
	struct court_socket *s = arg;

	unlink_socket(s);
	evbuffer_free(s->out);
	evbuffer_free(s->message);
	free(s->agent_id);
	free(s);
}

/* Steals the object. */
static void
say(struct court_socket *s, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	websocket_put(s->out, OP_TEXT, text, strlen(text));
	s->x->log->events_written++;
	free(text);
	json_decref(o);
}

/* Whatever code the Court gives, the client sees 1000 without a reason. */
static void
hang_up(struct court_socket *s)
{
	static const uint8_t code[] = {1000 >> 8, 1000 & 0xff};

	if (s->closing)
		return;
	websocket_put(s->out, OP_CLOSE, code, sizeof(code));
	s->closing = true;
}

static void
fail(struct court_socket *s, const char *detail)
{
	say(s, json_pack("{s:s, s:s}", "type", "auth_error", "detail", detail));
	hang_up(s);
}

/* A second socket of the agent costs both. */
static void
meet_others(struct court_socket *s)
{
	struct court_socket *other = *court_sockets(s->x->srv->court);

	for (; other; other = other->next)
		if (other != s && other->authenticated && !other->closing &&
		    strcmp(other->agent_id, s->agent_id) == 0)
			break;
	if (!other)
		return;
	hang_up(other);
	hang_up(s);
	conn_turn(other->x->conn);
}

static void
let_in(struct court_socket *s, const struct court_token *t)
{
	s->authenticated = true;
	s->agent_id = xstrdup(t->agent_id);
	s->exp = t->exp;
	auth_admit(s->x, t->agent_id, AUTH_COURT);
	execution_begin(s->x);
	say(s, json_pack(
		   "{s:s, s:s}", "type", "auth_ok", "agent_id", t->agent_id));
	meet_others(s);
}

/* Without a public URL it is an address that the client cannot know. */
static char *
socket_htu(const struct exchange *x)
{
	const char *inside = x->srv->set.court_internal;

	if (x->srv->set.court_public_url)
		return court_htu(x, PATH);
	return xasprintf("https://%s" PATH, inside ? inside : "broker:8000");
}

static void
check_proof(struct court_socket *s, const char *text, const char *proof,
    const struct court_token *t)
{
	struct exchange *x = s->x;
	char *htu = socket_htu(x);
	struct proof p = proof_verify(x, &(struct proof_rule){.htu = htu,
					     .token = text,
					     .nonce = true,
					     .court = true,
					     .text = proof});

	if (p.crash)
		hang_up(s);
	else if (p.detail)
		fail(s, p.detail);
	else if (strcmp(p.jkt, t->jkt) != 0)
		fail(s, "DPoP proof key mismatch");
	else if (court_token_revoked(x->srv->court, t))
		fail(s, "Token has been revoked");
	else if (!x->srv->set.court_binding)
		fail(s, "Agent binding not approved or revoked");
	else
		let_in(s, t);
	proof_fini(&p);
	free(htu);
}

static const char *
member(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static bool
is_type(const json_t *o, const char *type)
{
	const char *s = member(o, "type");

	return s && strcmp(s, type) == 0;
}

static void
authenticate(struct court_socket *s, const json_t *o)
{
	const char *text = member(o, "token");
	const char *proof = member(o, "dpop_proof");
	struct court_token t;

	if (!is_type(o, "auth") || !text) {
		fail(s, "Missing or malformed auth message");
		return;
	}
	if (!court_token_open(s->x, text, &t)) {
		fail(s, "Token invalid or expired");
		return;
	}
	if (!proof)
		fail(s, "DPoP proof required");
	else
		check_proof(s, text, proof, &t);
	court_token_fini(&t);
}

static bool
too_many(struct court_socket *s)
{
	int64_t now = monotonic_ms();

	if (now - s->window_ms >= FRAMES_WINDOW_MS) {
		s->window_ms = now;
		s->frames = 0;
	}
	return ++s->frames > FRAMES_MAX;
}

/* A whole text message. */
static void
take_message(struct court_socket *s)
{
	size_t n = evbuffer_get_length(s->message);
	const char *p = n ? (const char *)evbuffer_pullup(s->message, -1) : "";
	json_t *o = json_loadb(p, n, 0, NULL);

	evbuffer_drain(s->message, n);
	if (!json_is_object(o))
		hang_up(s);
	else if (!s->authenticated)
		authenticate(s, o);
	else if (too_many(s))
		hang_up(s);
	else if (is_type(o, "ping"))
		say(s, json_pack("{s:s}", "type", "pong"));
	else if (!is_type(o, "pong"))
		say(s, json_pack("{s:s, s:O}", "type", "echo", "frame", o));
	json_decref(o);
}

static void
take_frame(struct court_socket *s, uint8_t first, uint8_t *data, size_t n)
{
	uint8_t opcode = first & 0x0f;

	s->heard_ms = monotonic_ms();
	if (opcode == OP_PONG) {
		s->ponged = true;
		return;
	}
	if (opcode == OP_PING) {
		websocket_put(s->out, OP_PONG, data, n);
		return;
	}
	s->asked_ms = 0;
	evbuffer_add(s->message, data, n);
	if (opcode)
		s->opcode = opcode;
	if (opcode == OP_CLOSE || s->opcode != OP_TEXT)
		hang_up(s);
	else if (first & 0x80)
		take_message(s);
}

/* One frame of the client, if it is here as a whole. */
static bool
read_frame(struct court_socket *s)
{
	struct evbuffer *in = s->x->conn->in;
	size_t n = evbuffer_get_length(in), head;
	uint8_t *p = evbuffer_pullup(in, (ev_ssize_t)n);
	uint64_t length;

	head = websocket_header(p, n);
	if (!head)
		return false;
	length = p[1] & 0x7f;
	if (length >= 126) {
		length = 0;
		for (size_t i = 2; i < head - 4; i++)
			length = length << 8 | p[i];
	}
	if (!(p[1] & 0x80) || (p[0] & 0x70) || length > MESSAGE_MAX) {
		hang_up(s);
		return false;
	}
	if (n - head < length)
		return false;
	for (size_t i = 0; i < length; i++)
		p[head + i] ^= p[head - 4 + i % 4];
	take_frame(s, p[0], p + head, (size_t)length);
	evbuffer_drain(in, head + (size_t)length);
	return true;
}

/* What time alone brings. */
static void
look_at_clock(struct court_socket *s)
{
	const struct settings *set = &s->x->srv->set;
	int64_t now = monotonic_ms();

	if (!s->authenticated) {
		if (now - s->opened_ms >= set->ws_auth_ms)
			fail(s, "Missing or malformed auth message");
		return;
	}
	if (server_now(s->x->srv) >= s->exp) {
		fail(s, "Token expired");
	} else if (s->asked_ms && now - s->asked_ms >= SILENCE_MS) {
		hang_up(s);
	} else if (!s->asked_ms && now - s->heard_ms >= set->ws_silence_ms) {
		s->asked_ms = now;
		say(s, json_pack("{s:s}", "type", "ping"));
	}
	if (now - s->pinged_ms < set->ws_ping_ms)
		return;
	if (!s->ponged)
		hang_up(s);
	s->ponged = false;
	s->pinged_ms = now;
	if (!s->closing)
		websocket_put(s->out, OP_PING, "", 0);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;

	(void)fd;
	(void)what;
	exchange_wait(x, TICK_MS, on_tick);
	look_at_clock(x->answer.source);
	conn_turn(x->conn);
}

static enum pulled
pull_frames(struct exchange *x, struct evbuffer *to)
{
	struct court_socket *s = x->answer.source;
	size_t n;

	while (!s->closing && read_frame(s))
		;
	n = evbuffer_get_length(s->out);
	evbuffer_add_buffer(to, s->out);
	if (s->closing)
		return PULL_DONE;
	return n ? PULL_MORE : PULL_WAIT;
}

static bool
may_upgrade(const struct exchange *x)
{
	const char *origin = http_header(x->head, "Origin", 0);

	return websocket_asked(x) && x->srv->set.federated &&
	       x->srv->set.court == COURT_UP &&
	       (!origin || strstr(origin, "//localhost"));
}

void
court_socket(struct exchange *x)
{
	struct court_socket *s, **list = court_sockets(x->srv->court);

	/* A plain request is one like any other, and there is nothing. */
	if (!websocket_asked(x)) {
		court_forward(x);
		return;
	}
	if (!may_upgrade(x)) {
		websocket_refuse(x);
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->x = x;
	s->out = evbuffer_new();
	s->message = evbuffer_new();
	s->opened_ms = s->heard_ms = s->pinged_ms = monotonic_ms();
	s->window_ms = s->opened_ms;
	s->ponged = true;
	s->next = *list;
	*list = s;
	x->by_court = true;
	websocket_accept(x, false, pull_frames, s, socket_free);
	exchange_wait(x, TICK_MS, on_tick);
}

bool
court_event(struct server *srv, const char *agent_id, json_t *event)
{
	struct court_socket *s = *court_sockets(srv->court);

	while (s && !(s->authenticated && !s->closing &&
			strcmp(s->agent_id, agent_id) == 0))
		s = s->next;
	if (!s)
		return false;
	say(s, json_incref(event));
	conn_turn(s->x->conn);
	return true;
}
