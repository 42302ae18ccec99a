/*
 * pages: what the admin listener shows of the running sidecar.
 *
 * Threads: main; reads the workers' counters as they stand.
 */
#ifndef CTL_PAGES_H
#define CTL_PAGES_H

#include "ctl/server_internal.h"

struct admin_pages pages_of(struct server *);

#endif
