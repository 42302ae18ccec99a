/*
 * t_mcp: POSTs that wait behind an MCP notification, and those that are sent
 * again because nginx lost them (protocol 2.4).
 */
#include "base/clock.h"
#include "base/mem.h"
#include "proxy/mcp.h"

#include "rig_fixture.h"
#include "unit.h"

/* ---- messages ---- */

static const struct {
	const char *body;
	bool notification, repeatable;
} messages[] = {
    /* JSON-RPC 2.0 section 4.1: no id */
    {"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", true,
	true},
    {"{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
	true, true},
    {"{\"method\":\"notifications/initialized\",\"id\":1}", true, true},
    {"{\"method\":\"tools/call\",\"params\":{}}", true, false},
    {"{\"method\":\"tools/list\"}", true, true},
    /* requests */
    {"{\"method\":\"tools/call\",\"id\":1}", false, false},
    {"{\"method\":\"tools/call\",\"id\":null}", false, false},
    {"{\"method\":\"initialize\",\"id\":1}", false, true},
    {"{\"method\":\"ping\",\"id\":\"x\"}", false, true},
    {"{\"method\":\"tools/list\",\"id\":0}", false, true},
    {"{\"method\":\"resources/list\",\"id\":1}", false, true},
    {"{\"method\":\"resources/read\",\"id\":1}", false, true},
    {"{\"method\":\"prompts/list\",\"id\":1}", false, true},
    {"{\"method\":\"prompts/get\",\"id\":1}", false, false},
    {"{\"method\":\"resources/subscribe\",\"id\":1}", false, false},
    {"{\"method\":\"Tools/List\",\"id\":1}", false, false},
    {"{\"method\":\"tools/list \",\"id\":1}", false, false},
    {"{\"method\":\"tools/list\\u0000\",\"id\":1}", false, false},
    /* two readings */
    {"{\"method\":\"tools/list\",\"method\":\"tools/call\",\"id\":1}", false,
	false},
    {"{\"method\":\"tools/call\",\"id\":1,\"\\u0069d\":1}", false, false},
    /* no message of ours */
    {"[{\"method\":\"notifications/initialized\"}]", false, false},
    {"{\"method\":7}", false, false},
    {"{\"method\":\"ping\"", false, false},
    {"{\"method\":\"ping\",\"id\":1} x", false, false},
    {"\"ping\"", false, false},
    {"{}", false, false},
    {"", false, false},
};

START_TEST(read_message)
{
	struct mcp_message m = mcp_read(span_of(messages[_i].body));

	ck_assert_int_eq(m.notification, messages[_i].notification);
	ck_assert_int_eq(m.repeatable, messages[_i].repeatable);
}
END_TEST

START_TEST(read_large)
{
	static const char head[] =
	    "{\"id\":1,\"method\":\"ping\",\"params\":\"";
	struct buf b = BUF_INIT;

	buf_add_str(&b, head);
	while (b.len < MCP_BODY_MAX - 2)
		buf_add_char(&b, 'x');
	buf_add_str(&b, "\"}");
	ck_assert_uint_eq(b.len, MCP_BODY_MAX);
	ck_assert(mcp_read(buf_span(&b)).repeatable);
	buf_add_char(&b, ' ');
	ck_assert(!mcp_read(buf_span(&b)).repeatable);
	buf_free(&b);
}
END_TEST

/* ---- the door ---- */

START_TEST(door)
{
	struct gateway_state g = {0};
	bool under_way;

	ck_assert_int_eq(gateway_posts_held(&g, 1000, &under_way), 0);
	ck_assert(gateway_hold_posts(&g, 1000, 2000));
	ck_assert_int_eq(gateway_posts_held(&g, 1000, &under_way), 2000);
	ck_assert(under_way);
	/* another notification has to wait as well */
	ck_assert(!gateway_hold_posts(&g, 1999, 9999));
	/* lost: it bars the way for no longer */
	ck_assert_int_eq(gateway_posts_held(&g, 2000, &under_way), 0);
	ck_assert(gateway_hold_posts(&g, 2000, 3000));
	/* the lost one comes back: the other's door stays closed */
	gateway_release_posts(&g, 2115);
	ck_assert_int_eq(gateway_posts_held(&g, 2100, &under_way), 3000);
	ck_assert(under_way);
	gateway_release_posts(&g, 2215);
	ck_assert_int_eq(gateway_posts_held(&g, 2200, &under_way), 2215);
	ck_assert(!under_way);
	/* the later one wins */
	gateway_hold_posts_until(&g, 2210);
	ck_assert_int_eq(gateway_posts_held(&g, 2200, &under_way), 2215);
	gateway_hold_posts_until(&g, 2220);
	ck_assert_int_eq(gateway_posts_held(&g, 2200, &under_way), 2220);
	ck_assert_int_eq(gateway_posts_held(&g, 2220, &under_way), 0);
}
END_TEST

