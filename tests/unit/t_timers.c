/*
 * t_timers: the heap of waits, with a clock of the test's own.
 */
#include "base/clock.h"
#include "net/timers.h"

#include "unit.h"

#define TIMERS 100

static struct event_base *base;
static struct timers ts;
static struct timer timer[TIMERS];
static unsigned fired[TIMERS * 4], nfired;

static void
on_fire(void *arg)
{
	fired[nfired++] = (unsigned)((struct timer *)arg - timer);
}

static void
setup(void)
{
	base = event_base_new();
	clock_fake(1000, 1);
	timers_init(&ts, base);
	for (unsigned i = 0; i < TIMERS; i++)
		timer_init(&timer[i], on_fire, &timer[i]);
}

static void
teardown(void)
{
	timers_fini(&ts);
	event_base_free(base);
}

/* Every timer sits where it says, and no child is due before its parent. */
static void
check_heap(void)
{
	for (size_t i = 1; i <= ts.count; i++) {
		ck_assert_uint_eq(ts.heap[i]->slot, i);
		if (i > 1)
			ck_assert_int_le(
			    ts.heap[i / 2]->due_ms, ts.heap[i]->due_ms);
	}
}

START_TEST(fire_in_order)
{
	for (unsigned i = 0; i < TIMERS; i++) {
		timers_set(&ts, &timer[i], 2000 + (int64_t)(i * 37 % TIMERS));
		check_heap();
	}
	timers_run(&ts, 1999);
	ck_assert_uint_eq(nfired, 0);
	timers_run(&ts, 2000 + TIMERS / 2 - 1);
	ck_assert_uint_eq(nfired, TIMERS / 2);
	timers_run(&ts, 2000 + TIMERS);
	ck_assert_uint_eq(nfired, TIMERS);
	ck_assert_uint_eq(ts.count, 0);
	for (unsigned i = 0; i < TIMERS; i++)
		ck_assert_uint_eq(fired[i] * 37 % TIMERS, i);
}
END_TEST

START_TEST(set_again_and_cancel)
{
	uint32_t r = 1;

	/* A fixed walk through all the ways to move a timer. */
	for (unsigned i = 0; i < 5000; i++) {
		struct timer *t;

		r = r * 1664525 + 1013904223;
		t = &timer[(r >> 8) % TIMERS];
		if ((r >> 20) % 4 == 0) {
			timers_cancel(&ts, t);
			ck_assert_uint_eq(t->slot, 0);
		} else {
			timers_set(&ts, t, 2000 + (r >> 16) % 500);
		}
		check_heap();
	}
	for (unsigned i = 0; i < TIMERS; i++) {
		timers_cancel(&ts, &timer[i]);
		timers_cancel(&ts, &timer[i]); /* not pending is fine */
		check_heap();
	}
	ck_assert_uint_eq(ts.count, 0);
	timers_run(&ts, 100000);
	ck_assert_uint_eq(nfired, 0);
}
END_TEST

static void
fire_and_cancel_others(void *arg)
{
	on_fire(arg);
	timers_cancel(&ts, &timer[1]);
	timers_cancel(&ts, arg);
}

START_TEST(cancel_inside_fire)
{
	timer_init(&timer[0], fire_and_cancel_others, &timer[0]);
	timers_set(&ts, &timer[0], 2000);
	timers_set(&ts, &timer[1], 2000);
	timers_set(&ts, &timer[2], 2001);
	timers_run(&ts, 3000);
	ck_assert_uint_eq(nfired, 2);
	ck_assert_uint_eq(fired[0], 0);
	ck_assert_uint_eq(fired[1], 2);
}
END_TEST

static void
fire_and_set_again(void *arg)
{
	struct timer *t = arg;

	on_fire(t);
	timers_set(&ts, t, t->due_ms + 100);
}

START_TEST(set_inside_fire)
{
	timer_init(&timer[0], fire_and_set_again, &timer[0]);
	timers_set(&ts, &timer[0], 2000);
	timers_run(&ts, 2250);
	ck_assert_uint_eq(nfired, 3);
	ck_assert_int_eq(timer[0].due_ms, 2300);
	ck_assert_uint_ne(timer[0].slot, 0);
}
END_TEST

START_TEST(behind_libevent)
{
	/* Due at once by the test's clock: the base's own timer runs it. */
	timers_set(&ts, &timer[3], 1000);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(nfired, 1);
	/* An earlier one arms it again, a later one does not. */
	timers_set(&ts, &timer[4], 500000);
	ck_assert_int_eq(ts.armed_ms, 500000);
	timers_set(&ts, &timer[5], 600000);
	ck_assert_int_eq(ts.armed_ms, 500000);
	timers_set(&ts, &timer[6], 900);
	ck_assert_int_eq(ts.armed_ms, 900);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(nfired, 2);
	ck_assert_uint_eq(fired[1], 6);
	ck_assert_int_eq(ts.armed_ms, 500000);
}
END_TEST

UNIT_MAIN_FIXTURE("timers", setup, teardown, fire_in_order,
    set_again_and_cancel, cancel_inside_fire, set_inside_fire, behind_libevent)
