/*
 * t_ends: every way an exchange ends (tbl/end.h), brought about from outside:
 * by what an agent says, by what the gateway does, by time.
 */
#include "base/clock.h"
#include "base/mem.h"

#include "rig.h"
#include "unit.h"

#include <dlfcn.h>
#include <netdb.h>
#include <openssl/rand.h>

#define GET "GET /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n\r\n"
#define POST                                                \
	"POST /v1/agents HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Content-Length: 10\r\n\r\n"
#define NAME_WITHOUT_ADDRESS "nowhere.test"

static struct rig rig;

/* Stands before the C library's: look-ups of one name fail at once, and no
 * test asks a name server. */
int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **found)
{
	static int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);

	if (strcmp(host, NAME_WITHOUT_ADDRESS) == 0)
		return EAI_NONAME;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(host, port, hints, found);
}

static bool no_random;

/* Of the sidecar alone; TLS inside OpenSSL has its own. */
int
RAND_bytes(unsigned char *to, int n)
{
	return no_random ? 0 : RAND_bytes_ex(NULL, to, (size_t)n, 0);
}

/* Exactly one exchange has ended, like this; the answer, if there is one, says
 * so, and everything that was borrowed has been given back. */
static void
check_end(struct agent *a, enum end end)
{
	const struct end_row *row = end_row(end);
	char line[40], field[80];

	rig_settle(&rig);
	for (unsigned i = 0; i < END_COUNT; i++)
		ck_assert_msg(rig_ended(&rig, i) == (i == end),
		    "%u times %s, not %s", rig_ended(&rig, i), end_row(i)->code,
		    row->code);
	ck_assert_uint_eq(rig.w->replay_left, (size_t)rig.conf->replay_total);
	ck_assert_uint_eq(metric_get(&rig.w->metrics->streams_open), 0);
	ck_assert(TAILQ_EMPTY(&rig.w->token_waiters));
	if (!row->status)
		return;
	snprintf(line, sizeof(line), "HTTP/1.1 %u ", row->status);
	snprintf(
	    field, sizeof(field), "X-Cullis-Sidecar-Error: %s\r\n", row->token);
	ck_assert_msg(rig_has(&a->in, line), "no %s", line);
	if (end != END_AUTH_REFUSED)
		ck_assert_msg(rig_has(&a->in, field), "no %s", field);
	ck_assert(rig_has(&a->in,
	    row->retry ? "X-Should-Retry: true" : "X-Should-Retry: false"));
}

static void
teardown(void)
{
	rig_fini(&rig);
}

/* ---- what the agent says ---- */

