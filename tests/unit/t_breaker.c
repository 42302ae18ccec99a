/*
 * t_breaker: circuits, the budget of requests that are sent again, and what
 * both do to requests when the gateway sheds load or refuses the agent.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "proxy/breaker.h"

#include "rig_fixture.h"
#include "unit.h"

/* ---- circuits ---- */

START_TEST(opens_and_closes)
{
	struct circuit c = {0};

	ck_assert_int_eq(circuit_state(&c, 1000), CIRCUIT_CLOSED);
	circuit_open(&c, 1000, 5000, 0);
	ck_assert_int_eq(circuit_state(&c, 1000), CIRCUIT_OPEN);
	ck_assert_int_eq(circuit_state(&c, 5999), CIRCUIT_OPEN);
	/* an old request's answer does not close it */
	circuit_close(&c, 5999);
	ck_assert_int_eq(circuit_state(&c, 6000), CIRCUIT_HALF_OPEN);
	circuit_close(&c, 6000);
	ck_assert_int_eq(circuit_state(&c, 6000), CIRCUIT_CLOSED);
}
END_TEST

/* Requests that were under way are shed as well: that is no failed probe. */
START_TEST(many_at_once)
{
	struct circuit c = {0};

	for (int64_t now = 1000; now < 1100; now++)
		circuit_open(&c, now, 1000, 0);
	ck_assert_int_eq(circuit_state(&c, 2098), CIRCUIT_OPEN);
	ck_assert_int_eq(circuit_state(&c, 2099), CIRCUIT_HALF_OPEN);
	/* a shorter one does not open it */
	circuit_open(&c, 2000, 10, 0);
	ck_assert_int_eq(circuit_state(&c, 2098), CIRCUIT_OPEN);
}
END_TEST

START_TEST(failed_probes_double)
{
	static const int64_t spans[] = {
	    1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct circuit c = {0};
	int64_t now = 1000;

	for (size_t i = 0; i < COUNT(spans); i++) {
		circuit_open(&c, now, 1000, 0);
		ck_assert_int_eq(
		    circuit_state(&c, now + spans[i] - 1), CIRCUIT_OPEN);
		now += spans[i];
		ck_assert_int_eq(circuit_state(&c, now), CIRCUIT_HALF_OPEN);
	}
	/* what the gateway asks for counts */
	circuit_open(&c, now, 300000, 0);
	ck_assert_int_eq(circuit_state(&c, now + 299999), CIRCUIT_OPEN);
	now += 300000;
	circuit_close(&c, now);
	circuit_open(&c, now, 1000, 0);
	ck_assert_int_eq(circuit_state(&c, now + 1000), CIRCUIT_HALF_OPEN);
}
END_TEST

START_TEST(jitter)
{
	struct circuit c = {0};

	circuit_open(&c, 1000, 4000, UINT32_MAX);
	ck_assert_int_eq(circuit_state(&c, 5998), CIRCUIT_OPEN);
	ck_assert_int_eq(circuit_state(&c, 6000), CIRCUIT_HALF_OPEN);
}
END_TEST

/* ---- the budget ---- */

static unsigned
spend_all(struct allowance *b, int64_t now)
{
	unsigned n = 0;

	while (allowance_spend(b, now))
		n++;
	return n;
}

START_TEST(allowance)
{
	struct allowance b = {0};

	/* the floor at first, then one a second */
	ck_assert_uint_eq(spend_all(&b, 1000), 10);
	ck_assert_uint_eq(spend_all(&b, 1999), 0);
	ck_assert_uint_eq(spend_all(&b, 2000), 1);
	ck_assert_uint_eq(spend_all(&b, 5000), 3);
	ck_assert_uint_eq(spend_all(&b, 3600000), 10);
	/* one of ten */
	for (unsigned i = 0; i < 200; i++)
		allowance_earn(&b);
	ck_assert_uint_eq(spend_all(&b, 3600000), 20);
	/* not more than so many however long nobody needed any */
	for (unsigned i = 0; i < 100000; i++)
		allowance_earn(&b);
	ck_assert_uint_eq(spend_all(&b, 3600000), 100);
}
END_TEST

/* ---- requests ---- */

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SHED(after)                                   \
	"HTTP/1.1 503 Service Unavailable\r\n"        \
	"X-Cullis-Shed-Reason: global_rate_limit\r\n" \
	"Retry-After: " after "\r\nContent-Length: 4\r\n\r\nshed"
#define GONE                                                              \
	"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n" \
	"Content-Length: 48\r\n\r\n"                                      \
	"{\"detail\":\"agent not registered or deactivated\"}"

static struct agent *
asks(void)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "POST /v1/egress/x HTTP/1.1\r\nHost: localhost\r\n"
		     "Content-Length: 4\r\n\r\nbody");
	return a;
}

