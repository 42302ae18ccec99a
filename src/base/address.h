/*
 * address: which IP addresses the sidecar never dials for an agent, whatever a
 * name resolves to: itself and its machine, and what a cloud tells only to
 * those inside.  An IPv6 address that carries an IPv4 one (RFC 4291 section
 * 2.5.5, RFC 6052, RFC 3056, RFC 4380, RFC 5214) is judged by both.
 *
 * Threads: pure.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* NULL if it may be dialled, else why not, in a few words.  Anything that is
 * not IPv4 or IPv6 is refused. */
const char *address_refusal(const struct sockaddr *) ATTR_MUST_USE;

/* Do both lead to one host?  The port does not matter; mapped and translated
 * forms of one IPv4 address are the same. */
bool address_same_host(const struct sockaddr *, const struct sockaddr *);
/* Is it the address that stands for every one of this machine's? */
bool address_is_any(const struct sockaddr *);
uint16_t address_port(const struct sockaddr *);

/* Numeric text without brackets.  False: not an address. */
bool address_read(
    const char *text, uint16_t port, struct sockaddr_storage *) ATTR_MUST_USE;

#endif
