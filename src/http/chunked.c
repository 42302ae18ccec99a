/*
 * chunked: see chunked.h.
 *
 * Everything but the data goes through a machine of one byte per step; a step
 * names the next state.
 */
#include "http/chunked.h"

#include "http/chars.h"

enum state {
	S_SIZE,
	S_EXT_GAP, /* white space, a ";" must come */
	S_EXT,     /* behind the ";" */
	S_EXT_NAME,
	S_EXT_NAME_GAP, /* white space, "=" or ";" must come */
	S_EXT_EQUALS,
	S_EXT_TOKEN,
	S_EXT_QUOTED,
	S_EXT_ESCAPED,
	S_EXT_UNQUOTED, /* behind the closing quote */
	S_SIZE_LF,
	S_DATA,
	S_DATA_CR,
	S_DATA_LF,
	S_TRAILER, /* first byte of a trailer line */
	S_TRAILER_NAME,
	S_TRAILER_VALUE,
	S_TRAILER_LF,
	S_END_LF,
	S_DONE,
	S_BAD,
};

static int
bad(struct chunked *c, const char *why)
{
	c->why = why;
	return S_BAD;
}

/* What may follow a whole size, extension name or value. */
static int
step_after(struct chunked *c, char ch, int gap)
{
	if (ch == ';')
		return S_EXT;
	if (ch == '\r')
		return S_SIZE_LF;
	if (ascii_blank(ch))
		return gap;
	return bad(c, ch == '\n' ? "a bare line feed behind a chunk size"
				 : "a malformed chunk size line");
}

static int
step_size(struct chunked *c, char ch)
{
	int digit = ascii_hex(ch);

	if (digit < 0 && c->digits)
		return step_after(c, ch, S_EXT_GAP);
	if (digit < 0)
		return bad(c, "no hex digit where a chunk size must be");
	if (++c->digits > 16)
		return bad(c, "a chunk size of more than 16 digits");
	c->left = c->left << 4 | (unsigned)digit;
	if (c->left > INT64_MAX)
		return bad(c, "a chunk size of 2^63 or more");
	return S_SIZE;
}

static int
step_ext(struct chunked *c, char ch)
{
	switch ((enum state)c->state) {
	case S_EXT_GAP:
		if (ascii_blank(ch))
			return S_EXT_GAP;
		if (ch == ';')
			return S_EXT;
		break;
	case S_EXT:
		if (ascii_blank(ch))
			return S_EXT;
		if (char_is(ch, C_TCHAR))
			return S_EXT_NAME;
		break;
	case S_EXT_NAME:
		if (char_is(ch, C_TCHAR))
			return S_EXT_NAME;
		if (ch == '=')
			return S_EXT_EQUALS;
		return step_after(c, ch, S_EXT_NAME_GAP);
	case S_EXT_NAME_GAP:
		if (ascii_blank(ch))
			return S_EXT_NAME_GAP;
		if (ch == '=' || ch == ';')
			return ch == '=' ? S_EXT_EQUALS : S_EXT;
		break;
	case S_EXT_EQUALS:
		if (ascii_blank(ch))
			return S_EXT_EQUALS;
		if (ch == '"')
			return S_EXT_QUOTED;
		if (char_is(ch, C_TCHAR))
			return S_EXT_TOKEN;
		break;
	case S_EXT_TOKEN:
		if (char_is(ch, C_TCHAR))
			return S_EXT_TOKEN;
		return step_after(c, ch, S_EXT_GAP);
	case S_EXT_QUOTED:
		if (ch == '"')
			return S_EXT_UNQUOTED;
		if (char_is(ch, C_VALUE))
			return ch == '\\' ? S_EXT_ESCAPED : S_EXT_QUOTED;
		break;
	case S_EXT_ESCAPED:
		if (char_is(ch, C_VALUE))
			return S_EXT_QUOTED;
		break;
	default: /* S_EXT_UNQUOTED */
		return step_after(c, ch, S_EXT_GAP);
	}
	return bad(c, "a malformed chunk extension");
}

/* One byte of the size line, its CRLF but for the LF included. */
static int
step_size_line(struct chunked *c, char ch)
{
	if (++c->line > CHUNKED_LINE_MAX)
		return bad(c, "a chunk size line that is too long");
	if (c->state == S_SIZE)
		return step_size(c, ch);
	if (++c->ext > CHUNKED_EXT_MAX)
		return bad(c, "more chunk extensions than data");
	return step_ext(c, ch);
}

static int
step_trailer(struct chunked *c, char ch)
{
	if (++c->trailers > CHUNKED_TRAILER_MAX)
		return bad(c, "a trailer section that is too long");
	switch ((enum state)c->state) {
	case S_TRAILER:
		if (ch == '\r')
			return S_END_LF;
		if (char_is(ch, C_TCHAR))
			return S_TRAILER_NAME;
		return bad(c, "a trailer line that begins with no name");
	case S_TRAILER_NAME:
		if (ch == ':')
			return S_TRAILER_VALUE;
		if (char_is(ch, C_TCHAR))
			return S_TRAILER_NAME;
		return bad(c, "a byte that no trailer name may hold");
	case S_TRAILER_VALUE:
		if (ch == '\r')
			return S_TRAILER_LF;
		if (char_is(ch, C_VALUE))
			return S_TRAILER_VALUE;
		return bad(c, "a control byte in a trailer value");
	default: /* S_TRAILER_LF, S_END_LF */
		if (ch != '\n')
			return bad(c, "a bare carriage return in the trailers");
		return c->state == S_END_LF ? S_DONE : S_TRAILER;
	}
}

/* The line ends between the parts. */
static int
step_lf(struct chunked *c, char ch)
{
	switch ((enum state)c->state) {
	case S_SIZE_LF:
		if (ch != '\n')
			return bad(c, "a bare carriage return behind a chunk "
				      "size");
		return c->left ? S_DATA : S_TRAILER;
	case S_DATA_CR:
		if (ch == '\r')
			return S_DATA_LF;
		break;
	default: /* S_DATA_LF */
		c->digits = 0;
		c->line = 0;
		if (ch == '\n')
			return S_SIZE;
		break;
	}
	return bad(c, "chunk data that is not followed by CRLF");
}

static int
step(struct chunked *c, char ch)
{
	if (c->state < S_SIZE_LF)
		return step_size_line(c, ch);
	if (c->state < S_TRAILER)
		return step_lf(c, ch);
	return step_trailer(c, ch);
}

static void
take_data(struct chunked *c, struct span *in, struct span *data)
{
	size_t n = c->left < in->n ? (size_t)c->left : in->n;

	*data = span_new(in->p, n);
	in->p += n;
	in->n -= n;
	c->left -= n;
	c->ext -= c->ext < n ? c->ext : n;
	if (c->left == 0)
		c->state = S_DATA_CR;
}

void
chunked_init(struct chunked *c)
{
	*c = (struct chunked){.state = S_SIZE};
}

enum chunked_status
chunked_read(struct chunked *c, struct span *in, struct span *data)
{
	*data = SPAN_NONE;
	while (c->state != S_DONE && c->state != S_BAD) {
		if (in->n == 0)
			return CHUNKED_MORE;
		if (c->state == S_DATA) {
			take_data(c, in, data);
			return CHUNKED_DATA;
		}
		c->state = step(c, in->p[0]);
		in->p++;
		in->n--;
	}
	return c->state == S_DONE ? CHUNKED_DONE : CHUNKED_BAD;
}
