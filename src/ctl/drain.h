/*
 * drain: how the sidecar ends without breaking what is under way.  The first
 * stop signal turns readiness off; after drain-delay the listeners are closed
 * and clients told to go; it ends when the last one has gone, at the latest
 * after drain-timeout.  The second signal ends it at once.
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
	DRAIN_WAITING, /* for the clients that are left */
};

struct drain {
	enum drain_state state;
	struct timer step;   /* the end of drain-delay, then of drain-timeout */
	struct timer extend; /* of what systemd allows */
};

void drain_init(struct server *);
void drain_fini(struct server *);
/* Begin; while it is under way that changes nothing. */
void drain_begin(struct server *);
/* A stop signal: begin, or end at once. */
void drain_ask(struct server *);
/* A client has gone. */
void drain_client_closed(struct server *);

/* Has it been asked to stop? */
bool drain_asked(const struct server *);
/* May clients still be taken? */
bool drain_accepts(const struct server *);

#endif