static const struct {
	enum end end;
	const char *why, *request;
} requests[] = {
    {END_BAD_REQUEST, "9112 3.2: no Host", "GET /a HTTP/1.1\r\n\r\n"},
    {END_BAD_REQUEST, "9112 2.2: bare LF", "GET /a HTTP/1.1\nHost: x\n\n"},
    {END_BAD_REQUEST, "9112 6.1: both lengths",
	"POST /a HTTP/1.1\r\nHost: mastio.test\r\nContent-Length: 1\r\n"
	"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {END_BAD_REQUEST, "9110 9.3.6: CONNECT has no content",
	"CONNECT mastio.test:9443 HTTP/1.1\r\nHost: mastio.test\r\n"
	"Content-Length: 4\r\n\r\nabcd"},
    {END_BAD_REQUEST, "9110 5.3: Authorization twice",
	"GET /a HTTP/1.1\r\nHost: mastio.test\r\nAuthorization: a\r\n"
	"Authorization: b\r\n\r\n"},
    {END_BAD_PATH, "3986 5.2.4: dot segments",
	"GET /v1/../v2 HTTP/1.1\r\nHost: mastio.test\r\n\r\n"},
    {END_BROWSER, "Origin",
	"GET /a HTTP/1.1\r\nHost: mastio.test\r\nOrigin: http://x\r\n\r\n"},
    {END_BROWSER, "Sec-Fetch-Site",
	"GET /a HTTP/1.1\r\nHost: mastio.test\r\n"
	"Sec-Fetch-Site: same-site\r\n\r\n"},
    {END_HOST_REFUSED, "DNS rebinding",
	"GET /a HTTP/1.1\r\nHost: evil.test\r\n\r\n"},
    {END_CONNECT_REFUSED, "9110 9.3.6: somebody else",
	"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n"},
    {END_PATH_RESERVED, "what would mint tokens",
	"POST /v1/auth/token HTTP/1.1\r\nHost: mastio.test\r\n"
	"Content-Length: 0\r\n\r\n"},
    {END_MISDIRECTED, "9110 7.4: absolute form for somebody else",
	"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n"},
    {END_EXPECTATION, "9110 10.1.1",
	"GET /a HTTP/1.1\r\nHost: mastio.test\r\nExpect: tea\r\n\r\n"},
    {END_NOT_IMPLEMENTED, "9110 9.3.8: TRACE",
	"TRACE /a HTTP/1.1\r\nHost: mastio.test\r\n\r\n"},
    {END_NOT_IMPLEMENTED, "9112 6.1: a coding nobody knows",
	"POST /a HTTP/1.1\r\nHost: mastio.test\r\n"
	"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {END_BAD_REQUEST, "6455 4.2.1: a handshake without a key",
	"GET /a HTTP/1.1\r\nHost: mastio.test\r\nConnection: upgrade\r\n"
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"},
    {END_BAD_REQUEST, "6455 4.2.1: a handshake that is no GET",
	"HEAD /a HTTP/1.1\r\nHost: mastio.test\r\nConnection: upgrade\r\n"
	"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	"Sec-WebSocket-Key: x\r\n\r\n"},
    {END_VERSION, "9110 2.5", "GET /a HTTP/2.0\r\nHost: mastio.test\r\n\r\n"},
    {END_TLS_TO_PLAIN, "8446 5.1: a ClientHello", "\x16\x03\x01\x02"},
};

START_TEST(said_by_the_agent)
{
	struct agent *a;

	rig_init(&rig, "");
	a = agent_open(&rig, false);
	agent_say(a, requests[_i].request);
	rig_turn(&rig);
	check_end(a, requests[_i].end);
	ck_assert_uint_eq(rig.gate.n, 0);
}
END_TEST

/* A head of this many bytes that goes on and on. */
static char *
long_head(const char *begin, const char *more, size_t n)
{
	struct buf b = BUF_INIT;

	buf_add_str(&b, begin);
	while (b.len < n)
		buf_add_str(&b, more);
	return buf_steal_str(&b);
}

START_TEST(too_long)
{
	static const struct {
		enum end end;
		const char *begin, *more;
		size_t n;
	} rows[] = {
	    {END_TARGET_LONG, "GET /", "aaaaaaaa", 8100},
	    {END_HEAD_LARGE, "GET / HTTP/1.1\r\nHost: mastio.test\r\nX: ",
		"aaaaaaaa", 32 * 1024},
	    {END_HEAD_LARGE, "GET / HTTP/1.1\r\nHost: mastio.test\r\n",
		"X: y\r\n", 101 * 6 + 50},
	};
	struct agent *a;
	char *text;

	rig_init(&rig, "");
	text = long_head(rows[_i].begin, rows[_i].more, rows[_i].n);
	a = agent_open(&rig, false);
	agent_say(a, text);
	rig_turn(&rig);
	check_end(a, rows[_i].end);
	free(text);
}
END_TEST

/* The buffer is not larger than the limit: it must not fill up and wait. */
START_TEST(head_fills_the_buffer)
{
	struct agent *a;
	char *text;

	rig_init(&rig, "max-head = 4k\nrelay-buffer = 4k\n");
	text = long_head(
	    "GET / HTTP/1.1\r\nHost: mastio.test\r\nX: ", "aaaaaaaa", 6000);
	a = agent_open(&rig, false);
	agent_say(a, text);
	rig_turn(&rig);
	check_end(a, END_HEAD_LARGE);
	free(text);
}
END_TEST

START_TEST(overloaded)
{
	struct agent *a;

	rig_init(&rig, "");
	a = agent_open(&rig, true);
	agent_say(a, GET);
	rig_turn(&rig);
	check_end(a, END_OVERLOADED);
	ck_assert(a->eof);
}
END_TEST

/* ---- what the gateway does ---- */

/* One request is on its way and has reached the gateway whole. */
static struct agent *
under_way(const char *request)
{
	struct agent *a = agent_open(&rig, false);

	agent_say(a, request);
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&rig.gate.conn[0].in));
	return a;
}

