/*
 * t_upstream: the pool of connections to one gateway: who gets which, who
 * waits, who is told what.
 */
#include "auth/identity.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/upstream.h"

#include "gate.h"
#include "unit.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

static struct pki pki;
static char *dir;
static struct identity *identity[2]; /* generations 1 and 2 */
static struct gate gate;
static struct loop loop;
static struct resolver *resolver;
static struct metrics metrics;
static struct upstream *u;
static int64_t now_ms;
static unsigned leased_order[16], nleased;

#define NLEASES 8
static struct lease lease[NLEASES];

/* In place of the C library's, to find nobody on demand, or one more address,
 * which comes first. */
static _Atomic bool nobody;
static const char *_Atomic one_more;

int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **found)
{
	static int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	struct addrinfo *first = NULL;
	int r;

	if (nobody)
		return EAI_NONAME;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	r = real(host, port, hints, found);
	if (r == 0 && one_more && real(one_more, port, hints, &first) == 0) {
		first->ai_next = *found;
		*found = first;
	}
	return r;
}

static void
on_leased(struct lease *l)
{
	leased_order[nleased++] = (unsigned)(l - lease);
}

static void
on_event(struct lease *l)
{
	(void)l;
}

static const struct lease_ops ops = {on_leased, on_event, on_event};

static void
make_upstream(unsigned max_uses, unsigned max_connections)
{
	const struct upstream_options o = {.host = PKI_SERVER,
	    .port = 9443,
	    .dial_host = "127.0.0.1",
	    .dial_port = gate.port,
	    .connect_ms = 5000,
	    .idle_ms = 30000,
	    .max_uses = max_uses,
	    .max_connections = max_connections,
	    .in_limit = 65536};

	u = upstream_new(&loop, resolver, &metrics, &o);
}

static void
setup(void)
{
	const struct log_config log = {LOG_ERROR, LOG_TEXT, -1};
	struct err err = ERR_INIT;

	ck_assert_int_eq(log_open(&log, &err), 0);
	nobody = false;
	one_more = NULL;
	now_ms = 1000000;
	clock_fake(now_ms, time(NULL));
	pki_init(&pki);
	dir = dir_identity(&pki);
	for (unsigned i = 0; i < 2; i++) {
		identity[i] = identity_load(
		    &(struct identity_source){.dir = dir}, NULL, &err);
		ck_assert_msg(identity[i] != NULL, "%s", err.text);
		identity_set_generation(identity[i], i + 1);
	}
	gate_init(&gate, &pki);
	loop_init(&loop);
	resolver = resolver_new();
	for (unsigned i = 0; i < NLEASES; i++)
		lease_init(&lease[i], &ops);
}

static void
teardown(void)
{
	if (u)
		upstream_unref(u);
	resolver_free(resolver);
	loop_fini(&loop);
	gate_fini(&gate);
	identity_unref(identity[0]);
	identity_unref(identity[1]);
	dir_free(dir);
	pki_fini(&pki);
	log_close();
}

static void
turn(void)
{
	loop_turn(&loop, EVLOOP_NONBLOCK);
	gate_turn(&gate);
}

