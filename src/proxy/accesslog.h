/*
 * accesslog: one line per exchange, with the fields of the conventions and no
 * others: never a query, a credential or a body.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_ACCESSLOG_H
#define PROXY_ACCESSLOG_H

#include "proxy/exchange.h"

void accesslog_write(struct exchange *);

/* Index for metric_request(), and back. */
unsigned accesslog_method(struct span method);
const char *accesslog_method_name(unsigned);
const char *accesslog_end_name(unsigned);

#endif
