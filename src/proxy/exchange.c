/*
 * exchange: see exchange.h.  A request's life, in the order in which it lives
 * it:
 *
 *   admit -> token -> lease -> hold -> send -> body -> answer -> judge
 *   -> relay -> finish -> flush -> done
 *
 * CONNECT goes lease -> tunnel -> finish, a WebSocket answer -> tunnel, one to
 * the Court answer -> court -> tunnel.
 *
 * exchange_run() calls the current step until it has to wait; whatever it
 * waits for calls exchange_run() again, so a step may be called at any time
 * and looks at the state of things, not at who called.
 *
 * Back edges, each bounded: token -> admit (a newer view), send -> token (the
 * token expired in the queue), hold -> lease (the connection was closed while
 * it waited), answer -> lease (a kept connection was stale), judge -> hold (new
 * proof), judge -> token (new login), court -> lease or token (the same).
 */
#include "proxy/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/write.h"
#include "net/peer.h"
#include "proxy/accesslog.h"
#include "proxy/admit.h"
#include "proxy/breaker.h"
#include "proxy/client.h"
#include "proxy/courtsocket.h"
#include "proxy/credentials.h"
#include "proxy/heal.h"
#include "proxy/mcp.h"
#include "proxy/message.h"
#include "proxy/passthrough.h"
#include "proxy/stream.h"
#include "proxy/tunnel.h"

#include <stddef.h>
#include <stdio.h>

#define INTERIM_MAX 16  /* 1xx answers to one request */
#define RESTART_MS 3000 /* how long a gateway may refuse connections */
#define RECONNECT_MS 25 /* the first pause between two, doubled each time */

enum next { NEXT_GO, NEXT_WAIT };

struct step {
	const char *name;
	enum next (*run)(struct exchange *);
	size_t limit;  /* offset of the option that bounds the wait, or 0 */
	enum end late; /* how it ends then */
};

#define LIMIT(option) offsetof(struct config, option##_ms)

static enum next x_admit(struct exchange *);
static enum next x_token(struct exchange *);
static enum next x_lease(struct exchange *);
static enum next x_hold(struct exchange *);
static enum next x_send(struct exchange *);
static enum next x_body(struct exchange *);
static enum next x_answer(struct exchange *);
static enum next x_judge(struct exchange *);
static enum next x_pause(struct exchange *);
static enum next x_relay(struct exchange *);
static enum next x_court(struct exchange *);
static enum next x_tunnel(struct exchange *);
static enum next x_finish(struct exchange *);
static enum next x_flush(struct exchange *);
static enum next x_done(struct exchange *);

static const struct step step_admit = {"admit", x_admit, 0, END_OK},
			 step_token = {"token", x_token, LIMIT(token_wait),
			     END_NO_TOKEN},
			 step_lease = {"lease", x_lease, LIMIT(connect_timeout),
			     END_CONNECT_TIMEOUT},
			 step_queue = {"queue", x_lease, LIMIT(queue_timeout),
			     END_QUEUE_TIMEOUT},
			 step_hold = {"hold", x_hold, 0, END_BODY_TIMEOUT},
			 step_send = {"send", x_send, 0, END_OK},
			 step_body = {"body", x_body, LIMIT(body_timeout),
			     END_BODY_TIMEOUT},
			 step_answer = {"answer", x_answer,
			     LIMIT(first_byte_timeout), END_FIRST_BYTE_TIMEOUT},
			 step_judge = {"judge", x_judge,
			     LIMIT(stream_idle_timeout), END_STREAM_IDLE},
			 step_pause = {"pause", x_pause, 0, END_OK},
			 step_relay = {"relay", x_relay,
			     LIMIT(stream_idle_timeout), END_STREAM_IDLE},
			 step_court = {"court", x_court, 0, END_COURT_TIMEOUT},
			 step_tunnel = {"tunnel", x_tunnel,
			     LIMIT(stream_idle_timeout), END_STREAM_IDLE},
			 step_finish = {"finish", x_finish, 0, END_OK},
			 step_flush = {"flush", x_flush,
			     LIMIT(stream_idle_timeout), END_STREAM_IDLE},
			 step_done = {"done", x_done, 0, END_OK};

