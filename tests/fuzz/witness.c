/*
 * witness: see witness.h.
 */
#include "witness.h"

#include "stage.h"

#include "base/b64.h"
#include "base/mem.h"
#include "http/chunked.h"
#include "proxy/pathclass.h"
#include "proxy/via.h"

#include <assert.h>
#include <stdlib.h>

static const struct head_limits limits = {1 << 18, WITNESS_FIELDS};

/* ---- reading ---- */

static void
take(struct span *in, size_t n)
{
	in->p += n;
	in->n -= n;
}

static void
read_chunks(struct message *m, struct span *in)
{
	enum chunked_status s;
	struct chunked c;
	struct span data;

	chunked_init(&c);
	do {
		s = chunked_read(&c, in, &data);
		buf_add_span(&m->body, data);
	} while (s == CHUNKED_DATA);
	m->whole = s == CHUNKED_DONE;
}

static void
read_body(struct message *m, struct span *in, bool ended)
{
	size_t n = in->n;

	switch (m->framing.kind) {
	case FRAMING_NONE:
		m->whole = true;
		return;
	case FRAMING_CHUNKED:
		read_chunks(m, in);
		return;
	case FRAMING_LENGTH:
		if (n > m->framing.length)
			n = (size_t)m->framing.length;
		m->whole = n == m->framing.length;
		break;
	case FRAMING_CLOSE:
		m->whole = ended;
		break;
	}
	buf_add(&m->body, in->p, n);
	take(in, n);
}

static void
read_request(struct message *m, struct span *in)
{
	const char *why;

	head_reset(&m->head, m->fields);
	m->status = head_parse_request(&m->head, *in, &limits);
	m->read = m->status == HEAD_DONE;
	if (!m->read)
		return;
	m->raw = span_new(in->p, m->head.size);
	take(in, m->head.size);
	m->framed = framing_request(&m->head, &m->framing, &why) == FRAMING_OK;
	if (m->framed)
		read_body(m, in, false);
}

/* The final answer, or 101; interim ones are only counted. */
static void
read_answer(struct talk *t, struct message *m, struct span method,
    struct span *in, bool ended)
{
	const char *why;

	for (;;) {
		head_reset(&m->head, m->fields);
		m->status = head_parse_response(&m->head, *in, &limits);
		if (m->status != HEAD_DONE)
			return;
		m->raw = span_new(in->p, m->head.size);
		take(in, m->head.size);
		if (m->head.status >= 200 || m->head.status == 101)
			break;
		t->interims++;
	}
	m->read = true;
	m->framed =
	    framing_response(&m->head, method, &m->framing, &why) == FRAMING_OK;
	if (m->framed)
		read_body(m, in, ended);
}

static struct turn *
add_turn(struct talk *t)
{
	struct turn *turn = MEM_NEW(struct turn);

	t->turns = mem_realloc(t->turns, (t->n + 1) * sizeof(*t->turns));
	t->turns[t->n++] = turn;
	return turn;
}

/* For the pass-through host, as its target says. */
static bool
is_pass(const struct head *h)
{
	struct target t;

	return target_parse(h->method, h->target, &t) && !t.https &&
	       span_ieq(t.authority.host, SPAN(STAGE_HOST)) &&
	       (t.authority.port < 0 || t.authority.port == STAGE_PORT);
}

bool
witness_tunnels(const struct message *m)
{
	return m->read && span_eq(m->head.method, SPAN("CONNECT")) &&
	       is_pass(&m->head);
}

static bool
switches(const struct turn *turn)
{
	const struct message *ans = &turn->answer;

	if (witness_tunnels(&turn->request))
		return !ans->read || ans->head.status < 300;
	return ans->read && ans->head.status == 101 &&
	       head_find(&turn->request.head, FIELD_UPGRADE);
}

void
talk_read(struct talk *t, struct span up, struct span down, bool down_ended)
{
	bool more = true;

	*t = (struct talk){0};
	while (more) {
		struct turn *turn = add_turn(t);
		struct message *req = &turn->request, *ans = &turn->answer;

		turn->up = up.p;
		turn->down = down.p;
		read_request(req, &up);
		read_answer(t, ans, req->read ? req->head.method : SPAN_NONE,
		    &down, down_ended);
		if (switches(turn)) {
			t->raw = true;
			t->raw_up = up;
			t->raw_down = down;
			up = down = span_new("", 0);
		}
		more = req->read && req->framed && req->whole && !t->raw;
	}
	t->rest_up = up;
	t->rest_down = down;
}

