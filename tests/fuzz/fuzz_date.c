/*
 * fuzz_date: an IMF-fixdate and what is learnt from it.  What is read as a
 * date is written by libc as the same bytes again, every date that libc
 * writes is read, and no date takes us further off than we believe.
 */
#include "auth/clockoff.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define DATE_LEN 29
#define YEAR_10000 INT64_C(253402300800)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 9110 section 5.6.7. */
static void
format_date(int64_t unix_s, char text[DATE_LEN + 1])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	assert(gmtime_r(&t, &tm));
	assert(strftime(text, DATE_LEN + 1, "%a, %d %b %Y %H:%M:%S GMT", &tm) ==
	       DATE_LEN);
}

/* A leap second is the one behind it, which libc writes otherwise. */
static void
check_read(struct span date, int64_t unix_s)
{
	bool leap = date.n == DATE_LEN && date.p[23] == '6';
	char text[DATE_LEN + 1];

	assert(unix_s >= 0 && unix_s <= YEAR_10000);
	format_date(unix_s - leap, text);
	if (leap)
		memcpy(text + 23, "60", 2);
	if (leap && date.p[24] == '0')
		assert(text[22] == ':');
	assert(span_eq(date, span_of(text)));
}

static void
check_written(const uint8_t *data, size_t size)
{
	char text[DATE_LEN + 1];
	int64_t got = -1, want;
	uint64_t number = 0;

	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	want = (int64_t)(number % (uint64_t)YEAR_10000);
	format_date(want, text);
	assert(clockoff_date(span_of(text), &got) && got == want);
	/* One byte of it replaced by another: another date, or none. */
	if (size < 10 || text[data[8] % DATE_LEN] == (char)data[9])
		return;
	text[data[8] % DATE_LEN] = (char)data[9];
	if (clockoff_date(span_new(text, DATE_LEN), &got)) {
		assert(got != want);
		check_read(span_new(text, DATE_LEN), got);
	}
}

/* What one Date teaches, beside a local clock, learnt once and once more. */
static void
check_learnt(int64_t date_s, int64_t wall_s)
{
	struct clockoff_sample s = {date_s, 5000, 5000, wall_s * 1000};
	int64_t delta = CLOCKOFF_UNKNOWN;
	int64_t off = date_s * 1000 - s.wall_ms;
	bool far = off > CLOCKOFF_MAX_MS || -off - 999 > CLOCKOFF_MAX_MS;

	assert(clockoff_learn(&delta, &s) ==
	       (far ? CLOCKOFF_WILD : CLOCKOFF_MOVES));
	if (far) {
		assert(delta == CLOCKOFF_UNKNOWN);
		return;
	}
	assert(delta == date_s * 1000 - 5000);
	s.wall_ms += 3600000;
	assert(clockoff_learn(&delta, &s) == CLOCKOFF_AGREES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span date = span_new((const char *)data, size);
	int64_t unix_s = -1;

	if (clockoff_date(date, &unix_s)) {
		check_read(date, unix_s);
		for (int64_t d = -602; d <= 602; d += 7)
			check_learnt(unix_s, unix_s + d);
		check_learnt(unix_s, unix_s + CLOCKOFF_MAX_MS / 1000);
		check_learnt(unix_s, unix_s - CLOCKOFF_MAX_MS / 1000);
	} else {
		assert(unix_s == -1);
	}
	check_written(data, size);
	return 0;
}
