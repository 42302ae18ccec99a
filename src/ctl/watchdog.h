/*
 * watchdog: tells systemd that the sidecar works (WatchdogSec=), as long as it
 * does: main's loop turns, or there would be nobody to tell it, and each
 * worker's loop has answered the ping of the interval before.  One that hangs
 * ends that, and systemd starts the sidecar anew.
 *
 * Threads: main.
 */
#ifndef CTL_WATCHDOG_H
#define CTL_WATCHDOG_H

#include "proxy/worker.h"

struct watchdog {
	struct loop *loop;
	struct worker **workers; /* borrowed */
	unsigned nworkers;
	int64_t every_ms;
	struct timer timer;
};

/* Begin, if systemd wants it.  Once, when the workers run. */
void watchdog_start(
    struct watchdog *, struct loop *, struct worker **, unsigned nworkers);
/* Not started is fine. */
void watchdog_fini(struct watchdog *);

/* Does no worker owe an answer to a ping for so long?  Pings those that owe
 * none. */
bool watchdog_all_turn(
    struct worker *const *, unsigned nworkers, int64_t ms) ATTR_MUST_USE;

#endif