static void
gate_answers(const char *text)
{
	gate_say(&rig.gate.conn[0], span_of(text));
	rig_settle(&rig);
}

START_TEST(ok)
{
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	gate_answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	RIG_UNTIL(&rig, rig_has(&a->in, "hello"));
	check_end(a, END_OK);
}
END_TEST

START_TEST(client_gone)
{
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	agent_close(a);
	rig_turn(&rig);
	check_end(a, END_CLIENT_GONE);
	RIG_UNTIL(&rig, rig.gate.conn[0].eof);
	ck_assert(TAILQ_EMPTY(&rig.w->clients));
}
END_TEST

START_TEST(client_gone_in_its_body)
{
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(POST "1234");
	agent_half_close(a);
	rig_turn(&rig);
	check_end(a, END_CLIENT_GONE);
}
END_TEST

START_TEST(upstream_closed)
{
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	gate_end(&rig.gate.conn[0], (enum gate_end)_i);
	/* Nothing is lost by asking once more. */
	RIG_UNTIL(&rig, rig.gate.n == 2 && rig_has_head(&rig.gate.conn[1].in));
	gate_end(&rig.gate.conn[1], (enum gate_end)_i);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_UPSTREAM_CLOSED);
}
END_TEST

/* A request that may have run is not run again. */
START_TEST(upstream_closed_on_post)
{
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(POST "0123456789");
	gate_end(&rig.gate.conn[0], (enum gate_end)_i);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	ck_assert(rig_has(&a->in, "X-Should-Retry: false"));
	ck_assert_uint_eq(rig_ended(&rig, END_UPSTREAM_CLOSED), 1);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

/* A gateway that answered a moment ago and refuses connections is about to come
 * back. */
START_TEST(upstream_restarts)
{
	struct agent *a;
	bool back = _i == 1;

	rig_init(&rig, "");
	a = under_way(GET);
	gate_answers("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 1 && a->in.len);
	rig_forget(&a->in);
	gate_close(&rig.gate);
	agent_say(a, POST "0123456789");
	for (unsigned i = 0; i < 4; i++) {
		rig_settle(&rig);
		ck_assert_uint_eq(rig_ended(&rig, END_CONNECT_FAILED), 0);
		rig_advance(&rig, 500);
	}
	if (!back) {
		rig_advance(&rig, 2000);
		RIG_UNTIL(&rig, rig_has_head(&a->in));
		ck_assert_uint_eq(rig_ended(&rig, END_CONNECT_FAILED), 1);
		return;
	}
	gate_open(&rig.gate);
	rig_advance(&rig, 800);
	RIG_UNTIL(&rig,
	    rig.gate.n == 2 && rig_has(&rig.gate.conn[1].in, "0123456789"));
	gate_say(&rig.gate.conn[1], SPAN("HTTP/1.1 204 No Content\r\n\r\n"));
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 2);
}
END_TEST

START_TEST(upstream_truncated)
{
	struct agent *a;

	/* In the head: nothing has been sent on. */
	rig_init(&rig, "");
	a = under_way(GET);
	gate_answers("HTTP/1.1 200 OK\r\nContent-Le");
	gate_end(&rig.gate.conn[0], GATE_CLEAN);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_UPSTREAM_TRUNCATED);
}
END_TEST

