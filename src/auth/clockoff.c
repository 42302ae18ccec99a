/*
 * clockoff: see clockoff.h.
 */
#include "auth/clockoff.h"

#define NAME_LEN 3
#define FIXDATE_LEN 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Which of the three-letter names stands at p, or -1. */
static int
name_at(const char *p, const char *names)
{
	for (int i = 0; names[i * NAME_LEN]; i++) {
		if (memcmp(p, names + i * NAME_LEN, NAME_LEN) == 0)
			return i;
	}
	return -1;
}

/* n digits at p, or -1. */
static int
digits_at(const char *p, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (!ascii_digit(p[i]))
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value;
}

static bool
leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to the first of January; year >= 1970. */
static int64_t
days_before(int year)
{
	int64_t y = year - 1;

	return (int64_t)(year - 1970) * 365 + (y / 4 - y / 100 + y / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400);
}

bool
clockoff_date(struct span date, int64_t *unix_s)
{
	static const unsigned char month_len[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	static const char shape[] = "???, ?? ??? ???? ??:??:?? GMT";
	int weekday, day, month, year, hour, minute, second;
	int64_t n;

	if (date.n != FIXDATE_LEN)
		return false;
	for (size_t i = 0; i < FIXDATE_LEN; i++) {
		if (shape[i] != '?' && date.p[i] != shape[i])
			return false;
	}
	weekday = name_at(date.p, days);
	day = digits_at(date.p + 5, 2);
	month = name_at(date.p + 8, months);
	year = digits_at(date.p + 12, 4);
	hour = digits_at(date.p + 17, 2);
	minute = digits_at(date.p + 20, 2);
	second = digits_at(date.p + 23, 2);
	if (weekday < 0 || day < 1 || month < 0 || year < 1970 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 60 || day > month_len[month] + (month == 1 && leap(year)))
		return false;
	n = days_before(year) + day - 1;
	for (int m = 0; m < month; m++)
		n += month_len[m] + (m == 1 && leap(year));
	if ((n + 4) % 7 != weekday) /* 1970-01-01 was a Thursday */
		return false;
	*unix_s = ((n * 24 + hour) * 60 + minute) * 60 + second;
	return true;
}

/* How far v is outside of low..high. */
static int64_t
distance(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low - v : v > high ? v - high : 0;
}

enum clockoff_found
clockoff_learn(int64_t *delta_ms, const struct clockoff_sample *s)
{
	int64_t low = s->date_s * 1000 - s->came_ms;
	int64_t high = s->date_s * 1000 + 999 - s->sent_ms;
	int64_t local = s->wall_ms - s->came_ms;
	bool known = *delta_ms != CLOCKOFF_UNKNOWN;
	int64_t old = known ? *delta_ms : local;

	if (distance(old, low, high) > CLOCKOFF_MAX_MS &&
	    distance(local, low, high) > CLOCKOFF_WITNESS_MS)
		return CLOCKOFF_WILD;
	if (known && old >= low - CLOCKOFF_SLACK_MS && old <= high)
		return CLOCKOFF_AGREES;
	/* The one value that has a meaning of its own is a millisecond away. */
	*delta_ms = low != CLOCKOFF_UNKNOWN ? low : low - 1;
	return CLOCKOFF_MOVES;
}