#define UNTIL(cond)                                                      \
	do {                                                             \
		unsigned turns_ = 0;                                     \
		while (!(cond)) {                                        \
			ck_assert_msg(                                   \
			    turns_ < 3000, "waited in vain: %s", #cond); \
			poll(NULL, 0, turns_++ > 30);                    \
			turn();                                          \
		}                                                        \
	} while (0)

static void
advance(int64_t ms)
{
	now_ms += ms;
	clock_fake(now_ms, clock_wall_s() + ms / 1000);
	timers_run(&loop.timers, now_ms);
	turn();
}

static struct upstream_identity
who(unsigned generation)
{
	return (struct upstream_identity){
	    identity_ssl_ctx(identity[generation - 1]), generation};
}

static bool
begin(unsigned i, unsigned generation)
{
	return lease_begin(&lease[i], u, who(generation), false);
}

/* Leases 0 to n - 1, each with a connection of its own. */
static void
lease_some(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ck_assert(!begin(i, 1));
	UNTIL(nleased == n);
	for (unsigned i = 0; i < n; i++)
		ck_assert_ptr_nonnull(lease[i].uc);
	nleased = 0;
}

START_TEST(last_used_first)
{
	struct upconn *a, *b;

	gate_open(&gate);
	make_upstream(900, 16);
	lease_some(2);
	a = lease[0].uc;
	b = lease[1].uc;
	ck_assert_ptr_ne(a, b);
	ck_assert(!lease[0].reused);
	lease_end(&lease[0], true);
	lease_end(&lease[1], true);
	ck_assert_uint_eq(u->idle_count, 2);
	ck_assert(begin(2, 1));
	ck_assert_ptr_eq(lease[2].uc, b);
	ck_assert(lease[2].reused);
	ck_assert(begin(3, 1));
	ck_assert_ptr_eq(lease[3].uc, a);
	lease_end(&lease[2], true);
	lease_end(&lease[3], true);
	/* Nobody who wants a fresh one gets these. */
	ck_assert(!lease_begin(&lease[4], u, who(1), true));
	UNTIL(lease[4].uc);
	ck_assert(!lease[4].reused);
	ck_assert_uint_eq(u->connections, 3);
	lease_end(&lease[4], false);
	ck_assert_uint_eq(u->connections, 2);
	ck_assert_uint_eq(metric_get(&metrics.upstream_reused), 2);
	ck_assert_uint_eq(metric_get(&metrics.upstream_connects), 3);
}
END_TEST

START_TEST(generations_are_never_mixed)
{
	struct upconn *old;

	gate_open(&gate);
	make_upstream(900, 16);
	lease_some(2);
	old = lease[0].uc;
	lease_end(&lease[0], true);
	ck_assert_uint_eq(u->idle_count, 1);
	upstream_retire(u, 2);
	ck_assert_uint_eq(u->idle_count, 0);
	ck_assert(!begin(2, 2));
	UNTIL(lease[2].uc);
	ck_assert_ptr_ne(lease[2].uc, old);
	ck_assert_uint_eq(lease[2].uc->identity.generation, 2);
	/* A session remembers who the client was. */
	ck_assert(!SSL_session_reused(lease[2].uc->conn.ssl));
	/* One of the old generation is not kept any more. */
	lease_end(&lease[1], true);
	ck_assert_uint_eq(u->idle_count, 0);
	lease_end(&lease[2], true);
	ck_assert_uint_eq(u->idle_count, 1);
	/* An exchange that began under it may still need one. */
	ck_assert(!begin(3, 1));
	UNTIL(lease[3].uc);
	ck_assert_uint_eq(lease[3].uc->identity.generation, 1);
	lease_end(&lease[3], true);
	ck_assert_uint_eq(u->idle_count, 1);
	lease_end(&lease[3], false); /* nothing leased is fine */
}
END_TEST

/* A connection on its way for one generation is of no use to another. */
START_TEST(waiting_behind_another_generation)
{
	gate_open(&gate);
	make_upstream(900, 16);
	ck_assert(!begin(0, 1));
	UNTIL(u->connecting == 1);
	lease_end(&lease[0], false); /* who asked for it has gone */
	ck_assert(!begin(1, 2));
	UNTIL(lease[1].uc);
	ck_assert_uint_eq(lease[1].uc->identity.generation, 2);
	lease_end(&lease[1], false);
}
END_TEST

/* A kept connection that becomes free is not what a retry asked for. */
START_TEST(fresh_means_fresh)
{
	gate_open(&gate);
	make_upstream(900, (unsigned)_i + 1);
	lease_some(1);
	ck_assert(!lease_begin(&lease[1], u, who(1), true));
	ck_assert(lease[1].queued == (_i == 0));
	lease_end(&lease[0], true);
	UNTIL(lease[1].uc);
	ck_assert(!lease[1].reused);
	lease_end(&lease[1], true);
}
END_TEST

START_TEST(max_uses)
{
	gate_open(&gate);
	make_upstream(3, 16);
	lease_some(1);
	for (unsigned i = 0; i < 2; i++) {
		lease_end(&lease[0], true);
		ck_assert_uint_eq(u->idle_count, 1);
		ck_assert(begin(0, 1));
	}
	lease_end(&lease[0], true);
	ck_assert_uint_eq(u->idle_count, 0);
	ck_assert_uint_eq(u->connections, 0);
}
END_TEST

START_TEST(idle_timeout)
{
	gate_open(&gate);
	make_upstream(900, 16);
	lease_some(2);
	lease_end(&lease[0], true);
	advance(10000);
	lease_end(&lease[1], true);
	advance(19999);
	ck_assert_uint_eq(u->idle_count, 2);
	advance(1);
	ck_assert_uint_eq(u->idle_count, 1);
	advance(10000);
	ck_assert_uint_eq(u->connections, 0);
	UNTIL(gate.conn[0].eof && gate.conn[1].eof);
	ck_assert(gate.conn[0].clean);
}
END_TEST

/* A byte that nobody asked for, and every way to end. */
START_TEST(idle_connection_speaks_or_ends)
{
	gate_open(&gate);
	make_upstream(900, 16);
	lease_some(1);
	lease_end(&lease[0], true);
	if (_i == 0)
		gate_say(&gate.conn[0], SPAN("x"));
	else
		gate_end(&gate.conn[0], (enum gate_end)(_i - 1));
	UNTIL(u->connections == 0);
	ck_assert_uint_eq(u->idle_count, 0);
}
END_TEST

START_TEST(not_kept_with_leftovers)
{
	gate_open(&gate);
	make_upstream(900, 16);
	lease_some(2);
	gate_say(&gate.conn[0], SPAN("x"));
	UNTIL(lease[0].uc->conn.in.len == 1 || lease[1].uc->conn.in.len == 1);
	lease_end(&lease[0], true);
	buf_add_str(&lease[1].uc->conn.out, "half a request");
	lease_end(&lease[1], true);
	ck_assert_uint_eq(u->connections, 0);
}
END_TEST

START_TEST(waiters_are_served_in_order)
{
	gate_open(&gate);
	make_upstream(900, 2);
	lease_some(2);
	for (unsigned i = 2; i < 5; i++) {
		ck_assert(!begin(i, 1));
		ck_assert(lease[i].queued);
	}
	ck_assert_uint_eq(u->connections, 2);
	lease_end(&lease[0], true);
	ck_assert_ptr_nonnull(lease[2].uc);
	ck_assert(!lease[2].queued);
	ck_assert(lease[2].reused);
	/* One that cannot be kept makes room for a new one. */
	lease_end(&lease[1], false);
	ck_assert(!lease[3].queued);
	UNTIL(lease[3].uc);
	ck_assert(!lease[3].reused);
	lease_end(&lease[4], false); /* gives up waiting */
	ck_assert_uint_eq(u->waiting, 0);
	lease_end(&lease[2], true);
	lease_end(&lease[3], true);
	ck_assert_uint_eq(u->idle_count, 2);
	ck_assert_uint_eq(nleased, 2);
	ck_assert_uint_eq(leased_order[0], 2);
	ck_assert_uint_eq(leased_order[1], 3);
}
END_TEST

START_TEST(idle_ones_of_another_generation_make_room)
{
	gate_open(&gate);
	make_upstream(900, 1);
	lease_some(1);
	lease_end(&lease[0], true);
	ck_assert(!begin(1, 2));
	ck_assert(!lease[1].queued);
	UNTIL(lease[1].uc);
	ck_assert_uint_eq(u->connections, 1);
	/* Leased ones do when they end. */
	ck_assert(!begin(2, 1));
	ck_assert(lease[2].queued);
	lease_end(&lease[1], true);
	UNTIL(lease[2].uc);
	ck_assert_uint_eq(lease[2].uc->identity.generation, 1);
	lease_end(&lease[2], true);
}
END_TEST

START_TEST(cancel_while_connecting)
{
	gate_open(&gate);
	make_upstream(900, 16);
	ck_assert(!begin(0, 1));
	ck_assert(!begin(1, 1));
	UNTIL(u->connecting == 2);
	lease_end(&lease[0], false);
	UNTIL(u->idle_count == 1);
	ck_assert_uint_eq(nleased, 1);
	ck_assert_uint_eq(leased_order[0], 1);
	ck_assert_ptr_nonnull(lease[1].uc);
	lease_end(&lease[1], true);
	ck_assert_uint_eq(u->idle_count, 2);
}
END_TEST

START_TEST(a_failed_connect_tells_one)
{
	make_upstream(900, 16); /* the gate does not listen */
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!begin(i, 1));
	UNTIL(nleased == 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(leased_order[i], i);
		ck_assert_int_eq(lease[i].failure, LEASE_CONNECT);
		ck_assert_ptr_null(lease[i].uc);
		ck_assert_msg(
		    strstr(lease[i].why, "127.0.0.1"), "%s", lease[i].why);
	}
	ck_assert_uint_eq(metric_get(&metrics.upstream_failures), 3);
	ck_assert_uint_eq(u->connections, 0);
	/* Nothing of it sticks. */
	gate_open(&gate);
	nleased = 0;
	lease_some(1);
	ck_assert_int_eq(lease[0].failure, LEASE_OK);
	lease_end(&lease[0], true);
}
END_TEST

