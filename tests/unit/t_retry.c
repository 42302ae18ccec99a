/*
 * t_retry: requests that are sent more than once: kept connections found
 * closed, refusals that new credentials heal, and bodies that can or cannot be
 * repeated.  And what else overlaps: early answers, pipelines, Expect.
 */
#include "base/clock.h"
#include "base/mem.h"

#include "rig_fixture.h"
#include "unit.h"

#define GET "GET /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n\r\n"
#define POST_HEAD                                           \
	"POST /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Content-Length: 10\r\n\r\n"
#define POST POST_HEAD "0123456789"
#define CHUNKED_HEAD                                        \
	"POST /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKS "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"
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

/* Until connection i has a request that ends with this. */
static void
arrived(unsigned i, const char *end)
{
	RIG_UNTIL(&rig, rig.gate.n > i && rig_has_head(&gate(i)->in) &&
			    span_ends(buf_span(&gate(i)->in), span_of(end)));
}

static void
says(unsigned i, const char *text)
{
	rig_forget(&gate(i)->in);
	gate_say(gate(i), span_of(text));
}

static bool
has_answer(struct agent *a, const char *end)
{
	rig_drop_via(&a->in);
	return rig_has_head(&a->in) &&
	       span_ends(buf_span(&a->in), span_of(end));
}

/* The answer in full, of which this is the end. */
static void
answered(struct agent *a, const char *end)
{
	RIG_UNTIL(&rig, has_answer(a, end));
}

/* An agent whose request has left a kept connection behind. */
static struct agent *
kept_connection(void)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, GET);
	arrived(0, "");
	says(0, NO_CONTENT);
	answered(a, "");
	rig_forget(&a->in);
	ck_assert_uint_eq(rig.w->upstream->idle_count, 1);
	return a;
}

static char *
refusal(const char *detail, const char *fields)
{
	return mem_printf("HTTP/1.1 401 Unauthorized\r\n%s"
			  "Content-Type: application/json\r\n"
			  "Content-Length: %zu\r\n\r\n{\"detail\":\"%s\"}",
	    fields, strlen(detail) + 13, detail);
}

static void
refuses(unsigned i, const char *detail, const char *fields)
{
	char *text = refusal(detail, fields);

	says(i, text);
	free(text);
}

/* ---- a kept connection that has gone stale ---- */

/* The gateway ends it while a request is on its way: by RFC 9110 section
 * 9.2.2 only what may run twice is sent again. */
START_TEST(stale_connection)
{
	static const struct {
		const char *request, *body;
		bool again;
	} rows[] = {
	    {GET, "", true},
	    {"HEAD /a HTTP/1.1\r\nHost: mastio.test\r\n\r\n", "", true},
	    {"PUT /a HTTP/1.1\r\nHost: mastio.test\r\nContent-Length: 4"
	     "\r\n\r\nbody",
		"body", true},
	    {"DELETE /a HTTP/1.1\r\nHost: mastio.test\r\n\r\n", "", true},
	    {POST, "0123456789", false},
	    {"PATCH /a HTTP/1.1\r\nHost: mastio.test\r\nContent-Length: 4"
	     "\r\n\r\nbody",
		"body", false},
	};
	struct agent *a = kept_connection();

	agent_say(a, rows[_i].request);
	arrived(0, rows[_i].body);
	gate_end(gate(0), GATE_CLEAN);
	if (rows[_i].again) {
		arrived(1, rows[_i].body);
		says(1, NO_CONTENT);
		answered(a, NO_CONTENT);
		ck_assert_uint_eq(exchange()->attempts, 2);
		ck_assert_uint_eq(
		    metric_get(&rig.w->metrics->stale_retries), 1);
	} else {
		answered(a, "}\n");
		ck_assert_uint_eq(rig_ended(&rig, END_UPSTREAM_CLOSED), 1);
		ck_assert_uint_eq(rig.gate.n, 1);
	}
}
END_TEST

START_TEST(stale_only_once)
{
	struct agent *a = kept_connection();

	agent_say(a, GET);
	arrived(0, "");
	gate_end(gate(0), GATE_CLEAN);
	arrived(1, "");
	gate_end(gate(1), GATE_CLEAN);
	answered(a, "}\n");
	ck_assert_uint_eq(rig_ended(&rig, END_UPSTREAM_CLOSED), 1);
	ck_assert_uint_eq(rig.gate.n, 2);
}
END_TEST

