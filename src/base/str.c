/*
 * str: see str.h.
 */
#include "base/str.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
span_ieq(struct span a, struct span b)
{
	return a.n == b.n && span_istarts(a, b);
}

bool
span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n &&
	       (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool
span_istarts(struct span s, struct span prefix)
{
	if (s.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (ascii_lower(s.p[i]) != ascii_lower(prefix.p[i]))
			return false;
	return true;
}

bool
span_ends(struct span s, struct span suffix)
{
	return s.n >= suffix.n &&
	       span_eq(span_new(s.p + (s.n - suffix.n), suffix.n), suffix);
}

struct span
span_trim(struct span s)
{
	while (s.n && ascii_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && ascii_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct span
span_cut(struct span *s, char sep)
{
	struct span first = *s;
	ptrdiff_t at = span_find(*s, sep);

	if (at < 0) {
		*s = SPAN_NONE;
		return first;
	}
	first.n = (size_t)at;
	s->p += at + 1;
	s->n -= (size_t)at + 1;
	return first;
}

ptrdiff_t
span_find(struct span s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

bool
span_u64(struct span s, uint64_t *value)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_digit(s.p[i]) ||
		    __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*value = v;
	return true;
}

char *
span_dup(struct span s)
{
	return mem_strndup(s.p, s.n);
}

int
ascii_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Move the live bytes to a larger (or the same) allocation's front. */
static void
buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap;
	char *p;

	/* What is put into an empty one at once is often all. */
	if (b->len == 0)
		cap = (need + 255) / 256 * 256;
	while (cap < need)
		cap += cap;
	p = mem_realloc(NULL, cap);
	if (b->len)
		memcpy(p, b->p + b->off, b->len);
	if (b->secret)
		mem_wipe(b->p, b->cap);
	free(b->p);
	b->p = p;
	b->off = 0;
	b->cap = cap;
}

char *
buf_reserve(struct buf *b, size_t n)
{
	if (b->cap - b->off - b->len >= n && b->p)
		return b->p + b->off + b->len;
	/* Slide when that makes room and moves less than it frees. */
	if (b->p && b->cap - b->len >= n && b->off >= b->len) {
		memmove(b->p, b->p + b->off, b->len);
		b->off = 0;
	} else {
		buf_grow(b, b->len + n);
	}
	return b->p + b->off + b->len;
}

void
buf_commit(struct buf *b, size_t n)
{
	assert(b->off + b->len + n <= b->cap);
	b->len += n;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->len += n;
}

void
buf_add_span(struct buf *b, struct span s)
{
	buf_add(b, s.p, s.n);
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add(b, digits + n, sizeof(digits) - n);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	char *at = buf_reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

/* Length of the UTF-8 sequence at s (RFC 3629 section 4), or 0 if bad. */
static size_t
utf8_len(struct span s)
{
	unsigned char c = (unsigned char)s.p[0], d;
	size_t n;

	if (c < 0x80)
		return 1;
	n = c >= 0xc2 && c <= 0xdf   ? 2
	    : c >= 0xe0 && c <= 0xef ? 3
	    : c >= 0xf0 && c <= 0xf4 ? 4
				     : 0;
	if (n == 0 || s.n < n)
		return 0;
	d = (unsigned char)s.p[1];
	if ((c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) ||
	    (c == 0xf0 && d < 0x90) || (c == 0xf4 && d > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
span_is_utf8(struct span s)
{
	while (s.n) {
		size_t n = utf8_len(s);

		if (n == 0)
			return false;
		s.p += n;
		s.n -= n;
	}
	return true;
}

bool
text_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Bytes at the front that stand in a JSON string as they are. */
static size_t
json_plain(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' &&
	       s.p[n] != '\\')
		n++;
	return n;
}

/* Controls that terminals obey (C1), and what turns the order of a line around
 * or ends it in some viewers. */
static bool
is_hidden(unsigned code)
{
	return (code >= 0x80 && code < 0xa0) || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* Of a good sequence of 2 or 3 bytes. */
static unsigned
code_point(struct span s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (n == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
}

/* The sequence at the front of s, which is not plain ASCII; its length. */
static size_t
add_json_special(struct buf *b, struct span s)
{
	size_t n = utf8_len(s);
	char c = s.p[0];

	if (n == 0)
		buf_add_str(b, "\\ufffd");
	else if ((n == 2 || n == 3) && is_hidden(code_point(s, n)))
		buf_printf(b, "\\u%04x", code_point(s, n));
	else if (n > 1)
		buf_add(b, s.p, n);
	else if (c == '\n')
		buf_add_str(b, "\\n");
	else if (c == '"' || c == '\\')
		buf_printf(b, "\\%c", c);
	else
		buf_printf(b, "\\u%04x", (unsigned)c);
	return n ? n : 1;
}

void
buf_add_json(struct buf *b, struct span s)
{
	while (s.n) {
		size_t n = json_plain(s);

		if (n)
			buf_add(b, s.p, n);
		else
			n = add_json_special(b, s);
		s.p += n;
		s.n -= n;
	}
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->off += n;
	b->len -= n;
	if (b->len == 0)
		b->off = 0;
}

void
buf_clear(struct buf *b)
{
	if (b->secret)
		mem_wipe(b->p, b->cap);
	b->off = b->len = 0;
}

void
buf_free(struct buf *b)
{
	if (b->secret)
		mem_wipe(b->p, b->cap);
	free(b->p);
	b->p = NULL;
	b->off = b->len = b->cap = 0;
}

char *
buf_steal_str(struct buf *b)
{
	char *s;

	if (b->off) {
		memmove(b->p, b->p + b->off, b->len);
		b->off = 0;
	}
	*buf_reserve(b, 1) = '\0';
	s = b->p;
	b->p = NULL;
	b->off = b->len = b->cap = 0;
	return s;
}
