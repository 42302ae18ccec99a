/*
 * replay: see replay.h.
 */
#include "net/replay.h"

void
replay_init(struct replay *r, size_t limit, size_t *total)
{
	*r = (struct replay){.limit = limit, .total = total};
	r->body.secret = true;
}

void
replay_drop(struct replay *r)
{
	if (r->body.len)
		r->lost = true;
	*r->total += r->body.len;
	buf_free(&r->body);
}

void
replay_add(struct replay *r, struct span s)
{
	if (r->lost)
		return;
	if (r->body.len + s.n > r->limit || s.n > *r->total) {
		replay_drop(r);
		r->lost = true;
		return;
	}
	*r->total -= s.n;
	buf_add_span(&r->body, s);
}
