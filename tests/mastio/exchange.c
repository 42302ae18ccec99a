/*
 * exchange: see exchange.h.  The order of things is that of nginx in front of
 * the application: head, front, whole body, application, answer.
 */
#include "mastio/exchange.h"

#include "mastio/fault.h"
#include "mastio/journal.h"
#include "mastio/process.h"
#include "mastio/routes.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

char *
exchange_host_htu(const struct exchange *x)
{
	return xasprintf("https://%s%s", x->app_host, x->path);
}

char *
exchange_public_htu(const struct exchange *x)
{
	const char *base = x->srv->set.public_url;
	size_t n;

	if (!base)
		return exchange_host_htu(x);
	n = strlen(base);
	if (n && base[n - 1] == '/')
		n--;
	return xasprintf("%.*s%s", (int)n, base, x->path);
}

bool
exchange_holds_input(const struct exchange *x)
{
	return (x->stage == STAGE_STALL || x->stage == STAGE_DELAY) &&
	       x->body.state != BODY_DONE;
}

void
exchange_wait(struct exchange *x, int64_t ms, event_callback_fn done)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (x->timer)
		event_free(x->timer);
	x->timer = evtimer_new(x->srv->base, done, x);
	evtimer_add(x->timer, &tv);
}

/* nginx has waited long enough for the application. */
static void
on_silence(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;
	struct conn *c = x->conn;

	(void)fd;
	(void)what;
	x->log->read_timeout = true;
	x->srv->stats.read_timeouts++;
	if (x->timer)
		evtimer_del(x->timer);
	if (!x->answer.begun) {
		front_error(x, 504);
	} else {
		x->log->cut = true;
		exchange_abort(c);
		c->close_flushed = true;
	}
	conn_turn(c);
}

void
exchange_expect(struct exchange *x)
{
	int64_t ms = x->srv->set.read_timeout_ms;
	struct timeval tv;

	if (ms < 0)
		ms = x->read_timeout_ms;
	tv = (struct timeval){ms / 1000, ms % 1000 * 1000};
	if (!x->silence)
		x->silence = evtimer_new(x->srv->base, on_silence, x);
	if (!x->silence)
		abort();
	evtimer_add(x->silence, &tv);
}

void
exchange_heard(struct exchange *x)
{
	if (x->silence)
		evtimer_del(x->silence);
}

/* Writes down the hash of what was read of the body; once. */
static void
seal_body(struct exchange *x)
{
	uint8_t digest[SHA256_LEN];

	if (!x->hash)
		return;
	EVP_DigestFinal_ex(x->hash, digest, NULL);
	hex_encode(digest, sizeof(digest), x->log->body_sha256);
	EVP_MD_CTX_free(x->hash);
	x->hash = NULL;
}

static void
exchange_free(struct exchange *x)
{
	struct entry *e = x->log;

	seal_body(x);
	answer_fini(x);
	if (x->timer)
		event_free(x->timer);
	if (x->silence)
		event_free(x->silence);
	if (x->held)
		evbuffer_free(x->held);
	json_decref(x->json);
	fault_unref(x->fault);
	free(x->path);
	free(x->query);
	free(x->app_host);
	free(x->agent_id);
	entry_unref(e);
	x->conn->x = NULL;
	free(x);
}

void
exchange_abort(struct conn *c)
{
	struct exchange *x = c->x;

	if (!x)
		return;
	x->log->aborted = true;
	x->srv->stats.requests_aborted++;
	exchange_free(x);
}

/* Variant B keeps upstream connections, so that a client tends to meet one
 * process again; A and C connect anew for each request. */
static unsigned
pick_process(struct server *srv, const struct conn *c)
{
	unsigned n = (unsigned)srv->set.processes;

	return settings_front(&srv->set) == FRONT_B ? (unsigned)(c->id % n)
						    : server_roll(srv, n);
}

static struct exchange *
exchange_new(struct conn *c, struct head *head)
{
	struct exchange *x = xcalloc(1, sizeof(*x));

	x->srv = c->srv;
	x->conn = c;
	x->log = journal_add(c->srv->journal, c->peer);
	x->log->head = *head;
	x->head = &x->log->head;
	x->body.state = BODY_DONE;
	c->x = x;
	c->served++;
	c->srv->stats.requests++;
	event_del(c->timer);
	return x;
}

/* The head could not be read: nginx's page, then the connection ends. */
static void
refuse_head(struct conn *c, struct head *head, enum http_result why)
{
	struct exchange *x = exchange_new(c, head);

	evbuffer_drain(c->in, evbuffer_get_length(c->in));
	x->answer.close = true;
	if (why == HTTP_TARGET_TOO_LONG)
		front_error(x, 414);
	else if (why == HTTP_HEADER_TOO_LONG)
		front_page(x, 400, "400 Request Header Or Cookie Too Large");
	else if (why == HTTP_BAD_VERSION)
		front_error(x, 505);
	else
		front_error(x, 400);
}

/* Faults in the front's place; false: the application's turn. */
static bool
apply_front_fault(struct exchange *x)
{
	return x->fault && !x->fault->app && fault_apply(x);
}

static void on_delayed(evutil_socket_t fd, short what, void *arg);

/* What a fault wants before anything else; true: wait for on_delayed(). */
static bool
delay(struct exchange *x)
{
	if (x->delayed || !x->fault || x->fault->delay_ms <= 0)
		return false;
	x->delayed = true;
	x->stage = STAGE_DELAY;
	exchange_wait(x, x->fault->delay_ms, on_delayed);
	return true;
}

