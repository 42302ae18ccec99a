/*
 * viaproxy: what is said to a forward proxy before the TLS to the gateway
 * begins on the same connection: CONNECT and its answer (RFC 9110 section
 * 9.3.6).
 *
 * Threads: pure.
 */
#ifndef NET_VIAPROXY_H
#define NET_VIAPROXY_H

#include "base/str.h"

#include <stdint.h>

enum viaproxy_status {
	VIAPROXY_DONE, /* the tunnel is open */
	VIAPROXY_MORE,
	VIAPROXY_REFUSED, /* or not understood */
};

/* The request for host:port.  credentials: "user:password" or NULL. */
void viaproxy_write_connect(
    struct buf *, const char *host, uint16_t port, const char *credentials);

/* Read the answer off the input; interim ones are skipped.  Not DONE and not
 * MORE: why says what the proxy did, and what to do about it. */
enum viaproxy_status viaproxy_read_answer(
    struct buf *in, bool credentials, char *why, size_t size) ATTR_MUST_USE;

#endif
