/*
 * mcp: the gateway's application answers a JSON-RPC notification on /v1/mcp
 * with 204 and drops the connection that the nginx of the customer bundle has
 * just put back into its pool.  The next POST there, whoever sent it, is
 * answered 502 and has not run.  So a notification waits for the answers of
 * POSTs that are on their way, POSTs wait while it is under way and a little
 * longer, and what is lost nevertheless is sent again if running it twice does
 * no harm.
 *
 * Threads: the exchange's; what all workers share is in struct gateway_state.
 */
#ifndef PROXY_MCP_H
#define PROXY_MCP_H

#include "proxy/exchange.h"

#define MCP_BODY_MAX 65536    /* of a message that is looked at */
#define MCP_AFTER_MS 15       /* POSTs wait behind the answer */
#define MCP_BEFORE_MS 200     /* for POSTs without an answer, at the most */
#define MCP_UNDER_WAY_MS 1000 /* they wait for an answer, at the most */
#define MCP_HOLD_MAX_MS 3000  /* one request is held back, at the most, */
#define MCP_NOTE_MAX_MS 10000 /* a notification */
#define MCP_FIRST_MS 50       /* POSTs that waited go before the next one */
#define MCP_RESENDS 2         /* of one request that was lost */

/* The message of a request's body (JSON-RPC 2.0 section 4). */
struct mcp_message {
	bool notification; /* the gateway will answer 204 */
	bool repeatable;   /* may run twice */
};
struct mcp_message mcp_read(struct span body);

enum mcp_hold {
	MCP_GO,
	MCP_BODY,  /* when more of the body has come */
	MCP_LATER, /* not before *due_ms */
};
/* May this attempt begin to be sent? */
enum mcp_hold mcp_hold(struct exchange *, int64_t *due_ms);
/* More of it was sent: of one that could not be looked at before. */
void mcp_sent(struct exchange *);
/* It was answered, or ends without. */
void mcp_over(struct exchange *);

/* Is the answer nginx's own, to a request that nobody has run and that may go
 * once more? */
bool mcp_lost(const struct exchange *);
/* Then all POSTs wait; when may it go? */
int64_t mcp_lost_until(struct exchange *);

#endif
