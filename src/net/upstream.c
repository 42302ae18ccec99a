/*
 * upstream: see upstream.h.  Order of this file: TLS sessions, addresses,
 * connecting, serving waiters, idle connections, leases, making and freeing.
 */
#include "net/upstream.h"

#include "auth/tls.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/viaproxy.h"

#include <errno.h>
#include <stdlib.h>

/* At once, per loop: a handshake under way holds twice what an open connection
 * does, and more of them only make each take longer. */
#define CONNECTING_MAX 16
#define ADDRESS_LIFE_MS 30000
#define ADDRESS_DOUBT_MS 500 /* after one that nobody answers at */
#define ADDRESS_MIN_MS 250   /* RFC 8305 section 5 */

static void balance(struct upstream *);
static void try_address(struct upconn *);
static void on_idle_timeout(void *);

/* ---- TLS sessions ---- */

static void
on_session(void *arg, SSL_SESSION *session)
{
	struct upconn *uc = arg;
	struct upstream *u = uc->u;

	if (uc->identity.generation != u->generation)
		return;
	SSL_SESSION_up_ref(session);
	SSL_SESSION_free(u->session);
	u->session = session;
}

/* ---- ending a connection ---- */

static void
bury_upconn(struct corpse *corpse)
{
	struct upconn *uc = (struct upconn *)corpse;

	SSL_CTX_free(uc->identity.ctx);
	mem_wipe_free_str(uc->nonce);
	free(uc->why);
	free(uc);
}

static void
upconn_close(struct upconn *uc)
{
	struct upstream *u = uc->u;

	if (uc->state == UC_CLOSED)
		return;
	if (uc->state == UC_IDLE) {
		TAILQ_REMOVE(&u->idle, uc, link);
		u->idle_count--;
		metric_sub(&u->metrics->upconns_idle, 1);
	} else {
		TAILQ_REMOVE(&u->others, uc, link);
	}
	if (uc->state == UC_CONNECTING) {
		u->connecting--;
		metric_sub(&u->metrics->upconns_connecting, 1);
	} else if (uc->state == UC_LEASED) {
		metric_sub(&u->metrics->upconns_busy, 1);
	}
	uc->state = UC_CLOSED;
	u->connections--;
	timers_cancel(&u->loop->timers, &uc->timer);
	conn_close(&uc->conn, uc->broken);
	loop_reap(u->loop, &uc->corpse, bury_upconn);
}

/* ---- serving waiters ---- */

static struct lease *
first_waiter(struct upstream *u, uint64_t generation, bool used)
{
	struct lease *l;

	TAILQ_FOREACH(l, &u->waiters, link)
		if (l->identity.generation == generation && !(used && l->fresh))
			return l;
	return NULL;
}

static void
stop_waiting(struct lease *l)
{
	struct upstream *u = l->waiting;

	TAILQ_REMOVE(&u->waiters, l, link);
	u->waiting--;
	l->waiting = NULL;
	l->queued = false;
}

static void
fail_waiter(struct upstream *u, uint64_t generation, enum lease_failure f,
    const char *why)
{
	struct lease *l = first_waiter(u, generation, false);

	if (!l)
		return;
	stop_waiting(l);
	l->failure = f;
	snprintf(l->why, sizeof(l->why), "%s", why);
	l->ops->on_leased(l);
}

static void
give(struct upconn *uc, struct lease *l)
{
	uc->state = UC_LEASED;
	uc->lease = l;
	l->uc = uc;
	l->reused = uc->uses > 0;
	l->failure = LEASE_OK;
	uc->uses++;
	if (l->reused && uc->identity.ctx)
		metric_add(&uc->u->metrics->upstream_reused, 1);
}

