/*
 * passthrough: the upstreams that are not the gateway: the hosts of the
 * pass-through option, in plain text and without credentials, each with its
 * own pool, and the rule about the addresses that are never dialled for them.
 *
 * Threads: its worker's.  The worker owns them.
 */
#ifndef PROXY_PASSTHROUGH_H
#define PROXY_PASSTHROUGH_H

#include "proxy/exchange.h"

/* The upstream of a route without authentication; made when first asked for,
 * and there until the worker ends. */
struct upstream *passthrough_upstream(struct worker *, const struct route *);
/* The worker has other connections to the gateway now, of a new configuration:
 * its limits hold here too, and refuse() awaits where the gateway is. */
void passthrough_renew(struct worker *);
void passthrough_free(struct worker *);
/* A pass-through host's failures are its own, not the gateway's: how such an
 * exchange ends instead. */
enum end passthrough_end(struct exchange *, enum end);

#endif
