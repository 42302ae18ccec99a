/*
 * t_framing: where a body ends, or why nobody can say.
 */
#include "http/framing.h"

#include "unit.h"

#include <stdio.h>

struct row {
	const char *why;
	const char *line;   /* request line or status line */
	const char *fields; /* with their CRLF */
	enum framing_status want;
	enum framing_kind kind;
	uint64_t length;
	const char *method; /* that a response answers; NULL = GET */
};

#define POST "POST / HTTP/1.1"
#define POST10 "POST / HTTP/1.0"
#define R200 "HTTP/1.1 200 OK"
#define CL(value) "Content-Length: " value "\r\n"
#define TE(value) "Transfer-Encoding: " value "\r\n"

static const struct row rows[] = {
    /* requests */
    {"9112 6.3: neither is no body", POST, "", FRAMING_OK, FRAMING_NONE},
    {"9112 6.2: length", POST, CL("5"), FRAMING_OK, FRAMING_LENGTH, 5},
    {"9112 6.2: length on GET too", "GET / HTTP/1.1", CL("5"), FRAMING_OK,
	FRAMING_LENGTH, 5},
    {"9110 8.6: zero", POST, CL("0"), FRAMING_OK, FRAMING_LENGTH, 0},
    {"9110 8.6: 1*DIGIT, zeros in front", POST, CL("0005"), FRAMING_OK,
	FRAMING_LENGTH, 5},
    {"9110 8.6: white space around", POST, CL(" \t5 \t"), FRAMING_OK,
	FRAMING_LENGTH, 5},
    {"2^63 - 1", POST, CL("9223372036854775807"), FRAMING_OK, FRAMING_LENGTH,
	INT64_MAX},
    {"HTTP/1.0 has length", POST10, CL("5"), FRAMING_OK, FRAMING_LENGTH, 5},
    {"9112 7.1: chunked", POST, TE("chunked"), FRAMING_OK, FRAMING_CHUNKED},
    {"9112 7: codings have no case", POST, TE("cHuNkEd"), FRAMING_OK,
	FRAMING_CHUNKED},
    {"9112 5.1: white space around", POST, TE("\t chunked \t"), FRAMING_OK,
	FRAMING_CHUNKED},
    {"names have no case", POST, "TRANSFER-encoding: chunked\r\n", FRAMING_OK,
	FRAMING_CHUNKED},

    /* Content-Length, RFC 9110 section 8.6, RFC 9112 section 6.3 rule 5 */
    {"2^63", POST, CL("9223372036854775808"), FRAMING_BAD},
    {"2^64", POST, CL("18446744073709551616"), FRAMING_BAD},
    {"2^64 + 5", POST, CL("18446744073709551621"), FRAMING_BAD},
    {"huge", POST, CL("99999999999999999999999999999999"), FRAMING_BAD},
    {"empty", POST, CL(""), FRAMING_BAD},
    {"plus", POST, CL("+5"), FRAMING_BAD},
    {"minus", POST, CL("-1"), FRAMING_BAD},
    {"minus zero", POST, CL("-0"), FRAMING_BAD},
    {"hex", POST, CL("0x5"), FRAMING_BAD},
    {"hex digits", POST, CL("a"), FRAMING_BAD},
    {"float", POST, CL("5.0"), FRAMING_BAD},
    {"exponent", POST, CL("5e0"), FRAMING_BAD},
    {"space inside", POST, CL("5 5"), FRAMING_BAD},
    {"HTAB inside", POST, CL("5\t5"), FRAMING_BAD},
    {"semicolon", POST, CL("5;"), FRAMING_BAD},
    {"quotes", POST, CL("\"5\""), FRAMING_BAD},
    {"underscore", POST, CL("1_0"), FRAMING_BAD},
    {"digits that are not ASCII", POST, CL("\xd9\xa5"), FRAMING_BAD},
    {"superscript", POST, CL("\xb2"), FRAMING_BAD},
    {"a word", POST, CL("five"), FRAMING_BAD},
    {"list, equal", POST, CL("5, 5"), FRAMING_BAD},
    {"list, different", POST, CL("5, 6"), FRAMING_BAD},
    {"list, empty element", POST, CL("5,"), FRAMING_BAD},
    {"list, empty element first", POST, CL(",5"), FRAMING_BAD},
    {"twice, equal", POST, CL("5") CL("5"), FRAMING_BAD},
    {"twice, different", POST, CL("5") CL("6"), FRAMING_BAD},
    {"twice, one empty", POST, CL("5") CL(""), FRAMING_BAD},
    {"twice, others between", POST, CL("5") "A: b\r\n" CL("5"), FRAMING_BAD},

    /* both, RFC 9112 section 6.1 */
    {"CL.TE", POST, CL("5") TE("chunked"), FRAMING_BAD},
    {"TE.CL", POST, TE("chunked") CL("5"), FRAMING_BAD},
    {"TE and zero length", POST, TE("chunked") CL("0"), FRAMING_BAD},
    {"TE.TE and length", POST, TE("chunked") TE("x") CL("5"), FRAMING_BAD},
    {"unknown coding and length", POST, TE("gzip, chunked") CL("5"),
	FRAMING_BAD},
    {"identity and length", POST, TE("identity") CL("5"), FRAMING_BAD},
    {"bad length and TE", POST, TE("chunked") CL("x"), FRAMING_BAD},

    /* Transfer-Encoding, RFC 9112 sections 6.1, 6.3 rule 4, 7 */
    {"in HTTP/1.0", POST10, TE("chunked"), FRAMING_BAD},
    {"unknown in HTTP/1.0", POST10, TE("gzip, chunked"), FRAMING_BAD},
    {"empty", POST, TE(""), FRAMING_BAD},
    {"only a comma", POST, TE(","), FRAMING_BAD},
    {"xchunked", POST, TE("xchunked"), FRAMING_BAD},
    {"chunkedx", POST, TE("chunkedx"), FRAMING_BAD},
    {"chunk", POST, TE("chunk"), FRAMING_BAD},
    {"quoted", POST, TE("\"chunked\""), FRAMING_BAD},
    {"single quotes", POST, TE("'chunked'"), FRAMING_BAD},
    {"with a parameter", POST, TE("chunked;q=1"), FRAMING_BAD},
    {"with an empty parameter", POST, TE("chunked;"), FRAMING_BAD},
    {"with a space", POST, TE("chunked foo"), FRAMING_BAD},
    {"chunked, identity", POST, TE("chunked, identity"), FRAMING_BAD},
    {"chunked, gzip", POST, TE("chunked, gzip"), FRAMING_BAD},
    {"chunked, chunked", POST, TE("chunked, chunked"), FRAMING_BAD},
    {"twice", POST, TE("chunked") TE("chunked"), FRAMING_BAD},
    {"twice, one unknown", POST, TE("chunked") TE("x"), FRAMING_BAD},
    {"twice, one unknown first", POST, TE("x") TE("chunked"), FRAMING_BAD},
    {"twice, one empty", POST, TE("chunked") TE(""), FRAMING_BAD},
    {"not at the end: the length is unknown", POST, TE("gzip"), FRAMING_BAD},
    {"identity alone", POST, TE("identity"), FRAMING_BAD},
    {"no token", POST, TE("(gzip), chunked"), FRAMING_BAD},
    {"two words", POST, TE("gzip x, chunked"), FRAMING_BAD},
    {"unknown coding, framed", POST, TE("gzip, chunked"), FRAMING_UNSUPPORTED},
    {"with a parameter", POST, TE("x;a=\"b,c\", chunked"), FRAMING_UNSUPPORTED},
    {"identity, chunked", POST, TE("identity, chunked"), FRAMING_UNSUPPORTED},

    /* methods that have no body, RFC 9110 sections 9.3.6 and 9.3.8 */
    {"CONNECT", "CONNECT a:1 HTTP/1.1", "", FRAMING_OK, FRAMING_NONE},
    {"CONNECT, zero", "CONNECT a:1 HTTP/1.1", CL("0"), FRAMING_BAD},
    {"CONNECT, length", "CONNECT a:1 HTTP/1.1", CL("5"), FRAMING_BAD},
    {"CONNECT, chunked", "CONNECT a:1 HTTP/1.1", TE("chunked"), FRAMING_BAD},
    {"TRACE", "TRACE / HTTP/1.1", "", FRAMING_OK, FRAMING_NONE},
    {"TRACE, zero", "TRACE / HTTP/1.1", CL("0"), FRAMING_OK, FRAMING_LENGTH, 0},
    {"TRACE, length", "TRACE / HTTP/1.1", CL("5"), FRAMING_BAD},
    {"TRACE, chunked", "TRACE / HTTP/1.1", TE("chunked"), FRAMING_BAD},

    /* responses, RFC 9112 section 6.3 */
    {"rule 8: until it closes", R200, "", FRAMING_OK, FRAMING_CLOSE},
    {"rule 6: length", R200, CL("5"), FRAMING_OK, FRAMING_LENGTH, 5},
    {"rule 4: chunked", R200, TE("chunked"), FRAMING_OK, FRAMING_CHUNKED},
    {"an error has a body too", "HTTP/1.1 500 x", CL("5"), FRAMING_OK,
	FRAMING_LENGTH, 5},
    {"HTTP/1.0", "HTTP/1.0 200 OK", "", FRAMING_OK, FRAMING_CLOSE},
    {"HTTP/1.0, length", "HTTP/1.0 200 OK", CL("5"), FRAMING_OK, FRAMING_LENGTH,
	5},
    {"HTTP/1.0, chunked", "HTTP/1.0 200 OK", TE("chunked"), FRAMING_BAD},
    {"rule 3: both", R200, CL("5") TE("chunked"), FRAMING_BAD},
    {"rule 5: bad length", R200, CL("5x"), FRAMING_BAD},
    {"rule 5: twice", R200, CL("5") CL("6"), FRAMING_BAD},
    {"rule 5: twice, equal", R200, CL("5") CL("5"), FRAMING_BAD},
    {"rule 5: list", R200, CL("5, 5"), FRAMING_BAD},
    {"coding unknown", R200, TE("gzip, chunked"), FRAMING_UNSUPPORTED},
    {"coding until it closes", R200, TE("gzip"), FRAMING_BAD},
    {"coding twice", R200, TE("chunked") TE("chunked"), FRAMING_BAD},

    /* rule 1: no body, whatever the fields say */
    {"HEAD", R200, "", FRAMING_OK, FRAMING_NONE, 0, "HEAD"},
    {"HEAD, length", R200, CL("5"), FRAMING_OK, FRAMING_NONE, 5, "HEAD"},
    {"HEAD, chunked", R200, TE("chunked"), FRAMING_OK, FRAMING_NONE, 0, "HEAD"},
    {"HEAD, both", R200, CL("5") TE("chunked"), FRAMING_BAD, 0, 0, "HEAD"},
    {"HEAD, bad length", R200, CL("x"), FRAMING_BAD, 0, 0, "HEAD"},
    {"methods have case", R200, CL("5"), FRAMING_OK, FRAMING_LENGTH, 5, "head"},
    {"304", "HTTP/1.1 304 x", "", FRAMING_OK, FRAMING_NONE},
    {"304, length", "HTTP/1.1 304 x", CL("5"), FRAMING_OK, FRAMING_NONE, 5},
    {"304, chunked", "HTTP/1.1 304 x", TE("chunked"), FRAMING_OK, FRAMING_NONE},
    {"304, both", "HTTP/1.1 304 x", CL("5") TE("chunked"), FRAMING_BAD},
    {"204", "HTTP/1.1 204 x", "", FRAMING_OK, FRAMING_NONE},
    {"204, zero", "HTTP/1.1 204 x", CL("0"), FRAMING_OK, FRAMING_NONE},
    {"9110 8.6: 204, length", "HTTP/1.1 204 x", CL("5"), FRAMING_BAD},
    {"9112 6.1: 204, chunked", "HTTP/1.1 204 x", TE("chunked"), FRAMING_BAD},
    {"204 answers HEAD", "HTTP/1.1 204 x", CL("5"), FRAMING_BAD, 0, 0, "HEAD"},
    {"100", "HTTP/1.1 100 x", "", FRAMING_OK, FRAMING_NONE},
    {"9110 8.6: 100, length", "HTTP/1.1 100 x", CL("5"), FRAMING_BAD},
    {"9112 6.1: 100, chunked", "HTTP/1.1 100 x", TE("chunked"), FRAMING_BAD},
    {"101", "HTTP/1.1 101 x", "", FRAMING_OK, FRAMING_NONE},
    {"199", "HTTP/1.1 199 x", "", FRAMING_OK, FRAMING_NONE},

    /* rule 2: a tunnel */
    {"CONNECT, 200", R200, "", FRAMING_OK, FRAMING_NONE, 0, "CONNECT"},
    {"CONNECT, 200, length is ignored", R200, CL("5"), FRAMING_OK, FRAMING_NONE,
	0, "CONNECT"},
    {"CONNECT, 200, chunked is ignored", R200, TE("chunked") CL("x"),
	FRAMING_OK, FRAMING_NONE, 0, "CONNECT"},
    {"CONNECT, 407 is a response", "HTTP/1.1 407 x", CL("5"), FRAMING_OK,
	FRAMING_LENGTH, 5, "CONNECT"},
};

