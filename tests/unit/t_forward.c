/*
 * t_forward: what a hop says of itself and counts: Via and loops, Max-Forwards,
 * OPTIONS that goes no further, and answers that come before the request has
 * ended.
 */
#include "base/mem.h"
#include "proxy/via.h"

#include "rig_fixture.h"
#include "unit.h"

/* What the gateway gets of this request; the agent gets a 204. */
static struct buf *
forwarded(struct agent *a, const char *request)
{
	unsigned ended = rig_ended(&rig, END_OK);
	struct buf *in = &rig.gate.conn[0].in;

	agent_say(a, request);
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(in));
	gate_say(
	    &rig.gate.conn[0], SPAN("HTTP/1.1 204 No Content\r\nVia: 1.1 b\r\n"
				    "\r\n"));
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) > ended && a->in.len);
	return in;
}

static bool
has_via(const struct buf *b, const char *before, const char *version)
{
	char *line =
	    mem_printf("%sVia: %s %s\r\n", before, version, via_pseudonym());
	bool has = rig_has(b, line);

	free(line);
	return has;
}

/* ---- RFC 9110 section 7.6.3 ---- */

START_TEST(via_both_ways)
{
	struct agent *a = agent_open(&rig, false);
	struct buf *in = forwarded(a,
	    "GET /v1/a HTTP/1.1\r\nHost: localhost\r\nVia: 1.0 x, 1.1 y\r\n"
	    "\r\n");

	ck_assert(has_via(in, "Via: 1.0 x, 1.1 y\r\n", "1.1"));
	ck_assert(has_via(&a->in, "Via: 1.1 b\r\n", "1.1"));
}
END_TEST

START_TEST(via_of_http_1_0)
{
	struct buf *in =
	    forwarded(agent_open(&rig, false), "GET /v1/a HTTP/1.0\r\n\r\n");

	ck_assert(has_via(in, "\r\n", "1.0"));
}
END_TEST

static const struct {
	const char *before, *after;
	bool loop;
} vias[] = {
    {"1.1 ", "", true},
    {"HTTP/1.1 ", "", true},
    {"1.0 a,\t1.1\t", "", true},
    {"1.1 ", " (comment)", true},
    {"1.0 a\r\nVia: 1.1 b, 1.1 ", ", 1.1 c", true},
    {"1.1 x", "", false},
    {"1.1 ", "0", false},
    {"", "", false},
    {"1.1 a (", ")", false},
};

START_TEST(loops)
{
	struct agent *a = agent_open(&rig, false);
	char *request = mem_printf(
	    "GET /v1/a HTTP/1.1\r\nHost: localhost\r\nVia: %s%s%s\r\n\r\n",
	    vias[_i].before, via_pseudonym(), vias[_i].after);

	if (vias[_i].loop) {
		agent_say(a, request);
		RIG_UNTIL(&rig, rig_ended(&rig, END_LOOP) == 1 && a->in.len);
		ck_assert(rig_has(&a->in, "HTTP/1.1 508 Loop Detected\r\n"));
		ck_assert_uint_eq(rig.gate.n, 0);
	} else {
		forwarded(a, request);
	}
	free(request);
}
END_TEST

/* ---- RFC 9110 sections 7.6.2 and 9.3.7 ---- */

static const struct {
	const char *what, *request, *upstream; /* NULL: answered here */
} hops[] = {
    {"one hop less", "OPTIONS /v1/a HTTP/1.1\r\nMax-Forwards: 10\r\n",
	"\r\nMax-Forwards: 9\r\n"},
    {"the last hop", "OPTIONS /v1/a HTTP/1.1\r\nMax-Forwards: 1\r\n",
	"\r\nMax-Forwards: 0\r\n"},
    {"none left", "OPTIONS /v1/a HTTP/1.1\r\nMax-Forwards: 0\r\n", NULL},
    {"other methods do not count", "GET /v1/a HTTP/1.1\r\nMax-Forwards: 0\r\n",
	"\r\nMax-Forwards: 0\r\n"},
    {"no limit", "OPTIONS /v1/a HTTP/1.1\r\n", "OPTIONS /v1/a HTTP/1.1\r\n"},
    {"*", "OPTIONS * HTTP/1.1\r\n", NULL},
    {"* with hops left", "OPTIONS * HTTP/1.1\r\nMax-Forwards: 7\r\n", NULL},
    {"* through a proxy", "OPTIONS http://mastio.test HTTP/1.1\r\n", NULL},
    {"the root is not *", "OPTIONS http://mastio.test/ HTTP/1.1\r\n",
	"OPTIONS / HTTP/1.1\r\n"},
};

