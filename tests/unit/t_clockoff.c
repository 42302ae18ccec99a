/*
 * t_clockoff: Date fields and what is learnt from them.
 */
#include "auth/clockoff.h"

#include "unit.h"

#include <time.h>

START_TEST(good_dates)
{
	static const struct {
		const char *date;
		int64_t unix_s;
	} rows[] = {
	    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, /* 9110 5.6.7 */
	    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	    {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
	    {"Wed, 01 Mar 2000 00:00:00 GMT", 951868800},
	    {"Fri, 31 Dec 2027 23:59:59 GMT", 1830297599},
	    {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400}, /* no leap year */
	    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = -1;
		bool ok = clockoff_date(span_of(rows[i].date), &got);

		ck_assert_msg(ok, "%s", rows[i].date);
		ck_assert_msg(got == rows[i].unix_s, "%s: %lld", rows[i].date,
		    (long long)got);
	}
}
END_TEST

START_TEST(every_month_agrees_with_libc)
{
	for (int64_t t = 0; t < 253402300800; t += 27 * 86400 + 12345) {
		time_t when = (time_t)t;
		char text[64];
		struct tm tm;
		int64_t got;

		gmtime_r(&when, &tm);
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		ck_assert_msg(
		    clockoff_date(span_of(text), &got) && got == t, "%s", text);
	}
}
END_TEST

START_TEST(bad_dates)
{
	/* RFC 9110 section 5.6.7: the obsolete forms are not generated, so a
	 * gateway that sends one is not a clock to go by. */
	static const char *const rows[] = {
	    "",
	    "Sunday, 06-Nov-94 08:49:37 GMT",
	    "Sun Nov  6 08:49:37 1994",
	    "Sun, 06 Nov 1994 08:49:37",
	    "Sun, 06 Nov 1994 08:49:37 UTC",
	    "Sun, 06 Nov 1994 08:49:37 GMT ",
	    " Sun, 06 Nov 1994 08:49:37 GMT",
	    "Mon, 06 Nov 1994 08:49:37 GMT",
	    "sun, 06 Nov 1994 08:49:37 GMT",
	    "Sun, 06 nov 1994 08:49:37 GMT",
	    "Sun, 6 Nov 1994 08:49:37 GMT",
	    "Sun,  6 Nov 1994 08:49:37 GMT",
	    "Sun, 00 Nov 1994 08:49:37 GMT",
	    "Thu, 31 Nov 1994 08:49:37 GMT",
	    "Wed, 29 Feb 1995 08:49:37 GMT",
	    "Sun, 06 Nov 1994 24:00:00 GMT",
	    "Sun, 06 Nov 1994 08:60:37 GMT",
	    "Sun, 06 Nov 1994 08:49:61 GMT",
	    "Sun, 06 Nov 1994 -8:49:37 GMT",
	    "Sun, 06 Nov 1994 08:49: 7 GMT",
	    "Wed, 31 Dec 1969 23:59:59 GMT",
	    "Sun, 06 Nov 1994 08-49-37 GMT",
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t got = 42;

		ck_assert_msg(
		    !clockoff_date(span_of(rows[i]), &got), "%s", rows[i]);
		ck_assert_int_eq(got, 42);
	}
}
END_TEST

/* All at a local clock of WALL, BOOT ms after start.  Times in ms. */
#define DATE_S 1700000000
#define BOOT 5000
#define SET(off) (DATE_S * INT64_C(1000) - BOOT + (off))
#define NEVER CLOCKOFF_UNKNOWN

static const struct {
	const char *what;
	int64_t old;   /* estimate before */
	int64_t local; /* the local clock is ahead of the Date by */
	int64_t took;  /* from the request to its answer */
	enum clockoff_found found;
	int64_t now; /* estimate after, if it moves */
} learnt[] = {
    {"first, clocks agree", NEVER, 300, 20, CLOCKOFF_MOVES, SET(0)},
    {"first, ours is 20 s behind", NEVER, -20000, 20, CLOCKOFF_MOVES, SET(0)},
    {"first, ours is 20 s ahead", NEVER, 20000, 20, CLOCKOFF_MOVES, SET(0)},
    {"first, 10 min behind", NEVER, -600000, 0, CLOCKOFF_MOVES, SET(0)},
    {"first, over 10 min behind", NEVER, -600001, 0, CLOCKOFF_WILD, 0},
    {"first, 10 min ahead", NEVER, 600999, 0, CLOCKOFF_MOVES, SET(0)},
    {"first, over 10 min ahead", NEVER, 601000, 0, CLOCKOFF_WILD, 0},
    {"first, an hour behind", NEVER, -3600000, 0, CLOCKOFF_WILD, 0},
    {"first, an hour ahead", NEVER, 3600000, 0, CLOCKOFF_WILD, 0},
    {"the same again", SET(0), 0, 0, CLOCKOFF_AGREES, 0},
    {"late in the second", SET(999), 0, 0, CLOCKOFF_AGREES, 0},
    {"ahead", SET(1000), 0, 0, CLOCKOFF_MOVES, SET(0)},
    {"ahead for a slow answer", SET(1000), 0, 1, CLOCKOFF_AGREES, 0},
    {"a little behind", SET(-2000), 0, 0, CLOCKOFF_AGREES, 0},
    {"behind", SET(-2001), 0, 0, CLOCKOFF_MOVES, SET(0)},
    {"the gateway's went 2 min ahead", SET(-120000), 0, 0, CLOCKOFF_MOVES,
	SET(0)},
    {"the gateway's went 2 min back", SET(120000), 0, 0, CLOCKOFF_MOVES,
	SET(0)},
    {"ours jumped an hour ahead", SET(0), 3600000, 20, CLOCKOFF_AGREES, 0},
    {"ours jumped an hour back", SET(0), -3600000, 20, CLOCKOFF_AGREES, 0},
    {"ours jumped, the gateway's moved", SET(-30000), 3600000, 20,
	CLOCKOFF_MOVES, SET(0)},
    {"the gateway's is off by an hour", SET(-3600000), -3600000, 0,
	CLOCKOFF_WILD, 0},
    {"the gateway's is off by minus an hour", SET(3600000), 3600000, 0,
	CLOCKOFF_WILD, 0},
    {"correction of 10 min", SET(-600000), 900000, 0, CLOCKOFF_MOVES, SET(0)},
    {"correction of more", SET(-600001), 900000, 0, CLOCKOFF_WILD, 0},
    {"asleep with an answer unread", SET(3600000), 3600000, 3601000,
	CLOCKOFF_AGREES, 0},
    {"machine stopped, local clock set right", SET(-3600000), -30000, 0,
	CLOCKOFF_MOVES, SET(0)},
    {"machine stopped, local clock not right", SET(-3600000), -30001, 0,
	CLOCKOFF_WILD, 0},
};

START_TEST(one_date)
{
	struct clockoff_sample s = {.date_s = DATE_S,
	    .sent_ms = BOOT - learnt[_i].took,
	    .came_ms = BOOT,
	    .wall_ms = DATE_S * INT64_C(1000) + learnt[_i].local};
	int64_t delta = learnt[_i].old;

	ck_assert_msg(clockoff_learn(&delta, &s) == learnt[_i].found, "%s",
	    learnt[_i].what);
	ck_assert_msg(
	    delta == (learnt[_i].found == CLOCKOFF_MOVES ? learnt[_i].now
							 : learnt[_i].old),
	    "%s", learnt[_i].what);
}
END_TEST

/* A gateway whose clock is the one of boot: its estimate is known all the
 * same. */
START_TEST(known_is_not_zero)
{
	struct clockoff_sample s = {5, 5000, 5000, 5000};
	int64_t delta = CLOCKOFF_UNKNOWN;

	ck_assert_int_eq(clockoff_learn(&delta, &s), CLOCKOFF_MOVES);
	ck_assert_int_eq(delta, -1);
	ck_assert_int_eq(clockoff_learn(&delta, &s), CLOCKOFF_AGREES);
}
END_TEST

/* Whatever part of a second a Date hides: the estimate comes to rest, never
 * ahead of the truth and never 2 s behind it. */
START_TEST(many_dates)
{
	int64_t delta = CLOCKOFF_UNKNOWN, truth = SET(123);
	unsigned moves = 0;

	for (int64_t now = BOOT; now < BOOT + 100000; now += 317) {
		struct clockoff_sample s = {(truth + now - 20) / 1000, now - 40,
		    now, DATE_S * INT64_C(1000)};

		moves += clockoff_learn(&delta, &s) == CLOCKOFF_MOVES;
		ck_assert_int_le(delta, truth);
		ck_assert_int_ge(delta, truth - CLOCKOFF_SLACK_MS);
	}
	ck_assert_uint_eq(moves, 1);
}
END_TEST

UNIT_MAIN_ROWS("clockoff", NULL, NULL, {good_dates, 1},
    {every_month_agrees_with_libc, 1}, {bad_dates, 1},
    {one_date, COUNT(learnt)}, {known_is_not_zero, 1}, {many_dates, 1})
