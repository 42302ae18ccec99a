/*
 * sse: finds the error frames in a stream of server-sent events: the gateway
 * sends 200 before its provider has answered, so a provider's refusal comes as
 * `data: {"error":...}` (protocol 8.2).  The stream may come in any pieces.
 *
 * Threads: a plain value.
 */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include "base/str.h"

struct sse {
	unsigned at;     /* bytes of the pattern that have matched */
	bool skip;       /* this line does not match any more */
	uint64_t errors; /* frames that were found */
};

/* Begins at the start of a stream: all zero. */
void sse_look(struct sse *, struct span);

#endif