/* ---- conversations ---- */

#define NOTE "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"
#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"
#define LIST "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"
#define DONE "HTTP/1.1 204 No Content\r\n\r\n"
#define LOST                                            \
	"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n" \
	"Content-Type: text/html\r\nContent-Length: 3\r\n\r\n502"

static void
post_head(struct agent *a, const char *method, const char *path, size_t length)
{
	char *head = mem_printf("%s %s HTTP/1.1\r\nHost: localhost\r\n"
				"Content-Length: %zu\r\n\r\n",
	    method, path, length);

	agent_say(a, head);
	free(head);
}

static void
post(struct agent *a, const char *body)
{
	post_head(a, "POST", "/v1/mcp", strlen(body));
	agent_say(a, body);
}

static unsigned
arrived(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rig.gate.n; i++)
		n += rig_has_head(&rig.gate.conn[i].in);
	return n;
}

/* The connection on which a request with this in it has arrived. */
static struct gate_conn *
with(const char *text)
{
	for (unsigned i = 0; i < rig.gate.n; i++)
		if (rig_has(&rig.gate.conn[i].in, text))
			return &rig.gate.conn[i];
	return NULL;
}

static void
answer(const char *to, const char *with_what)
{
	struct gate_conn *g = with(to);

	rig_forget(&g->in);
	gate_say(g, span_of(with_what));
}

/* Nothing arrives although everything could. */
static void
nothing_arrives(void)
{
	for (unsigned i = 0; i < 40; i++) {
		rig_rest(i);
		rig_turn(&rig);
	}
	ck_assert_uint_eq(arrived(), 0);
}

/* A notification has closed the door. */
static void
door_closes(void)
{
	bool under_way;

	RIG_UNTIL(&rig,
	    gateway_posts_held(&rig.gateway, rig.now_ms, &under_way) != 0);
}

static void
one_waits(void)
{
	RIG_UNTIL(&rig, metric_get(&rig.w->metrics->mcp_holds) == 1);
}

/* A notification is at the gateway. */
static struct agent *
notify(void)
{
	struct agent *a = agent_open(&rig, false);

	post(a, NOTE);
	door_closes();
	RIG_UNTIL(&rig, with(NOTE));
	return a;
}

static const struct {
	const char *method, *path;
	bool waits;
} others[] = {
    {"POST", "/v1/mcp", true},
    {"POST", "/v1/chat/completions", true},
    {"PATCH", "/v1/agents", true},
    /* nginx sends these again itself */
    {"GET", "/v1/agents", false},
    {"PUT", "/v1/agents", false},
    {"DELETE", "/v1/agents", false},
};

START_TEST(others_wait)
{
	struct agent *a = notify(), *b = agent_open(&rig, false);
	unsigned due = others[_i].waits ? MCP_AFTER_MS : 0;

	post_head(b, others[_i].method, others[_i].path, strlen(CALL));
	agent_say(b, CALL);
	if (due) {
		one_waits();
		rig_advance(&rig, 300);
		ck_assert_ptr_null(with(CALL));
		answer(NOTE, DONE);
		RIG_UNTIL(&rig, rig_has_head(&a->in));
		nothing_arrives();
		rig_advance(&rig, due - 1);
		nothing_arrives();
		rig_advance(&rig, 1);
	}
	RIG_UNTIL(&rig, with(CALL));
	ck_assert_uint_eq(metric_get(&rig.w->metrics->mcp_holds), due ? 1 : 0);
}
END_TEST

