/*
 * t_relay: bodies in every framing, out in both, cut at every point.
 */
#include "net/relay.h"

#include "unit.h"

#include <stdio.h>

#define HIGH 65536

/* Two ends without sockets: relay only looks at their buffers, and at the
 * budget of their loop. */
struct ends {
	struct loop loop;
	struct conn from, to;
	struct relay r;
};

static void
ends_init(struct ends *e, struct framing in, bool chunk_out, size_t high)
{
	memset(e, 0, sizeof(*e));
	budget_init(&e->loop.budget, &e->loop.timers);
	e->from.loop = e->to.loop = &e->loop;
	relay_init(&e->r, in, chunk_out, high);
}

static void
ends_fini(struct ends *e)
{
	buf_free(&e->from.in);
	buf_free(&e->to.out);
}

static void
feed(struct ends *e, const char *p, size_t n)
{
	buf_add(&e->from.in, p, n);
}

static void
cut(struct ends *e, bool clean)
{
	e->from.eof = true;
	e->from.eof_clean = clean;
}

/* The chunked coding in `out`, undone with our own reader. */
static struct buf
unchunk(struct span out, bool *whole)
{
	struct buf b = BUF_INIT;
	struct chunked c;
	struct span data;
	enum chunked_status s;

	chunked_init(&c);
	while ((s = chunked_read(&c, &out, &data)) == CHUNKED_DATA)
		buf_add_span(&b, data);
	ck_assert_int_ne(s, CHUNKED_BAD);
	*whole = s == CHUNKED_DONE && out.n == 0;
	return b;
}

#define BODY "hello, wide world"

static const struct {
	const char *why;
	struct framing in;
	const char *wire, *rest; /* rest: bytes of the next message */
	const char *body;
} bodies[] = {
    {"no body", {FRAMING_NONE}, "", "next", ""},
    {"9112 6.2: an empty one", {FRAMING_LENGTH, true, 0}, "", "next", ""},
    {"9112 6.2: Content-Length", {FRAMING_LENGTH, true, 17}, BODY, "next",
	BODY},
    {"9112 7.1: chunks", {FRAMING_CHUNKED},
	"5\r\nhello\r\n1;ext=\"x\"\r\n,\r\nb\r\n wide world\r\n0\r\n\r\n",
	"next", BODY},
    {"9112 7.1.2: trailers are dropped", {FRAMING_CHUNKED},
	"11\r\n" BODY "\r\n0\r\nX-T: 1\r\n\r\n", "next", BODY},
    {"9112 7.1: an empty chunked body", {FRAMING_CHUNKED}, "0\r\n\r\n", "next",
	""},
    {"9112 6.3: until the connection closes", {FRAMING_CLOSE}, BODY, "", BODY},
    {"and then nothing comes", {FRAMING_CLOSE}, "", "", ""},
};

/* One body in two pieces, the second one split again at its middle. */
static void
relay_split(size_t row, bool chunk_out, size_t at)
{
	const char *wire = bodies[row].wire;
	size_t n = strlen(wire), middle = at + (n - at) / 2, budget = 1000;
	const size_t cuts[] = {0, at, middle, n};
	enum relay_status s = RELAY_MORE;
	struct replay keep;
	struct ends e;
	bool whole;

	ends_init(&e, bodies[row].in, chunk_out, HIGH);
	replay_init(&keep, 1000, &budget);
	for (size_t i = 1; i < COUNT(cuts); i++) {
		feed(&e, wire + cuts[i - 1], cuts[i] - cuts[i - 1]);
		s = relay_run(&e.r, &e.from, &e.to, &keep);
		if (cuts[i] < n)
			ck_assert_msg(s == RELAY_MORE, "%s", bodies[row].why);
	}
	feed(&e, bodies[row].rest, strlen(bodies[row].rest));
	if (bodies[row].in.kind == FRAMING_CLOSE) {
		ck_assert_int_eq(s, RELAY_MORE);
		cut(&e, true);
	}
	s = relay_run(&e.r, &e.from, &e.to, &keep);
	ck_assert_msg(
	    s == RELAY_DONE && e.r.done, "%s at %zu", bodies[row].why, at);
	ck_span(buf_span(&e.from.in), bodies[row].rest);
	ck_span(buf_span(&keep.body), bodies[row].body);
	ck_assert_uint_eq(e.r.bytes, strlen(bodies[row].body));
	if (!chunk_out) {
		ck_span(buf_span(&e.to.out), bodies[row].body);
	} else if (bodies[row].in.kind == FRAMING_CHUNKED ||
		   bodies[row].in.kind == FRAMING_CLOSE) {
		struct buf b = unchunk(buf_span(&e.to.out), &whole);

		ck_assert(whole);
		ck_span(buf_span(&b), bodies[row].body);
		buf_free(&b);
	}
	replay_drop(&keep);
	ends_fini(&e);
}

START_TEST(every_framing_at_every_split)
{
	for (size_t row = 0; row < COUNT(bodies); row++)
		for (size_t at = 0; at <= strlen(bodies[row].wire); at++) {
			relay_split(row, false, at);
			if (bodies[row].in.kind == FRAMING_CHUNKED ||
			    bodies[row].in.kind == FRAMING_CLOSE)
				relay_split(row, true, at);
		}
}
END_TEST

START_TEST(byte_by_byte)
{
	for (size_t row = 0; row < COUNT(bodies); row++) {
		const char *wire = bodies[row].wire;
		struct ends e;

		ends_init(&e, bodies[row].in, false, HIGH);
		for (size_t i = 0; wire[i]; i++) {
			feed(&e, wire + i, 1);
			relay_run(&e.r, &e.from, &e.to, NULL);
		}
		cut(&e, true);
		ck_assert_msg(
		    relay_run(&e.r, &e.from, &e.to, NULL) == RELAY_DONE, "%s",
		    bodies[row].why);
		ck_span(buf_span(&e.to.out), bodies[row].body);
		ends_fini(&e);
	}
}
END_TEST

