/*
 * bound: how much memory the options allow the program to need at most.
 *
 * Threads: pure.
 */
#ifndef PROXY_BOUND_H
#define PROXY_BOUND_H

#include "conf/config.h"

/* Bytes of resident memory. */
uint64_t bound_of(const struct config *);
/* The same as a sentence; a warning if it is more than the limit, bytes. */
void bound_report(const struct config *, uint64_t limit, struct findings *);

#endif
