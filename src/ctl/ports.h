/*
 * ports: all listeners of the sidecar: opened as the configuration says, or
 * taken over from systemd.  A socket that is handed over is used
 *
 *	where listen, admin-listen or metrics-listen names it (fd:NAME);
 *	in place of an address there that is its own;
 *	else by its name: proxy or proxy-... for agents, admin or admin-..., and
 *	metrics or metrics-...
 *
 * so that a .socket unit needs no configuration.
 *
 * Threads: main.
 */
#ifndef CTL_PORTS_H
#define CTL_PORTS_H

#include "conf/config.h"
#include "net/listener.h"

struct port_list {
	struct listener **v;
	size_t n;
};

struct ports {
	struct port_list data, admin, metrics;
	struct listen_list all; /* where they really listen */
	int lock;               /* on the directory that names them, or -1 */
};

#define PORTS_INIT ((struct ports){.lock = -1})

/* Open them; none accepts yet.  0, or -1 with err; ports_free() either way. */
int ports_open(struct ports *, struct loop *, const struct config *,
    struct err *) ATTR_MUST_USE;
void ports_free(struct ports *);

/* Write the addresses to dir/address, for subcommands and scripts.  The
 * directory is ours from then on, until ports_free(). */
int ports_write(struct ports *, const char *dir, struct err *) ATTR_MUST_USE;

#endif
