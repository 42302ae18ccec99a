/*
 * t_tunnel: a WebSocket from its handshake on: what it switches on, how the
 * end of each side reaches the other, who waits for whom.
 */
#include "rig.h"
#include "unit.h"

#define HANDSHAKE                                         \
	"GET /v1/ws HTTP/1.1\r\nHost: mastio.test\r\n"    \
	"Connection: Upgrade\r\nUpgrade: websocket\r\n"   \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
	"Sec-WebSocket-Version: 13\r\n\r\n"
#define SWITCH                                          \
	"HTTP/1.1 101 Switching Protocols\r\n"          \
	"Connection: upgrade\r\nUpgrade: WebSocket\r\n" \
	"Sec-WebSocket-Accept: x\r\nDPoP-Nonce: n\r\n\r\n"
#define SWITCHED                                                          \
	"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n" \
	"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static struct rig rig;

static void
teardown(void)
{
	rig_fini(&rig);
}

/* The gateway's end of the tunnel; its request is forgotten. */
static struct gate_conn *
handshake(struct agent **a, const char *options)
{
	struct gate_conn *gc = &rig.gate.conn[0];

	rig_init(&rig, options);
	*a = agent_open(&rig, false);
	agent_say(*a, HANDSHAKE);
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&gc->in));
	return gc;
}

static struct gate_conn *
open_tunnel(struct agent **a, const char *options)
{
	struct gate_conn *gc = handshake(a, options);

	rig_forget(&gc->in);
	gate_say(gc, SPAN(SWITCH));
	RIG_UNTIL(&rig, rig_has_head(&(*a)->in));
	rig_forget(&(*a)->in);
	return gc;
}

static void
check_ended(enum end end)
{
	RIG_UNTIL(&rig, rig_ended(&rig, end) == 1);
	rig_settle(&rig);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->streams_open), 0);
	ck_assert_uint_eq(rig.w->upstream->connections, 0);
}

START_TEST(request_is_made_anew)
{
	struct agent *a;
	struct gate_conn *gc = handshake(&a, "");

	ck_assert(rig_has(&gc->in, "\r\nConnection: Upgrade\r\n"));
	ck_assert(rig_has(&gc->in, "\r\nUpgrade: websocket\r\n"));
	ck_assert(rig_has(&gc->in, "\r\nSec-WebSocket-Version: 13\r\n"));
	ck_assert(rig_has(&gc->in, "\r\nAuthorization: DPoP "));
	ck_assert(rig_has(&gc->in, "\r\nDPoP: "));
}
END_TEST

/* Cut anywhere, the 101 and the first bytes behind it arrive the same. */
START_TEST(answer_in_two_pieces)
{
	static const char text[] = SWITCH "\x81\x02yo";
	size_t n = sizeof(text) - 1, cut = (size_t)_i + 1;
	struct agent *a;
	struct gate_conn *gc;

	ck_assert_uint_gt(n, cut);
	gc = handshake(&a, "");
	gate_say(gc, span_new(text, cut));
	rig_settle(&rig);
	gate_say(gc, span_new(text + cut, n - cut));
	RIG_UNTIL(&rig, rig_has(&a->in, "yo"));
	rig_drop_via(&a->in);
	ck_span(buf_span(&a->in), SWITCHED "\x81\x02yo");
}
END_TEST

START_TEST(agent_says_no_more)
{
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "");

	agent_say(a, "last");
	agent_half_close(a);
	RIG_UNTIL(&rig, gc->eof);
	ck_assert(gc->clean);
	ck_span(buf_span(&gc->in), "last");
	/* RFC 8446 section 6.1: the other direction goes on. */
	gate_say(gc, SPAN("reply"));
	RIG_UNTIL(&rig, rig_has(&a->in, "reply"));
	ck_assert(!a->eof);
	gate_end(gc, GATE_CLEAN);
	RIG_UNTIL(&rig, a->eof);
	ck_assert(!a->reset);
	check_ended(END_OK);
}
END_TEST

