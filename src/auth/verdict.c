/*
 * verdict: see verdict.h.
 */
#include "auth/verdict.h"

#include "auth/clockoff.h"

#include <jansson.h>
#include <stdio.h>

#define WAIT_MAX_S 3600

/* What a row's text is compared with. */
enum verdict_where {
	WHERE_DETAIL,   /* member "detail" is the text */
	WHERE_BEGINS,   /* member "detail" begins with it */
	WHERE_HOLDS,    /* member "detail" holds it */
	WHERE_REASON,   /* member "reason" of the object "detail" is it */
	WHERE_TITLE,    /* title of an HTML page is it */
	WHERE_REALM,    /* realm of a WWW-Authenticate challenge is it */
	WHERE_HINT,     /* X-Cullis-Hint is it */
	WHERE_NONCE,    /* there is a DPoP-Nonce; nothing is compared */
	WHERE_SHED,     /* X-Cullis-Shed-Reason is it */
	WHERE_ANYTHING, /* nothing is compared */
};

/* What a row is about. */
enum verdict_when {
	WHEN_ANY,
	WHEN_LOGIN,    /* our own login */
	WHEN_REQUEST,  /* an agent's request */
	WHEN_NO_TOKEN, /* the same, sent without a token */
	WHEN_HEAD,     /* the same, by HEAD: no body tells more */
	WHEN_HEAD_NO_TOKEN,
	WHEN_HEAD_TOKEN_PATH, /* the same, for what wants a token */
	WHEN_API_KEY,         /* the same, sent with our API key */
	WHEN_CERT_PATH,       /* the same, for what ignores tokens */
	WHEN_LOCAL_TOKEN,     /* the same, sent with a local token */
	WHEN_COURT_TOKEN,     /* the same, sent with a Court token */
	WHEN_COURT_LOCAL,     /* the same, answered by the Court, local token */
};

enum verdict_code {
#define VERDICT_CODE(id, ...) CODE_##id,
#include "tbl/verdict.h"
	CODES
};

static const struct verdict_words codes[CODES] = {
#define VERDICT_CODE(id, code, message, suggestion) \
	[CODE_##id] = {code, message, suggestion},
#include "tbl/verdict.h"
};

enum { V_RELOAD = 1, V_ENDORSE = 2, V_AGENT = 4, V_KEY = 8 };

static const struct row {
	unsigned status;
	enum verdict_where where;
	const char *text;
	enum verdict_when when;
	enum verdict_action action;
	unsigned tries, wait_s, flags;
	enum verdict_code code;
} rows[VERDICT_ROWS] = {
#define VERDICT_ROW(                                                    \
    id, status, where, text, when, action, tries, wait, flags, code)    \
	[VERDICT_ROW_##id] = {status, WHERE_##where, text, WHEN_##when, \
	    VERDICT_##action, tries, wait, flags, CODE_##code},
#include "tbl/verdict.h"
};

/* The answer with its body taken apart once. */
struct seen {
	const struct verdict_input *in;
	json_t *json;
	struct span detail; /* string */
	struct span reason, hint;
	struct span title;
};

static struct span
member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return span_new(json_string_value(value), json_string_length(value));
}

static struct span
title_of(struct span html)
{
	static const struct span open = {"<title>", 7}, close = {"</title>", 8};

	for (size_t i = 0; i + open.n <= html.n; i++) {
		struct span rest = span_new(html.p + i, html.n - i);

		if (!span_istarts(rest, open))
			continue;
		for (size_t j = open.n; j + close.n <= rest.n; j++) {
			if (span_istarts(
				span_new(rest.p + j, rest.n - j), close))
				return span_trim(
				    span_new(rest.p + open.n, j - open.n));
		}
	}
	return SPAN_NONE;
}

static struct seen
look(const struct verdict_input *in)
{
	struct seen s = {.in = in};
	struct span body = in->body;

	if (body.n > VERDICT_BODY_MAX)
		body.n = VERDICT_BODY_MAX;
	if (span_istarts(in->content_type, SPAN("application/json"))) {
		const json_t *detail;

		s.json = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
		detail = json_object_get(s.json, "detail");
		s.detail = member(s.json, "detail");
		s.reason = member(detail, "reason");
		s.hint = member(detail, "hint");
	} else if (span_istarts(in->content_type, SPAN("text/html"))) {
		s.title = title_of(body);
	}
	return s;
}

/* Has one of the challenges realm=text, quoted or not (RFC 9110 11.6.1)? */
static bool
has_realm(const struct verdict_input *in, struct span text)
{
	static const struct span key = {"realm=", 6};

	for (size_t c = 0; c < VERDICT_CHALLENGES; c++) {
		struct span field = in->www_authenticate[c];

		for (size_t i = 0; i + key.n < field.n; i++) {
			struct span at = span_new(field.p + i, field.n - i);
			struct span value;

			if (!span_istarts(at, key))
				continue;
			at = span_new(at.p + key.n, at.n - key.n);
			if (at.p[0] == '"') {
				at = span_new(at.p + 1, at.n - 1);
				value = span_cut(&at, '"');
			} else {
				value = span_trim(span_cut(&at, ','));
			}
			if (span_eq(value, text))
				return true;
		}
	}
	return false;
}

