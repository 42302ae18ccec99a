/*
 * t_fetch: one bounded request and answer for the control plane.
 */
#include "auth/identity.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/fetch.h"

#include "gate.h"
#include "unit.h"

#include <poll.h>
#include <time.h>

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct pki pki;
static char *dir;
static struct identity *identity;
static struct gate gate;
static struct loop loop;
static struct resolver *resolver;
static struct metrics metrics;
static struct upstream *u;
static int64_t now_ms;

/* What was told. */
static unsigned told_count, told_status;
static enum lease_failure told_failure;
static char *told_body, *told_why, *told_date;
static int told_chain;
static bool again; /* ask once more from inside */

static void
setup(void)
{
	const struct log_config log = {LOG_ERROR, LOG_TEXT, -1};
	struct upstream_options o = {.host = PKI_SERVER,
	    .port = 9443,
	    .dial_host = "127.0.0.1",
	    .connect_ms = 5000,
	    .idle_ms = 30000,
	    .max_uses = 900,
	    .max_connections = 4,
	    .in_limit = 65536};
	struct err err = ERR_INIT;

	ck_assert_int_eq(log_open(&log, &err), 0);
	now_ms = 1000000;
	clock_fake(now_ms, time(NULL));
	pki_init(&pki);
	dir = dir_identity(&pki);
	identity =
	    identity_load(&(struct identity_source){.dir = dir}, NULL, &err);
	ck_assert_msg(identity != NULL, "%s", err.text);
	identity_set_generation(identity, 1);
	gate_init(&gate, &pki);
	gate_open(&gate);
	loop_init(&loop);
	resolver = resolver_new();
	o.dial_port = gate.port;
	u = upstream_new(&loop, resolver, &metrics, &o);
}

static void
teardown(void)
{
	upstream_unref(u);
	resolver_free(resolver);
	loop_fini(&loop);
	gate_fini(&gate);
	identity_unref(identity);
	dir_free(dir);
	pki_fini(&pki);
	free(told_body);
	free(told_why);
	free(told_date);
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

static struct fetch *ask(bool fresh);

static void
told(void *arg, const struct fetch_result *r)
{
	ck_assert_ptr_eq(arg, &loop);
	told_count++;
	told_status = r->status;
	told_failure = r->failure;
	free(told_body);
	free(told_why);
	free(told_date);
	told_body = span_dup(r->body);
	told_why = mem_strdup(r->why);
	told_date =
	    span_dup(r->head ? head_value(r->head, FIELD_DATE) : SPAN_NONE);
	told_chain = r->chain ? sk_X509_num(r->chain) : 0;
	ck_assert(r->status || r->why);
	if (again) {
		again = false;
		(void)!ask(false);
	}
}

static struct fetch *
ask(bool fresh)
{
	const struct upstream_identity who = {
	    identity_ssl_ctx(identity), identity_generation(identity)};
	const struct fetch_request r = {.method = "POST",
	    .path = "/v1/auth/token",
	    .host = SPAN("mastio.test"),
	    .fields = SPAN("DPoP: abc\r\n"),
	    .body = SPAN("{}"),
	    .timeout_ms = 30000,
	    .fresh = fresh};

	return fetch_start(u, who, &r, told, &loop);
}

static bool
arrived(unsigned i)
{
	return gate.n > i &&
	       span_ends(buf_span(&gate.conn[i].in), SPAN("\r\n\r\n{}"));
}

START_TEST(what_is_sent)
{
	(void)!ask(true);
	ck_assert_uint_eq(told_count, 0);
	UNTIL(arrived(0));
	ck_span(buf_span(&gate.conn[0].in),
	    "POST /v1/auth/token HTTP/1.1\r\nHost: mastio.test\r\n"
	    "DPoP: abc\r\nContent-Type: application/json\r\n"
	    "Content-Length: 2\r\n\r\n{}");
	gate_say(&gate.conn[0], SPAN(HELLO));
	UNTIL(told_count);
	ck_assert_uint_eq(told_status, 200);
	ck_assert_str_eq(told_body, "hello");
	ck_assert_int_eq(told_chain, 2);
	UNTIL(u->idle_count == 1);
}
END_TEST

static const struct {
	const char *why, *answer, *body;
	unsigned status;
	bool close; /* the connection ends behind it */
	bool kept;  /* and may serve again */
} answers[] = {
    {"length", "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello",
	"hello", 200, false, true},
    {"chunks",
	"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n"
	"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	"hello", 401, false, true},
    {"no body", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, false, true},
    {"interim answers",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"hello", 200, false, true},
    {"until close", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", 200, true, false},
    {"Connection: close",
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
	"5\r\n\r\nhello",
	"hello", 200, false, false},
    {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello",
	200, false, false},
};

START_TEST(every_split_point)
{
	const char *text = answers[_i].answer;
	unsigned i = 0;

	for (size_t at = 0; at <= strlen(text) && gate.n < GATE_MAX - 2; at++) {
		told_count = 0;
		(void)!ask(false);
		UNTIL(arrived(i) || arrived(gate.n - 1));
		i = gate.n - 1;
		buf_clear(&gate.conn[i].in);
		gate_say(&gate.conn[i], span_new(text, at));
		turn();
		turn();
		gate_say(&gate.conn[i], span_of(text + at));
		if (answers[_i].close)
			gate_end(&gate.conn[i], GATE_CLEAN);
		UNTIL(told_count);
		ck_assert_msg(told_status == answers[_i].status,
		    "%s at %zu: %s", answers[_i].why, at,
		    told_why ? told_why : "");
		ck_assert_str_eq(told_body, answers[_i].body);
		ck_assert_uint_eq(u->idle_count, answers[_i].kept);
	}
}
END_TEST

START_TEST(failures)
{
	static const struct {
		const char *answer, *why;
		enum gate_end end;
		bool ends;
	} rows[] = {
	    {"", "without an answer", GATE_CLEAN, true},
	    {"", "without an answer", GATE_RESET, true},
	    {"HTTP/1.1 200 OK\r\nCont", "without an answer", GATE_CLEAN, true},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "cut short",
		GATE_CLEAN, true},
	    {"HTTP/1.1 200 OK\r\n\r\nhe", "cut short", GATE_CUT, true},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
		"cut short", GATE_CLEAN, false},
	    {"SSH-2.0-x\r\n", "not valid HTTP", GATE_CLEAN, false},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
		"unclear length", GATE_CLEAN, false},
	};

	(void)!ask(false);
	UNTIL(arrived(0));
	gate_say(&gate.conn[0], span_of(rows[_i].answer));
	turn();
	if (rows[_i].ends)
		gate_end(&gate.conn[0], rows[_i].end);
	UNTIL(told_count);
	ck_assert_uint_eq(told_status, 0);
	ck_assert_int_eq(told_failure, LEASE_OK);
	ck_assert_msg(strstr(told_why, rows[_i].why), "%s", told_why);
	turn();
	ck_assert_uint_eq(told_count, 1);
	ck_assert_uint_eq(u->connections, 0);
}
END_TEST

