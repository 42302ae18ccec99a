/*
 * t_write: messages put together, and that nothing slips into them.
 */
#include "http/write.h"

#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_request_is_written)
{
	struct buf b = BUF_INIT;

	write_request_line(&b, SPAN("POST"), SPAN("/v1/%41"), SPAN("?a=b"));
	write_field(&b, SPAN("Host"), SPAN("mastio.example"));
	write_field(&b, SPAN("X-Empty"), SPAN_NONE);
	write_field(&b, SPAN("X-Text"), SPAN("a\tb \xff"));
	write_field_u64(&b, SPAN("Content-Length"), UINT64_MAX);
	write_head_end(&b);
	ck_span(buf_span(&b), "POST /v1/%41?a=b HTTP/1.1\r\n"
			      "Host: mastio.example\r\n"
			      "X-Empty: \r\n"
			      "X-Text: a\tb \xff\r\n"
			      "Content-Length: 18446744073709551615\r\n"
			      "\r\n");
	buf_clear(&b);
	write_request_line(&b, SPAN("OPTIONS"), SPAN("*"), SPAN_NONE);
	ck_span(buf_span(&b), "OPTIONS * HTTP/1.1\r\n");
	buf_free(&b);
}
END_TEST

START_TEST(a_response_is_written)
{
	struct buf b = BUF_INIT;

	write_status_line(&b, 200, write_reason(200));
	write_field_u64(&b, SPAN("Content-Length"), 0);
	write_head_end(&b);
	write_status_line(&b, 299, write_reason(299));
	ck_span(buf_span(&b), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
			      "HTTP/1.1 299 \r\n");
	buf_free(&b);
}
END_TEST

START_TEST(chunks_are_written)
{
	struct buf b = BUF_INIT;

	write_chunk(&b, SPAN("abc"));
	write_chunk(&b, SPAN(""));
	write_chunk(&b, SPAN_NONE);
	write_chunk(&b, SPAN("0123456789abcdefghij"));
	write_last_chunk(&b);
	ck_span(buf_span(&b), "3\r\nabc\r\n14\r\n0123456789abcdefghij\r\n"
			      "0\r\n\r\n");
	buf_free(&b);
}
END_TEST

START_TEST(reasons_are_those_of_the_rfc)
{
	/* RFC 9110 section 15, RFC 6585, RFC 8297, RFC 8470. */
	static const struct {
		unsigned status;
		const char *reason;
	} rows[] = {{100, "Continue"}, {103, "Early Hints"}, {200, "OK"},
	    {204, "No Content"}, {304, "Not Modified"}, {400, "Bad Request"},
	    {407, "Proxy Authentication Required"}, {413, "Content Too Large"},
	    {414, "URI Too Long"}, {417, "Expectation Failed"},
	    {421, "Misdirected Request"}, {425, "Too Early"},
	    {431, "Request Header Fields Too Large"}, {501, "Not Implemented"},
	    {502, "Bad Gateway"}, {503, "Service Unavailable"},
	    {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
	    {418, ""}, {0, ""}};

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_span(write_reason(rows[i].status), rows[i].reason);
}
END_TEST

static void
as_method(struct buf *b, struct span text)
{
	write_request_line(b, text, SPAN("/"), SPAN_NONE);
}

static void
as_path(struct buf *b, struct span text)
{
	write_request_line(b, SPAN("GET"), text, SPAN_NONE);
}

static void
as_query(struct buf *b, struct span text)
{
	write_request_line(b, SPAN("GET"), SPAN("/"), text);
}

static void
as_reason(struct buf *b, struct span text)
{
	write_status_line(b, 200, text);
}

static void
as_name(struct buf *b, struct span text)
{
	write_field(b, text, SPAN("v"));
}

static void
as_number_name(struct buf *b, struct span text)
{
	write_field_u64(b, text, 1);
}

static void
as_value(struct buf *b, struct span text)
{
	write_field(b, SPAN("A"), text);
}

/* What must end the program instead of getting into a head. */
static const struct {
	void (*write)(struct buf *, struct span);
	struct span text;
} poison[] = {
    {as_method, {"", 0}},
    {as_method, {"G T", 3}},
    {as_method, {"G\r\n", 3}},
    {as_path, {"", 0}},
    {as_path, {"/ HTTP/1.1", 10}},
    {as_path, {"/\r\nA: b", 7}},
    {as_path, {"/\n", 2}},
    {as_path, {"/\0", 2}},
    {as_path, {"/\xc3\xbc", 3}},
    {as_query, {"?a b", 4}},
    {as_query, {"?\r", 2}},
    {as_reason, {"O\rK", 3}},
    {as_reason, {"O\nK", 3}},
    {as_reason, {"O\0K", 3}},
    {as_name, {"", 0}},
    {as_name, {"A:", 2}},
    {as_name, {"A ", 2}},
    {as_name, {"A\r\nB", 4}},
    {as_number_name, {"A\n", 2}},
    {as_value, {"b\r\nC: d", 7}},
    {as_value, {"b\r", 2}},
    {as_value, {"b\n", 2}},
    {as_value, {"b\0", 2}},
    {as_value, {"\x7f", 1}},
};

/* In a child, whose last words nobody needs. */
static int
status_of_write(void (*write_it)(struct buf *, struct span), struct span text)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct buf b = BUF_INIT;

		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		write_it(&b, text);
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(nothing_slips_into_a_head)
{
	for (size_t i = 0; i < COUNT(poison); i++) {
		int status = status_of_write(poison[i].write, poison[i].text);

		ck_assert_msg(
		    WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT,
		    "row %zu was written", i);
	}
	ck_assert_int_eq(status_of_write(as_value, SPAN("fine")), 0);
}
END_TEST

UNIT_MAIN("write", a_request_is_written, a_response_is_written,
    chunks_are_written, reasons_are_those_of_the_rfc, nothing_slips_into_a_head)
