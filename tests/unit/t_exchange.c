/*
 * t_exchange: one request and its answer between a scripted agent and a
 * scripted gateway: answers cut at every point, requests that are sent again,
 * answers that come before the request has ended, and what follows.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "proxy/via.h"

#include "rig_fixture.h"
#include "unit.h"

#define GET "GET /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n\r\n"
#define POST_HEAD                                           \
	"POST /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Content-Length: 10\r\n"
#define POST POST_HEAD "\r\n0123456789"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct gate_conn *
gate(unsigned i)
{
	return &rig.gate.conn[i];
}

static struct exchange *
exchange(void)
{
	return &TAILQ_FIRST(&rig.w->clients)->x;
}

/* Until the gateway has a request on connection i that ends with this. */
static void
arrived(unsigned i, const char *end)
{
	RIG_UNTIL(&rig, rig.gate.n > i && rig_has(&gate(i)->in, "\r\n\r\n") &&
			    rig_has(&gate(i)->in, end));
}

/* Connection i answers what has arrived there; the agent gets all of it. */
static void
answer(unsigned i, struct agent *a, const char *text)
{
	unsigned ended = rig_ended(&rig, END_OK);

	rig_forget(&gate(i)->in);
	gate_say(gate(i), span_of(text));
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) > ended);
	rig_settle(&rig);
	ck_assert(a->fd < 0 || rig_has_head(&a->in));
}

/* A gateway connection that has served once. */
static struct agent *
kept_connection(void)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, GET);
	arrived(0, "");
	answer(0, a, NO_CONTENT);
	rig_forget(&a->in);
	ck_assert_uint_eq(rig.w->upstream->idle_count, 1);
	return a;
}

/* ---- what arrives where ---- */

START_TEST(what_the_gateway_sees)
{
	struct agent *a = agent_open(&rig, false);
	struct token *t = rig.w->view->bundle->token;
	char *expected;
	char *credentials =
	    mem_printf("\r\nAuthorization: DPoP %.*s\r\nDPoP: ey",
		SPAN_ARG(token_span(t)));

	agent_say(a,
	    "POST /v1/agents?q=1 HTTP/1.1\r\nHost: localhost\r\n"
	    "Authorization: Bearer mine\r\nDPoP: mine\r\nX-API-Key: mine\r\n"
	    "X-Forwarded-For: mine\r\nX-SSL-Client-Cert: mine\r\n"
	    "Connection: X-Hop, close\r\nX-Hop: mine\r\nCookie: mine\r\n"
	    "Transfer-Encoding: chunked\r\nX-End: kept\r\n\r\n"
	    "4;x=y\r\nwiki\r\n0\r\nX-Trailer: mine\r\n\r\n");
	arrived(0, "0\r\n\r\n");
	ck_assert(span_starts(buf_span(&gate(0)->in),
	    SPAN("POST /v1/agents?q=1 HTTP/1.1\r\nHost: mastio.test\r\n")));
	ck_assert(rig_has(&gate(0)->in, credentials));
	ck_assert(!rig_has(&gate(0)->in, "mine"));
	ck_assert(rig_has(&gate(0)->in, "X-End: kept\r\n"));
	ck_assert(rig_has(&gate(0)->in,
	    "Transfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n0\r\n\r\n"));
	free(credentials);
	answer(0, a,
	    "HTTP/1.1 200 Fine\r\nDPoP-Nonce: secret\r\nSet-Cookie: secret\r\n"
	    "WWW-Authenticate: secret\r\nConnection: X-Hop\r\nX-Hop: secret\r\n"
	    "X-End: kept\r\nContent-Length: 2\r\n\r\nok");
	expected = mem_printf("HTTP/1.1 200 Fine\r\nX-End: kept\r\n"
			      "Via: 1.1 %s\r\nContent-Length: 2\r\n"
			      "Connection: close\r\n\r\nok",
	    via_pseudonym());
	ck_span(buf_span(&a->in), expected);
	free(expected);
	RIG_UNTIL(&rig, a->eof);
	ck_assert_str_eq(rig.w->upstream->idle.tqh_first->nonce, "secret");
}
END_TEST

START_TEST(a_new_proof_for_each_request)
{
	struct agent *a = kept_connection();
	char first[DPOP_JTI_LEN + 1];

	memcpy(first, exchange()->jti, sizeof(first));
	agent_say(a, GET);
	arrived(0, "");
	ck_assert_str_ne(exchange()->jti, first);
	ck_assert(exchange()->reused);
	answer(0, a, NO_CONTENT);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->proofs), 2);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->upstream_reused), 1);
	ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

/* ---- answers in pieces ---- */