static struct gate_conn *
arrived(void)
{
	for (unsigned i = 0; i < rig.gate.n; i++)
		if (rig_has(&rig.gate.conn[i].in, "\r\n\r\nbody"))
			return &rig.gate.conn[i];
	return NULL;
}

/* The one that is let in to see whether the gateway sheds still; it has
 * arrived there. */
static struct agent *
probes(void)
{
	struct agent *a;

	circuit_open(&rig.gateway.shed, rig.now_ms, 1000, 0);
	rig_advance(&rig, 1000);
	a = asks();
	RIG_UNTIL(&rig, arrived());
	return a;
}

static void
says(const char *text)
{
	struct gate_conn *g;

	RIG_UNTIL(&rig, arrived());
	g = arrived();
	rig_forget(&g->in);
	gate_say(g, span_of(text));
}

static void
gets(struct agent *a, const char *text)
{
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	rig_settle(&rig);
	ck_assert_msg(rig_has(&a->in, text), "%.*s instead of %s",
	    SPAN_ARG(buf_span(&a->in)), text);
	rig_forget(&a->in);
}

static void
nothing_arrives(void)
{
	for (unsigned i = 0; i < 40; i++) {
		rig_rest(i);
		rig_turn(&rig);
	}
	ck_assert_ptr_null(arrived());
}

static enum circuit_state
state(void)
{
	return circuit_state(&rig.gateway.shed, clock_now_ms());
}

static int64_t
left(void)
{
	return rig.gateway.shed.until_ms - clock_now_ms();
}

/* Shed once, sent again behind the pause; others are told at once. */
START_TEST(shed_and_again)
{
	struct agent *a = asks(), *b;

	says(SHED("2"));
	RIG_UNTIL(&rig, state() == CIRCUIT_OPEN);
	nothing_arrives();
	ck_assert_int_ge(left(), 2000);
	ck_assert_int_le(left(), 2500);
	rig_advance(&rig, 500);
	b = asks();
	gets(b, "HTTP/1.1 503 ");
	b = asks();
	gets(b, "X-Cullis-Sidecar-Error: gateway-busy\r\n");
	b = asks();
	gets(b, left() > 1000 ? "Retry-After: 2\r\n" : "Retry-After: 1\r\n");
	nothing_arrives();
	rig_advance(&rig, left());
	says(OK);
	gets(a, "HTTP/1.1 200 ");
	ck_assert_int_eq(state(), CIRCUIT_CLOSED);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->retries_shed), 1);
	ck_assert_uint_eq(rig_ended(&rig, END_GATEWAY_BUSY), 3);
	b = asks();
	says(OK);
	gets(b, "HTTP/1.1 200 ");
}
END_TEST

