/*
 * status: the facts about the running sidecar, in one place: as a page
 * (/status) and, when SIGUSR1 asks for them, as lines in the log.
 *
 * Threads: main; reads the workers' counters as they stand.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include "auth/verdict.h"
#include "ctl/server_internal.h"

void status_page(struct server *, struct buf *);
/* A line for the whole, one for each listener, one for each worker. */
void status_log(struct server *);

/* Does the gateway refuse this agent, whatever it asks for? */
bool status_refused(const struct server *, struct verdict_words *);

#endif
