/*
 * expiry: says in the log, once each, when the end of the live certificate or
 * CA comes near: 30, 7 and 1 days before it, and of one that lives for less
 * than 30 days when a fifth of its life is left.
 *
 * Threads: main.
 */
#ifndef CTL_EXPIRY_H
#define CTL_EXPIRY_H

#include "auth/identity.h"

/* Which warnings have been given. */
struct expiry {
	uint64_t generation; /* of the identity */
	int certificate, ca; /* stages */
};

/* How near the end is: 0 far, then 1, 2, ...; -1: it is over.  Seconds; a
 * not_before of 0 is not known, and long ago. */
int expiry_stage(int64_t not_before, int64_t not_after, int64_t now) ATTR_PURE;

/* Look and warn. */
void expiry_look(struct expiry *, const struct identity *, int64_t now_s);

#endif
