/*
 * head: see head.h.
 *
 * The reader is a small machine: each state has one function that takes the
 * run of bytes it understands and names the next state.  All that it must
 * remember between calls is in struct head.
 */
#include "http/head.h"

#include "http/chars.h"

#include <assert.h>

enum state {
	S_START,
	S_START_LF,
	S_METHOD,
	S_TARGET,
	S_VERSION,
	S_STATUS,
	S_REASON,
	S_LINE_LF,
	S_FIELD,
	S_NAME,
	S_VALUE,
	S_VALUE_LF,
	S_END_LF,
	S_DONE,
};

static enum head_status
bad(struct head *h, const char *why)
{
	h->why = why;
	return HEAD_BAD;
}

/* Bytes before `end` are through; the next element starts there. */
static enum head_status
next(struct head *h, size_t end, enum state state)
{
	h->scanned = h->mark = end;
	h->state = state;
	return HEAD_MORE;
}

/* From the mark to the end of the run of bytes of these classes. */
static struct span
token_run(struct head *h, struct span in, unsigned classes)
{
	size_t i = h->scanned;

	i += char_run(span_new(in.p + i, in.n - i), classes);
	h->scanned = i;
	return span_new(in.p + h->mark, i - h->mark);
}

static enum head_status
read_lf(struct head *h, struct span in, enum state state)
{
	if (in.p[h->scanned] != '\n')
		return bad(h, "a carriage return without a line feed");
	return next(h, h->scanned + 1, state);
}

static enum head_status
read_start(struct head *h, struct span in)
{
	char c = in.p[h->scanned];

	if (c == '\r')
		return next(h, h->scanned + 1, S_START_LF);
	if (c == 0x16)
		return bad(h, "a TLS handshake where plain HTTP is spoken");
	return next(h, h->scanned, S_METHOD);
}

static enum head_status
read_method(struct head *h, struct span in)
{
	struct span s = token_run(h, in, C_TCHAR);

	if (s.n > HEAD_METHOD_MAX)
		return bad(h, "a method longer than 32 bytes");
	if (h->scanned == in.n)
		return HEAD_MORE;
	if (s.n == 0 || in.p[h->scanned] != ' ')
		return bad(h, "no method and single space in front");
	h->method = s;
	return next(h, h->scanned + 1, S_TARGET);
}

static enum head_status
read_target(struct head *h, struct span in)
{
	struct span s = token_run(h, in, C_VCHAR);

	if (s.n > HEAD_TARGET_MAX)
		return HEAD_TARGET_LONG;
	if (h->scanned == in.n)
		return HEAD_MORE;
	if (s.n == 0)
		return bad(h, "an empty request target");
	if (in.p[h->scanned] == '\r' || in.p[h->scanned] == '\n')
		return bad(h, "a request line without HTTP version");
	if (in.p[h->scanned] != ' ')
		return bad(h, "a byte in the request target that is not "
			      "visible ASCII");
	h->target = s;
	return next(h, h->scanned + 1, S_VERSION);
}

/* Does the element at the mark have this form, 'd' standing for a digit? */
static enum head_status
read_form(struct head *h, struct span in, const char *form, const char *why)
{
	for (; form[h->scanned - h->mark]; h->scanned++) {
		char want = form[h->scanned - h->mark];

		if (h->scanned == in.n)
			return HEAD_MORE;
		if (want == 'd' ? !ascii_digit(in.p[h->scanned])
				: in.p[h->scanned] != want)
			return bad(h, why);
	}
	return HEAD_DONE;
}

/* A request line ends with it, a status line starts with it. */
static enum head_status
read_version(struct head *h, struct span in)
{
	bool response = h->method.n == 0;
	const char *at = in.p + h->mark;
	enum head_status st =
	    read_form(h, in, response ? "HTTP/d.d " : "HTTP/d.d\r",
		"no HTTP version where one must be");

	if (st != HEAD_DONE)
		return st;
	if (at[5] != '1' || at[7] > '1')
		return HEAD_VERSION;
	h->minor = (unsigned)(at[7] - '0');
	return next(h, h->scanned, response ? S_STATUS : S_LINE_LF);
}

