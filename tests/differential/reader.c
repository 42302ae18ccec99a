/*
 * reader: tells in JSON how src/http reads a stream of bytes, for run.py, which
 * compares that with what other readers say.  What is judged is what every
 * request passes before it can be forwarded: head, framing, fields that must
 * not be repeated, target and Host; then the body.
 *
 * stdin: inputs, each a byte for its kind (Q requests; G, H, C responses to
 * GET, HEAD, CONNECT), its length in four bytes, the highest first, and the
 * bytes.  stdout: a line for each input.
 */
#include "base/mem.h"
#include "http/chunked.h"
#include "http/framing.h"
#include "http/url.h"

#include <stdio.h>
#include <stdlib.h>

#define FIELDS 100           /* default of max-headers */
#define HEAD_BYTES (1 << 15) /* default of max-head */

/* One message, as far as it was read. */
struct message {
	struct head head;
	struct field fields[FIELDS];
	struct framing framing;
	struct target target;
	struct buf body;
	bool done;
	bool keep;
	bool upgrade;
};

/* A byte is the character of the same number. */
static void
put_text(struct span s)
{
	putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
put_framing(const struct framing *fr)
{
	switch (fr->kind) {
	case FRAMING_NONE:
		printf("\"none\"");
		break;
	case FRAMING_LENGTH:
		printf("\"length %llu\"", (unsigned long long)fr->length);
		break;
	case FRAMING_CHUNKED:
		printf("\"chunked\"");
		break;
	case FRAMING_CLOSE:
		printf("\"close\"");
		break;
	}
}

static void
put_message(const struct message *m, bool first)
{
	const struct head *h = &m->head;

	printf("%s{\"method\":", first ? "" : ",");
	put_text(h->method);
	printf(",\"target\":");
	put_text(h->target);
	printf(",\"status\":%u,\"minor\":%u,\"fields\":[", h->status, h->minor);
	for (unsigned i = 0; i < h->nfields; i++) {
		printf(i ? ",[" : "[");
		put_text(h->fields[i].name);
		putchar(',');
		put_text(h->fields[i].value);
		putchar(']');
	}
	printf("],\"framing\":");
	put_framing(&m->framing);
	printf(",\"body\":");
	put_text(buf_span(&m->body));
	printf(",\"done\":%s,\"keep\":%s,\"upgrade\":%s}",
	    m->done ? "true" : "false", m->keep ? "true" : "false",
	    m->upgrade ? "true" : "false");
}

/* NULL: good. */
static const char *
judge_request(struct message *m)
{
	const struct head *h = &m->head;
	const struct field *host = head_find(h, FIELD_HOST);
	struct authority a;
	const char *why = NULL;

	if (framing_request(h, &m->framing, &why) != FRAMING_OK)
		return why;
	if (h->minor == 1 && !host)
		return "no Host";
	if (head_find_repeated(h))
		return "a field that must not be repeated";
	if (!target_parse(h->method, h->target, &m->target))
		return "a malformed target";
	if (host && !authority_parse(host->value, &a))
		return "a malformed Host";
	return NULL;
}

/* NULL: good, or not complete, then *in ends here. */
static const char *
read_head(struct message *m, char kind, struct span *in)
{
	static const struct head_limits limits = {HEAD_BYTES, FIELDS};
	struct span method = kind == 'H'   ? SPAN("HEAD")
			     : kind == 'C' ? SPAN("CONNECT")
					   : SPAN("GET");
	enum head_status st;
	const char *why = NULL;

	head_reset(&m->head, m->fields);
	st = kind == 'Q' ? head_parse_request(&m->head, *in, &limits)
			 : head_parse_response(&m->head, *in, &limits);
	switch (st) {
	case HEAD_DONE:
		break;
	case HEAD_MORE:
		*in = SPAN_NONE;
		return NULL;
	case HEAD_BAD:
		return m->head.why;
	case HEAD_TOO_LARGE:
	case HEAD_TOO_MANY:
		return "too large a head";
	case HEAD_TARGET_LONG:
		return "too long a target";
	case HEAD_VERSION:
		return "another version";
	}
	*in = span_new(in->p + m->head.size, in->n - m->head.size);
	if (kind == 'Q')
		why = judge_request(m);
	else
		(void)framing_response(&m->head, method, &m->framing, &why);
	/* As lease_reusable() of proxy/exchange.c has it. */
	m->keep = head_keep_alive(&m->head) &&
		  m->framing.kind != FRAMING_CLOSE &&
		  (kind != 'C' || m->head.status / 100 != 2);
	m->upgrade =
	    head_has_token(&m->head, FIELD_CONNECTION, SPAN("upgrade")) &&
	    head_find(&m->head, FIELD_UPGRADE);
	return why;
}

static const char *
read_chunks(struct message *m, struct span *in)
{
	enum chunked_status st;
	struct chunked c;
	struct span data;

	chunked_init(&c);
	while ((st = chunked_read(&c, in, &data)) == CHUNKED_DATA)
		buf_add_span(&m->body, data);
	m->done = st == CHUNKED_DONE;
	return st == CHUNKED_BAD ? c.why : NULL;
}

static const char *
read_body(struct message *m, struct span *in)
{
	size_t n = in->n;

	switch (m->framing.kind) {
	case FRAMING_NONE:
		m->done = true;
		return NULL;
	case FRAMING_CHUNKED:
		return read_chunks(m, in);
	case FRAMING_LENGTH:
		if (n > m->framing.length)
			n = (size_t)m->framing.length;
		m->done = n == m->framing.length;
		break;
	case FRAMING_CLOSE: /* the input's end is the connection's */
		m->done = true;
		break;
	}
	buf_add(&m->body, in->p, n);
	*in = span_new(in->p + n, in->n - n);
	return NULL;
}

/* Do the bytes behind this message belong to another one?  Interim answers are
 * followed by the final one. */
static bool
goes_on(const struct message *m, char kind)
{
	if (kind != 'Q')
		return m->head.status < 200 && m->head.status != 101;
	return m->keep && !span_eq(m->head.method, SPAN("CONNECT"));
}

static void
read_stream(char kind, struct span in)
{
	const char *why = NULL;
	bool first = true, more = true;

	printf("{\"messages\":[");
	while (more && in.n) {
		struct message m = {.body = BUF_INIT};

		why = read_head(&m, kind, &in);
		if (why || !in.p)
			break;
		why = read_body(&m, &in);
		put_message(&m, first);
		first = false;
		more = !why && m.done && goes_on(&m, kind);
		buf_free(&m.body);
	}
	printf("],\"why\":");
	put_text(why ? span_of(why) : SPAN(""));
	puts("}");
}

static bool
read_exactly(void *to, size_t n)
{
	return fread(to, 1, n, stdin) == n;
}

int
main(void)
{
	unsigned char lead[5];

	while (read_exactly(lead, sizeof(lead))) {
		size_t n = (size_t)lead[1] << 24 | (size_t)lead[2] << 16 |
			   (size_t)lead[3] << 8 | lead[4];
		char *bytes = mem_alloc(n);

		if (!read_exactly(bytes, n)) {
			fprintf(stderr, "reader: input cut off\n");
			return EXIT_FAILURE;
		}
		read_stream((char)lead[0], span_new(bytes, n));
		free(bytes);
	}
	return EXIT_SUCCESS;
}
