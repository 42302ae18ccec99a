/*
 * breaker: see breaker.h.
 */
#include "proxy/breaker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

static int64_t
until_of(const struct circuit *c)
{
	return atomic_load_explicit(&c->until_ms, memory_order_relaxed);
}

static enum end
busy(struct exchange *x, int64_t now)
{
	int64_t left = until_of(&x->w->gateway->shed) - now;

	x->retry_after_s = left > 0 ? (unsigned)((left + 999) / 1000) : 1;
	return END_GATEWAY_BUSY;
}

static enum end
refused(struct exchange *x)
{
	x->says = verdict_words((enum verdict_row)atomic_load_explicit(
	    &x->w->gateway->refused_row, memory_order_relaxed));
	return END_AUTH_REFUSED;
}

/* Of somebody, or somewhere, that has been replaced since?  What is live now
 * must neither pay for it nor profit. */
static bool
agent_is_live(const struct exchange *x)
{
	return exchange_gateway_is_live(x) &&
	       x->view->bundle->identity == x->w->view->bundle->identity;
}

static void
become_probe(struct exchange *x, int64_t now)
{
	struct breaker *b = &x->w->breaker;

	if (!x->probe)
		b->probes++;
	x->probe = true;
	b->probe_ms = now;
}

enum end
breaker_admit(struct exchange *x)
{
	struct gateway_state *g = x->w->gateway;
	struct breaker *b = &x->w->breaker;
	enum circuit_state shed, refusal = CIRCUIT_CLOSED;
	int64_t now;

	if (x->probe || x->route->auth != ROUTE_AUTH_MASTIO ||
	    !exchange_gateway_is_live(x))
		return END_OK;
	now = clock_now_ms();
	shed = circuit_state(&g->shed, now);
	if (x->auth == ROUTE_AUTH_MASTIO && agent_is_live(x))
		refusal = circuit_state(&g->refusal, now);
	/* Whoever is shed is told so at once: a probe that is still being
	 * worked on was let in. */
	if (shed == CIRCUIT_HALF_OPEN && b->probes &&
	    now - b->probe_ms >= BREAKER_PATIENCE_MS) {
		circuit_close(&g->shed, now);
		shed = CIRCUIT_CLOSED;
	}
	if (refusal == CIRCUIT_OPEN)
		return refused(x);
	if (shed == CIRCUIT_OPEN)
		return busy(x, now);
	if (shed == CIRCUIT_CLOSED && refusal == CIRCUIT_CLOSED)
		return END_OK;
	if (b->probes && now - b->probe_ms < BREAKER_PATIENCE_MS)
		return refusal == CIRCUIT_CLOSED ? busy(x, now) : refused(x);
	become_probe(x, now);
	return END_OK;
}

bool
breaker_shed(struct exchange *x, const struct verdict *v, int64_t *due_ms)
{
	struct circuit *c = &x->w->gateway->shed;
	int64_t now = clock_now_ms(),
		wait = v->wait_s ? v->wait_s * 1000 : 1000;
	bool news = circuit_state(c, now) != CIRCUIT_OPEN;

	breaker_leave(x);
	if (!exchange_gateway_is_live(x))
		return false;
	circuit_open(c, now, wait, random_u32());
	*due_ms = until_of(c);
	if (news)
		log_warn("gateway", "the gateway sheds load",
		    L_INT("wait_ms", *due_ms - now),
		    L_STR("request_id", x->request_id), L_END);
	if (x->shed || x->kept.lost || *due_ms - now > BREAKER_RETRY_WAIT_MS ||
	    !allowance_spend(&x->w->breaker.allowance, now))
		return false;
	x->shed = true;
	become_probe(x, *due_ms);
	metric_add(&x->w->metrics->retries_shed, 1);
	return true;
}

void
breaker_refused(struct exchange *x, const struct verdict *v)
{
	struct gateway_state *g = x->w->gateway;

	breaker_leave(x);
	if (!agent_is_live(x))
		return;
	atomic_store_explicit(
	    &g->refused_row, (int)v->row, memory_order_relaxed);
	circuit_open(
	    &g->refusal, clock_now_ms(), BREAKER_REFUSED_MS, random_u32());
}

void
breaker_served(struct exchange *x)
{
	int64_t now;

	if (!x->probe || x->res.status >= 500)
		return;
	now = clock_now_ms();
	if (exchange_gateway_is_live(x))
		circuit_close(&x->w->gateway->shed, now);
	if (x->auth == ROUTE_AUTH_MASTIO && agent_is_live(x))
		circuit_close(&x->w->gateway->refusal, now);
	breaker_leave(x);
}

void
breaker_leave(struct exchange *x)
{
	if (x->probe)
		x->w->breaker.probes--;
	x->probe = false;
}
