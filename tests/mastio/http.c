/*
 * http: see http.h.
 */
#include "mastio/http.h"

#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK_LINE_MAX 256
#define HEADERS_MAX 200

/* RFC 9110 section 5.6.2. */
static bool
is_token(const char *p, size_t n)
{
	static const char extra[] = "!#$%&'*+-.^_`|~";

	if (!n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z'))
			continue;
		if (!c || !strchr(extra, c))
			return false;
	}
	return true;
}

/* The line at p without its CRLF: its length, or -1 with *res set. */
static ptrdiff_t
line_length(const char *p, size_t n, enum http_result *res)
{
	const char *lf = memchr(p, '\n', n);
	size_t len = lf ? (size_t)(lf - p) : n;

	*res = HTTP_MORE;
	if (len > HTTP_LINE_MAX)
		*res = HTTP_HEADER_TOO_LONG;
	if (!lf || *res != HTTP_MORE)
		return -1;
	*res = HTTP_BAD;
	if (len == 0 || p[len - 1] != '\r')
		return -1;
	len--;
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)p[i] < 0x20 && p[i] != '\t') ||
		    p[i] == 0x7f)
			return -1;
	return (ptrdiff_t)len;
}

static enum http_result
request_line(struct head *h, char *line)
{
	char *sp1 = strchr(line, ' ');
	char *sp2 = sp1 ? strchr(sp1 + 1, ' ') : NULL;

	if (!sp2 || sp2 == sp1 + 1 || strchr(sp2 + 1, ' '))
		return HTTP_BAD;
	*sp1 = *sp2 = '\0';
	h->method = line;
	h->target = sp1 + 1;
	for (const char *m = line; *m; m++)
		if ((*m < 'A' || *m > 'Z') && *m != '-' && *m != '_')
			return HTTP_BAD;
	if (!is_token(line, strlen(line)) || strchr(h->target, '\t'))
		return HTTP_BAD;
	if (strcmp(sp2 + 1, "HTTP/1.1") == 0)
		h->minor = 1;
	else if (strcmp(sp2 + 1, "HTTP/1.0") == 0)
		h->minor = 0;
	else
		return starts_with(sp2 + 1, "HTTP/") ? HTTP_BAD_VERSION
						     : HTTP_BAD;
	return HTTP_DONE;
}

static enum http_result
header_line(struct head *h, char *line)
{
	char *colon = strchr(line, ':');
	char *end;

	if (!colon || !is_token(line, (size_t)(colon - line)))
		return HTTP_BAD;
	if (h->nheaders == HEADERS_MAX)
		return HTTP_HEADER_TOO_LONG;
	*colon++ = '\0';
	colon += strspn(colon, " \t");
	end = colon + strlen(colon);
	while (end > colon && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	h->headers[h->nheaders++] = (struct header){line, colon};
	return HTTP_DONE;
}

/* Where the head ends, all limits kept; 0 with *res set if it does not. */
static size_t
head_length(const char *p, size_t n, enum http_result *res)
{
	size_t at = 0;

	for (size_t lines = 0;; lines++) {
		ptrdiff_t len = line_length(p + at, n - at, res);

		if (len < 0) {
			if (*res == HTTP_HEADER_TOO_LONG && lines == 0)
				*res = HTTP_TARGET_TOO_LONG;
			if (*res == HTTP_MORE && n > HTTP_HEAD_MAX)
				*res = HTTP_HEADER_TOO_LONG;
			return 0;
		}
		at += (size_t)len + 2;
		if (len == 0 && lines > 0)
			return at;
		if (len == 0)
			*res = HTTP_BAD;
		if (at > HTTP_HEAD_MAX)
			*res = HTTP_HEADER_TOO_LONG;
		if (len == 0 || at > HTTP_HEAD_MAX)
			return 0;
	}
}

enum http_result
http_head_read(struct head *h, const char *p, size_t n, size_t *used)
{
	enum http_result res = HTTP_MORE;
	size_t len = head_length(p, n, &res);
	char *line;

	memset(h, 0, sizeof(*h));
	if (!len)
		return res;
	*used = len;
	h->mem = xstrndup(p, len);
	h->headers = xcalloc(HEADERS_MAX, sizeof(*h->headers));
	line = h->mem;
	for (size_t i = 0; *line != '\r'; i++) {
		char *crlf = strchr(line, '\r');

		*crlf = '\0';
		res = i == 0 ? request_line(h, line) : header_line(h, line);
		if (res != HTTP_DONE)
			return res;
		line = crlf + 2;
	}
	h->headers =
	    xrealloc(h->headers, (h->nheaders + 1) * sizeof(*h->headers));
	return HTTP_DONE;
}

void
http_head_fini(struct head *h)
{
	free(h->mem);
	free(h->headers);
	memset(h, 0, sizeof(*h));
}

const char *
http_header(const struct head *h, const char *name, size_t nth)
{
	for (size_t i = 0; i < h->nheaders; i++)
		if (strcasecmp(h->headers[i].name, name) == 0 && nth-- == 0)
			return h->headers[i].value;
	return NULL;
}

size_t
http_header_count(const struct head *h, const char *name)
{
	size_t n = 0;

	while (http_header(h, name, n))
		n++;
	return n;
}

bool
http_header_has(const struct head *h, const char *name, const char *token)
{
	const char *value;
	size_t want = strlen(token);

	for (size_t i = 0; (value = http_header(h, name, i)); i++) {
		while (*value) {
			size_t n = strcspn(value, ", \t");

			if (n == want && strncasecmp(value, token, n) == 0)
				return true;
			value += n;
			value += strspn(value, ", \t");
		}
	}
	return false;
}

int
http_body_init(struct body *b, const struct head *h)
{
	const char *te = http_header(h, "Transfer-Encoding", 0);
	const char *cl = http_header(h, "Content-Length", 0);
	int64_t length;

	memset(b, 0, sizeof(*b));
	b->state = BODY_DONE;
	if ((te && cl) || http_header_count(h, "Content-Length") > 1 ||
	    http_header_count(h, "Transfer-Encoding") > 1)
		return 400;
	if (te) {
		if (h->minor == 0)
			return 400;
		if (strcasecmp(te, "chunked") != 0)
			return 501;
		b->framing = FRAMING_CHUNKED;
		b->state = BODY_CHUNK_SIZE;
		return 0;
	}
	if (!cl)
		return 0;
	length = parse_number(cl, INT64_MAX);
	if (length < 0)
		return 400;
	b->framing = FRAMING_LENGTH;
	b->length = b->left = (uint64_t)length;
	if (length)
		b->state = BODY_LENGTH;
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* RFC 9112 section 7.1: chunk-size [ chunk-ext ]. */
static bool
chunk_size(struct body *b, const char *p, size_t n)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < n && hex_digit(p[i]) >= 0) {
		if (i == 15)
			return false;
		v = v << 4 | (uint64_t)hex_digit(p[i++]);
	}
	if (i == 0 || (i < n && p[i] != ';'))
		return false;
	b->left = v;
	b->state = v ? BODY_CHUNK_DATA : BODY_TRAILER;
	return true;
}

