/*
 * client: see client.h.
 */
#include "proxy/client.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/peer.h"

#include <stdlib.h>
#include <unistd.h>

/* For the client to take the last answer, and how much of its input is
 * dropped meanwhile. */
#define LINGER_MS 2000
#define LINGER_BYTES (16 * 1024 * 1024)
#define DRAIN_GRACE_MS 500
/* How often a client that cannot be heard is looked for. */
#define WATCH_MS 5000

static void client_read(struct client *);

static const struct config *
conf_of(const struct client *c)
{
	return c->w->view->bundle->config;
}

/* ---- ending ---- */

static void
bury_client(struct corpse *corpse)
{
	struct client *c =
	    (struct client *)((char *)corpse - offsetof(struct client, corpse));

	free(c);
}

void
client_close(struct client *c)
{
	struct worker *w = c->w;

	if (c->state == CLIENT_CLOSED)
		return;
	c->state = CLIENT_CLOSED;
	exchange_client_gone(&c->x);
	timers_cancel(&w->loop.timers, &c->timer);
	worker_box_give(w, c->box);
	c->box = NULL;
	conn_close(&c->conn, c->abort);
	TAILQ_REMOVE(&w->clients, c, link);
	metric_add(&w->metrics->clients_closed, 1);
	loop_reap(&w->loop, &c->corpse, bury_client);
	worker_client_gone(w, c->epoch);
}

/* The last answer may take its time as long as it moves.  Once it is written,
 * our side is closed and the client's input read until it closes too, for an
 * early close would reset the connection and could take the answer away (RFC
 * 9112 section 9.6). */
static void
linger_step(struct client *c)
{
	int64_t wait_ms = conf_of(c)->stream_idle_timeout_ms;

	conn_flush(&c->conn);
	if (c->conn.write_broken || (c->conn.out.len == 0 && c->abort) ||
	    (c->conn.eof && c->conn.out.len == 0) ||
	    c->conn.received > LINGER_BYTES) {
		client_close(c);
		return;
	}
	if (c->conn.out.len == 0) {
		conn_shutdown_write(&c->conn);
		wait_ms = LINGER_MS;
	}
	if (!c->timer.slot || c->conn.sent != c->lingered)
		timers_set(
		    &c->w->loop.timers, &c->timer, clock_now_ms() + wait_ms);
	c->lingered = c->conn.sent;
	buf_consume(&c->conn.in, c->conn.in.len);
	conn_resume(&c->conn);
}

static void
linger(struct client *c)
{
	c->state = CLIENT_LINGER;
	c->conn.received = 0;
	timers_cancel(&c->w->loop.timers, &c->timer);
	linger_step(c);
}

/* ---- between exchanges ---- */

static void
wait_for_head(struct client *c)
{
	const struct config *conf = conf_of(c);

	c->state = CLIENT_HEAD;
	c->head_begun = c->conn.in.len > 0;
	timers_set(&c->w->loop.timers, &c->timer,
	    clock_now_ms() + (c->head_begun ? conf->head_timeout_ms
					    : conf->keepalive_timeout_ms));
}

bool
client_may_ask(const struct client *c)
{
	return !c->half_closed || c->conn.in.len > 0;
}

void
client_exchange_done(struct client *c, bool keep)
{
	if (c->state == CLIENT_CLOSED)
		return;
	if (!keep || c->w->draining) {
		linger(c);
		return;
	}
	wait_for_head(c);
	conn_resume(&c->conn);
	/* A pipelined request, or EOF, is there already: in a turn of its
	 * own, so that one client cannot hold the loop. */
	if (c->conn.in.len || c->conn.eof)
		conn_poke(&c->conn);
}

void
client_exchange_broken(struct client *c, bool reset)
{
	if (c->state == CLIENT_CLOSED)
		return;
	c->abort = reset;
	linger(c);
}

