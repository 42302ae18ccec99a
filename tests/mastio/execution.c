/*
 * execution: see execution.h.
 */
#include "mastio/execution.h"

#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/util.h"

#include <stdlib.h>

struct executions {
	json_t *times; /* by id */
};

struct executions *
executions_new(void)
{
	struct executions *e = xcalloc(1, sizeof(*e));

	e->times = json_object();
	return e;
}

void
executions_free(struct executions *e)
{
	if (!e)
		return;
	json_decref(e->times);
	free(e);
}

void
executions_clear(struct executions *e)
{
	json_object_clear(e->times);
}

void
execution_begin(struct exchange *x)
{
	x->log->executed = true;
	execution_name(x, http_header(x->head, "X-Mastio-Id", 0));
}

void
execution_name(struct exchange *x, const char *id)
{
	json_t *times = x->srv->executions->times;
	json_int_t n;

	if (!id || x->log->execution_id)
		return;
	n = json_integer_value(json_object_get(times, id)) + 1;
	json_object_set_new(times, id, json_integer(n));
	x->log->execution_id = xstrdup(id);
	x->log->execution_count = n;
	if (n > 1)
		x->srv->stats.executed_twice++;
}

json_t *
executions_json(const struct executions *e)
{
	json_t *twice = json_array(), *n;
	const char *id;

	json_object_foreach(e->times, id, n)
	{
		if (json_integer_value(n) > 1)
			json_array_append_new(twice, json_string(id));
	}
	return json_pack("{s:O, s:o}", "ids", e->times, "twice", twice);
}
