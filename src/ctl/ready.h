/*
 * ready: is there anything because of which a request would fail now?  Each
 * such thing is named with what to do about it.
 *
 * Threads: main.
 */
#ifndef CTL_READY_H
#define CTL_READY_H

#include "ctl/server_internal.h"

/* Appends "ok", or a line for each thing; returns 200 or 503.  Looks for the
 * gateway if nothing has been heard of it for a while; that answer is for the
 * next who asks. */
unsigned ready_page(struct server *, struct buf *);
/* Look for it; without an identity there is nothing to look with. */
void ready_look(struct server *);

#endif