/* ---- the engine ---- */

/* (Re)start the step's clock: at its beginning and whenever something moved. */
static void
x_touch(struct exchange *x)
{
	const char *conf = (const char *)x->view->bundle->config;
	int64_t ms;

	if (!x->step->limit)
		return;
	memcpy(&ms, conf + x->step->limit, sizeof(ms));
	timers_set(&x->w->loop.timers, &x->timer, clock_now_ms() + ms);
}

static enum next
x_goto(struct exchange *x, const struct step *step)
{
	timers_cancel(&x->w->loop.timers, &x->timer);
	x->step = step;
	x_touch(x);
	return NEXT_GO;
}

/* The only way to end; the first reason wins.  What ends while its last bytes
 * go out has not ended well after all. */
static enum next
x_end(struct exchange *x, enum end end)
{
	if (x->step == &step_finish || x->step == &step_done)
		return NEXT_GO;
	timers_cancel(&x->w->loop.timers, &x->timer);
	if (x->step != &step_flush) {
		x->end = passthrough_end(x, end);
		x->step = &step_finish;
		return NEXT_GO;
	}
	if (x->end == END_OK)
		x->end = end;
	x->cut = true;
	x->step = &step_done;
	return NEXT_GO;
}

static enum next
x_end_why(struct exchange *x, enum end end, const char *why)
{
	snprintf(x->detail, sizeof(x->detail), "%s", why ? why : "");
	return x_end(x, end);
}

static enum next
pause_until(struct exchange *x, int64_t due_ms, const struct step *then)
{
	x->then = then;
	x_goto(x, &step_pause);
	timers_set(&x->w->loop.timers, &x->timer, due_ms);
	return NEXT_WAIT;
}

/* Has the client left, or has it only said all that it wants to say? */
static void
look_for_client(struct exchange *x)
{
	struct client *c = x->c;

	if (!c->conn.eof || c->half_closed || x->tunnel)
		return; /* a tunnel passes the end on */
	if (!c->conn.eof_clean || peer_look(c->conn.fd) == PEER_GONE)
		x_end(x, END_CLIENT_GONE);
	else
		c->half_closed = true;
}

void
exchange_run(struct exchange *x)
{
	if (!x->step)
		return;
	look_for_client(x);
	while (x->step && x->step->run(x) == NEXT_GO)
		;
}

static void
on_late(void *arg)
{
	struct exchange *x = arg;
	enum end late = x->step->late;

	if (x->step == &step_pause) {
		exchange_run(x);
		return;
	}
	/* The client would send, but the gateway does not take it. */
	if (x->step == &step_body && x->lease.uc->conn.out.len)
		late = END_STREAM_IDLE;
	x_end(x, late);
	exchange_run(x);
}

/* ---- admit: may it be made, and where does it go? ---- */

static void
take_view(struct exchange *x)
{
	struct view *newest = view_ref(x->w->view);

	view_unref(x->view);
	x->view = newest;
	x->route = NULL; /* it was the old one's */
}

/* The sidecar's own answer to what it was asked. */
static void
answer_ok(struct exchange *x, void (*message)(struct exchange *))
{
	message(x);
	x->answer_begun = true;
	x->status = 200;
	conn_flush(&x->c->conn);
}

/* The gateway's own TLS is ours to do: inside the tunnel we expect plain
 * HTTP for that authority. */
static enum next
serve_inside(struct exchange *x)
{
	answer_ok(x, message_connected);
	x->c->tunnel = true;
	x->keep = true;
	return x_end(x, END_OK);
}

