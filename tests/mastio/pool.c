/*
 * pool: see pool.h.
 */
#include "mastio/pool.h"

#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/util.h"

#include <string.h>

void
pool_drop(struct exchange *x)
{
	struct pool *p = &x->srv->pool;

	if (settings_front(&x->srv->set) != FRONT_B)
		return;
	if (p->ndead == POOL_SIZE)
		memmove(p->dead_ms, p->dead_ms + 1,
		    --p->ndead * sizeof(p->dead_ms[0]));
	p->dead_ms[p->ndead++] = monotonic_ms();
}

/* nginx repeats these on another connection by itself. */
static bool
nginx_repeats(const char *method)
{
	return strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0 &&
	       strcmp(method, "LOCK") != 0;
}

bool
pool_loses(struct exchange *x)
{
	struct server *srv = x->srv;
	struct pool *p = &srv->pool;
	int64_t now = p->ndead ? monotonic_ms() : 0;

	if (!p->ndead || settings_front(&srv->set) != FRONT_B)
		return false;
	/* The latest one lies on top; if nginx knows of its end, of all. */
	if (now - p->dead_ms[p->ndead - 1] > srv->set.mcp_loss_ms) {
		p->ndead = 0;
		return false;
	}
	p->ndead--;
	if (nginx_repeats(x->head->method) ||
	    server_roll(srv, 100) >= srv->set.mcp_loss)
		return false;
	x->log->lost = true;
	srv->stats.lost++;
	front_error(x, 502);
	return true;
}
