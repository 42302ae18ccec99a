/*
 * t_wsframe: heads of WebSocket frames (RFC 6455 section 5.2), whole and cut,
 * and the frames that we write.
 */
#include "http/wsframe.h"
#include "base/mem.h"

#include "unit.h"

#define M16 "\x7e"
#define M64 "\x7f"
#define ZERO4 "\0\0\0\0"

static const struct {
	const char *what;
	struct span in;
	enum wsframe_status status;
	enum wsframe_opcode opcode;
	bool fin, masked;
	size_t head;
	uint64_t length;
} heads[] = {
    /* RFC 6455 section 5.7 */
    {"unmasked text", SPAN("\x81\x05Hello"), WSFRAME_DONE, WSFRAME_TEXT, true,
	false, 2, 5},
    {"masked text", SPAN("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
	WSFRAME_DONE, WSFRAME_TEXT, true, true, 6, 5},
    {"first fragment", SPAN("\x01\x03Hel"), WSFRAME_DONE, WSFRAME_TEXT, false,
	false, 2, 3},
    {"last fragment", SPAN("\x80\x02lo"), WSFRAME_DONE, WSFRAME_CONTINUATION,
	true, false, 2, 2},
    {"ping", SPAN("\x89\x05Hello"), WSFRAME_DONE, WSFRAME_PING, true, false, 2,
	5},
    {"256 bytes", SPAN("\x82" M16 "\x01\0"), WSFRAME_DONE, WSFRAME_BINARY, true,
	false, 4, 256},
    {"64 KiB", SPAN("\x82" M64 ZERO4 "\0\x01\0\0"), WSFRAME_DONE,
	WSFRAME_BINARY, true, false, 10, 65536},
    /* 5.2: the ends of the three forms */
    {"nothing in it", SPAN("\x81\0"), WSFRAME_DONE, WSFRAME_TEXT, true, false,
	2, 0},
    {"125", SPAN("\x81\x7d"), WSFRAME_DONE, WSFRAME_TEXT, true, false, 2, 125},
    {"126", SPAN("\x81" M16 "\0\x7e"), WSFRAME_DONE, WSFRAME_TEXT, true, false,
	4, 126},
    {"125 in two bytes", SPAN("\x81" M16 "\0\x7d"), WSFRAME_BAD},
    {"65535", SPAN("\x81" M16 "\xff\xff"), WSFRAME_DONE, WSFRAME_TEXT, true,
	false, 4, 65535},
    {"65535 in eight bytes", SPAN("\x81" M64 ZERO4 "\0\0\xff\xff"),
	WSFRAME_BAD},
    {"the longest", SPAN("\x81" M64 "\x7f\xff\xff\xff\xff\xff\xff\xff"),
	WSFRAME_DONE, WSFRAME_TEXT, true, false, 10, INT64_MAX},
    {"the most significant bit", SPAN("\x81" M64 "\x80\0\0\0" ZERO4),
	WSFRAME_BAD},
    {"masked, with a length of two bytes", SPAN("\x81\xfe\x01\0" ZERO4),
	WSFRAME_DONE, WSFRAME_TEXT, true, true, 8, 256},
    {"masked, with a length of eight bytes",
	SPAN("\x81\xff" ZERO4 "\0\x01\0\0" ZERO4), WSFRAME_DONE, WSFRAME_TEXT,
	true, true, 14, 65536},
    /* 5.2: reserved bits and opcodes */
    {"RSV1", SPAN("\xc1\0"), WSFRAME_BAD},
    {"RSV2", SPAN("\xa1\0"), WSFRAME_BAD},
    {"RSV3", SPAN("\x91\0"), WSFRAME_BAD},
    {"opcode 3", SPAN("\x83\0"), WSFRAME_BAD},
    {"opcode 7", SPAN("\x87\0"), WSFRAME_BAD},
    {"opcode 11", SPAN("\x8b\0"), WSFRAME_BAD},
    {"opcode 15", SPAN("\x8f\0"), WSFRAME_BAD},
    /* 5.5: control frames */
    {"close", SPAN("\x88\x02\x03\xe8"), WSFRAME_DONE, WSFRAME_CLOSE, true,
	false, 2, 2},
    {"pong of 125", SPAN("\x8a\x7d"), WSFRAME_DONE, WSFRAME_PONG, true, false,
	2, 125},
    {"ping of 126", SPAN("\x89" M16 "\0\x7e"), WSFRAME_BAD},
    {"ping in fragments", SPAN("\x09\0"), WSFRAME_BAD},
    {"close in fragments", SPAN("\x08\0"), WSFRAME_BAD},
};

START_TEST(reads)
{
	struct wsframe f;

	ck_assert_msg(wsframe_read(heads[_i].in, &f) == heads[_i].status, "%s",
	    heads[_i].what);
	if (heads[_i].status == WSFRAME_BAD) {
		ck_assert_ptr_nonnull(f.why);
		return;
	}
	ck_assert_int_eq(f.opcode, heads[_i].opcode);
	ck_assert(f.fin == heads[_i].fin);
	ck_assert(f.masked == heads[_i].masked);
	ck_assert_uint_eq(f.head, heads[_i].head);
	ck_assert_uint_eq(f.length, heads[_i].length);
}
END_TEST

/* A head that is not all there is never judged by what is missing. */
START_TEST(waits)
{
	size_t head = heads[_i].head;
	struct wsframe f;

	for (size_t n = 0; n < head; n++)
		ck_assert_msg(wsframe_read(span_new(heads[_i].in.p, n), &f) ==
				  WSFRAME_MORE,
		    "%s, %zu bytes", heads[_i].what, n);
}
END_TEST

static const struct {
	size_t n, head;
} sizes[] = {{0, 6}, {1, 6}, {125, 6}, {126, 8}, {65535, 8}, {65536, 14}};

START_TEST(writes)
{
	static const unsigned char mask[] = {0x37, 0xfa, 0x21, 0x3d};
	char *data = mem_alloc(sizes[_i].n + 1);
	struct buf b = BUF_INIT;
	struct wsframe f;
	const char *p;

	memset(data, 'x', sizes[_i].n);
	wsframe_write(&b, WSFRAME_TEXT, span_new(data, sizes[_i].n), mask);
	ck_assert_int_eq(wsframe_read(buf_span(&b), &f), WSFRAME_DONE);
	ck_assert(f.fin && f.masked && f.opcode == WSFRAME_TEXT);
	ck_assert_uint_eq(f.head, sizes[_i].head);
	ck_assert_uint_eq(f.length, sizes[_i].n);
	ck_assert_uint_eq(b.len, f.head + f.length);
	ck_assert_mem_eq(f.mask, mask, sizeof(mask));
	p = buf_span(&b).p + f.head;
	for (size_t i = 0; i < sizes[_i].n; i++)
		ck_assert_int_eq((unsigned char)p[i], 'x' ^ mask[i % 4]);
	buf_free(&b);
	free(data);
}
END_TEST

/* RFC 6455 section 5.7: "a single-frame masked text message". */
START_TEST(writes_the_example)
{
	static const unsigned char mask[] = {0x37, 0xfa, 0x21, 0x3d};
	struct buf b = BUF_INIT;

	wsframe_write(&b, WSFRAME_TEXT, SPAN("Hello"), mask);
	ck_span(buf_span(&b), "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
	buf_free(&b);
}
END_TEST

UNIT_MAIN_ROWS("wsframe", NULL, NULL, {reads, COUNT(heads)},
    {waits, COUNT(heads)}, {writes, COUNT(sizes)}, {writes_the_example, 1})
