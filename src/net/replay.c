/*
 * replay: see replay.h.
 */
#include "net/replay.h"

#define RESERVE_MIN 256

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

/* A part of the limit, so that doubling it ends there and not above. */
static void
reserve_first(struct replay *r, size_t n)
{
	size_t part = r->limit;

	while (part / 2 >= n && part / 2 >= RESERVE_MIN)
		part /= 2;
	buf_reserve(&r->body, part);
}

void
replay_add(struct replay *r, struct span s)
{
	if (r->lost || s.n == 0)
		return;
	if (r->body.len + s.n > r->limit || s.n > *r->total) {
		replay_drop(r);
		r->lost = true;
		return;
	}
	if (r->body.len == 0)
		reserve_first(r, s.n);
	*r->total -= s.n;
	buf_add_span(&r->body, s);
}