START_TEST(too_large)
{
	static const char *const heads[] = {
	    "HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n",
	    "HTTP/1.1 200 OK\r\n\r\n",
	};
	char *block = mem_alloc(65538);

	memset(block, 'x', 65537);
	(void)!ask(false);
	UNTIL(arrived(0));
	gate_say(&gate.conn[0], span_of(heads[_i]));
	gate_say(&gate.conn[0], span_new(block, 65537));
	UNTIL(told_count);
	ck_assert_uint_eq(told_status, 0);
	ck_assert_msg(strstr(told_why, "64 KiB"), "%s", told_why);
	free(block);
}
END_TEST

START_TEST(just_not_too_large)
{
	char *block = mem_alloc(65537);

	memset(block, 'x', 65536);
	(void)!ask(false);
	UNTIL(arrived(0));
	gate_say(&gate.conn[0],
	    SPAN("HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n"));
	gate_say(&gate.conn[0], span_new(block, 65536));
	UNTIL(told_count);
	ck_assert_uint_eq(told_status, 200);
	ck_assert_uint_eq(strlen(told_body), 65536);
	free(block);
}
END_TEST

START_TEST(late)
{
	(void)!ask(false);
	UNTIL(arrived(0));
	gate_say(&gate.conn[0], SPAN("HTTP/1.1 200 OK\r\n"));
	turn();
	timers_run(&loop.timers, now_ms + 29999);
	ck_assert_uint_eq(told_count, 0);
	timers_run(&loop.timers, now_ms + 30000);
	ck_assert_uint_eq(told_count, 1);
	ck_assert_msg(strstr(told_why, "in time"), "%s", told_why);
	turn();
	ck_assert_uint_eq(u->connections, 0);
}
END_TEST

START_TEST(cancelled)
{
	struct fetch *f = ask(false);

	if (_i == 1)
		UNTIL(gate.n && gate.conn[0].open);
	if (_i == 2)
		UNTIL(arrived(0));
	fetch_cancel(f);
	for (int i = 0; i < 20; i++)
		turn();
	if (_i == 2)
		ck_assert_uint_eq(u->connections, 0);
	ck_assert_uint_eq(told_count, 0);
	ck_assert_uint_eq(u->waiting, 0);
}
END_TEST

START_TEST(no_connection)
{
	gate.mute = true;
	(void)!ask(false);
	UNTIL(gate.n == 1);
	turn();
	timers_run(&loop.timers, now_ms + 5000);
	ck_assert_uint_eq(told_count, 1);
	ck_assert_int_eq(told_failure, LEASE_TIMEOUT);
	ck_assert_ptr_nonnull(told_why);
}
END_TEST

/* What is asked next from inside goes over the same connection: nonces belong
 * to it, or to the server process behind it. */
START_TEST(the_next_on_the_same_connection)
{
	(void)!ask(true);
	UNTIL(arrived(0));
	buf_clear(&gate.conn[0].in);
	again = true;
	gate_say(&gate.conn[0], SPAN(HELLO));
	UNTIL(told_count == 1);
	ck_assert_int_eq(told_chain, 2);
	UNTIL(arrived(0) || gate.n > 1);
	ck_assert_uint_eq(gate.n, 1);
	gate_say(&gate.conn[0], SPAN(HELLO));
	UNTIL(told_count == 2);
}
END_TEST

UNIT_MAIN_ROWS("fetch", setup, teardown, {what_is_sent, 1},
    {every_split_point, COUNT(answers)}, {failures, 8}, {too_large, 2},
    {just_not_too_large, 1}, {late, 1}, {cancelled, 3}, {no_connection, 1},
    {the_next_on_the_same_connection, 1})
