/*
 * control: the plain HTTP port on loopback through which a test reads the
 * journal and makes things go wrong.
 */
#ifndef MASTIO_CONTROL_H
#define MASTIO_CONTROL_H

#include "mastio/server.h"

struct evhttp;

/* Listens on host:port; the port really bound goes to *bound. */
struct evhttp *control_open(
    struct server *, const char *host, uint16_t port, uint16_t *bound);

#endif
