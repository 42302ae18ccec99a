/*
 * t_chunked: the reader of the chunked coding.  Every row is read in one
 * piece, byte by byte and at every split point: the answers must be the same.
 */
#include "base/mem.h"
#include "http/chunked.h"

#include "unit.h"

struct row {
	const char *why;
	struct span in;
	enum chunked_status want;
	const char *data; /* decoded, whatever the end */
	size_t left;      /* bytes behind the message, when DONE */
};

/* In a table: text that may hold NUL. */
#define IN(literal)                            \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static const struct row rows[] = {
    /* RFC 9112 section 7.1 */
    {"7.1: one chunk", IN("3\r\nabc\r\n0\r\n\r\n"), CHUNKED_DONE, "abc", 0},
    {"7.1: two chunks", IN("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), CHUNKED_DONE,
	"abcde", 0},
    {"7.1: empty body", IN("0\r\n\r\n"), CHUNKED_DONE, "", 0},
    {"7.1: the next message is left alone", IN("0\r\n\r\nGET / H"),
	CHUNKED_DONE, "", 7},
    {"7.1: hex in both cases",
	IN("A\r\n0123456789\r\nb\r\n0123456789a\r\n"
	   "0\r\n\r\n"),
	CHUNKED_DONE, "01234567890123456789a", 0},
    {"7.1: 1*HEXDIG with zeros in front",
	IN("0000000000000003\r\nabc\r\n000\r\n\r\n"), CHUNKED_DONE, "abc", 0},
    {"7.1: data is any bytes", IN("4\r\n\r\n0\r\r\n0\r\n\r\n"), CHUNKED_DONE,
	"\r\n0\r", 0},
    {"not complete", IN("3\r\nab"), CHUNKED_MORE, "ab", 0},
    {"not complete behind the data", IN("3\r\nabc"), CHUNKED_MORE, "abc", 0},
    {"not complete in the size", IN("3"), CHUNKED_MORE, "", 0},
    {"not complete before the end", IN("0\r\n"), CHUNKED_MORE, "", 0},
    {"not complete at the end", IN("0\r\n\r"), CHUNKED_MORE, "", 0},

    /* sizes */
    {"no size", IN("\r\nabc\r\n"), CHUNKED_BAD, "", 0},
    {"no size, but an extension", IN(";a=b\r\n"), CHUNKED_BAD, "", 0},
    {"0x", IN("0x3\r\nabc\r\n"), CHUNKED_BAD, "", 0},
    {"plus", IN("+3\r\n"), CHUNKED_BAD, "", 0},
    {"minus", IN("-3\r\n"), CHUNKED_BAD, "", 0},
    {"space in front", IN(" 3\r\n"), CHUNKED_BAD, "", 0},
    {"HTAB in front", IN("\t3\r\n"), CHUNKED_BAD, "", 0},
    {"space behind", IN("3 \r\n"), CHUNKED_BAD, "", 0},
    {"HTAB behind", IN("3\t\r\n"), CHUNKED_BAD, "", 0},
    {"space behind the last size", IN("0 \r\n\r\n"), CHUNKED_BAD, "", 0},
    {"not hex", IN("g\r\n"), CHUNKED_BAD, "", 0},
    {"not hex inside", IN("1g\r\n"), CHUNKED_BAD, "", 0},
    {"a dot", IN("3.\r\n"), CHUNKED_BAD, "", 0},
    {"an underscore, as Python's int() takes it", IN("1_0\r\n"), CHUNKED_BAD,
	"", 0},
    {"NUL", IN("3\0\r\n"), CHUNKED_BAD, "", 0},
    {"17 digits", IN("00000000000000003\r\n"), CHUNKED_BAD, "", 0},
    {"2^63 - 1", IN("7fffffffffffffff\r\nabc"), CHUNKED_MORE, "abc", 0},
    {"2^63", IN("8000000000000000\r\n"), CHUNKED_BAD, "", 0},
    {"2^64 - 1", IN("FFFFFFFFFFFFFFFF\r\n"), CHUNKED_BAD, "", 0},
    {"2^64 + 3", IN("10000000000000003\r\n"), CHUNKED_BAD, "", 0},
    {"17 F", IN("FFFFFFFFFFFFFFFFF\r\n"), CHUNKED_BAD, "", 0},
    {"the second size is as strict", IN("1\r\na\r\n0x1\r\n"), CHUNKED_BAD, "a",
	0},

    /* line ends */
    {"LF behind the size", IN("3\nabc\r\n"), CHUNKED_BAD, "", 0},
    {"CR behind the size", IN("3\rabc\r\n"), CHUNKED_BAD, "", 0},
    {"CR CR LF behind the size", IN("3\r\r\nabc\r\n"), CHUNKED_BAD, "", 0},
    {"nothing behind the data", IN("3\r\nabc0\r\n\r\n"), CHUNKED_BAD, "abc", 0},
    {"LF behind the data", IN("3\r\nabc\n0\r\n\r\n"), CHUNKED_BAD, "abc", 0},
    {"CR behind the data", IN("3\r\nabc\r0\r\n\r\n"), CHUNKED_BAD, "abc", 0},
    {"two bytes that are not CRLF", IN("3\r\nabcXX0\r\n\r\n"), CHUNKED_BAD,
	"abc", 0},
    {"data longer than its size", IN("3\r\nabcd\r\n"), CHUNKED_BAD, "abc", 0},
    {"an empty line before a size", IN("1\r\na\r\n\r\n0\r\n\r\n"), CHUNKED_BAD,
	"a", 0},
    {"LF ends the body", IN("0\r\n\n"), CHUNKED_BAD, "", 0},
    {"CR ends the body", IN("0\r\n\rG"), CHUNKED_BAD, "", 0},
    {"LF LF ends the body", IN("0\n\n"), CHUNKED_BAD, "", 0},

    /* extensions, RFC 9112 section 7.1.1 */
    {"7.1.1: name", IN("1;a\r\nx\r\n0;b\r\n\r\n"), CHUNKED_DONE, "x", 0},
    {"7.1.1: name and token", IN("1;a=b;c=d\r\nx\r\n0\r\n\r\n"), CHUNKED_DONE,
	"x", 0},
    {"7.1.1: quoted string",
	IN("1;a=\"b;\\\"\\\\ \t\xff\";c\r\nx\r\n0\r\n\r\n"), CHUNKED_DONE, "x",
	0},
    {"7.1.1: BWS at every place that has it",
	IN("1 ; a  = bb \t; c\t=\t\"d\" ;e\r\nx\r\n0\r\n\r\n"), CHUNKED_DONE,
	"x", 0},
    {"7.1.1: no BWS before CRLF", IN("1;a \r\n"), CHUNKED_BAD, "", 0},
    {"7.1.1: no BWS before CRLF, token", IN("1;a=b \r\n"), CHUNKED_BAD, "", 0},
    {"7.1.1: no BWS before CRLF, string", IN("1;a=\"b\"\t\r\n"), CHUNKED_BAD,
	"", 0},
    {"empty extension", IN("1;\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"two semicolons", IN("1;;a\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"no name", IN("1;=b\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"no value", IN("1;a=\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"no value but a semicolon", IN("1;a=;b\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"two values", IN("1;a=b=c\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"two words", IN("1;a b\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"open quote", IN("1;a=\"b\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"text behind the quote", IN("1;a=\"b\"c\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"not a token", IN("1;a=(\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"LF in an extension (5;a[LF]b)", IN("5;a\nb\r\n"), CHUNKED_BAD, "", 0},
    {"LF ends an extension", IN("1;a\nx\r\n"), CHUNKED_BAD, "", 0},
    {"CR in an extension", IN("1;a\rb\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"CRLF in a quoted string", IN("1;a=\"\r\n\"\r\nx\r\n"), CHUNKED_BAD, "",
	0},
    {"LF behind a backslash", IN("1;a=\"\\\n\"\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"NUL in an extension", IN("1;a\0\r\nx\r\n"), CHUNKED_BAD, "", 0},
    {"colon", IN("1:a\r\nx\r\n"), CHUNKED_BAD, "", 0},

    /* trailers, RFC 9112 section 7.1.2 */
    {"7.1.2: dropped", IN("0\r\nA: b\r\nContent-Length:9\r\n\r\nX"),
	CHUNKED_DONE, "", 1},
    {"7.1.2: empty value", IN("0\r\nA:\r\n\r\n"), CHUNKED_DONE, "", 0},
    {"no colon", IN("0\r\nGET / HTTP/1.1\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"no name", IN("0\r\n: b\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"SP before the colon", IN("0\r\nA : b\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"obs-fold", IN("0\r\nA: b\r\n c\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"white space first", IN("0\r\n A: b\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"LF ends a trailer", IN("0\r\nA: b\n\r\n"), CHUNKED_BAD, "", 0},
    {"CR ends a trailer", IN("0\r\nA: b\rB: c\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"NUL in a trailer", IN("0\r\nA: \0\r\n\r\n"), CHUNKED_BAD, "", 0},
    {"control byte in a name", IN("0\r\nA\x01: b\r\n\r\n"), CHUNKED_BAD, "", 0},
};

/* One decoding and what came out of it. */
struct reading {
	struct chunked chunked;
	struct buf data;
	size_t left;
};

/* Decode from memory of exactly that size. */
static enum chunked_status
feed(struct reading *r, const char *p, size_t n)
{
	char *copy = mem_alloc(n);
	enum chunked_status st;
	struct span in, data;

	memcpy(copy, p, n);
	in = span_new(copy, n);
	while ((st = chunked_read(&r->chunked, &in, &data)) == CHUNKED_DATA) {
		ck_assert_uint_gt(data.n, 0);
		buf_add_span(&r->data, data);
	}
	ck_assert_uint_eq(data.n, 0);
	ck_assert(st != CHUNKED_MORE || in.n == 0);
	r->left = in.n;
	free(copy);
	return st;
}

static void
reading_init(struct reading *r)
{
	memset(r, 0, sizeof(*r));
	chunked_init(&r->chunked);
}

static void
check_answer(const struct row *row, struct reading *r, enum chunked_status st,
    size_t behind, const char *how, size_t at)
{
	ck_assert_msg(st == row->want, "%s (%s %zu): got %d, wanted %d: %s",
	    row->why, how, at, st, row->want,
	    r->chunked.why ? r->chunked.why : "");
	ck_assert_msg(
	    (st == CHUNKED_BAD) == (r->chunked.why != NULL), "%s", row->why);
	ck_assert_msg(span_eq(buf_span(&r->data), span_of(row->data)),
	    "%s (%s %zu): read \"%.*s\"", row->why, how, at,
	    SPAN_ARG(buf_span(&r->data)));
	if (st == CHUNKED_DONE)
		ck_assert_msg(r->left + behind == row->left,
		    "%s (%s %zu): %zu left", row->why, how, at,
		    r->left + behind);
	/* The end is the end. */
	if (st != CHUNKED_MORE) {
		ck_assert_int_eq(feed(r, "1\r\n", 3), st);
		ck_assert_uint_eq(r->left, 3);
	}
	buf_free(&r->data);
}

static void
check_row(const struct row *row)
{
	size_t n = row->in.n, i;
	enum chunked_status st;
	struct reading r;

	reading_init(&r);
	st = feed(&r, row->in.p, n);
	check_answer(row, &r, st, 0, "at once", n);

	reading_init(&r);
	st = CHUNKED_MORE;
	for (i = 0; i < n && st == CHUNKED_MORE; i++)
		st = feed(&r, row->in.p + i, 1);
	check_answer(row, &r, st, n - i, "byte by byte", n);

	for (size_t cut = 0; cut <= n; cut++) {
		size_t behind = n - cut;

		reading_init(&r);
		st = feed(&r, row->in.p, cut);
		if (st == CHUNKED_MORE) {
			st = feed(&r, row->in.p + cut, n - cut);
			behind = 0;
		}
		check_answer(row, &r, st, behind, "cut at", cut);
	}
}

START_TEST(chunks_are_read_strictly)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(&rows[i]);
}
END_TEST

/* Front, a run of one byte, back: how does it end? */
static enum chunked_status
read_long(const char *front, char c, size_t n, const char *back)
{
	struct buf in = BUF_INIT;
	enum chunked_status st;
	struct reading r;

	reading_init(&r);
	buf_add_str(&in, front);
	memset(buf_reserve(&in, n), c, n);
	buf_commit(&in, n);
	buf_add_str(&in, back);
	st = feed(&r, buf_span(&in).p, buf_span(&in).n);
	buf_free(&in);
	buf_free(&r.data);
	return st;
}

START_TEST(long_lines_are_refused)
{
	/* RFC 9112 section 7.1.1: limit the total length of extensions. */
	const char *end = "\r\n\r\n";

	/* The line is counted with its CR. */
	ck_assert_int_eq(
	    read_long("0;", 'a', CHUNKED_LINE_MAX - 3, end), CHUNKED_DONE);
	ck_assert_int_eq(
	    read_long("0;", 'a', CHUNKED_LINE_MAX - 2, end), CHUNKED_BAD);
	ck_assert_int_eq(
	    read_long("0;", 'a', CHUNKED_LINE_MAX, ""), CHUNKED_BAD);
	/* "A:" CRLF CRLF are six more bytes. */
	ck_assert_int_eq(
	    read_long("0\r\nA:", 'a', CHUNKED_TRAILER_MAX - 6, end),
	    CHUNKED_DONE);
	ck_assert_int_eq(
	    read_long("0\r\nA:", 'a', CHUNKED_TRAILER_MAX - 5, end),
	    CHUNKED_BAD);
	ck_assert_int_eq(
	    read_long("0\r\n", 'a', CHUNKED_TRAILER_MAX + 1, ""), CHUNKED_BAD);
}
END_TEST

START_TEST(trailers_are_limited_together)
{
	struct reading r;
	size_t n = 0;

	reading_init(&r);
	ck_assert_int_eq(feed(&r, "0\r\n", 3), CHUNKED_MORE);
	while (feed(&r, "A: b\r\n", 6) == CHUNKED_MORE)
		ck_assert_uint_lt(n += 6, CHUNKED_TRAILER_MAX + 6);
	ck_assert_ptr_nonnull(r.chunked.why);
}
END_TEST

START_TEST(extensions_may_not_outweigh_the_data)
{
	/* CVE-2023-39326, CVE-2024-22019: a body of tiny chunks, each with a
	 * long extension. */
	const char *chunk = "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n";
	struct reading r;
	size_t n = 0;

	reading_init(&r);
	while (feed(&r, chunk, strlen(chunk)) == CHUNKED_MORE)
		ck_assert_uint_lt(++n, 1000);
	ck_assert_uint_gt(n, 400);
	buf_free(&r.data);

	/* As much data as extensions may go on for ever. */
	chunk = "10;aaaaaaaaaaaa\r\n0123456789abcdef\r\n";
	reading_init(&r);
	for (n = 0; n < 5000; n++) {
		ck_assert_int_eq(feed(&r, chunk, strlen(chunk)), CHUNKED_MORE);
		buf_clear(&r.data);
	}
	buf_free(&r.data);
}
END_TEST

UNIT_MAIN("chunked", chunks_are_read_strictly, long_lines_are_refused,
    trailers_are_limited_together, extensions_may_not_outweigh_the_data)
