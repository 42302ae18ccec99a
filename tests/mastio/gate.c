/*
 * gate: see gate.h.
 */
#include "mastio/gate.h"

#include "mastio/conn.h"
#include "mastio/map.h"
#include "mastio/util.h"

struct gate *
gate_get(struct server *srv, const char *name)
{
	struct gate *g = map_get(srv->gates, name, 0);

	if (!g) {
		g = xcalloc(1, sizeof(*g));
		map_add(srv->gates, name, g, MAP_FOR_EVER, 0);
	}
	return g;
}

void
gate_release(struct server *srv, const char *name, uint64_t count)
{
	struct conn *next;

	gate_get(srv, name)->released += count;
	for (struct conn *c = srv->conns; c; c = next) {
		next = c->next;
		if (c->x)
			conn_turn(c);
	}
}