static enum next
x_admit(struct exchange *x)
{
	enum end end;

	take_view(x);
	*x->detail = '\0';
	end = admit_judge(x);
	if (end != END_OK)
		return x_end(x, end);
	if (admit_is_connect(x) && x->route->auth == ROUTE_AUTH_MASTIO)
		return serve_inside(x);
	if (x->answer_here) {
		answer_ok(x, message_options);
		return x_end(x, END_OK);
	}
	allowance_earn(&x->w->breaker.allowance);
	end = breaker_admit(x);
	if (end != END_OK)
		return x_end(x, end);
	return x_goto(x, credentials_need_token(x) ? &step_token : &step_lease);
}

/* ---- token: a valid one, newer than any that was refused ---- */

static bool
token_good(const struct exchange *x)
{
	const struct token *t = x->view->bundle->token;

	return token_usable(t, clock_now_ms()) &&
	       t->generation > x->refused_token;
}

static void
unpark(struct exchange *x)
{
	if (!x->parked)
		return;
	TAILQ_REMOVE(&x->w->token_waiters, x, token_link);
	x->parked = false;
}

static enum next
x_token(struct exchange *x)
{
	if (x->parked)
		return NEXT_WAIT;
	if (token_good(x)) {
		x->token_due_ms = 0;
		return x_goto(x, &step_lease);
	}
	if (x->view != x->w->view)
		return x_goto(x, &step_admit);
	/* One token-wait, however many views come without a token. */
	if (!x->token_due_ms)
		x->token_due_ms = x->timer.due_ms;
	timers_set(&x->w->loop.timers, &x->timer, x->token_due_ms);
	TAILQ_INSERT_TAIL(&x->w->token_waiters, x, token_link);
	x->parked = true;
	return NEXT_WAIT;
}

void
exchange_unpark(struct exchange *x)
{
	unpark(x);
	exchange_run(x);
}

/* ---- lease: a connection to the gateway, kept or new ---- */

static enum next
lease_failed(struct exchange *x)
{
	if (x->route->auth != ROUTE_AUTH_NONE && exchange_gateway_is_live(x))
		gateway_missed(x->w->gateway, x->lease.failure);
	return x_end_why(x, end_of_lease(x->lease.failure), x->lease.why);
}

/* A gateway that answered a moment ago and refuses connections now is likely to
 * be restarting.  Nothing has been sent: it is asked again, more and more
 * seldom, for RESTART_MS. */
static bool
may_come_back(struct exchange *x)
{
	int64_t now = clock_now_ms();

	if ((x->lease.failure != LEASE_CONNECT &&
		x->lease.failure != LEASE_TLS_CUT) ||
	    x->route->auth == ROUTE_AUTH_NONE ||
	    !gateway_was_there(x->w->gateway))
		return false;
	if (!x->refused_ms)
		x->refused_ms = now;
	return now - x->refused_ms < RESTART_MS;
}

static enum next
connect_again(struct exchange *x)
{
	unsigned n = x->reconnects < 4 ? x->reconnects++ : 4;
	int64_t wait = RECONNECT_MS << n;

	metric_add(&x->w->metrics->reconnects, 1);
	x->lease.failure = LEASE_OK;
	/* Apart from those who were refused at the same time. */
	wait += (int64_t)((x->w->request_seed + x->start_us) % (uint64_t)wait);
	return pause_until(x, clock_now_ms() + wait, &step_lease);
}

static bool
begin_lease(struct exchange *x)
{
	const struct identity *id = x->view->bundle->identity;
	struct upstream_identity who = {0};

	if (x->route->auth == ROUTE_AUTH_NONE)
		return lease_begin(&x->lease,
		    passthrough_upstream(x->w, x->route), who, x->fresh);
	who.ctx = identity_ssl_ctx(id);
	who.generation = identity_generation(id);
	return lease_begin(&x->lease, x->view->upstream, who, x->fresh);
}

