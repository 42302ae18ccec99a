/*
 * budget: how much memory the connections of one loop hold in buffers and TLS
 * state, and whether that is more than their share of max-buffer.
 *
 * Nobody waits for memory.  While the budget is tight, each connection reads
 * in small steps and only when what it read before has gone on, so
 * all of them make progress, and there is nobody to be woken when memory comes
 * free.  doc/architecture.md has the reasons.
 *
 * Threads: its loop's; budget_used() any.
 */
#ifndef NET_BUDGET_H
#define NET_BUDGET_H

#include "net/timers.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* What a connection may always read: over TLS one record (RFC 8446 section
 * 5.1), for of one that is taken in part OpenSSL keeps all; else less.  TLS
 * records that are written are as short. */
#define BUDGET_STEP_TLS 16384
#define BUDGET_STEP 4096

struct budget {
	size_t limit;
	size_t tight;        /* from here on only what is always allowed */
	_Atomic size_t used; /* written by the loop's thread alone */
	size_t peak;         /* since memory went back to the system */
	struct timers *timers;
	struct timer timer; /* memory will go back to the system */
};

/* Without a limit until budget_set_limit(). */
void budget_init(struct budget *, struct timers *);
/* reserve: what all connections together may hold at all times.  It is kept
 * free as far as three quarters of the limit go. */
void budget_set_limit(struct budget *, size_t limit, size_t reserve);
void budget_fini(struct budget *);
/* A holder's charge changes from *charged to now. */
void budget_charge(struct budget *, size_t *charged, size_t now);

static inline size_t
budget_used(const struct budget *b)
{
	return atomic_load_explicit(&b->used, memory_order_relaxed);
}

static inline bool
budget_tight(const struct budget *b)
{
	return budget_used(b) >= b->tight;
}

#endif