/* An open connection in `others` that nobody holds: next waiter, or idle. */
static void
offer(struct upconn *uc)
{
	struct upstream *u = uc->u;
	struct lease *l =
	    first_waiter(u, uc->identity.generation, uc->uses > 0);

	if (l) {
		timers_cancel(&u->loop->timers, &uc->timer);
		stop_waiting(l);
		give(uc, l);
		l->ops->on_leased(l);
		balance(u); /* its place among those that connect */
		return;
	}
	TAILQ_REMOVE(&u->others, uc, link);
	TAILQ_INSERT_HEAD(&u->idle, uc, link);
	u->idle_count++;
	metric_sub(&u->metrics->upconns_busy, 1);
	metric_add(&u->metrics->upconns_idle, 1);
	uc->state = UC_IDLE;
	timer_init(&uc->timer, on_idle_timeout, uc);
	timers_set(
	    &u->loop->timers, &uc->timer, clock_now_ms() + u->opt.idle_ms);
	/* Who waits for another kind may have counted on it or need its
	 * place. */
	balance(u);
}

/* ---- connecting ---- */

/* This connection will not come; the waiter it was begun for is told. */
static void
give_up(struct upconn *uc, enum lease_failure f, const char *why)
{
	struct upstream *u = uc->u;
	uint64_t generation = uc->identity.generation;

	if (uc->identity.ctx)
		metric_add(&u->metrics->upstream_failures, 1);
	log_warn("upstream", "connect failed", L_STR("upstream", u->name),
	    L_STR("err", why), L_END);
	u->doubted = true; /* the host may have moved */
	upconn_close(uc);
	fail_waiter(u, generation, f, why);
	balance(u);
}

static struct addrinfo *
nth_address(struct upstream *u, size_t n)
{
	struct addrinfo *a = u->addresses;

	while (a && n--)
		a = a->ai_next;
	return a;
}

static void
on_connect_timeout(void *arg)
{
	struct upconn *uc = arg;
	struct upstream *u = uc->u;
	char why[200];

	if (clock_now_ms() < uc->due_ms && nth_address(u, uc->address + 1)) {
		conn_close(&uc->conn, false);
		uc->address++;
		try_address(uc);
		return;
	}
	snprintf(why, sizeof(why),
	    "%s did not take a connection within connect-timeout (%lld ms)",
	    u->name, (long long)u->opt.connect_ms);
	give_up(uc, LEASE_TIMEOUT, why);
}

/* A host that answers is asked first from now on. */
static void
prefer_address(struct upstream *u, size_t n)
{
	struct addrinfo *before = n ? nth_address(u, n - 1) : NULL;
	struct addrinfo *good = before ? before->ai_next : NULL;

	if (!good)
		return;
	before->ai_next = good->ai_next;
	good->ai_next = u->addresses;
	u->addresses = good;
}

/* An address that does not answer must leave time for those behind it. */
static void
start_address_clock(struct upconn *uc)
{
	int64_t now = clock_now_ms(), share = uc->due_ms - now;
	size_t behind = 0;

	while (nth_address(uc->u, uc->address + behind + 1))
		behind++;
	if (behind)
		share /= (int64_t)behind + 1;
	if (behind && share < ADDRESS_MIN_MS)
		share = ADDRESS_MIN_MS;
	if (now + share > uc->due_ms)
		share = uc->due_ms - now;
	timers_set(&uc->u->loop->timers, &uc->timer, now + share);
}

static void
count_open(struct upconn *uc)
{
	struct metrics *m = uc->u->metrics;

	if (!uc->conn.ssl)
		return; /* the metrics are about the gateway */
	metric_add(SSL_session_reused(uc->conn.ssl) ? &m->handshakes_resumed
						    : &m->handshakes_full,
	    1);
	metric_add(&m->upstream_connects, 1);
	histogram_add(&m->connect, clock_now_us() - uc->begun_us);
}

static SSL *
new_tls(struct upconn *uc, struct err *err)
{
	struct upstream *u = uc->u;
	SSL *ssl = tls_new(uc->identity.ctx, u->opt.host, err);
	int64_t trusted_s =
	    u->opt.trusted_s ? u->opt.trusted_s(u->opt.trusted_arg) : 0;

	if (!ssl)
		return NULL;
	if (trusted_s)
		tls_set_time(ssl, trusted_s);
	tls_set_on_session(ssl, on_session, uc);
	if (u->session && u->generation == uc->identity.generation)
		SSL_set_session(ssl, u->session);
	return ssl;
}

/* ---- through a proxy ---- */

