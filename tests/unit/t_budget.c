/*
 * t_budget: what connections hold is counted, bounded and given back; who
 * reads is served while others stall; what all of it may add up to.
 */
#include "proxy/bound.h"

#include "base/mem.h"

#include "rig.h"
#include "unit.h"

#define REQUEST "GET /v1/models HTTP/1.1\r\nHost: mastio.test\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n"
#define BODY 600000

static struct rig rig;
static char *body;

START_TEST(charges)
{
	struct event_base *base = event_base_new();
	struct timers timers;
	struct budget b;
	size_t one = 0, two = 0;

	timers_init(&timers, base);
	budget_init(&b, &timers);
	budget_charge(&b, &one, (size_t)1 << 40);
	ck_assert(!budget_tight(&b)); /* there is no limit yet */
	budget_charge(&b, &one, 0);
	b.peak = 0;
	budget_set_limit(&b, 1000, 300);
	budget_charge(&b, &one, 699);
	ck_assert(!budget_tight(&b));
	budget_charge(&b, &two, 1);
	ck_assert(budget_tight(&b));
	budget_charge(&b, &one, 500);
	ck_assert_uint_eq(budget_used(&b), 501);
	ck_assert_uint_eq(b.timer.slot, 0);
	/* A quarter of the limit has been freed: some goes back. */
	budget_charge(&b, &one, 400);
	ck_assert_uint_ne(b.timer.slot, 0);
	timers_run(&timers, rig.now_ms + 1000);
	ck_assert_uint_eq(b.timer.slot, 0);
	ck_assert_uint_eq(b.peak, 401);
	/* A reserve takes three quarters at most. */
	budget_set_limit(&b, 1000, 5000);
	ck_assert_uint_eq(b.tight, 250);
	budget_charge(&b, &one, 0);
	budget_charge(&b, &two, 0);
	ck_assert_uint_eq(budget_used(&b), 0);
	budget_fini(&b);
	timers_fini(&timers);
	event_base_free(base);
}
END_TEST

static void
setup(void)
{
	body = mem_alloc(BODY);
	for (size_t i = 0; i < BODY; i++)
		body[i] = (char)(i % 251);
	rig_init(&rig, "max-buffer = 1m\n");
}

static void
teardown(void)
{
	rig_fini(&rig);
	free(body);
}

static size_t
used(void)
{
	return budget_used(&rig.w->loop.budget);
}

/* What the budget should say. */
static size_t
really_held(void)
{
	struct client *c;
	struct upconn *uc;
	size_t n = 0;

	TAILQ_FOREACH(c, &rig.w->clients, link)
		n += c->conn.in.cap + c->conn.out.cap;
	TAILQ_FOREACH(uc, &rig.w->upstream->others, link)
		n += uc->conn.charged;
	TAILQ_FOREACH(uc, &rig.w->upstream->idle, link)
		n += uc->conn.charged;
	return n;
}

static struct agent *
ask(bool deaf)
{
	struct agent *a = agent_open(&rig, false);
	unsigned i = rig.gate.n;

	a->deaf = deaf;
	agent_say(a, REQUEST);
	RIG_UNTIL(&rig, rig.gate.n > i && rig_has_head(&rig.gate.conn[i].in));
	gate_say(&rig.gate.conn[i], SPAN(ANSWER));
	gate_say(&rig.gate.conn[i], span_new(body, BODY));
	return a;
}

static bool
has_all(const struct agent *a)
{
	struct span s = buf_span(&a->in);

	return s.n > BODY && rig_has_head(&a->in) &&
	       memcmp(s.p + (s.n - BODY), body, BODY) == 0;
}

START_TEST(stalled_and_flowing)
{
	const size_t most = 1 << 20;
	struct agent *stalled[12], *a;
	struct client *c;

	for (unsigned i = 0; i < COUNT(stalled); i++) {
		stalled[i] = ask(true);
		rig_settle(&rig);
		ck_assert_uint_eq(used(), really_held());
	}
	ck_assert(budget_tight(&rig.w->loop.budget));
	ck_assert_uint_le(used(), most);
	/* The last ones came when memory was short. */
	c = TAILQ_LAST(&rig.w->clients, client_list);
	ck_assert_uint_le(c->conn.out.cap, BUDGET_STEP_TLS);
	ck_assert_uint_eq(c->x.lease.uc->conn.in.cap, 0);

	a = ask(false);
	RIG_UNTIL(&rig, has_all(a));
	ck_assert(budget_tight(&rig.w->loop.budget));

	for (unsigned i = 0; i < COUNT(stalled); i++)
		stalled[i]->deaf = false;
	for (unsigned i = 0; i < COUNT(stalled); i++)
		RIG_UNTIL(&rig, has_all(stalled[i]));
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == COUNT(stalled) + 1);
	rig_settle(&rig);
	ck_assert_uint_eq(
	    used(), (COUNT(stalled) + 1) * (size_t)CONN_TLS_STATE);
	rig_advance(&rig, rig.conf->upstream_idle_timeout_ms);
	ck_assert_uint_eq(used(), 0);
}
END_TEST

/* A head comes in however short memory is. */
START_TEST(heads_while_memory_is_short)
{
	char *field = mem_alloc(20001);
	size_t others = 0;
	struct agent *a;

	memset(field, 'x', 20000);
	budget_charge(&rig.w->loop.budget, &others, 1 << 20);
	a = agent_open(&rig, false);
	agent_say(a, "GET /v1/models HTTP/1.1\r\nHost: mastio.test\r\nX-A: ");
	agent_say_span(a, span_new(field, 20000));
	agent_say(a, "\r\n\r\n");
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
	gate_say(&rig.gate.conn[0],
	    SPAN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: "));
	gate_say(&rig.gate.conn[0], span_new(field, 20000));
	gate_say(&rig.gate.conn[0], SPAN("\r\n\r\nok"));
	RIG_UNTIL(&rig, rig_has(&a->in, "\r\n\r\nok"));
	budget_charge(&rig.w->loop.budget, &others, 0);
	free(field);
}
END_TEST

START_TEST(bound)
{
	struct findings found = {0};
	uint64_t before = bound_of(rig.conf), more;

	rig.conf->max_buffer += 64 << 20;
	more = bound_of(rig.conf);
	ck_assert_uint_gt(more, before);
	rig.conf->max_clients *= 2;
	ck_assert_uint_gt(bound_of(rig.conf),
	    more + rig.conf->max_clients / 2 * rig.conf->max_head);
	more = bound_of(rig.conf);
	rig.conf->max_upstream_connections *= 4;
	ck_assert_uint_gt(bound_of(rig.conf), more);
	more = bound_of(rig.conf);
	rig.conf->replay_total += 5;
	ck_assert_uint_eq(bound_of(rig.conf), more + 5);

	bound_report(rig.conf, UINT64_MAX, &found);
	ck_assert_uint_eq(found.count, 1);
	ck_assert_int_eq(found.list[0].level, FINDING_INFO);
	ck_assert_ptr_nonnull(strstr(found.list[0].text, "stays below"));
	bound_report(rig.conf, (uint64_t)50 << 20, &found);
	ck_assert_int_eq(found.list[1].level, FINDING_WARNING);
	ck_assert_ptr_nonnull(
	    strstr(found.list[1].text, "this cgroup may use 50 MiB"));
	findings_free(&found);
}
END_TEST

UNIT_MAIN_ROWS("budget", setup, teardown, {charges, 1},
    {stalled_and_flowing, 1}, {heads_while_memory_is_short, 1}, {bound, 1})