/* Twice shed is the agent's to know; it opens for twice as long. */
START_TEST(shed_twice)
{
	struct agent *a = asks(), *b, *c;

	says(SHED("1"));
	RIG_UNTIL(&rig, state() == CIRCUIT_OPEN);
	rig_settle(&rig);
	rig_advance(&rig, left());
	says(SHED("1"));
	gets(a, "Retry-After: 1\r\n");
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
	ck_assert_int_ge(left(), 2000);
	/* half open: one at a time */
	rig_advance(&rig, left());
	b = asks();
	RIG_UNTIL(&rig, arrived());
	c = asks();
	gets(c, "X-Cullis-Sidecar-Error: gateway-busy\r\n");
	ck_assert_int_eq(state(), CIRCUIT_HALF_OPEN);
	/* who goes away does not hold up the next */
	agent_close(b);
	RIG_UNTIL(&rig, rig_ended(&rig, END_CLIENT_GONE));
	rig_forget(&arrived()->in);
	c = asks();
	says(OK);
	gets(c, "HTTP/1.1 200 ");
	ck_assert_int_eq(state(), CIRCUIT_CLOSED);
}
END_TEST

/* A probe that is worked on for long was not shed. */
START_TEST(slow_probe)
{
	struct agent *a = probes(), *b;

	rig_forget(&arrived()->in);
	b = asks();
	gets(b, "gateway-busy");
	rig_advance(&rig, BREAKER_PATIENCE_MS);
	b = asks();
	says(OK);
	gets(b, "HTTP/1.1 200 ");
	ck_assert_int_eq(state(), CIRCUIT_CLOSED);
	ck_assert_uint_eq(a->in.len, 0);
}
END_TEST

/* Reasons why the gateway's own 503 passes. */
START_TEST(not_again)
{
	static const char *const answers[] = {SHED("1"), SHED("11"), SHED("1")};
	struct agent *a;

	if (_i == 0)
		while (allowance_spend(&rig.w->breaker.allowance, rig.now_ms))
			;
	if (_i == 2)
		rig.w->replay_left = 0;
	a = asks();
	says(answers[_i]);
	gets(a, _i == 1 ? "Retry-After: 11\r\n" : "Retry-After: 1\r\n");
	ck_assert_int_eq(state(), CIRCUIT_OPEN);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->retries_shed), 0);
	ck_assert_uint_eq(rig.w->breaker.probes, 0);
}
END_TEST

/* A deactivated agent: at once, with the gateway's reason, then one by one. */
START_TEST(agent_refused)
{
	struct agent *a = asks();

	says(GONE);
	gets(a, "\"gateway_reason\":\"agent not registered or deactivated\"");
	ck_assert_int_eq(rig.gateway.refused_row, (int)VERDICT_ROW_DEACTIVATED);
	for (unsigned i = 0; i < 2; i++) {
		int64_t until = rig.gateway.refusal.until_ms - clock_now_ms();

		ck_assert_int_ge(until, BREAKER_REFUSED_MS * (i + 1));
		ck_assert_int_le(until, BREAKER_REFUSED_MS * (i + 1) * 5 / 4);
		a = asks();
		gets(a, "X-Cullis-Sidecar-Error: agent-deactivated\r\n");
		nothing_arrives();
		/* the token ends before; that is another matter */
		rig_publish(&rig, 900, NULL);
		rig_settle(&rig);
		rig_advance(&rig, until);
		a = asks();
		RIG_UNTIL(&rig, arrived());
		gets(asks(), "X-Cullis-Sidecar-Error: agent-deactivated\r\n");
		says(i == 0 ? GONE : OK);
		gets(a, i == 0 ? "HTTP/1.1 502 " : "HTTP/1.1 200 ");
	}
	ck_assert_int_eq(circuit_state(&rig.gateway.refusal, clock_now_ms()),
	    CIRCUIT_CLOSED);
	ck_assert_uint_eq(rig.w->breaker.probes, 0);
	a = asks();
	says(OK);
	gets(a, "HTTP/1.1 200 ");
}
END_TEST