START_TEST(upstream_truncated_in_its_body)
{
	static const struct {
		const char *answer;
		enum gate_end end;
	} rows[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", GATE_CLEAN},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
		GATE_CLEAN},
	    {"HTTP/1.1 200 OK\r\n\r\nhe", GATE_CUT},
	};
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	gate_answers(rows[_i].answer);
	RIG_UNTIL(&rig, rig_has(&a->in, "he"));
	gate_end(&rig.gate.conn[0], rows[_i].end);
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_UPSTREAM_TRUNCATED), 1);
	ck_assert(!rig_has(&a->in, "\r\n0\r\n\r\n"));
}
END_TEST

START_TEST(upstream_bad)
{
	static const char *const answers[] = {
	    "HTP/1.1 200 OK\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
	    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
	    "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
	};
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	gate_answers(answers[_i]);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_UPSTREAM_BAD);
}
END_TEST

START_TEST(upstream_head_too_large)
{
	struct agent *a;
	char *text;

	rig_init(&rig, "max-head = 4k\nrelay-buffer = 4k\n");
	text = long_head("HTTP/1.1 200 OK\r\nX: ", "aaaaaaaa", 40000);
	a = under_way(GET);
	gate_answers(text);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_UPSTREAM_BAD);
	free(text);
}
END_TEST

START_TEST(auth_refused)
{
	struct agent *a;

	rig_init(&rig, "");
	a = under_way(GET);
	gate_answers(
	    "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\n"
	    "Content-Length: 48\r\n\r\n"
	    "{\"detail\":\"agent not registered or deactivated\"}");
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_AUTH_REFUSED);
	ck_assert(
	    rig_has(&a->in, "X-Cullis-Sidecar-Error: agent-deactivated\r\n"));
}
END_TEST

START_TEST(connect_failed)
{
	struct agent *a;

	rig_init_bare(&rig, "");
	rig_publish(&rig, 900, NULL); /* the gate does not listen */
	a = agent_open(&rig, false);
	agent_say(a, GET);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_CONNECT_FAILED);
}
END_TEST

START_TEST(resolve_failed)
{
	struct agent *a;

	rig_init_bare(&rig, "gateway = https://" NAME_WITHOUT_ADDRESS "\n");
	rig_publish(&rig, 900, NULL);
	a = agent_open(&rig, false);
	agent_say(
	    a, "GET /a HTTP/1.1\r\nHost: " NAME_WITHOUT_ADDRESS "\r\n\r\n");
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_RESOLVE_FAILED);
}
END_TEST

/* A listed host that leads to this machine, and one that leads nowhere. */
START_TEST(pass_through)
{
	static const struct {
		enum end end;
		const char *request;
	} rows[] = {
	    {END_PASS_DENIED,
		"CONNECT localhost:1 HTTP/1.1\r\nHost: x\r\n\r\n"},
	    {END_PASS_DENIED,
		"GET http://localhost:1/ HTTP/1.1\r\nHost: x\r\n\r\n"},
	    {END_PASS_FAILED, "GET http://" NAME_WITHOUT_ADDRESS
			      "/ HTTP/1.1\r\nHost: x\r\n\r\n"},
	    {END_PASS_FAILED, "CONNECT " NAME_WITHOUT_ADDRESS
			      ":80 HTTP/1.1\r\nHost: x\r\n\r\n"},
	};
	struct agent *a;

	rig_init(&rig, "pass-through = localhost:1\n"
		       "pass-through = " NAME_WITHOUT_ADDRESS ":80\n");
	a = agent_open(&rig, false);
	agent_say(a, rows[_i].request);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, rows[_i].end);
	ck_assert_uint_eq(rig.gate.n, 0);
}
END_TEST

