/*
 * t_metrics: sums over workers, and the Prometheus text format (version
 * 0.0.4): each name announced once, its lines together, histograms cumulative.
 */
#include "base/mem.h"
#include "base/metrics.h"

#include "unit.h"

#include <stdio.h>

static const char *
method_name(unsigned i)
{
	return i == 1 ? "GET" : "POST";
}

static const char *
end_name(unsigned i)
{
	return i == 7 ? "seven" : "ok";
}

static const char *
refusal_name(unsigned i)
{
	return i == 3 ? "login" : "x";
}

static const char *
route_name(unsigned i)
{
	return i ? "mastio" : "-";
}

static const struct metric_names names = {
    route_name, method_name, end_name, refusal_name};

static void
request(struct metrics *m, unsigned method, unsigned status, unsigned end)
{
	metric_request(
	    m, &(struct metric_kind){status != 0, method, status, end});
}

static char *
text_of(struct metrics *const *w, unsigned n)
{
	struct buf b = BUF_INIT;

	metrics_write(&b, w, n, &names);
	return buf_steal_str(&b);
}

/* Value of the one line that begins with this name and labels. */
static double
value_of(const char *text, const char *series)
{
	char *line = mem_printf("\ncullis_sidecar_%s ", series);
	const char *at = strstr(text, line);
	double v;

	ck_assert_msg(at != NULL, "no line %s", series);
	v = strtod(at + strlen(line), NULL);
	ck_assert_msg(!strstr(at + 1, line), "%s twice", series);
	free(line);
	return v;
}

START_TEST(sum_over_workers)
{
	struct metrics *w[2] = {
	    MEM_NEW(struct metrics), MEM_NEW(struct metrics)};
	char *text;

	metric_add(&w[0]->proofs, 2);
	metric_add(&w[1]->proofs, 40);
	metric_add(&w[0]->clients_opened, 5);
	metric_add(&w[1]->clients_closed, 2);
	metric_add(&w[1]->handshakes_resumed, 3);
	metric_add(&w[1]->streams_open, 1);
	request(w[0], 1, 200, 0);
	request(w[1], 1, 200, 0);
	request(w[1], 1, 200, 0);
	request(w[1], 2, 0, 7);
	text = text_of(w, 2);
	ck_assert(value_of(text, "dpop_proofs_total") == 42);
	ck_assert(value_of(text, "clients") == 3);
	ck_assert(value_of(text, "open_streams") == 1);
	ck_assert(value_of(text, "tls_handshakes_total{resumed=\"yes\"}") == 3);
	ck_assert(value_of(text, "tls_handshakes_total{resumed=\"no\"}") == 0);
	ck_assert(value_of(text, "requests_total{route=\"mastio\",method="
				 "\"GET\",code=\"200\",end=\"ok\"}") == 3);
	ck_assert(value_of(text, "requests_total{route=\"-\",method="
				 "\"POST\",code=\"0\",end=\"seven\"}") == 1);
	free(text);
	free(w[0]);
	free(w[1]);
}
END_TEST

START_TEST(histograms_are_cumulative)
{
	struct metrics *w[2] = {
	    MEM_NEW(struct metrics), MEM_NEW(struct metrics)};
	double last = -1;
	char *text;

	histogram_add(&w[0]->duration, 0);
	histogram_add(&w[0]->duration, 1000);     /* 1 ms, still in le=0.001 */
	histogram_add(&w[1]->duration, 1001);     /* just above */
	histogram_add(&w[1]->duration, 90000000); /* 90 s: +Inf alone */
	text = text_of(w, 2);
	for (unsigned i = 0; i < METRIC_BUCKETS - 1; i++) {
		char *series =
		    mem_printf("request_duration_seconds_bucket{le=\"%g\"}",
			metric_bounds[i]);
		double v = value_of(text, series);

		ck_assert(v >= last);
		last = v;
		free(series);
	}
	ck_assert(value_of(text,
		      "request_duration_seconds_bucket{le=\"0.001\"}") == 2);
	ck_assert(value_of(text,
		      "request_duration_seconds_bucket{le=\"0.0025\"}") == 3);
	ck_assert(last == 3);
	ck_assert(value_of(text,
		      "request_duration_seconds_bucket{le=\"+Inf\"}") == 4);
	ck_assert(value_of(text, "request_duration_seconds_count") == 4);
	ck_assert(value_of(text, "request_duration_seconds_sum") == 90.002001);
	ck_assert(value_of(text, "time_to_first_byte_seconds_count") == 0);
	free(text);
	free(w[0]);
	free(w[1]);
}
END_TEST

/* The name that a line is about, without _bucket, _sum and _count. */
static struct span
family_of(struct span line)
{
	static const char *const ends[] = {"_bucket", "_sum", "_count"};
	struct span name = line;

	name.n = strcspn(line.p, "{ \n");
	for (size_t i = 0; i < COUNT(ends); i++)
		if (span_ends(name, span_of(ends[i])))
			name.n -= strlen(ends[i]);
	return name;
}

