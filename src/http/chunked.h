/*
 * chunked: reader of the chunked transfer coding (RFC 9112 section 7.1), fed
 * in any pieces.  Extensions are checked and skipped, up to a limit; trailer
 * fields are checked like header fields and dropped.
 *
 * Strict means: CRLF only, 1 to 16 hex digits for less than 2^63 bytes, no
 * white space around the size.  White space around the ";" and "=" of an
 * extension (BWS) is taken, as section 7.1.1 and RFC 9110 section 5.6.3 ask
 * of a recipient: it changes no size, and we send none of it on.
 *
 * Threads: a plain value, one per body.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "base/str.h"

#define CHUNKED_LINE_MAX 4096     /* one chunk-size line with extensions */
#define CHUNKED_TRAILER_MAX 16384 /* all trailer lines together */
/* Extensions may outweigh the data so far by this much, so that nobody sends
 * a long body of one-byte chunks with long extensions. */
#define CHUNKED_EXT_MAX 16384

enum chunked_status {
	CHUNKED_MORE, /* all input used, give more */
	CHUNKED_DATA, /* *data holds body bytes out of the input */
	CHUNKED_DONE, /* last chunk and trailers are through */
	CHUNKED_BAD,  /* c->why says how */
};

struct chunked {
	int state;
	uint64_t left;   /* of the chunk being read */
	unsigned digits; /* of the size line */
	size_t line;     /* bytes of the size line being read */
	size_t ext;      /* extension bytes not yet outweighed by data */
	size_t trailers; /* bytes of the trailer section */
	const char *why; /* static text when BAD */
};

void chunked_init(struct chunked *);
/* Use bytes from the front of *in.  Call again until MORE, DONE or BAD; after
 * DONE *in holds what follows the message.  DONE and BAD are final. */
enum chunked_status chunked_read(
    struct chunked *, struct span *in, struct span *data);

#endif
