/*
 * overload: see overload.h.
 */
#include "mastio/overload.h"

#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/util.h"

#include <string.h>

/* Is this one beyond what a second may bring? */
static bool
beyond_limit(struct server *srv)
{
	struct shedder *s = &srv->shedder;
	int64_t second = monotonic_ms() / 1000;

	if (srv->set.shed_rps == 0)
		return srv->set.shed != SHED_NONE;
	if (second != s->second) {
		s->second = second;
		s->admitted = 0;
	}
	return ++s->admitted > srv->set.shed_rps;
}

bool
overload_sheds(struct exchange *x)
{
	static const struct {
		const char *reason, *retry_after, *body;
	} answers[] = {
	    {"global_rate_limit", "1",
		"{\"detail\":\"Global rate limit exceeded\","
		"\"error\":\"global_rate_limit_exceeded\"}"},
	    {"db_latency_circuit_breaker", "5",
		"{\"detail\":\"Database latency circuit breaker open\","
		"\"error\":\"db_latency_circuit_breaker_open\"}"},
	};
	size_t how = x->srv->set.shed == SHED_DB;

	if (strcmp(x->path, "/health") == 0 || !beyond_limit(x->srv))
		return false;
	x->log->shed = true;
	x->srv->stats.shed++;
	answer_begin(x, 503, FROM_OUTER);
	answer_header(x, "Retry-After", answers[how].retry_after);
	answer_header(x, "x-cullis-shed-reason", answers[how].reason);
	answer_header(x, "Content-Type", "application/json");
	answer_body(x, answers[how].body, strlen(answers[how].body));
	return true;
}