/* No request waits for ever for one that is never answered. */
START_TEST(not_for_ever)
{
	struct agent *b;

	notify();
	b = agent_open(&rig, false);
	post(b, CALL);
	one_waits();
	rig_advance(&rig, MCP_BEFORE_MS + MCP_UNDER_WAY_MS - 1);
	rig_settle(&rig);
	ck_assert_ptr_null(with(CALL));
	rig_advance(&rig, 1);
	RIG_UNTIL(&rig, with(CALL));
}
END_TEST

/* The agent goes away: nobody waits for its answer. */
START_TEST(agent_goes)
{
	struct agent *a = notify(), *b = agent_open(&rig, false);

	post(b, CALL);
	one_waits();
	rig_forget(&with(NOTE)->in);
	agent_close(a);
	RIG_UNTIL(&rig, rig_ended(&rig, END_CLIENT_GONE));
	rig_advance(&rig, MCP_AFTER_MS);
	RIG_UNTIL(&rig, with(CALL));
}
END_TEST

/* A body that comes in pieces is looked at when it is there. */
START_TEST(slow_body)
{
	struct agent *a = agent_open(&rig, false);

	post_head(a, "POST", "/v1/mcp", strlen(NOTE));
	nothing_arrives();
	agent_say_span(a, span_new(NOTE, 20));
	nothing_arrives();
	agent_say(a, NOTE + 20);
	door_closes();
	RIG_UNTIL(&rig, with(NOTE));
}
END_TEST

/* What is on its way to nginx might come behind the 204. */
START_TEST(posts_on_their_way)
{
	struct agent *a = agent_open(&rig, false), *b = agent_open(&rig, false);

	post(a, CALL);
	RIG_UNTIL(&rig, with(CALL));
	post(b, NOTE);
	door_closes();
	rig_advance(&rig, MCP_BEFORE_MS - 10);
	rig_settle(&rig);
	ck_assert_ptr_null(with(NOTE));
	if (_i == 0) {
		answer(CALL, DONE);
		RIG_UNTIL(&rig, rig_ended(&rig, END_OK));
	} else if (_i == 1) {
		rig_forget(&with(CALL)->in);
		agent_close(a);
		RIG_UNTIL(&rig, rig_ended(&rig, END_CLIENT_GONE));
	}
	/* 2: it has waited long enough */
	rig_advance(&rig, _i == 2 ? 10 : 4);
	RIG_UNTIL(&rig, with(NOTE));
}
END_TEST

START_TEST(slow_body_ends)
{
	struct agent *a = agent_open(&rig, false);

	post_head(a, "POST", "/v1/mcp", strlen(NOTE));
	nothing_arrives();
	if (_i == 0) {
		rig_advance(&rig, rig.conf->body_timeout_ms);
		RIG_UNTIL(&rig, rig_ended(&rig, END_BODY_TIMEOUT));
	} else {
		agent_close(a);
		RIG_UNTIL(&rig, rig_ended(&rig, END_CLIENT_GONE));
	}
	nothing_arrives();
}
END_TEST

/* The gateway closes the kept connection on which a request waits. */
START_TEST(closed_meanwhile)
{
	struct agent *a = agent_open(&rig, false);

	post(a, CALL);
	RIG_UNTIL(&rig, with(CALL));
	answer(CALL, DONE);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK));
	gateway_hold_posts_until(&rig.gateway, rig.now_ms + 500);
	post(a, CALL);
	one_waits();
	gate_end(&rig.gate.conn[0], GATE_CLEAN);
	RIG_UNTIL(&rig, TAILQ_FIRST(&rig.w->clients)->x.lease.uc->conn.eof);
	nothing_arrives();
	rig_advance(&rig, 500);
	RIG_UNTIL(&rig, with(CALL));
	ck_assert_uint_eq(rig.gate.n, 2);
}
END_TEST

/* Without a length it cannot be looked at before it is sent. */
START_TEST(chunked_notification)
{
	struct agent *a = agent_open(&rig, false), *b;
	char *text = mem_printf("POST /v1/mcp HTTP/1.1\r\nHost: localhost\r\n"
				"Transfer-Encoding: chunked\r\n\r\n"
				"%zx\r\n%s\r\n0\r\n\r\n",
	    strlen(NOTE), NOTE);

	agent_say(a, text);
	free(text);
	RIG_UNTIL(&rig, with(NOTE));
	b = agent_open(&rig, false);
	post(b, CALL);
	one_waits();
	rig_advance(&rig, 300);
	ck_assert_ptr_null(with(CALL));
	answer(NOTE, DONE);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	rig_advance(&rig, MCP_AFTER_MS);
	RIG_UNTIL(&rig, with(CALL));
}
END_TEST

