/*
 * t_patience: agents that take their time, drip, or leave without a sound, and
 * what an agent is told about trying again.
 */
#include "base/clock.h"
#include "base/mem.h"

#include "rig.h"
#include "unit.h"

#define GET "GET /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n\r\n"
#define LENGTH_HEAD                                         \
	"POST /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Content-Length: 1000\r\n\r\n"
#define CHUNKED_HEAD                                        \
	"POST /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Transfer-Encoding: chunked\r\n\r\n"
#define WATCH_MS 5000

static struct rig rig;

static void
setup(void)
{
}

static void
teardown(void)
{
	rig_fini(&rig);
}

/* An agent whose request has reached the gateway, which says nothing yet. */
static struct agent *
under_way(const char *request)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, request);
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
	rig_settle(&rig);
	return a;
}

/* ---- leaving without a sound ---- */

/* It leaves now; nothing tells but the watch, which takes its turn. */
static void
leaves_unheard(struct agent *a)
{
	agent_close(a);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_clients(&rig), 1);
	rig_advance(&rig, WATCH_MS - 1);
	ck_assert_uint_eq(rig_clients(&rig), 1);
	ck_assert_uint_eq(rig.w->upstream->connections, 1);
	rig_advance(&rig, 1);
	rig_settle(&rig);
	ck_assert(TAILQ_EMPTY(&rig.w->clients));
	ck_assert_uint_eq(rig_ended(&rig, END_CLIENT_GONE), 1);
	/* The gateway hears of it too. */
	ck_assert_uint_eq(rig.w->upstream->connections, 0);
	RIG_UNTIL(&rig, rig.gate.conn[0].eof);
}

START_TEST(half_closed_and_gone)
{
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	agent_half_close(a);
	rig_settle(&rig);
	/* Still listening: looked for, and served. */
	rig_advance(&rig, WATCH_MS);
	rig_advance(&rig, WATCH_MS);
	ck_assert_uint_eq(rig_clients(&rig), 1);
	leaves_unheard(a);
}
END_TEST

START_TEST(full_input_and_gone)
{
	struct conn *c;
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	c = &TAILQ_FIRST(&rig.w->clients)->conn;
	while (c->rd_on) {
		agent_say(a, GET);
		rig_turn(&rig);
	}
	rig_advance(&rig, WATCH_MS);
	ck_assert_uint_eq(rig_clients(&rig), 1);
	leaves_unheard(a);
}
END_TEST

/* ---- one byte per second ---- */

static void
drip(struct agent *a, char byte)
{
	agent_say_span(a, span_new(&byte, 1));
	rig_settle(&rig);
	rig_advance(&rig, 1000);
}

/* head-timeout is for the whole of a head. */
START_TEST(dripping_head)
{
	static const char head[] = "GET /v1/agents HTTP/1.1\r\n";
	struct agent *a;

	rig_init(&rig, "head-timeout = 10s\n");
	a = agent_open(&rig, false);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(a->in.len, 0);
		drip(a, head[i]);
	}
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_HEAD_TIMEOUT), 1);
	ck_assert_uint_eq(rig.gate.n, 0);
}
END_TEST

/* body-timeout is for a pause: a body that never pauses so long goes on. */
START_TEST(dripping_body)
{
	struct agent *a;

	rig_init(&rig, "body-timeout = 10s\n");
	a = under_way(LENGTH_HEAD);
	for (unsigned i = 0; i < 300; i++)
		drip(a, 'x');
	ck_assert_uint_eq(a->in.len, 0);
	ck_assert(span_ends(buf_span(&rig.gate.conn[0].in), SPAN("xxx")));
	rig_advance(&rig, 8999);
	ck_assert_uint_eq(a->in.len, 0);
	rig_advance(&rig, 1);
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_BODY_TIMEOUT), 1);
}
END_TEST

