/*
 * gateway: see gateway.h.
 */
#include "proxy/gateway.h"

#include "auth/clockoff.h"
#include "base/clock.h"
#include "base/log.h"

#define WARN_EVERY_MS 60000
#define RECENTLY_MS 60000
#define GRAIN_MS 1000 /* one store a second is enough for all workers */

static void
forget_miss(struct gateway_state *g)
{
	if (atomic_load_explicit(&g->missed_why, memory_order_relaxed))
		atomic_store_explicit(
		    &g->missed_why, LEASE_OK, memory_order_relaxed);
}

void
gateway_answered(struct gateway_state *g)
{
	int64_t now = clock_now_ms();
	int64_t last =
	    atomic_load_explicit(&g->answered_ms, memory_order_relaxed);

	if (now - last >= GRAIN_MS || last == 0)
		atomic_store_explicit(
		    &g->answered_ms, now, memory_order_relaxed);
	forget_miss(g);
}

void
gateway_found(struct gateway_state *g)
{
	atomic_store_explicit(
	    &g->found_ms, clock_now_ms(), memory_order_relaxed);
	forget_miss(g);
}

void
gateway_missed(struct gateway_state *g, enum lease_failure why)
{
	atomic_store_explicit(
	    &g->missed_ms, clock_now_ms(), memory_order_relaxed);
	atomic_store_explicit(&g->missed_why, (int)why, memory_order_relaxed);
}

struct gateway_reach
gateway_reach(const struct gateway_state *g)
{
	int why = atomic_load_explicit(&g->missed_why, memory_order_relaxed);
	struct gateway_reach r = {.why = (enum lease_failure)why};

	r.at_ms = atomic_load_explicit(&g->missed_ms, memory_order_relaxed);
	if (why == LEASE_OK) {
		int64_t found =
		    atomic_load_explicit(&g->found_ms, memory_order_relaxed);

		r.at_ms =
		    atomic_load_explicit(&g->answered_ms, memory_order_relaxed);
		r.at_ms = found > r.at_ms ? found : r.at_ms;
	}
	r.reached = why == LEASE_OK && r.at_ms != 0;
	return r;
}

bool
gateway_was_there(const struct gateway_state *g)
{
	int64_t last =
	    atomic_load_explicit(&g->answered_ms, memory_order_relaxed);

	return last && clock_now_ms() - last < RECENTLY_MS;
}

static int64_t
delta_of(const struct gateway_state *g)
{
	return atomic_load_explicit(&g->clock_delta_ms, memory_order_relaxed);
}

bool
gateway_clock_known(const struct gateway_state *g)
{
	return delta_of(g) != CLOCKOFF_UNKNOWN;
}

int64_t
gateway_wall_s(const struct gateway_state *g)
{
	int64_t delta = delta_of(g);

	if (delta == CLOCKOFF_UNKNOWN)
		return clock_wall_s();
	return (delta + clock_now_ms()) / 1000;
}

static int64_t
trusted_s(const void *arg)
{
	const struct gateway_state *g = arg;

	return gateway_clock_known(g) ? gateway_wall_s(g) : 0;
}

int64_t
gateway_clock_offset_ms(const struct gateway_state *g)
{
	int64_t delta = delta_of(g);

	if (delta == CLOCKOFF_UNKNOWN)
		return 0;
	return delta + clock_now_ms() - clock_wall_ms();
}

/* Every answer may say the same: one thread says it, once in a while. */
static bool
may_warn(struct gateway_state *g, int64_t now)
{
	int64_t due =
	    atomic_load_explicit(&g->clock_warn_ms, memory_order_relaxed);

	return now >= due && atomic_compare_exchange_strong_explicit(
				 &g->clock_warn_ms, &due, now + WARN_EVERY_MS,
				 memory_order_relaxed, memory_order_relaxed);
}

