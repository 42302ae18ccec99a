/*
 * t_log: what a line looks like, that text from outside cannot forge one, and
 * that neither repetition nor a slow reader costs more than it may.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include "unit.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int events[2], access_lines[2];

/* The event stream is stderr: a pipe takes its place. */
static void
setup(void)
{
	ck_assert_int_eq(pipe2(events, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(access_lines, O_CLOEXEC), 0);
	dup2(events[1], STDERR_FILENO);
	close(events[1]);
	clock_fake(1000000, 1779357600);
}

static void
open_log(enum log_style style, enum log_level level)
{
	const struct log_config conf = {level, style, access_lines[1]};
	struct err err = ERR_INIT;

	ck_assert_int_eq(log_open(&conf, &err), 0);
}

/* Everything that is in the pipe, whose writers are done. */
static char *
drain(int fd)
{
	struct buf b = BUF_INIT;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, buf_reserve(&b, 4096), 4096)) > 0)
		buf_commit(&b, (size_t)n);
	return buf_steal_str(&b);
}

START_TEST(text_lines)
{
	char *got;

	open_log(LOG_TEXT, LOG_INFO);
	log_info("pool", "connect failed", L_STR("upstream", "a:443"),
	    L_STR("err", "no route to host"), L_INT("tries", -3),
	    L_SPAN("part", span_new("abcdef", 3)), L_STR("empty", ""),
	    L_STR("absent", NULL), L_END);
	log_debug("pool", "not shown", L_END);
	log_close();
	got = drain(events[0]);
	ck_assert_str_eq(got,
	    "2026-05-21T10:00:00.000Z info pool: connect failed "
	    "upstream=a:443 err=\"no route to host\" tries=-3 part=abc "
	    "empty=\"\" absent=\"\"\n");
	free(got);
}
END_TEST

static const struct {
	const char *why;
	struct span text;
} hostile[] = {
    {"a second line", SPAN("x\n2026-05-21T10:00:00.000Z error a: forged")},
    {"CR", SPAN("x\r\nforged")},
    {"quotes and backslashes", SPAN("x\" level=\"error\\")},
    {"another field", SPAN("x end=ok")},
    {"NUL", SPAN("a\0b")},
    {"escape sequences of terminals", SPAN("\x1b[2J\x1b]0;x\x07")},
    {"not UTF-8", SPAN("\xff\xfe\xc3")},
    {"overlong UTF-8", SPAN("\xc0\xaf")},
    {"UTF-8", SPAN("\xc3\xbc\xe2\x82\xac")},
    {"DEL", SPAN("a\x7f")},
    {"C1: CSI and NEL", SPAN("a\xc2\x9b[2Jb\xc2\x85")},
    {"right to left", SPAN("a\xe2\x80\xae"
			   "b\xe2\x81\xa6")},
    {"U+2028", SPAN("a\xe2\x80\xa8"
		    "b")},
};