START_TEST(connect_timeout_tells_one)
{
	gate_open(&gate);
	gate.mute = true;
	make_upstream(900, 1);
	ck_assert(!begin(0, 1));
	ck_assert(!begin(1, 1));
	UNTIL(u->connecting == 1 && gate.n == 1);
	ck_assert(lease[1].queued);
	advance(4999);
	ck_assert_uint_eq(nleased, 0);
	advance(1);
	ck_assert_uint_eq(nleased, 1);
	ck_assert_int_eq(lease[0].failure, LEASE_TIMEOUT);
	/* The next one has a connection of its own and its whole time. */
	gate.mute = false;
	UNTIL(lease[1].uc);
	lease_end(&lease[1], true);
}
END_TEST

/* A listener at the gate's port of 127.0.0.2, whose backlog takes what comes,
 * but nobody shakes hands. */
static int
silent_neighbour(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(gate.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	one_more = "127.0.0.2";
	return fd;
}

/* A gateway of two addresses, of which the first is dead: connect-timeout is
 * shared, so that there is time for the second, which is asked first from then
 * on. */
START_TEST(second_address)
{
	int silent = silent_neighbour();

	gate_open(&gate);
	make_upstream(900, 16);
	ck_assert(!begin(0, 1));
	UNTIL(u->connecting == 1 && u->addresses);
	advance(2499);
	for (unsigned i = 0; i < 20; i++)
		turn();
	ck_assert_uint_eq(gate.n, 0);
	advance(1);
	UNTIL(lease[0].uc);
	ck_assert_uint_eq(gate.n, 1);
	ck_assert_int_eq(lease[0].failure, LEASE_OK);
	ck_assert(!lease_begin(&lease[1], u, who(1), true));
	UNTIL(lease[1].uc);
	ck_assert_uint_eq(gate.n, 2);
	lease_end(&lease[0], false);
	lease_end(&lease[1], false);
	close(silent);
}
END_TEST

/* Both are dead: together they take no longer than connect-timeout. */
START_TEST(no_address_answers)
{
	int silent = silent_neighbour();

	gate_open(&gate);
	gate.mute = true;
	make_upstream(900, 16);
	ck_assert(!begin(0, 1));
	UNTIL(u->connecting == 1 && u->addresses);
	advance(2500);
	UNTIL(gate.n == 1);
	advance(2499);
	ck_assert_uint_eq(nleased, 0);
	advance(1);
	ck_assert_uint_eq(nleased, 1);
	ck_assert_int_eq(lease[0].failure, LEASE_TIMEOUT);
	ck_assert_uint_eq(u->connections, 0);
	close(silent);
}
END_TEST

/* Nobody listens at the first address: no time is lost. */
START_TEST(first_address_refuses)
{
	one_more = "127.0.0.2";
	gate_open(&gate);
	make_upstream(900, 16);
	ck_assert(!begin(0, 1));
	UNTIL(lease[0].uc);
	lease_end(&lease[0], false);
}
END_TEST

START_TEST(tls_failure)
{
	gate_open(&gate);
	SSL_CTX_use_certificate(gate.ctx, pki.leaf);
	SSL_CTX_use_PrivateKey(gate.ctx, pki.leaf_key);
	make_upstream(900, 16);
	ck_assert(!begin(0, 1));
	UNTIL(nleased == 1);
	ck_assert_int_eq(lease[0].failure, LEASE_TLS);
	ck_assert_msg(strstr(lease[0].why, PKI_SERVER), "%s", lease[0].why);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}
END_TEST

START_TEST(no_address_tells_all)
{
	gate_open(&gate);
	make_upstream(900, 16);
	nobody = true;
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!begin(i, 1));
	UNTIL(nleased == 3);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(lease[i].failure, LEASE_RESOLVE);
	nobody = false;
	nleased = 0;
	lease_some(1);
	lease_end(&lease[0], false);
	/* Old addresses are better than none. */
	nobody = true;
	advance(30001);
	nleased = 0;
	lease_some(1);
	lease_end(&lease[0], false);
}
END_TEST