START_TEST(not_after_a_first_byte)
{
	struct agent *a = kept_connection();

	agent_say(a, GET);
	arrived(0, "");
	says(0, "HTTP/1.1 2");
	RIG_UNTIL(&rig, exchange()->answered);
	gate_end(gate(0), GATE_CLEAN);
	answered(a, "}\n");
	ck_assert_uint_eq(rig_ended(&rig, END_UPSTREAM_TRUNCATED), 1);
	ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

/* Closed while idle: not even given to anybody. */
START_TEST(closed_while_idle)
{
	struct agent *a = kept_connection();

	gate_end(gate(0), (enum gate_end)_i);
	RIG_UNTIL(&rig, rig.w->upstream->connections == 0);
	agent_say(a, POST);
	arrived(1, "0123456789");
	says(1, NO_CONTENT);
	answered(a, NO_CONTENT);
	ck_assert_uint_eq(exchange()->attempts, 1);
}
END_TEST

START_TEST(stale_with_half_a_body)
{
	struct agent *a = kept_connection();

	agent_say(a, "PUT /a HTTP/1.1\r\nHost: mastio.test\r\n"
		     "Content-Length: 10\r\n\r\n0123");
	arrived(0, "0123");
	gate_end(gate(0), GATE_CLEAN);
	arrived(1, "0123");
	agent_say(a, "456789");
	arrived(1, "0123456789");
	says(1, NO_CONTENT);
	answered(a, NO_CONTENT);
}
END_TEST

/* ---- refusals ---- */

static const struct {
	const char *request, *rest, *seen;
} bodies[] = {
    {GET, "", ""},
    {POST, "", "\r\n\r\n0123456789"},
    {CHUNKED_HEAD CHUNKS, "", "0\r\n\r\n"},
    /* the refusal comes before the body does */
    {POST_HEAD "012", "3456789", "0123456789"},
    {CHUNKED_HEAD "4\r\n0123\r\n", "6\r\n456789\r\n0\r\n\r\n", "0\r\n\r\n"},
};

START_TEST(new_nonce)
{
	struct agent *a = agent_open(&rig, false);
	bool early = *bodies[_i].rest;
	unsigned i = early ? 1 : 0;

	agent_say(a, bodies[_i].request);
	arrived(0, early ? "" : bodies[_i].seen);
	refuses(0, "use_dpop_nonce", "DPoP-Nonce: n-1\r\n");
	/* A connection whose request was not read to its end is not kept. */
	RIG_UNTIL(&rig, rig.gate.n > i && rig_has_head(&gate(i)->in));
	agent_say(a, bodies[_i].rest);
	arrived(i, bodies[_i].seen);
	ck_assert_uint_eq(exchange()->nonce_retries, 1);
	if (!early)
		ck_assert_str_eq(exchange()->lease.uc->nonce, "n-1");
	says(i, HELLO);
	answered(a, HELLO);
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
	ck_assert_uint_eq(rig.gate.n, i + 1);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->nonce_retries), 1);
	ck_assert_uint_eq(rig.w->replay_left, (size_t)rig.conf->replay_total);
}
END_TEST

/* Bytes behind the refusal are no answer to what is sent next. */
START_TEST(more_than_a_refusal)
{
	struct agent *a = agent_open(&rig, false);
	char *first = refusal("use_dpop_nonce", "DPoP-Nonce: n-1\r\n");
	char *both = mem_printf("%s%s", first, HELLO);

	agent_say(a, POST);
	arrived(0, "0123456789");
	says(0, both);
	arrived(1, "0123456789");
	ck_assert_uint_eq(a->in.len, 0);
	says(1, NO_CONTENT);
	answered(a, "");
	ck_assert(rig_has(&a->in, "HTTP/1.1 204"));
	ck_assert_uint_eq(gate(0)->in.len, 0);
	free(first);
	free(both);
}
END_TEST

