/*
 * mcp: see mcp.h.
 */
#include "proxy/mcp.h"

#include "base/clock.h"
#include "proxy/client.h"

#include <jansson.h>

/* How often a request that waits for other workers' answers looks again. */
#define LOOK_MS 4
/* A notification closes the door: the others that wait go before it. */
#define POLITE_MS 2

/* ---- messages ---- */

/* Methods that only read; never tools/call. */
static bool
only_reads(const char *method)
{
	static const char *const methods[] = {"initialize", "ping",
	    "tools/list", "resources/list", "resources/read", "prompts/list"};

	for (size_t i = 0; i < COUNT(methods); i++)
		if (strcmp(methods[i], method) == 0)
			return true;
	return false;
}

struct mcp_message
mcp_read(struct span body)
{
	struct mcp_message m = {0};
	const char *method;
	bool notice;
	json_t *json;

	if (body.n == 0 || body.n > MCP_BODY_MAX)
		return m;
	/* What can be read in two ways is nothing that we know. */
	json = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	method = json_string_value(json_object_get(json, "method"));
	if (method) {
		notice = strncmp(method, "notifications/", 14) == 0;
		m.notification = notice || !json_object_get(json, "id");
		m.repeatable = notice || only_reads(method);
	}
	json_decref(json);
	return m;
}

/* Methods that nginx does not send once more by itself. */
static bool
can_be_lost(const struct exchange *x)
{
	return x->route->auth == ROUTE_AUTH_MASTIO && !x->upgrade &&
	       (span_eq(x->req.method, SPAN("POST")) ||
		   span_eq(x->req.method, SPAN("PATCH")));
}

static bool
is_mcp(const struct exchange *x)
{
	return span_eq(x->req.method, SPAN("POST")) &&
	       span_eq(buf_span(&x->box->path.decoded), SPAN("/v1/mcp"));
}

/* ---- holding back ---- */

/* Is the whole body there, so that it can be looked at?  One that may not come
 * before we ask for it, or not fit, is not waited for. */
static bool
body_may_come(const struct exchange *x)
{
	const struct conn *from = &x->c->conn;

	return x->req_framing.kind == FRAMING_LENGTH &&
	       x->req_framing.length <= MCP_BODY_MAX &&
	       x->req_framing.length < from->in_limit && !from->eof &&
	       !head_find(&x->req, FIELD_EXPECT);
}

/* False: more of the body has to come. */
static bool
look_at_body(struct exchange *x)
{
	struct span body = buf_span(&x->c->conn.in);
	uint64_t length = x->req_framing.length;

	if (x->mcp.looked || !is_mcp(x))
		return true;
	if (x->req_framing.kind != FRAMING_LENGTH || body.n < length) {
		x->mcp.looked = x->mcp.unseen = !body_may_come(x);
		return x->mcp.looked;
	}
	x->mcp.looked = true;
	x->mcp.notification =
	    mcp_read(span_new(body.p, (size_t)length)).notification;
	return true;
}

/* When POSTs may go, 0 = now. */
static int64_t
door_opens(struct exchange *x, int64_t now)
{
	bool under_way;
	int64_t due = gateway_posts_held(x->w->gateway, now, &under_way);

	if (due && under_way && due > now + LOOK_MS)
		due = now + LOOK_MS;
	if (!due)
		return 0;
	if (!x->mcp.held_ms) {
		x->mcp.held_ms = now;
		metric_add(&x->w->metrics->mcp_holds, 1);
	}
	return now < x->mcp.held_ms + MCP_HOLD_MAX_MS ? due : 0;
}

enum mcp_hold
mcp_hold(struct exchange *x, int64_t *due_ms)
{
	int64_t now;

	if (!can_be_lost(x))
		return MCP_GO;
	if (!look_at_body(x)) {
		x->mcp.waited = true;
		return MCP_BODY;
	}
	now = clock_now_ms();
	if (x->mcp.under_way) {
		*due_ms = x->mcp.go_ms;
		return now < *due_ms ? MCP_LATER : MCP_GO;
	}
	*due_ms = door_opens(x, now);
	if (*due_ms) {
		x->mcp.waited = true;
		*due_ms += x->mcp.notification ? POLITE_MS : 0;
		return MCP_LATER;
	}
	if (!x->mcp.notification)
		return MCP_GO;
	x->mcp.under_way = gateway_hold_posts(
	    x->w->gateway, now, now + MCP_BEFORE_MS + MCP_UNDER_WAY_MS);
	if (!x->mcp.under_way)
		return MCP_GO; /* it has waited for others long enough */
	x->mcp.waited = true;
	*due_ms = x->mcp.go_ms = now + MCP_BEFORE_MS;
	return MCP_LATER;
}

void
mcp_sent(struct exchange *x)
{
	int64_t now;

	if (!x->mcp.unseen || !x->up.done)
		return;
	x->mcp.unseen = false;
	if (x->kept.lost || !mcp_read(buf_span(&x->kept.body)).notification)
		return;
	now = clock_now_ms();
	x->mcp.notification = true;
	x->mcp.under_way =
	    gateway_hold_posts(x->w->gateway, now, now + MCP_UNDER_WAY_MS);
}

void
mcp_over(struct exchange *x)
{
	if (x->mcp.under_way)
		gateway_release_posts(
		    x->w->gateway, clock_now_ms() + MCP_AFTER_MS);
	x->mcp.under_way = false;
}

/* ---- sending again ---- */

bool
mcp_lost(const struct exchange *x)
{
	const struct head *res = &x->res;

	return res->status == 502 && can_be_lost(x) && is_mcp(x) &&
	       !head_find(res, FIELD_X_CULLIS_MODE) &&
	       span_istarts(head_value(res, FIELD_SERVER), SPAN("nginx")) &&
	       span_istarts(
		   head_value(res, FIELD_CONTENT_TYPE), SPAN("text/html")) &&
	       x->up.done && !x->kept.lost && x->mcp.resends < MCP_RESENDS &&
	       mcp_read(buf_span(&x->kept.body)).repeatable;
}

int64_t
mcp_lost_until(struct exchange *x)
{
	int64_t due = clock_now_ms() + MCP_AFTER_MS;

	x->mcp.resends++;
	gateway_hold_posts_until(x->w->gateway, due);
	return due;
}
