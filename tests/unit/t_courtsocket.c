/*
 * t_courtsocket: a WebSocket to the Court (protocol 8.1) between an agent that
 * knows nothing of its authentication and a gateway that answers it: what goes
 * in which frame, how the answer is cut, what is made of a refusal.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "http/wsframe.h"

#include "jose.h"
#include "rig.h"
#include "unit.h"

#define WHERE "/v1/broker/ws"
#define HANDSHAKE                                         \
	"GET " WHERE " HTTP/1.1\r\nHost: mastio.test\r\n" \
	"Connection: Upgrade\r\nUpgrade: websocket\r\n"   \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
	"Sec-WebSocket-Version: 13\r\n\r\n"
#define SWITCH                                          \
	"HTTP/1.1 101 Switching Protocols\r\n"          \
	"Connection: upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Accept: x\r\n\r\n"
#define SWITCHED                                                          \
	"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\n" \
	"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define NOT_FOUND(nonce)                                                       \
	"HTTP/1.1 404 Not Found\r\nX-Cullis-Role: proxy\r\nDPoP-Nonce: " nonce \
	"\r\nContent-Type: application/json\r\n"                               \
	"Content-Length: 22\r\n\r\n{\"detail\":\"Not Found\"}"
#define IN "{\"type\":\"auth_ok\",\"agent_id\":\"orga::bot\"}"
#define ERROR(detail) "{\"type\":\"auth_error\",\"detail\":\"" detail "\"}"

static struct rig rig;

static void
setup(const char *options)
{
	rig_init_bare(&rig, options);
	rig.token_kind = TOKEN_COURT;
	gate_open(&rig.gate);
	rig_publish(&rig, 900, NULL);
	rig_turn(&rig);
}

static void
teardown(void)
{
	rig_fini(&rig);
}

static struct gate_conn *
last(void)
{
	return &rig.gate.conn[rig.gate.n - 1];
}

/* A frame as a server sends it. */
static void
add_frame(struct buf *b, unsigned opcode, const char *text)
{
	size_t n = strlen(text);

	buf_add_char(b, (char)(0x80 | opcode));
	ck_assert_uint_lt(n, 65536);
	if (n < 126) {
		buf_add_char(b, (char)n);
	} else {
		buf_add_char(b, 126);
		buf_add_char(b, (char)(n >> 8));
		buf_add_char(b, (char)n);
	}
	buf_add_str(b, text);
}

static void
court_says(struct gate_conn *gc, unsigned opcode, const char *text)
{
	struct buf b = BUF_INIT;

	add_frame(&b, opcode, text);
	gate_say(gc, buf_span(&b));
	buf_free(&b);
}

/* Is a whole frame there? */
static bool
has_frame(const struct buf *in)
{
	struct wsframe f;

	return in->len && wsframe_read(buf_span(in), &f) == WSFRAME_DONE &&
	       in->len >= f.head + f.length;
}

/* The next frame of the sidecar's, unmasked; freed by the caller. */
static char *
take_frame(struct gate_conn *gc, enum wsframe_opcode opcode)
{
	struct wsframe f;
	struct span in;
	char *text;

	RIG_UNTIL(&rig, has_frame(&gc->in));
	in = buf_span(&gc->in);
	ck_assert_int_eq(wsframe_read(in, &f), WSFRAME_DONE);
	ck_assert_int_eq(f.opcode, opcode);
	ck_assert(f.fin && f.masked); /* RFC 6455 section 5.1 */
	text = span_dup(span_new(in.p + f.head, (size_t)f.length));
	for (size_t i = 0; i < f.length; i++)
		text[i] = (char)(text[i] ^ (char)f.mask[i % 4]);
	buf_consume(&gc->in, f.head + (size_t)f.length);
	return text;
}

/* The request that is there, and what it is answered. */
static void
answer(bool upgrade, const char *text)
{
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&last()->in));
	ck_assert(rig_has(&last()->in, "GET " WHERE " HTTP/1.1\r\n"));
	ck_assert_int_eq(
	    rig_has(&last()->in, "\r\nUpgrade: websocket\r\n"), upgrade);
	ck_assert_int_eq(
	    rig_has(&last()->in, "\r\nConnection: Upgrade\r\n"), upgrade);
	rig_forget(&last()->in);
	gate_say(last(), span_of(text));
}

