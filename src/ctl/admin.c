/*
 * admin: see admin.h.
 */
#include "ctl/admin.h"

#include "base/clock.h"
#include "base/mem.h"
#include "http/head.h"
#include "http/write.h"
#include "net/conn.h"
#include "net/peer.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#define REQUEST_MS 10000  /* for the request and its answer together */
#define OUTCOME_MS 120000 /* for what comes of a reload */
#define LINGER_MS 2000    /* for the client to take the end of the answer */
#define HEAD_MAX 8192
#define FIELDS_MAX 64

TAILQ_HEAD(visit_list, visit);

/* One per listener, for the Host check knows which one was asked. */
struct admin_port {
	struct admin_port *next;
	struct admin *admin;
	struct listener *listener;
	enum admin_kind kind;
	bool any_host;
	struct visit_list visits;  /* the oldest first */
	struct visit_list waiting; /* for what comes of a reload, or told */
	unsigned nvisits, nwaiting, max;
};

struct admin {
	struct loop *loop;
	struct admin_pages pages;
	struct admin_port *ports;
};

/* One connection: one request and its answer. */
struct visit {
	struct corpse corpse;
	struct conn conn;
	struct admin_port *port;
	TAILQ_ENTRY(visit) link;
	struct timer timer;
	bool apart;   /* in that list, */
	bool waiting; /* and not told yet */
	bool is_head; /* the answer has no content */
	bool answered, shut;
	struct head head;
	struct field fields[FIELDS_MAX];
};

#define PAGE(member) offsetof(struct admin_pages, member)

static const struct page {
	const char *path, *type;
	size_t make; /* offset of the function in struct admin_pages */
	enum {
		ALL,  /* on every listener */
		FULL, /* on admin-listen only */
		ACTS, /* the same, with POST and by few */
		LATE, /* the same, and the answer comes when it is known */
	} who;
} pages[] = {
    {"/livez", "text/plain", PAGE(live), ALL},
    {"/healthz", "text/plain", PAGE(live), FULL},
    {"/startupz", "text/plain", PAGE(started), FULL},
    {"/readyz", "text/plain", PAGE(ready), ALL},
    {"/metrics", "text/plain; version=0.0.4", PAGE(metrics), ALL},
    {"/status", "application/json", PAGE(status), FULL},
    {"/reload", "text/plain", PAGE(reload), LATE},
    {"/quitquitquit", "text/plain", PAGE(quit), ACTS},
};

#define NOT_FOUND                                             \
	"/livez /startupz /readyz /healthz /metrics /status " \
	"and POST /reload /quitquitquit\n"
#define NOT_FOUND_METRICS "/livez /readyz /metrics\n"
#define NOT_HERE                                                              \
	"only the user who runs the sidecar, or root, may ask for this, and " \
	"only on a Unix socket of admin-listen (or set admin-quit = tcp)\n"

/* ---- answers ---- */

static void
answer_with(struct visit *v, unsigned status, const char *type,
    struct span body, const char *allow)
{
	struct buf *out = &v->conn.out;

	write_status_line(out, status, write_reason(status));
	write_field(out, SPAN("Content-Type"), span_of(type));
	write_field_u64(out, SPAN("Content-Length"), body.n);
	write_field(out, SPAN("Cache-Control"), SPAN("no-store"));
	if (allow)
		write_field(out, SPAN("Allow"), span_of(allow));
	write_field(out, SPAN("Connection"), SPAN("close"));
	write_head_end(out);
	if (!v->is_head)
		buf_add_span(out, body);
}

static void
answer_text(struct visit *v, unsigned status, const char *text)
{
	answer_with(v, status, "text/plain", span_of(text), NULL);
}

static void
answer_page(struct visit *v, const struct page *page)
{
	const struct admin_pages *p = &v->port->admin->pages;
	unsigned (*make)(void *, struct buf *);
	struct buf body = BUF_INIT;
	unsigned status;

	memcpy(&make, (const char *)p + page->make, sizeof(make));
	status = make(p->arg, &body);
	answer_with(v, status, page->type, buf_span(&body), NULL);
	buf_free(&body);
}

/* ---- answers that come later ---- */

static void finish(struct visit *);

static void
wait_ms(struct visit *v, int64_t ms)
{
	timers_set(
	    &v->port->admin->loop->timers, &v->timer, clock_now_ms() + ms);
}

static void
begin_to_wait(struct visit *v)
{
	struct admin_port *port = v->port;
	const struct admin_pages *p = &port->admin->pages;
	const char *why;

	if (port->nwaiting == ADMIN_WAITING_MAX) {
		answer_text(v, 503, "too many wait for a reload already\n");
		return;
	}
	if ((why = p->reload(p->arg, v)) != NULL) {
		answer_text(v, 409, why);
		return;
	}
	TAILQ_REMOVE(&port->visits, v, link);
	TAILQ_INSERT_TAIL(&port->waiting, v, link);
	port->nvisits--;
	port->nwaiting++;
	v->apart = v->waiting = true;
	wait_ms(v, OUTCOME_MS);
}

