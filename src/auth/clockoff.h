/*
 * clockoff: the gateway's clock as its Date headers show it.  Proofs are only
 * taken from 60 s before to 5 s after the gateway's time, so a machine whose
 * clock is off uses the gateway's.
 *
 * Threads: pure; a struct clockoff is a plain value.
 */
#ifndef AUTH_CLOCKOFF_H
#define AUTH_CLOCKOFF_H

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

/* A correction of more than this is not believed. */
#define CLOCKOFF_MAX_S 600

/* "At base_boot_ms (clock_now_ms()) it was base_wall_s (Unix) there."  All
 * zero: nothing is known, the local clock is used. */
struct clockoff {
	int64_t base_wall_s;
	int64_t base_boot_ms;
};

/* IMF-fixdate (RFC 9110 section 5.6.7), strictly, with the right weekday. */
bool clockoff_date(struct span date, int64_t *unix_s) ATTR_MUST_USE;

/*
 * Learn that the gateway's clock said date_s when it was now_ms and wall_s
 * here.  False, and *c unchanged, if that differs from the local clock by more
 * than CLOCKOFF_MAX_S.
 */
bool clockoff_learn(struct clockoff *c, int64_t date_s, int64_t now_ms,
    int64_t wall_s) ATTR_MUST_USE;

/* The gateway's time in Unix seconds, never ahead of it. */
int64_t clockoff_now_s(const struct clockoff *, int64_t now_ms, int64_t wall_s);
/* The gateway's clock minus ours; 0 while nothing is known. */
int64_t clockoff_offset_s(
    const struct clockoff *, int64_t now_ms, int64_t wall_s);

#endif