/* The frame that authenticates is what the Court wants to see. */
static void
check_auth(const char *nonce, const char *base)
{
	char *text = take_frame(last(), WSFRAME_TEXT);
	json_t *message = json_loads(text, 0, NULL), *header, *claims;
	char *htu = mem_printf("%s" WHERE, base);
	char ath[TOKEN_ATH_LEN + 1];

	ck_assert_uint_eq(json_object_size(message), 3);
	ck_assert_str_eq(jose_text(message, "type"), "auth");
	jose_open(span_of(jose_text(message, "dpop_proof")),
	    identity_dpop_key(rig.identity), &header, &claims);
	token_ath(span_of(jose_text(message, "token")), ath);
	ck_assert_str_eq(jose_text(claims, "ath"), ath);
	ck_assert_str_eq(jose_text(claims, "htm"), "GET");
	ck_assert_str_eq(jose_text(claims, "htu"), htu);
	ck_assert_pstr_eq(jose_text(claims, "nonce"), nonce);
	json_decref(header);
	json_decref(claims);
	json_decref(message);
	free(htu);
	free(text);
}

/* Up to the frame that authenticates. */
static struct agent *
begin(const char *options)
{
	struct agent *a;

	setup(options);
	a = agent_open(&rig, false);
	agent_say(a, HANDSHAKE);
	answer(false, NOT_FOUND("n-1"));
	answer(true, SWITCH);
	check_auth("n-1", "https://mastio.test");
	return a;
}

static void
check_switched(struct agent *a)
{
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	rig_drop_via(&a->in);
	ck_assert(span_starts(buf_span(&a->in), SPAN(SWITCHED)));
	buf_consume(&a->in, strlen(SWITCHED));
}

/* The Court takes what we show: the agent is in. */
static void
gets_in(struct agent *a, const char *nonce, const char *base)
{
	answer(true, SWITCH);
	check_auth(nonce, base);
	court_says(last(), WSFRAME_TEXT, IN);
	check_switched(a);
}

static void
check_free(void)
{
	ck_assert(!atomic_load(&rig.gateway.court_socket));
}

/* ---- the way in ---- */

/* A nonce is fetched on the same connection; the agent's 101 waits for the
 * Court, and what comes behind auth_ok is the agent's. */
START_TEST(let_in)
{
	struct agent *a = begin("");

	rig_settle(&rig);
	ck_assert_uint_eq(a->in.len, 0);
	ck_assert_uint_eq(rig.gate.n, 1);
	court_says(last(), WSFRAME_TEXT, IN);
	check_switched(a);
	ck_assert_uint_eq(a->in.len, 0);
	court_says(last(), WSFRAME_TEXT, "{\"type\":\"new_message\"}");
	RIG_UNTIL(&rig, rig_has(&a->in, "new_message"));
	agent_say_span(a, SPAN("\x81\x82\0\0\0\0{}"));
	RIG_UNTIL(&rig, rig_has(&last()->in, "{}"));
	agent_close(a);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 1);
	check_free();
}
END_TEST

/* Cut anywhere, the Court's first bytes arrive the same. */
START_TEST(answer_in_two_pieces)
{
	struct buf b = BUF_INIT;
	struct agent *a = begin("");
	size_t cut = (size_t)_i;
	struct span all;

	add_frame(&b, WSFRAME_PING, "p");
	add_frame(&b, WSFRAME_TEXT, IN);
	add_frame(&b, WSFRAME_TEXT, "first");
	all = buf_span(&b);
	if (cut > all.n)
		cut = all.n;
	gate_say(last(), span_new(all.p, cut));
	rig_settle(&rig);
	gate_say(last(), span_new(all.p + cut, all.n - cut));
	check_switched(a);
	RIG_UNTIL(&rig, rig_has(&a->in, "first"));
	ck_span(buf_span(&a->in), "\x81\x05"
				  "first");
	buf_free(&b);
}
END_TEST

static void
add_fragment(struct buf *b, bool fin, unsigned opcode, struct span text)
{
	buf_add_char(b, (char)((fin ? 0x80 : 0) | opcode));
	buf_add_char(b, (char)text.n);
	buf_add_span(b, text);
}

/* Fragments of any size, with a control frame between them (RFC 6455 section
 * 5.4). */