static enum framing_status
read_row(const struct row *row, struct framing *fr, const char **why)
{
	static const struct head_limits limits = {4096, 8};
	bool response = row->line[0] == 'H';
	struct field fields[8];
	struct head head;
	char text[4096];
	struct span in;

	snprintf(text, sizeof(text), "%s\r\n%s\r\n", row->line, row->fields);
	in = span_of(text);
	/* Nothing may be left as it was. */
	memset(fr, 1, sizeof(*fr));
	head_reset(&head, fields);
	ck_assert_msg(
	    (response ? head_parse_response(&head, in, &limits)
		      : head_parse_request(&head, in, &limits)) == HEAD_DONE,
	    "%s: %s", row->why, head.why);
	if (!response)
		return framing_request(&head, fr, why);
	return framing_response(
	    &head, span_of(row->method ? row->method : "GET"), fr, why);
}

START_TEST(every_message_has_one_end)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const char *why = NULL;
		struct framing fr;
		enum framing_status st = read_row(row, &fr, &why);

		ck_assert_msg(st == row->want, "%s: %s%s: got %d: %s", row->why,
		    row->line, row->fields, st, why ? why : "");
		ck_assert_msg(
		    (st == FRAMING_OK) == (why == NULL), "%s", row->why);
		if (st != FRAMING_OK)
			continue;
		ck_assert_msg(fr.kind == row->kind && fr.length == row->length,
		    "%s: got %d, %llu", row->why, fr.kind,
		    (unsigned long long)fr.length);
	}
}
END_TEST

START_TEST(a_stated_length_is_known)
{
	static const struct {
		struct row row;
		bool stated;
	} cases[] = {
	    {{.line = R200, .fields = CL("0"), .method = "HEAD"}, true},
	    {{.line = R200, .fields = "", .method = "HEAD"}, false},
	    {{.line = R200, .fields = CL("5")}, true},
	    {{.line = R200, .fields = CL("5"), .method = "CONNECT"}, false},
	    {{.line = "HTTP/1.1 304 x", .fields = CL("5")}, true},
	    {{.line = "HTTP/1.1 204 x", .fields = CL("0")}, false},
	    {{.line = POST, .fields = CL("0")}, true},
	    {{.line = POST, .fields = ""}, false},
	    {{.line = POST, .fields = TE("chunked")}, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct framing fr;
		const char *why = NULL;

		ck_assert_int_eq(
		    read_row(&cases[i].row, &fr, &why), FRAMING_OK);
		ck_assert_msg(fr.stated == cases[i].stated, "row %zu", i);
	}
}
END_TEST

UNIT_MAIN("framing", every_message_has_one_end, a_stated_length_is_known)
