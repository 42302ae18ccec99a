/*
 * t_head: the reader of message heads.  Every row is read in one piece, byte
 * by byte and at every split point, each time from memory of the exact size
 * that has moved since: the answers must be the same.
 */
#include "base/mem.h"
#include "http/head.h"

#include "unit.h"

#include <stdio.h>

#define MAX_FIELDS 8

struct row {
	const char *why;
	struct span in;
	enum head_status want;
	/* What was understood, when HEAD_DONE: see describe(). */
	const char *text;
	size_t max_bytes; /* 0: the default */
};

/* In a table: text that may hold NUL. */
#define IN(literal)                            \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
#define LINE(line) IN(line "\r\n\r\n")
#define GET(fields) IN("GET / HTTP/1.1\r\n" fields "\r\n")
#define OK(fields) IN("HTTP/1.1 200 OK\r\n" fields "\r\n")

#define X10(s) s s s s s s s s s s
#define X100(s) X10(X10(s))
#define X1000(s) X10(X100(s))

typedef enum head_status parse_fn(
    struct head *, struct span, const struct head_limits *);

struct reading {
	struct head head;
	struct field fields[MAX_FIELDS];
	struct head_limits limits;
	char *copy; /* what the last call read */
};

static void
reading_init(struct reading *r, const struct row *row)
{
	memset(r, 0, sizeof(*r));
	head_reset(&r->head, r->fields);
	r->limits.max_bytes = row->max_bytes ? row->max_bytes : 16384;
	r->limits.max_fields = MAX_FIELDS;
}

/* The first n bytes, at another place than before. */
static enum head_status
feed(struct reading *r, parse_fn *parse, const struct row *row, size_t n)
{
	char *old = r->copy;
	enum head_status st;

	r->copy = mem_alloc(n);
	memcpy(r->copy, row->in.p, n);
	if (old)
		memset(old, '!', 1);
	free(old);
	st = parse(&r->head, span_new(r->copy, n), &r->limits);
	ck_assert_uint_le(r->head.scanned, n);
	return st;
}

/* "GET /x 1.1 [Host=a][...] size 20" or "200 OK 1.1 ..." */
static void
describe(struct buf *b, const struct head *h)
{
	buf_clear(b);
	if (h->method.n)
		buf_printf(
		    b, "%.*s %.*s", SPAN_ARG(h->method), SPAN_ARG(h->target));
	else
		buf_printf(b, "%u %.*s", h->status, SPAN_ARG(h->reason));
	buf_printf(b, " 1.%u", h->minor);
	for (unsigned i = 0; i < h->nfields; i++)
		buf_printf(b, " [%.*s=%.*s]", SPAN_ARG(h->fields[i].name),
		    SPAN_ARG(h->fields[i].value));
}

static void
check_answer(const struct row *row, struct reading *r, enum head_status got,
    const char *how, size_t at)
{
	struct buf text = BUF_INIT;

	ck_assert_msg(got == row->want, "%s (%s %zu): got %d, wanted %d: %s",
	    row->why, how, at, got, row->want, r->head.why ? r->head.why : "");
	ck_assert_msg((got == HEAD_BAD) == (r->head.why != NULL), "%s: %s",
	    row->why, how);
	if (got == HEAD_DONE) {
		ck_assert_uint_eq(r->head.size, r->head.scanned);
		describe(&text, &r->head);
		ck_assert_msg(span_eq(buf_span(&text), span_of(row->text)),
		    "%s (%s %zu): read \"%.*s\"", row->why, how, at,
		    SPAN_ARG(buf_span(&text)));
	}
	buf_free(&text);
	free(r->copy);
	r->copy = NULL;
}

