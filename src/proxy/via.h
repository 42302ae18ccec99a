/*
 * via: this process in the Via field (RFC 9110 section 7.6.3): every message
 * that we forward says that it came through here, and a request that says so
 * already goes round in circles.
 *
 * Threads: any.
 */
#ifndef PROXY_VIA_H
#define PROXY_VIA_H

#include "http/head.h"

/* The pseudonym of this process, made at random when first asked for: two
 * sidecars in a row are no loop. */
const char *via_pseudonym(void);

/* Has this message been here before? */
bool via_is_loop(const struct head *);

/* The Via line for forwarding this message, behind those that it has. */
void via_add(struct buf *, const struct head *);

#endif
