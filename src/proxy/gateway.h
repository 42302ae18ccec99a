/*
 * gateway: what any thread may learn about the gateway while it works:
 * independent scalars, the later value wins.
 *
 * Threads: any; relaxed atomics.
 */
#ifndef PROXY_GATEWAY_H
#define PROXY_GATEWAY_H

#include "http/head.h"

#include <stdatomic.h>

struct gateway_state {
	_Atomic int64_t clock_delta_ms; /* its wall clock minus clock_now_ms();
					 * 0 = not known, use the local clock */
	_Atomic int64_t answered_ms;    /* when it last answered, to about a
					 * second; 0 = never */
};

/* It has just answered. */
void gateway_answered(struct gateway_state *);
/* Did it, within the last minute?  Then a connection that it refuses is likely
 * to be refused for a moment only. */
bool gateway_was_there(const struct gateway_state *);

/* Unix seconds by the gateway's clock, as far as it is known. */
int64_t gateway_wall_s(const struct gateway_state *);
/* Take the clock from the Date of an answer; one that is malformed or over 10
 * minutes off (auth/clockoff.h) is not believed, which is logged. */
void gateway_learn_clock(struct gateway_state *, const struct head *answer);

#endif