static void
tell_move(int64_t old, int64_t delta, const struct clockoff_sample *s)
{
	int64_t local = s->wall_ms - s->came_ms;
	int64_t from = old == CLOCKOFF_UNKNOWN ? 0 : old - local;
	int64_t to = delta - local;

	if (to - from > CLOCKOFF_SLACK_MS || from - to > CLOCKOFF_SLACK_MS)
		log_info("clock",
		    "proofs are dated by the gateway's clock, which is not "
		    "where it was",
		    L_INT("old_offset_ms", from), L_INT("new_offset_ms", to),
		    L_END);
}

void
gateway_learn_clock(
    struct gateway_state *g, const struct head *answer, int64_t sent_ms)
{
	struct span date = head_value(answer, FIELD_DATE);
	struct clockoff_sample s = {.sent_ms = sent_ms};
	enum clockoff_found found = CLOCKOFF_WILD;
	int64_t old = delta_of(g), delta = old;

	if (!date.p)
		return;
	s.came_ms = clock_now_ms();
	s.wall_ms = clock_wall_ms();
	if (clockoff_date(date, &s.date_s))
		found = clockoff_learn(&delta, &s);
	if (found == CLOCKOFF_WILD && may_warn(g, s.came_ms))
		log_warn("clock",
		    "the gateway's Date is malformed or over 10 minutes off "
		    "and not believed; set this machine's clock right, or the "
		    "gateway's",
		    L_SPAN("date", date), L_INT("local_s", s.wall_ms / 1000),
		    L_END);
	if (found == CLOCKOFF_MOVES &&
	    atomic_compare_exchange_strong_explicit(&g->clock_delta_ms, &old,
		delta, memory_order_relaxed, memory_order_relaxed))
		tell_move(old, delta, &s);
}

/* ---- another one ---- */

void
gateway_forgive(struct gateway_state *g)
{
	atomic_store(&g->refusal.until_ms, 0);
	atomic_store(&g->refusal.span_ms, 0);
}

void
gateway_become(struct gateway_state *g, const struct gateway_state *with)
{
	atomic_store(&g->clock_delta_ms, atomic_load(&with->clock_delta_ms));
	atomic_store(&g->answered_ms, atomic_load(&with->answered_ms));
	atomic_store(&g->found_ms, atomic_load(&with->found_ms));
	atomic_store(&g->missed_ms, atomic_load(&with->missed_ms));
	atomic_store(&g->missed_why, atomic_load(&with->missed_why));
	atomic_store(&g->mode, atomic_load(&with->mode));
	atomic_store(&g->keyed, atomic_load(&with->keyed));
	atomic_store(&g->clock_warn_ms, 0);
	atomic_store(&g->shed.until_ms, 0);
	atomic_store(&g->shed.span_ms, 0);
	gateway_forgive(g);
}

/* ---- POSTs that wait ---- */

#define COUNT_BITS 16
#define COUNT_MASK ((1u << COUNT_BITS) - 1)

static uint64_t
held_value(int64_t until_ms, unsigned under_way)
{
	return (uint64_t)until_ms << COUNT_BITS | under_way;
}

static int64_t
held_until(uint64_t held)
{
	return (int64_t)(held >> COUNT_BITS);
}

static bool
replace(struct gateway_state *g, uint64_t *held, uint64_t with)
{
	return atomic_compare_exchange_weak(&g->posts_held, held, with);
}

static uint64_t
load(struct gateway_state *g)
{
	return atomic_load(&g->posts_held);
}

int64_t
gateway_posts_held(struct gateway_state *g, int64_t now_ms, bool *under_way)
{
	uint64_t held = load(g);

	*under_way = (held & COUNT_MASK) != 0;
	return held_until(held) > now_ms ? held_until(held) : 0;
}

void
gateway_post_waits(struct gateway_state *g, bool waits)
{
	if (waits)
		atomic_fetch_add(&g->posts_waiting, 1);
	else
		atomic_fetch_sub(&g->posts_waiting, 1);
}