START_TEST(answer_in_fragments)
{
	struct span text = SPAN(IN);
	struct agent *a = begin("");
	struct buf b = BUF_INIT;
	size_t step = (size_t)_i + 1, at = 0;
	char *pong;

	add_fragment(&b, false, WSFRAME_TEXT, SPAN(""));
	while (at + step < text.n) {
		add_fragment(&b, false, WSFRAME_CONTINUATION,
		    span_new(text.p + at, step));
		at += step;
	}
	add_fragment(&b, true, WSFRAME_PING, SPAN("p"));
	add_fragment(
	    &b, true, WSFRAME_CONTINUATION, span_new(text.p + at, text.n - at));
	add_frame(&b, WSFRAME_TEXT, "first");
	gate_say(last(), buf_span(&b));
	buf_free(&b);
	pong = take_frame(last(), WSFRAME_PONG);
	ck_assert_str_eq(pong, "p");
	free(pong);
	check_switched(a);
	RIG_UNTIL(&rig, rig_has(&a->in, "first"));
	ck_assert_uint_eq(rig.w->replay_left, (size_t)rig.conf->replay_total);
}
END_TEST

/* Together they have a limit, of 4096 bytes. */
START_TEST(fragments_without_end)
{
	struct agent *a = begin("");
	struct buf b = BUF_INIT;

	for (unsigned i = 0; i < 42; i++)
		add_fragment(&b, false, i ? WSFRAME_CONTINUATION : WSFRAME_TEXT,
		    SPAN("0123456789012345678901234567890123456789012345678901"
			 "234567890123456789012345678901234567890123456789"));
	gate_say(last(), buf_span(&b));
	buf_free(&b);
	RIG_UNTIL(&rig, rig_ended(&rig, END_UPSTREAM_BAD) == 1);
	RIG_UNTIL(&rig, rig_has(&a->in, "too long"));
	check_free();
}
END_TEST

/* A refusal in fragments heals as any. */
START_TEST(refusal_in_fragments)
{
	struct agent *a = begin("");
	struct buf b = BUF_INIT;

	add_fragment(
	    &b, false, WSFRAME_TEXT, SPAN("{\"type\":\"auth_error\","));
	add_fragment(&b, true, WSFRAME_CONTINUATION,
	    SPAN("\"detail\":\"use_dpop_nonce\"}"));
	gate_say(last(), buf_span(&b));
	buf_free(&b);
	RIG_UNTIL(&rig, rig.gate.n == 2);
	answer(false, NOT_FOUND("n-2"));
	gets_in(a, "n-2", "https://mastio.test");
}
END_TEST

/* Pings before we are in are ours to answer (RFC 6455 section 5.5.2). */
START_TEST(pings)
{
	struct agent *a = begin("");
	char *pong;

	court_says(last(), WSFRAME_PONG, "unasked");
	court_says(last(), WSFRAME_PING, "are you there");
	pong = take_frame(last(), WSFRAME_PONG);
	ck_assert_str_eq(pong, "are you there");
	free(pong);
	court_says(last(), WSFRAME_TEXT, IN);
	check_switched(a);
}
END_TEST

/* What an eager agent sends before its 101 goes behind our own frame. */
START_TEST(eager_agent)
{
	struct agent *a;

	setup("");
	a = agent_open(&rig, false);
	agent_say(a, HANDSHAKE "eager");
	answer(false, NOT_FOUND("n-1"));
	answer(true, SWITCH);
	check_auth("n-1", "https://mastio.test");
	rig_settle(&rig);
	ck_assert_uint_eq(last()->in.len, 0);
	court_says(last(), WSFRAME_TEXT, IN);
	RIG_UNTIL(&rig, rig_has(&last()->in, "eager"));
}
END_TEST

START_TEST(configured_base)
{
	struct agent *a;

	setup("court-htu-base = https://court.internal:8000\n");
	a = agent_open(&rig, false);
	agent_say(a, HANDSHAKE);
	answer(false, NOT_FOUND("n-1"));
	gets_in(a, "n-1", "https://court.internal:8000");
}
END_TEST

/* ---- nonces ---- */

/* One that has come lately serves, an older one does not. */
START_TEST(nonce_in_stock)
{
	struct agent *a = begin("");

	court_says(last(), WSFRAME_TEXT, IN);
	check_switched(a);
	agent_close(a);
	RIG_UNTIL(&rig, rig_ended(&rig, END_OK) == 1);
	ck_assert_str_eq(rig.court_nonce, "n-1");
	rig_advance(&rig, _i ? 300000 : 299999);
	a = agent_open(&rig, false);
	agent_say(a, HANDSHAKE);
	RIG_UNTIL(&rig, rig.gate.n == 2);
	if (_i)
		answer(false, NOT_FOUND("n-2"));
	answer(true, SWITCH);
	check_auth(_i ? "n-2" : "n-1", "https://mastio.test");
}
END_TEST

