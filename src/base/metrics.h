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
#define METRIC_REFUSALS 8 /* kinds of them */

struct metrics {
#define COUNTER(member, name, labels, help) metric_value member;
#define GAUGE(member, name, labels, help) metric_value member;
#define HISTOGRAM(member, name, help) struct histogram member;
#include "tbl/metric.h"
	metric_value refusals[METRIC_REFUSALS];
	struct request_count requests[REQUEST_SLOTS];
	metric_value requests_more; /* that found no slot */
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

static inline void
metric_set(metric_value *m, uint64_t n)
{
	atomic_store_explicit(m, n, memory_order_relaxed);
}

static inline uint64_t
metric_get(const metric_value *m)
{
	return atomic_load_explicit(m, memory_order_relaxed);
}

void histogram_add(struct histogram *, int64_t us);

/* One kind of request: small numbers that metric_names gives names to. */
struct metric_kind {
	unsigned route;  /* 0..63 */
	unsigned method; /* 0..15 */
	unsigned status; /* 0..999 */
	unsigned end;    /* 0..255 */
};
void metric_request(struct metrics *, const struct metric_kind *);

struct metric_names {
	const char *(*route)(unsigned);
	const char *(*method)(unsigned);
	const char *(*end)(unsigned);
	const char *(*refusal)(unsigned);
};
/* Append the Prometheus text of the sum over n workers: all that they count. */
void metrics_write(struct buf *, struct metrics *const *workers, unsigned n,
    const struct metric_names *);

/* What is no worker's. */
enum metric_family {
#define FAMILY(id, type, name, labels, help) METRIC_##id,
#define STANDARD(id, type, name, labels, help) METRIC_##id,
#include "tbl/metric.h"
	METRIC_FAMILIES
};
/* Announce it; then its samples, labels as `name="value",...` or "". */
void metrics_write_family(struct buf *, enum metric_family);
void metrics_write_sample(
    struct buf *, enum metric_family, const char *labels, double value);
/* Both, for one that has no labels. */
void metrics_write_value(struct buf *, enum metric_family, double value);

#endif
