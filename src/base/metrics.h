/*
 * metrics: what one worker counts, summed by whoever reads.  Rows come from
 * tbl/metric.h.
 *
 * Threads: one writer (the worker), any reader; relaxed atomics without
 * read-modify-write, so that counting costs a load and a store.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/str.h"

#include <stdatomic.h>

typedef _Atomic uint64_t metric_value;

#define METRIC_BUCKETS 14 /* the last one is +Inf */
extern const double metric_bounds[METRIC_BUCKETS - 1]; /* seconds */

struct histogram {
	metric_value bucket[METRIC_BUCKETS];
	metric_value sum_us;
};

/* One kind of finished request. */
struct request_count {
	_Atomic uint32_t key; /* 0 = free; see request_key */
	metric_value count;
};
#define REQUEST_SLOTS 512 /* power of two; bounded label space */

struct metrics {
#define COUNTER(member, name, labels, help) metric_value member;
#include "tbl/metric.h"
#undef COUNTER
	metric_value streams_open; /* exchanges with a response under way */
	struct histogram duration, first_byte;
	struct request_count requests[REQUEST_SLOTS];
};

static inline void
metric_add(metric_value *m, uint64_t n)
{
	atomic_store_explicit(m,
	    atomic_load_explicit(m, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

static inline void
metric_sub(metric_value *m, uint64_t n)
{
	metric_add(m, 0 - n);
}

static inline uint64_t
metric_get(const metric_value *m)
{
	return atomic_load_explicit(m, memory_order_relaxed);
}

void histogram_add(struct histogram *, int64_t us);

/* method: 0..15, an index into the caller's table; status 0..999; end 0..255.
 */
void metric_request(
    struct metrics *, unsigned method, unsigned status, unsigned end);

/* Names for the numbers that metric_request() was given. */
struct metric_names {
	const char *(*method)(unsigned);
	const char *(*end)(unsigned);
};
/* Append the Prometheus text of the sum over n workers. */
void metrics_write(struct buf *, struct metrics *const *workers, unsigned n,
    const struct metric_names *);
/* One gauge or counter that is not a worker's. */
void metrics_write_value(struct buf *, const char *name, const char *labels,
    const char *type, const char *help, double value);

#endif
