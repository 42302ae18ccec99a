/*
 * fuzz_chunked: a chunked body.  However it is cut, the same data comes out
 * and the same bytes are left; what we would write from it is read as the
 * same data again.
 */
#include "base/mem.h"
#include "http/chunked.h"
#include "http/write.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
	enum chunked_status status;
	const char *why;
	struct buf data;
	size_t used; /* bytes of the input */
};

/* Feed `first` bytes, then `step` at a time, each from memory of its own. */
static struct decoded
decode(struct span in, size_t first, size_t step)
{
	struct decoded d = {.status = CHUNKED_MORE};
	struct chunked c;

	chunked_init(&c);
	for (size_t n = first; d.status == CHUNKED_MORE; n = step) {
		struct span rest, data;
		char *copy;

		if (n > in.n - d.used)
			n = in.n - d.used;
		copy = mem_alloc(n);
		if (n)
			memcpy(copy, in.p + d.used, n);
		rest = span_new(copy, n);
		do {
			d.status = chunked_read(&c, &rest, &data);
			assert((d.status == CHUNKED_DATA) == (data.n > 0));
			buf_add_span(&d.data, data);
		} while (d.status == CHUNKED_DATA);
		assert(d.status != CHUNKED_MORE || rest.n == 0);
		d.used += n - rest.n;
		free(copy);
		if (d.status == CHUNKED_MORE && d.used == in.n)
			break;
	}
	d.why = c.why;
	assert((d.status == CHUNKED_BAD) == (d.why != NULL));
	return d;
}

static void
check_cut(
    struct span in, const struct decoded *whole, size_t first, size_t step)
{
	struct decoded d = decode(in, first, step);

	assert(d.status == whole->status && d.why == whole->why);
	assert(d.used == whole->used);
	assert(span_eq(buf_span(&d.data), buf_span(&whole->data)));
	buf_free(&d.data);
}

/* The data in chunks of `piece` bytes. */
static void
check_again(struct span data, size_t piece)
{
	struct buf out = BUF_INIT;
	struct decoded d;

	for (size_t at = 0; at < data.n; at += piece) {
		size_t n = data.n - at < piece ? data.n - at : piece;

		write_chunk(&out, span_new(data.p + at, n));
	}
	write_last_chunk(&out);
	d = decode(buf_span(&out), out.len, 1);
	assert(d.status == CHUNKED_DONE && d.used == out.len);
	assert(span_eq(buf_span(&d.data), data));
	buf_free(&d.data);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_new((const char *)data, size);
	struct decoded whole = decode(in, size, 1);

	check_cut(in, &whole, 1, 1);
	check_cut(in, &whole, 3, 7);
	for (size_t part = 1; part < 4; part++)
		check_cut(in, &whole, size * part / 4, size);
	if (whole.status == CHUNKED_DONE) {
		check_again(buf_span(&whole.data), 1);
		check_again(buf_span(&whole.data), 300);
	}
	buf_free(&whole.data);
	return 0;
}
