/*
 * t_parse: the lines of a configuration file.
 */
#include "conf/parse.h"

#include "unit.h"

START_TEST(settings_comments_and_empty_lines)
{
	struct parse p;

	parse_init(&p, SPAN("# a comment\n"
			    "\n"
			    "gateway = https://h\n"
			    " \t listen=127.0.0.1:1 \t\r\n"
			    "   # indented comment = no setting\n"
			    "ca-file = /a=b#c"));
	ck_assert_int_eq(parse_next(&p), PARSE_SETTING);
	ck_span(p.key, "gateway");
	ck_span(p.value, "https://h");
	ck_assert_uint_eq(p.line, 3);
	ck_assert_int_eq(parse_next(&p), PARSE_SETTING);
	ck_span(p.key, "listen");
	ck_span(p.value, "127.0.0.1:1");
	ck_assert_uint_eq(p.line, 4);
	ck_assert_int_eq(parse_next(&p), PARSE_SETTING);
	ck_span(p.key, "ca-file");
	ck_span(p.value, "/a=b#c");
	ck_assert_uint_eq(p.line, 6);
	ck_assert_int_eq(parse_next(&p), PARSE_DONE);
	ck_assert_int_eq(parse_next(&p), PARSE_DONE);
}
END_TEST

START_TEST(nothing_at_all)
{
	static const char *const texts[] = {"", "\n", "\n\n  \n", "#", "\r\n"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct parse p;

		parse_init(&p, span_of(texts[i]));
		ck_assert_int_eq(parse_next(&p), PARSE_DONE);
	}
}
END_TEST

START_TEST(mistakes)
{
	static const struct {
		const char *why, *line;
		enum parse_status want;
	} rows[] = {
	    {"no =", "gateway https://h", PARSE_BAD_LINE},
	    {"continuation", "https://h \\", PARSE_BAD_LINE},
	    {"no key", "= x", PARSE_BAD_KEY},
	    {"upper case", "Gateway = x", PARSE_BAD_KEY},
	    {"two words", "gate way = x", PARSE_BAD_KEY},
	    {"flag", "gateway: = x", PARSE_BAD_KEY},
	    {"no value", "gateway =", PARSE_NO_VALUE},
	    {"white value", "gateway = \t", PARSE_NO_VALUE},
	    {"only a comment", "gateway = # later", PARSE_NO_VALUE},
	    {"control byte", "gateway = a\001b", PARSE_BAD_BYTE},
	    {"DEL", "gateway = a\177b", PARSE_BAD_BYTE},
	    {"CR inside", "gateway = a\rb", PARSE_BAD_BYTE},
	    {"quotes", "gateway = \"https://h\"", PARSE_QUOTED},
	    {"single quotes", "gateway = 'https://h'", PARSE_QUOTED},
	    {"comment behind", "gateway = https://h # prod", PARSE_COMMENT},
	    {"comment behind tab", "gateway = h\t#prod", PARSE_COMMENT},
	    {"section", "[route mcp]", PARSE_SECTION},
	    {"half a section", "[", PARSE_SECTION},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct parse p;

		parse_init(&p, span_of(rows[i].line));
		ck_assert_msg(
		    parse_next(&p) == rows[i].want, "%s", rows[i].why);
		ck_assert_uint_eq(p.line, 1);
		ck_assert_uint_gt(strlen(parse_status_text(rows[i].want)), 10);
	}
}
END_TEST

START_TEST(a_mistake_costs_one_line)
{
	struct parse p;

	parse_init(&p, SPAN("nonsense\nlisten = unix:/x\n"));
	ck_assert_int_eq(parse_next(&p), PARSE_BAD_LINE);
	ck_assert_int_eq(parse_next(&p), PARSE_SETTING);
	ck_span(p.value, "unix:/x");
	ck_assert_uint_eq(p.line, 2);
}
END_TEST

START_TEST(long_lines_stay_whole)
{
	struct buf text = BUF_INIT;
	struct parse p;

	buf_add_str(&text, "ca-file = /");
	for (int i = 0; i < 100000; i++)
		buf_add_char(&text, 'x');
	parse_init(&p, buf_span(&text));
	ck_assert_int_eq(parse_next(&p), PARSE_SETTING);
	ck_assert_uint_eq(p.value.n, 100001);
	buf_free(&text);
}
END_TEST

UNIT_MAIN("parse", settings_comments_and_empty_lines, nothing_at_all, mistakes,
    a_mistake_costs_one_line, long_lines_stay_whole)
