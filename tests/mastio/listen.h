/*
 * listen: the port on which clients arrive.  The gateway can go down and come
 * back on the same port; the port stays its own meanwhile.
 *
 * Owner: the server.
 */
#ifndef MASTIO_LISTEN_H
#define MASTIO_LISTEN_H

#include "mastio/server.h"

/* "127.0.0.1:0"; false after a complaint. */
bool address_split(const char *text, char *host, size_t size, uint16_t *port);
/* Listens; the port really bound goes to *port.  -1 after a complaint. */
int listen_open(struct server *, const char *address, uint16_t *port);
void listen_close(struct server *);
/* Refuses connections for so many ms. */
void listen_pause(struct server *, int64_t ms);

#endif