/* The Court refuses the nonce in-band: another one, on another connection. */
START_TEST(nonce_refused)
{
	struct agent *a = begin("");

	court_says(last(), WSFRAME_TEXT, ERROR("use_dpop_nonce"));
	RIG_UNTIL(&rig, rig.gate.n == 2);
	answer(false, NOT_FOUND("n-2"));
	gets_in(a, "n-2", "https://mastio.test");
	ck_assert_uint_eq(rig.gate.n, 2);
	ck_assert(rig.gate.conn[0].eof);
}
END_TEST

/* Where none is to be had, the gateway's words are the agent's. */
START_TEST(no_nonce)
{
	struct agent *a;

	setup("");
	a = agent_open(&rig, false);
	agent_say(a, HANDSHAKE);
	answer(false, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 18\r\n\r\n"
		      "broker unreachable");
	RIG_UNTIL(&rig, rig_has(&a->in, "broker unreachable"));
	ck_assert(
	    span_starts(buf_span(&a->in), SPAN("HTTP/1.1 502 Bad Gateway")));
	check_free();
}
END_TEST

/* A 101 that was not asked for with the nonce. */
START_TEST(switch_instead_of_nonce)
{
	struct agent *a;

	setup("");
	a = agent_open(&rig, false);
	agent_say(a, HANDSHAKE);
	answer(false, SWITCH);
	RIG_UNTIL(&rig, rig_ended(&rig, END_UPSTREAM_BAD) == 1);
	RIG_UNTIL(&rig, rig_has(&a->in, "upstream-malformed"));
	check_free();
}
END_TEST

/* ---- refusals ---- */

static const struct {
	const char *what;
	unsigned opcode;
	const char *says, *code, *text;
	enum end end;
} refusals[] = {
    {"a reason that is in no table", WSFRAME_TEXT,
	ERROR("Agent binding not approved or revoked"), "court-refused",
	"binding not approved", END_COURT_REFUSED},
    {"nothing that forges a line", WSFRAME_TEXT, ERROR("x\\n\\u001b[2Jy"),
	"court-refused", "x??[2Jy", END_COURT_REFUSED},
    {"no reason", WSFRAME_TEXT, "{\"type\":\"auth_error\"}", "court-refused",
	"court-refused", END_COURT_REFUSED},
    {"the wrong URL", WSFRAME_TEXT, ERROR("Invalid DPoP proof: htu mismatch"),
	"htu-mismatch", "court-htu-base", END_AUTH_REFUSED},
    {"a proof like no other", WSFRAME_TEXT, ERROR("Invalid DPoP proof: typ"),
	"proof-refused", "typ", END_AUTH_REFUSED},
    {"a close", WSFRAME_CLOSE, "\x03\xe8", "court-refused", "closed the socket",
	END_COURT_REFUSED},
    {"no JSON", WSFRAME_TEXT, "hello", "upstream-malformed", "first message",
	END_UPSTREAM_BAD},
    {"another message", WSFRAME_TEXT, "{\"type\":\"ping\"}",
	"upstream-malformed", "first message", END_UPSTREAM_BAD},
    {"JSON of another shape", WSFRAME_TEXT, "[\"auth_ok\"]",
	"upstream-malformed", "first message", END_UPSTREAM_BAD},
    {"binary", WSFRAME_BINARY, IN, "upstream-malformed", "not text",
	END_UPSTREAM_BAD},
    {"a reserved opcode", 3, IN, "upstream-malformed", "opcode",
	END_UPSTREAM_BAD},
};

START_TEST(refused)
{
	struct agent *a = begin("");

	court_says(last(), refusals[_i].opcode, refusals[_i].says);
	RIG_UNTIL(&rig, rig_ended(&rig, refusals[_i].end) == 1);
	RIG_UNTIL(&rig, a->in.len);
	ck_assert_msg(rig_has(&a->in, refusals[_i].code), "%s: %.*s",
	    refusals[_i].what, SPAN_ARG(buf_span(&a->in)));
	ck_assert(rig_has(&a->in, refusals[_i].text));
	ck_assert(rig_has(&a->in, "HTTP/1.1 502 "));
	RIG_UNTIL(&rig, last()->eof);
	check_free();
	/* The agent's connection is none the worse for it. */
	rig_forget(&a->in);
	agent_say(a, HANDSHAKE);
	RIG_UNTIL(&rig, rig.gate.n == 2);
}
END_TEST

