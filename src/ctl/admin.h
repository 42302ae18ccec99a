/*
 * admin: the listener for probes, Prometheus and people: /livez /startupz
 * /readyz /healthz /metrics /status, and POST /reload /quitquitquit.  Who may
 * is who runs the sidecar, or root, on a Unix socket: the agent may share our
 * loopback and must not be able to stop us.  Pages in browsers are refused as
 * on the data port.  One request per connection.
 *
 * Threads: main.
 */
#ifndef CTL_ADMIN_H
#define CTL_ADMIN_H

#include "net/listener.h"

struct visit;

/* What the pages show; each appends its body and returns the status. */
struct admin_pages {
	unsigned (*live)(void *arg, struct buf *);
	unsigned (*started)(void *arg, struct buf *);
	unsigned (*ready)(void *arg, struct buf *);
	unsigned (*metrics)(void *arg, struct buf *);
	unsigned (*status)(void *arg, struct buf *);
	/* What is asked for with POST; appends one sentence. */
	unsigned (*quit)(void *arg, struct buf *);
	/* What this leads to is told to the visit with admin_tell(): once,
	 * later and not from inside, unless it is forgotten before.  Or it
	 * cannot be asked for now, and this is why (409). */
	const char *(*reload)(void *arg, struct visit *);
	void (*forget)(void *arg, struct visit *);
	/* May whoever reaches a TCP listener act as well? */
	bool (*tcp_may_act)(void *arg);
	void *arg;
};

struct admin;

/* One who asked for a reload gets this answer; the visit is over then. */
void admin_tell(struct visit *, unsigned status, const char *sentence);

/* Open at a time on one listener; the oldest is closed for one more.  Unix
 * sockets are for ourselves and root alone. */
#define ADMIN_CONNECTIONS_MAX 32
#define ADMIN_SOCKET_MAX 256
/* Those who wait for what comes of a reload are not among them. */
#define ADMIN_WAITING_MAX 256

struct admin *admin_new(
    struct loop *, const struct admin_pages *) ATTR_MUST_USE;
void admin_free(struct admin *);
/* Begin to accept on this listener as well; it must outlive the admin.
 * metrics: for Prometheus; it has only /metrics /livez /readyz, and off
 * loopback any Host, for it cannot know the names by which it is reached. */
enum admin_kind { ADMIN_ALL, ADMIN_METRICS };
void admin_listen(struct admin *, struct listener *, enum admin_kind);

#endif
