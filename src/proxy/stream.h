/*
 * stream: what is noted about an answer while its body passes: how many are
 * under way, error frames in event streams, and how long the gateway had been
 * silent when it broke off.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_STREAM_H
#define PROXY_STREAM_H

#include "proxy/exchange.h"

void stream_begin(struct exchange *);
/* The gateway has sent something. */
void stream_heard(struct exchange *);
/* It broke off: whose timer may that have been?  Into x->detail and the log. */
void stream_cut(struct exchange *);
void stream_end(struct exchange *);

#endif