START_TEST(nonces_without_end)
{
	struct agent *a = agent_open(&rig, false);
	unsigned n;

	agent_say(a, GET);
	for (n = 0; n < 20 && !rig_ended(&rig, END_AUTH_REFUSED); n++) {
		char fields[40];

		RIG_UNTIL(&rig, (rig.gate.n && rig_has_head(&gate(0)->in)) ||
				    rig_ended(&rig, END_AUTH_REFUSED));
		if (rig_ended(&rig, END_AUTH_REFUSED))
			break;
		snprintf(fields, sizeof(fields), "DPoP-Nonce: n-%u\r\n", n);
		refuses(0, "use_dpop_nonce", fields);
	}
	ck_assert_uint_eq(n, 6); /* the first one and five more */
	ck_assert(rig_has(&a->in, "X-Cullis-Sidecar-Error: nonce-refused\r\n"));
}
END_TEST

START_TEST(new_login)
{
	struct agent *a = agent_open(&rig, false);
	bool early = *bodies[_i].rest;
	char *old = span_dup(token_span(rig.w->view->bundle->token));
	unsigned i;

	agent_say(a, bodies[_i].request);
	arrived(0, early ? "" : bodies[_i].seen);
	ck_assert(rig_has(&gate(0)->in, old));
	refuses(0, "local token rejected", "");
	RIG_UNTIL(&rig, rig.refused == 1);
	ck_assert_uint_eq(rig.refused_generation, rig.token_generation);
	/* The same token again is no answer. */
	ck_assert(!TAILQ_EMPTY(&rig.w->token_waiters));
	worker_publish(
	    rig.w, bundle_new(rig.conf, rig.identity,
		       rig.w->view->bundle->token, AUTH_TOKEN, NULL));
	rig_settle(&rig);
	ck_assert(!TAILQ_EMPTY(&rig.w->token_waiters));
	rig_publish(&rig, 900, NULL);
	RIG_UNTIL(&rig, TAILQ_EMPTY(&rig.w->token_waiters));
	i = early ? 1 : 0;
	RIG_UNTIL(&rig, rig.gate.n > i && rig_has_head(&gate(i)->in));
	agent_say(a, bodies[_i].rest);
	arrived(i, bodies[_i].seen);
	ck_assert(!rig_has(&gate(i)->in, old));
	says(i, HELLO);
	answered(a, HELLO);
	ck_assert_uint_eq(rig.gate.n, i + 1);
	free(old);
}
END_TEST

START_TEST(login_once)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, GET);
	arrived(0, "");
	refuses(0, "local token rejected", "");
	RIG_UNTIL(&rig, rig.refused == 1);
	rig_publish(&rig, 900, NULL);
	arrived(0, "");
	refuses(0, "local token rejected", "");
	answered(a, "}\n");
	ck_assert_uint_eq(rig_ended(&rig, END_AUTH_REFUSED), 1);
	ck_assert_uint_eq(rig.refused, 1);
}
END_TEST

START_TEST(clock_is_learned)
{
	struct agent *a = agent_open(&rig, false);
	int64_t there = 1779357600 + 90;

	clock_fake(RIG_START_MS, 1779357600);
	agent_say(a, GET);
	arrived(0, "");
	refuses(0, "Invalid DPoP proof: iat out of acceptable window",
	    "Date: Thu, 21 May 2026 10:01:30 GMT\r\n");
	arrived(0, "");
	ck_assert_int_eq(gateway_wall_s(&rig.gateway), there);
	says(0, HELLO);
	answered(a, HELLO);
	clock_fake(RIG_START_MS, time(NULL));
}
END_TEST

/* Every final answer of the gateway keeps the estimate; the local clock may
 * jump as it likes, and no request is repeated for it. */
START_TEST(local_clock_jumps)
{
	static const int64_t jumps[] = {3600, -3600, 86400 * 365, -1779357600};
	struct agent *a = agent_open(&rig, false);

	clock_fake(RIG_START_MS, 1779357600);
	for (size_t i = 0; i <= COUNT(jumps); i++) {
		agent_say(a, GET);
		arrived(0, "");
		says(0, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
			"Date: Thu, 21 May 2026 10:00:30 GMT\r\n\r\nhello");
		answered(a, "hello");
		rig_forget(&a->in);
		ck_assert_int_eq(gateway_wall_s(&rig.gateway), 1779357630);
		if (i < COUNT(jumps))
			clock_fake(RIG_START_MS, 1779357600 + jumps[i]);
	}
	ck_assert_uint_eq(rig_ended(&rig, END_OK), COUNT(jumps) + 1);
	ck_assert_uint_eq(
	    metric_get(&rig.w->metrics->proofs), COUNT(jumps) + 1);
	clock_fake(RIG_START_MS, time(NULL));
}
END_TEST

