/*
 * chunked: reader of the chunked transfer coding (RFC 9112 section 7.1), fed
 * in any pieces.  Extensions are skipped up to a limit; trailer fields are
 * checked like header fields and dropped.
 *
 * Threads: a plain value, one per body.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "base/str.h"

#define CHUNKED_LINE_MAX 4096     /* one chunk-size line with extensions */
#define CHUNKED_TRAILER_MAX 16384 /* all trailer lines together */

enum chunked_status {
	CHUNKED_MORE, /* all input used, give more */
	CHUNKED_DATA, /* *data holds body bytes out of the input */
	CHUNKED_DONE, /* last chunk and trailers are through */
	CHUNKED_BAD,  /* c->why says how */
};

struct chunked {
	int state;
	uint64_t left;    /* of the chunk being read */
	unsigned digits;  /* of the size line */
	size_t line;      /* bytes of the line being read */
	size_t trailers;  /* bytes of the trailer section */
	const char *why;
};

void chunked_init(struct chunked *);
/* Use bytes from the front of *in.  Call again until MORE, DONE or BAD; after
 * DONE *in holds what follows the message. */
enum chunked_status chunked_read(
    struct chunked *, struct span *in, struct span *data);

#endif
