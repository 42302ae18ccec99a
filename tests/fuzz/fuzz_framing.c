/*
 * fuzz_framing: field lines of a request or response, which one is told by the
 * first byte.  A message is never read as framed in two ways, and what we
 * would write is read as the same framing.
 */
#include "http/framing.h"
#include "http/write.h"

#include <assert.h>

#define FIELDS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First line, and for a response the method that it answers. */
static const struct {
	const char *line, *method;
} kinds[] = {
    {"POST / HTTP/1.1", NULL},
    {"POST / HTTP/1.0", NULL},
    {"CONNECT a:1 HTTP/1.1", NULL},
    {"HTTP/1.1 200 OK", "GET"},
    {"HTTP/1.0 200 OK", "GET"},
    {"HTTP/1.1 200 OK", "HEAD"},
    {"HTTP/1.1 204 No Content", "GET"},
    {"HTTP/1.1 304 Not Modified", "GET"},
    {"HTTP/1.1 100 Continue", "GET"},
};

static enum framing_status
read_framing(const struct head *h, struct span method, struct framing *fr)
{
	const char *why = NULL;
	enum framing_status st = h->method.n
				     ? framing_request(h, fr, &why)
				     : framing_response(h, method, fr, &why);

	assert((st == FRAMING_OK) == (why == NULL));
	return st;
}

static unsigned
count(const struct head *h, enum field_id id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->nfields; i++)
		n += h->fields[i].id == id;
	return n;
}

static void
check_reading(const struct head *h, const struct framing *fr)
{
	unsigned lengths = count(h, FIELD_CONTENT_LENGTH);
	unsigned codings = count(h, FIELD_TRANSFER_ENCODING);
	uint64_t length;

	assert(lengths + codings <= 1);
	assert(codings == 0 || h->minor == 1);
	assert(fr->kind != FRAMING_CHUNKED || codings == 1);
	assert(fr->kind != FRAMING_LENGTH || (lengths == 1 && fr->stated));
	assert(fr->kind != FRAMING_CLOSE || lengths + codings == 0);
	assert(fr->kind != FRAMING_NONE || h->status || lengths == 0);
	if (codings)
		assert(span_ieq(
		    head_value(h, FIELD_TRANSFER_ENCODING), SPAN("chunked")));
	if (lengths) {
		assert(span_u64(head_value(h, FIELD_CONTENT_LENGTH), &length));
		assert(length <= INT64_MAX);
		assert(!fr->stated || fr->length == length);
	}
}

static void
check_again(const char *line, struct span method, const struct framing *fr)
{
	const struct head_limits limits = {4096, FIELDS};
	struct field fields[FIELDS];
	struct buf out = BUF_INIT;
	struct framing again;
	struct head h;

	buf_printf(&out, "%s\r\n", line);
	if (fr->stated)
		write_field_u64(&out, SPAN("Content-Length"), fr->length);
	if (fr->kind == FRAMING_CHUNKED)
		write_field(&out, SPAN("Transfer-Encoding"), SPAN("chunked"));
	write_head_end(&out);
	head_reset(&h, fields);
	assert((line[0] == 'H'
		       ? head_parse_response(&h, buf_span(&out), &limits)
		       : head_parse_request(&h, buf_span(&out), &limits)) ==
	       HEAD_DONE);
	assert(read_framing(&h, method, &again) == FRAMING_OK);
	assert(again.kind == fr->kind && again.stated == fr->stated);
	assert(again.length == fr->length);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct head_limits limits = {1 << 16, FIELDS};
	struct field fields[FIELDS];
	struct buf text = BUF_INIT;
	struct framing fr;
	struct span method;
	const char *line;
	enum head_status st;
	struct head h;

	if (size == 0)
		return 0;
	line = kinds[data[0] % COUNT(kinds)].line;
	method = span_of(kinds[data[0] % COUNT(kinds)].method);
	buf_printf(&text, "%s\r\n", line);
	buf_add(&text, data + 1, size - 1);
	buf_add_str(&text, "\r\n\r\n");
	head_reset(&h, fields);
	st = line[0] == 'H' ? head_parse_response(&h, buf_span(&text), &limits)
			    : head_parse_request(&h, buf_span(&text), &limits);
	if (st == HEAD_DONE && read_framing(&h, method, &fr) == FRAMING_OK) {
		check_reading(&h, &fr);
		check_again(line, method, &fr);
	}
	buf_free(&text);
	return 0;
}
