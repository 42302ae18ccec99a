/*
 * t_expiry: when the end of a certificate is near enough to be told.
 */
#include "ctl/expiry.h"

#include "unit.h"

#define HOUR 3600
#define DAY (24 * HOUR)
#define LONG (365 * DAY)

static const struct {
	int64_t life, left;
	int stage;
} ends[] = {
    {LONG, 31 * DAY, 0},
    {LONG, 30 * DAY + 1, 0},
    {LONG, 30 * DAY, 1},
    {LONG, 7 * DAY + 1, 1},
    {LONG, 7 * DAY, 2},
    {LONG, DAY + 1, 2},
    {LONG, DAY, 3},
    {LONG, 1, 3},
    {LONG, 0, -1},
    {LONG, -DAY, -1},
    /* a fifth of a short life */
    {30 * DAY, 30 * DAY, 0},
    {30 * DAY, 6 * DAY + 1, 0},
    {30 * DAY, 6 * DAY, 1},
    {HOUR, HOUR, 0},
    {HOUR, HOUR / 5 + 1, 0},
    {HOUR, HOUR / 5, 1},
    {HOUR, 1, 1},
    {HOUR, 0, -1},
};

START_TEST(stages)
{
	const int64_t end = 2000000000;

	ck_assert_int_eq(
	    expiry_stage(end - ends[_i].life, end, end - ends[_i].left),
	    ends[_i].stage);
}
END_TEST

/* Where the beginning is not known, it is taken for a long life. */
START_TEST(no_beginning)
{
	ck_assert_int_eq(expiry_stage(0, 2000000000, 2000000000 - DAY), 3);
}
END_TEST

UNIT_MAIN_ROWS("expiry", NULL, NULL, {stages, COUNT(ends)}, {no_beginning, 1})