static bool
text_fits(const struct row *row, const struct seen *s)
{
	struct span text = span_of(row->text);

	switch (row->where) {
	case WHERE_DETAIL:
		return span_eq(s->detail, text);
	case WHERE_BEGINS:
		return span_starts(s->detail, text);
	case WHERE_HOLDS:
		return s->detail.p &&
		       memmem(s->detail.p, s->detail.n, text.p, text.n);
	case WHERE_REASON:
		return span_eq(s->reason, text);
	case WHERE_TITLE:
		return span_eq(s->title, text);
	case WHERE_REALM:
		return has_realm(s->in, text);
	case WHERE_HINT:
		return span_eq(s->in->hint, text);
	case WHERE_NONCE:
		return s->in->dpop_nonce.n > 0;
	case WHERE_SHED:
		return span_eq(s->in->shed_reason, text);
	case WHERE_ANYTHING:
		return true;
	}
	return false;
}

static bool
from_court(const struct verdict_input *in)
{
	return in->route == VERDICT_ROUTE_COURT ||
	       span_ieq(in->role, SPAN("proxy"));
}

static bool
when_fits(const struct row *row, const struct verdict_input *in)
{
	bool login = in->route == VERDICT_ROUTE_LOGIN;

	switch (row->when) {
	case WHEN_ANY:
		return true;
	case WHEN_LOGIN:
		return login;
	case WHEN_REQUEST:
		return !login;
	case WHEN_NO_TOKEN:
		return !login && in->token == VERDICT_TOKEN_NONE;
	case WHEN_HEAD:
		return !login && in->head;
	case WHEN_HEAD_NO_TOKEN:
		return !login && in->head && in->token == VERDICT_TOKEN_NONE;
	case WHEN_HEAD_TOKEN_PATH:
		return in->head && in->route == VERDICT_ROUTE_TOKEN &&
		       in->token == VERDICT_TOKEN_NONE;
	case WHEN_API_KEY:
		return !login && in->key;
	case WHEN_CERT_PATH:
		return in->route == VERDICT_ROUTE_CERT;
	case WHEN_LOCAL_TOKEN:
		return !login && in->token == VERDICT_TOKEN_LOCAL;
	case WHEN_COURT_TOKEN:
		return !login && in->token == VERDICT_TOKEN_COURT;
	case WHEN_COURT_LOCAL:
		return !login && in->token == VERDICT_TOKEN_LOCAL &&
		       from_court(in);
	}
	return false;
}

static bool
fits(const struct row *row, const struct seen *s)
{
	return (row->status == 0 || row->status == s->in->status) &&
	       when_fits(row, s->in) && text_fits(row, s);
}

/* Only what may stand in a proof as it is. */
static bool
base_ok(struct span base)
{
	if (!span_starts(base, SPAN("https://")) &&
	    !span_starts(base, SPAN("http://")))
		return false;
	for (size_t i = 0; i < base.n; i++) {
		char c = base.p[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"'\\<>?#@", c))
			return false;
	}
	return base.n <= VERDICT_BASE_MAX;
}

/* scheme://authority of a URL. */
static struct span
origin_of(struct span url)
{
	ptrdiff_t slashes = span_find(url, '/');
	size_t i;

	if (slashes < 0)
		return SPAN_NONE;
	for (i = (size_t)slashes + 2; i < url.n && url.p[i] != '/'; i++)
		;
	return i <= url.n ? span_new(url.p, i) : SPAN_NONE;
}

/* A gateway that is not in production says "(expected='URL', got=...)". */
static void
learn_base(const struct seen *s, struct verdict *v)
{
	static const char key[] = "expected='";
	struct span rest, url, base, path = s->in->path;
	const char *at;

	if (!s->detail.p ||
	    !(at = memmem(s->detail.p, s->detail.n, key, sizeof(key) - 1)))
		return;
	at += sizeof(key) - 1;
	rest = span_new(at, (size_t)(s->detail.p + s->detail.n - at));
	url = span_cut(&rest, '\'');
	if (!rest.p)
		return; /* no closing quote */
	base = path.n > 0 && span_ends(url, path)
		   ? span_new(url.p, url.n - path.n)
		   : origin_of(url);
	if (base_ok(base))
		memcpy(v->base, base.p, base.n);
}

/* Appended as far as there is room (VERDICT_DETAIL_MAX). */
static void
add_printable(char *text, struct span from)
{
	size_t at = strlen(text);

	for (size_t i = 0; i < from.n && at < VERDICT_DETAIL_MAX; i++, at++) {
		char c = from.p[i];

		text[at] = c >= ' ' && c < 0x7f ? c : '?';
	}
}

