/*
 * execution: what the application really did.  A request that carries
 * X-Mastio-Id, or a tools/call with an "id" among its arguments, is counted
 * under that id: a number above one means that it was executed twice.
 *
 * Owner: the server.
 */
#ifndef MASTIO_EXECUTION_H
#define MASTIO_EXECUTION_H

#include <jansson.h>

struct exchange;
struct executions;

struct executions *executions_new(void);
void executions_free(struct executions *);
void executions_clear(struct executions *);
/* The handler of this request is about to run. */
void execution_begin(struct exchange *);
/* What it runs has this id; NULL or a second mention changes nothing. */
void execution_name(struct exchange *, const char *id);
/* {"ids": {ID: times, …}, "twice": [ID, …]} */
json_t *executions_json(const struct executions *);

#endif