void
talk_free(struct talk *t)
{
	for (size_t i = 0; i < t->n; i++) {
		buf_free(&t->turns[i]->request.body);
		buf_free(&t->turns[i]->answer.body);
		free(t->turns[i]);
	}
	free(t->turns);
}

/* ---- heads ---- */

/* CRLF, and HTAB inside a value (RFC 9110 section 5.5), but no other control
 * byte. */
static void
check_bytes(struct span raw)
{
	for (size_t i = 0; i < raw.n; i++) {
		unsigned char c = (unsigned char)raw.p[i];

		if (c == '\r')
			assert(i + 1 < raw.n && raw.p[i + 1] == '\n');
		else if (c == '\n')
			assert(i > 0 && raw.p[i - 1] == '\r');
		else
			assert(c == '\t' || (c >= ' ' && c != 0x7f));
	}
}

static unsigned
count(const struct head *h, enum field_id id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->nfields; i++)
		n += h->fields[i].id == id;
	return n;
}

static void
check_framed_once(const struct message *m)
{
	assert(m->framed);
	assert(count(&m->head, FIELD_CONTENT_LENGTH) +
		   count(&m->head, FIELD_TRANSFER_ENCODING) <=
	       1);
}

/* However the name is written, as CGI would read it. */
static bool
is_named(struct span name, const char *const *list)
{
	for (; *list; list++) {
		size_t n = strlen(*list);
		bool family = n && (*list)[n - 1] == '-', same = true;

		if (family ? name.n < n : name.n != n)
			continue;
		for (size_t i = 0; i < n && same; i++)
			same =
			    (name.p[i] == '_' ? '-' : ascii_lower(name.p[i])) ==
			    (*list)[i];
		if (same)
			return true;
	}
	return false;
}

/* The Via line that the sidecar adds to whatever it forwards (RFC 9110 section
 * 7.6.3), behind those that there are. */
static bool
is_own_via(const struct field *f)
{
	return f->id == FIELD_VIA &&
	       span_ends(f->value, span_of(via_pseudonym()));
}

static bool
has_own_via(const struct head *h)
{
	const struct field *f = head_find(h, FIELD_VIA), *next;

	if (!f)
		return false;
	while ((next = head_find_next(h, f))) {
		assert(!is_own_via(f));
		f = next;
	}
	return is_own_via(f);
}

/* ---- what goes up ---- */

/* The sidecar writes these itself. */
static bool
made_for_request(const struct field *f)
{
	switch (f->id) {
	case FIELD_HOST:
	case FIELD_AUTHORIZATION:
	case FIELD_DPOP:
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_CONNECTION:
	case FIELD_UPGRADE:
	case FIELD_MAX_FORWARDS:
		return true;
	default:
		return is_own_via(f);
	}
}

/* A proof of this very method, by our key. */
static void
check_proof(const struct head *h)
{
	struct span proof = head_value(h, FIELD_DPOP), payload;
	struct buf want = BUF_INIT;
	char claims[2048];
	ssize_t n;

	assert(span_starts(proof, SPAN("eyJ")));
	span_cut(&proof, '.');
	payload = span_cut(&proof, '.');
	n = b64url_decode(claims, sizeof(claims), payload);
	assert(n > 0 && proof.n > 0);
	buf_add_str(&want, "\"htm\":\"");
	buf_add_json(&want, h->method);
	buf_add_char(&want, '"');
	assert(memmem(claims, (size_t)n, buf_span(&want).p, want.len));
	buf_free(&want);
}

static void
check_fields(
    const struct head *h, const char *const *never, const char *const *once)
{
	assert(h->minor == 1);
	assert(has_own_via(h));
	for (unsigned i = 0; i < h->nfields; i++) {
		const struct field *f = &h->fields[i];

		assert(!is_named(f->name, never));
		if (!is_named(f->name, once))
			continue;
		assert(f->id != FIELD_OTHER);
		assert(head_find(h, f->id) == f && !head_find_next(h, f));
	}
	assert(!head_find(h, FIELD_CONNECTION) == !head_find(h, FIELD_UPGRADE));
}

