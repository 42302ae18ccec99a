/*
 * circuit: what proxy/breaker.h works with: circuits that open for a while, and
 * how many requests may be sent again, as a part of all.
 *
 * Threads: a circuit is all workers' (relaxed atomics, the later value wins),
 * the rest its worker's.
 */
#ifndef PROXY_CIRCUIT_H
#define PROXY_CIRCUIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CIRCUIT_MAX_MS 60000 /* it opens for, unless told longer */

/* Requests are not sent while it is open; then one at a time is, until one is
 * served. */
struct circuit {
	_Atomic int64_t until_ms; /* 0 = closed */
	_Atomic int64_t span_ms;  /* it was opened for */
};

enum circuit_state { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN };
enum circuit_state circuit_state(const struct circuit *, int64_t now_ms);
/* Open it for wait_ms; if a probe has failed, for twice as long as before.  Up
 * to a quarter is added by `random`. */
void circuit_open(
    struct circuit *, int64_t now_ms, int64_t wait_ms, uint32_t random);
/* A probe was served; unless it has been opened again meanwhile. */
void circuit_close(struct circuit *, int64_t now_ms);

/* One of ten, and a few more for those who seldom ask. */
#define ALLOWANCE_PRICE 10  /* of sending one again; each request pays in 1 */
#define ALLOWANCE_FLOOR 100 /* filled up to here by one retry a second */
#define ALLOWANCE_MAX 1000
struct allowance {
	unsigned credit;
	int64_t filled_ms;
};
void allowance_earn(struct allowance *);
bool allowance_spend(struct allowance *, int64_t now_ms);

/* A worker's part of both. */
struct breaker {
	unsigned probes;  /* under way */
	int64_t probe_ms; /* when the last one began */
	struct allowance allowance;
};

#endif