bool
gateway_posts_first(
    struct gateway_state *g, int64_t now_ms, int64_t patience_ms)
{
	return now_ms < held_until(load(g)) + patience_ms &&
	       atomic_load(&g->posts_waiting) > 0;
}

bool
gateway_hold_posts(struct gateway_state *g, int64_t now_ms, int64_t until_ms)
{
	uint64_t held = load(g);

	do {
		if (held_until(held) > now_ms ||
		    (held & COUNT_MASK) == COUNT_MASK)
			return false;
	} while (
	    !replace(g, &held, held_value(until_ms, (held & COUNT_MASK) + 1)));
	return true;
}

void
gateway_release_posts(struct gateway_state *g, int64_t until_ms)
{
	uint64_t held = load(g), with;

	do {
		unsigned left = (held & COUNT_MASK) - 1;
		bool keep = left && held_until(held) > until_ms;

		with = held_value(keep ? held_until(held) : until_ms, left);
	} while (!replace(g, &held, with));
}

void
gateway_hold_posts_until(struct gateway_state *g, int64_t until_ms)
{
	uint64_t held = load(g);

	while (held_until(held) < until_ms &&
	       !replace(g, &held, held_value(until_ms, held & COUNT_MASK)))
		;
}

void
gateway_post_begins(struct gateway_state *g, int64_t now_ms)
{
	atomic_fetch_add(&g->posts_open, 1);
	atomic_store(&g->posts_begun_ms, now_ms);
}

void
gateway_post_ends(struct gateway_state *g)
{
	atomic_fetch_sub(&g->posts_open, 1);
}

bool
gateway_posts_settled(
    struct gateway_state *g, int64_t now_ms, int64_t patience_ms)
{
	return atomic_load(&g->posts_open) == 0 ||
	       now_ms - atomic_load(&g->posts_begun_ms) >= patience_ms;
}

void
gateway_note_mode(struct gateway_state *g, const struct head *answer)
{
	struct span said = head_value(answer, FIELD_X_CULLIS_MODE);
	int mode = span_eq(said, SPAN("federation"))   ? GATEWAY_FEDERATION
		   : span_eq(said, SPAN("standalone")) ? GATEWAY_STANDALONE
						       : GATEWAY_UNKNOWN;

	if (mode == GATEWAY_UNKNOWN || mode == (int)gateway_mode(g))
		return;
	if (atomic_exchange_explicit(&g->mode, mode, memory_order_relaxed) !=
	    mode)
		log_info("gateway", "the gateway says what it is",
		    L_SPAN("mode", said), L_END);
}

enum gateway_mode
gateway_mode(const struct gateway_state *g)
{
	return (enum gateway_mode)atomic_load_explicit(
	    &g->mode, memory_order_relaxed);
}

bool
gateway_takes_key(const struct gateway_state *g, enum path_class class)
{
	return atomic_load_explicit(&g->keyed, memory_order_relaxed) >> class &
	       1;
}

void
gateway_note_key(struct gateway_state *g, enum path_class class, bool takes)
{
	if (takes == gateway_takes_key(g, class))
		return;
	if (takes)
		atomic_fetch_or(&g->keyed, 1u << class);
	else
		atomic_fetch_and(&g->keyed, ~(1u << class));
}

void
gateway_upstream_options(const struct gateway_state *g,
    const struct config *conf, struct upstream_options *o)
{
	const struct route *route = &conf->route;

	o->host = route->origin->host;
	o->port = route->origin->port;
	if (route->dial != route->origin) {
		o->dial_host = route->dial->host;
		o->dial_port = route->dial->port;
	}
	o->trusted_s = trusted_s;
	o->trusted_arg = g;
	o->cure = "check the gateway option and DNS";
	if (!conf->upstream_proxy.host)
		return;
	o->proxy_host = conf->upstream_proxy.host;
	o->proxy_port = conf->upstream_proxy.port;
	o->proxy_credentials = conf->proxy_credentials;
	o->cure = "check the upstream-proxy option and DNS";
}
