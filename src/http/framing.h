/*
 * framing: where a message body ends (RFC 9112 section 6).  One reading or
 * none: whatever two parsers could read differently is refused.
 *
 * Threads: pure.
 */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "http/head.h"

enum framing_kind {
	FRAMING_NONE,   /* no body */
	FRAMING_LENGTH, /* length bytes (0 too, where it was written) */
	FRAMING_CHUNKED,
	FRAMING_CLOSE, /* response until the connection closes */
};

struct framing {
	enum framing_kind kind;
	/* The Content-Length to pass on: always with FRAMING_LENGTH, and with
	 * FRAMING_NONE where a HEAD or 304 response says what a body would
	 * have had; never with 1xx and 204 (RFC 9110 section 8.6). */
	bool stated;
	uint64_t length; /* if stated */
};

enum framing_status {
	FRAMING_OK,
	FRAMING_BAD,         /* 400 for a request, 502 for a response */
	FRAMING_UNSUPPORTED, /* a transfer coding we do not know: 501 / 502 */
};

/* why: static text when not FRAMING_OK.  Neither field may come twice or as a
 * list; Content-Length is digits alone, below 2^63; Transfer-Encoding is
 * "chunked" alone, in HTTP/1.1, without Content-Length.  CONNECT has
 * neither field, TRACE no body. */
enum framing_status framing_request(
    const struct head *, struct framing *, const char **why);
/* method: of the request that this answers (HEAD, CONNECT matter).  1xx and 204
 * may state no body but an empty one. */
enum framing_status framing_response(const struct head *, struct span method,
    struct framing *, const char **why);

#endif
