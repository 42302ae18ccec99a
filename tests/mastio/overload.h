/*
 * overload: the outermost middleware sheds requests with a 503.
 *
 * Owner: the server.
 */
#ifndef MASTIO_OVERLOAD_H
#define MASTIO_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct exchange;

struct shedder {
	int64_t second; /* of the monotonic clock */
	int64_t admitted;
};

/* True: the request was answered with a 503. */
bool overload_sheds(struct exchange *);

#endif
