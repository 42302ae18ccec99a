/*
 * wsframe: one frame of a WebSocket (RFC 6455 section 5.2): its head as it
 * comes, and a client's frame as it goes, masked.
 *
 * Threads: pure.
 */
#ifndef HTTP_WSFRAME_H
#define HTTP_WSFRAME_H

#include "base/attr.h"
#include "base/str.h"

#define WSFRAME_MASK_LEN 4
#define WSFRAME_CONTROL_MAX 125 /* bytes of a control frame's payload */

enum wsframe_opcode {
	WSFRAME_CONTINUATION = 0,
	WSFRAME_TEXT = 1,
	WSFRAME_BINARY = 2,
	WSFRAME_CLOSE = 8,
	WSFRAME_PING = 9,
	WSFRAME_PONG = 10,
};

enum wsframe_status {
	WSFRAME_DONE, /* the head is there; the payload perhaps not yet */
	WSFRAME_MORE,
	WSFRAME_BAD, /* see why */
};

struct wsframe {
	enum wsframe_opcode opcode;
	bool fin, masked;
	unsigned char mask[WSFRAME_MASK_LEN];
	size_t head;     /* bytes of the head */
	uint64_t length; /* bytes of the payload behind it */
	const char *why;
};

/* Reads no further than the head.  Extensions are none of ours, so reserved
 * bits and opcodes are faults, and so is a length that is longer than it needs
 * to be. */
enum wsframe_status wsframe_read(struct span, struct wsframe *) ATTR_MUST_USE;

/* A whole frame of a client's, final.  The mask is random (RFC 6455 section
 * 5.3), the caller's to draw. */
void wsframe_write(struct buf *, enum wsframe_opcode, struct span payload,
    const unsigned char mask[WSFRAME_MASK_LEN]);

#endif