static enum head_status
read_status(struct head *h, struct span in)
{
	const char *at = in.p + h->mark;
	enum head_status st = read_form(
	    h, in, "ddd ", "no status code of three digits and a space");

	if (st != HEAD_DONE)
		return st;
	if (at[0] < '1' || at[0] > '5')
		return bad(h, "a status code outside 100 to 599");
	for (int i = 0; i < 3; i++)
		h->status = h->status * 10 + (unsigned)(at[i] - '0');
	return next(h, h->scanned, S_REASON);
}

static enum head_status
read_reason(struct head *h, struct span in)
{
	struct span s = token_run(h, in, C_VALUE);

	if (h->scanned == in.n)
		return HEAD_MORE;
	if (in.p[h->scanned] != '\r')
		return bad(h, "a control byte in the reason phrase");
	h->reason = s;
	return next(h, h->scanned + 1, S_LINE_LF);
}

/* First byte of a line behind the first. */
static enum head_status
read_field(struct head *h, struct span in, unsigned max_fields)
{
	char c = in.p[h->scanned];

	if (c == '\r')
		return next(h, h->scanned + 1, S_END_LF);
	if (ascii_blank(c))
		return bad(h, "a field line that begins with white space");
	if (c == ':')
		return bad(h, "a field line without a name");
	if (!char_is(c, C_TCHAR))
		return bad(h, "a byte that no field name may hold");
	if (h->nfields == max_fields)
		return HEAD_TOO_MANY;
	return next(h, h->scanned, S_NAME);
}

static enum head_status
read_name(struct head *h, struct span in)
{
	struct span s = token_run(h, in, C_TCHAR);

	if (h->scanned == in.n)
		return HEAD_MORE;
	switch (in.p[h->scanned]) {
	case ':':
		h->fields[h->nfields].name = s;
		return next(h, h->scanned + 1, S_VALUE);
	case ' ':
	case '\t':
		return bad(h, "white space between field name and colon");
	case '\r':
	case '\n':
		return bad(h, "a field line without a colon");
	default:
		return bad(h, "a byte that no field name may hold");
	}
}

static void
add_field(struct head *h, struct span value)
{
	struct field *f = &h->fields[h->nfields++];

	f->value = span_trim(value);
	f->id = field_lookup(f->name);
	if (f->id != FIELD_OTHER && h->first[f->id] == 0)
		h->first[f->id] = (uint8_t)h->nfields;
}

static enum head_status
read_value(struct head *h, struct span in)
{
	struct span s = token_run(h, in, C_VALUE);

	if (h->scanned == in.n)
		return HEAD_MORE;
	if (in.p[h->scanned] == '\n')
		return bad(h, "a line feed without a carriage return");
	if (in.p[h->scanned] != '\r')
		return bad(h, "a control byte in a field value");
	add_field(h, s);
	return next(h, h->scanned + 1, S_VALUE_LF);
}

static enum head_status
read_end(struct head *h, struct span in)
{
	enum head_status st = read_lf(h, in, S_DONE);

	if (st != HEAD_MORE)
		return st;
	h->size = h->scanned;
	return HEAD_DONE;
}

static enum head_status
read_next(struct head *h, struct span in, unsigned max_fields)
{
	switch ((enum state)h->state) {
	case S_START:
		return read_start(h, in);
	case S_START_LF:
		return read_lf(h, in, S_METHOD);
	case S_METHOD:
		return read_method(h, in);
	case S_TARGET:
		return read_target(h, in);
	case S_VERSION:
		return read_version(h, in);
	case S_STATUS:
		return read_status(h, in);
	case S_REASON:
		return read_reason(h, in);
	case S_LINE_LF:
	case S_VALUE_LF:
		return read_lf(h, in, S_FIELD);
	case S_FIELD:
		return read_field(h, in, max_fields);
	case S_NAME:
		return read_name(h, in);
	case S_VALUE:
		return read_value(h, in);
	case S_END_LF:
		return read_end(h, in);
	case S_DONE:
		break;
	}
	return bad(h, "a head that was not reset");
}

