/*
 * accesslog: one line per exchange, with the fields of the conventions and no
 * others: never a query, a credential or a body.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_ACCESSLOG_H
#define PROXY_ACCESSLOG_H

#include "proxy/exchange.h"

/* The client's own id if it is harmless in logs, else one of ours. */
void accesslog_set_request_id(struct exchange *, struct span given);
void accesslog_write(struct exchange *);
/* The same for the worker's metrics. */
void accesslog_count(struct exchange *);

/* The trace-id in a traceparent field (W3C Trace Context section 3.2.2), or
 * absent if the field is not valid. */
struct span accesslog_trace_id(struct span traceparent);

/* Index for metric_request(), and back. */
unsigned accesslog_route(const struct route *); /* NULL: none was found */
const char *accesslog_route_name(unsigned);
unsigned accesslog_method(struct span method);
const char *accesslog_method_name(unsigned);
const char *accesslog_end_name(unsigned);
/* The same for metrics' refusals. */
const char *accesslog_refusal_name(unsigned);

#endif