static const struct {
	const char *why, *answer, *body;
	bool close; /* ended by the connection */
} answers[] = {
    {"9112 6.2: Content-Length",
	"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 11\r\n\r\nhello world",
	"hello world", false},
    {"9112 7.1: chunks",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	"5\r\nhello\r\n1\r\n \r\n5;x=y\r\nworld\r\n0\r\nX: y\r\n\r\n",
	"hello world", false},
    {"9112 6.3: no body", NO_CONTENT, "", false},
    {"9112 6.3: until close", "HTTP/1.1 200 OK\r\n\r\nhello world",
	"hello world", true},
    {"9110 15.2: interim answers",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
	"Link: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	"hello", false},
    {"judged, and the agent's own",
	"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n"
	"Content-Length: 22\r\n\r\n{\"detail\":\"not today\"}",
	"{\"detail\":\"not today\"}", false},
    {"judged, in chunks",
	"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n"
	"Transfer-Encoding: chunked\r\n\r\nb\r\n{\"detail\":\"\r\nb\r\n"
	"not today\"}\r\n0\r\n\r\n",
	"{\"detail\":\"not today\"}", false},
    {"judged, and empty",
	"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n"
	"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"", false},
    {"judged until close",
	"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n\r\n"
	"{\"detail\":\"not today\"}",
	"{\"detail\":\"not today\"}", true},
};

/* The body of the one final answer that the agent has, taken out of its
 * framing with our own readers; absent if it is not whole. */
static struct buf
body_of(const struct agent *a, bool *whole)
{
	static const struct head_limits limits = {65536, 100};
	struct field fields[100];
	struct framing framing;
	struct span in = buf_span(&a->in), data;
	struct buf body = BUF_INIT;
	const char *why;
	struct chunked c;
	struct head h;

	*whole = false;
	for (;;) {
		head_reset(&h, fields);
		if (head_parse_response(&h, in, &limits) != HEAD_DONE)
			return body;
		in.p += h.size;
		in.n -= h.size;
		if (h.status >= 200)
			break;
	}
	ck_assert_int_eq(
	    framing_response(&h, SPAN("GET"), &framing, &why), FRAMING_OK);
	switch (framing.kind) {
	case FRAMING_NONE:
		*whole = in.n == 0;
		break;
	case FRAMING_LENGTH:
		*whole = in.n == framing.length;
		buf_add_span(&body, in);
		break;
	case FRAMING_CHUNKED:
		chunked_init(&c);
		for (;;) {
			enum chunked_status s = chunked_read(&c, &in, &data);

			if (s == CHUNKED_DATA)
				buf_add_span(&body, data);
			*whole = s == CHUNKED_DONE && in.n == 0;
			if (s != CHUNKED_DATA)
				break;
		}
		break;
	case FRAMING_CLOSE:
		*whole = a->eof && !a->reset;
		buf_add_span(&body, in);
		break;
	}
	return body;
}

static void
check_answer(struct agent *a, size_t row, size_t at)
{
	struct buf body;
	bool whole;

	rig_settle(&rig);
	body = body_of(a, &whole);
	ck_assert_msg(whole, "%s at %zu: %.*s", answers[row].why, at,
	    SPAN_ARG(buf_span(&a->in)));
	ck_span(buf_span(&body), answers[row].body);
	buf_free(&body);
	rig_forget(&a->in);
}

/* The gateway's answer in two pieces, split there; the sidecar sees the first
 * before the second is sent. */
static void
answer_split(struct gate_conn *c, size_t row, size_t at)
{
	const char *text = answers[row].answer;
	uint64_t got;
	struct upconn *uc = exchange()->lease.uc;

	got = uc->conn.received;
	gate_say(c, span_new(text, at));
	RIG_UNTIL(&rig, uc->conn.received == got + at);
	gate_say(c, span_of(text + at));
	if (answers[row].close)
		gate_end(c, GATE_CLEAN);
}

START_TEST(every_split_point)
{
	size_t n = strlen(answers[_i].answer);
	unsigned done = 0;

	for (size_t at = 0; at < n; at++) {
		struct agent *a = &rig.agent[0];

		if (answers[_i].close && rig.gate.n) {
			/* Each needs a connection, and the rig's are few. */
			rig_fini(&rig);
			rig_init(&rig, "");
		}
		if (!rig.nagents)
			agent_open(&rig, false);
		agent_say(a, GET);
		arrived(0, "");
		rig_forget(&gate(0)->in);
		done = rig_ended(&rig, END_OK);
		answer_split(gate(0), (size_t)_i, at);
		RIG_UNTIL(&rig, rig_ended(&rig, END_OK) > done);
		check_answer(a, (size_t)_i, at);
		ck_assert(!a->eof);
	}
	if (!answers[_i].close)
		ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

/* Byte by byte, each in a TLS record of its own. */
START_TEST(every_byte)
{
	const char *text = answers[_i].answer;
	struct agent *a = agent_open(&rig, false);

	agent_say(a, GET);
	arrived(0, "");
	for (size_t i = 0; text[i]; i++) {
		gate_say(gate(0), span_new(text + i, 1));
		rig_turn(&rig);
	}
	if (answers[_i].close)
		gate_end(gate(0), GATE_CLEAN);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 1);
	check_answer(a, (size_t)_i, 0);
}
END_TEST

/* The connection ends right behind the answer, in the same breath: nothing of
 * the answer may be lost to it. */
START_TEST(eof_behind_the_answer)
{
	for (int how = GATE_CLEAN; how <= GATE_CUT; how++) {
		struct agent *a = agent_open(&rig, false);
		unsigned i = rig.gate.n;

		if (answers[_i].close && how != GATE_CLEAN)
			continue;
		agent_say(a, GET);
		arrived(i, "");
		gate_say(gate(i), span_of(answers[_i].answer));
		gate_end(gate(i), (enum gate_end)how);
		RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == (unsigned)how + 1);
		check_answer(a, (size_t)_i, 0);
		rig_settle(&rig);
		ck_assert_uint_eq(rig.w->upstream->connections, 0);
	}
}
END_TEST

/* The same to an agent that knows no chunks: the body ends with the
 * connection (RFC 9112 section 6.3). */
START_TEST(http_1_0)
{
	struct agent *a = agent_open(&rig, false);
	struct buf body;
	bool whole;

	agent_say(a, "GET /v1/agents HTTP/1.0\r\n\r\n");
	arrived(0, "");
	gate_say(gate(0), span_of(answers[_i].answer));
	if (answers[_i].close)
		gate_end(gate(0), GATE_CLEAN);
	RIG_UNTIL(&rig, a->eof);
	ck_assert(!rig_has(&a->in, "chunked"));
	ck_assert(!rig_has(&a->in, "HTTP/1.1 103"));
	body = body_of(a, &whole);
	ck_assert_msg(whole, "%s", answers[_i].why);
	ck_span(buf_span(&body), answers[_i].body);
	buf_free(&body);
}
END_TEST

/* RFC 9112 section 8: cut short, it must not look whole to HTTP/1.0. */
START_TEST(http_1_0_truncated)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "GET /v1/agents HTTP/1.0\r\n\r\n");
	arrived(0, "");
	gate_say(gate(0), SPAN("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
			       "chunked\r\n\r\n5\r\nhello\r\n"));
	RIG_UNTIL(&rig, rig_has(&a->in, "hello"));
	gate_end(gate(0), GATE_CUT);
	RIG_UNTIL(&rig, rig_ended(&rig, END_UPSTREAM_TRUNCATED) == 1);
	ck_assert(TAILQ_EMPTY(&rig.w->clients));
}
END_TEST