static enum next
x_lease(struct exchange *x)
{
	bool raw = admit_is_connect(x);
	int64_t due_ms;
	enum end end;

	if (x->lease.waiting)
		return NEXT_WAIT;
	if (x->lease.failure != LEASE_OK && may_come_back(x))
		return connect_again(x);
	if (x->lease.failure != LEASE_OK)
		return lease_failed(x);
	if (!x->lease.uc && (end = courtsocket_admit(x, &due_ms)) != END_OK)
		return end == END_COUNT ? pause_until(x, due_ms, &step_lease)
					: x_end(x, end);
	/* What becomes a tunnel never comes back to the pool. */
	x->fresh |= raw || x->upgrade;
	if (x->lease.uc || begin_lease(x))
		return x_goto(x, raw ? &step_tunnel : &step_hold);
	return x_goto(x, x->lease.queued ? &step_queue : &step_lease);
}

/* What is there before a request is sent would be taken for its answer. */
static bool
is_silent(const struct conn *gateway)
{
	return !gateway->eof && gateway->in.len == 0;
}

/* ---- hold: not while the gateway's front end would lose it ---- */

static enum next
x_hold(struct exchange *x)
{
	const struct config *conf = x->view->bundle->config;
	enum end end = breaker_admit(x);
	int64_t due_ms;

	if (end != END_OK) {
		lease_end(&x->lease, is_silent(&x->lease.uc->conn));
		return x_end(x, end);
	}
	switch (mcp_hold(x, &due_ms)) {
	case MCP_GO:
		break;
	case MCP_BODY:
		conn_resume(&x->c->conn);
		if (!x->timer.slot)
			timers_set(&x->w->loop.timers, &x->timer,
			    clock_now_ms() + conf->body_timeout_ms);
		return NEXT_WAIT;
	case MCP_LATER:
		return pause_until(x, due_ms, &step_hold);
	}
	if (!x->mcp.waited || is_silent(&x->lease.uc->conn))
		return x_goto(x, &step_send);
	x->mcp.waited = false;
	lease_end(&x->lease, false);
	return x_goto(x, &step_lease);
}

/* ---- send: the head with a fresh proof, and what the gateway refused
 * before ---- */

static void
send_kept(struct exchange *x)
{
	struct buf *out = &x->lease.uc->conn.out;

	if (x->up.chunk_out)
		write_chunk(out, buf_span(&x->kept.body));
	else
		buf_add_span(out, buf_span(&x->kept.body));
	if (x->up.done && x->up.chunk_out)
		write_last_chunk(out);
}

static enum next
x_send(struct exchange *x)
{
	if (credentials_need_token(x) && !token_good(x)) {
		lease_end(&x->lease, true);
		return x_goto(x, &step_token);
	}
	x->reused = x->lease.reused;
	x->sent_before = x->lease.uc->conn.sent;
	x->answered = false;
	x->attempts++;
	if (!message_request_head(x))
		return x_end(x, END_INTERNAL);
	if (!x->sent_us)
		x->sent_us = clock_now_us();
	if (x->attempts > 1)
		send_kept(x);
	if (message_continue(x))
		conn_flush(&x->c->conn);
	return x_goto(x, &step_body);
}

/* ---- body: the client's, streamed while it comes ---- */

static void
count_kept(struct worker *w)
{
	metric_set(&w->metrics->replay_held, w->replay_total - w->replay_left);
}

/* False: the exchange has ended.  Nothing but relay_run() may flush the sink:
 * it must see every byte that goes, or it waits for one that has gone. */
static bool
pump_request(struct exchange *x)
{
	struct conn *to = &x->lease.uc->conn;
	uint64_t before = x->up.bytes;

	/* If the gateway takes no more, reading will say why. */
	if (to->write_broken)
		return true;
	switch (relay_run(&x->up, &x->c->conn, to, &x->kept)) {
	case RELAY_BAD:
		x_end_why(x, END_BAD_REQUEST, x->up.chunked.why);
		return false;
	case RELAY_TRUNCATED:
		x_end(x, END_CLIENT_GONE);
		return false;
	case RELAY_MORE:
	case RELAY_DONE:
		break;
	}
	if (x->up.bytes != before)
		x_touch(x);
	count_kept(x->w);
	mcp_sent(x);
	return true;
}