static void
ask_proxy(struct upconn *uc)
{
	const struct upstream_options *o = &uc->u->opt;

	uc->proxying = true;
	viaproxy_write_connect(&uc->conn.out,
	    o->dial_host ? o->dial_host : o->host,
	    o->dial_host ? o->dial_port : o->port, o->proxy_credentials);
	conn_flush(&uc->conn); /* a broken write shows when reading */
}

static void
hear_proxy(struct upconn *uc)
{
	struct upstream *u = uc->u;
	struct err err = ERR_INIT;
	char what[200] = "it closed the connection without an answer", why[256];
	SSL *ssl;

	switch (viaproxy_read_answer(&uc->conn.in,
	    u->opt.proxy_credentials != NULL, what, sizeof(what))) {
	case VIAPROXY_DONE:
		break;
	case VIAPROXY_MORE:
		if (!uc->conn.eof) {
			conn_resume(&uc->conn);
			return;
		}
		/* fall through */
	case VIAPROXY_REFUSED:
		snprintf(
		    why, sizeof(why), "upstream-proxy %s: %s", u->name, what);
		give_up(uc, LEASE_PROXY, why);
		return;
	}
	uc->proxying = false;
	ssl = new_tls(uc, &err);
	if (ssl)
		conn_start_tls(&uc->conn, ssl);
	else
		give_up(uc, LEASE_TLS, err.text);
}

static void
uc_on_open(void *arg)
{
	struct upconn *uc = arg;
	struct upstream *u = uc->u;

	if (u->opt.proxy_host && !uc->conn.ssl) {
		ask_proxy(uc);
		return;
	}
	count_open(uc);
	timers_cancel(&u->loop->timers, &uc->timer);
	prefer_address(u, uc->address);
	u->connecting--;
	metric_sub(&u->metrics->upconns_connecting, 1);
	metric_add(&u->metrics->upconns_busy, 1);
	uc->state = UC_LEASED; /* held by nobody until offered */
	offer(uc);
}

static void
set_dial_error(const struct upconn *uc, struct err *err)
{
	err_set(err, EXIT_RUNTIME, "cannot connect to %s%s: %s",
	    uc->u->opt.proxy_host ? "upstream-proxy " : "", uc->u->name,
	    strerror(uc->conn.errnum));
}

/* What it means that nothing answers there. */
static enum lease_failure
dial_failure(const struct upstream *u)
{
	return u->opt.proxy_host ? LEASE_PROXY : LEASE_CONNECT;
}

static void
uc_on_failed(void *arg, enum conn_failure f)
{
	struct upconn *uc = arg;
	struct upstream *u = uc->u;
	enum lease_failure failure;
	struct err err = ERR_INIT;

	if (uc->state == UC_IDLE) {
		upconn_close(uc);
		return;
	}
	if (uc->state != UC_CONNECTING)
		return; /* reading will tell how the exchange ends */
	if (f == CONN_FAIL_TLS) {
		failure = tls_was_cut() ? LEASE_TLS_CUT : LEASE_TLS;
		tls_explain(uc->conn.ssl, u->opt.host, &err);
		give_up(uc, failure, err.text);
		return;
	}
	if (uc->proxying)
		return; /* the same */
	set_dial_error(uc, &err);
	conn_close(&uc->conn, false);
	uc->address++;
	if (nth_address(u, uc->address))
		try_address(uc);
	else
		give_up(uc, dial_failure(u), err.text);
}

static void
uc_on_readable(void *arg)
{
	struct upconn *uc = arg;

	if (uc->proxying)
		hear_proxy(uc);
	else if (uc->state == UC_LEASED && uc->lease)
		uc->lease->ops->on_readable(uc->lease);
	else if (uc->state == UC_IDLE)
		upconn_close(uc); /* a byte or EOF that nobody asked for */
}

static void
uc_on_writable(void *arg)
{
	struct upconn *uc = arg;

	if (uc->state == UC_LEASED && uc->lease)
		uc->lease->ops->on_writable(uc->lease);
}

static const struct conn_ops upconn_ops = {
    uc_on_open, uc_on_readable, uc_on_writable, uc_on_failed};

