/*
 * circuit: see circuit.h.
 */
#include "proxy/circuit.h"

/* ---- circuits ---- */

static int64_t
load(const _Atomic int64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
store(_Atomic int64_t *value, int64_t to)
{
	atomic_store_explicit(value, to, memory_order_relaxed);
}

enum circuit_state
circuit_state(const struct circuit *c, int64_t now_ms)
{
	int64_t until = load(&c->until_ms);

	if (until == 0)
		return CIRCUIT_CLOSED;
	return now_ms < until ? CIRCUIT_OPEN : CIRCUIT_HALF_OPEN;
}

void
circuit_open(
    struct circuit *c, int64_t now_ms, int64_t wait_ms, uint32_t random)
{
	enum circuit_state state = circuit_state(c, now_ms);
	int64_t span = state == CIRCUIT_HALF_OPEN ? 2 * load(&c->span_ms) : 0;
	int64_t until;

	if (span > CIRCUIT_MAX_MS)
		span = CIRCUIT_MAX_MS;
	if (span < wait_ms)
		span = wait_ms;
	until = now_ms + span + (int64_t)((uint64_t)span / 4 * random >> 32);
	if (state == CIRCUIT_OPEN && until <= load(&c->until_ms))
		return;
	if (state != CIRCUIT_OPEN)
		store(&c->span_ms, span);
	store(&c->until_ms, until);
}

void
circuit_close(struct circuit *c, int64_t now_ms)
{
	if (circuit_state(c, now_ms) == CIRCUIT_HALF_OPEN)
		store(&c->until_ms, 0);
}

/* ---- the allowance ---- */

void
allowance_earn(struct allowance *b)
{
	if (b->credit < ALLOWANCE_MAX)
		b->credit++;
}

bool
allowance_spend(struct allowance *b, int64_t now_ms)
{
	int64_t seconds = b->filled_ms ? (now_ms - b->filled_ms) / 1000
				       : ALLOWANCE_FLOOR / ALLOWANCE_PRICE;

	if (seconds > 0) {
		b->filled_ms = now_ms;
		if (seconds > ALLOWANCE_FLOOR / ALLOWANCE_PRICE)
			seconds = ALLOWANCE_FLOOR / ALLOWANCE_PRICE;
	}
	while (seconds-- > 0 && b->credit < ALLOWANCE_FLOOR)
		b->credit += ALLOWANCE_PRICE;
	if (b->credit < ALLOWANCE_PRICE)
		return false;
	b->credit -= ALLOWANCE_PRICE;
	return true;
}
