/*
 * t_conn: one connection, plain over a socket pair and TLS against a gate:
 * short writes, pauses, ends and failures.
 */
#include "auth/tls.h"
#include "base/mem.h"
#include "net/conn.h"

#include "gate.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <unistd.h>

#define LIMIT 65536

static struct pki pki;
static struct gate gate;
static struct loop loop;
static struct conn conn;
static SSL_CTX *ctx;
static int peer = -1;
static unsigned opened, readable, writable, nfailed;
static enum conn_failure failure;
static bool consume; /* take what comes */
static size_t taken;

static void
on_open(void *owner)
{
	ck_assert_ptr_eq(owner, &loop);
	opened++;
}

static void
on_readable(void *owner)
{
	ck_assert_ptr_eq(owner, &loop);
	readable++;
	if (!consume)
		return;
	taken += conn.in.len;
	buf_consume(&conn.in, conn.in.len);
	conn_resume(&conn);
}

static void
on_writable(void *owner)
{
	ck_assert_ptr_eq(owner, &loop);
	writable++;
}

/* What never opened is of no more use to its owner. */
static void
on_failed(void *owner, enum conn_failure f)
{
	ck_assert_ptr_eq(owner, &loop);
	nfailed++;
	failure = f;
	if (f != CONN_FAIL_WRITE)
		conn_close(&conn, false);
}

static const struct conn_ops ops = {
    on_open, on_readable, on_writable, on_failed};

static void
setup(void)
{
	pki_init(&pki);
	gate_init(&gate, &pki);
	loop_init(&loop);
}

static void
teardown(void)
{
	conn_close(&conn, false);
	conn_close(&conn, false); /* from any state */
	ck_assert_uint_eq(ERR_peek_error(), 0);
	if (peer >= 0)
		close(peer);
	loop_fini(&loop);
	SSL_CTX_free(ctx);
	gate_fini(&gate);
	pki_fini(&pki);
}