/* Bytes that carry no content are a pause. */
START_TEST(dripping_framing)
{
	static const char *const rows[] = {
	    "000000000000000", "1;aaaaaaaaaaaaaaa", "0\r\nTrailer: aaaaaaa"};
	struct agent *a;

	rig_init(&rig, "body-timeout = 10s\n");
	a = under_way(CHUNKED_HEAD);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(a->in.len, 0);
		drip(a, rows[_i][i]);
	}
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_BODY_TIMEOUT), 1);
}
END_TEST

/* ---- X-Should-Retry: never where a request could run twice ---- */

enum fate { CLOSED, RESET, CUT_HEAD, SILENT, REFUSED };

static const struct {
	const char *method;
	enum fate fate;
	enum end end;
	bool retry;
} fates[] = {
    {"GET", CLOSED, END_UPSTREAM_CLOSED, true},
    {"HEAD", CLOSED, END_UPSTREAM_CLOSED, true},
    {"PUT", CLOSED, END_UPSTREAM_CLOSED, true},
    {"DELETE", RESET, END_UPSTREAM_CLOSED, true},
    {"POST", CLOSED, END_UPSTREAM_CLOSED, false},
    {"POST", RESET, END_UPSTREAM_CLOSED, false},
    {"PATCH", CLOSED, END_UPSTREAM_CLOSED, false},
    {"get", CLOSED, END_UPSTREAM_CLOSED, false}, /* another method */
    {"GET", CUT_HEAD, END_UPSTREAM_TRUNCATED, true},
    {"POST", CUT_HEAD, END_UPSTREAM_TRUNCATED, false},
    {"GET", SILENT, END_FIRST_BYTE_TIMEOUT, true},
    {"POST", SILENT, END_FIRST_BYTE_TIMEOUT, false},
    /* Nothing was sent. */
    {"GET", REFUSED, END_CONNECT_FAILED, true},
    {"POST", REFUSED, END_CONNECT_FAILED, true},
};

static void
meet_on(unsigned i, enum fate fate)
{
	struct gate_conn *c = &rig.gate.conn[i];

	RIG_UNTIL(&rig, rig.gate.n > i && rig_has_head(&c->in));
	if (fate == CUT_HEAD)
		gate_say(c, SPAN("HTTP/1.1 200 OK\r\nContent-Le"));
	rig_settle(&rig);
	if (fate == SILENT)
		rig_advance(&rig, rig.conf->first_byte_timeout_ms);
	else
		gate_end(c, fate == RESET ? GATE_RESET : GATE_CLEAN);
}

/* What may run twice is sent once more by itself. */
static void
meet(const char *method, enum fate fate)
{
	bool twice = (fate == CLOSED || fate == RESET) &&
		     (!strcmp(method, "GET") || !strcmp(method, "HEAD") ||
			 !strcmp(method, "PUT") || !strcmp(method, "DELETE"));

	if (fate == REFUSED)
		return;
	meet_on(0, fate);
	if (twice)
		meet_on(1, fate);
}

START_TEST(should_retry)
{
	char *request = mem_printf("%s /v1/agents HTTP/1.1\r\n"
				   "Host: mastio.test\r\n"
				   "Content-Length: 0\r\n\r\n",
	    fates[_i].method);
	struct agent *a;

	rig_init_bare(&rig, "");
	if (fates[_i].fate != REFUSED)
		gate_open(&rig.gate);
	rig_publish(&rig, 900, NULL);
	rig_turn(&rig);
	a = agent_open(&rig, false);
	agent_say(a, request);
	meet(fates[_i].method, fates[_i].fate);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	rig_settle(&rig);
	ck_assert_uint_eq(rig_ended(&rig, fates[_i].end), 1);
	ck_assert(
	    rig_has(&a->in, fates[_i].retry ? "\r\nX-Should-Retry: true\r\n"
					    : "\r\nX-Should-Retry: false\r\n"));
	free(request);
}
END_TEST

UNIT_MAIN_ROWS("patience", setup, teardown, {half_closed_and_gone, 1},
    {full_input_and_gone, 1}, {dripping_head, 1}, {dripping_body, 1},
    {dripping_framing, 3}, {should_retry, COUNT(fates)})
