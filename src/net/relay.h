/*
 * relay: moves one message body from one connection to another: unwraps the
 * framing it comes in, wraps it in the framing it goes out in, and stops when
 * the sink holds enough.
 *
 * Threads: a plain value, one per body and direction.
 */
#ifndef NET_RELAY_H
#define NET_RELAY_H

#include "http/chunked.h"
#include "http/framing.h"
#include "http/sse.h"
#include "net/conn.h"
#include "net/replay.h"

enum relay_status {
	RELAY_MORE,      /* wait for the source or the sink */
	RELAY_DONE,      /* the whole body has been put into the sink's out */
	RELAY_BAD,       /* malformed chunked coding */
	RELAY_TRUNCATED, /* the source ended before the body did */
};

struct relay {
	struct framing in;
	bool chunk_out; /* wrap in the chunked coding */
	bool done;
	uint64_t left; /* FRAMING_LENGTH */
	struct chunked chunked;
	uint64_t bytes;  /* of body so far */
	struct sse *sse; /* looks at them, or NULL */
	size_t high;     /* the sink's out is full with this much, */
	bool full;       /* and stays so until it is down to a quarter */
};

void relay_init(struct relay *, struct framing in, bool chunk_out, size_t high);

/* Move what can be moved and flush the sink.  keep: copies the body for being
 * sent again, or NULL.  to NULL: drop the bytes.  A sink that takes no more
 * (write_broken) is for the caller to notice. */
enum relay_status relay_run(
    struct relay *, struct conn *from, struct conn *to, struct replay *keep);

#endif
