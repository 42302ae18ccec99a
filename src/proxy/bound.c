/*
 * bound: see bound.h.  What is counted grows with an option; the rest is BASE.
 * Not counted: answers' heads over BUDGET_STEP_TLS, which the gateway does not
 * send, and what the kernel holds in sockets.
 */
#include "proxy/bound.h"

#include "proxy/client.h"

#include <inttypes.h>

/* The program, its libraries and one worker at rest: VmRSS is 8 MiB after the
 * first answer, of which a worker's arena has about 0.3 MiB. */
#define BASE ((uint64_t)9 << 20)
#define WORKER ((uint64_t)1 << 20)
/* The allocator's own: RSS over the bytes in use, with 1,024 stalled streams,
 * is 1.01 with one worker and up to 1.05 with four (malloc_stats). */
#define OVERHEAD(n) ((n) + (n) / 8)

/* A client whose request is under way: its head in a box, and another for the
 * answer's while that is read. */
static uint64_t
client_bytes(const struct config *conf)
{
	uint64_t fields = conf->max_headers > ANSWER_HEADERS_MAX
			      ? conf->max_headers
			      : ANSWER_HEADERS_MAX;

	return sizeof(struct client) + conf->max_head +
	       2 * (sizeof(struct headbox) + fields * sizeof(struct field));
}

/* The budget keeps a reserve for what connections always hold; what does not
 * fit into that comes on top (budget_set_limit). */
static uint64_t
budget_bytes(const struct config *conf)
{
	uint64_t reserve = (uint64_t)conf->max_upstream_connections *
			   (CONN_TLS_STATE + BUDGET_STEP_TLS);
	uint64_t held = conf->max_buffer / 4 + reserve;

	return held > conf->max_buffer ? held : conf->max_buffer;
}

/* The way up while memory is short: a step in the client's buffer, one in the
 * connection's, one in a TLS record. */
static uint64_t
upstream_bytes(void)
{
	return sizeof(struct upconn) + 3 * BUDGET_STEP;
}

uint64_t
bound_of(const struct config *conf)
{
	return BASE + conf->workers * WORKER + conf->replay_total +
	       OVERHEAD(budget_bytes(conf) +
			conf->max_upstream_connections * upstream_bytes() +
			conf->max_clients * client_bytes(conf));
}

void
bound_report(const struct config *conf, uint64_t limit, struct findings *found)
{
	uint64_t bound = (bound_of(conf) >> 20) + 1;

	if (limit >> 20 < bound)
		findings_warn(found,
		    "memory may grow to %" PRIu64 " MiB, but this cgroup may "
		    "use %" PRIu64 " MiB; lower max-clients, "
		    "max-upstream-connections, max-head, max-buffer or "
		    "replay-total",
		    bound, limit >> 20);
	else
		findings_info(found,
		    "memory stays below %" PRIu64 " MiB even with all of "
		    "max-clients, max-upstream-connections, max-head, "
		    "max-buffer and replay-total used up",
		    bound);
}
