/*
 * t_sse: error frames in event streams (protocol 8.2), in any pieces.
 */
#include "http/sse.h"

#include "unit.h"

static const struct {
	const char *stream;
	unsigned errors;
} streams[] = {
    {"data: {\"error\":{\"type\":\"provider_auth_failed\"}}\n\n", 1},
    {"data:{\"error\":{}}\n\n", 1},
    {"data: {\"error\":{}}", 1},
    {"data:\t { \t\"error\" \t: {}}\n\n", 1},
    {"data: {\"id\":1}\n\ndata: {\"error\":{}}\n\n", 1},
    {"data: {\"error\":{}}\r\n\r\ndata: {\"error\":{}}\r\n\r\n", 2},
    {"data: {\"error\":{}}\rdata: {\"error\":{}}\r\r", 2},
    {"event: error\ndata: {\"error\":{}}\n\n", 1},
    {"da\ndata: {\"error\":{}}\n\n", 1},
    {"data: {\"er\ndata: {\"error\":{}}\n\n", 1},
    {"data: {\"error\":{\"error\":{}}}\n\n", 1},
    {"\n\n\ndata: {\"error\":1}\n", 1},
    /* not one */
    {"", 0},
    {"data: [DONE]\n\n", 0},
    {"data: {\"errors\":{}}\n\n", 0},
    {"data: {\"error\"}\n\n", 0},
    {"data: {\"type\":\"x\",\"error\":{}}\n\n", 0},
    {"data: \"{\\\"error\\\":{}}\"\n\n", 0},
    {"x data: {\"error\":{}}\n\n", 0},
    {" data: {\"error\":{}}\n\n", 0},
    {": data: {\"error\":{}}\n\n", 0},
    {"datadata: {\"error\":{}}\n\n", 0},
    {"Data: {\"error\":{}}\n\n", 0},
    {"data: {\"choices\":[{\"delta\":{\"content\":\"data: {\\\"error\\\":\"}}]}"
     "\n\n",
	0},
    {"event: {\"error\":{}}\n\n", 0},
    {"data: {\"err\ndata: or\":{}}\n\n", 0},
};

/* Every pair of split points. */
START_TEST(any_pieces)
{
	struct span s = span_of(streams[_i].stream);

	for (size_t i = 0; i <= s.n; i++) {
		for (size_t k = i; k <= s.n; k++) {
			struct sse sse = {0};

			sse_look(&sse, span_new(s.p, i));
			sse_look(&sse, span_new(s.p + i, k - i));
			sse_look(&sse, span_new(s.p + k, s.n - k));
			ck_assert_uint_eq(sse.errors, streams[_i].errors);
		}
	}
}
END_TEST

START_TEST(byte_by_byte)
{
	struct span s = span_of(streams[_i].stream);
	struct sse sse = {0};

	for (size_t i = 0; i < s.n; i++)
		sse_look(&sse, span_new(s.p + i, 1));
	ck_assert_uint_eq(sse.errors, streams[_i].errors);
}
END_TEST

UNIT_MAIN_ROWS("sse", NULL, NULL, {any_pieces, COUNT(streams)},
    {byte_by_byte, COUNT(streams)})