START_TEST(each_name_is_announced_once)
{
	struct metrics *w[1] = {MEM_NEW(struct metrics)};
	struct span rest, seen[64], current = SPAN_NONE;
	unsigned nseen = 0, samples = 0;
	char *text;

	request(w[0], 1, 200, 0);
	request(w[0], 1, 404, 0);
	text = text_of(w, 1);
	rest = span_of(text);
	ck_assert(span_ends(rest, SPAN("\n")));
	while (rest.n) {
		struct span line = span_cut(&rest, '\n');

		if (span_starts(line, SPAN("# HELP "))) {
			line.p += 7;
			line.n -= 7;
			current = span_cut(&line, ' ');
			ck_assert_uint_gt(line.n, 0);
			for (unsigned i = 0; i < nseen; i++)
				ck_assert_msg(!span_eq(seen[i], current),
				    "%.*s twice", SPAN_ARG(current));
			seen[nseen++] = current;
			line = span_cut(&rest, '\n');
			ck_assert(span_starts(line, SPAN("# TYPE ")));
			line.p += 7;
			line.n -= 7;
			ck_assert(span_eq(span_cut(&line, ' '), current));
			ck_assert(span_eq(line, SPAN("counter")) ||
				  span_eq(line, SPAN("gauge")) ||
				  span_eq(line, SPAN("histogram")));
			continue;
		}
		ck_assert_msg(span_eq(family_of(line), current),
		    "not below its own TYPE: %.*s", SPAN_ARG(line));
		samples++;
	}
	ck_assert_uint_gt(nseen, 10);
	ck_assert_uint_gt(samples, nseen);
	free(text);
	free(w[0]);
}
END_TEST

START_TEST(the_label_space_is_bounded)
{
	struct metrics *w[1] = {MEM_NEW(struct metrics)};
	unsigned lines = 0;
	char *text;

	/* More kinds than there is room for: the rest is one kind. */
	for (unsigned i = 0; i < REQUEST_SLOTS + 100; i++)
		request(w[0], i % 16, 100 + i, 0);
	request(w[0], 0, 100, 0);
	text = text_of(w, 1);
	for (const char *p = text; (p = strstr(p, "requests_total{")); p++)
		lines++;
	ck_assert_uint_eq(lines, REQUEST_SLOTS + 1);
	ck_assert(
	    value_of(text, "requests_total{route=\"other\",method=\"other\","
			   "code=\"other\",end=\"other\"}") == 100);
	ck_assert(value_of(text, "requests_total{route=\"mastio\",method="
				 "\"POST\",code=\"100\",end=\"ok\"}") == 2);
	free(text);
	free(w[0]);
}
END_TEST

START_TEST(single_values)
{
	struct buf b = BUF_INIT;

	metrics_write_family(&b, METRIC_BREAKER);
	metrics_write_sample(&b, METRIC_BREAKER, "reason=\"a\"", 1.5);
	metrics_write_sample(&b, METRIC_BREAKER, "reason=\"b\"", -2);
	ck_assert(span_starts(
	    buf_span(&b), SPAN("# HELP cullis_sidecar_breaker_state ")));
	ck_assert(span_ends(buf_span(&b),
	    SPAN("\n# TYPE cullis_sidecar_breaker_state gauge\n"
		 "cullis_sidecar_breaker_state{reason=\"a\"} 1.5\n"
		 "cullis_sidecar_breaker_state{reason=\"b\"} -2\n")));
	buf_clear(&b);
	metrics_write_value(&b, METRIC_PROCESS_FDS, 3);
	ck_span(buf_span(&b), "# HELP process_open_fds Open file descriptors\n"
			      "# TYPE process_open_fds gauge\n"
			      "process_open_fds 3\n");
	buf_free(&b);
}
END_TEST

START_TEST(gauges_and_refusals)
{
	struct metrics *w[2] = {
	    MEM_NEW(struct metrics), MEM_NEW(struct metrics)};
	char *text;

	metric_add(&w[0]->upconns_idle, 4);
	metric_sub(&w[0]->upconns_idle, 1);
	metric_add(&w[1]->upconns_idle, 2);
	metric_set(&w[1]->replay_held, 77);
	metric_add(&w[0]->refusals[3], 2);
	metric_add(&w[1]->refusals[3], 1);
	histogram_add(&w[1]->connect, 2000);
	text = text_of(w, 2);
	ck_assert(value_of(text, "upstream_connections{state=\"idle\"}") == 5);
	ck_assert(value_of(text, "upstream_connections{state=\"busy\"}") == 0);
	ck_assert(value_of(text, "replay_buffer_bytes") == 77);
	ck_assert(
	    value_of(text, "auth_refusals_total{verdict=\"login\"}") == 3);
	ck_assert(
	    value_of(text, "upstream_connect_duration_seconds_count") == 1);
	ck_assert_ptr_nonnull(
	    strstr(text, "# TYPE cullis_sidecar_upstream_connections gauge\n"));
	free(text);
	free(w[0]);
	free(w[1]);
}
END_TEST

UNIT_MAIN("metrics", sum_over_workers, histograms_are_cumulative,
    each_name_is_announced_once, the_label_space_is_bounded, single_values,
    gauges_and_refusals)