START_TEST(http_1_0_keep_alive)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "GET /v1/agents HTTP/1.0\r\n"
		     "Connection: keep-alive\r\n\r\n");
	arrived(0, "");
	answer(0, a, HELLO);
	ck_assert(rig_has(&a->in, "Connection: keep-alive\r\n"));
	rig_forget(&a->in);
	agent_say(a, "GET /v1/agents HTTP/1.0\r\n\r\n");
	arrived(0, "");
	answer(0, a, HELLO);
	ck_assert(rig_has(&a->in, "Connection: close\r\n"));
	RIG_UNTIL(&rig, a->eof);
}
END_TEST

START_TEST(head_has_no_body)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "HEAD /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n\r\n");
	arrived(0, "");
	answer(0, a, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
	ck_assert(rig_has(&a->in, "\r\nContent-Length: 500\r\n\r\n"));
	ck_assert(span_ends(buf_span(&a->in), SPAN("\r\n\r\n")));
	rig_forget(&a->in);
	/* RFC 9110 section 8.6: 204 says no length. */
	agent_say(a, GET);
	arrived(0, "");
	answer(0, a, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
	ck_assert(!rig_has(&a->in, "Content-Length"));
	ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

/* More than was announced: that connection is not to be trusted again. */
START_TEST(bytes_behind_the_answer)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, GET);
	arrived(0, "");
	answer(0, a, HELLO "HTTP/1.1 200 OK\r\n\r\n");
	ck_assert(rig_has(&a->in, "hello"));
	ck_assert_uint_eq(rig.w->upstream->connections, 0);
}
END_TEST

UNIT_MAIN_ROWS("exchange", setup, teardown, {what_the_gateway_sees, 1},
    {a_new_proof_for_each_request, 1}, {every_split_point, COUNT(answers)},
    {every_byte, COUNT(answers)}, {eof_behind_the_answer, COUNT(answers)},
    {http_1_0, COUNT(answers)}, {http_1_0_truncated, 1},
    {http_1_0_keep_alive, 1}, {head_has_no_body, 1},
    {bytes_behind_the_answer, 1})
