/*
 * replay: a request body kept while it streams, so that a request which the
 * gateway refused before running it can be sent again.  Over its limit the
 * copy is dropped and the request cannot be repeated.
 *
 * Threads: one per exchange, on its loop; `total` is that loop's budget.
 */
#ifndef NET_REPLAY_H
#define NET_REPLAY_H

#include "base/str.h"

struct replay {
	struct buf body;
	size_t limit;
	size_t *total; /* bytes left of the loop's budget */
	bool lost;     /* something was not kept */
};

void replay_init(struct replay *, size_t limit, size_t *total);
void replay_add(struct replay *, struct span);
/* Forget what is kept; lost if there was anything. */
void replay_drop(struct replay *);

#endif
