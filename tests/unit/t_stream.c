/*
 * t_stream: what is noted about streams: error frames, and whose timer it may
 * have been that broke one off (protocol 8.2).
 */
#include "proxy/stream.h"

#include "rig_fixture.h"
#include "unit.h"

#define CHUNKED_HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
#define FRAME "19\r\ndata: {\"error\":{\"a\":1}}\n\n\r\n"

/* An agent that gets an answer which begins with this. */
static struct agent *
streams(const char *begin)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "GET /v1/egress/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
	gate_say(&rig.gate.conn[0], span_of(begin));
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	return a;
}

static const struct {
	int64_t silence_ms;
	const char *said, *not_said;
} cuts[] = {
    {0, "mid-transfer", "silence"},
    {999, "mid-transfer", "silence"},
    {1000, "after 1.0 s of silence; not a timer of the sidecar", "proxy_read"},
    {30499, "after 30.4 s of silence", "proxy_read_timeout"},
    {60012,
	"the gateway's front end closed the stream after 60.0 s of silence; "
	"its proxy_read_timeout, not a timer of the sidecar",
	"mid-transfer"},
};

START_TEST(whose_timer)
{
	struct exchange *x;

	streams(CHUNKED_HEAD "Content-Type: text/event-stream\r\n\r\n");
	x = &TAILQ_FIRST(&rig.w->clients)->x;
	rig_advance(&rig, 5000);
	gate_say(&rig.gate.conn[0], SPAN("1\r\nx\r\n"));
	RIG_UNTIL(&rig, x->down.bytes == 1);
	rig_advance(&rig, cuts[_i].silence_ms);
	stream_cut(x);
	ck_assert_msg(
	    strstr(x->detail, cuts[_i].said) != NULL, "%s", x->detail);
	ck_assert_ptr_null(strstr(x->detail, cuts[_i].not_said));
	gate_end(&rig.gate.conn[0], GATE_CUT);
	RIG_UNTIL(&rig, rig_ended(&rig, END_UPSTREAM_TRUNCATED));
}
END_TEST

static const struct {
	const char *fields;
	unsigned errors;
} kinds[] = {
    {"Content-Type: text/event-stream\r\n", 1},
    {"Content-Type: text/event-stream; charset=utf-8\r\n", 1},
    {"Content-Type: TEXT/Event-Stream\r\n", 1},
    {"Content-Type: application/json\r\n", 0},
    {"", 0},
    {"Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\n", 0},
};

START_TEST(error_frames)
{
	struct buf b = BUF_INIT;
	struct agent *a;
	char *text;

	buf_add_str(&b, CHUNKED_HEAD);
	buf_add_str(&b, kinds[_i].fields);
	buf_add_str(&b, "\r\n" FRAME "0\r\n\r\n");
	text = buf_steal_str(&b);
	a = streams(text);
	free(text);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK));
	rig_settle(&rig);
	ck_assert(rig_has(&a->in, "data: {\"error\":{\"a\":1}}\n\n"));
	ck_assert_uint_eq(
	    metric_get(&rig.w->metrics->stream_errors), kinds[_i].errors);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->streams_open), 0);
}
END_TEST

UNIT_MAIN_ROWS("stream", setup, teardown, {whose_timer, COUNT(cuts)},
    {error_frames, COUNT(kinds)})