static void
on_failed_at_once(void *arg)
{
	struct upconn *uc = arg;

	give_up(uc, uc->failure, uc->why);
}

/* Told in the next turn, so that lease_begin() never calls back. */
static void
fail_later(struct upconn *uc, enum lease_failure f, const char *why)
{
	uc->failure = f;
	uc->why = mem_strdup(why);
	timers_cancel(&uc->u->loop->timers, &uc->timer);
	timer_init(&uc->timer, on_failed_at_once, uc);
	timers_set(&uc->u->loop->timers, &uc->timer, clock_now_ms());
}

static const char *
refusal(const struct upstream *u, const struct sockaddr *sa)
{
	return u->opt.refuse ? u->opt.refuse(u->opt.refuse_arg, sa) : NULL;
}

static void
try_address(struct upconn *uc)
{
	struct upstream *u = uc->u;
	struct addrinfo *a = nth_address(u, uc->address);
	bool tls_first = uc->identity.ctx && !u->opt.proxy_host;
	const char *denied = NULL;
	struct err err = ERR_INIT;
	SSL *ssl;

	start_address_clock(uc);
	for (; a; a = a->ai_next, uc->address++) {
		const char *why = refusal(u, a->ai_addr);

		if (why) {
			denied = why;
			continue;
		}
		ssl = tls_first ? new_tls(uc, &err) : NULL;
		if (tls_first && !ssl) {
			fail_later(uc, LEASE_TLS, err.text);
			return;
		}
		uc->dialled = true;
		if (conn_init_connect(&uc->conn, u->loop, a->ai_addr,
			a->ai_addrlen, ssl, u->opt.in_limit, &upconn_ops,
			uc) == 0) {
			/* Credentials and prompts pass through. */
			uc->conn.out.secret = true;
			return;
		}
	}
	if (denied && !uc->dialled) {
		err_set(&err, EXIT_RUNTIME, "%s is %s", u->name, denied);
		fail_later(uc, LEASE_DENIED, err.text);
		return;
	}
	set_dial_error(uc, &err);
	fail_later(uc, dial_failure(u), err.text);
}

static void
connect_new(struct upstream *u, struct upstream_identity identity)
{
	struct upconn *uc = MEM_NEW(struct upconn);

	uc->u = u;
	uc->identity = identity;
	if (identity.ctx)
		SSL_CTX_up_ref(identity.ctx);
	uc->state = UC_CONNECTING;
	uc->conn.state = CONN_CLOSED;
	timer_init(&uc->timer, on_connect_timeout, uc);
	uc->due_ms = clock_now_ms() + u->opt.connect_ms;
	TAILQ_INSERT_TAIL(&u->others, uc, link);
	uc->begun_us = clock_now_us();
	u->connections++;
	u->connecting++;
	metric_add(&u->metrics->upconns_connecting, 1);
	if (!u->generation)
		u->generation = identity.generation;
	try_address(uc);
}

/* ---- addresses ---- */

/* The host whose address is dialled. */
static const char *
dialled_host(const struct upstream_options *o)
{
	if (o->proxy_host)
		return o->proxy_host;
	return o->dial_host ? o->dial_host : o->host;
}

static uint16_t
dialled_port(const struct upstream_options *o)
{
	if (o->proxy_host)
		return o->proxy_port;
	return o->dial_host ? o->dial_port : o->port;
}

static void
on_resolved(void *arg, struct addrinfo *found, const char *error)
{
	struct upstream *u = arg;
	char why[200];

	u->query = NULL;
	u->doubted = false;
	if (found) {
		if (u->addresses)
			freeaddrinfo(u->addresses);
		u->addresses = found;
		u->resolved_ms = clock_now_ms();
	} else if (u->addresses) {
		/* The old ones are better than none; ask again later. */
		u->resolved_ms = clock_now_ms();
	}
	if (!u->addresses) {
		snprintf(why, sizeof(why), "%s: %s; %s", dialled_host(&u->opt),
		    error, u->opt.cure);
		log_warn("upstream", "name look-up failed", L_STR("err", why),
		    L_END);
		while (!TAILQ_EMPTY(&u->waiters))
			fail_waiter(u,
			    TAILQ_FIRST(&u->waiters)->identity.generation,
			    u->opt.proxy_host ? LEASE_PROXY : LEASE_RESOLVE,
			    why);
		return;
	}
	balance(u);
}