/* Only the Date of a final answer counts. */
START_TEST(clock_of_an_interim_answer)
{
	struct agent *a = agent_open(&rig, false);

	clock_fake(RIG_START_MS, 1779357600);
	agent_say(a, GET);
	arrived(0, "");
	says(0, "HTTP/1.1 103 Early Hints\r\n"
		"Date: Thu, 21 May 2026 10:00:30 GMT\r\n\r\n");
	says(0, HELLO);
	answered(a, HELLO);
	ck_assert(!gateway_clock_known(&rig.gateway));
	clock_fake(RIG_START_MS, time(NULL));
}
END_TEST

START_TEST(body_lost)
{
	struct agent *a;

	rig_fini(&rig);
	rig_init(&rig, "replay-limit = 9\n");
	a = agent_open(&rig, false);
	agent_say(a, POST);
	arrived(0, "0123456789");
	ck_assert(exchange()->kept.lost);
	refuses(0, "use_dpop_nonce", "DPoP-Nonce: n-1\r\n");
	answered(a, "}\n");
	ck_assert_uint_eq(rig_ended(&rig, END_NOT_KEPT), 1);
	ck_assert(rig_has(&a->in, "X-Should-Retry: true\r\n"));
	ck_assert_uint_eq(rig.gate.n, 1);
	/* The nonce was learned all the same. */
	ck_assert_uint_eq(rig.w->replay_left, (size_t)rig.conf->replay_total);
}
END_TEST

/* Nor is it sent again in a way that asks for nothing but another proof. */
START_TEST(body_lost_proof_refused)
{
	struct agent *a;

	rig_fini(&rig);
	rig_init_bare(&rig, "replay-limit = 9\n");
	rig.token_kind = TOKEN_COURT;
	gate_open(&rig.gate);
	rig_publish(&rig, 900, NULL);
	a = agent_open(&rig, false);
	agent_say(a, CHUNKED_HEAD CHUNKS);
	arrived(0, "0\r\n\r\n");
	ck_assert(exchange()->kept.lost);
	refuses(0,
	    "DPoP proof was signed by a key not registered for this agent.",
	    "");
	answered(a, "}\n");
	ck_assert_uint_eq(rig_ended(&rig, END_AUTH_REFUSED), 1);
	ck_assert_uint_eq(gate(0)->in.len, 0);
}
END_TEST

START_TEST(token_ends_in_the_queue)
{
	struct agent *a, *b;

	rig_fini(&rig);
	rig_init(&rig, "max-upstream-connections = 1\nqueue-timeout = 1h\n"
		       "first-byte-timeout = 24h\n");
	a = agent_open(&rig, false);
	agent_say(a, GET);
	arrived(0, "");
	b = agent_open(&rig, false);
	agent_say(b, GET);
	rig_settle(&rig);
	rig_advance(&rig, 900000);
	says(0, HELLO);
	answered(a, HELLO);
	RIG_UNTIL(&rig, !TAILQ_EMPTY(&rig.w->token_waiters));
	ck_assert_uint_eq(rig.w->upstream->waiting, 0);
	rig_publish(&rig, 900, NULL);
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&gate(0)->in));
	says(0, HELLO);
	answered(b, HELLO);
}
END_TEST

/* ---- overlaps ---- */

START_TEST(early_answer)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, POST_HEAD "012");
	arrived(0, "012");
	says(0, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n"
		"no");
	answered(a, "no");
	/* The rest of the body cannot be told from a next request. */
	agent_say(a, "3456789" GET);
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
	ck_assert_uint_eq(rig.w->upstream->connections, 0);
	ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

