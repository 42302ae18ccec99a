/*
 * mcp: see mcp.h.
 */
#include "proxy/mcp.h"

#include "base/clock.h"
#include "proxy/client.h"

#include <jansson.h>

/* How often a request that waits for other workers' answers looks again. */
#define LOOK_MS 4

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

static void
begin_wait(struct exchange *x, int64_t now)
{
	if (!x->mcp.held_ms) {
		x->mcp.held_ms = now;
		metric_add(&x->w->metrics->mcp_holds, 1);
	}
	x->mcp.waited = true;
	if (!x->mcp.waiting && !x->mcp.notification) {
		x->mcp.waiting = true;
		gateway_post_waits(x->w->gateway, true);
	}
}

static void
end_wait(struct exchange *x)
{
	if (x->mcp.waiting)
		gateway_post_waits(x->w->gateway, false);
	x->mcp.waiting = false;
}

static void
end_post(struct exchange *x)
{
	if (x->mcp.open)
		gateway_post_ends(x->w->gateway);
	x->mcp.open = false;
}

/* When the door opens for this request, 0 = now. */
static int64_t
door_opens(struct exchange *x, int64_t now)
{
	int64_t most = x->mcp.notification ? MCP_NOTE_MAX_MS : MCP_HOLD_MAX_MS;
	struct gateway_state *g = x->w->gateway;
	bool under_way;
	int64_t due = gateway_posts_held(g, now, &under_way);

	if (due && under_way && due > now + LOOK_MS)
		due = now + LOOK_MS;
	if (!due && x->mcp.notification &&
	    gateway_posts_first(g, now, MCP_FIRST_MS))
		due = now + 1;
	if (!due)
		return 0;
	begin_wait(x, now);
	return now < x->mcp.held_ms + most ? due : 0;
}

/* When this POST may go, 0 = now.  A notification that begins meanwhile sees
 * it, or it sees the notification. */
static int64_t
post_goes(struct exchange *x, int64_t now)
{
	int64_t due = door_opens(x, now);

	end_post(x); /* an attempt before, on a connection that was closed */
	if (due || x->mcp.notification)
		return due;
	gateway_post_begins(x->w->gateway, now);
	x->mcp.open = true;
	due = door_opens(x, now);
	if (due)
		end_post(x);
	else
		end_wait(x);
	return due;
}

/* Behind a door that it has closed, a notification lets the POSTs that are on
 * their way be answered. */
static enum mcp_hold
let_others_in(struct exchange *x, int64_t now, int64_t *due_ms)
{
	if (now >= x->mcp.go_ms ||
	    gateway_posts_settled(x->w->gateway, now, MCP_BEFORE_MS))
		return MCP_GO;
	x->mcp.waited = true;
	*due_ms = now + LOOK_MS;
	return MCP_LATER;
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
	if (x->mcp.under_way)
		return let_others_in(x, now, due_ms);
	*due_ms = post_goes(x, now);
	if (*due_ms)
		return MCP_LATER;
	if (!x->mcp.notification)
		return MCP_GO;
	x->mcp.under_way = gateway_hold_posts(
	    x->w->gateway, now, now + MCP_BEFORE_MS + MCP_UNDER_WAY_MS);
	if (!x->mcp.under_way) {
		*due_ms = door_opens(x, now); /* another was quicker */
		return *due_ms ? MCP_LATER : MCP_GO;
	}
	x->mcp.go_ms = now + MCP_BEFORE_MS;
	return let_others_in(x, now, due_ms);
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
	end_wait(x);
	end_post(x);
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