/* 192.0.2.0/24 is nobody's (RFC 5737): it would not answer. */
START_TEST(pass_through_to_ourselves)
{
	static const struct {
		const char *listener, *target;
	} rows[] = {
	    {"192.0.2.9", "192.0.2.9:7780"},
	    {"0.0.0.0", "192.0.2.10:7780"},
	    {"::", "192.0.2.10:7780"},
	    {"192.0.2.9", "[::ffff:192.0.2.9]:7780"},
	};
	struct listen_addr own = {.kind = LISTEN_TCP, .port = 7780};
	const struct listen_list list = {&own, 1};
	struct agent *a;
	char *text;

	own.host = (char *)rows[_i].listener;
	text = mem_printf("pass-through = %s\n", rows[_i].target);
	rig_init(&rig, text);
	free(text);
	rig.w->own = &list;
	text = mem_printf(
	    "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[_i].target);
	a = agent_open(&rig, false);
	agent_say(a, text);
	free(text);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_PASS_DENIED);
	ck_assert(rig_has(&a->in, "an address of the sidecar's own"));
}
END_TEST

START_TEST(proxy_failed)
{
	static const char *const proxies[] = {
	    "upstream-proxy = http://127.0.0.1:1\n",
	    "upstream-proxy = http://" NAME_WITHOUT_ADDRESS ":3128\n"};
	struct agent *a;

	rig_init(&rig, proxies[_i]);
	a = agent_open(&rig, false);
	agent_say(a, GET);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_PROXY_FAILED);
	ck_assert(rig_has(&a->in, "upstream-proxy"));
}
END_TEST

START_TEST(tls_failed)
{
	struct agent *a;

	rig_init(&rig, "");
	/* Signed by the agent's key: no CA that we know. */
	SSL_CTX_use_certificate(rig.gate.ctx, rig.pki.leaf);
	SSL_CTX_use_PrivateKey(rig.gate.ctx, rig.pki.leaf_key);
	a = agent_open(&rig, false);
	agent_say(a, GET);
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	check_end(a, END_TLS_FAILED);
}
END_TEST

/* ---- time ---- */

START_TEST(connect_timeout)
{
	struct agent *a;

	rig_init(&rig, "connect-timeout = 5s\n");
	rig.gate.mute = true;
	a = agent_open(&rig, false);
	agent_say(a, GET);
	RIG_UNTIL(&rig, rig.gate.n == 1);
	rig_settle(&rig);
	rig_advance(&rig, 4999);
	ck_assert_uint_eq(rig_ended(&rig, END_CONNECT_TIMEOUT), 0);
	rig_advance(&rig, 1);
	check_end(a, END_CONNECT_TIMEOUT);
}
END_TEST

START_TEST(head_timeout)
{
	struct agent *a;

	rig_init(&rig, "head-timeout = 10s\n");
	a = agent_open(&rig, false);
	agent_say(a, "GET / HT");
	rig_turn(&rig);
	rig_advance(&rig, 6000);
	agent_say(a, "TP/1.1\r\n"); /* the whole head has 10 s */
	rig_turn(&rig);
	rig_advance(&rig, 3999);
	ck_assert_uint_eq(a->in.len, 0);
	rig_advance(&rig, 1);
	check_end(a, END_HEAD_TIMEOUT);
}
END_TEST

/* No request has begun, so there is no exchange to end and nothing to log. */
START_TEST(idle_client_is_closed_silently)
{
	struct agent *a;

	rig_init(&rig, "keepalive-timeout = 75s\n");
	a = agent_open(&rig, false);
	rig_advance(&rig, 74999);
	ck_assert(!a->eof);
	rig_advance(&rig, 1);
	rig_turn(&rig);
	ck_assert(a->eof && !a->in.len);
	for (unsigned i = 0; i < END_COUNT; i++)
		ck_assert_uint_eq(rig_ended(&rig, i), 0);
}
END_TEST

START_TEST(body_timeout)
{
	struct agent *a;

	rig_init(&rig, "body-timeout = 60s\n");
	a = under_way(POST "123");
	rig_advance(&rig, 59999);
	agent_say(a, "4"); /* begins anew with each byte */
	rig_turn(&rig);
	rig_advance(&rig, 59999);
	ck_assert_uint_eq(a->in.len, 0);
	rig_advance(&rig, 1);
	check_end(a, END_BODY_TIMEOUT);
	ck_assert(a->eof);
}
END_TEST

