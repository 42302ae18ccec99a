/*
 * fuzz_head: what both head targets assert.  However the bytes are cut, the
 * answer is the same; what was understood is clean; and what we would write
 * from it is understood as the same again.
 */
#ifndef FUZZ_HEAD_H
#define FUZZ_HEAD_H

#include "base/mem.h"
#include "http/chars.h"
#include "http/head.h"
#include "http/write.h"

#include <assert.h>
#include <stdlib.h>

#define FUZZ_FIELDS 16
#define FUZZ_BYTES 4096
/* Inputs up to this size are also fed byte by byte, which is quadratic. */
#define FUZZ_BYTEWISE 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum head_status head_parse_fn(
    struct head *, struct span, const struct head_limits *);

static const struct head_limits fuzz_limits = {FUZZ_BYTES, FUZZ_FIELDS};

/* Read the first cut bytes, then more and more of them, `step` at a time, from
 * memory that moves; the last one is *copy. */
static inline enum head_status
fuzz_head_feed(head_parse_fn *parse, struct head *h, struct span in, size_t cut,
    size_t step, char **copy)
{
	enum head_status st;

	*copy = NULL;
	for (;;) {
		free(*copy);
		*copy = mem_alloc(cut);
		if (cut)
			memcpy(*copy, in.p, cut);
		st = parse(h, span_new(*copy, cut), &fuzz_limits);
		if (st != HEAD_MORE || cut == in.n)
			return st;
		cut = in.n - cut < step ? in.n : cut + step;
	}
}

static inline void
fuzz_head_equal(const struct head *a, const struct head *b)
{
	assert(span_eq(a->method, b->method));
	assert(span_eq(a->target, b->target));
	assert(span_eq(a->reason, b->reason));
	assert(a->status == b->status);
	assert(a->nfields == b->nfields);
	assert(memcmp(a->first, b->first, sizeof(a->first)) == 0);
	for (unsigned i = 0; i < a->nfields; i++) {
		assert(span_eq(a->fields[i].name, b->fields[i].name));
		assert(span_eq(a->fields[i].value, b->fields[i].value));
		assert(a->fields[i].id == b->fields[i].id);
	}
}

static inline void
fuzz_head_cut(head_parse_fn *parse, struct span in, const struct head *whole,
    enum head_status want, size_t cut, size_t step)
{
	struct field fields[FUZZ_FIELDS];
	struct head h;
	char *copy;

	head_reset(&h, fields);
	assert(fuzz_head_feed(parse, &h, in, cut, step, &copy) == want);
	assert(h.why == whole->why);
	if (want == HEAD_DONE) {
		assert(h.size == whole->size && h.minor == whole->minor);
		fuzz_head_equal(&h, whole);
	}
	free(copy);
}

static inline void
fuzz_head_inside(struct span s, struct span in)
{
	assert(s.p >= in.p && s.p + s.n <= in.p + in.n);
}

static inline void
fuzz_head_clean(const struct head *h, struct span in)
{
	assert(h->size <= in.n && h->size <= FUZZ_BYTES);
	assert(span_ends(span_new(in.p, h->size), SPAN("\r\n\r\n")));
	assert(h->minor <= 1 && h->nfields <= FUZZ_FIELDS);
	in.n = h->size;
	for (unsigned i = 0; i < h->nfields; i++) {
		const struct field *f = &h->fields[i];

		fuzz_head_inside(f->name, in);
		fuzz_head_inside(f->value, in);
		assert(field_is_token(f->name));
		assert(field_value_ok(f->value));
		assert(span_eq(span_trim(f->value), f->value));
		assert(f->id == field_lookup(f->name));
		assert(f->id == FIELD_OTHER || head_find(h, f->id) <= f);
		(void)field_request_allowed(f);
		(void)field_response_allowed(f);
		assert(!head_connection_names(h, f) ||
		       !(field_flags(f->id) & F_CREDENTIAL));
	}
	(void)head_keep_alive(h);
}

/* Write it as we write heads and read that. */
static inline void
fuzz_head_again(head_parse_fn *parse, const struct head *h)
{
	/* "A:b" has become "A: b". */
	const struct head_limits limits = {
	    FUZZ_BYTES + FUZZ_FIELDS, FUZZ_FIELDS};
	struct field fields[FUZZ_FIELDS];
	struct buf out = BUF_INIT;
	struct head again;

	if (h->method.n)
		write_request_line(&out, h->method, h->target, SPAN_NONE);
	else
		write_status_line(&out, h->status, h->reason);
	for (unsigned i = 0; i < h->nfields; i++)
		write_field(&out, h->fields[i].name, h->fields[i].value);
	write_head_end(&out);
	head_reset(&again, fields);
	assert(parse(&again, buf_span(&out), &limits) == HEAD_DONE);
	assert(again.size == out.len);
	fuzz_head_equal(h, &again);
	buf_free(&out);
}

static inline void
fuzz_head(head_parse_fn *parse, struct span in)
{
	struct field fields[FUZZ_FIELDS];
	enum head_status st;
	struct head h;

	head_reset(&h, fields);
	st = parse(&h, in, &fuzz_limits);
	assert((st == HEAD_BAD) == (h.why != NULL));
	assert(st != HEAD_MORE || h.scanned == in.n);
	if (in.n <= FUZZ_BYTEWISE)
		fuzz_head_cut(parse, in, &h, st, 0, 1);
	for (size_t part = 1; part < 8; part++)
		fuzz_head_cut(parse, in, &h, st, in.n * part / 8, in.n);
	if (st == HEAD_DONE) {
		fuzz_head_clean(&h, in);
		fuzz_head_again(parse, &h);
	}
}

#endif
