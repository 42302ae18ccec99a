/*
 * str: borrowed text (span), growing text (buf) and the few ASCII helpers that
 * protocol code needs.  Nothing here depends on the locale.
 *
 * Threads: plain values; a buf has one owner.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes, not NUL-terminated.  {NULL, 0} means "absent". */
struct span {
	const char *p;
	size_t n;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
#define SPAN_NONE ((struct span){NULL, 0})
/* For printf: "%.*s", SPAN_ARG(s) */
#define SPAN_ARG(s) ((int)(s).n), ((s).p ? (s).p : "")

static inline struct span
span_of(const char *s)
{
	return s ? (struct span){s, strlen(s)} : SPAN_NONE;
}

static inline struct span
span_new(const char *p, size_t n)
{
	return (struct span){p, n};
}

bool span_eq(struct span, struct span);  /* bytes */
bool span_ieq(struct span, struct span); /* ASCII case ignored */
bool span_starts(struct span, struct span prefix);
bool span_istarts(struct span, struct span prefix);
bool span_ends(struct span, struct span suffix);
/* Without SP and HTAB at both ends (OWS, RFC 9110 section 5.6.3). */
struct span span_trim(struct span);
/* Cut *s at the first sep: returns the part before it, *s becomes the part
 * after it; without a sep returns all and *s becomes absent. */
struct span span_cut(struct span *s, char sep);
/* Offset of c, or -1. */
ptrdiff_t span_find(struct span, char c);
/* Decimal digits only, no sign, no space, not empty; false on overflow. */
bool span_u64(struct span, uint64_t *value);
/* The same text, or both absent. */
bool text_same(const char *, const char *);
/* UTF-8 throughout (RFC 3629 section 4)? */
bool span_is_utf8(struct span);
/* New NUL-terminated copy, owned by the caller. */
char *span_dup(struct span) ATTR_MALLOC;

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
static inline bool
ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}
/* SP or HTAB (OWS, RFC 9110 section 5.6.3). */
static inline bool
ascii_blank(char c)
{
	return c == ' ' || c == '\t';
}
/* Value of a hex digit, or -1. */
int ascii_hex(char c);

/*
 * Growing text with one contiguous run of bytes: appended at the end, consumed
 * at the front.  buf_free() also wipes when `secret` is set.
 */
struct buf {
	char *p;     /* allocation, or NULL */
	size_t off;  /* first live byte */
	size_t len;  /* live bytes */
	size_t cap;  /* allocated bytes */
	bool secret; /* wipe before memory is given back */
};

#define BUF_INIT  \
	{         \
		0 \
	}

static inline struct span
buf_span(const struct buf *b)
{
	return b->len ? (struct span){b->p + b->off, b->len}
		      : (struct span){"", 0};
}

/* At least n free bytes at the returned place; then buf_commit() what was
 * written there. */
char *buf_reserve(struct buf *, size_t n);
void buf_commit(struct buf *, size_t n);
void buf_add(struct buf *, const void *, size_t n);
void buf_add_span(struct buf *, struct span);
void buf_add_str(struct buf *, const char *);
void buf_add_char(struct buf *, char);
void buf_add_u64(struct buf *, uint64_t);
void buf_printf(struct buf *, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Append as the inside of a JSON string (RFC 8259 section 7); bytes that are
 * not UTF-8 become U+FFFD. */
void buf_add_json(struct buf *, struct span);
/* Drop n bytes at the front; n <= len. */
void buf_consume(struct buf *, size_t n);
/* Empty, memory kept. */
void buf_clear(struct buf *);
/* Empty, memory given back. */
void buf_free(struct buf *);
/* NUL-terminated text owned by the caller; the buf is empty afterwards. */
char *buf_steal_str(struct buf *) ATTR_MUST_USE;

#endif