static bool
addresses_ready(struct upstream *u)
{
	int64_t life_ms = u->doubted ? ADDRESS_DOUBT_MS : ADDRESS_LIFE_MS;
	bool fresh = u->addresses && clock_now_ms() - u->resolved_ms < life_ms;

	if (!fresh && !u->query)
		u->query =
		    resolve_ask(u->resolver, u->loop, dialled_host(&u->opt),
			dialled_port(&u->opt), on_resolved, u);
	return fresh;
}

void
upstream_resolve(struct upstream *u)
{
	(void)addresses_ready(u);
}

/* Each waiter has a connection on its way, as far as the limit allows. */
static void
balance(struct upstream *u)
{
	unsigned spare = u->connecting;
	struct lease *l;

	if (u->waiting <= u->connecting || !addresses_ready(u))
		return;
	TAILQ_FOREACH(l, &u->waiters, link) {
		if (spare) {
			spare--;
			continue;
		}
		/* A kept connection of another identity makes room. */
		if (u->connections >= u->opt.max_connections && u->idle_count)
			upconn_close(TAILQ_LAST(&u->idle, upconn_list));
		l->queued = u->connections >= u->opt.max_connections;
		if (!l->queued && u->connecting < CONNECTING_MAX)
			connect_new(u, l->identity);
	}
}

/* ---- idle connections ---- */

static void
on_idle_timeout(void *arg)
{
	upconn_close(arg);
}

static struct upconn *
find_idle(struct upstream *u, uint64_t generation)
{
	struct upconn *uc;

	TAILQ_FOREACH(uc, &u->idle, link)
		if (uc->identity.generation == generation)
			return uc;
	return NULL;
}

static struct upconn *
take_idle(struct upstream *u, uint64_t generation)
{
	struct upconn *uc = find_idle(u, generation);

	if (!uc)
		return NULL;
	TAILQ_REMOVE(&u->idle, uc, link);
	u->idle_count--;
	metric_sub(&u->metrics->upconns_idle, 1);
	metric_add(&u->metrics->upconns_busy, 1);
	TAILQ_INSERT_TAIL(&u->others, uc, link);
	timers_cancel(&u->loop->timers, &uc->timer);
	return uc;
}

void
upstream_retire(struct upstream *u, uint64_t keep)
{
	struct upconn *uc, *next;

	for (uc = TAILQ_FIRST(&u->idle); uc; uc = next) {
		next = TAILQ_NEXT(uc, link);
		if (uc->identity.generation != keep)
			upconn_close(uc);
	}
	if (u->generation == keep)
		return;
	SSL_SESSION_free(u->session);
	u->session = NULL;
	u->generation = keep;
}

void
upconn_set_nonce(struct upconn *uc, struct span nonce)
{
	if (uc->nonce && span_eq(span_of(uc->nonce), nonce))
		return;
	mem_wipe_free_str(uc->nonce);
	uc->nonce = span_dup(nonce);
}

/* ---- leases ---- */

void
lease_init(struct lease *l, const struct lease_ops *ops)
{
	*l = (struct lease){.ops = ops};
}

bool
lease_begin(struct lease *l, struct upstream *u,
    struct upstream_identity identity, bool fresh)
{
	struct upconn *uc = fresh ? NULL : take_idle(u, identity.generation);

	l->identity = identity;
	l->fresh = fresh;
	l->failure = LEASE_OK;
	if (uc) {
		give(uc, l);
		return true;
	}
	TAILQ_INSERT_TAIL(&u->waiters, l, link);
	l->waiting = u;
	u->waiting++;
	balance(u);
	return false;
}

void
lease_again(struct lease *l)
{
	l->uc->uses++;
	l->reused = true;
}