/* An answer that begins early and ends late lets the body through. */
START_TEST(both_at_once)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, POST_HEAD "012");
	arrived(0, "012");
	says(0, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
	answered(a, "he");
	agent_say(a, "3456789");
	RIG_UNTIL(&rig, rig_has(&gate(0)->in, "3456789"));
	says(0, "llo");
	answered(a, "hello");
	rig_settle(&rig);
	ck_assert_uint_eq(rig.w->upstream->idle_count, 1);
	/* The head of an early answer says that the connection ends. */
	RIG_UNTIL(&rig, a->eof);
	ck_assert(!a->reset);
}
END_TEST

START_TEST(pipelined)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, POST GET CHUNKED_HEAD CHUNKS GET);
	arrived(0, "0123456789");
	says(0, HELLO);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 1);
	arrived(0, "\r\n\r\n");
	says(0, NO_CONTENT);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 2);
	arrived(0, "0\r\n\r\n");
	says(0, HELLO);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 3);
	arrived(0, "\r\n\r\n");
	says(0, NO_CONTENT);
	answered(a, HELLO NO_CONTENT HELLO NO_CONTENT);
	ck_assert_uint_eq(a->in.len, strlen(HELLO NO_CONTENT HELLO NO_CONTENT));
	ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

START_TEST(expect_continue)
{
	static const char head[] =
	    "POST /a HTTP/1.1\r\nHost: mastio.test\r\nContent-Length: 4\r\n"
	    "Expect: 100-continue\r\n\r\n";
	struct agent *a = agent_open(&rig, false);

	agent_say(a, head);
	answered(a, "HTTP/1.1 100 Continue\r\n\r\n");
	rig_forget(&a->in);
	agent_say(a, "body");
	arrived(0, "body");
	ck_assert(!rig_has(&gate(0)->in, "Expect"));
	/* The gateway's own 100 is not for the agent. */
	says(0, "HTTP/1.1 100 Continue\r\n\r\n" HELLO);
	answered(a, HELLO);
	ck_assert(!rig_has(&a->in, "100 Continue"));
	rig_forget(&a->in);
	/* Nobody waits who has begun to send. */
	agent_say(a, "POST /a HTTP/1.1\r\nHost: mastio.test\r\n"
		     "Content-Length: 4\r\nExpect: 100-continue\r\n\r\nbo");
	arrived(0, "bo");
	ck_assert_uint_eq(a->in.len, 0);
	agent_say(a, "dy");
	arrived(0, "body");
	says(0, HELLO);
	answered(a, HELLO);
}
END_TEST

START_TEST(expect_and_refused)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "POST /v1/auth/token HTTP/1.1\r\nHost: mastio.test\r\n"
		     "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
	answered(a, "}\n");
	ck_assert(!rig_has(&a->in, "100 Continue"));
	ck_assert(rig_has(&a->in, "Connection: close\r\n"));
	RIG_UNTIL(&rig, a->eof);
}
END_TEST

/* RFC 9112 section 9.6: it says no more, but it still listens. */
START_TEST(half_closed_agent)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, GET);
	agent_half_close(a);
	arrived(0, "");
	says(0, HELLO);
	RIG_UNTIL(&rig, a->eof);
	ck_assert(rig_has(&a->in, "Connection: close\r\n"));
	ck_assert(rig_has(&a->in, "hello"));
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
}
END_TEST

START_TEST(connect_to_the_gateway)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, "CONNECT mastio.test:9443 HTTP/1.1\r\n"
		     "Host: mastio.test:9443\r\n\r\n");
	answered(a, "HTTP/1.1 200 Connection Established\r\n\r\n");
	rig_forget(&a->in);
	agent_say(a, GET);
	arrived(0, "");
	says(0, HELLO);
	answered(a, HELLO);
	agent_say(a, "\x16\x03\x01");
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_TLS_TO_PLAIN), 1);
}
END_TEST

/* ---- flow ---- */