/* The gateway's own words for the log, without what a terminal obeys. */
static void
take_detail(const struct seen *s, struct verdict *v)
{
	struct span from = s->detail.p   ? s->detail
			   : s->reason.p ? s->reason
					 : s->title;

	add_printable(v->detail, from);
	add_printable(v->hint, s->hint);
	if (*v->hint && s->in->hint.n)
		add_printable(v->hint, SPAN("; "));
	add_printable(v->hint, s->in->hint);
}

/* Seconds, or a time by the clock of who answers (RFC 9110 section 10.2.3). */
static bool
retry_after(const struct verdict_input *in, uint64_t *s)
{
	int64_t until, now;

	if (span_u64(span_trim(in->retry_after), s))
		return true;
	if (!clockoff_date(span_trim(in->retry_after), &until) ||
	    !clockoff_date(in->date, &now))
		return false;
	*s = until > now ? (uint64_t)(until - now) : 0;
	return true;
}

static unsigned
wait_of(const struct row *row, const struct verdict_input *in)
{
	uint64_t s;

	if (row->action != VERDICT_BACKOFF || !retry_after(in, &s))
		return row->wait_s;
	return s < WAIT_MAX_S ? (unsigned)s : WAIT_MAX_S;
}

static struct verdict
say(enum verdict_row at, const struct seen *s)
{
	const struct row *row = &rows[at];
	struct verdict v = {
	    .action = row->action,
	    .row = at,
	    .tries = row->tries,
	    .reload = (row->flags & V_RELOAD) != 0,
	    .agent = (row->flags & V_AGENT) != 0,
	    .key = (row->flags & V_KEY) != 0,
	    .endorse = (row->flags & V_ENDORSE) != 0,
	    .words = codes[row->code],
	};

	if (v.action == VERDICT_PASS)
		return v;
	v.wait_s = wait_of(row, s->in);
	if (v.action == VERDICT_LEARN_HTU)
		learn_base(s, &v);
	take_detail(s, &v);
	return v;
}

struct verdict
verdict_of(const struct verdict_input *in)
{
	struct seen s = look(in);
	struct verdict v = {.action = VERDICT_PASS, .row = VERDICT_ROW_NONE};

	for (int i = 0; i < VERDICT_ROWS; i++) {
		if (fits(&rows[i], &s)) {
			v = say((enum verdict_row)i, &s);
			break;
		}
	}
	json_decref(s.json);
	return v;
}

void
verdict_read_head(struct verdict_input *in, const struct head *head)
{
	const struct field *f;
	unsigned n = 0;

	in->status = head->status;
	in->content_type = head_value(head, FIELD_CONTENT_TYPE);
	in->dpop_nonce = head_value(head, FIELD_DPOP_NONCE);
	in->retry_after = head_value(head, FIELD_RETRY_AFTER);
	in->date = head_value(head, FIELD_DATE);
	in->hint = head_value(head, FIELD_X_CULLIS_HINT);
	in->shed_reason = head_value(head, FIELD_X_CULLIS_SHED_REASON);
	in->role = head_value(head, FIELD_X_CULLIS_ROLE);
	for (f = head_find(head, FIELD_WWW_AUTHENTICATE);
	     f && n < VERDICT_CHALLENGES; f = head_find_next(head, f))
		in->www_authenticate[n++] = f->value;
}

/* By the head, can the row fit? */
static bool
may_fit(const struct row *row, const struct seen *s)
{
	struct span type = s->in->content_type;

	if (row->where <= WHERE_REASON)
		return span_istarts(type, SPAN("application/json"));
	if (row->where == WHERE_TITLE)
		return span_istarts(type, SPAN("text/html"));
	return row->where != WHERE_ANYTHING && text_fits(row, s);
}

bool
verdict_wants_body(const struct verdict_input *in)
{
	const struct seen s = {.in = in};

	for (int i = 0; i < VERDICT_ROWS; i++) {
		const struct row *row = &rows[i];

		if (row->status == in->status && row->action != VERDICT_PASS &&
		    when_fits(row, in) && may_fit(row, &s))
			return true;
	}
	return false;
}

struct verdict_words
verdict_words(enum verdict_row row)
{
	return codes[rows[row].code];
}

const char *
verdict_action_name(enum verdict_action action)
{
	static const char *const names[] = {
	    [VERDICT_PASS] = "pass",
	    [VERDICT_NEW_NONCE] = "new-nonce",
	    [VERDICT_NEW_PROOF] = "new-proof",
	    [VERDICT_LOGIN] = "login",
	    [VERDICT_LEARN_HTU] = "learn-htu",
	    [VERDICT_FIX_CLOCK] = "fix-clock",
	    [VERDICT_BACKOFF] = "backoff",
	    [VERDICT_TERMINAL] = "terminal",
	};

	return names[action];
}
