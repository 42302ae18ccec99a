/*
 * timers: every wait of a loop in one min-heap behind one libevent timer.
 *
 * Threads: owned by one loop.  Times are monotonic milliseconds (clock.h).
 * A pending timer sits in the heap by address: cancel it before its memory
 * goes.
 */
#ifndef NET_TIMERS_H
#define NET_TIMERS_H

#include "base/attr.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	int64_t due_ms;
	size_t slot; /* 1-based place in the heap, 0 = not pending */
	void (*fire)(void *arg);
	void *arg;
};

struct timers {
	struct timer **heap; /* heap[1..count] */
	size_t count, cap;
	struct event *event;
	int64_t armed_ms; /* when the libevent timer fires, 0 = not armed */
	bool yielded;     /* what is due waits for what has arrived */
};

void timers_init(struct timers *, struct event_base *);
void timers_fini(struct timers *);

/* (Re)start: fire at due_ms. */
void timers_set(struct timers *, struct timer *, int64_t due_ms);
/* Not pending is fine. */
void timers_cancel(struct timers *, struct timer *);
/* Fire all that are due; a test calls it with a clock of its own. */
void timers_run(struct timers *, int64_t now_ms);

static inline void
timer_init(struct timer *t, void (*fire)(void *), void *arg)
{
	t->due_ms = 0;
	t->slot = 0;
	t->fire = fire;
	t->arg = arg;
}

#endif