START_TEST(gateway_says_no_more)
{
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "");

	gate_say(gc, SPAN("last"));
	gate_end(gc, GATE_CLEAN);
	RIG_UNTIL(&rig, a->eof);
	ck_assert(!a->reset);
	ck_span(buf_span(&a->in), "last");
	agent_half_close(a);
	check_ended(END_OK);
}
END_TEST

START_TEST(agent_leaves)
{
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "");

	agent_say(a, "last");
	agent_close(a);
	RIG_UNTIL(&rig, gc->eof);
	ck_span(buf_span(&gc->in), "last");
	check_ended(END_OK);
	ck_assert(TAILQ_EMPTY(&rig.w->clients));
}
END_TEST

/* Cut off by us, the gateway does not take it for an end. */
START_TEST(cut_off)
{
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "stream-idle-timeout = 60s\n");

	rig_advance(&rig, 60000);
	RIG_UNTIL(&rig, gc->eof);
	ck_assert(!gc->clean);
	check_ended(END_STREAM_IDLE);
}
END_TEST

/* RFC 8446 section 6.1: without close_notify it is a truncation. */
START_TEST(gateway_breaks_off)
{
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "");

	gate_say(gc, SPAN("half"));
	RIG_UNTIL(&rig, rig_has(&a->in, "half"));
	gate_end(gc, (enum gate_end)(GATE_CUT + _i));
	RIG_UNTIL(&rig, a->eof);
	check_ended(END_UPSTREAM_TRUNCATED);
}
END_TEST

/* An agent that does not read stops the gateway, not the worker. */
START_TEST(slow_agent)
{
	static char block[65536];
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "relay-buffer = 64k\n");
	struct exchange *x = &TAILQ_FIRST(&rig.w->clients)->x;
	size_t said = 0;

	a->deaf = true;
	memset(block, 'x', sizeof(block));
	for (unsigned i = 0; i < 400; i++) {
		if (gc->out.len < sizeof(block)) {
			gate_say(gc, span_new(block, sizeof(block)));
			said += sizeof(block);
		}
		rig_turn(&rig);
		ck_assert_uint_le(x->c->conn.out.len, 3 * sizeof(block));
		ck_assert_uint_le(x->lease.uc->conn.in.len, 2 * sizeof(block));
	}
	ck_assert_uint_lt(said, 400 * sizeof(block));
	a->deaf = false;
	RIG_UNTIL(&rig, a->in.len == said);
	/* The other way it never stopped. */
	agent_say(a, "still here");
	RIG_UNTIL(&rig, rig_has(&gc->in, "still here"));
}
END_TEST

START_TEST(idle)
{
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "stream-idle-timeout = 60s\n");

	for (unsigned i = 0; i < 3; i++) {
		rig_advance(&rig, 59999);
		agent_say(a, "x");
		RIG_UNTIL(&rig, gc->in.len == 2 * i + 1);
		rig_advance(&rig, 59999);
		gate_say(gc, SPAN("y"));
		RIG_UNTIL(&rig, a->in.len == i + 1);
		agent_say(a, "z");
		RIG_UNTIL(&rig, gc->in.len == 2 * i + 2);
	}
	rig_advance(&rig, 59999);
	ck_assert_uint_eq(rig_ended(&rig, END_STREAM_IDLE), 0);
	rig_advance(&rig, 1);
	RIG_UNTIL(&rig, a->eof);
	check_ended(END_STREAM_IDLE);
}
END_TEST

START_TEST(drain)
{
	struct agent *a;
	struct gate_conn *gc = open_tunnel(&a, "");

	worker_drain(rig.w);
	rig_settle(&rig);
	agent_say(a, "still");
	RIG_UNTIL(&rig, rig_has(&gc->in, "still"));
	worker_stop(rig.w);
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_DRAIN), 1);
	rig.w->loop.stop = false;
}
END_TEST

UNIT_MAIN_ROWS("tunnel", NULL, teardown, {request_is_made_anew, 1},
    {answer_in_two_pieces, (int)sizeof(SWITCH) + 2}, {agent_says_no_more, 1},
    {gateway_says_no_more, 1}, {agent_leaves, 1}, {gateway_breaks_off, 2},
    {cut_off, 1}, {slow_agent, 1}, {idle, 1}, {drain, 1})