START_TEST(sessions_are_resumed)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	gate_open(&gate);
	SSL_CTX_set_max_proto_version(gate.ctx, versions[_i]);
	make_upstream(900, 16);
	lease_some(1);
	ck_assert(!SSL_session_reused(lease[0].uc->conn.ssl));
	/* TLS 1.3 sends tickets behind the handshake: they are read with the
	 * first answer. */
	gate_say(&gate.conn[0], SPAN("x"));
	UNTIL(lease[0].uc->conn.in.len == 1);
	for (unsigned i = 1; i < 4; i++) {
		lease_end(&lease[i - 1], false);
		ck_assert(!begin(i, 1));
		UNTIL(lease[i].uc);
		ck_assert(SSL_session_reused(lease[i].uc->conn.ssl));
		gate_say(&gate.conn[i], SPAN("x"));
		UNTIL(lease[i].uc->conn.in.len == 1);
	}
	ck_assert_uint_eq(metric_get(&metrics.handshakes_full), 1);
	ck_assert_uint_eq(metric_get(&metrics.handshakes_resumed), 3);
	/* Another identity is another client. */
	lease_end(&lease[3], false);
	ck_assert(!begin(4, 2));
	UNTIL(lease[4].uc);
	ck_assert(!SSL_session_reused(lease[4].uc->conn.ssl));
	lease_end(&lease[4], false);
}
END_TEST