/* Two at a time: one after the other, and POSTs that wait go between them. */
START_TEST(two_notifications)
{
	struct agent *a = agent_open(&rig, false), *b = agent_open(&rig, false);
	struct agent *c = agent_open(&rig, false);

	post(a, NOTE);
	post(b, NOTE);
	door_closes();
	one_waits();
	RIG_UNTIL(&rig, arrived());
	rig_settle(&rig);
	ck_assert_uint_eq(arrived(), 1);
	if (_i == 1) {
		post(c, CALL);
		RIG_UNTIL(&rig, metric_get(&rig.w->metrics->mcp_holds) == 2);
	}
	answer(NOTE, DONE);
	for (unsigned i = 0; i < MCP_AFTER_MS; i++) {
		nothing_arrives();
		rig_advance(&rig, 1);
	}
	if (_i == 1) {
		RIG_UNTIL(&rig, with(CALL));
		rig_advance(&rig, MCP_FIRST_MS);
		rig_settle(&rig);
		ck_assert_ptr_null(with(NOTE));
		answer(CALL, DONE);
		RIG_UNTIL(&rig, rig_has_head(&c->in));
		rig_advance(&rig, 4);
	}
	RIG_UNTIL(&rig, with(NOTE));
}
END_TEST

static const struct {
	const char *what, *path, *body, *answer;
	unsigned times; /* that it is sent in all */
} lost[] = {
    {"a read", "/v1/mcp", LIST, LOST, 1 + MCP_RESENDS},
    {"what has an effect", "/v1/mcp", CALL, LOST, 1},
    {"not MCP", "/v1/agents", LIST, LOST, 1},
    {"of the gateway itself", "/v1/mcp", LIST,
	"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nX-Cullis-Mode: x\r\n"
	"Content-Type: text/html\r\nContent-Length: 3\r\n\r\n502",
	1},
    {"of nobody known", "/v1/mcp", LIST,
	"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
	"Content-Length: 3\r\n\r\n502",
	1},
    {"not nginx's page", "/v1/mcp", LIST,
	"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n"
	"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	1},
    {"another status", "/v1/mcp", LIST,
	"HTTP/1.1 504 Gateway Timeout\r\nServer: nginx\r\n"
	"Content-Type: text/html\r\nContent-Length: 3\r\n\r\n504",
	1},
};

START_TEST(sent_again)
{
	struct agent *a = agent_open(&rig, false);
	char jti[3][DPOP_JTI_LEN + 1] = {""};

	post_head(a, "POST", lost[_i].path, strlen(lost[_i].body));
	agent_say(a, lost[_i].body);
	for (unsigned n = 0; n < lost[_i].times; n++) {
		RIG_UNTIL(&rig, with(lost[_i].body));
		memcpy(jti[n], TAILQ_FIRST(&rig.w->clients)->x.jti,
		    sizeof(jti[n]));
		ck_assert(n == 0 || strcmp(jti[n], jti[n - 1]) != 0);
		answer(lost[_i].body, lost[_i].answer);
		if (n + 1 < lost[_i].times) {
			RIG_UNTIL(&rig,
			    metric_get(&rig.w->metrics->retries_lost) == n + 1);
			nothing_arrives();
			rig_advance(&rig, MCP_AFTER_MS);
		}
	}
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK));
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	ck_assert(rig_has(&a->in, lost[_i].times > 1 ? "502 Bad" : "HTTP/1.1"));
	ck_assert_uint_eq(
	    metric_get(&rig.w->metrics->retries_lost), lost[_i].times - 1);
}
END_TEST

UNIT_MAIN_ROWS("mcp", setup, teardown, {read_message, COUNT(messages)},
    {read_large, 1}, {door, 1}, {others_wait, COUNT(others)}, {not_for_ever, 1},
    {agent_goes, 1}, {slow_body, 1}, {posts_on_their_way, 3},
    {slow_body_ends, 2}, {closed_meanwhile, 1}, {chunked_notification, 1},
    {two_notifications, 2}, {sent_again, COUNT(lost)})