START_TEST(hops_left)
{
	struct agent *a = agent_open(&rig, false);
	char *request =
	    mem_printf("%sHost: mastio.test\r\n\r\n", hops[_i].request);

	if (hops[_i].upstream) {
		ck_assert(rig_has(forwarded(a, request), hops[_i].upstream));
	} else {
		agent_say(a, request);
		RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 1 && a->in.len);
		ck_assert(rig_has(&a->in, "HTTP/1.1 200 OK\r\nAllow: GET, "));
		ck_assert(rig_has(&a->in, "\r\nContent-Length: 0\r\n\r\n"));
		ck_assert_uint_eq(rig.gate.n, 0);
		/* The connection goes on. */
		rig_forget(&a->in);
		forwarded(a, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
	}
	free(request);
}
END_TEST

static const char *const bad_hops[] = {"-1", "+1", "1 ", "0x1", "one", "",
    "1,1", "1\r\nMax-Forwards: 1", "99999999999999999999"};

START_TEST(hops_malformed)
{
	struct agent *a = agent_open(&rig, false);
	bool ok = strcmp(bad_hops[_i], "1 ") == 0; /* white space is no part */
	char *request =
	    mem_printf("OPTIONS /v1/a HTTP/1.1\r\nHost: localhost\r\n"
		       "Max-Forwards: %s\r\n\r\n",
		bad_hops[_i]);

	if (ok) {
		forwarded(a, request);
	} else {
		agent_say(a, request);
		RIG_UNTIL(&rig, rig_ended(&rig, END_BAD_REQUEST) == 1);
		ck_assert_uint_eq(rig.gate.n, 0);
	}
	free(request);
}
END_TEST

/* ---- answers before the request has ended ---- */

#define UPLOAD                                         \
	"POST /v1/a HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Content-Length: 1000000000\r\n\r\nthe beginning"

/* Until the sidecar takes no more; how much that was. */
static size_t
say_all(struct agent *a)
{
	static const char zeros[65536];
	size_t said = 0;

	while (!rig.closed && said < 64 << 20) {
		ssize_t n = send(
		    a->fd, zeros, sizeof(zeros), MSG_NOSIGNAL | MSG_DONTWAIT);

		said += n > 0 ? (size_t)n : 0;
		rig_turn(&rig);
	}
	return said;
}

/* The answer is relayed and says that the connection ends; what still comes of
 * the request is dropped, up to a limit. */
START_TEST(early_answer)
{
	struct agent *a = agent_open(&rig, false);
	size_t said;

	agent_say(a, UPLOAD);
	RIG_UNTIL(
	    &rig, rig.gate.n && rig_has(&rig.gate.conn[0].in, "the beginning"));
	gate_say(&rig.gate.conn[0],
	    SPAN("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\n"
		 "big"));
	RIG_UNTIL(&rig, rig_has(&a->in, "\r\nConnection: close\r\n") &&
			    rig_has(&a->in, "\r\n\r\nbig"));
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
	said = say_all(a);
	ck_assert_uint_gt(said, 15 << 20);
	ck_assert_uint_lt(said, 32 << 20);
}
END_TEST

/* Nor for longer than two seconds. */
START_TEST(early_answer_and_silence)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, UPLOAD);
	RIG_UNTIL(
	    &rig, rig.gate.n && rig_has(&rig.gate.conn[0].in, "the beginning"));
	gate_say(&rig.gate.conn[0],
	    SPAN("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n"
		 "\r\n"));
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 1 && a->eof);
	rig_advance(&rig, 1900);
	ck_assert_uint_eq(rig.closed, 0);
	rig_advance(&rig, 200);
	RIG_UNTIL(&rig, rig.closed == 1);
}
END_TEST

UNIT_MAIN_ROWS("forward", setup, teardown, {via_both_ways, 1},
    {via_of_http_1_0, 1}, {loops, COUNT(vias)}, {hops_left, COUNT(hops)},
    {hops_malformed, COUNT(bad_hops)}, {early_answer, 1},
    {early_answer_and_silence, 1})