/* RFC 6455 section 5.1, 5.4; and nothing without an end. */
static const struct span faults[] = {
    {"\x81\x82\0\0\0\0{}", 8},
    {"\x80\x02{}", 4},
    {"\x02\x02{}", 4},
    {"\x01\x01{\x01\x01{", 6},
    {"\x01\x01{\x81\x01}", 6},
    {"\x01\x01{\x82\x01}", 6},
    {"\x81\x7e\x20\0", 4},
    {"\x81\x7f\0\0\0\0\x7f\xff\xff\xff", 10},
};

START_TEST(malformed)
{
	struct agent *a = begin("");

	gate_say(last(), faults[_i]);
	RIG_UNTIL(&rig, rig_ended(&rig, END_UPSTREAM_BAD) == 1);
	RIG_UNTIL(&rig, rig_has(&a->in, "upstream-malformed"));
	check_free();
}
END_TEST

START_TEST(connection_ends)
{
	struct agent *a = begin("");

	if (_i < 2)
		gate_say(last(), SPAN("\x81\x7e\0"));
	gate_end(last(), _i % 2 ? GATE_CUT : GATE_CLEAN);
	RIG_UNTIL(&rig, rig_ended(&rig, END_COURT_REFUSED) == 1);
	RIG_UNTIL(&rig, rig_has(&a->in, "closed the connection"));
	check_free();
}
END_TEST

/* Ten seconds, however many pings there are. */
START_TEST(silence)
{
	struct agent *a = begin("");

	rig_advance(&rig, 9999);
	court_says(last(), WSFRAME_PING, "");
	free(take_frame(last(), WSFRAME_PONG));
	ck_assert_uint_eq(rig_ended(&rig, END_COURT_TIMEOUT), 0);
	rig_advance(&rig, 1);
	RIG_UNTIL(&rig, rig_ended(&rig, END_COURT_TIMEOUT) == 1);
	RIG_UNTIL(&rig, rig_has(&a->in, "court-timeout"));
	ck_assert(rig_has(&a->in, "HTTP/1.1 504 "));
	check_free();
}
END_TEST

/* The token is no good any more: a new one, when it may be had. */
START_TEST(token_refused)
{
	struct agent *a = begin("");

	court_says(last(), WSFRAME_TEXT,
	    _i ? ERROR("Token has been revoked")
	       : ERROR("Token invalid or expired"));
	RIG_UNTIL(&rig, rig.refused == 1);
	ck_assert_uint_eq(rig.refused_wait_s, _i ? 2 : 0);
	rig_publish(&rig, 0, NULL);
	rig_advance(&rig, 2000);
	rig_publish(&rig, 900, NULL);
	RIG_UNTIL(&rig, rig.gate.n == 2);
	answer(false, NOT_FOUND("n-2"));
	gets_in(a, "n-2", "https://mastio.test");
}
END_TEST

START_TEST(agent_leaves)
{
	struct agent *a = begin("");

	agent_close(a);
	RIG_UNTIL(&rig, rig_ended(&rig, END_CLIENT_GONE) == 1);
	RIG_UNTIL(&rig, last()->eof);
	check_free();
}
END_TEST

/* ---- one socket ---- */