START_TEST(hostile_text_in_json)
{
	struct span rest;
	size_t n = 0;
	char *got;

	open_log(LOG_JSON, LOG_INFO);
	for (size_t i = 0; i < COUNT(hostile); i++)
		log_info("client", "text", L_SPAN("v", hostile[i].text),
		    L_INT("n", (int64_t)i), L_END);
	log_close();
	got = drain(events[0]);
	rest = span_of(got);
	while (rest.n) {
		struct span line = span_cut(&rest, '\n');
		json_t *json = json_loadb(line.p, line.n,
		    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

		ck_assert_msg(
		    json_is_object(json), "no JSON: %.*s", SPAN_ARG(line));
		ck_assert_uint_eq(json_object_size(json), 6);
		ck_assert_str_eq(
		    json_string_value(json_object_get(json, "level")), "info");
		ck_assert_int_eq(json_integer_value(json_object_get(json, "n")),
		    (json_int_t)n);
		if (span_is_utf8(hostile[n].text)) {
			const json_t *v = json_object_get(json, "v");
			struct span text = span_new(
			    json_string_value(v), json_string_length(v));

			ck_assert_msg(span_eq(text, hostile[n].text), "%s",
			    hostile[n].why);
		}
		json_decref(json);
		n++;
	}
	ck_assert_uint_eq(n, COUNT(hostile));
	free(got);
}
END_TEST

START_TEST(hostile_text_in_text)
{
	unsigned lines = 0;
	char *got;

	open_log(LOG_TEXT, LOG_INFO);
	for (size_t i = 0; i < COUNT(hostile); i++)
		log_info("client", "text", L_SPAN("v", hostile[i].text), L_END);
	log_close();
	got = drain(events[0]);
	for (const char *p = got; *p; p++) {
		lines += *p == '\n';
		ck_assert_msg(*p == '\n' || (unsigned char)*p >= ' ',
		    "a control byte in %s", got);
	}
	ck_assert_uint_eq(lines, COUNT(hostile));
	ck_assert_ptr_null(strstr(got, " end=ok\n"));
	ck_assert_ptr_nonnull(strstr(got, "v=\"x end=ok\"\n"));
	free(got);
}
END_TEST

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

START_TEST(repetition_is_limited)
{
	char *got;

	open_log(LOG_TEXT, LOG_INFO);
	for (unsigned i = 0; i < 12; i++)
		log_warn("pool", "the same", L_INT("i", i), L_END);
	for (unsigned i = 0; i < 12; i++)
		log_info("pool", "quiet levels are not limited", L_END);
	clock_fake(1000000 + 10001, 1779357610);
	log_warn("pool", "the same", L_INT("i", 12), L_END);
	log_warn("pool", "the same", L_INT("i", 13), L_END);
	log_close();
	got = drain(events[0]);
	ck_assert_uint_eq(count(got, "the same"), 5 + 2);
	ck_assert_uint_eq(count(got, "not limited"), 12);
	ck_assert_ptr_nonnull(strstr(got, "i=12 suppressed=7\n"));
	ck_assert_ptr_nonnull(strstr(got, "i=13\n"));
	free(got);
}
END_TEST

/* Two messages whose addresses are told apart by little are two messages. */
START_TEST(repetition_of_two)
{
	static char room[4096];
	char *a = room, *b = room + 2048;
	char *got;

	strcpy(a, "first");
	strcpy(b, "second");
	open_log(LOG_TEXT, LOG_INFO);
	for (unsigned i = 0; i < 12; i++) {
		log_warn("pool", a, L_END);
		log_warn("pool", b, L_END);
	}
	log_close();
	got = drain(events[0]);
	ck_assert_uint_eq(count(got, "first"), 5);
	ck_assert_uint_eq(count(got, "second"), 5);
	free(got);
}
END_TEST

/* More messages than are remembered: the oldest are forgotten. */
START_TEST(repetition_of_many)
{
	static char room[1000][8];
	char *got;

	open_log(LOG_TEXT, LOG_INFO);
	for (unsigned i = 0; i < COUNT(room); i++) {
		strcpy(room[i], "x");
		clock_fake(1000000 + i, 1779357600);
		log_warn("pool", room[i], L_END);
	}
	for (unsigned i = 0; i < 12; i++)
		log_warn("pool", room[999], L_INT("last", i), L_END);
	log_close();
	got = drain(events[0]);
	ck_assert_uint_eq(count(got, ": x"), 1000 + 4);
	ck_assert_uint_eq(count(got, "last="), 4);
	free(got);
}
END_TEST

START_TEST(access_lines_in_order)
{
	struct log_sink sink = {BUF_INIT, 0};
	char *got;

	open_log(LOG_TEXT, LOG_INFO);
	ck_assert(log_access_wanted());
	log_sink_flush(&sink);
	buf_add_str(&sink.buf, "one\ntwo\n");
	sink.lines = 2;
	log_sink_flush(&sink);
	ck_assert_uint_eq(sink.buf.len, 0);
	ck_assert_uint_eq(sink.lines, 0);
	buf_add_str(&sink.buf, "three\n");
	sink.lines = 1;
	log_sink_flush(&sink);
	log_close();
	got = drain(access_lines[0]);
	ck_assert_str_eq(got, "one\ntwo\nthree\n");
	free(got);
	buf_free(&sink.buf);
	ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

/* Nobody reads: what does not fit is dropped, counted, and nobody waits. */
START_TEST(full_queue)
{
	struct log_sink sink = {BUF_INIT, 0};
	char *line = mem_alloc(1025), *got;
	unsigned sent = 0, seen;

	memset(line, 'x', 1023);
	line[1023] = '\n';
	open_log(LOG_TEXT, LOG_INFO);
	while (log_dropped() == 0) {
		for (unsigned i = 0; i < 16; i++)
			buf_add_str(&sink.buf, line);
		sink.lines = 16;
		sent += 16;
		log_sink_flush(&sink);
		ck_assert_uint_lt(sent, 4096);
	}
	ck_assert_uint_eq(log_dropped(), 16);
	/* Now somebody does; the thread's end comes after the last line. */
	seen = 0;
	while (seen < (sent - 16) * 1024) {
		char room[65536];
		ssize_t n = read(access_lines[0], room, sizeof(room));

		ck_assert_int_gt(n, 0);
		seen += (unsigned)n;
	}
	log_close();
	got = drain(access_lines[0]);
	ck_assert_str_eq(got, "");
	free(got);
	free(line);
	buf_free(&sink.buf);
}
END_TEST

static int64_t
real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
fill(struct log_sink *sink, unsigned lines)
{
	for (unsigned i = 0; i < lines; i++)
		buf_add_str(&sink->buf, "0123456789abcde\n");
	sink->lines = lines;
}

/* A reader that hangs keeps nobody from ending. */
START_TEST(close_with_a_full_pipe)
{
	struct log_sink sink = {BUF_INIT, 0};
	int64_t begun;

	open_log(LOG_TEXT, LOG_INFO);
	fill(&sink, 16384);
	log_sink_flush(&sink);
	begun = real_ms();
	log_close();
	ck_assert_int_lt(real_ms() - begun, 10000);
	log_error("main", "nobody waits for this line either", L_END);
	ck_assert_uint_eq(log_dropped(), 1);
	log_close();
	buf_free(&sink.buf);
}
END_TEST

/* Non-blocking by somebody else's doing: nothing is lost. */
START_TEST(non_blocking_pipe)
{
	struct log_sink sink = {BUF_INIT, 0};
	const size_t lines = 16384;
	size_t seen = 0;

	fcntl(access_lines[1], F_SETFL, O_NONBLOCK);
	open_log(LOG_TEXT, LOG_INFO);
	fill(&sink, (unsigned)lines);
	log_sink_flush(&sink);
	while (seen < lines * 16) {
		char room[4096];
		ssize_t n = read(access_lines[0], room, sizeof(room));

		ck_assert_int_gt(n, 0);
		seen += (size_t)n;
	}
	log_close();
	ck_assert_uint_eq(log_dropped(), 0);
	buf_free(&sink.buf);
}
END_TEST

/* Dropped lines are counted, not writes. */
START_TEST(reader_has_gone)
{
	struct log_sink sink = {BUF_INIT, 0};

	signal(SIGPIPE, SIG_IGN);
	open_log(LOG_TEXT, LOG_INFO);
	close(access_lines[0]);
	fill(&sink, 7);
	log_sink_flush(&sink);
	log_close();
	ck_assert_uint_eq(log_dropped(), 7);
	buf_free(&sink.buf);
}
END_TEST

/* A disk that is full in the middle of a line, and has room again later. */
START_TEST(full_disk)
{
	char name[] = "/tmp/t_log-XXXXXX", text[200];
	struct rlimit limit;
	int fd = mkstemp(name);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	unlink(name);
	dup2(fd, STDERR_FILENO);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 10;
	setrlimit(RLIMIT_FSIZE, &limit);
	open_log(LOG_TEXT, LOG_INFO);
	log_info("a", "torn", L_END);
	log_close();
	log_info("a", "lost", L_END);
	ck_assert_uint_eq(log_dropped(), 2);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	log_info("a", "whole", L_END);
	log_info("a", "next", L_END);
	n = pread(fd, text, sizeof(text), 0);
	ck_span(span_new(text, (size_t)n),
	    "2026-05-21\n2026-05-21T10:00:00.000Z info a: whole\n"
	    "2026-05-21T10:00:00.000Z info a: next\n");
	ck_assert_uint_eq(log_dropped(), 2);
	close(fd);
}
END_TEST

static void
say_journal(int fd, unsigned add)
{
	struct stat st;
	char text[64];

	fstat(fd, &st);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino + add);
	setenv("JOURNAL_STREAM", text, 1);
}

/* sd-daemon(3). */
START_TEST(priorities_for_the_journal)
{
	char *got;

	say_journal(STDERR_FILENO, 0);
	open_log(LOG_TEXT, LOG_DEBUG);
	ck_assert_str_eq(log_access_priority(), "");
	log_error("a", "e", L_END);
	log_warn("a", "w", L_END);
	log_info("a", "i", L_END);
	log_debug("a", "d", L_END);
	log_close();
	got = drain(events[0]);
	ck_assert_ptr_nonnull(strstr(got, "<3>2026-05-21T10:00:00.000Z error"));
	ck_assert_ptr_nonnull(
	    strstr(got, "\n<4>2026-05-21T10:00:00.000Z warn"));
	ck_assert_ptr_nonnull(
	    strstr(got, "\n<6>2026-05-21T10:00:00.000Z info"));
	ck_assert_ptr_nonnull(
	    strstr(got, "\n<7>2026-05-21T10:00:00.000Z debug"));
	free(got);
	say_journal(access_lines[1], 0);
	open_log(LOG_JSON, LOG_INFO);
	ck_assert_str_eq(log_access_priority(), "<6>");
	log_info("a", "i", L_END);
	log_close();
	got = drain(events[0]);
	ck_assert_int_eq(*got, '{');
	free(got);
}
END_TEST

/* Redirected since systemd said so, or never said. */
START_TEST(no_journal)
{
	static const char *const said[] = {"", "x", "1", ":", "1:", NULL};
	char *got;

	for (size_t i = 0; i < COUNT(said); i++) {
		if (said[i])
			setenv("JOURNAL_STREAM", said[i], 1);
		else
			say_journal(STDERR_FILENO, 1);
		open_log(LOG_TEXT, LOG_INFO);
		log_info("a", "i", L_END);
		log_close();
	}
	got = drain(events[0]);
	ck_assert_ptr_null(strchr(got, '<'));
	ck_assert_uint_eq(count(got, "info a: i\n"), COUNT(said));
	free(got);
}
END_TEST

START_TEST(before_it_is_open)
{
	char *got;

	log_info("main", "early", L_END);
	got = drain(events[0]);
	ck_assert_str_eq(got, "2026-05-21T10:00:00.000Z info main: early\n");
	free(got);
}
END_TEST

UNIT_MAIN_FIXTURE("log", setup, NULL, text_lines, hostile_text_in_json,
    hostile_text_in_text, repetition_is_limited, repetition_of_two,
    repetition_of_many, access_lines_in_order, full_queue,
    close_with_a_full_pipe, non_blocking_pipe, reader_has_gone, full_disk,
    priorities_for_the_journal, no_journal, before_it_is_open)