START_TEST(ends_too_early)
{
	for (size_t row = 0; row < COUNT(bodies); row++) {
		const char *wire = bodies[row].wire;

		for (size_t at = 0; at < strlen(wire); at++)
			for (int clean = 0; clean < 2; clean++) {
				bool close =
				    bodies[row].in.kind == FRAMING_CLOSE;
				struct ends e;
				enum relay_status s;

				ends_init(&e, bodies[row].in, false, HIGH);
				feed(&e, wire, at);
				cut(&e, clean);
				s = relay_run(&e.r, &e.from, &e.to, NULL);
				/* 9112 8: only a clean end ends a body that
				 * nothing else delimits. */
				ck_assert_msg(
				    s == (close && clean ? RELAY_DONE
							 : RELAY_TRUNCATED),
				    "%s at %zu", bodies[row].why, at);
				ends_fini(&e);
			}
	}
}
END_TEST

START_TEST(truncated_chunks_have_no_last_chunk)
{
	struct ends e;
	bool whole;
	struct buf b;

	ends_init(&e, (struct framing){FRAMING_CLOSE}, true, HIGH);
	feed(&e, "half", 4);
	cut(&e, false);
	ck_assert_int_eq(
	    relay_run(&e.r, &e.from, &e.to, NULL), RELAY_TRUNCATED);
	b = unchunk(buf_span(&e.to.out), &whole);
	ck_assert(!whole);
	ck_span(buf_span(&b), "half");
	buf_free(&b);
	ends_fini(&e);
}
END_TEST

START_TEST(bad_chunks)
{
	static const char *const rows[] = {"x\r\n", "5 \r\nhello\r\n",
	    "5\nhello", "5\r\nhelloX", "-1\r\n", "0x5\r\nhello\r\n",
	    "10000000000000000\r\n"};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ends e;

		ends_init(&e, (struct framing){FRAMING_CHUNKED}, true, HIGH);
		feed(&e, rows[i], strlen(rows[i]));
		ck_assert_msg(
		    relay_run(&e.r, &e.from, &e.to, NULL) == RELAY_BAD, "%s",
		    rows[i]);
		ck_assert_ptr_nonnull(e.r.chunked.why);
		ends_fini(&e);
	}
}
END_TEST

START_TEST(without_a_sink)
{
	size_t budget = 100;
	struct replay keep;
	struct ends e;

	ends_init(&e, (struct framing){FRAMING_CHUNKED}, false, 1);
	replay_init(&keep, 100, &budget);
	feed(&e, "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 21);
	ck_assert_int_eq(relay_run(&e.r, &e.from, NULL, &keep), RELAY_DONE);
	ck_span(buf_span(&keep.body), "abcdef");
	replay_drop(&keep);
	ends_fini(&e);
}
END_TEST

/* The sink is full at `high` and again free at a quarter of it. */
START_TEST(high_water)
{
	char chunk[] = "64\r\n"
		       "....................................................."
		       "...............................................\r\n";
	struct ends e;

	ends_init(&e, (struct framing){FRAMING_CHUNKED}, false, 400);
	for (unsigned i = 0; i < 10; i++)
		feed(&e, chunk, strlen(chunk));
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert(e.r.full);
	ck_assert_uint_eq(e.to.out.len, 400);
	/* The chunk's own CRLF is read with what follows. */
	ck_assert_uint_eq(e.from.in.len, 6 * strlen(chunk) + 2);
	buf_consume(&e.to.out, 299);
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert_uint_eq(e.to.out.len, 101);
	buf_consume(&e.to.out, 1);
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert(e.r.full);
	ck_assert_uint_eq(e.to.out.len, 400);
	buf_clear(&e.to.out);
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert(!e.r.full);
	ck_assert_uint_eq(e.from.in.len, 0);
	ck_assert_uint_eq(e.r.bytes, 1000);
	ends_fini(&e);
}
END_TEST

/* While memory is short the sink is full with anything, and its source is not
 * read; what was read before goes on in pieces of `high`. */
START_TEST(while_memory_is_short)
{
	char block[1000];
	size_t others = 0;
	struct ends e;

	memset(block, '.', sizeof(block));
	ends_init(&e, (struct framing){FRAMING_CLOSE}, false, 400);
	budget_set_limit(&e.loop.budget, 4096, 0);
	feed(&e, block, sizeof(block));
	budget_charge(&e.loop.budget, &others, 4096);
	ck_assert(conn_tight(&e.to));
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert_uint_eq(e.to.out.len, 400);
	buf_consume(&e.to.out, 399);
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert_uint_eq(e.to.out.len, 1);
	ck_assert(e.r.full && e.from.held);
	buf_consume(&e.to.out, 1);
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert_uint_eq(e.to.out.len, 400);
	buf_clear(&e.to.out);
	ck_assert_int_eq(relay_run(&e.r, &e.from, &e.to, NULL), RELAY_MORE);
	ck_assert_uint_eq(e.to.out.len, 200);
	ck_assert_uint_eq(e.from.in.len, 0);
	/* An empty buffer is given back although nothing is read. */
	ck_assert_uint_eq(e.from.in.cap, 0);
	ends_fini(&e);
}
END_TEST

UNIT_MAIN("relay", every_framing_at_every_split, byte_by_byte, ends_too_early,
    truncated_chunks_have_no_last_chunk, bad_chunks, without_a_sink, high_water,
    while_memory_is_short)