static enum next
x_body(struct exchange *x)
{
	const struct conn *from = &x->lease.uc->conn;

	if (!pump_request(x))
		return NEXT_GO;
	if (x->up.done || from->write_broken || from->in.len || from->eof)
		return x_goto(x, &step_answer);
	return NEXT_WAIT;
}

/* ---- answer: its head ---- */

static void
drop_answer(struct exchange *x)
{
	worker_box_give(x->w, x->res_box);
	x->res_box = NULL;
	replay_drop(&x->judged);
}

/* The connection ended without an answer: a kept one by the gateway's idle
 * timer, any one by a restart.  The request may go once more, on a new one, if
 * running it twice does no harm or none of it was written (RFC 9110 section
 * 9.2.2). */
static enum next
no_answer(struct exchange *x)
{
	const struct conn *conn = &x->lease.uc->conn;
	bool unsent = conn->write_broken && conn->sent == x->sent_before;

	if (!x->answered && !x->fresh && !x->kept.lost &&
	    (exchange_is_idempotent(x) || (x->reused && unsent))) {
		metric_add(&x->w->metrics->stale_retries, 1);
		drop_answer(x);
		lease_end(&x->lease, false);
		x->fresh = true;
		return x_goto(x, &step_lease);
	}
	return x_end(
	    x, x->answered ? END_UPSTREAM_TRUNCATED : END_UPSTREAM_CLOSED);
}

/* HEAD_DONE for a final answer; interim ones are dealt with here. */
static enum head_status
read_answer_head(struct exchange *x)
{
	struct conn *from = &x->lease.uc->conn;
	const struct head_limits limits = {from->in_limit, ANSWER_HEADERS_MAX};
	enum head_status s;

	for (;;) {
		if (!x->res_box) {
			x->res_box = worker_box_take(x->w);
			head_reset(&x->res, x->res_box->fields);
		}
		x->answered |= from->in.len > 0;
		s = head_parse_response(&x->res, buf_span(&from->in), &limits);
		if (s != HEAD_DONE || x->res.status >= 200)
			return s;
		if (x->res.status == 101)
			return message_switches(x, &x->res.why) ? s : HEAD_BAD;
		if (++x->interim > INTERIM_MAX)
			return HEAD_BAD; /* with nothing to say why */
		if (x->res.status != 100) {
			message_interim(x, &x->res);
			conn_flush(&x->c->conn);
		}
		buf_consume(&from->in, x->res.size);
		head_reset(&x->res, x->res_box->fields);
	}
}

static void
note_answer(struct exchange *x)
{
	struct span trace = head_value(&x->res, FIELD_X_CULLIS_TRACE);

	mcp_over(x);
	if (!x->first_us)
		x->first_us = clock_now_us();
	if (x->route->auth != ROUTE_AUTH_MASTIO)
		return; /* it speaks for itself alone */
	credentials_learn(x, &x->res);
	if (exchange_gateway_is_live(x)) {
		gateway_answered(x->w->gateway);
		gateway_learn_clock(x->w->gateway, &x->res, x->sent_us / 1000);
		gateway_note_mode(x->w->gateway, &x->res);
	}
	if (field_is_token(trace) && trace.n < sizeof(x->trace))
		snprintf(x->trace, sizeof(x->trace), "%.*s", SPAN_ARG(trace));
}

static void
begin_relay(struct exchange *x)
{
	struct span start = buf_span(&x->judged.body);
	struct buf *out = &x->c->conn.out;

	breaker_served(x);
	message_answer_head(x);
	x->answer_begun = true;
	x->status = x->res.status;
	stream_begin(x);
	if (x->down.chunk_out)
		write_chunk(out, start);
	else
		buf_add_span(out, start);
	if (x->down.chunk_out && x->down.done)
		write_last_chunk(out);
	/* A stalled stream shall not hold its head for long. */
	x->answer_keeps = head_keep_alive(&x->res);
	drop_answer(x);
}