START_TEST(first_byte_timeout)
{
	struct agent *a;

	rig_init(&rig, "first-byte-timeout = 600s\n");
	a = under_way(GET);
	rig_settle(&rig);
	rig_advance(&rig, 599999);
	ck_assert_uint_eq(a->in.len, 0);
	rig_advance(&rig, 1);
	check_end(a, END_FIRST_BYTE_TIMEOUT);
}
END_TEST

START_TEST(stream_idle)
{
	struct agent *a;

	rig_init(&rig, "stream-idle-timeout = 600s\n");
	a = under_way(GET);
	gate_answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
	RIG_UNTIL(&rig, rig_has(&a->in, "he"));
	rig_advance(&rig, 599999);
	gate_answers("l");
	RIG_UNTIL(&rig, rig_has(&a->in, "hel"));
	rig_advance(&rig, 599999);
	ck_assert(!a->eof);
	rig_advance(&rig, 1);
	RIG_UNTIL(&rig, a->eof);
	ck_assert_uint_eq(rig_ended(&rig, END_STREAM_IDLE), 1);
}
END_TEST

/* While the refusal is judged, nothing has been sent on. */
START_TEST(stream_idle_while_judged)
{
	struct agent *a;

	rig_init(&rig, "stream-idle-timeout = 600s\n");
	a = under_way(GET);
	gate_answers("HTTP/1.1 401 Unauthorized\r\nContent-Type: "
		     "application/json\r\nContent-Length: 50\r\n\r\n{");
	RIG_UNTIL(&rig, TAILQ_FIRST(&rig.w->clients)->x.res.status == 401);
	ck_assert_uint_eq(a->in.len, 0);
	rig_advance(&rig, 600000);
	check_end(a, END_STREAM_IDLE);
}
END_TEST

/* What comes of it keeps it alive, and the request goes on meanwhile. */
START_TEST(request_goes_on_while_judged)
{
	struct gate_conn *g;
	struct agent *a;

	rig_init(&rig, "stream-idle-timeout = 600s\nbody-timeout = 600s\n");
	a = under_way(POST "123");
	g = &rig.gate.conn[0];
	gate_answers("HTTP/1.1 401 Unauthorized\r\nContent-Type: "
		     "application/json\r\nContent-Length: 15\r\n\r\n{");
	RIG_UNTIL(&rig, TAILQ_FIRST(&rig.w->clients)->x.res.status == 401);
	rig_advance(&rig, 599999);
	gate_answers("\"detail\":");
	rig_settle(&rig);
	rig_advance(&rig, 599999);
	agent_say(a, "4");
	RIG_UNTIL(&rig, rig_has(&g->in, "1234"));
	rig_advance(&rig, 599999);
	ck_assert_uint_eq(a->in.len, 0);
	gate_answers("\"no\"}");
	RIG_UNTIL(&rig, rig_has(&a->in, "{\"detail\":\"no\"}"));
}
END_TEST

START_TEST(queue_timeout)
{
	struct agent *a, *b;

	rig_init(&rig, "max-upstream-connections = 1\nqueue-timeout = 5s\n");
	a = under_way(GET);
	b = agent_open(&rig, false);
	agent_say(b, GET);
	rig_settle(&rig);
	rig_advance(&rig, 4999);
	ck_assert_uint_eq(b->in.len, 0);
	rig_advance(&rig, 1);
	check_end(b, END_QUEUE_TIMEOUT);
	ck_assert_uint_eq(a->in.len, 0);
	ck_assert_uint_eq(rig.gate.n, 1);
}
END_TEST