/* Whatever credentials there are came from the agent. */
static void
check_passed_head(const struct head *h)
{
	static const char *const never[] = {"proxy-", "keep-alive", "te",
	    "trailer", "expect", "http2-settings", NULL};
	static const char *const once[] = {"host", "content-length",
	    "transfer-encoding", "connection", "upgrade", NULL};
	struct authority a;

	assert(authority_parse(head_value(h, FIELD_HOST), &a));
	assert(span_ieq(a.host, SPAN(STAGE_HOST)));
	assert(a.port < 0 || a.port == STAGE_PORT);
	assert(!memmem(h->target.p, h->target.n, "://", 3) ||
	       h->target.p[0] == '/');
	check_fields(h, never, once);
}

static void
check_request_head(const struct head *h)
{
	static const char *const never[] = {"proxy-", "cookie", "x-api-key",
	    "keep-alive", "te", "trailer", "expect", "forwarded",
	    "x-forwarded-", "x-ssl-client-", "client-cert", "client-cert-chain",
	    "dpop-nonce", "http2-settings", "origin", "sec-fetch-",
	    "x-original-", "x-http-method-override", NULL};
	static const char *const once[] = {"host", "authorization", "dpop",
	    "content-length", "transfer-encoding", "connection", "upgrade",
	    NULL};
	struct span auth = head_value(h, FIELD_AUTHORIZATION);

	assert(span_eq(head_value(h, FIELD_HOST), SPAN("mastio.test")));
	assert(span_starts(auth, SPAN("DPoP eyJhbGciOiJFUzI1NiJ9.")));
	assert(span_ends(auth, SPAN(".c2ln")));
	check_proof(h);
	check_fields(h, never, once);
}

void
witness_upstream(const struct talk *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct turn *turn = t->turns[i];

		if (!turn->request.read) {
			/* Nothing, or a head that was cut off. */
			assert(turn->request.status == HEAD_MORE);
			return;
		}
		check_bytes(turn->request.raw);
		if (t->pass)
			check_passed_head(&turn->request.head);
		else
			check_request_head(&turn->request.head);
		check_framed_once(&turn->request);
		if (i == 0)
			continue;
		/* The connection was kept after the one before. */
		turn = t->turns[i - 1];
		assert(turn->request.whole && turn->answer.whole);
		assert(turn->answer.framing.kind != FRAMING_CLOSE);
		assert(head_keep_alive(&turn->answer.head));
	}
}

/* The fields that both have, but for what either side makes itself, are the
 * same ones in the same order. */
static bool
same_fields(const struct head *out, const struct head *in,
    bool (*made)(const struct field *), bool (*goes)(const struct field *))
{
	unsigned i = 0, j = 0;

	for (;;) {
		while (i < out->nfields && made(&out->fields[i]))
			i++;
		while (j < in->nfields &&
		       (made(&in->fields[j]) || !goes(&in->fields[j]) ||
			   head_connection_names(in, &in->fields[j])))
			j++;
		if (i == out->nfields || j == in->nfields)
			return i == out->nfields && j == in->nfields;
		if (!span_eq(out->fields[i].name, in->fields[j].name) ||
		    !span_eq(out->fields[i].value, in->fields[j].value))
			return false;
		i++;
		j++;
	}
}

/* The same body, or as much of it as went before the transfer ended. */
static bool
same_body(const struct message *out, const struct message *in)
{
	struct span a = buf_span(&out->body), b = buf_span(&in->body);

	if (out->whole)
		return in->whole && span_eq(a, b);
	return a.n <= b.n && memcmp(a.p, b.p, a.n) == 0;
}

static bool
same_target(const struct message *out, const struct message *in)
{
	struct span got = out->head.target;
	struct target t;

	if (!target_parse(in->head.method, in->head.target, &t))
		return false;
	if (t.form == TARGET_ASTERISK)
		return span_eq(got, SPAN("*"));
	if (!span_starts(got, t.path))
		return false;
	take(&got, t.path.n);
	return span_eq(got, t.query);
}

/* One less with OPTIONS (RFC 9110 section 7.6.2), else nobody's business. */
static bool
same_hops(const struct head *out, const struct head *in)
{
	struct span a = head_value(out, FIELD_MAX_FORWARDS);
	struct span b = head_value(in, FIELD_MAX_FORWARDS);
	uint64_t left, had;

	if (!b.p || !span_eq(in->method, SPAN("OPTIONS")))
		return span_eq(a, b);
	return span_u64(a, &left) && span_u64(b, &had) && had > 0 &&
	       left == had - 1;
}

