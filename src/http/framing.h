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
	/* There was a Content-Length, of this value: the length of the body
	 * with FRAMING_LENGTH; with FRAMING_NONE, what a HEAD or 304 response
	 * says of the body that it does not have. */
	bool stated;
	uint64_t length;
};

enum framing_status {
	FRAMING_OK,
	FRAMING_BAD,         /* 400 for a request, 502 for a response */
	FRAMING_UNSUPPORTED, /* a transfer coding we do not know: 501 / 502 */
};

/* why: static text when not FRAMING_OK.  Neither field may come twice or as a
 * list; Content-Length is digits alone, below 2^63; Transfer-Encoding is
 * "chunked" alone, in HTTP/1.1, without Content-Length.  CONNECT and TRACE
 * have no body. */
enum framing_status framing_request(
    const struct head *, struct framing *, const char **why);
/* method: of the request that this answers (HEAD, CONNECT matter).  1xx and 204
 * may state no body but an empty one. */
enum framing_status framing_response(const struct head *, struct span method,
    struct framing *, const char **why);

#endif
