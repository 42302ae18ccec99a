/*
 * gateway: see gateway.h.
 */
#include "proxy/gateway.h"

#include "auth/clockoff.h"
#include "base/clock.h"
#include "base/log.h"

#define RECENTLY_MS 60000
#define GRAIN_MS 1000 /* one store a second is enough for all workers */

void
gateway_answered(struct gateway_state *g)
{
	int64_t now = clock_now_ms();
	int64_t last =
	    atomic_load_explicit(&g->answered_ms, memory_order_relaxed);

	if (now - last >= GRAIN_MS || last == 0)
		atomic_store_explicit(
		    &g->answered_ms, now, memory_order_relaxed);
}

bool
gateway_was_there(const struct gateway_state *g)
{
	int64_t last =
	    atomic_load_explicit(&g->answered_ms, memory_order_relaxed);

	return last && clock_now_ms() - last < RECENTLY_MS;
}

int64_t
gateway_wall_s(const struct gateway_state *g)
{
	int64_t delta =
	    atomic_load_explicit(&g->clock_delta_ms, memory_order_relaxed);

	return delta ? (delta + clock_now_ms()) / 1000 : clock_wall_s();
}

void
gateway_learn_clock(struct gateway_state *g, const struct head *answer)
{
	struct span date = head_value(answer, FIELD_DATE);
	struct clockoff off = {0};
	int64_t date_s;

	if (!date.p)
		return;
	if (!clockoff_date(date, &date_s) ||
	    !clockoff_learn(&off, date_s, clock_now_ms(), clock_wall_s())) {
		log_warn("clock",
		    "the gateway's Date is malformed or over 10 minutes off "
		    "and not believed; set this machine's clock",
		    L_SPAN("date", date), L_END);
		return;
	}
	atomic_store_explicit(&g->clock_delta_ms,
	    off.base_wall_s * 1000 - off.base_boot_ms, memory_order_relaxed);
}
