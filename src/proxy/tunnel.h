/*
 * tunnel: bytes between a client and an upstream, both ways, until both have
 * said all they want to say.  What CONNECT and a taken Upgrade turn an exchange
 * into (RFC 9110 sections 9.3.6 and 7.8).
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_TUNNEL_H
#define PROXY_TUNNEL_H

#include "proxy/exchange.h"

/* Of an exchange that is answered with an error: is what the client has sent
 * behind its request perhaps meant for a tunnel, and from somebody whom it only
 * serves?  Then it is no request of the client's (RFC 9931). */
bool tunnel_refused(const struct exchange *) ATTR_MUST_USE;

/* From here on every byte is payload, also those that are there already. */
void tunnel_begin(struct exchange *);

/* Move what can be moved.  END_COUNT: wait for more; else how it ended. An end
 * that one side announced (FIN, close_notify) is passed on to the other when
 * all before it has been, and only the direction ends. */
enum end tunnel_run(struct exchange *) ATTR_MUST_USE;

#endif
