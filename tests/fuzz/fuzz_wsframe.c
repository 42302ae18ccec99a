/*
 * fuzz_wsframe: the head of a WebSocket frame.  Cut short it is never judged
 * differently than in the end, the payload is never looked at, and what we
 * write is read as what it was.
 */
#include "base/mem.h"
#include "http/wsframe.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD_MAX 14

/* From memory of its own, so that reading too far is seen. */
static enum wsframe_status
read_copy(struct span in, struct wsframe *f)
{
	char *copy = mem_alloc(in.n);
	enum wsframe_status s;

	if (in.n)
		memcpy(copy, in.p, in.n);
	s = wsframe_read(span_new(copy, in.n), f);
	free(copy);
	assert((s == WSFRAME_BAD) == (f->why != NULL));
	return s;
}

static void
check_cuts(struct span in, const struct wsframe *whole, enum wsframe_status s)
{
	struct wsframe f;

	for (size_t n = 0; n < in.n && n < HEAD_MAX; n++) {
		enum wsframe_status cut = read_copy(span_new(in.p, n), &f);

		if (cut == WSFRAME_DONE)
			assert(s == WSFRAME_DONE && whole->head <= n &&
			       f.length == whole->length);
		else if (cut == WSFRAME_BAD)
			assert(s == WSFRAME_BAD && f.why == whole->why);
	}
}

static void
check_again(struct span payload, enum wsframe_opcode opcode)
{
	static const unsigned char mask[WSFRAME_MASK_LEN] = {1, 0x80, 0, 0xff};
	struct buf b = BUF_INIT;
	struct wsframe f;
	struct span out;

	if (opcode >= WSFRAME_CLOSE && payload.n > WSFRAME_CONTROL_MAX)
		payload.n = WSFRAME_CONTROL_MAX;
	wsframe_write(&b, opcode, payload, mask);
	out = buf_span(&b);
	assert(read_copy(out, &f) == WSFRAME_DONE);
	assert(f.fin && f.masked && f.opcode == opcode);
	assert(f.length == payload.n && f.head + f.length == out.n);
	assert(memcmp(f.mask, mask, sizeof(mask)) == 0);
	for (size_t i = 0; i < payload.n; i++)
		assert((out.p[f.head + i] ^ payload.p[i]) ==
		       (char)mask[i % WSFRAME_MASK_LEN]);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_new((const char *)data, size);
	struct wsframe f;
	enum wsframe_status s = read_copy(in, &f);

	if (s == WSFRAME_DONE)
		assert(f.head >= 2 && f.head <= HEAD_MAX && f.head <= size &&
		       f.length <= INT64_MAX);
	else if (s == WSFRAME_MORE)
		assert(size < HEAD_MAX);
	check_cuts(in, &f, s);
	if (s == WSFRAME_DONE)
		check_again(in, f.opcode);
	return 0;
}
