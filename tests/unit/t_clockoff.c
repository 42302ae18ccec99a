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

START_TEST(the_local_clock_serves_until_something_is_learnt)
{
	struct clockoff c = {0};

	ck_assert_int_eq(clockoff_now_s(&c, 5000, 1700000000), 1700000000);
	ck_assert_int_eq(clockoff_offset_s(&c, 5000, 1700000000), 0);
}
END_TEST

START_TEST(the_gateways_clock_runs_on)
{
	struct clockoff c = {0};

	/* 20 s ahead of ours, learnt at 5000 ms */
	ck_assert(clockoff_learn(&c, 1700000020, 5000, 1700000000));
	ck_assert_int_eq(clockoff_now_s(&c, 5000, 1700000000), 1700000020);
	ck_assert_int_eq(clockoff_now_s(&c, 5999, 1700000000), 1700000020);
	ck_assert_int_eq(clockoff_now_s(&c, 65000, 1700000060), 1700000080);
	ck_assert_int_eq(clockoff_offset_s(&c, 65000, 1700000060), 20);
	/* our clock is set right meanwhile: the estimate stays */
	ck_assert_int_eq(clockoff_now_s(&c, 65000, 1700000080), 1700000080);
	ck_assert_int_eq(clockoff_offset_s(&c, 65000, 1700000080), 0);
}
END_TEST

START_TEST(a_wild_clock_is_not_believed)
{
	static const struct {
		int64_t off;
		bool ok;
	} rows[] = {
	    {CLOCKOFF_MAX_S, true},
	    {-CLOCKOFF_MAX_S, true},
	    {CLOCKOFF_MAX_S + 1, false},
	    {-CLOCKOFF_MAX_S - 1, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct clockoff c = {0};

		ck_assert(clockoff_learn(&c, 1700000000 + rows[i].off, 5000,
			      1700000000) == rows[i].ok);
		ck_assert_int_eq(clockoff_offset_s(&c, 5000, 1700000000),
		    rows[i].ok ? rows[i].off : 0);
	}
}
END_TEST

UNIT_MAIN("clockoff", good_dates, every_month_agrees_with_libc, bad_dates,
    the_local_clock_serves_until_something_is_learnt,
    the_gateways_clock_runs_on, a_wild_clock_is_not_believed)
