/*
 * t_replay: what is kept of a body, what is not, and that the budget is given
 * back to the byte.
 */
#include "net/replay.h"

#include "unit.h"

START_TEST(kept)
{
	size_t budget = 100;
	struct replay r;

	replay_init(&r, 10, &budget);
	replay_add(&r, SPAN("hello"));
	replay_add(&r, SPAN_NONE);
	replay_add(&r, SPAN("world")); /* to the limit, not over it */
	ck_assert(!r.lost);
	ck_span(buf_span(&r.body), "helloworld");
	ck_assert_uint_eq(budget, 90);
	ck_assert(r.body.secret);
	replay_drop(&r);
	ck_assert_uint_eq(budget, 100);
	ck_assert(r.lost);
	replay_drop(&r);
	ck_assert_uint_eq(budget, 100);
}
END_TEST

START_TEST(nothing_is_not_lost)
{
	size_t budget = 0;
	struct replay r;

	replay_init(&r, 0, &budget);
	replay_add(&r, SPAN_NONE);
	replay_drop(&r);
	ck_assert(!r.lost);
}
END_TEST

START_TEST(over_the_limit)
{
	size_t budget = 100;
	struct replay r;

	replay_init(&r, 10, &budget);
	replay_add(&r, SPAN("hello"));
	replay_add(&r, SPAN("world!"));
	ck_assert(r.lost);
	ck_assert_uint_eq(r.body.len, 0);
	ck_assert_uint_eq(budget, 100);
	/* A body with a hole is of no use: nothing is kept any more. */
	replay_add(&r, SPAN("x"));
	ck_assert_uint_eq(r.body.len, 0);
	ck_assert_uint_eq(budget, 100);
}
END_TEST

START_TEST(over_the_budget)
{
	size_t budget = 8;
	struct replay a, b;

	replay_init(&a, 100, &budget);
	replay_init(&b, 100, &budget);
	replay_add(&a, SPAN("hello"));
	replay_add(&b, SPAN("xyz"));
	ck_assert_uint_eq(budget, 0);
	replay_add(&b, SPAN("!"));
	ck_assert(b.lost);
	ck_assert(!a.lost);
	ck_assert_uint_eq(budget, 3);
	replay_drop(&a);
	ck_assert_uint_eq(budget, 8);
}
END_TEST

/* However the pieces come, no more memory is taken than the limit. */
START_TEST(no_room_above_the_limit)
{
	static const size_t pieces[] = {1, 100, 257, 1000, 61234};
	static const char data[61234];
	size_t limit = 1 << 20, budget = limit;
	struct replay r;

	replay_init(&r, limit, &budget);
	while (r.body.len < limit) {
		size_t left = limit - r.body.len, n = pieces[_i];

		replay_add(&r, span_new(data, n < left ? n : left));
		ck_assert_uint_le(r.body.cap, limit);
	}
	ck_assert(!r.lost);
	replay_drop(&r);
}
END_TEST

UNIT_MAIN_ROWS("replay", NULL, NULL, {kept, 1}, {nothing_is_not_lost, 1},
    {over_the_limit, 1}, {over_the_budget, 1}, {no_room_above_the_limit, 5})
