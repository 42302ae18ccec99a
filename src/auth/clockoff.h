/*
 * clockoff: the gateway's clock as its Date headers show it.  Proofs are only
 * taken from 60 s before to 5 s after the gateway's time, so a machine whose
 * clock is off, or jumps, uses the gateway's.
 *
 * Threads: pure.
 */
#ifndef AUTH_CLOCKOFF_H
#define AUTH_CLOCKOFF_H

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

/* A first estimate that differs by more from the local clock, or a correction
 * that moves the estimate by more, is not believed. */
#define CLOCKOFF_MAX_MS 600000
/* Date counts whole seconds, the machines of one gateway differ by a little:
 * an estimate is left alone until it is behind by more than this. */
#define CLOCKOFF_SLACK_MS 2000
/* A Date that the local clock confirms as closely as this is believed however
 * far the estimate is off: the machine was stopped and did not count it. */
#define CLOCKOFF_WITNESS_MS 30000

/* Of an estimate: nothing is known, the local clock is used. */
#define CLOCKOFF_UNKNOWN 0

/* One Date, and when. */
struct clockoff_sample {
	int64_t date_s;  /* Unix */
	int64_t sent_ms; /* clock_now_ms() before the answer can have been made,
			  * as when its request was sent */
	int64_t came_ms; /* clock_now_ms() after it was made */
	int64_t wall_ms; /* the local clock at came_ms */
};

enum clockoff_found {
	CLOCKOFF_AGREES, /* the estimate stands */
	CLOCKOFF_MOVES,  /* there is a new one */
	CLOCKOFF_WILD,   /* the Date is not believed, the estimate stands */
};

/* IMF-fixdate (RFC 9110 section 5.6.7), strictly, with the right weekday. */
bool clockoff_date(struct span date, int64_t *unix_s) ATTR_MUST_USE;

/*
 * *delta_ms is the estimate: the gateway's Unix time in milliseconds minus
 * clock_now_ms(), or CLOCKOFF_UNKNOWN.  A Date says that the true value is at
 * least date - came and less than date + 1 s - sent.  An estimate that is
 * above or well below that becomes the lower of the two, so that a proof is
 * never dated in the gateway's future and a slow answer moves nothing.
 */
enum clockoff_found clockoff_learn(
    int64_t *delta_ms, const struct clockoff_sample *) ATTR_MUST_USE;

#endif
