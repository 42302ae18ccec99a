/*
 * wsframe: see wsframe.h.
 */
#include "http/wsframe.h"

#define FIN 0x80
#define RESERVED 0x70
#define OPCODE 0x0f
#define MASKED 0x80
#define CONTROL 0x08
#define LENGTH 0x7f
#define LENGTH_16 126 /* the length is in the next 2 bytes, */
#define LENGTH_64 127 /* in the next 8 */

static enum wsframe_status
bad(struct wsframe *f, const char *why)
{
	f->why = why;
	return WSFRAME_BAD;
}

static uint64_t
number(const unsigned char *p, size_t n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 8 | *p++;
	return value;
}

static bool
opcode_known(unsigned opcode)
{
	return opcode <= WSFRAME_BINARY ||
	       (opcode >= WSFRAME_CLOSE && opcode <= WSFRAME_PONG);
}

static enum wsframe_status
check(struct wsframe *f, unsigned char short_length)
{
	bool control = f->opcode & CONTROL;

	if (short_length == LENGTH_16 && f->length < LENGTH_16)
		return bad(f, "its length is not in the shortest form");
	if (short_length == LENGTH_64 && f->length <= UINT16_MAX)
		return bad(f, "its length is not in the shortest form");
	if (f->length > INT64_MAX)
		return bad(f, "its length is negative");
	if (control && f->length > WSFRAME_CONTROL_MAX)
		return bad(f, "a control frame is longer than 125 bytes");
	if (control && !f->fin)
		return bad(f, "a control frame is fragmented");
	return WSFRAME_DONE;
}

enum wsframe_status
wsframe_read(struct span in, struct wsframe *f)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t extra;

	*f = (struct wsframe){0};
	if (in.n < 1)
		return WSFRAME_MORE;
	if (p[0] & RESERVED)
		return bad(f, "it sets reserved bits without an extension");
	if (!opcode_known(p[0] & OPCODE))
		return bad(f, "its opcode is reserved");
	if (in.n < 2)
		return WSFRAME_MORE;
	f->opcode = (enum wsframe_opcode)(p[0] & OPCODE);
	f->fin = p[0] & FIN;
	f->masked = p[1] & MASKED;
	f->length = p[1] & LENGTH;
	extra = f->length == LENGTH_64 ? 8 : f->length == LENGTH_16 ? 2 : 0;
	f->head = 2 + extra + (f->masked ? WSFRAME_MASK_LEN : 0);
	if (in.n < f->head)
		return WSFRAME_MORE;
	if (extra)
		f->length = number(p + 2, extra);
	if (f->masked)
		memcpy(f->mask, p + 2 + extra, WSFRAME_MASK_LEN);
	return check(f, p[1] & LENGTH);
}

void
wsframe_write(struct buf *b, enum wsframe_opcode opcode, struct span payload,
    const unsigned char mask[WSFRAME_MASK_LEN])
{
	uint64_t n = payload.n;
	unsigned bytes = n < LENGTH_16 ? 0 : n <= UINT16_MAX ? 2 : 8;
	unsigned mark = bytes == 8 ? LENGTH_64 : LENGTH_16;
	char *to;

	buf_add_char(b, (char)(FIN | opcode));
	buf_add_char(b, (char)(MASKED | (bytes ? mark : n)));
	while (bytes--)
		buf_add_char(b, (char)(n >> 8 * bytes));
	buf_add(b, mask, WSFRAME_MASK_LEN);
	to = buf_reserve(b, payload.n);
	for (size_t i = 0; i < payload.n; i++)
		to[i] = (char)((unsigned char)payload.p[i] ^
			       mask[i % WSFRAME_MASK_LEN]);
	buf_commit(b, payload.n);
}
