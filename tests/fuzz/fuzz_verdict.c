/*
 * fuzz_verdict: any answer of a gateway has a verdict, which keeps the promises
 * that whoever acts on it relies on.  A Date field goes along.
 *
 * Input: one line "STATUS ROUTE TOKEN SENT", the last one the sum of 1 (with a
 * proof), 2 (with the API key) and 4 (a HEAD request); then field lines
 * "X:value" with X one of c (Content-Type), w (WWW-Authenticate), n, r
 * (Retry-After), h (hint), s (shed reason), o (role), p (path), d (Date); an
 * empty line; the body.
 */
#include "auth/clockoff.h"
#include "auth/verdict.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_field(
    struct verdict_input *in, char which, struct span value, size_t *challenges)
{
	int64_t unix_s;

	switch (which) {
	case 'c':
		in->content_type = value;
		return;
	case 'w':
		if (*challenges < VERDICT_CHALLENGES)
			in->www_authenticate[(*challenges)++] = value;
		return;
	case 'n':
		in->dpop_nonce = value;
		return;
	case 'r':
		in->retry_after = value;
		return;
	case 'h':
		in->hint = value;
		return;
	case 's':
		in->shed_reason = value;
		return;
	case 'o':
		in->role = value;
		return;
	case 'p':
		in->path = value;
		return;
	case 'd':
		in->date = value;
		if (clockoff_date(value, &unix_s))
			assert(unix_s >= 0 && unix_s < 253402300801);
		return;
	default:
		return;
	}
}

static void
check(const struct verdict *v)
{
	assert(v->row < VERDICT_ROWS);
	assert(verdict_action_name(v->action));
	assert(v->wait_s <= 3600);
	assert(strlen(v->base) <= VERDICT_BASE_MAX);
	assert(strlen(v->detail) <= VERDICT_DETAIL_MAX);
	for (const char *p = v->base; *p; p++)
		assert(*p > ' ' && *p < 0x7f && *p != '"' && *p != '\\');
	for (const char *p = v->detail; *p; p++)
		assert(*p >= ' ' && *p < 0x7f);
	assert(strlen(v->hint) <= VERDICT_DETAIL_MAX);
	for (const char *p = v->hint; *p; p++)
		assert(*p >= ' ' && *p < 0x7f);
	if (v->action == VERDICT_PASS) {
		assert(!v->words.code && !v->base[0]);
		return;
	}
	assert(v->words.code && v->words.message && v->words.suggestion);
	if (v->base[0])
		assert(v->action == VERDICT_LEARN_HTU);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_new((const char *)data, size), line;
	struct verdict_input in = {0};
	struct verdict v, bare;
	size_t challenges = 0;
	uint64_t n;

	line = span_cut(&rest, '\n');
	if (span_u64(span_cut(&line, ' '), &n))
		in.status = (unsigned)n;
	if (span_u64(span_cut(&line, ' '), &n))
		in.route = (enum verdict_route)(n % 5);
	if (span_u64(span_cut(&line, ' '), &n))
		in.token = (enum verdict_token)(n % 3);
	if (span_u64(line, &n)) {
		in.proof = n & 1;
		in.key = n & 2;
		in.head = n & 4;
	}
	while (rest.p && (line = span_cut(&rest, '\n')).n > 1)
		take_field(&in, line.p[0], span_new(line.p + 2, line.n - 2),
		    &challenges);
	in.body = rest;
	v = verdict_of(&in);
	check(&v);
	/* A body that decides is asked for. */
	in.body = SPAN_NONE;
	bare = verdict_of(&in);
	if (in.route != VERDICT_ROUTE_LOGIN && v.row != bare.row &&
	    (v.action != VERDICT_PASS || bare.action != VERDICT_PASS))
		assert(verdict_wants_body(&in));
	return 0;
}
