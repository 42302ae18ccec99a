/*
 * reach: see reach.h.
 */
#include "ctl/reach.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

struct reach {
	struct reach_setup s;
	struct upstream *upstream; /* while it looks */
	struct config *config;     /* that the upstream is of */
	struct identity *identity;
	struct lease lease;
	struct timer over; /* frees the upstream, but not from inside it */
};

static void
let_go(struct reach *r)
{
	if (!r->upstream)
		return;
	timers_cancel(&r->s.loop->timers, &r->over);
	lease_end(&r->lease, false);
	upstream_unref(r->upstream);
	r->upstream = NULL;
	identity_unref(r->identity);
	config_unref(r->config);
}

static void
on_over(void *arg)
{
	let_go(arg);
}

static void
note(struct reach *r)
{
	/* Why not has been logged by who tried. */
	if (r->lease.failure == LEASE_OK)
		gateway_found(r->s.gateway);
	else
		gateway_missed(r->s.gateway, r->lease.failure);
	timers_set(&r->s.loop->timers, &r->over, clock_now_ms());
}

static void
on_leased(struct lease *l)
{
	note((struct reach *)((char *)l - offsetof(struct reach, lease)));
}

static void
on_event(struct lease *l)
{
	(void)l; /* nothing is said, so nothing is heard */
}

static const struct lease_ops reach_ops = {on_leased, on_event, on_event};

static bool
is_due(const struct reach *r)
{
	struct gateway_reach known = gateway_reach(r->s.gateway);
	int64_t fresh = known.reached ? REACH_FRESH_MS : REACH_AGAIN_MS;

	return known.at_ms == 0 || clock_now_ms() - known.at_ms >= fresh;
}

void
reach_look(struct reach *r, struct config *conf, struct identity *id)
{
	struct upstream_options o = {.connect_ms = conf->connect_timeout_ms,
	    .idle_ms = REACH_AGAIN_MS,
	    .max_uses = 1,
	    .max_connections = 1,
	    .in_limit = 4096};
	struct upstream_identity who = {
	    identity_ssl_ctx(id), identity_generation(id)};

	if (r->upstream || !is_due(r))
		return;
	gateway_upstream_options(r->s.gateway, conf, &o);
	r->config = config_ref(conf);
	r->identity = identity_ref(id);
	r->upstream = upstream_new(r->s.loop, r->s.resolver, r->s.metrics, &o);
	lease_init(&r->lease, &reach_ops);
	if (lease_begin(&r->lease, r->upstream, who, true))
		note(r);
}

struct reach *
reach_new(const struct reach_setup *setup)
{
	struct reach *r = MEM_NEW(struct reach);

	r->s = *setup;
	timer_init(&r->over, on_over, r);
	return r;
}

void
reach_free(struct reach *r)
{
	if (!r)
		return;
	let_go(r);
	free(r);
}