/* Protocol 9.1: what is forwarded to the Court must come back unpacked, so the
 * one encoding that is asked for is ours. */
static bool
is_forwarded(const struct message *out)
{
	struct path path = {0};
	struct target t;
	bool court = target_parse(out->head.method, out->head.target, &t) &&
		     path_read(t.path, &path) == PATH_OK &&
		     pathclass_wants(pathclass_of(buf_span(&path.decoded))) ==
			 WANTS_COURT;

	path_free(&path);
	return court;
}

/* May it show the local token?  Then it depends on the configuration of the
 * moment whether it goes on; see witness_keeps(). */
static bool
may_show(const struct field *f)
{
	return span_istarts(f->value, SPAN("Basic ")) ||
	       memmem(f->value.p, f->value.n, STAGE_SECRET,
		   sizeof(STAGE_SECRET) - 1);
}

static bool
made_or_shown(const struct field *f)
{
	return may_show(f) || made_for_request(f);
}

static bool
made_for_court(const struct field *f)
{
	return f->id == FIELD_ACCEPT_ENCODING || made_or_shown(f);
}

static bool
made_for_pass(const struct field *f)
{
	return f->id != FIELD_AUTHORIZATION && f->id != FIELD_DPOP &&
	       made_for_request(f);
}

static bool
passes(const struct field *f)
{
	return field_passes(f) && !may_show(f);
}

static bool
made_for_pass_or_shown(const struct field *f)
{
	return may_show(f) || made_for_pass(f);
}

static bool
same_request_fields(const struct message *out, const struct message *in)
{
	const struct head *o = &out->head, *i = &in->head;

	if (is_pass(i))
		return same_fields(o, i, made_for_pass_or_shown, passes);
	if (!is_forwarded(out))
		return same_fields(o, i, made_or_shown, field_request_allowed);
	return span_eq(
		   head_value(o, FIELD_ACCEPT_ENCODING), SPAN("identity")) &&
	       same_fields(o, i, made_for_court, field_request_allowed);
}

bool
witness_same_request(const struct message *out, const struct message *in)
{
	return in->read && in->framed &&
	       span_eq(out->head.method, in->head.method) &&
	       same_target(out, in) &&
	       (out->framing.kind == FRAMING_CHUNKED) ==
		   (in->framing.kind == FRAMING_CHUNKED) &&
	       (!out->framing.stated ||
		   out->framing.length == in->framing.length) &&
	       same_body(out, in) && same_hops(&out->head, &in->head) &&
	       same_request_fields(out, in);
}

static bool
shows(const struct field *f, const struct localtoken *token)
{
	return localtoken_is(token, f->value) ||
	       localtoken_in_bearer(token, f->value) ||
	       localtoken_in_basic(token, f->value);
}

bool
witness_shows(const struct talk *t, size_t turn, const struct localtoken *token)
{
	for (size_t k = 0; k <= turn; k++) {
		const struct head *h = &t->turns[k]->request.head;

		if (k < turn && !span_eq(h->method, SPAN("CONNECT")))
			continue;
		for (unsigned i = 0; i < h->nfields; i++)
			switch (h->fields[i].id) {
			case FIELD_PROXY_AUTHORIZATION:
			case FIELD_AUTHORIZATION:
			case FIELD_X_API_KEY:
				if (shows(&h->fields[i], token))
					return true;
				break;
			default:
				break;
			}
	}
	return false;
}

void
witness_keeps(const struct talk *t, const struct localtoken *token)
{
	for (size_t k = 0; k < t->n; k++) {
		const struct message *m = &t->turns[k]->request;

		for (unsigned i = 0; m->read && i < m->head.nfields; i++)
			assert(!shows(&m->head.fields[i], token));
	}
}

/* ---- what comes down ---- */

static bool
made_for_answer(const struct field *f)
{
	switch (f->id) {
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_CONNECTION:
	case FIELD_UPGRADE:
	case FIELD_LOCATION: /* rewritten */
		return true;
	default:
		return is_own_via(f) ||
		       span_eq(f->name, SPAN("X-Cullis-Sidecar-Hint"));
	}
}