/* The head is here, and the body too unless an early fault answers. */
static void
go_on(struct exchange *x)
{
	struct conn *c = x->conn;

	if (!delay(x) && !apply_front_fault(x) && x->body.state == BODY_DONE)
		app_handle(x);
	if (c->x && !x->answer.begun && x->body.state == BODY_DONE)
		exchange_expect(x);
}

static void
on_delayed(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;
	struct conn *c = x->conn;

	(void)fd;
	(void)what;
	x->stage = STAGE_BODY;
	go_on(x);
	conn_turn(c);
}

static void
begin(struct exchange *x)
{
	struct server *srv = x->srv;
	struct entry *e = x->log;

	x->process = srv->processes[pick_process(srv, x->conn)];
	x->hash = EVP_MD_CTX_new();
	if (!x->hash || !EVP_DigestInit_ex(x->hash, EVP_sha256(), NULL))
		abort();
	front_judge(x);
	e->framing = x->body.framing;
	e->path = x->path ? xstrdup(x->path) : NULL;
	e->host = x->app_host ? xstrdup(x->app_host) : NULL;
	if (x->answer.begun) {
		if (x->answer.close)
			x->body.state = BODY_DONE;
		return;
	}
	e->process = (int)process_index(x->process);
	x->fault = fault_deal(srv, x->head->method, x->path);
	app_route(x);
	if (x->fault && x->fault->early && x->body.state != BODY_DONE)
		go_on(x);
	else if (x->body.state != BODY_DONE &&
		 http_header_has(x->head, "Expect", "100-continue"))
		evbuffer_add_printf(
		    x->conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* Reads the next head.  True: there is an exchange now. */
static bool
read_head(struct conn *c)
{
	size_t n = evbuffer_get_length(c->in), used = 0;
	const char *p = (const char *)evbuffer_pullup(c->in, -1);
	enum http_result res;
	struct head head;

	/* RFC 9112 section 2.2: an empty line before a request is ignored. */
	while (n >= 2 && p[0] == '\r' && p[1] == '\n') {
		evbuffer_drain(c->in, 2);
		p = (const char *)evbuffer_pullup(c->in, -1);
		n -= 2;
	}
	if (n == 0)
		return false;
	res = http_head_read(&head, p, n, &used);
	if (res == HTTP_MORE)
		return false;
	if (res != HTTP_DONE) {
		refuse_head(c, &head, res);
		return true;
	}
	evbuffer_drain(c->in, used);
	begin(exchange_new(c, &head));
	return true;
}

static void
body_is_bad(struct exchange *x)
{
	x->body.state = BODY_DONE;
	evbuffer_drain(x->conn->in, evbuffer_get_length(x->conn->in));
	if (x->answer.begun)
		x->answer.close = true;
	else
		front_error(x, 400);
}

static void
take_body(struct exchange *x, const char *data, size_t n)
{
	EVP_DigestUpdate(x->hash, data, n);
	if (x->held && evbuffer_get_length(x->held) + n <= x->held_max)
		evbuffer_add(x->held, data, n);
	x->log->body_bytes = x->body.bytes;
}

static void
end_of_body(struct exchange *x)
{
	seal_body(x);
	if (x->stage == STAGE_BODY)
		go_on(x);
}

/* A chunked body declares no length: nginx counts. */
static bool
too_large(const struct exchange *x)
{
	return x->srv->set.body_limit >= 0 && x->body.bytes > (4u << 20) &&
	       !x->answer.begun;
}

/* Consumes what there is of the body; true if anything moved. */
static bool
read_body(struct exchange *x)
{
	struct evbuffer *in = x->conn->in;
	bool moved = false;

	while (x->body.state != BODY_DONE) {
		size_t n = evbuffer_get_length(in), used, ndata;
		const char *p = (const char *)evbuffer_pullup(in, -1), *data;
		enum http_result res =
		    http_body_read(&x->body, p, n, &used, &data, &ndata);

		if (res != HTTP_DONE && res != HTTP_MORE) {
			body_is_bad(x);
			return true;
		}
		if (!used)
			return moved;
		if (ndata)
			take_body(x, data, ndata);
		evbuffer_drain(in, used);
		moved = true;
		if (too_large(x)) {
			x->body.state = BODY_DONE;
			front_error(x, 413);
			return true;
		}
	}
	return moved;
}

/* The answer is written and the body is in (or will never be read). */
static void
finish(struct exchange *x)
{
	struct conn *c = x->conn;
	bool close = x->answer.close;
	struct timeval tv = {x->srv->set.keepalive_ms / 1000,
	    x->srv->set.keepalive_ms % 1000 * 1000};

	x->log->complete = true;
	exchange_free(x);
	if (close)
		c->close_flushed = true;
	else
		evtimer_add(c->timer, &tv);
}

/* One step of the exchange; true if anything moved. */
static bool
step(struct exchange *x)
{
	struct conn *c = x->conn;
	bool unread = x->body.state != BODY_DONE;
	bool moved = false;

	if (!x->answer.begun && x->stage == STAGE_BODY && !unread) {
		end_of_body(x);
		return true;
	}
	if (unread && !exchange_holds_input(x)) {
		moved = read_body(x);
		if (x->body.state == BODY_DONE) {
			end_of_body(x);
			return true;
		}
	}
	if (!x->answer.begun)
		return moved;
	moved |= answer_pump(x);
	if (!c->x)
		return true;
	if (x->answer.ended &&
	    (x->body.state == BODY_DONE || x->answer.close)) {
		finish(x);
		return true;
	}
	return moved;
}

bool
exchange_run(struct conn *c)
{
	bool moved = false;

	while (
	    c->state == CONN_OPEN && !c->close_flushed && !c->reset_flushed) {
		if (!c->x && !read_head(c))
			break;
		if (!c->x)
			continue;
		if (!step(c->x))
			break;
		moved = true;
	}
	return moved;
}