static void
check_row(const struct row *row, parse_fn *parse)
{
	size_t n = row->in.n;
	enum head_status st = HEAD_MORE;
	struct reading r;
	const char *why;

	reading_init(&r, row);
	st = feed(&r, parse, row, n);
	why = r.head.why;
	check_answer(row, &r, st, "at once", n);

	reading_init(&r, row);
	st = HEAD_MORE;
	for (size_t i = 0; i <= n && st == HEAD_MORE; i++)
		st = feed(&r, parse, row, i);
	ck_assert_ptr_eq(r.head.why, why);
	check_answer(row, &r, st, "byte by byte", n);

	for (size_t cut = 0; cut < n && n < 1000; cut++) {
		reading_init(&r, row);
		st = feed(&r, parse, row, cut);
		if (st == HEAD_MORE)
			st = feed(&r, parse, row, n);
		ck_assert_ptr_eq(r.head.why, why);
		check_answer(row, &r, st, "cut at", cut);
	}
}

static const struct row requests[] = {
    {"9112 3: the usual", GET("Host: a\r\nX: y\r\n"), HEAD_DONE,
	"GET / 1.1 [Host=a] [X=y]"},
    {"9112 2.1: no field at all", GET(""), HEAD_DONE, "GET / 1.1"},
    {"9112 2.3: HTTP/1.0", LINE("GET /x HTTP/1.0"), HEAD_DONE, "GET /x 1.0"},
    {"9112 2.2: one empty line in front", IN("\r\nGET / HTTP/1.1\r\n\r\n"),
	HEAD_DONE, "GET / 1.1"},
    {"9112 2.2: two empty lines in front", IN("\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
	HEAD_BAD, NULL},
    {"bytes behind the head are left alone",
	IN("GET / HTTP/1.1\r\n\r\n\x00\x01GET"), HEAD_DONE, "GET / 1.1"},
    {"not complete yet", IN("GET / HTTP/1.1\r\nHost: a\r\n"), HEAD_MORE, NULL},
    {"nothing at all", IN(""), HEAD_MORE, NULL},
    {"9110 9.1: any token is a method", LINE("M!#$%&'*+-.^_`|~9 / HTTP/1.1"),
	HEAD_DONE, "M!#$%&'*+-.^_`|~9 / 1.1"},
    {"9110 9.1: methods have case", LINE("get / HTTP/1.1"), HEAD_DONE,
	"get / 1.1"},
    {"a method of 32 bytes", LINE(X10("ABC") "DE / HTTP/1.1"), HEAD_DONE,
	X10("ABC") "DE / 1.1"},
    {"a method of 33 bytes", LINE(X10("ABC") "DEF / HTTP/1.1"), HEAD_BAD, NULL},
    {"all four forms are text here", LINE("CONNECT a:1 HTTP/1.1"), HEAD_DONE,
	"CONNECT a:1 1.1"},

    /* the request line, RFC 9112 section 3 */
    {"no method", LINE(" / HTTP/1.1"), HEAD_BAD, NULL},
    {"white space in front", LINE(" GET / HTTP/1.1"), HEAD_BAD, NULL},
    {"two spaces", LINE("GET  / HTTP/1.1"), HEAD_BAD, NULL},
    {"two spaces before the version", LINE("GET /  HTTP/1.1"), HEAD_BAD, NULL},
    {"a tab for the space", LINE("GET\t/ HTTP/1.1"), HEAD_BAD, NULL},
    {"a tab for the second space", LINE("GET /\tHTTP/1.1"), HEAD_BAD, NULL},
    {"a space in the target", LINE("GET /a b HTTP/1.1"), HEAD_BAD, NULL},
    {"a space behind the version", LINE("GET / HTTP/1.1 "), HEAD_BAD, NULL},
    {"HTTP/0.9", IN("GET /\r\n"), HEAD_BAD, NULL},
    {"HTTP/0.9 without target", IN("GET\r\n"), HEAD_BAD, NULL},
    {"a separator in the method", LINE("G(T / HTTP/1.1"), HEAD_BAD, NULL},
    {"a colon in the method", LINE("GET: / HTTP/1.1"), HEAD_BAD, NULL},
    {"NUL in the method", IN("G\0T"), HEAD_BAD, NULL},
    {"NUL in the target", IN("GET /\0"), HEAD_BAD, NULL},
    {"DEL in the target", IN("GET /\x7f"), HEAD_BAD, NULL},
    {"non-ASCII in the target", IN("GET /\xc3\xbc HTTP/1.1"), HEAD_BAD, NULL},
    {"a vertical tab for the space", IN("GET\x0b/ HTTP/1.1"), HEAD_BAD, NULL},
    {"LF alone ends the line", IN("GET / HTTP/1.1\n"), HEAD_BAD, NULL},
    {"CR alone ends the line", IN("GET / HTTP/1.1\rH"), HEAD_BAD, NULL},
    {"CR CR LF", IN("GET / HTTP/1.1\r\r\n"), HEAD_BAD, NULL},
    {"LF in front", IN("\nGET / HTTP/1.1\r\n"), HEAD_BAD, NULL},
    {"CR in front", IN("\rGET / HTTP/1.1\r\n"), HEAD_BAD, NULL},
    {"a TLS handshake", IN("\x16\x03\x01"), HEAD_BAD, NULL},
    {"a SOCKS handshake", IN("\x05\x01\x00"), HEAD_BAD, NULL},
    {"the PROXY protocol, version 2", IN("\r\n\r\n\x00\r\nQUIT\n"), HEAD_BAD,
	NULL},

    /* versions, RFC 9112 section 2.3, RFC 9110 section 15.6.6 */
    {"HTTP/2 preface", LINE("PRI * HTTP/2.0"), HEAD_VERSION, NULL},
    {"HTTP/1.2", LINE("GET / HTTP/1.2"), HEAD_VERSION, NULL},
    {"HTTP/0.9 spelled out", LINE("GET / HTTP/0.9"), HEAD_VERSION, NULL},
    {"HTTP/9.1", LINE("GET / HTTP/9.1"), HEAD_VERSION, NULL},
    {"HTTP/2 without minor", LINE("GET / HTTP/2"), HEAD_BAD, NULL},
    {"HTTP/1.10", LINE("GET / HTTP/1.10"), HEAD_BAD, NULL},
    {"HTTP/01.1", LINE("GET / HTTP/01.1"), HEAD_BAD, NULL},
    {"HTTP/1,1", LINE("GET / HTTP/1,1"), HEAD_BAD, NULL},
    {"HTTP/+1.1", LINE("GET / HTTP/+1.1"), HEAD_BAD, NULL},
    {"HTTP/1.", LINE("GET / HTTP/1."), HEAD_BAD, NULL},
    {"the version has case", LINE("GET / http/1.1"), HEAD_BAD, NULL},
    {"another protocol", LINE("GET / HTTPS/1.1"), HEAD_BAD, NULL},
    {"ICE/1.0", LINE("GET / ICE/1.0"), HEAD_BAD, NULL},
    {"RTSP/1.0", LINE("GET / RTSP/1.0"), HEAD_BAD, NULL},

    /* field lines, RFC 9112 section 5, RFC 9110 section 5 */
    {"5.1: optional white space", GET("A:b\r\nC: \t d \t\r\nE:\r\nF: \r\n"),
	HEAD_DONE, "GET / 1.1 [A=b] [C=d] [E=] [F=]"},
    {"5.1: white space inside stays", GET("A: b \t c\r\n"), HEAD_DONE,
	"GET / 1.1 [A=b \t c]"},
    {"9110 5.5: obs-text", GET("A: \x80\xff\r\n"), HEAD_DONE,
	"GET / 1.1 [A=\x80\xff]"},
    {"9110 5.6.2: any token is a name", GET("!#$%&'*+-.^_`|~9z: y\r\n"),
	HEAD_DONE, "GET / 1.1 [!#$%&'*+-.^_`|~9z=y]"},
    {"colons in the value", GET("A: b:c: d\r\n"), HEAD_DONE,
	"GET / 1.1 [A=b:c: d]"},
    {"5.1: SP before the colon", GET("Host : a\r\n"), HEAD_BAD, NULL},
    {"5.1: HTAB before the colon", GET("Host\t: a\r\n"), HEAD_BAD, NULL},
    {"smuggling: Transfer-Encoding : chunked",
	GET("Transfer-Encoding : chunked\r\n"), HEAD_BAD, NULL},
    {"smuggling: [CR] before the colon", GET("Transfer-Encoding\r: x\r\n"),
	HEAD_BAD, NULL},
    {"smuggling: [LF] before the colon", GET("Transfer-Encoding\n: x\r\n"),
	HEAD_BAD, NULL},
    {"smuggling: name and colon on two lines",
	GET("Transfer-Encoding\r\n : chunked\r\n"), HEAD_BAD, NULL},
    {"smuggling: VT before the value",
	GET("Transfer-Encoding: \x0b"
	    "chunked\r\n"),
	HEAD_BAD, NULL},
    {"smuggling: NUL before the value", GET("Transfer-Encoding: \0chunked\r\n"),
	HEAD_BAD, NULL},
    {"smuggling: NUL behind the value", GET("Transfer-Encoding: chunked\0\r\n"),
	HEAD_BAD, NULL},
    {"smuggling: LF hides a field", GET("A: b\nContent-Length: 5\r\n"),
	HEAD_BAD, NULL},
    {"smuggling: CR hides a field", GET("A: b\rContent-Length: 5\r\n"),
	HEAD_BAD, NULL},
    {"smuggling: LF CR", GET("A: b\n\rContent-Length: 5\r\n"), HEAD_BAD, NULL},
    {"smuggling: non-ASCII name", GET("Content-Length\xa0: 5\r\n"), HEAD_BAD,
	NULL},
    {"smuggling: quoted name", GET("\"Content-Length\": 5\r\n"), HEAD_BAD,
	NULL},
    {"2.2: white space before the first field", GET(" Host: a\r\n"), HEAD_BAD,
	NULL},
    {"2.2: HTAB before the first field", GET("\tHost: a\r\n"), HEAD_BAD, NULL},
    {"5.2: obs-fold", GET("A: b\r\n c\r\n"), HEAD_BAD, NULL},
    {"5.2: obs-fold with HTAB", GET("A: b\r\n\tc\r\n"), HEAD_BAD, NULL},
    {"5.2: obs-fold of nothing", GET("A: b\r\n \r\n"), HEAD_BAD, NULL},
    {"5.2: a folded Transfer-Encoding",
	GET("Transfer-Encoding:\r\n chunked\r\n"), HEAD_BAD, NULL},
    {"no colon", GET("Host\r\n"), HEAD_BAD, NULL},
    {"no name", GET(": a\r\n"), HEAD_BAD, NULL},
    {"a space in the name", GET("Content Length: 5\r\n"), HEAD_BAD, NULL},
    {"a control byte in the name", GET("A\x01: b\r\n"), HEAD_BAD, NULL},
    {"a slash in the name", GET("A/B: b\r\n"), HEAD_BAD, NULL},
    {"9110 5.5: NUL in the value", GET("A: b\0c\r\n"), HEAD_BAD, NULL},
    {"9110 5.5: DEL in the value", GET("A: b\x7f\r\n"), HEAD_BAD, NULL},
    {"9110 5.5: ESC in the value", GET("A: \x1b[31m\r\n"), HEAD_BAD, NULL},
    {"LF ends the fields", IN("GET / HTTP/1.1\r\nA: b\r\n\n"), HEAD_BAD, NULL},
    {"LF LF", IN("GET / HTTP/1.1\r\nA: b\n\n"), HEAD_BAD, NULL},
    {"CR CR LF ends the fields", IN("GET / HTTP/1.1\r\nA: b\r\n\r\r\n"),
	HEAD_BAD, NULL},
    {"CR and then a byte at the end", IN("GET / HTTP/1.1\r\n\rX"), HEAD_BAD,
	NULL},
    {"known bad before it is complete", IN("GET / HTTP/1.1\r\nA: \x01"),
	HEAD_BAD, NULL},

    /* limits */
    {"8 fields of 8", GET("A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\n"),
	HEAD_DONE, "GET / 1.1 [A=] [B=] [C=] [D=] [E=] [F=] [G=] [H=]"},
    {"9 fields of 8",
	GET("A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\nI:\r\n"),
	HEAD_TOO_MANY, NULL},
    {"as many bytes as allowed", GET(""), HEAD_DONE, "GET / 1.1", 18},
    {"one byte too many", GET(""), HEAD_TOO_LARGE, NULL, 17},
    {"bytes behind the head do not count", IN("GET / HTTP/1.1\r\n\r\nbody"),
	HEAD_DONE, "GET / 1.1", 18},
    {"the empty line in front counts", IN("\r\nGET / HTTP/1.1\r\n\r\n"),
	HEAD_TOO_LARGE, NULL, 18},
    {"too large is known before the end", IN("GET / HTTP/1.1\r\nA: bbb"),
	HEAD_TOO_LARGE, NULL, 22},
    {"3: a target of 8000 bytes",
	IN("GET " X1000("/2345678") " HTTP/1.1\r\n\r\n"), HEAD_DONE,
	"GET " X1000("/2345678") " 1.1"},
    {"3: a target of 8001 bytes", IN("GET " X1000("/2345678") "x"),
	HEAD_TARGET_LONG, NULL},
};

static const struct row responses[] = {
    {"9112 4: the usual", OK("A: b\r\n"), HEAD_DONE, "200 OK 1.1 [A=b]"},
    {"9112 4: an empty reason", LINE("HTTP/1.1 200 "), HEAD_DONE, "200  1.1"},
    {"9112 4: a reason of any text", LINE("HTTP/1.0 404 N\xc3\xb6 \t way"),
	HEAD_DONE, "404 N\xc3\xb6 \t way 1.0"},
    {"9112 4: a space is part of the reason", LINE("HTTP/1.1 200  OK"),
	HEAD_DONE, "200  OK 1.1"},
    {"1xx", LINE("HTTP/1.1 100 Continue"), HEAD_DONE, "100 Continue 1.1"},
    {"599", LINE("HTTP/1.1 599 x"), HEAD_DONE, "599 x 1.1"},
    {"what follows is left alone", IN("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1"),
	HEAD_DONE, "200 OK 1.1"},
    {"not complete", IN("HTTP/1.1 2"), HEAD_MORE, NULL},
    {"9112 4: the space is a must", LINE("HTTP/1.1 200"), HEAD_BAD, NULL},
    {"9112 2.2: no empty line in front", IN("\r\nHTTP/1.1 200 OK\r\n\r\n"),
	HEAD_BAD, NULL},
    {"0xx", LINE("HTTP/1.1 099 x"), HEAD_BAD, NULL},
    {"600", LINE("HTTP/1.1 600 x"), HEAD_BAD, NULL},
    {"two digits", LINE("HTTP/1.1 20 OK"), HEAD_BAD, NULL},
    {"four digits", LINE("HTTP/1.1 2000 OK"), HEAD_BAD, NULL},
    {"a sign", LINE("HTTP/1.1 +20 OK"), HEAD_BAD, NULL},
    {"two spaces", LINE("HTTP/1.1  200 OK"), HEAD_BAD, NULL},
    {"a tab", LINE("HTTP/1.1\t200 OK"), HEAD_BAD, NULL},
    {"a tab behind the code", LINE("HTTP/1.1 200\tOK"), HEAD_BAD, NULL},
    {"NUL in the reason", LINE("HTTP/1.1 200 O\0K"), HEAD_BAD, NULL},
    {"LF alone", IN("HTTP/1.1 200 OK\n"), HEAD_BAD, NULL},
    {"CR alone", IN("HTTP/1.1 200 OK\rA: b"), HEAD_BAD, NULL},
    {"a request", LINE("GET / HTTP/1.1"), HEAD_BAD, NULL},
    {"HTTP/2.0", LINE("HTTP/2.0 200 OK"), HEAD_VERSION, NULL},
    {"HTTP/1.2", LINE("HTTP/1.2 200 OK"), HEAD_VERSION, NULL},
    {"HTTP/0.9: body at once", IN("<html>"), HEAD_BAD, NULL},
    {"ICY", LINE("ICY 200 OK"), HEAD_BAD, NULL},
    {"5.2: obs-fold", OK("A: b\r\n c\r\n"), HEAD_BAD, NULL},
    {"5.1: SP before the colon", OK("A : b\r\n"), HEAD_BAD, NULL},
    {"LF in a value", OK("A: b\nSet-Cookie: c\r\n"), HEAD_BAD, NULL},
    {"one byte too many", OK(""), HEAD_TOO_LARGE, NULL, 18},
    {"as many bytes as allowed", OK(""), HEAD_DONE, "200 OK 1.1", 19},
};

START_TEST(requests_are_read_strictly)
{
	for (size_t i = 0; i < COUNT(requests); i++)
		check_row(&requests[i], head_parse_request);
}
END_TEST

START_TEST(responses_are_read_strictly)
{
	for (size_t i = 0; i < COUNT(responses); i++)
		check_row(&responses[i], head_parse_response);
}
END_TEST

/* A head of these field lines, for the questions below. */
static struct field fields[MAX_FIELDS];
static struct head head;

static void
read_head(const char *line, const char *lines)
{
	static const struct head_limits limits = {4096, MAX_FIELDS};
	static char text[4096];
	struct span in;

	snprintf(text, sizeof(text), "%s\r\n%s\r\n", line, lines);
	in = span_of(text);
	head_reset(&head, fields);
	ck_assert_int_eq(line[0] == 'H'
			     ? head_parse_response(&head, in, &limits)
			     : head_parse_request(&head, in, &limits),
	    HEAD_DONE);
	ck_assert_uint_eq(head.size, in.n);
}

START_TEST(fields_are_found)
{
	const struct field *f;

	read_head("GET / HTTP/1.1",
	    "hOST: a\r\nX-A: 1\r\nVia: x\r\nX-A: 2\r\nVIA: y\r\n");
	ck_span(head_value(&head, FIELD_HOST), "a");
	f = head_find(&head, FIELD_VIA);
	ck_assert_ptr_nonnull(f);
	ck_span(f->value, "x");
	f = head_find_next(&head, f);
	ck_assert_ptr_nonnull(f);
	ck_span(f->value, "y");
	ck_assert_ptr_null(head_find_next(&head, f));
	ck_assert_ptr_null(head_find(&head, FIELD_CONNECTION));
	ck_assert_ptr_null(head_value(&head, FIELD_CONNECTION).p);
	/* A field that is there and empty is not absent. */
	read_head("GET / HTTP/1.1", "Host:\r\n");
	ck_assert_ptr_nonnull(head_value(&head, FIELD_HOST).p);
}
END_TEST

START_TEST(a_head_is_read_once)
{
	static const struct head_limits limits = {4096, MAX_FIELDS};
	struct span two = SPAN("GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");

	head_reset(&head, fields);
	ck_assert_int_eq(head_parse_request(&head, two, &limits), HEAD_DONE);
	ck_assert_int_eq(head_parse_request(&head, two, &limits), HEAD_BAD);
	two.p += head.size;
	two.n -= head.size;
	head_reset(&head, fields);
	ck_assert_int_eq(head_parse_request(&head, two, &limits), HEAD_DONE);
	ck_span(head.target, "/2");
}
END_TEST

START_TEST(spans_follow_the_bytes)
{
	char copy[64];

	read_head("GET /x HTTP/1.1", "Host: a\r\nX-Empty:\r\n");
	memcpy(copy, head.base, head.size);
	head_rebase(&head, head.base, copy);
	ck_assert_ptr_eq(head.method.p, copy);
	ck_assert_ptr_eq(head.target.p, copy + 4);
	ck_assert_ptr_eq(head.fields[0].name.p, copy + 17);
	ck_assert_ptr_eq(head.fields[0].value.p, copy + 23);
	ck_span(head_value(&head, FIELD_HOST), "a");
	ck_assert_ptr_null(head.reason.p);
	read_head("HTTP/1.1 200 OK", "");
	memcpy(copy, head.base, head.size);
	head_rebase(&head, head.base, copy);
	ck_assert_ptr_eq(head.reason.p, copy + 13);
}
END_TEST

START_TEST(connection_names_fields)
{
	/* RFC 9110 section 7.6.1. */
	static const struct {
		const char *why, *name;
		bool want;
	} rows[] = {
	    {"unknown and named", "X-Mine", true},
	    {"case ignored", "x-MINE", true},
	    {"unknown, not named", "X-Mine2", false},
	    {"named on the second line", "Keep-Alive", true},
	    {"authorization is protected", "Authorization", false},
	    {"framing is protected", "Content-Length", false},
	    {"end-to-end is protected", "Content-Type", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char lines[512];

		snprintf(lines, sizeof(lines),
		    "Connection: close, X-Mine,Authorization , Content-Length"
		    ",, host\r\n%s: v\r\n"
		    "connection: keep-alive, content-type\r\n",
		    rows[i].name);
		read_head("GET / HTTP/1.1", lines);
		ck_assert_msg(head_connection_names(&head, &head.fields[1]) ==
				  rows[i].want,
		    "%s", rows[i].why);
	}
	read_head("GET / HTTP/1.1", "X-Mine: v\r\n");
	ck_assert(!head_connection_names(&head, &head.fields[0]));
}
END_TEST

START_TEST(keep_alive_is_asked)
{
	/* RFC 9112 section 9.3. */
	static const struct {
		const char *line, *lines;
		bool want;
	} rows[] = {
	    {"GET / HTTP/1.1", "", true},
	    {"GET / HTTP/1.1", "Connection: Close\r\n", false},
	    {"GET / HTTP/1.1", "Connection: x, close\r\n", false},
	    {"GET / HTTP/1.1", "Connection: x\r\nConnection: close\r\n", false},
	    {"GET / HTTP/1.1", "Connection: keep-alive, close\r\n", false},
	    {"GET / HTTP/1.1", "Connection: closed\r\n", true},
	    {"GET / HTTP/1.1", "Connection: \"x, close, y\"\r\n", false},
	    {"GET / HTTP/1.1", "Proxy-Connection: close\r\n", true},
	    {"GET / HTTP/1.0", "", false},
	    {"GET / HTTP/1.0", "Connection: Keep-Alive\r\n", true},
	    {"GET / HTTP/1.0", "Proxy-Connection: keep-alive\r\n", false},
	    {"GET http://a/ HTTP/1.0", "Connection: keep-alive\r\n", false},
	    {"HTTP/1.1 200 OK", "", true},
	    {"HTTP/1.1 200 OK", "Connection: close\r\n", false},
	    {"HTTP/1.0 200 OK", "", false},
	    {"HTTP/1.0 200 OK", "Connection: keep-alive\r\n", true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		read_head(rows[i].line, rows[i].lines);
		ck_assert_msg(head_keep_alive(&head) == rows[i].want, "%s, %s",
		    rows[i].line, rows[i].lines);
	}
}
END_TEST

UNIT_MAIN("head", requests_are_read_strictly, responses_are_read_strictly,
    fields_are_found, a_head_is_read_once, spans_follow_the_bytes,
    connection_names_fields, keep_alive_is_asked)