static void
check_answer(const struct message *m, const struct message *request)
{
	static const char *const never[] = {"dpop-nonce", "www-authenticate",
	    "set-cookie", "set-cookie2", "proxy-", "keep-alive", "te",
	    "trailer", "alt-svc", "clear-site-data",
	    "strict-transport-security", "access-control-", NULL};
	static const char *const never_passed[] = {
	    "proxy-", "keep-alive", "te", "trailer", NULL};
	const struct head *h = &m->head;
	bool pass = is_pass(&request->head);
	/* The sidecar's own, which asks for the local token. */
	bool asks = h->status == 407 && !head_find(h, FIELD_VIA);

	check_bytes(m->raw);
	check_framed_once(m);
	assert(h->minor == 1);
	for (unsigned i = 0; i < h->nfields; i++)
		assert(
		    !is_named(h->fields[i].name, pass ? never_passed : never) ||
		    (asks && h->fields[i].id == FIELD_PROXY_AUTHENTICATE));
	assert(count(h, FIELD_CONNECTION) <= 1);
	/* Who knows chunks can tell a whole answer from a cut one. */
	assert(m->framing.kind != FRAMING_CLOSE || request->head.minor == 0);
}

void
witness_answers(const struct talk *t)
{
	const struct message *last = &t->turns[t->n - 1]->answer;

	for (size_t i = 0; i < t->n; i++) {
		const struct message *m = &t->turns[i]->answer;
		const struct message *before =
		    i ? &t->turns[i - 1]->answer : NULL;

		if (!m->read)
			continue;
		check_answer(m, &t->turns[i]->request);
		/* None behind a cut one, or where the last was announced. */
		assert(!before ||
		       (before->whole && !head_has_token(&before->head,
					     FIELD_CONNECTION, SPAN("close"))));
	}
	if (t->raw)
		return;
	/* Nothing more than a head that was cut off. */
	assert(last->read ? t->rest_down.n == 0 : last->status == HEAD_MORE);
}

static bool
made_for_passed(const struct field *f)
{
	return f->id != FIELD_LOCATION && made_for_answer(f);
}

static bool
same_answer_fields(
    const struct head *out, const struct head *in, const struct head *request)
{
	return is_pass(request)
		   ? same_fields(out, in, made_for_passed, field_passes)
		   : same_fields(
			 out, in, made_for_answer, field_response_allowed);
}

bool
witness_same_answer(const struct message *out, const struct message *in,
    const struct head *request)
{
	return in->read && in->framed && out->head.status == in->head.status &&
	       (out->head.status == 101 ||
		   span_eq(out->head.reason, in->head.reason)) &&
	       same_body(out, in) && has_own_via(&out->head) &&
	       same_answer_fields(&out->head, &in->head, request);
}

/* OPTIONS that went no further. */
static bool
is_own_options(const struct turn *turn)
{
	const struct head *h = &turn->answer.head;

	return span_eq(turn->request.head.method, SPAN("OPTIONS")) &&
	       h->status == 200 && turn->answer.framing.length == 0 &&
	       h->nfields >= 2 && h->nfields <= 3 &&
	       span_eq(h->fields[0].name, SPAN("Allow"));
}

static bool
is_own_error(const struct message *m)
{
	struct span body = buf_span(&m->body);
	bool mark = false;

	for (unsigned i = 0; i < m->head.nfields; i++)
		mark |= span_eq(
		    m->head.fields[i].name, SPAN("X-Cullis-Sidecar-Error"));
	return mark && m->head.status >= 400 &&
	       span_eq(head_value(&m->head, FIELD_CONTENT_TYPE),
		   SPAN("application/json")) &&
	       (!m->whole || body.n == 0 ||
		   span_starts(body, SPAN("{\"error\":{\"code\"")) ||
		   span_starts(body, SPAN("{\"jsonrpc\":\"2.0\",\"id\":null")));
}

bool
witness_own_answer(const struct turn *turn)
{
	const struct head *h = &turn->answer.head;

	if (head_find(h, FIELD_VIA))
		return false;
	if (span_eq(turn->request.head.method, SPAN("CONNECT")) &&
	    h->status == 200)
		return h->nfields == 0;
	return is_own_options(turn) || is_own_error(&turn->answer);
}
