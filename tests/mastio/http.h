/*
 * http: a strict HTTP/1.1 request reader (RFC 9112), with the limits of nginx
 * (4 buffers of 8 KiB).  Pure: bytes in, a head or body data out.
 *
 * Strict where nginx is lenient (bare LF, obsolete folding), so that a client
 * that sends such things is noticed.
 */
#ifndef MASTIO_HTTP_H
#define MASTIO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE_MAX 8192
#define HTTP_HEAD_MAX (4 * 8192)

struct header {
	const char *name;
	const char *value;
};

struct head {
	char *mem; /* the bytes that everything below points into */
	const char *method;
	const char *target;
	int minor; /* HTTP/1.minor */
	struct header *headers;
	size_t nheaders;
};

enum http_result {
	HTTP_DONE,
	HTTP_MORE,
	HTTP_BAD,
	HTTP_TARGET_TOO_LONG,
	HTTP_HEADER_TOO_LONG,
	HTTP_BAD_VERSION,
};

/* Reads one request head from p; *used says how long it was. */
enum http_result http_head_read(
    struct head *, const char *p, size_t n, size_t *used);
void http_head_fini(struct head *);

/* Value of the nth (from 0) header of that name in any case, or NULL. */
const char *http_header(const struct head *, const char *name, size_t nth);
size_t http_header_count(const struct head *, const char *name);
/* Does a list header contain this token (RFC 9110 section 5.6.1)? */
bool http_header_has(const struct head *, const char *name, const char *token);

enum http_framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED };

enum body_state {
	BODY_CHUNK_SIZE,
	BODY_CHUNK_DATA,
	BODY_CHUNK_END,
	BODY_TRAILER,
	BODY_LENGTH,
	BODY_DONE,
};

struct body {
	enum http_framing framing;
	enum body_state state;
	uint64_t length; /* declared, with FRAMING_LENGTH */
	uint64_t left;   /* of the length or of the chunk */
	uint64_t bytes;  /* of content so far */
};

/* The framing of this request's body (RFC 9112 section 6.3).  Returns the
 * HTTP status of a refusal, 0 if all is well. */
int http_body_init(struct body *, const struct head *);
/* Consumes some of p: *used bytes, of which *ndata at *data are content.
 * HTTP_MORE with *used 0 means that more input is needed. */
enum http_result http_body_read(struct body *, const char *p, size_t n,
    size_t *used, const char **data, size_t *ndata);

/* Percent-decodes n bytes; NULL for a bad escape or a NUL. */
char *http_percent_decode(const char *p, size_t n);

#endif
