/*
 * budget: see budget.h.
 */
#include "net/budget.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdint.h>

#define TRIM_MS 1000

static void
on_trim(void *arg)
{
	struct budget *b = arg;

	b->peak = budget_used(b);
	mem_trim();
}

void
budget_init(struct budget *b, struct timers *timers)
{
	b->limit = b->tight = SIZE_MAX;
	atomic_init(&b->used, 0);
	b->peak = 0;
	b->timers = timers;
	timer_init(&b->timer, on_trim, b);
}

void
budget_set_limit(struct budget *b, size_t limit, size_t reserve)
{
	size_t most = limit - limit / 4;

	b->limit = limit;
	b->tight = limit - (reserve < most ? reserve : most);
}

void
budget_fini(struct budget *b)
{
	timers_cancel(b->timers, &b->timer);
}

/* The allocator keeps pages that small live pieces are strewn over; they are
 * given back when a quarter of the limit has been freed, once in a while. */
void
budget_charge(struct budget *b, size_t *charged, size_t now)
{
	size_t used = budget_used(b) - *charged + now;

	*charged = now;
	atomic_store_explicit(&b->used, used, memory_order_relaxed);
	if (used > b->peak)
		b->peak = used;
	else if (b->peak - used > b->limit / 4 && !b->timer.slot)
		timers_set(b->timers, &b->timer, clock_now_ms() + TRIM_MS);
}
