/*
 * timers: see timers.h.
 */
#include "net/timers.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

#define STALLED_MS 250 /* a timer so late: the process did not run */

static void
place(struct timers *ts, struct timer *t, size_t slot)
{
	ts->heap[slot] = t;
	t->slot = slot;
}

static void
sift_up(struct timers *ts, struct timer *t, size_t slot)
{
	while (slot > 1 && ts->heap[slot / 2]->due_ms > t->due_ms) {
		place(ts, ts->heap[slot / 2], slot);
		slot /= 2;
	}
	place(ts, t, slot);
}

static void
sift_down(struct timers *ts, struct timer *t, size_t slot)
{
	for (;;) {
		size_t child = slot * 2;

		if (child > ts->count)
			break;
		if (child < ts->count &&
		    ts->heap[child + 1]->due_ms < ts->heap[child]->due_ms)
			child++;
		if (ts->heap[child]->due_ms >= t->due_ms)
			break;
		place(ts, ts->heap[child], slot);
		slot = child;
	}
	place(ts, t, slot);
}

/* Make the libevent timer fire no later than the first one due. A timer that
 * fires early for a cancelled one costs a look, not a system call. */
static void
rearm(struct timers *ts)
{
	int64_t due, wait;
	struct timeval tv;

	if (ts->count == 0)
		return;
	due = ts->heap[1]->due_ms;
	if (ts->armed_ms && ts->armed_ms <= due)
		return;
	wait = due - clock_now_ms();
	if (wait < 0)
		wait = 0;
	tv.tv_sec = wait / 1000;
	tv.tv_usec = (wait % 1000) * 1000;
	ts->armed_ms = due ? due : 1;
	event_add(ts->event, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval now_tv = {0};
	struct timers *ts = arg;
	int64_t now = clock_now_ms();

	(void)fd;
	(void)what;
	/* Stopped for a while, epoll_wait() is interrupted and tells nothing
	 * (signal(7)): first see what has arrived meanwhile. */
	ts->yielded = !ts->yielded && now > ts->armed_ms + STALLED_MS;
	if (ts->yielded) {
		event_add(ts->event, &now_tv);
		return;
	}
	ts->armed_ms = 0;
	timers_run(ts, now);
}

void
timers_init(struct timers *ts, struct event_base *base)
{
	*ts = (struct timers){0};
	ts->event = event_new(base, -1, 0, on_timer, ts);
}

void
timers_fini(struct timers *ts)
{
	for (size_t i = 1; i <= ts->count; i++)
		ts->heap[i]->slot = 0;
	event_free(ts->event);
	free(ts->heap);
}

void
timers_set(struct timers *ts, struct timer *t, int64_t due_ms)
{
	if (t->slot) {
		int64_t was = t->due_ms;

		t->due_ms = due_ms;
		if (due_ms < was)
			sift_up(ts, t, t->slot);
		else
			sift_down(ts, t, t->slot);
	} else {
		if (ts->count + 1 >= ts->cap) {
			ts->cap = ts->cap ? ts->cap * 2 : 64;
			ts->heap =
			    mem_realloc(ts->heap, ts->cap * sizeof(*ts->heap));
		}
		t->due_ms = due_ms;
		ts->count++;
		sift_up(ts, t, ts->count);
	}
	rearm(ts);
}

void
timers_cancel(struct timers *ts, struct timer *t)
{
	struct timer *last;
	size_t slot = t->slot;

	if (slot == 0)
		return;
	t->slot = 0;
	last = ts->heap[ts->count--];
	if (last == t)
		return;
	if (slot > 1 && ts->heap[slot / 2]->due_ms > last->due_ms)
		sift_up(ts, last, slot);
	else
		sift_down(ts, last, slot);
}

void
timers_run(struct timers *ts, int64_t now_ms)
{
	while (ts->count && ts->heap[1]->due_ms <= now_ms) {
		struct timer *t = ts->heap[1];

		timers_cancel(ts, t);
		t->fire(t->arg);
	}
	rearm(ts);
}