/* The old memory may be gone: its address is a number here. */
static void
span_rebase(struct span *s, const char *old, const char *new_)
{
	if (s->p)
		s->p = new_ + ((uintptr_t)s->p - (uintptr_t)old);
}

void
head_rebase(struct head *h, const char *old, const char *new_)
{
	/* Of the line being read, the name may be known already. */
	if (h->state == S_VALUE)
		span_rebase(&h->fields[h->nfields].name, old, new_);
	for (unsigned i = 0; i < h->nfields; i++) {
		span_rebase(&h->fields[i].name, old, new_);
		span_rebase(&h->fields[i].value, old, new_);
	}
	span_rebase(&h->method, old, new_);
	span_rebase(&h->target, old, new_);
	span_rebase(&h->reason, old, new_);
	h->base = new_;
}

static enum head_status
head_parse(struct head *h, struct span in, const struct head_limits *limits)
{
	assert(limits->max_fields <= UINT8_MAX);
	if (in.n > limits->max_bytes)
		in.n = limits->max_bytes;
	if (h->base != in.p)
		head_rebase(h, h->base, in.p);
	while (h->scanned < in.n) {
		enum head_status st = read_next(h, in, limits->max_fields);

		if (st != HEAD_MORE)
			return st;
	}
	return in.n == limits->max_bytes ? HEAD_TOO_LARGE : HEAD_MORE;
}

void
head_reset(struct head *h, struct field *array)
{
	memset(h, 0, sizeof(*h));
	h->fields = array;
}

enum head_status
head_parse_request(
    struct head *h, struct span input, const struct head_limits *limits)
{
	return head_parse(h, input, limits);
}

enum head_status
head_parse_response(
    struct head *h, struct span input, const struct head_limits *limits)
{
	if (h->state == S_START)
		h->state = S_VERSION;
	return head_parse(h, input, limits);
}

const struct field *
head_find(const struct head *h, enum field_id id)
{
	return h->first[id] ? &h->fields[h->first[id] - 1] : NULL;
}

const struct field *
head_find_next(const struct head *h, const struct field *f)
{
	const struct field *end = h->fields + h->nfields;

	for (const struct field *g = f + 1; g < end; g++)
		if (g->id == f->id)
			return g;
	return NULL;
}

struct span
head_value(const struct head *h, enum field_id id)
{
	const struct field *f = head_find(h, id);

	return f ? f->value : SPAN_NONE;
}

const struct field *
head_find_repeated(const struct head *h)
{
	for (const struct field *f = h->fields; f < h->fields + h->nfields; f++)
		if (field_flags(f->id) & F_SINGLE && head_find(h, f->id) != f)
			return f;
	return NULL;
}

bool
head_has_token(const struct head *h, enum field_id id, struct span token)
{
	for (const struct field *f = head_find(h, id); f;
	     f = head_find_next(h, f))
		if (list_has(f->value, token))
			return true;
	return false;
}

bool
head_connection_names(const struct head *h, const struct field *f)
{
	return !(field_flags(f->id) & F_CREDENTIAL) &&
	       head_has_token(h, FIELD_CONNECTION, f->name);
}

bool
head_keep_alive(const struct head *h)
{
	bool proxied = h->target.n && h->target.p[0] != '/';

	if (head_has_token(h, FIELD_CONNECTION, SPAN("close")))
		return false;
	if (h->minor == 1)
		return true;
	return !proxied &&
	       head_has_token(h, FIELD_CONNECTION, SPAN("keep-alive"));
}
