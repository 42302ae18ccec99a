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

/* From here on every byte is payload, also those that are there already. */
void tunnel_begin(struct exchange *);

/* Move what can be moved.  END_COUNT: wait for more; else how it ended. An end
 * that one side announced (FIN, close_notify) is passed on to the other when
 * all before it has been, and only the direction ends. */
enum end tunnel_run(struct exchange *) ATTR_MUST_USE;

#endif