/* The head's spans must outlive what is read next. */
static void
keep_answer_head(struct exchange *x)
{
	struct conn *from = &x->lease.uc->conn;
	const char *old = buf_span(&from->in).p;

	buf_clear(&x->res_box->bytes);
	buf_add(&x->res_box->bytes, old, x->res.size);
	head_rebase(&x->res, old, buf_span(&x->res_box->bytes).p);
}

static enum next
switch_protocols(struct exchange *x)
{
	message_switching(x);
	x->answer_begun = true;
	x->status = 101;
	return x_goto(x, &step_tunnel);
}

/* The agent's 101 waits for the Court. */
static enum next
begin_court(struct exchange *x)
{
	if (courtsocket_begin(x) < 0)
		return x_end(x, END_INTERNAL);
	x_goto(x, &step_court);
	timers_set(
	    &x->w->loop.timers, &x->timer, clock_now_ms() + COURTSOCKET_MS);
	return NEXT_GO;
}

static enum next
x_answer(struct exchange *x)
{
	struct conn *from = &x->lease.uc->conn;
	enum head_status s;
	const char *why = "";

	if (!pump_request(x))
		return NEXT_GO;
	s = read_answer_head(x);
	switch (s) {
	case HEAD_DONE:
		break;
	case HEAD_MORE:
		if (from->eof)
			return no_answer(x);
		conn_resume(from);
		return NEXT_WAIT;
	default:
		return x_end_why(x, END_UPSTREAM_BAD, message_bad_answer(x, s));
	}
	note_answer(x);
	if (framing_response(&x->res, x->req.method, &x->res_framing, &why) !=
	    FRAMING_OK)
		return x_end_why(x, END_UPSTREAM_BAD, why);
	relay_init(&x->down, x->res_framing, false,
	    (size_t)x->view->bundle->config->relay_buffer);
	keep_answer_head(x);
	buf_consume(&from->in, x->res.size);
	if (x->res.status == 101) {
		breaker_served(x);
		return x->court ? begin_court(x) : switch_protocols(x);
	}
	if (heal_concerns(x)) {
		x->judged_room = from->in_limit * 2;
		replay_init(&x->judged, x->judged_room, &x->judged_room);
		return x_goto(x, &step_judge);
	}
	begin_relay(x);
	return x_goto(x, &step_relay);
}

/* ---- judge: is a refusal about our credentials, and can it be healed? ---- */

/* Nothing was executed: the same request once more, on the same connection if
 * nothing speaks against it. */
static enum next
try_again(struct exchange *x, bool login, int64_t due_ms)
{
	bool clean = x->down.done && x->up.done && x->res.status != 101 &&
		     x->res_framing.kind != FRAMING_CLOSE &&
		     head_keep_alive(&x->res);
	bool keep = clean && !login && !due_ms && is_silent(&x->lease.uc->conn);
	const struct step *then;

	drop_answer(x);
	if (keep)
		lease_again(&x->lease);
	else
		lease_end(&x->lease, clean);
	then = login ? &step_token : keep ? &step_hold : &step_lease;
	return due_ms ? pause_until(x, due_ms, then) : x_goto(x, then);
}

static enum next
x_pause(struct exchange *x)
{
	return x->timer.slot ? NEXT_WAIT : x_goto(x, x->then);
}

static enum next
x_judge(struct exchange *x)
{
	size_t before = x->judged.body.len;
	int64_t due_ms;
	enum end end;

	/* It may keep the rest of its answer until it has read all of it. */
	if (!pump_request(x))
		return NEXT_GO;
	switch (relay_run(&x->down, &x->lease.uc->conn, NULL, &x->judged)) {
	case RELAY_MORE:
		if (x->judged.body.len != before)
			x_touch(x);
		if (x->judged.body.len < VERDICT_BODY_MAX)
			return NEXT_WAIT;
		break;
	case RELAY_DONE:
		break;
	case RELAY_BAD:
		return x_end_why(x, END_UPSTREAM_BAD, x->down.chunked.why);
	case RELAY_TRUNCATED:
		return x_end(x, END_UPSTREAM_TRUNCATED);
	}
	switch (heal_judge(x, &end, &due_ms)) {
	case HEAL_AGAIN:
		return try_again(x, false, due_ms);
	case HEAL_LOGIN:
		return try_again(x, true, due_ms);
	case HEAL_END:
		return x_end(x, end);
	case HEAL_PASS:
	case HEAL_MORE:
		break;
	}
	begin_relay(x);
	return x_goto(x, &step_relay);
}

