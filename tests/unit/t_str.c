/*
 * t_str: spans, growing text, base64url.
 */
#include "base/b64.h"
#include "base/mem.h"

#include "unit.h"

START_TEST(span_cut_walks_a_list)
{
	struct span list = SPAN("a,b,,c");

	ck_span(span_cut(&list, ','), "a");
	ck_span(span_cut(&list, ','), "b");
	ck_span(span_cut(&list, ','), "");
	ck_span(span_cut(&list, ','), "c");
	ck_assert_ptr_null(list.p);
}
END_TEST

START_TEST(span_u64_takes_digits_only)
{
	static const char *const bad[] = {
	    "", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616", "1e3"};
	uint64_t v;

	ck_assert(span_u64(SPAN("18446744073709551615"), &v));
	ck_assert_uint_eq(v, UINT64_MAX);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!span_u64(span_of(bad[i]), &v), "%s", bad[i]);
}
END_TEST

START_TEST(buf_keeps_one_run)
{
	struct buf b = BUF_INIT;
	char want = 'a';

	for (int i = 0; i < 10000; i++) {
		buf_add_char(&b, (char)('a' + i % 26));
		if (i % 3 == 0) {
			ck_assert_int_eq(buf_span(&b).p[0], want);
			buf_consume(&b, 1);
			want = want == 'z' ? 'a' : (char)(want + 1);
		}
	}
	ck_assert_uint_eq(buf_span(&b).n, 10000 - 3334);
	buf_free(&b);
}
END_TEST

START_TEST(json_text_is_escaped)
{
	struct buf b = BUF_INIT;

	buf_add_json(&b, SPAN("a\"\\\n\x01\xff\xc3\xbc\xed\xa0\x80"));
	ck_span(buf_span(&b),
	    "a\\\"\\\\\\n\\u0001\\ufffd\xc3\xbc\\ufffd\\ufffd\\ufffd");
	/* C1 controls, and what turns the order around: not their neighbours.
	 */
	buf_clear(&b);
	buf_add_json(
	    &b, SPAN("\xc2\x9b\xc2\xa0\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\xae"
		     "\xe2\x80\xaf\xe2\x81\xa9\xf0\x9f\x98\x80"));
	ck_span(buf_span(&b),
	    "\\u009b\xc2\xa0\xe2\x80\x8d\\u200e\\u202e\xe2\x80\xaf\\u2069"
	    "\xf0\x9f\x98\x80");
	buf_free(&b);
}
END_TEST

START_TEST(utf8_is_told_apart)
{
	/* RFC 3629 sections 3 and 4. */
	static const char *const good[] = {
	    "", "a", "\xc3\xbc", "\xe2\x82\xac", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "a\xc3", "\xc0\xaf",
	    "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"};

	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_msg(span_is_utf8(span_of(good[i])), "row %zu", i);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!span_is_utf8(span_of(bad[i])), "row %zu", i);
}
END_TEST

START_TEST(b64url_round_trip)
{
	/* RFC 4648 section 10, without padding. */
	static const struct {
		const char *raw, *text;
	} rows[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"},
	    {"foob", "Zm9vYg"}, {"\xff\xfe\xfd", "__79"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[16];
		size_t n = strlen(rows[i].raw);

		ck_assert_uint_eq(
		    b64url_encode(out, rows[i].raw, n), B64URL_LEN(n));
		ck_span(span_new(out, B64URL_LEN(n)), rows[i].text);
		ck_assert_int_eq(
		    b64url_decode(out, sizeof(out), span_of(rows[i].text)), n);
		ck_assert_mem_eq(out, rows[i].raw, n);
	}
}
END_TEST

START_TEST(b64url_is_strict)
{
	/* RFC 4648 sections 3.2, 3.3, 3.5. */
	static const char *const bad[] = {
	    "Z", "Zg==", "Zh", "Zm9", "Zm 8", "Zm+v", "Zm/v", "Zm9v\n"};
	char out[16];

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(
		    b64url_decode(out, sizeof(out), span_of(bad[i])) < 0, "%s",
		    bad[i]);
	ck_assert_int_lt(b64url_decode(out, 2, SPAN("Zm9v")), 0);
}
END_TEST

START_TEST(b64_round_trip)
{
	/* RFC 4648 section 10. */
	static const struct {
		const char *raw, *text;
	} rows[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="}, {"\xff\xfe\xfd", "//79"},
	    {"\xfb\xff", "+/8="}};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Zh==",
	    "Zm9=", "Zm9v=", "Zm9v====", "====", "Z===", "Zm=v", "__79", "Zm 8",
	    "Zm8=\n"};
	char out[16];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = BUF_INIT;
		size_t n = strlen(rows[i].raw);

		buf_add_b64(&b, rows[i].raw, n);
		ck_span(buf_span(&b), rows[i].text);
		ck_assert_int_eq(b64_decode(out, sizeof(out), buf_span(&b)), n);
		ck_assert_mem_eq(out, rows[i].raw, n);
		buf_free(&b);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(b64_decode(out, sizeof(out), span_of(bad[i])) < 0,
		    "%s", bad[i]);
	ck_assert_int_lt(b64_decode(out, 2, SPAN("Zm9v")), 0);
}
END_TEST

UNIT_MAIN("str", span_cut_walks_a_list, span_u64_takes_digits_only,
    buf_keeps_one_run, json_text_is_escaped, utf8_is_told_apart,
    b64url_round_trip, b64url_is_strict, b64_round_trip)