/* An error of the gateway is no sign that the agent is welcome again. */
START_TEST(failing_probe)
{
	struct agent *a;

	rig.gateway.refused_row = VERDICT_ROW_DEACTIVATED;
	circuit_open(&rig.gateway.refusal, rig.now_ms, 1000, 0);
	rig_advance(&rig, 1000);
	a = asks();
	says("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
	gets(a, "HTTP/1.1 502 ");
	ck_assert_int_eq(circuit_state(&rig.gateway.refusal, clock_now_ms()),
	    CIRCUIT_HALF_OPEN);
	ck_assert_uint_eq(rig.w->breaker.probes, 0);
}
END_TEST

/* ---- a gateway that has been replaced ---- */

/* Another way to it is another gateway.  The old one does nothing meanwhile. */
static void
replace_gateway(void)
{
	const struct upstream *old = rig.w->upstream;

	rig.conf->connect_timeout_ms++;
	rig_publish(&rig, 900, NULL);
	while (rig.w->upstream == old)
		loop_turn(&rig.w->loop, EVLOOP_NONBLOCK);
}

static const char *const last_words[] = {SHED("2"), GONE,
    "HTTP/1.1 200 OK\r\nX-Cullis-Mode: federation\r\nDPoP-Nonce: old\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n"};

/* What it says of requests that began with it is nothing about the new one. */
START_TEST(replaced)
{
	struct agent *a = asks();

	RIG_UNTIL(&rig, arrived());
	replace_gateway();
	says(last_words[_i]);
	gets(a, _i == 0   ? "Retry-After: 2\r\n"
		: _i == 1 ? "agent-deactivated"
			  : "HTTP/1.1 200 ");
	ck_assert_int_eq(state(), CIRCUIT_CLOSED);
	ck_assert_int_eq(circuit_state(&rig.gateway.refusal, clock_now_ms()),
	    CIRCUIT_CLOSED);
	ck_assert_int_eq(rig.gateway.answered_ms, 0);
	ck_assert_int_eq(gateway_mode(&rig.gateway), GATEWAY_UNKNOWN);
	ck_assert(!gateway_clock_known(&rig.gateway));
	ck_assert_ptr_null(rig.w->learned.nonce[REALM_MASTIO]);
	a = asks();
	says(OK);
	gets(a, "HTTP/1.1 200 ");
	ck_assert_int_gt(rig.gateway.answered_ms, 0);
}
END_TEST

/* Nor does it close what is open for the new one, or wait for that. */
START_TEST(replaced_with_a_probe)
{
	struct agent *a = probes(), *b;

	replace_gateway();
	says(OK);
	gets(a, "HTTP/1.1 200 ");
	ck_assert_int_eq(state(), CIRCUIT_HALF_OPEN);
	ck_assert_uint_eq(rig.w->breaker.probes, 0);
	b = asks();
	says(OK);
	gets(b, "HTTP/1.1 200 ");
	ck_assert_int_eq(state(), CIRCUIT_CLOSED);
}
END_TEST

START_TEST(replaced_and_away)
{
	struct agent *a = asks();

	while (!TAILQ_FIRST(&rig.w->clients)->x.lease.waiting)
		loop_turn(&rig.w->loop, EVLOOP_NONBLOCK);
	replace_gateway();
	gate_close(&rig.gate);
	gets(a, "HTTP/1.1 502 ");
	ck_assert_int_eq(rig.gateway.missed_ms, 0);
	a = asks();
	gets(a, "HTTP/1.1 502 ");
	ck_assert_int_gt(rig.gateway.missed_ms, 0);
}
END_TEST

UNIT_MAIN_ROWS("breaker", setup, teardown, {opens_and_closes, 1},
    {many_at_once, 1}, {failed_probes_double, 1}, {jitter, 1}, {allowance, 1},
    {shed_and_again, 1}, {shed_twice, 1}, {slow_probe, 1}, {not_again, 3},
    {agent_refused, 1}, {failing_probe, 1}, {replaced, COUNT(last_words)},
    {replaced_with_a_probe, 1}, {replaced_and_away, 1})
