/*
 * loop: what every thread with a libevent base has: the base, its timers, its
 * mailbox, and the reaper that frees closed objects at the end of a turn, so
 * that no callback ever holds freed memory.
 *
 * Threads: a loop belongs to the thread that runs it; only its mailbox may be
 * touched by others.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "net/budget.h"
#include "net/mailbox.h"
#include "net/timers.h"

/* Embedded in every object that is freed through the reaper. */
struct corpse {
	struct corpse *next;
	void (*bury)(struct corpse *);
};

struct loop {
	struct event_base *base;
	struct timers timers;
	struct mailbox mailbox;
	struct budget budget; /* of its connections */
	struct corpse *corpses;
	bool stop;
};

void loop_init(struct loop *);
void loop_fini(struct loop *);
/* Turn after turn until loop->stop. */
void loop_run(struct loop *);
/* One turn; flags as for event_base_loop(). */
void loop_turn(struct loop *, int flags);
/* Free at the end of the turn.  Once per object. */
void loop_reap(struct loop *, struct corpse *, void (*bury)(struct corpse *));

#endif