void
admin_tell(struct visit *v, unsigned status, const char *sentence)
{
	struct buf text = BUF_INIT;

	v->waiting = false;
	wait_ms(v, REQUEST_MS);
	buf_printf(&text, "%s\n", sentence);
	answer_with(v, status, "text/plain", buf_span(&text), NULL);
	buf_free(&text);
	v->answered = true;
	finish(v);
}

/* ---- requests ---- */

/* The listener's own address or `localhost`: any other Host may have been
 * put there by DNS rebinding. */
static bool
authority_ok(const struct route_local *local, const struct authority *a)
{
	return local->is_unix || ((span_ieq(a->host, SPAN("localhost")) ||
				      span_eq(a->host, local->host)) &&
				     (a->port < 0 || a->port == local->port));
}

static bool
host_ok(const struct visit *v, const struct target *target)
{
	const struct route_local *local = listener_local(v->port->listener);
	struct span host = head_value(&v->head, FIELD_HOST);
	struct authority a;

	if (v->port->any_host)
		return true;
	if (target->form == TARGET_ABSOLUTE)
		return authority_ok(local, &target->authority);
	if (local->is_unix || !host.p)
		return true;
	return authority_parse(host, &a) && authority_ok(local, &a);
}

static bool
is_from_browser(const struct head *h)
{
	const struct field *f;

	if (head_find(h, FIELD_ORIGIN))
		return true;
	for (f = head_find(h, FIELD_SEC_FETCH_SITE); f;
	     f = head_find_next(h, f))
		if (!span_eq(f->value, SPAN("none")))
			return true;
	return false;
}

/* RFC 9112 section 3.2. */
static bool
host_is_clear(const struct head *h)
{
	const struct field *f = head_find(h, FIELD_HOST);

	return f ? !head_find_next(h, f) : h->minor == 0;
}

/* The kernel says who connected to a Unix socket. */
static bool
may_act(const struct visit *v)
{
	const struct admin_pages *p = &v->port->admin->pages;
	struct peer peer;

	if (!listener_local(v->port->listener)->is_unix)
		return p->tcp_may_act(p->arg);
	peer = peer_owner(v->conn.fd);
	return peer.known && (peer.uid == geteuid() || peer.uid == 0);
}

static bool
acts(const struct page *page)
{
	return page->who == ACTS || page->who == LATE;
}

static bool
method_fits(const struct page *page, struct span method)
{
	if (acts(page))
		return span_eq(method, SPAN("POST"));
	return span_eq(method, SPAN("GET")) || span_eq(method, SPAN("HEAD"));
}

static void
serve_page(struct visit *v, const struct page *page)
{
	if (!method_fits(page, v->head.method))
		answer_with(v, 405, "text/plain",
		    acts(page) ? SPAN("ask with POST\n")
			       : SPAN("this page only shows\n"),
		    acts(page) ? "POST" : "GET, HEAD");
	else if (acts(page) && !may_act(v))
		answer_text(v, 403, NOT_HERE);
	else if (page->who == LATE)
		begin_to_wait(v);
	else
		answer_page(v, page);
}

static void
serve_path(struct visit *v, struct span path)
{
	bool metrics = v->port->kind == ADMIN_METRICS;

	for (size_t i = 0; i < COUNT(pages); i++) {
		if (!span_eq(path, span_of(pages[i].path)) ||
		    (metrics && pages[i].who != ALL))
			continue;
		serve_page(v, &pages[i]);
		return;
	}
	answer_text(v, 404, metrics ? NOT_FOUND_METRICS : NOT_FOUND);
}

static void
serve(struct visit *v)
{
	const struct head *h = &v->head;
	struct target target;

	/* Noted, for the head is in a buffer that may move before an answer
	 * that comes late. */
	v->is_head = span_eq(h->method, SPAN("HEAD"));

	if (is_from_browser(h)) {
		answer_text(v, 403, "requests from web pages are refused\n");
		return;
	}
	if (!target_parse(h->method, h->target, &target) || !host_is_clear(h)) {
		answer_text(v, 400, "the request is malformed\n");
		return;
	}
	if (!host_ok(v, &target)) {
		answer_text(
		    v, 403, "the Host is not this listener's address\n");
		return;
	}
	serve_path(v, target.path);
}

/* False: more of the head is to come. */
static bool
read_request(struct visit *v)
{
	static const struct head_limits limits = {HEAD_MAX, FIELDS_MAX};

	switch (head_parse_request(&v->head, buf_span(&v->conn.in), &limits)) {
	case HEAD_DONE:
		serve(v);
		return !v->waiting;
	case HEAD_MORE:
		return false;
	case HEAD_BAD:
		answer_text(v, 400, "the request is malformed\n");
		return true;
	case HEAD_TOO_LARGE:
	case HEAD_TOO_MANY:
		answer_text(v, 431, "the request head is too large\n");
		return true;
	case HEAD_TARGET_LONG:
		answer_text(v, 414, "the request target is too long\n");
		return true;
	case HEAD_VERSION:
		answer_text(v, 505, "only HTTP/1.0 and HTTP/1.1\n");
		return true;
	}
	return true;
}