START_TEST(nonce_of_a_connection)
{
	gate_open(&gate);
	make_upstream(900, 16);
	lease_some(2);
	upconn_set_nonce(lease[0].uc, SPAN("one"));
	upconn_set_nonce(lease[0].uc, SPAN("one"));
	upconn_set_nonce(lease[0].uc, SPAN("two"));
	ck_assert_str_eq(lease[0].uc->nonce, "two");
	ck_assert_ptr_null(lease[1].uc->nonce);
	lease_end(&lease[0], true);
	ck_assert(begin(2, 1));
	ck_assert_str_eq(lease[2].uc->nonce, "two");
	lease_end(&lease[1], false);
	lease_end(&lease[2], false);
}
END_TEST

START_TEST(freed_with_everything_open)
{
	gate_open(&gate);
	make_upstream(900, 3);
	lease_some(2);
	lease_end(&lease[0], true);
	gate.mute = true;
	ck_assert(!lease_begin(&lease[2], u, who(1), true));
	ck_assert(!lease_begin(&lease[3], u, who(1), true));
	lease_end(&lease[1], true);
	upstream_unref(u);
	u = NULL;
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_int_eq(lease[2].failure, LEASE_CLOSED);
	ck_assert_int_eq(lease[3].failure, LEASE_CLOSED);
}
END_TEST

UNIT_MAIN_ROWS("upstream", setup, teardown, {last_used_first, 1},
    {generations_are_never_mixed, 1}, {waiting_behind_another_generation, 1},
    {fresh_means_fresh, 2}, {max_uses, 1}, {idle_timeout, 1},
    {idle_connection_speaks_or_ends, 4}, {not_kept_with_leftovers, 1},
    {waiters_are_served_in_order, 1},
    {idle_ones_of_another_generation_make_room, 1},
    {cancel_while_connecting, 1}, {a_failed_connect_tells_one, 1},
    {connect_timeout_tells_one, 1}, {second_address, 1},
    {no_address_answers, 1}, {first_address_refuses, 1}, {tls_failure, 1},
    {no_address_tells_all, 1}, {sessions_are_resumed, 2},
    {nonce_of_a_connection, 1}, {freed_with_everything_open, 1})
