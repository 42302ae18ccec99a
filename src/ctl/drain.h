/*
 * drain: how the sidecar ends without breaking what is under way.  The first
 * stop signal turns readiness off; after drain-delay our own listeners are
 * closed and clients told to go; it ends when the last one has gone, at the
 * latest after drain-timeout.  The second signal ends it at once.
 *
 * Listeners that systemd handed over are never closed before the end, for the
 * next process only starts after it, and what waits in their backlog is for
 * that one.  So that nobody waits long we go on serving them while clients
 * from before the drain are there; when these have gone we hold the door for a
 * moment, and end if that was enough for the rest to go too.  Else we serve on,
 * until those who came meanwhile have gone, and try again.  In the last third
 * of drain-timeout, at most 30 s, the door stays shut once those from before
 * are gone, and in its last half second in any case, so that the end cuts no
 * short request.
 *
 * Threads: main.
 */
#ifndef CTL_DRAIN_H
#define CTL_DRAIN_H

#include "net/loop.h"

#include <stdbool.h>

struct server;

enum drain_state {
	DRAIN_NOT,     /* nobody has asked for it */
	DRAIN_DELAY,   /* not ready any more, else as always */
	DRAIN_CLOSING, /* our own listeners */
	DRAIN_SERVING, /* what is handed over, too */
	DRAIN_HOLDING, /* nobody new; the end when all have gone */
};

struct drain {
	enum drain_state state;
	unsigned epoch;    /* clients of an earlier one are the old ones */
	unsigned old;      /* how many of these are left */
	int64_t due_ms;    /* drain-timeout is over */
	struct timer step; /* of the state: the delay, the hold */
	struct timer end;
	struct timer extend; /* of what systemd allows */
};

void drain_init(struct server *);
void drain_fini(struct server *);
/* Begin; while it is under way that changes nothing. */
void drain_begin(struct server *);
/* A stop signal: begin, or end at once. */
void drain_ask(struct server *);
/* A client has gone, which came in that epoch. */
void drain_client_closed(struct server *, unsigned epoch);

/* Has it been asked to stop? */
bool drain_asked(const struct server *);
/* May clients be taken? */
bool drain_accepts(const struct server *);

#endif
