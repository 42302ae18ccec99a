/*
 * courtsocket: see courtsocket.h.
 */
#include "proxy/courtsocket.h"

#include "base/clock.h"
#include "http/wsframe.h"
#include "proxy/client.h"
#include "proxy/credentials.h"

#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>

#define NONCE_MS 300000 /* an offered nonce is good for so long at least */
#define BUSY_MS 1000 /* that a second socket waits for the first one's end, */
#define BUSY_POLL_MS 25 /* and looks whether it has come */
#define ANSWER_MAX 4096 /* bytes of the Court's first message */

static const char too_long[] = "the Court's first message is too long";

/* ---- the one socket ---- */

static bool
is_court_socket(const struct exchange *x)
{
	return x->upgrade && x->auth == ROUTE_AUTH_MASTIO &&
	       span_eq(buf_span(&x->box->path.decoded), SPAN("/v1/broker/ws"));
}

/* A gateway without a Court refuses for itself. */
static enum end
without_court_token(struct exchange *x)
{
	static const struct verdict_words none = {"court-token-needed",
	    "The Court's socket wants a token of the Court's, and the gateway "
	    "gives us none.",
	    "Let the gateway leave logins to the Court "
	    "(MCP_PROXY_LOCAL_AUTH_ENABLED=0), and set auth = auto or token."};

	if (gateway_mode(x->w->gateway) != GATEWAY_FEDERATION)
		return END_OK;
	x->says = none;
	return END_AUTH_REFUSED;
}

static enum end
busy(struct exchange *x, int64_t *due_ms)
{
	int64_t now = clock_now_ms();

	if (!x->busy_ms)
		x->busy_ms = now;
	*due_ms = now + BUSY_POLL_MS;
	return now - x->busy_ms < BUSY_MS ? END_COUNT : END_SOCKET_BUSY;
}

enum end
courtsocket_admit(struct exchange *x, int64_t *due_ms)
{
	if (!is_court_socket(x))
		return END_OK;
	if (!credentials_court_token(x)) {
		courtsocket_release(x);
		return without_court_token(x);
	}
	if (!x->court && atomic_exchange_explicit(&x->w->gateway->court_socket,
			     true, memory_order_relaxed))
		return busy(x, due_ms);
	x->court = true;
	return END_OK;
}

void
courtsocket_release(struct exchange *x)
{
	if (x->court)
		atomic_store_explicit(
		    &x->w->gateway->court_socket, false, memory_order_relaxed);
	x->court = false;
}

bool
courtsocket_wants_nonce(const struct exchange *x)
{
	const struct learned *l = &x->w->learned;

	return x->court &&
	       (!l->nonce[REALM_COURT] ||
		   clock_now_ms() >= l->nonce_ms[REALM_COURT] + NONCE_MS);
}

/* ---- frames ---- */

static bool
send_frame(struct exchange *x, enum wsframe_opcode opcode, struct span payload)
{
	struct conn *to = &x->lease.uc->conn;
	unsigned char mask[WSFRAME_MASK_LEN];

	if (RAND_bytes(mask, sizeof(mask)) != 1)
		return false;
	wsframe_write(&to->out, opcode, payload, mask);
	conn_flush(to);
	return true;
}

int
courtsocket_begin(struct exchange *x)
{
	x->court_part = false;
	x->judged_room = ANSWER_MAX;
	replay_init(&x->judged, ANSWER_MAX, &x->judged_room);
	struct buf text = {.secret = true};
	bool sent = credentials_add_message(x, &text) == 0 &&
		    send_frame(x, WSFRAME_TEXT, buf_span(&text));

	buf_free(&text);
	return sent ? 0 : -1;
}

/* In the Court's words, without what a terminal obeys. */
static enum heal
refused(struct exchange *x, enum end *end, const char *detail)
{
	snprintf(x->detail, sizeof(x->detail), "%s", detail);
	for (char *p = x->detail; *p; p++)
		if (*p < ' ' || *p >= 0x7f)
			*p = '?';
	*end = END_COURT_REFUSED;
	return HEAL_END;
}