static enum http_result
body_line(struct body *b, const char *p, size_t n, size_t *used)
{
	enum http_result res;
	ptrdiff_t len = line_length(p, n, &res);

	if (len < 0)
		return res == HTTP_MORE && n > CHUNK_LINE_MAX &&
			       b->state != BODY_TRAILER
			   ? HTTP_BAD
			   : res;
	*used = (size_t)len + 2;
	if (b->state == BODY_CHUNK_SIZE)
		return chunk_size(b, p, (size_t)len) ? HTTP_MORE : HTTP_BAD;
	if (b->state == BODY_CHUNK_END) {
		b->state = BODY_CHUNK_SIZE;
		return len == 0 ? HTTP_MORE : HTTP_BAD;
	}
	if (len > 0)
		return HTTP_MORE;
	b->state = BODY_DONE;
	return HTTP_DONE;
}

enum http_result
http_body_read(struct body *b, const char *p, size_t n, size_t *used,
    const char **data, size_t *ndata)
{
	size_t take;

	*used = *ndata = 0;
	*data = NULL;
	if (b->state == BODY_DONE)
		return HTTP_DONE;
	if (n == 0)
		return HTTP_MORE;
	if (b->state != BODY_LENGTH && b->state != BODY_CHUNK_DATA)
		return body_line(b, p, n, used);
	take = n < b->left ? n : (size_t)b->left;
	*data = p;
	*ndata = *used = take;
	b->left -= take;
	b->bytes += take;
	if (b->left == 0)
		b->state = b->state == BODY_LENGTH ? BODY_DONE : BODY_CHUNK_END;
	return b->state == BODY_DONE ? HTTP_DONE : HTTP_MORE;
}

char *
http_percent_decode(const char *p, size_t n)
{
	char *out = xcalloc(1, n + 1), *o = out;

	for (size_t i = 0; i < n; i++) {
		int hi, lo;

		if (p[i] != '%') {
			*o++ = p[i];
			continue;
		}
		hi = n - i > 2 ? hex_digit(p[i + 1]) : -1;
		lo = hi >= 0 ? hex_digit(p[i + 2]) : -1;
		if (lo < 0 || (hi == 0 && lo == 0)) {
			free(out);
			return NULL;
		}
		*o++ = (char)(hi << 4 | lo);
		i += 2;
	}
	return out;
}