START_TEST(second_socket)
{
	struct agent *first = begin(""), *second;

	court_says(last(), WSFRAME_TEXT, IN);
	check_switched(first);
	second = agent_open(&rig, false);
	agent_say(second, HANDSHAKE);
	rig_settle(&rig);
	rig_advance(&rig, 999);
	rig_settle(&rig);
	ck_assert_uint_eq(rig_ended(&rig, END_SOCKET_BUSY), 0);
	rig_advance(&rig, 25);
	RIG_UNTIL(&rig, rig_ended(&rig, END_SOCKET_BUSY) == 1);
	RIG_UNTIL(&rig, rig_has(&second->in, "court-socket-busy"));
	ck_assert(rig_has(&second->in, "HTTP/1.1 409 "));
	ck_assert_uint_eq(rig.gate.n, 1);
	/* The first is none the worse for it, and makes room when it ends,
	 * even if its agent has not noticed. */
	court_says(last(), WSFRAME_TEXT, "event");
	RIG_UNTIL(&rig, rig_has(&first->in, "event"));
	if (_i)
		agent_close(first);
	else
		gate_end(last(), GATE_CLEAN);
	RIG_UNTIL(&rig, !atomic_load(&rig.gateway.court_socket));
	agent_say(second, HANDSHAKE);
	RIG_UNTIL(&rig, rig.gate.n == 2);
	answer(true, SWITCH);
	check_auth("n-1", "https://mastio.test");
	if (!_i) /* the old exchange does not take the new one's place */
		agent_close(first);
	rig_settle(&rig);
	ck_assert(atomic_load(&rig.gateway.court_socket));
}
END_TEST

/* The agent is back before the end of its old socket has been noticed. */
START_TEST(back_at_once)
{
	struct agent *first = begin(""), *second;

	court_says(last(), WSFRAME_TEXT, IN);
	check_switched(first);
	second = agent_open(&rig, false);
	agent_say(second, HANDSHAKE);
	rig_settle(&rig);
	gate_end(last(), GATE_CLEAN);
	rig_settle(&rig);
	ck_assert_uint_eq(rig.gate.n, 1);
	rig_advance(&rig, 25);
	RIG_UNTIL(&rig, rig.gate.n == 2);
	answer(true, SWITCH);
	check_auth("n-1", "https://mastio.test");
}
END_TEST

/* Other paths, and requests that are none, are not concerned. */
START_TEST(others)
{
	static const char *const heads[] = {
	    "GET " WHERE " HTTP/1.1\r\nHost: mastio.test\r\n\r\n",
	    "GET /v1/broker/wss HTTP/1.1\r\nHost: mastio.test\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Version: 13\r\n\r\n",
	};
	struct agent *a;

	setup("");
	a = agent_open(&rig, false);
	agent_say(a, heads[_i]);
	RIG_UNTIL(&rig, rig.gate.n && rig_has_head(&last()->in));
	ck_assert_int_eq(
	    rig_has(&last()->in, "\r\nUpgrade: websocket\r\n"), _i);
	check_free();
	if (_i) {
		gate_say(last(), SPAN(SWITCH "\x81\x02yo"));
		RIG_UNTIL(&rig, rig_has(&a->in, "yo"));
	}
}
END_TEST

/* ---- without a Court token ---- */

/* On a federated gateway the Court would refuse, elsewhere the gateway does. */
START_TEST(local_token)
{
	struct agent *a;

	rig_init(&rig, "");
	atomic_store(
	    &rig.gateway.mode, _i ? GATEWAY_FEDERATION : GATEWAY_STANDALONE);
	a = agent_open(&rig, false);
	agent_say(a, HANDSHAKE);
	if (_i) {
		RIG_UNTIL(&rig, rig_ended(&rig, END_AUTH_REFUSED) == 1);
		RIG_UNTIL(&rig, rig_has(&a->in, "court-token-needed"));
		ck_assert_uint_eq(rig.gate.n, 0);
		return;
	}
	answer(true, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n"
		     "Content-Length: 0\r\n\r\n");
	RIG_UNTIL(&rig, rig_has_head(&a->in));
	ck_assert(rig_has(&a->in, "HTTP/1.1 403 Forbidden\r\n"));
	ck_assert(rig_has(
	    &a->in, "\r\nX-Cullis-Sidecar-Hint: this gateway is standalone"));
}
END_TEST

UNIT_MAIN_ROWS("courtsocket", NULL, teardown, {let_in, 1},
    {answer_in_two_pieces, 55}, {answer_in_fragments, 60},
    {fragments_without_end, 1}, {refusal_in_fragments, 1}, {pings, 1},
    {eager_agent, 1}, {configured_base, 1}, {nonce_in_stock, 2},
    {nonce_refused, 1}, {no_nonce, 1}, {switch_instead_of_nonce, 1},
    {refused, COUNT(refusals)}, {malformed, COUNT(faults)},
    {connection_ends, 4}, {silence, 1}, {token_refused, 2}, {agent_leaves, 1},
    {second_socket, 2}, {back_at_once, 1}, {others, 2}, {local_token, 2})