/* Bytes that are on their way into `in`. */
static bool
has_unread(const struct client *c)
{
	char byte;

	return recv(c->conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* A request that is there already is served; a client without one gets a moment
 * for it, since it may just be on its way. */
void
client_drain(struct client *c)
{
	if (c->state != CLIENT_HEAD || c->head_begun || has_unread(c))
		return;
	timers_set(
	    &c->w->loop.timers, &c->timer, clock_now_ms() + DRAIN_GRACE_MS);
}

/* ---- reading heads ---- */

static void refuse(struct client *, enum end, const char *);

/* While an exchange has the say: a client that half-closed, or whose input is
 * full, can leave without a sound. */
static void
watch(struct client *c)
{
	if ((c->conn.eof || !c->conn.rd_on) &&
	    peer_look(c->conn.fd) == PEER_GONE)
		client_close(c);
	else
		timers_set(
		    &c->w->loop.timers, &c->timer, clock_now_ms() + WATCH_MS);
}

static void
on_timer(void *arg)
{
	struct client *c = arg;

	if (c->state == CLIENT_EXCHANGE)
		watch(c);
	else if (c->state == CLIENT_HEAD && c->head_begun)
		refuse(c, END_HEAD_TIMEOUT, "");
	else
		client_close(c);
}

static void
refuse(struct client *c, enum end end, const char *detail)
{
	timers_cancel(&c->w->loop.timers, &c->timer);
	worker_box_give(c->w, c->box);
	c->box = NULL;
	c->state = CLIENT_EXCHANGE;
	exchange_refuse(&c->x, c, end, detail);
}

/* A TLS record on the plain port or inside a tunnel (RFC 8446 section 5.1). Its
 * client is answered in plain HTTP all the same: it cannot read that, but TLS
 * libraries then complain of a wrong version, or of HTTP, and of a network that
 * breaks if nothing comes. */
static bool
speaks_tls(const struct client *c)
{
	return buf_span(&c->conn.in).p[0] == 0x16;
}

/* The head's spans point into the connection's buffer; give it memory of its
 * own, since the body follows there. */
static void
move_head(struct client *c)
{
	const char *old = buf_span(&c->conn.in).p;
	struct buf *bytes = &c->box->bytes;

	buf_clear(bytes);
	buf_add(bytes, old, c->head.size);
	head_rebase(&c->head, old, buf_span(bytes).p);
	buf_consume(&c->conn.in, c->head.size);
}

static void
begin_exchange(struct client *c)
{
	struct headbox *box = c->box;

	move_head(c);
	timers_set(&c->w->loop.timers, &c->timer, clock_now_ms() + WATCH_MS);
	c->box = NULL;
	c->state = CLIENT_EXCHANGE;
	exchange_start(&c->x, c, box, &c->head);
}

static void
read_head(struct client *c)
{
	const struct config *conf = conf_of(c);
	struct head_limits limits = {(size_t)conf->max_head, conf->max_headers};

	switch (head_parse_request(&c->head, buf_span(&c->conn.in), &limits)) {
	case HEAD_DONE:
		if (c->overloaded)
			refuse(c, END_OVERLOADED, "");
		else
			begin_exchange(c);
		return;
	case HEAD_MORE:
		if (c->conn.eof)
			client_close(c);
		else
			conn_resume(&c->conn);
		return;
	case HEAD_BAD:
		refuse(c, speaks_tls(c) ? END_TLS_TO_PLAIN : END_BAD_REQUEST,
		    c->head.why);
		return;
	case HEAD_TOO_LARGE:
		refuse(c, END_HEAD_LARGE, "more bytes than max-head");
		return;
	case HEAD_TOO_MANY:
		refuse(c, END_HEAD_LARGE, "more fields than max-headers");
		return;
	case HEAD_TARGET_LONG:
		refuse(c, END_TARGET_LONG, "");
		return;
	case HEAD_VERSION:
		refuse(c, END_VERSION, "");
		return;
	}
}

static void
client_read(struct client *c)
{
	if (c->conn.in.len == 0) {
		if (c->conn.eof)
			client_close(c);
		return;
	}
	if (!c->head_begun)
		wait_for_head(c); /* from now on head-timeout counts */
	if (!c->box) {
		c->box = worker_box_take(c->w);
		head_reset(&c->head, c->box->fields);
	}
	read_head(c);
}

/* ---- what the connection tells ---- */

static void
advance(struct client *c)
{
	switch (c->state) {
	case CLIENT_HEAD:
		client_read(c);
		break;
	case CLIENT_EXCHANGE:
		exchange_run(&c->x);
		break;
	case CLIENT_LINGER:
		linger_step(c);
		break;
	case CLIENT_CLOSED:
		break;
	}
}

static void
on_readable(void *arg)
{
	advance(arg);
}

static void
on_writable(void *arg)
{
	advance(arg);
}

static void
on_failed(void *arg, enum conn_failure f)
{
	(void)f; /* only writing can fail on an accepted socket */
	client_close(arg);
}

static void
on_open(void *arg)
{
	(void)arg; /* accepted sockets are open from the start */
}

static const struct conn_ops client_ops = {
    on_open, on_readable, on_writable, on_failed};

struct client *
client_new(struct worker *w, const struct arrival *a)
{
	struct client *c = MEM_NEW(struct client);
	const struct config *conf = w->view->bundle->config;
	/* One more than a head may have, so that a larger one is seen. */
	size_t limit = conf->relay_buffer > conf->max_head
			   ? (size_t)conf->relay_buffer
			   : (size_t)conf->max_head + 1;

	c->w = w;
	c->listener = a->listener;
	c->peer = a->peer;
	c->overloaded = a->overloaded;
	c->epoch = a->epoch;
	timer_init(&c->timer, on_timer, c);
	conn_init_accepted(&c->conn, &w->loop, a->fd, limit, &client_ops, c);
	TAILQ_INSERT_TAIL(&w->clients, c, link);
	metric_add(&w->metrics->clients_opened, 1);
	wait_for_head(c);
	if (w->draining)
		client_drain(c);
	return c;
}