/* ---- court: its WebSocket lets nobody in without a first frame ---- */

static enum next
x_court(struct exchange *x)
{
	int64_t due_ms = 0;
	enum end end = END_INTERNAL;
	enum heal heal = courtsocket_run(x, &end, &due_ms);

	if (heal == HEAL_MORE)
		return NEXT_WAIT;
	if (heal == HEAL_END)
		return x_end(x, end);
	return heal == HEAL_PASS ? switch_protocols(x)
				 : try_again(x, heal == HEAL_LOGIN, due_ms);
}

/* ---- relay: the answer's body ---- */

static enum next
x_relay(struct exchange *x)
{
	struct conn *from = &x->lease.uc->conn, *to = &x->c->conn;
	enum relay_status s;

	if (!pump_request(x))
		return NEXT_GO;
	s = relay_run(&x->down, from, to, NULL);
	if (to->write_broken)
		return x_end(x, END_CLIENT_GONE);
	switch (s) {
	case RELAY_DONE:
		return x_end(x, END_OK);
	case RELAY_BAD:
		return x_end_why(x, END_UPSTREAM_BAD, x->down.chunked.why);
	case RELAY_TRUNCATED:
		stream_cut(x);
		return x_end(x, END_UPSTREAM_TRUNCATED);
	case RELAY_MORE:
		break;
	}
	if (from->received != x->seen_received || to->sent != x->seen_sent)
		x_touch(x);
	if (from->received != x->seen_received)
		stream_heard(x);
	x->seen_received = from->received;
	x->seen_sent = to->sent;
	return NEXT_WAIT;
}

/* ---- tunnel: bytes both ways, after CONNECT and 101 ---- */

static enum next
x_tunnel(struct exchange *x)
{
	const struct conn *a = &x->c->conn, *b = &x->lease.uc->conn;
	uint64_t moved;
	enum end end;

	if (!x->answer_begun)
		answer_ok(x, message_connected);
	if (!x->tunnel)
		tunnel_begin(x);
	x->tunnel = true;
	end = tunnel_run(x);
	if (x->down.done)
		courtsocket_release(x); /* the gateway's end of it is over */
	if (end != END_COUNT)
		return x_end(x, end);
	moved = a->received + a->sent + b->received + b->sent;
	if (moved != x->seen_sent)
		x_touch(x);
	x->seen_sent = moved;
	return NEXT_WAIT;
}

/* ---- finish: say how it ended, give everything back ---- */

static bool
lease_reusable(const struct exchange *x)
{
	return x->end == END_OK && !x->tunnel && !x->upgrade && x->up.done &&
	       x->down.done && x->res_framing.kind != FRAMING_CLOSE &&
	       x->answer_keeps;
}

static void
answer_error(struct exchange *x)
{
	const struct end_row *row = end_row(x->end);
	struct bundle *newest = x->w->view->bundle;

	if (x->end == END_NO_TOKEN && newest->trouble)
		snprintf(x->detail, sizeof(x->detail), "%s", newest->trouble);
	if (x->end == END_TLS_TO_PLAIN)
		log_warn("client", "a client speaks TLS to the plain port",
		    L_STR("cure", row->cure), L_END);
	if (!row->status)
		return;
	/* The rest of an unread body cannot be told from a next request; and
	 * who may not use us shall not use up connections. */
	x->keep = x->up.done && head_keep_alive(&x->req) &&
		  client_may_ask(x->c) && !x->w->draining &&
		  x->end != END_BAD_REQUEST && x->end != END_TLS_TO_PLAIN &&
		  x->end != END_CALLER_REFUSED && !tunnel_refused(x);
	message_error(x);
	conn_flush(&x->c->conn);
}

