/*
 * metrics: see metrics.h.
 */
#include "base/metrics.h"

#include <stdio.h>

#define PREFIX "cullis_sidecar_"

const double metric_bounds[METRIC_BUCKETS - 1] = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60};

void
histogram_add(struct histogram *h, int64_t us)
{
	unsigned i = 0;

	while (i < METRIC_BUCKETS - 1 && (double)us > metric_bounds[i] * 1e6)
		i++;
	metric_add(&h->bucket[i], 1);
	metric_add(&h->sum_us, (uint64_t)us);
}

static uint32_t
request_key(const struct metric_kind *k)
{
	return 1u << 31 | (k->route & 0x3f) << 24 | (k->end & 0xff) << 16 |
	       (k->method & 0xf) << 10 | (k->status > 999 ? 999 : k->status);
}

void
metric_request(struct metrics *m, const struct metric_kind *kind)
{
	uint32_t key = request_key(kind);
	uint32_t at = key * 2654435761u >> 16;

	for (unsigned i = 0; i < REQUEST_SLOTS; i++) {
		struct request_count *r =
		    &m->requests[(at + i) % REQUEST_SLOTS];
		uint32_t have =
		    atomic_load_explicit(&r->key, memory_order_relaxed);

		if (have == 0)
			atomic_store_explicit(
			    &r->key, key, memory_order_release);
		if (have == 0 || have == key) {
			metric_add(&r->count, 1);
			return;
		}
	}
	metric_add(&m->requests_more, 1);
}

static const struct {
	const char *prefix, *type, *name, *help;
} families[] = {
#define FAMILY(id, type, name, labels, help) {PREFIX, type, name, help},
#define STANDARD(id, type, name, labels, help) {"", type, name, help},
#include "tbl/metric.h"
};

static void
write_head(struct buf *b, const char *prefix, const char *name,
    const char *type, const char *help)
{
	buf_printf(b, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help,
	    prefix, name, type);
}

static void
write_sample(struct buf *b, const char *prefix, const char *name,
    const char *labels, double value)
{
	buf_printf(b, "%s%s", prefix, name);
	if (*labels)
		buf_printf(b, "{%s}", labels);
	buf_printf(b, " %.15g\n", value);
}

void
metrics_write_family(struct buf *b, enum metric_family f)
{
	write_head(b, families[f].prefix, families[f].name, families[f].type,
	    families[f].help);
}

void
metrics_write_sample(
    struct buf *b, enum metric_family f, const char *labels, double value)
{
	write_sample(b, families[f].prefix, families[f].name, labels, value);
}

void
metrics_write_value(struct buf *b, enum metric_family f, double value)
{
	metrics_write_family(b, f);
	metrics_write_sample(b, f, "", value);
}

static void
write_rows(struct buf *b, struct metrics *const *w, unsigned n)
{
	static const struct {
		size_t offset;
		const char *type, *name, *labels, *help;
	} rows[] = {
#define COUNTER(member, name, labels, help) \
	{offsetof(struct metrics, member), "counter", name, labels, help},
#define GAUGE(member, name, labels, help) \
	{offsetof(struct metrics, member), "gauge", name, labels, help},
#include "tbl/metric.h"
	};
	const char *last = "";

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t sum = 0;

		for (unsigned k = 0; k < n; k++)
			sum += metric_get(
			    (metric_value *)((char *)w[k] + rows[i].offset));
		if (strcmp(last, rows[i].name) != 0)
			write_head(b, PREFIX, rows[i].name, rows[i].type,
			    rows[i].help);
		write_sample(
		    b, PREFIX, rows[i].name, rows[i].labels, (double)sum);
		last = rows[i].name;
	}
}

