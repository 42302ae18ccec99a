/*
 * write: see write.h.
 */
#include "http/write.h"

#include "http/chars.h"
#include "http/field.h"

#include <assert.h>
#include <stdio.h>

void
write_request_line(
    struct buf *b, struct span method, struct span path, struct span query)
{
	assert(field_is_token(method));
	assert(path.n && char_run(path, C_VCHAR) == path.n);
	assert(char_run(query, C_VCHAR) == query.n);
	buf_add_span(b, method);
	buf_add_char(b, ' ');
	buf_add_span(b, path);
	buf_add_span(b, query);
	buf_add_str(b, " HTTP/1.1\r\n");
}

void
write_status_line(struct buf *b, unsigned status, struct span reason)
{
	assert(status >= 100 && status <= 599);
	assert(field_value_ok(reason));
	buf_add_str(b, "HTTP/1.1 ");
	buf_add_u64(b, status);
	buf_add_char(b, ' ');
	buf_add_span(b, reason);
	buf_add_str(b, "\r\n");
}

static void
write_name(struct buf *b, struct span name)
{
	assert(field_is_token(name));
	buf_add_span(b, name);
	buf_add_str(b, ": ");
}

void
write_field(struct buf *b, struct span name, struct span value)
{
	assert(field_value_ok(value));
	write_name(b, name);
	buf_add_span(b, value);
	buf_add_str(b, "\r\n");
}

void
write_field_u64(struct buf *b, struct span name, uint64_t value)
{
	write_name(b, name);
	buf_add_u64(b, value);
	buf_add_str(b, "\r\n");
}

void
write_head_end(struct buf *b)
{
	buf_add_str(b, "\r\n");
}

void
write_chunk(struct buf *b, struct span data)
{
	char size[20];
	int n;

	/* A size of 0 would end the body. */
	if (data.n == 0)
		return;
	n = snprintf(size, sizeof(size), "%zx\r\n", data.n);
	buf_reserve(b, (size_t)n + data.n + 2);
	buf_add(b, size, (size_t)n);
	buf_add_span(b, data);
	buf_add_str(b, "\r\n");
}

void
write_last_chunk(struct buf *b)
{
	buf_add_str(b, "0\r\n\r\n");
}

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

struct span
write_reason(unsigned status)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (reasons[i].status == status)
			return span_of(reasons[i].reason);
	return SPAN("");
}
