/*
 * watchdog: see watchdog.h.
 */
#include "ctl/watchdog.h"

#include "base/clock.h"
#include "ctl/notify.h"

/* So many times within what systemd allows, so that a worker may be late once
 * or twice. */
#define TIMES 4

bool
watchdog_all_turn(struct worker *const *workers, unsigned n, int64_t ms)
{
	bool all = true;

	for (unsigned i = 0; i < n; i++)
		if (worker_unanswered_ms(workers[i]) >= ms)
			all = false;
	return all;
}

static void
on_timer(void *arg)
{
	struct watchdog *d = arg;

	if (watchdog_all_turn(d->workers, d->nworkers, d->every_ms))
		notify_send("WATCHDOG=1");
	timers_set(&d->loop->timers, &d->timer, clock_now_ms() + d->every_ms);
}

void
watchdog_start(struct watchdog *d, struct loop *loop, struct worker **workers,
    unsigned nworkers)
{
	int64_t within_ms = notify_watchdog_ms();

	if (within_ms == 0)
		return;
	*d = (struct watchdog){.loop = loop,
	    .workers = workers,
	    .nworkers = nworkers,
	    .every_ms = within_ms < TIMES ? 1 : within_ms / TIMES};
	timer_init(&d->timer, on_timer, d);
	on_timer(d);
}

void
watchdog_fini(struct watchdog *d)
{
	if (d->loop)
		timers_cancel(&d->loop->timers, &d->timer);
}