START_TEST(no_token)
{
	struct agent *a;

	rig_init_bare(&rig, "token-wait = 10s\n");
	gate_open(&rig.gate);
	rig_publish(&rig, 0, NULL);
	a = agent_open(&rig, false);
	agent_say(a, GET);
	rig_settle(&rig);
	rig_advance(&rig, 6000);
	/* A newer view without a token: the same wait goes on. */
	rig_publish(&rig, 0, "the gateway's clock is made of cheese");
	rig_settle(&rig);
	rig_advance(&rig, 3999);
	ck_assert_uint_eq(a->in.len, 0);
	rig_advance(&rig, 1);
	check_end(a, END_NO_TOKEN);
	ck_assert(rig_has(&a->in, "made of cheese"));
	ck_assert(!a->eof);
}
END_TEST

/* ---- the sidecar itself ---- */

START_TEST(no_identity)
{
	struct agent *a;

	rig_init_bare(&rig, "");
	worker_publish(
	    rig.w, bundle_new(rig.conf, NULL, NULL, AUTH_TOKEN, NULL));
	a = agent_open(&rig, false);
	agent_say(a, GET);
	rig_turn(&rig);
	check_end(a, END_NO_IDENTITY);
}
END_TEST

START_TEST(drain)
{
	struct agent *a, *idle;

	rig_init(&rig, "");
	idle = agent_open(&rig, false);
	a = under_way(GET);
	worker_drain(rig.w);
	rig_settle(&rig);
	/* It has not said anything yet and has a moment to do so. */
	ck_assert(!idle->eof);
	rig_advance(&rig, 500);
	ck_assert(idle->eof);
	ck_assert(!a->eof);
	ck_assert_uint_eq(rig.closed, 1);
	worker_stop(rig.w);
	rig_turn(&rig);
	check_end(a, END_DRAIN);
	ck_assert_uint_eq(rig.closed, 2);
	rig.w->loop.stop = false;
}
END_TEST

START_TEST(internal)
{
	struct agent *a;

	rig_init(&rig, "");
	a = agent_open(&rig, false);
	/* The signer has some random bytes in store. */
	for (unsigned i = 0; i < 200; i++) {
		agent_say(a, GET);
		RIG_UNTIL(
		    &rig, (rig.gate.n && rig_has_head(&rig.gate.conn[0].in)) ||
			      rig_ended(&rig, END_INTERNAL));
		if (rig_ended(&rig, END_INTERNAL))
			break;
		no_random = true;
		rig_forget(&rig.gate.conn[0].in);
		rig_forget(&a->in);
		gate_answers("HTTP/1.1 204 No Content\r\n\r\n");
		RIG_UNTIL(&rig, rig_has_head(&a->in));
		rig_forget(&a->in);
	}
	rig_settle(&rig);
	ck_assert_uint_eq(rig_ended(&rig, END_INTERNAL), 1);
	ck_assert(rig_has(&a->in, "HTTP/1.1 500 "));
	/* Half a head may have gone: nobody else gets that connection. */
	ck_assert_uint_eq(rig.w->upstream->connections, 0);
}
END_TEST

UNIT_MAIN_ROWS("ends", NULL, teardown, {said_by_the_agent, COUNT(requests)},
    {too_long, 3}, {head_fills_the_buffer, 1}, {overloaded, 1}, {ok, 1},
    {client_gone, 1}, {client_gone_in_its_body, 1}, {upstream_closed, 3},
    {upstream_closed_on_post, 3}, {upstream_restarts, 2},
    {upstream_truncated, 1}, {upstream_truncated_in_its_body, 3},
    {upstream_bad, 5}, {upstream_head_too_large, 1}, {auth_refused, 1},
    {connect_failed, 1}, {resolve_failed, 1}, {pass_through, 4},
    {pass_through_to_ourselves, 4}, {proxy_failed, 2}, {tls_failed, 1},
    {connect_timeout, 1}, {head_timeout, 1},
    {idle_client_is_closed_silently, 1}, {body_timeout, 1},
    {first_byte_timeout, 1}, {stream_idle, 1}, {stream_idle_while_judged, 1},
    {request_goes_on_while_judged, 1}, {queue_timeout, 1}, {no_token, 1},
    {no_identity, 1}, {drain, 1}, {internal, 1})
