/*
 * fetch: see fetch.h.
 */
#include "net/fetch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "http/write.h"
#include "net/relay.h"

#include <stdlib.h>

struct fetch {
	struct corpse corpse;
	struct loop *loop;
	struct lease lease;
	struct buf request; /* head and body, ready to be written */
	struct span method;
	int64_t timeout_ms, sent_ms;
	struct timer timer;
	struct head head;
	struct field fields[FETCH_FIELDS_MAX];
	struct buf head_bytes; /* what head's spans point into */
	bool have_head, over;
	struct relay relay;
	struct replay body;
	size_t budget;
	void (*told)(void *, const struct fetch_result *);
	void *arg;
};

static void
bury_fetch(struct corpse *corpse)
{
	struct fetch *f = (struct fetch *)corpse;

	buf_free(&f->request);
	buf_free(&f->head_bytes);
	replay_drop(&f->body);
	free(f);
}

static void
end(struct fetch *f, bool reusable)
{
	f->over = true;
	timers_cancel(&f->loop->timers, &f->timer);
	lease_end(&f->lease, reusable);
	loop_reap(f->loop, &f->corpse, bury_fetch);
}

/* Told behind the end, so that what is asked next can have the connection;
 * the fetch itself is there until the end of the turn. */
static void
fail(struct fetch *f, enum lease_failure failure, const char *why)
{
	struct fetch_result r = {.failure = failure, .why = why};

	end(f, false);
	f->told(f->arg, &r);
}

static void
succeed(struct fetch *f)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(f->lease.uc->conn.ssl);
	struct fetch_result r = {.status = f->head.status,
	    .head = &f->head,
	    .body = buf_span(&f->body.body),
	    .chain = chain ? X509_chain_up_ref(chain) : NULL,
	    .sent_ms = f->sent_ms};

	end(f, f->relay.in.kind != FRAMING_CLOSE && head_keep_alive(&f->head));
	f->told(f->arg, &r);
	sk_X509_pop_free(r.chain, X509_free);
}

static void
on_late(void *arg)
{
	fail(arg, LEASE_OK, "the gateway did not answer in time");
}

static void
send_request(struct fetch *f)
{
	struct conn *conn = &f->lease.uc->conn;

	f->sent_ms = clock_now_ms();
	conn->in.secret = true; /* the answer may hold a token */
	timers_set(&f->loop->timers, &f->timer, f->sent_ms + f->timeout_ms);
	buf_add_span(&conn->out, buf_span(&f->request));
	conn_flush(conn); /* a broken write shows when reading */
}

static void
on_leased(struct lease *l)
{
	struct fetch *f =
	    (struct fetch *)((char *)l - offsetof(struct fetch, lease));

	if (l->failure != LEASE_OK)
		fail(f, l->failure, l->why);
	else
		send_request(f);
}

/* The head, kept apart because the body follows in the same buffer. */
static enum head_status
read_head(struct fetch *f)
{
	static const struct head_limits limits = {
	    FETCH_HEAD_MAX, FETCH_FIELDS_MAX};
	struct conn *conn = &f->lease.uc->conn;
	enum head_status s;

	buf_add_span(&f->head_bytes, buf_span(&conn->in));
	buf_consume(&conn->in, conn->in.len);
	s = head_parse_response(&f->head, buf_span(&f->head_bytes), &limits);
	if (s == HEAD_DONE)
		buf_add(&conn->in, buf_span(&f->head_bytes).p + f->head.size,
		    f->head_bytes.len - f->head.size);
	return s;
}

/* True when a head is there and the body's framing is known. */
static bool
begin_body(struct fetch *f)
{
	const char *why = NULL;
	struct framing framing;

	for (;;) {
		enum head_status s = read_head(f);

		if (s == HEAD_MORE && !f->lease.uc->conn.eof)
			return false;
		if (s != HEAD_DONE) {
			fail(f, LEASE_OK,
			    s == HEAD_MORE
				? "the gateway closed the connection "
				  "without an answer"
				: "the gateway's answer is not valid HTTP");
			return false;
		}
		if (f->head.status >= 200)
			break;
		buf_clear(&f->head_bytes); /* an interim answer */
		head_reset(&f->head, f->fields);
	}
	if (framing_response(&f->head, f->method, &framing, &why) !=
	    FRAMING_OK) {
		fail(f, LEASE_OK,
		    "the gateway's answer has a body of "
		    "unclear length");
		return false;
	}
	f->have_head = true;
	relay_init(&f->relay, framing, false, FETCH_BODY_MAX);
	return true;
}

static void
on_readable(struct lease *l)
{
	struct fetch *f =
	    (struct fetch *)((char *)l - offsetof(struct fetch, lease));

	if (f->over || (!f->have_head && !begin_body(f)))
		return;
	switch (relay_run(&f->relay, &l->uc->conn, NULL, &f->body)) {
	case RELAY_MORE:
		if (!f->body.lost)
			return;
		fail(f, LEASE_OK, "the gateway's answer is over 64 KiB");
		return;
	case RELAY_DONE:
		if (f->body.lost)
			fail(
			    f, LEASE_OK, "the gateway's answer is over 64 KiB");
		else
			succeed(f);
		return;
	default:
		fail(f, LEASE_OK, "the gateway's answer was cut short");
	}
}

static void
on_writable(struct lease *l)
{
	(void)l;
}

static const struct lease_ops fetch_ops = {on_leased, on_readable, on_writable};

static void
write_request(struct fetch *f, const struct fetch_request *r)
{
	f->request.secret = true;
	write_request_line(&f->request, f->method, span_of(r->path), SPAN_NONE);
	write_field(&f->request, SPAN("Host"), r->host);
	buf_add_span(&f->request, r->fields);
	if (r->body.p)
		write_field(&f->request, SPAN("Content-Type"),
		    SPAN("application/json"));
	write_field_u64(&f->request, SPAN("Content-Length"), r->body.n);
	write_head_end(&f->request);
	buf_add_span(&f->request, r->body);
}

struct fetch *
fetch_start(struct upstream *u, struct upstream_identity identity,
    const struct fetch_request *r,
    void (*told)(void *, const struct fetch_result *), void *arg)
{
	struct fetch *f = MEM_NEW(struct fetch);

	f->loop = u->loop;
	f->timeout_ms = r->timeout_ms;
	f->told = told;
	f->arg = arg;
	f->budget = FETCH_BODY_MAX;
	f->head_bytes.secret = true;
	/* Only two methods are asked for, so a literal outlives us. */
	f->method = strcmp(r->method, "POST") == 0 ? SPAN("POST") : SPAN("GET");
	timer_init(&f->timer, on_late, f);
	head_reset(&f->head, f->fields);
	replay_init(&f->body, FETCH_BODY_MAX, &f->budget);
	lease_init(&f->lease, &fetch_ops);
	write_request(f, r);
	if (lease_begin(&f->lease, u, identity, r->fresh))
		send_request(f);
	return f;
}

void
fetch_cancel(struct fetch *f)
{
	if (!f->over)
		end(f, false);
}