/* An agent that does not read holds back the gateway, not our memory. */
START_TEST(slow_agent)
{
	struct agent *a = agent_open(&rig, false);
	char *block = mem_alloc(16385);
	size_t sent = 0;

	memset(block, 'x', 16384);
	a->deaf = true;
	agent_say(a, GET);
	arrived(0, "");
	says(0, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n");
	for (; sent < 8388608; sent += 16384)
		gate_say(gate(0), span_new(block, 16384));
	for (unsigned i = 0; i < 200; i++)
		rig_turn(&rig);
	ck_assert_uint_le(exchange()->c->conn.out.len, 2 * 65536 + 1024);
	ck_assert_uint_le(exchange()->lease.uc->conn.in.len, 65536);
	ck_assert_uint_gt(gate(0)->out.len, 1000000);
	a->deaf = false;
	sent = 0;
	while (sent < 8388608) {
		rig_turn(&rig);
		RIG_UNTIL(&rig, a->in.len > 0);
		sent += a->in.len;
		rig_forget(&a->in);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
	free(block);
}
END_TEST

/* The agent takes its time with the last answer: it gets all of it. */
START_TEST(slow_agent_at_the_end)
{
	struct agent *a = agent_open(&rig, false);
	struct conn *out = &TAILQ_FIRST(&rig.w->clients)->conn;
	char chunk[1000 + 8] = "3e8\r\n";

	memset(chunk + 5, 'x', 1000);
	memcpy(chunk + 1005, "\r\n", 3);
	a->deaf = true;
	agent_say(a, "GET /a HTTP/1.1\r\nHost: mastio.test\r\n"
		     "Connection: close\r\n\r\n");
	arrived(0, "");
	says(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	/* Until the kernel takes no more. */
	while (out->out.len < 10000) {
		gate_say(gate(0), span_of(chunk));
		rig_turn(&rig);
	}
	gate_say(gate(0), SPAN("0\r\n\r\n"));
	/* The gateway has done its part; the agent has not got all. */
	RIG_UNTIL(&rig, rig.w->upstream->idle_count == 1);
	ck_assert_uint_ge(out->out.len, 10000);
	rig_advance(&rig, 30000);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 0);
	a->deaf = false;
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_OK), 1);
	ck_assert(!a->reset);
	ck_assert(span_ends(buf_span(&a->in), SPAN("x\r\n0\r\n\r\n")));
	/* Only now the two seconds begin that it has to close. */
	rig_advance(&rig, 1999);
	ck_assert_uint_eq(rig_clients(&rig), 1);
	rig_advance(&rig, 1);
	ck_assert(TAILQ_EMPTY(&rig.w->clients));
}
END_TEST

/* But it has to take something from time to time. */
START_TEST(agent_that_never_reads)
{
	struct agent *a = agent_open(&rig, false);
	struct conn *out = &TAILQ_FIRST(&rig.w->clients)->conn;
	char chunk[1000 + 8] = "3e8\r\n";

	memset(chunk + 5, 'x', 1000);
	memcpy(chunk + 1005, "\r\n", 3);
	a->deaf = true;
	agent_say(a, "GET /a HTTP/1.0\r\n\r\n");
	arrived(0, "");
	says(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (out->out.len < 10000) {
		gate_say(gate(0), span_of(chunk));
		rig_turn(&rig);
	}
	gate_say(gate(0), SPAN("0\r\n\r\n"));
	RIG_UNTIL(&rig, rig.w->upstream->idle_count == 1);
	rig_advance(&rig, rig.conf->stream_idle_timeout_ms - 1);
	ck_assert_uint_eq(rig_clients(&rig), 1);
	rig_advance(&rig, 1);
	ck_assert(TAILQ_EMPTY(&rig.w->clients));
	ck_assert_uint_eq(rig_ended(&rig, END_STREAM_IDLE), 1);
}
END_TEST

UNIT_MAIN_ROWS("retry", setup, teardown, {stale_connection, 6},
    {stale_only_once, 1}, {not_after_a_first_byte, 1}, {closed_while_idle, 3},
    {stale_with_half_a_body, 1}, {new_nonce, COUNT(bodies)},
    {more_than_a_refusal, 1}, {nonces_without_end, 1},
    {new_login, COUNT(bodies)}, {login_once, 1}, {clock_is_learned, 1},
    {local_clock_jumps, 1}, {clock_of_an_interim_answer, 1}, {body_lost, 1},
    {body_lost_proof_refused, 1}, {token_ends_in_the_queue, 1},
    {early_answer, 1}, {both_at_once, 1}, {pipelined, 1}, {expect_continue, 1},
    {expect_and_refused, 1}, {half_closed_agent, 1},
    {connect_to_the_gateway, 1}, {slow_agent, 1}, {slow_agent_at_the_end, 1},
    {agent_that_never_reads, 1})
