/*
 * admin: the listener for probes, Prometheus and people: /livez /startupz
 * /readyz /healthz /metrics /status, and POST /quitquitquit.  Who may act is
 * who runs the sidecar, or root, on a Unix socket: the agent may share our
 * loopback and must not be able to stop us.  Pages in browsers are refused as
 * on the data port.  One request per connection.
 *
 * Threads: main.
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
	/* What is asked for with POST; appends one sentence. */
	unsigned (*quit)(void *arg, struct buf *);
	/* May whoever reaches a TCP listener act as well? */
	bool (*tcp_may_act)(void *arg);
	void *arg;
};

struct admin;

/* Open at a time on one listener; the oldest is closed for one more. */
#define ADMIN_CONNECTIONS_MAX 32

struct admin *admin_new(
    struct loop *, const struct admin_pages *) ATTR_MUST_USE;
void admin_free(struct admin *);
/* Begin to accept on this listener as well; it must outlive the admin.
 * metrics: for Prometheus; it has only /metrics /livez /readyz, and off
 * loopback any Host, for it cannot know the names by which it is reached. */
enum admin_kind { ADMIN_ALL, ADMIN_METRICS };
void admin_listen(struct admin *, struct listener *, enum admin_kind);

#endif