/* ---- connections ---- */

static void
bury_visit(struct corpse *corpse)
{
	free(corpse);
}

static void
visit_close(struct visit *v)
{
	struct admin_port *port = v->port;

	const struct admin_pages *p = &port->admin->pages;

	if (v->conn.state == CONN_CLOSED)
		return;
	if (v->waiting)
		p->forget(p->arg, v);
	TAILQ_REMOVE(v->apart ? &port->waiting : &port->visits, v, link);
	if (v->apart)
		port->nwaiting--;
	else
		port->nvisits--;
	timers_cancel(&port->admin->loop->timers, &v->timer);
	conn_close(&v->conn, false);
	loop_reap(port->admin->loop, &v->corpse, bury_visit);
}

/* The answer goes out, then our side is closed and the rest of the input
 * dropped until the client closes too, or a reset could take the answer away
 * (RFC 9112 section 9.6). */
static void
finish(struct visit *v)
{
	conn_flush(&v->conn);
	if (v->conn.write_broken) {
		visit_close(v);
		return;
	}
	if (v->conn.out.len)
		return;
	if (v->conn.eof) {
		visit_close(v);
		return;
	}
	if (!v->shut) {
		v->shut = true;
		conn_shutdown_write(&v->conn);
		wait_ms(v, LINGER_MS);
	}
	buf_consume(&v->conn.in, v->conn.in.len);
	conn_resume(&v->conn);
}

static void
advance(void *arg)
{
	struct visit *v = arg;

	if (v->waiting)
		return;
	if (!v->answered)
		v->answered = read_request(v);
	if (v->waiting)
		return;
	if (v->answered)
		finish(v);
	else if (v->conn.eof)
		visit_close(v);
	else
		conn_resume(&v->conn);
}

static void
on_failed(void *arg, enum conn_failure f)
{
	(void)f; /* only writing can fail on an accepted socket */
	visit_close(arg);
}

static void
on_open(void *arg)
{
	(void)arg; /* accepted sockets are open from the start */
}

static void
on_late(void *arg)
{
	struct visit *v = arg;

	if (v->waiting) {
		struct admin_pages *p = &v->port->admin->pages;

		p->forget(p->arg, v);
		admin_tell(v, 504, "not decided yet; see /status and the log");
		return;
	}
	visit_close(v);
}

static const struct conn_ops visit_ops = {on_open, advance, advance, on_failed};

/* Whoever has been there longest makes room, so that a client which only
 * holds connections can neither use up descriptors nor keep a probe out. */
static void
on_accepted(void *arg, struct listener *l, int fd)
{
	struct admin_port *port = arg;
	struct visit *v = MEM_NEW(struct visit);

	(void)l;
	if (port->nvisits == port->max)
		visit_close(TAILQ_FIRST(&port->visits));
	v->port = port;
	head_reset(&v->head, v->fields);
	timer_init(&v->timer, on_late, v);
	/* One more than a head may have, so that a larger one is seen. */
	conn_init_accepted(
	    &v->conn, port->admin->loop, fd, HEAD_MAX + 1, &visit_ops, v);
	TAILQ_INSERT_TAIL(&port->visits, v, link);
	port->nvisits++;
	wait_ms(v, REQUEST_MS);
}

/* ---- making and freeing ---- */

struct admin *
admin_new(struct loop *loop, const struct admin_pages *made)
{
	struct admin *a = MEM_NEW(struct admin);

	a->loop = loop;
	a->pages = *made;
	return a;
}

void
admin_listen(struct admin *a, struct listener *l, enum admin_kind kind)
{
	struct admin_port *port = MEM_NEW(struct admin_port);
	struct listen_addr bound = listener_addr(l);

	port->admin = a;
	port->listener = l;
	port->kind = kind;
	port->max = listener_local(l)->is_unix ? ADMIN_SOCKET_MAX
					       : ADMIN_CONNECTIONS_MAX;
	port->any_host = kind == ADMIN_METRICS && !listen_is_local(&bound);
	listen_addr_fini(&bound);
	TAILQ_INIT(&port->visits);
	TAILQ_INIT(&port->waiting);
	port->next = a->ports;
	a->ports = port;
	listener_start(l, on_accepted, port);
}

void
admin_free(struct admin *a)
{
	if (!a)
		return;
	while (a->ports) {
		struct admin_port *port = a->ports;

		a->ports = port->next;
		/* What waits in its backlog comes too late. */
		listener_pause(port->listener);
		while (!TAILQ_EMPTY(&port->waiting))
			visit_close(TAILQ_FIRST(&port->waiting));
		while (!TAILQ_EMPTY(&port->visits))
			visit_close(TAILQ_FIRST(&port->visits));
		free(port);
	}
	free(a);
}
