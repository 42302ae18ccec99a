/*
 * login_fixture: an identity, a config and a gateway that says what the test
 * says to each request, for the tests of login and session.
 */
#ifndef LOGIN_FIXTURE_H
#define LOGIN_FIXTURE_H

#include "base/b64.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/login.h"

#include "gate.h"
#include "conf_fixture.h"

#include <poll.h>
#include <time.h>

#define MINT "/v1/auth/token"
#define CHALLENGE "/v1/auth/login-challenge"
#define ENDORSE "/v1/auth/sign-challenged-assertion"

static struct pki pki;
static char *dir;
static struct gate gate;
static struct loop loop;
static struct resolver *resolver;
static struct metrics metrics;
static struct gateway_state gateway;
static struct login_memory memory;
static struct login_setup s = {.memory = &memory};
static struct config *conf;
static int64_t now_ms;

/* The requests that have come, and how many are answered. */
static char *requests[32];
static unsigned nrequests, nanswered, on_conn[32];

static inline void
begin(const char *more)
{
	char *text = mem_printf("identity-dir = %s\n"
				"gateway = https://" PKI_SERVER ":9443\n%s",
	    dir, more);
	struct upstream_options o = {.host = PKI_SERVER,
	    .port = 9443,
	    .dial_host = "127.0.0.1",
	    .dial_port = gate.port,
	    .connect_ms = 5000,
	    .idle_ms = 30000,
	    .max_uses = 900,
	    .max_connections = 4,
	    .in_limit = 65536};
	struct err err = ERR_INIT;

	conf = fixture_config(text);
	free(text);
	s.config = conf;
	s.gateway = &gateway;
	s.upstream = upstream_new(&loop, resolver, &metrics, &o);
	s.identity =
	    identity_load(&(struct identity_source){.dir = dir}, NULL, &err);
	ck_assert_msg(s.identity != NULL, "%s", err.text);
	identity_set_generation(s.identity, 1);
	s.signer = signer_new(s.identity, &err);
	ck_assert_msg(s.signer != NULL, "%s", err.text);
}

static inline void
fixture_init(void)
{
	const struct log_config log = {LOG_ERROR, LOG_TEXT, -1};
	struct err err = ERR_INIT;

	ck_assert_int_eq(log_open(&log, &err), 0);
	now_ms = 1000000;
	clock_fake(now_ms, time(NULL));
	pki_init(&pki);
	dir = dir_identity(&pki);
	gate_init(&gate, &pki);
	gate_open(&gate);
	loop_init(&loop);
	resolver = resolver_new();
}

static inline void
fixture_fini(void)
{
	upstream_unref(s.upstream);
	resolver_free(resolver);
	loop_fini(&loop);
	gate_fini(&gate);
	signer_unref(s.signer);
	identity_unref(s.identity);
	config_unref(conf);
	login_memory_fini(&memory);
	dir_free(dir);
	pki_fini(&pki);
	for (unsigned i = 0; i < nrequests; i++)
		free(requests[i]);
	log_close();
}

/* Take a whole request out of what a connection has sent. */
static inline void
take_request(unsigned i)
{
	struct buf *in = &gate.conn[i].in;
	struct span all = buf_span(in);
	const char *end = memmem(all.p, all.n, "\r\n\r\n", 4);
	const char *length = memmem(all.p, all.n, "Content-Length: ", 16);
	size_t n;

	if (!end || !length)
		return;
	n = (size_t)(end + 4 - all.p) + strtoul(length + 16, NULL, 10);
	if (all.n < n)
		return;
	ck_assert_uint_lt(nrequests, COUNT(requests));
	on_conn[nrequests] = i;
	requests[nrequests++] = span_dup(span_new(all.p, n));
	buf_consume(in, n);
}

static inline void
turn(void)
{
	/* libevent's own timer goes by the real clock. */
	timers_run(&loop.timers, now_ms);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	gate_turn(&gate);
	for (unsigned i = 0; i < gate.n; i++)
		if (gate.conn[i].in.len)
			take_request(i);
}

#define UNTIL(cond)                                                      \
	do {                                                             \
		unsigned turns_ = 0;                                     \
		while (!(cond)) {                                        \
			ck_assert_msg(                                   \
			    turns_ < 3000, "waited in vain: %s", #cond); \
			poll(NULL, 0, turns_++ > 30);                    \
			turn();                                          \
		}                                                        \
	} while (0)

static inline void
settle(void)
{
	for (int i = 0; i < 20; i++) {
		poll(NULL, 0, i > 15);
		turn();
	}
}

static inline void
advance(int64_t ms)
{
	now_ms += ms;
	clock_fake(now_ms, clock_wall_s() + ms / 1000);
	timers_run(&loop.timers, now_ms);
	settle();
}

/* The next request is for this path; it is answered so. */
static inline const char *
answer(const char *path, unsigned status, const char *fields, const char *body)
{
	char *text = mem_printf("HTTP/1.1 %u X\r\n%s"
				"Content-Type: application/json\r\n"
				"Content-Length: %zu\r\n\r\n%s",
	    status, fields, strlen(body), body);
	char *line = mem_printf("POST %s HTTP/1.1\r\n", path);
	const char *request;

	UNTIL(nrequests > nanswered);
	request = requests[nanswered];
	ck_assert_msg(span_starts(span_of(request), span_of(line)),
	    "not for %s: %s", path, request);
	gate_say(&gate.conn[on_conn[nanswered++]], span_of(text));
	free(text);
	free(line);
	return request;
}

static inline char *
token_json(const char *type, bool bound, int64_t life_s)
{
	struct buf b = BUF_INIT;
	char *claims = bound ? mem_printf("{\"cnf\":{\"jkt\":\"%s\"}}",
				   identity_jkt(s.identity))
			     : mem_strdup("{}");

	buf_add_str(&b, "{\"access_token\":\"e30.");
	buf_add_b64url(&b, claims, strlen(claims));
	buf_printf(&b, ".c2ln\",\"token_type\":\"%s\",\"expires_in\":%lld}",
	    type, (long long)life_s);
	free(claims);
	return buf_steal_str(&b);
}

static inline const char *
answer_token(bool bound, const char *fields)
{
	char *json = token_json("Bearer", bound, 900);
	const char *request = answer(MINT, 200, fields, json);

	free(json);
	return request;
}

static inline const char *
refuse(const char *path, const char *detail, const char *fields)
{
	char *json = mem_printf("{\"detail\":\"%s\"}", detail);
	const char *request = answer(path, 401, fields, json);

	free(json);
	return request;
}

/* A member of the payload of the proof in this request, as it stands there. */
static inline bool
proof_has(const char *request, const char *text)
{
	const char *at = strstr(request, "\r\nDPoP: ");
	struct span jwt = span_of(at + 8), payload;
	char raw[2000];
	ssize_t n;

	ck_assert_ptr_nonnull(at);
	span_cut(&jwt, '.');
	payload = span_cut(&jwt, '.');
	n = b64url_decode(raw, sizeof(raw) - 1, payload);
	ck_assert_int_gt(n, 0);
	raw[n] = '\0';
	return strstr(raw, text) != NULL;
}

#endif