void
lease_end(struct lease *l, bool reusable)
{
	struct upconn *uc = l->uc;
	struct upstream *u;

	if (l->waiting)
		stop_waiting(l);
	if (!uc)
		return;
	u = uc->u;
	l->uc = NULL;
	uc->lease = NULL;
	if (!reusable || uc->uses >= u->opt.max_uses || uc->conn.eof ||
	    uc->conn.in.len || uc->conn.out.len ||
	    uc->identity.generation != u->generation) {
		upconn_close(uc);
		balance(u);
		return;
	}
	conn_resume(&uc->conn);
	offer(uc);
}

void
lease_break(struct lease *l)
{
	if (l->uc)
		l->uc->broken = true;
	lease_end(l, false);
}

/* ---- making and freeing ---- */

struct upstream *
upstream_new(struct loop *loop, struct resolver *resolver,
    struct metrics *metrics, const struct upstream_options *opt)
{
	struct upstream *u = MEM_NEW(struct upstream);

	u->refs = 1;
	u->loop = loop;
	u->resolver = resolver;
	u->metrics = metrics;
	u->opt = *opt;
	u->opt.host = mem_strdup(opt->host);
	u->opt.dial_host = mem_strdup(opt->dial_host);
	u->opt.proxy_host = mem_strdup(opt->proxy_host);
	u->opt.proxy_credentials = mem_strdup(opt->proxy_credentials);
	u->opt.cure = mem_strdup(
	    opt->cure ? opt->cure : "check the gateway option and DNS");
	u->name = mem_printf("%s:%u", dialled_host(opt), dialled_port(opt));
	TAILQ_INIT(&u->idle);
	TAILQ_INIT(&u->others);
	TAILQ_INIT(&u->waiters);
	return u;
}

struct upstream *
upstream_ref(struct upstream *u)
{
	u->refs++;
	return u;
}

bool
upstream_is(const struct upstream *u, const struct upstream_options *o)
{
	const struct upstream_options *own = &u->opt;

	return text_same(own->host, o->host) && own->port == o->port &&
	       text_same(own->dial_host, o->dial_host) &&
	       own->dial_port == o->dial_port &&
	       text_same(own->proxy_host, o->proxy_host) &&
	       own->proxy_port == o->proxy_port &&
	       text_same(own->proxy_credentials, o->proxy_credentials) &&
	       own->connect_ms == o->connect_ms && own->idle_ms == o->idle_ms &&
	       own->max_uses == o->max_uses &&
	       own->max_connections == o->max_connections;
}

void
upstream_renew(struct upstream *u, const struct upstream_options *o)
{
	if (u->query)
		resolve_cancel(u->query);
	u->query = NULL;
	u->resolved_ms = clock_now_ms() - ADDRESS_LIFE_MS;
	u->opt.connect_ms = o->connect_ms;
	u->opt.idle_ms = o->idle_ms;
	u->opt.max_uses = o->max_uses;
	u->opt.max_connections = o->max_connections;
	balance(u);
}

/* What called us may hold it until the end of this turn. */
static void
bury_upstream(struct corpse *corpse)
{
	struct upstream *u = (struct upstream *)corpse;

	if (u->addresses)
		freeaddrinfo(u->addresses);
	SSL_SESSION_free(u->session);
	free((char *)u->opt.host);
	free((char *)u->opt.dial_host);
	free((char *)u->opt.proxy_host);
	mem_wipe_free_str((char *)u->opt.proxy_credentials);
	free((char *)u->opt.cure);
	free(u->name);
	free(u);
}

void
upstream_unref(struct upstream *u)
{
	if (!u || --u->refs)
		return;
	while (!TAILQ_EMPTY(&u->waiters))
		fail_waiter(u, TAILQ_FIRST(&u->waiters)->identity.generation,
		    LEASE_CLOSED, "the upstream is closed");
	while (!TAILQ_EMPTY(&u->idle))
		upconn_close(TAILQ_FIRST(&u->idle));
	while (!TAILQ_EMPTY(&u->others))
		upconn_close(TAILQ_FIRST(&u->others));
	if (u->query)
		resolve_cancel(u->query);
	u->query = NULL;
	loop_reap(u->loop, &u->corpse, bury_upstream);
}