static void
release(struct exchange *x)
{
	unpark(x);
	courtsocket_release(x);
	mcp_over(x);
	breaker_leave(x);
	message_forget(x);
	drop_answer(x);
	replay_drop(&x->kept);
	count_kept(x->w);
	worker_box_give(x->w, x->box);
	x->box = NULL;
	view_unref(x->view);
	x->view = NULL;
	x->step = NULL;
}

static enum next
x_finish(struct exchange *x)
{
	stream_end(x);
	if (x->tunnel && x->end != END_OK)
		lease_break(&x->lease);
	else
		lease_end(&x->lease, lease_reusable(x));
	if (!x->answer_begun && x->end != END_CLIENT_GONE)
		answer_error(x);
	return x_goto(x, &step_flush);
}

/* ---- flush: the last bytes, as slowly as the client takes them; no other
 * request is looked at before ---- */

static enum next
x_flush(struct exchange *x)
{
	struct conn *to = &x->c->conn;

	if (to->out.len == 0 || to->write_broken || x->end == END_CLIENT_GONE)
		return x_goto(x, &step_done);
	if (to->sent != x->seen_sent)
		x_touch(x);
	x->seen_sent = to->sent;
	return NEXT_WAIT;
}

/* ---- done: count it, log it, give everything back ---- */

static enum next
x_done(struct exchange *x)
{
	struct client *c = x->c;
	bool broken = x->cut || (x->answer_begun && x->end != END_OK);
	/* Only there does a plain close look like the body's end. */
	bool close_delimited = broken && !x->down.chunk_out &&
			       x->res_framing.kind != FRAMING_LENGTH;

	accesslog_count(x);
	accesslog_write(x);
	release(x);
	if (x->end == END_CLIENT_GONE || x->cut) {
		c->abort = broken;
		client_close(c);
	} else if (broken) {
		client_exchange_broken(c, close_delimited);
	} else {
		client_exchange_done(c, x->keep && x->up.done);
	}
	return NEXT_WAIT;
}

/* ---- beginning and ending from outside ---- */

static void
on_leased(struct lease *l)
{
	exchange_run(
	    (struct exchange *)((char *)l - offsetof(struct exchange, lease)));
}

static const struct lease_ops exchange_lease_ops = {
    on_leased, on_leased, on_leased};

static void
reset(struct exchange *x, struct client *c, struct headbox *box)
{
	*x = (struct exchange){.c = c, .w = c->w, .box = box};
	x->view = view_ref(x->w->view);
	timer_init(&x->timer, on_late, x);
	lease_init(&x->lease, &exchange_lease_ops);
	replay_init(&x->kept, (size_t)x->view->bundle->config->replay_limit,
	    &x->w->replay_left);
	x->judged.total = &x->judged_room;
	x->start_us = clock_now_us();
	x->req.minor = 1;
}

void
exchange_start(struct exchange *x, struct client *c, struct headbox *box,
    const struct head *head)
{
	reset(x, c, box);
	x->req = *head;
	accesslog_set_request_id(x, head_value(head, FIELD_X_REQUEST_ID));
	x_goto(x, &step_admit);
	exchange_run(x);
}

void
exchange_refuse(
    struct exchange *x, struct client *c, enum end end, const char *detail)
{
	reset(x, c, NULL);
	accesslog_set_request_id(x, SPAN_NONE);
	x_goto(x, &step_admit);
	x_end_why(x, end, detail);
	exchange_run(x);
}

void
exchange_abort(struct exchange *x, enum end end)
{
	if (!x->step)
		return;
	x_end(x, end);
	exchange_run(x);
}

void
exchange_client_gone(struct exchange *x)
{
	exchange_abort(x, END_CLIENT_GONE);
}
