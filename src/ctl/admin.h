/*
 * admin: the listener for probes, Prometheus and people: /livez /startupz
 * /readyz /healthz /metrics /status.  Read-only.  Pages in browsers are refused
 * as on the data port.
 *
 * Threads: main; evhttp does the framing here, nothing of it is forwarded.
 */
#ifndef CTL_ADMIN_H
#define CTL_ADMIN_H

#include "net/listener.h"

/* What the pages show; each appends its body and returns the status. */
struct admin_pages {
	unsigned (*live)(void *arg, struct buf *);
	unsigned (*started)(void *arg, struct buf *);
	unsigned (*ready)(void *arg, struct buf *);
	unsigned (*metrics)(void *arg, struct buf *);
	unsigned (*status)(void *arg, struct buf *);
	void *arg;
};

struct admin;

struct admin *admin_new(
    struct loop *, const struct admin_pages *) ATTR_MUST_USE;
void admin_free(struct admin *);
/* Serve on this listener as well; it must outlive the admin. */
int admin_listen(struct admin *, struct listener *, struct err *) ATTR_MUST_USE;

#endif
