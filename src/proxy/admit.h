/*
 * admit: may this request be made with the agent's identity at all, and where
 * does it go?  Judged before anything is opened or forwarded.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_ADMIT_H
#define PROXY_ADMIT_H

#include "proxy/exchange.h"

/* END_OK, or why not (x->detail says what exactly).  Fills in x->target,
 * x->box->path, x->req_framing, x->up, x->route, x->auth, x->hops and
 * x->answer_here. */
enum end admit_judge(struct exchange *) ATTR_MUST_USE;

static inline bool
admit_is_connect(const struct exchange *x)
{
	return span_eq(x->req.method, SPAN("CONNECT"));
}

static inline bool
admit_is_options(const struct exchange *x)
{
	return span_eq(x->req.method, SPAN("OPTIONS"));
}

/* With its path and our credentials; after admit_judge(). */
static inline bool
admit_is_for_gateway(const struct exchange *x)
{
	return x->route->auth == ROUTE_AUTH_MASTIO &&
	       x->target.form != TARGET_AUTHORITY &&
	       x->target.form != TARGET_ASTERISK;
}

#endif
