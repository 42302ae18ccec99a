/*
 * t_worker: what main may rely on: draining, and giving back what was lent.
 */
#include "base/clock.h"
#include "base/mem.h"

#include "rig_fixture.h"
#include "unit.h"

#define GET "GET /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n\r\n"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct agent *
under_way(void)
{
	struct agent *a = agent_open(&rig, false);
	unsigned i = rig.gate.n;

	agent_say(a, GET);
	RIG_UNTIL(&rig, rig.gate.n > i && rig_has_head(&rig.gate.conn[i].in));
	return a;
}

/* A kept connection may have its next request on the way: it gets a moment for
 * it, and each client that goes is told once. */
START_TEST(drain_gives_idle_clients_a_moment)
{
	for (int i = 0; i < _i; i++) {
		agent_open(&rig, false);
		agent_say(&rig.agent[i], GET);
		RIG_UNTIL(
		    &rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
		rig_forget(&rig.gate.conn[0].in);
		gate_say(&rig.gate.conn[0], SPAN(HELLO));
		RIG_UNTIL(&rig, rig_has(&rig.agent[i].in, "hello"));
	}
	worker_drain(rig.w);
	rig_settle(&rig);
	rig_advance(&rig, 499);
	ck_assert_uint_eq(rig.closed, 0);
	rig_advance(&rig, 1);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.closed, (unsigned)_i);
}
END_TEST

START_TEST(drain_serves_a_kept_connection_once_more)
{
	struct agent *a = under_way();

	gate_say(&rig.gate.conn[0], SPAN(HELLO));
	RIG_UNTIL(&rig, rig_has(&a->in, "hello"));
	rig_forget(&a->in);
	rig_forget(&rig.gate.conn[0].in);
	worker_drain(rig.w);
	rig_settle(&rig);
	agent_say(a, GET);
	RIG_UNTIL(&rig, rig_has_head(&rig.gate.conn[0].in));
	gate_say(&rig.gate.conn[0], SPAN(HELLO));
	RIG_UNTIL(&rig, a->eof);
	ck_assert(rig_has(&a->in, "hello"));
	ck_assert(rig_has(&a->in, "Connection: close\r\n"));
}
END_TEST

START_TEST(drain_waits_for_what_is_under_way)
{
	struct agent *idle = agent_open(&rig, false), *a = under_way();

	worker_drain(rig.w);
	rig_settle(&rig);
	/* It has not made its first request yet, and gets a moment for it. */
	rig_advance(&rig, 499);
	ck_assert(!idle->eof);
	rig_advance(&rig, 1);
	RIG_UNTIL(&rig, idle->eof);
	ck_assert_uint_eq(rig.closed, 1);
	gate_say(&rig.gate.conn[0], SPAN(HELLO));
	RIG_UNTIL(&rig, a->eof);
	ck_assert(rig_has(&a->in, "hello"));
	ck_assert(rig_has(&a->in, "Connection: close\r\n"));
	ck_assert_uint_eq(rig.closed, 1);
	agent_close(a);
	RIG_UNTIL(&rig, rig.closed == 2);
}
END_TEST

/* A head that has begun is served. */
START_TEST(drain_waits_for_a_head)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "GET /v1/agents HT");
	rig_settle(&rig);
	worker_drain(rig.w);
	rig_settle(&rig);
	ck_assert(!a->eof);
	agent_say(a, "TP/1.1\r\nHost: mastio.test\r\n\r\n");
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
	gate_say(&rig.gate.conn[0], SPAN(HELLO));
	RIG_UNTIL(&rig, a->eof && rig_has(&a->in, "hello"));
}
END_TEST

START_TEST(a_ping_is_answered_by_a_turn)
{
	ck_assert_int_eq(worker_unanswered_ms(rig.w), 0);
	clock_fake(RIG_START_MS + 700, 1);
	ck_assert_int_eq(worker_unanswered_ms(rig.w), 700);
	rig_turn(&rig);
	ck_assert_int_eq(worker_unanswered_ms(rig.w), 0);
}
END_TEST

/* The Date of an answer whose request went out at once. */
static void
learn(struct gateway_state *g, const char *date)
{
	char *text = mem_printf("HTTP/1.1 200 OK\r\nDate: %s\r\n\r\n", date);
	const struct head_limits limits = {1000, 10};
	struct field fields[10];
	struct head head;

	head_reset(&head, fields);
	ck_assert_int_eq(
	    head_parse_response(&head, span_of(text), &limits), HEAD_DONE);
	gateway_learn_clock(g, &head, clock_now_ms());
	free(text);
}

START_TEST(clock_of_the_gateway)
{
	struct gateway_state g = {0};

	clock_fake(5000, 1700000000);
	ck_assert(!gateway_clock_known(&g));
	ck_assert_int_eq(gateway_wall_s(&g), 1700000000);
	ck_assert_int_eq(gateway_clock_offset_ms(&g), 0);
	learn(&g, "Tue, 14 Nov 2023 23:13:20 GMT"); /* an hour ahead */
	ck_assert(!gateway_clock_known(&g));
	learn(&g, "Tue, 14 Nov 2023 22:14:50 GMT");
	ck_assert(gateway_clock_known(&g));
	ck_assert_int_eq(gateway_wall_s(&g), 1700000090);
	ck_assert_int_eq(gateway_clock_offset_ms(&g), 90000);
	/* The local wall clock may jump, the gateway's does not. */
	clock_fake(6000, 1700003601);
	ck_assert_int_eq(gateway_wall_s(&g), 1700000091);
	ck_assert_int_eq(gateway_clock_offset_ms(&g), -3510000);
	learn(&g, "Tue, 14 Nov 2023 22:14:51 GMT");
	ck_assert_int_eq(gateway_wall_s(&g), 1700000091);
	/* Nonsense changes nothing. */
	learn(&g, "yesterday");
	learn(&g, "Tue, 14 Nov 2023 21:14:51 GMT");
	ck_assert_int_eq(gateway_wall_s(&g), 1700000091);
}
END_TEST

/* Stopped with everything half done: nothing leaks, nothing is used after. */
START_TEST(stop_in_the_middle)
{
	struct agent *a = under_way(), *b = under_way(), *c;

	gate_say(&rig.gate.conn[1],
	    SPAN("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"));
	RIG_UNTIL(&rig, rig_has(&b->in, "he"));
	c = agent_open(&rig, false);
	agent_say(c, "GET /");
	rig.gate.mute = true;
	agent_say(agent_open(&rig, false), GET);
	rig_settle(&rig);
	worker_stop(rig.w);
	RIG_UNTIL(&rig, a->eof && b->eof && c->eof);
	ck_assert(rig_has(&a->in, "X-Cullis-Sidecar-Error: draining\r\n"));
	ck_assert_uint_eq(rig_ended(&rig, END_DRAIN), 3);
	ck_assert(TAILQ_EMPTY(&rig.w->clients));
	rig.w->loop.stop = false;
}
END_TEST

UNIT_MAIN_ROWS("worker", setup, teardown,
    {drain_gives_idle_clients_a_moment, 3},
    {drain_serves_a_kept_connection_once_more, 1},
    {drain_waits_for_what_is_under_way, 1}, {drain_waits_for_a_head, 1},
    {a_ping_is_answered_by_a_turn, 1}, {clock_of_the_gateway, 1},
    {stop_in_the_middle, 1})
