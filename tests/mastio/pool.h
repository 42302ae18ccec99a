/*
 * pool: the upstream connections that front B keeps.  The application drops
 * one after answering 204 to POST /v1/mcp; nginx, which has put it back into
 * its pool, loses the next POST on it, whoever sent that.
 *
 * Owner: the server.
 */
#ifndef MASTIO_POOL_H
#define MASTIO_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define POOL_SIZE 64

struct exchange;

struct pool {
	int64_t dead_ms[POOL_SIZE]; /* when each was dropped */
	unsigned ndead;
};

/* The application has answered 204 on this request's upstream connection. */
void pool_drop(struct exchange *);
/* nginx picks a connection.  True: a dead one, and the request is lost. */
bool pool_loses(struct exchange *);

#endif
