/*
 * gate: lets a test decide when a stream writes its next event: event n + 1
 * goes out when the gate has been released n times.
 *
 * Owner: the server.  A gate exists from the first mention of its name.
 */
#ifndef MASTIO_GATE_H
#define MASTIO_GATE_H

#include "mastio/server.h"

struct gate {
	uint64_t written; /* events, by all streams that name this gate */
	uint64_t released;
};

struct gate *gate_get(struct server *, const char *name);
/* Wakes the streams that wait. */
void gate_release(struct server *, const char *name, uint64_t count);

#endif