static void
turn(void)
{
	loop_turn(&loop, EVLOOP_NONBLOCK);
	gate_turn(&gate);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

static void
settle(void)
{
	for (int i = 0; i < 20; i++)
		turn();
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
open_plain(size_t in_limit)
{
	int fds[2];

	ck_assert_int_eq(
	    socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	peer = fds[1];
	conn_init_accepted(&conn, &loop, fds[0], in_limit, &ops, &loop);
}

static void
begin_tls(size_t in_limit, bool tls)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(gate.port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct err err = ERR_INIT;
	SSL *ssl = NULL;

	if (tls) {
		STACK_OF(X509) *ca = sk_X509_new_null();
		STACK_OF(X509) *chain = sk_X509_new_null();

		sk_X509_push(ca, pki.root);
		sk_X509_push(chain, pki.leaf);
		sk_X509_push(chain, pki.inter);
		ctx = tls_ctx_new(&(struct tls_config){pki.leaf, pki.leaf_key,
				      chain, ca, "ca"},
		    &err);
		ck_assert_msg(ctx != NULL, "%s", err.text);
		sk_X509_free(ca);
		sk_X509_free(chain);
		ssl = tls_new(ctx, PKI_SERVER, &err);
		ck_assert_msg(ssl != NULL, "%s", err.text);
	}
	ck_assert_int_eq(conn_init_connect(&conn, &loop, (struct sockaddr *)&in,
			     sizeof(in), ssl, in_limit, &ops, &loop),
	    0);
}

static void
open_tls(size_t in_limit)
{
	gate_open(&gate);
	begin_tls(in_limit, true);
	UNTIL(opened && gate.n && gate.conn[0].open);
}

static char *
block_of(size_t n)
{
	char *block = mem_alloc(n + 1);

	for (size_t i = 0; i < n; i++)
		block[i] = (char)('a' + i * 7 % 26);
	return block;
}

static void
say(const char *text)
{
	ck_assert_int_eq(
	    send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

START_TEST(plain_reads_and_ends)
{
	open_plain(LIMIT);
	say("hello");
	turn();
	ck_span(buf_span(&conn.in), "hello");
	ck_assert_uint_eq(readable, 1);
	ck_assert_uint_eq(conn.received, 5);
	say(" world");
	shutdown(peer, SHUT_WR);
	UNTIL(conn.eof);
	ck_span(buf_span(&conn.in), "hello world");
	ck_assert(conn.eof_clean);
	/* We can still speak. */
	buf_add_str(&conn.out, "bye");
	ck_assert(conn_flush(&conn));
	ck_assert_uint_eq(conn.sent, 3);
	settle();
	ck_assert_uint_eq(nfailed, 0);
}
END_TEST

START_TEST(limit_and_resume)
{
	open_plain(8);
	say("0123456789abcdef!");
	settle();
	ck_span(buf_span(&conn.in), "01234567");
	ck_assert(!conn.rd_on);
	/* Full is full, however often the loop turns. */
	conn_resume(&conn);
	settle();
	ck_assert_uint_eq(readable, 1);
	buf_consume(&conn.in, 4);
	conn_resume(&conn);
	settle();
	ck_span(buf_span(&conn.in), "456789ab");
	buf_consume(&conn.in, 8);
	conn_resume(&conn);
	ck_assert_uint_eq(conn.in.cap, 0); /* memory given back */
	settle();
	ck_span(buf_span(&conn.in), "cdef!");
}
END_TEST

START_TEST(short_writes)
{
	size_t n = 3000000, got = 0;
	char *block = block_of(n), *copy = mem_alloc(n);

	open_plain(LIMIT);
	buf_add(&conn.out, block, n);
	ck_assert(conn_flush(&conn));
	ck_assert_uint_gt(conn.out.len, 0);
	ck_assert(conn.wr_on);
	while (got < n) {
		ssize_t r = recv(peer, copy + got, n - got, 0);

		if (r > 0)
			got += (size_t)r;
		else
			ck_assert_int_eq(errno, EAGAIN);
		turn();
	}
	ck_assert_mem_eq(copy, block, n);
	ck_assert_uint_gt(writable, 0);
	ck_assert_uint_eq(conn.sent, n);
	settle();
	ck_assert(!conn.wr_on);
	free(block);
	free(copy);
}
END_TEST

START_TEST(write_failure)
{
	open_plain(LIMIT);
	close(peer);
	peer = -1;
	buf_add_str(&conn.out, "x");
	ck_assert(!conn_flush(&conn));
	ck_assert(conn.write_broken);
	ck_assert_uint_eq(conn.out.len, 0);
	ck_assert_int_eq(conn.errnum, EPIPE);
	ck_assert(!conn_flush(&conn));
	UNTIL(conn.eof);
}
END_TEST

START_TEST(write_failure_in_the_background)
{
	size_t n = 3000000;
	char *block = block_of(n);

	open_plain(LIMIT);
	buf_add(&conn.out, block, n);
	ck_assert(conn_flush(&conn));
	close(peer);
	peer = -1;
	UNTIL(nfailed);
	ck_assert_int_eq(failure, CONN_FAIL_WRITE);
	ck_assert(conn.write_broken);
	settle();
	ck_assert_uint_eq(nfailed, 1);
	free(block);
}
END_TEST

START_TEST(half_close_and_poke)
{
	char c;

	open_plain(LIMIT);
	conn_poke(&conn);
	turn();
	ck_assert_uint_eq(writable, 1);
	settle();
	ck_assert_uint_eq(writable, 1);
	conn_shutdown_write(&conn);
	ck_assert_int_eq(recv(peer, &c, 1, 0), 0);
	say("x");
	settle();
	ck_span(buf_span(&conn.in), "x");
	/* A poke that is still to come is taken back. */
	conn_poke(&conn);
	conn_close(&conn, false);
	settle();
	ck_assert_uint_eq(writable, 1);
}
END_TEST

START_TEST(reset_is_no_clean_end)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	int fd;

	ck_assert_int_eq(listen(gate.fd, 1), 0);
	begin_tls(LIMIT, false);
	do
		fd = accept(gate.fd, NULL, NULL);
	while (fd < 0);
	for (int i = 0; i < 1000 && !opened; i++)
		loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(opened, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	UNTIL(conn.eof);
	ck_assert(!conn.eof_clean);
	ck_assert_int_eq(conn.errnum, ECONNRESET);
}
END_TEST

START_TEST(connect_refused)
{
	begin_tls(LIMIT, true); /* nobody listens */
	UNTIL(nfailed);
	ck_assert_int_eq(failure, CONN_FAIL_CONNECT);
	ck_assert_int_eq(conn.errnum, ECONNREFUSED);
}
END_TEST

START_TEST(tls_round_trip)
{
	open_tls(LIMIT);
	/* Said before it was read. */
	buf_add_str(&conn.out, "hello");
	ck_assert(conn_flush(&conn));
	UNTIL(gate.conn[0].in.len == 5);
	ck_span(buf_span(&gate.conn[0].in), "hello");
	gate_say(&gate.conn[0], SPAN("world"));
	UNTIL(conn.in.len == 5);
	ck_span(buf_span(&conn.in), "world");
}
END_TEST

/* What is put into `out` before the connection is open goes then. */
START_TEST(tls_early_output)
{
	gate_open(&gate);
	begin_tls(LIMIT, true);
	buf_add_str(&conn.out, "early");
	ck_assert(conn_flush(&conn));
	UNTIL(gate.n && gate.conn[0].in.len == 5);
	ck_assert_uint_eq(conn.sent, 5);
}
END_TEST

/* A record is larger than what may be taken: the rest waits inside OpenSSL,
 * where the socket does not show it. */
START_TEST(tls_record_over_the_limit)
{
	static const size_t limits[] = {1, 1000, 16383, 16384, 16385};
	size_t n = 16384 * 3, got = 0;
	char *block = block_of(n), *copy = mem_alloc(n);

	open_tls(limits[_i]);
	gate_say(&gate.conn[0], span_new(block, n));
	while (got < n) {
		UNTIL(conn.in.len);
		ck_assert_uint_le(conn.in.len, limits[_i]);
		memcpy(copy + got, buf_span(&conn.in).p, conn.in.len);
		got += conn.in.len;
		buf_consume(&conn.in, conn.in.len);
		conn_resume(&conn);
	}
	ck_assert_mem_eq(copy, block, n);
	ck_assert_uint_eq(conn.received, n);
	free(block);
	free(copy);
}
END_TEST

START_TEST(tls_back_pressure)
{
	size_t n = 8000000;
	char *block = block_of(n);

	open_tls(LIMIT);
	gate.conn[0].deaf = true;
	buf_add(&conn.out, block, n);
	ck_assert(conn_flush(&conn));
	settle();
	ck_assert_uint_gt(conn.out.len, 0);
	/* More at the end: a write that waits may be repeated with it. */
	buf_add_str(&conn.out, "end");
	ck_assert(conn_flush(&conn));
	gate.conn[0].deaf = false;
	UNTIL(gate.conn[0].in.len == n + 3);
	ck_assert_mem_eq(buf_span(&gate.conn[0].in).p, block, n);
	ck_assert(!conn.wr_on);
	free(block);
}
END_TEST

START_TEST(tls_ends)
{
	open_tls(LIMIT);
	gate_say(&gate.conn[0], SPAN("last words"));
	gate_end(&gate.conn[0], (enum gate_end)_i);
	UNTIL(conn.eof);
	if (_i != GATE_RESET) /* that may overtake them */
		ck_span(buf_span(&conn.in), "last words");
	ck_assert(conn.eof_clean == (_i == GATE_CLEAN));
}
END_TEST

START_TEST(tls_we_end)
{
	open_tls(LIMIT);
	buf_add_str(&conn.out, "bye");
	ck_assert(conn_flush(&conn));
	conn_close(&conn, false);
	UNTIL(gate.conn[0].eof);
	ck_span(buf_span(&gate.conn[0].in), "bye");
	ck_assert(gate.conn[0].clean);
}
END_TEST

START_TEST(tls_refused)
{
	gate_open(&gate);
	SSL_CTX_use_certificate(gate.ctx, pki.leaf);
	SSL_CTX_use_PrivateKey(gate.ctx, pki.leaf_key);
	begin_tls(LIMIT, true);
	UNTIL(nfailed);
	ck_assert_int_eq(failure, CONN_FAIL_TLS);
	ck_assert_uint_eq(opened, 0);
}
END_TEST

START_TEST(streaming)
{
	size_t n = 4000000;
	char *block = block_of(n);

	open_tls(LIMIT);
	consume = true;
	gate_say(&gate.conn[0], span_new(block, n));
	UNTIL(taken == n);
	free(block);
}
END_TEST

UNIT_MAIN_ROWS("conn", setup, teardown, {plain_reads_and_ends, 1},
    {limit_and_resume, 1}, {short_writes, 1}, {write_failure, 1},
    {write_failure_in_the_background, 1}, {half_close_and_poke, 1},
    {reset_is_no_clean_end, 1}, {connect_refused, 1}, {tls_round_trip, 1},
    {tls_early_output, 1}, {tls_record_over_the_limit, 5},
    {tls_back_pressure, 1}, {tls_ends, 3}, {tls_we_end, 1}, {tls_refused, 1},
    {streaming, 1})