static void
write_histogram(struct buf *b, struct metrics *const *w, unsigned n,
    size_t offset, const char *name, const char *help)
{
	uint64_t total = 0, sum_us = 0;

	write_head(b, PREFIX, name, "histogram", help);
	for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
		for (unsigned k = 0; k < n; k++)
			total += metric_get(
			    &((struct histogram *)((char *)w[k] + offset))
				 ->bucket[i]);
		if (i < METRIC_BUCKETS - 1)
			buf_printf(b, PREFIX "%s_bucket{le=\"%g\"} %llu\n",
			    name, metric_bounds[i], (unsigned long long)total);
		else
			buf_printf(b, PREFIX "%s_bucket{le=\"+Inf\"} %llu\n",
			    name, (unsigned long long)total);
	}
	for (unsigned k = 0; k < n; k++)
		sum_us += metric_get(
		    &((struct histogram *)((char *)w[k] + offset))->sum_us);
	buf_printf(b, PREFIX "%s_sum %.6f\n" PREFIX "%s_count %llu\n", name,
	    (double)sum_us / 1e6, name, (unsigned long long)total);
}

/* Sum of one key over all workers, counted at the first worker that has it. */
static bool
sum_requests(struct metrics *const *w, unsigned n, unsigned first, uint32_t key,
    uint64_t *sum)
{
	*sum = 0;
	for (unsigned k = 0; k < n; k++) {
		for (unsigned i = 0; i < REQUEST_SLOTS; i++) {
			struct request_count *r = &w[k]->requests[i];

			if (atomic_load_explicit(
				&r->key, memory_order_acquire) != key)
				continue;
			if (k < first)
				return false;
			*sum += metric_get(&r->count);
		}
	}
	return true;
}

static void
write_requests(struct buf *b, struct metrics *const *w, unsigned n,
    const struct metric_names *names)
{
	uint64_t more = 0;

	metrics_write_family(b, METRIC_REQUESTS);
	for (unsigned k = 0; k < n; k++) {
		for (unsigned i = 0; i < REQUEST_SLOTS; i++) {
			uint32_t key = atomic_load_explicit(
			    &w[k]->requests[i].key, memory_order_acquire);
			uint64_t sum;

			if (!key || !sum_requests(w, n, k, key, &sum))
				continue;
			buf_printf(b,
			    PREFIX "requests_total{route=\"%s\","
				   "method=\"%s\",code=\"%u\",end=\"%s\"} "
				   "%llu\n",
			    names->route(key >> 24 & 0x3f),
			    names->method(key >> 10 & 0xf), key & 0x3ff,
			    names->end(key >> 16 & 0xff),
			    (unsigned long long)sum);
		}
		more += metric_get(&w[k]->requests_more);
	}
	if (more)
		buf_printf(b,
		    PREFIX "requests_total{route=\"other\",method=\"other\","
			   "code=\"other\",end=\"other\"} %llu\n",
		    (unsigned long long)more);
}

/* Kind 0 is none. */
static void
write_refusals(struct buf *b, struct metrics *const *w, unsigned n,
    const struct metric_names *names)
{
	metrics_write_family(b, METRIC_AUTH_REFUSALS);
	for (unsigned i = 1; i < METRIC_REFUSALS; i++) {
		uint64_t sum = 0;

		for (unsigned k = 0; k < n; k++)
			sum += metric_get(&w[k]->refusals[i]);
		buf_printf(b,
		    PREFIX "auth_refusals_total{verdict=\"%s\"} %llu\n",
		    names->refusal(i), (unsigned long long)sum);
	}
}

void
metrics_write(struct buf *b, struct metrics *const *w, unsigned n,
    const struct metric_names *names)
{
	uint64_t clients = 0;

	write_requests(b, w, n, names);
	write_rows(b, w, n);
	write_refusals(b, w, n, names);
#define HISTOGRAM(member, name, help) \
	write_histogram(b, w, n, offsetof(struct metrics, member), name, help);
#include "tbl/metric.h"
	for (unsigned k = 0; k < n; k++)
		clients += metric_get(&w[k]->clients_opened) -
			   metric_get(&w[k]->clients_closed);
	metrics_write_value(b, METRIC_CLIENTS, (double)clients);
}
