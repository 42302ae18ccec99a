/*
 * reach: looks whether the gateway can be reached when nobody else has for a
 * while: a connection with its handshake, by the same rules as for requests,
 * and nothing said on it.  What comes of it is noted in gateway_state.
 *
 * It is asked for by who wants to know (/readyz, /status), so a sidecar that
 * nobody asks anything looks for nobody.
 *
 * Threads: main.
 */
#ifndef CTL_REACH_H
#define CTL_REACH_H

#include "auth/identity.h"
#include "conf/config.h"
#include "proxy/worker.h"

struct reach_setup {
	struct loop *loop;
	struct resolver *resolver;
	struct metrics *metrics;
	struct gateway_state *gateway;
};

struct reach;

/* The setup is borrowed. */
struct reach *reach_new(const struct reach_setup *) ATTR_MUST_USE;
void reach_free(struct reach *); /* NULL is allowed */

/* Begin to look, unless that is under way, or what is known is fresh: a success
 * for REACH_FRESH_MS, a failure for REACH_AGAIN_MS. */
#define REACH_FRESH_MS 30000
#define REACH_AGAIN_MS 2000
void reach_look(struct reach *, struct config *, struct identity *);

#endif
