/*
 * breaker: when the gateway sheds load, or refuses this agent as a whole,
 * further requests are of no use for a while: they are answered here.  Then one
 * at a time of each worker is let through, until one is served.
 *
 * Threads: the exchange's; the circuits are all workers' (proxy/circuit.h).
 */
#ifndef PROXY_BREAKER_H
#define PROXY_BREAKER_H

#include "proxy/exchange.h"

#define BREAKER_REFUSED_MS 30000    /* when the agent is refused */
#define BREAKER_PATIENCE_MS 2000    /* a shed answer would have come by then */
#define BREAKER_RETRY_WAIT_MS 10000 /* a request waits to be sent again */

/* END_OK, or how it ends at once.  May be asked several times. */
enum end breaker_admit(struct exchange *);
/* The gateway has shed it.  True: it may be sent again at *due_ms. */
bool breaker_shed(struct exchange *, const struct verdict *, int64_t *due_ms);
/* The gateway has refused the agent. */
void breaker_refused(struct exchange *, const struct verdict *);
/* It has answered, with x->res. */
void breaker_served(struct exchange *);
/* The exchange ends. */
void breaker_leave(struct exchange *);

#endif