static enum heal
malformed(struct exchange *x, enum end *end, const char *why)
{
	snprintf(x->detail, sizeof(x->detail), "%s", why);
	*end = END_UPSTREAM_BAD;
	return HEAL_END;
}

/* ---- the Court's first message ---- */

static enum heal
take_message(
    struct exchange *x, struct span text, enum end *end, int64_t *due_ms)
{
	json_t *json = json_loadb(text.p, text.n, 0, NULL);
	struct span type =
	    span_of(json_string_value(json_object_get(json, "type")));
	const char *detail = json_string_value(json_object_get(json, "detail"));
	enum heal heal;

	if (span_eq(type, SPAN("auth_ok"))) {
		heal = HEAL_PASS;
	} else if (!span_eq(type, SPAN("auth_error"))) {
		heal = malformed(x, end,
		    "the Court's first message on the socket is no answer to "
		    "our authentication");
	} else {
		heal = heal_judge_message(x, text, end, due_ms);
		if (heal == HEAL_PASS)
			heal = refused(x, end, detail ? detail : "");
		/* A nonce that did not please is as good as none. */
		x->w->learned.nonce_ms[REALM_COURT] = clock_now_ms() - NONCE_MS;
	}
	json_decref(json);
	return heal;
}

/* A message may come in fragments, with control frames between them (RFC 6455
 * section 5.4). */
static enum heal
take_fragment(struct exchange *x, const struct wsframe *f, struct span payload,
    enum end *end, int64_t *due_ms)
{
	enum heal heal = HEAL_MORE;

	if (x->court_part != (f->opcode == WSFRAME_CONTINUATION))
		return malformed(x, end,
		    "the fragments of the Court's first message do not follow "
		    "each other");
	x->court_part = true;
	replay_add(&x->judged, payload);
	if (x->judged.lost)
		return malformed(x, end, too_long);
	if (f->fin) {
		heal = take_message(x, buf_span(&x->judged.body), end, due_ms);
		replay_drop(&x->judged);
	}
	return heal;
}

static enum heal
take_frame(struct exchange *x, const struct wsframe *f, struct span payload,
    enum end *end, int64_t *due_ms)
{
	switch (f->opcode) {
	case WSFRAME_TEXT:
	case WSFRAME_CONTINUATION:
		return take_fragment(x, f, payload, end, due_ms);
	case WSFRAME_PING:
		if (send_frame(x, WSFRAME_PONG, payload))
			return HEAL_MORE;
		*end = END_INTERNAL;
		return HEAL_END;
	case WSFRAME_PONG:
		return HEAL_MORE;
	case WSFRAME_CLOSE:
		return refused(x, end, "it closed the socket");
	case WSFRAME_BINARY:
		break;
	}
	return malformed(x, end, "the Court's first message is not text");
}

enum heal
courtsocket_run(struct exchange *x, enum end *end, int64_t *due_ms)
{
	struct conn *from = &x->lease.uc->conn;
	struct span in;
	struct wsframe f;
	enum heal heal;

	for (;;) {
		enum wsframe_status s;

		in = buf_span(&from->in);
		s = wsframe_read(in, &f);
		if (s == WSFRAME_BAD)
			return malformed(x, end, f.why);
		if (s == WSFRAME_DONE && f.masked)
			return malformed(x, end, "a server's frame is masked");
		if (s == WSFRAME_DONE && f.length > ANSWER_MAX)
			return malformed(x, end, too_long);
		if (s == WSFRAME_MORE || in.n - f.head < f.length)
			break;
		in = span_new(in.p + f.head, (size_t)f.length);
		heal = take_frame(x, &f, in, end, due_ms);
		buf_consume(&from->in, f.head + (size_t)f.length);
		if (heal != HEAL_MORE)
			return heal;
	}
	if (from->eof || from->write_broken)
		return refused(x, end, "it closed the connection");
	conn_resume(from);
	return HEAL_MORE;
}
