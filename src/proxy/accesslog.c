/*
 * accesslog: see accesslog.h.
 */
#include "proxy/accesslog.h"

#include "base/clock.h"
#include "proxy/client.h"
#include "proxy/credentials.h"
#include "proxy/message.h"

#include <assert.h>
#include <stdio.h>

static const char *const methods[] = {"other", "GET", "HEAD", "POST", "PUT",
    "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"};

static const char *const routes[] = {"other", "-", "mastio", "pass-through"};

unsigned
accesslog_route(const struct route *route)
{
	const char *name = route ? route->name : "-";

	for (unsigned i = 1; i < COUNT(routes); i++)
		if (strcmp(name, routes[i]) == 0)
			return i;
	return 0;
}

const char *
accesslog_route_name(unsigned i)
{
	return routes[i < COUNT(routes) ? i : 0];
}

unsigned
accesslog_method(struct span method)
{
	for (unsigned i = 1; i < COUNT(methods); i++)
		if (span_eq(method, span_of(methods[i])))
			return i;
	return 0;
}

const char *
accesslog_method_name(unsigned i)
{
	return methods[i < COUNT(methods) ? i : 0];
}

const char *
accesslog_end_name(unsigned end)
{
	return end_row(end < END_COUNT ? (enum end)end : END_INTERNAL)->token;
}

static_assert(METRIC_REFUSALS == VERDICT_TERMINAL + 1, "one for each action");

const char *
accesslog_refusal_name(unsigned action)
{
	return verdict_action_name((enum verdict_action)action);
}

static int64_t
ms_between(int64_t from_us, int64_t to_us)
{
	return from_us && to_us ? (to_us - from_us) / 1000 : 0;
}

/* Lower-case hexadecimal, and not 0 throughout? */
static bool
is_id(struct span s)
{
	bool zero = true;

	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_digit(s.p[i]) && (s.p[i] < 'a' || s.p[i] > 'f'))
			return false;
		zero &= s.p[i] == '0';
	}
	return !zero;
}

/* version "-" trace-id "-" parent-id "-" trace-flags; a later version may have
 * more behind another "-" (W3C Trace Context section 3.2.4). */
struct span
accesslog_trace_id(struct span s)
{
	struct span version, flags;

	if (s.n < 55 || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-')
		return SPAN_NONE;
	version = span_new(s.p, 2);
	flags = span_new(s.p + 53, 2);
	if (s.n > 55 && (span_eq(version, SPAN("00")) || s.p[55] != '-'))
		return SPAN_NONE;
	if (span_eq(version, SPAN("ff")) ||
	    !(is_id(version) || span_eq(version, SPAN("00"))) ||
	    !(is_id(flags) || span_eq(flags, SPAN("00"))) ||
	    !is_id(span_new(s.p + 3, 32)) || !is_id(span_new(s.p + 36, 16)))
		return SPAN_NONE;
	return span_new(s.p + 3, 32);
}

static struct span
trace_id(const struct exchange *x)
{
	const struct field *f = head_find(&x->req, FIELD_TRACEPARENT);

	if (!f || head_find_next(&x->req, f))
		return SPAN_NONE;
	return accesslog_trace_id(f->value);
}

static struct buf
upstream_name(const struct route *route)
{
	struct buf b = BUF_INIT;

	if (!route)
		return b;
	message_add_host(&b, route->origin);
	buf_add_char(&b, ':');
	buf_add_u64(&b, route->origin->port);
	return b;
}

static void
add_fields(struct exchange *x, struct buf *line, enum log_style style)
{
	struct buf upstream = upstream_name(x->route);
	const struct peer *peer = &x->c->peer;
	const struct log_field fields[] = {
	    L_STR("request_id", x->request_id),
	    L_SPAN("trace_id", trace_id(x)),
	    L_INT("caller_uid", peer->uid),
	    L_STR("listener", listener_name(x->c->listener)),
	    L_SPAN("method", x->req.method),
	    L_STR("route", x->route ? x->route->name : "-"),
	    L_SPAN("host", x->target.authority.host),
	    L_SPAN("path", x->target.path),
	    L_INT("status", x->status),
	    L_STR("end", end_row(x->end)->token),
	    L_INT("duration_ms", ms_between(x->start_us, clock_now_us())),
	    L_INT("ttfb_ms", ms_between(x->start_us, x->first_us)),
	    L_INT("auth_ms", x->auth_us / 1000),
	    L_INT("bytes_in", (int64_t)x->bytes_in),
	    L_INT("bytes_out", (int64_t)x->bytes_out),
	    L_INT("attempts", x->attempts),
	    L_INT("nonce_retries", x->nonce_retries),
	    L_STR("auth", credentials_name(x)),
	    L_STR("jti", x->jti),
	    L_STR("gateway_trace", x->trace),
	    L_SPAN("upstream", buf_span(&upstream)),
	    L_INT("reused", x->reused),
	    L_INT("worker", x->w->id),
	};
	const struct log_field *unknown = peer->known ? NULL : &fields[2];

	for (size_t i = 0; i < COUNT(fields); i++) {
		if (&fields[i] == unknown ||
		    (fields[i].type != LOG_F_INT && fields[i].text.n == 0))
			continue;
		log_add_field(line, style, &fields[i], false);
	}
	buf_free(&upstream);
}

void
accesslog_write(struct exchange *x)
{
	enum log_style style = log_current_style();
	char when[LOG_TIME_LEN + 1];
	struct buf *line = &x->w->log.buf;

	if (!log_access_wanted())
		return;
	log_time(when);
	buf_add_str(line, log_access_priority());
	buf_add_str(line, style == LOG_JSON ? "{\"ts\":\"" : "");
	buf_add(line, when, LOG_TIME_LEN);
	buf_add_str(line, style == LOG_JSON ? "\"" : " access");
	add_fields(x, line, style);
	buf_add_str(line, style == LOG_JSON ? "}\n" : "\n");
	worker_log_line(x->w);
}

void
accesslog_set_request_id(struct exchange *x, struct span given)
{
	struct worker *w = x->w;
	uint64_t id = w->request_seed + ++w->request_count;
	bool ok = given.n > 0 && given.n < sizeof(x->request_id);

	for (size_t i = 0; ok && i < given.n; i++)
		ok = ascii_digit(given.p[i]) || given.p[i] == '-' ||
		     given.p[i] == '_' || given.p[i] == '.' ||
		     (ascii_lower(given.p[i]) >= 'a' &&
			 ascii_lower(given.p[i]) <= 'z');
	if (ok)
		snprintf(x->request_id, sizeof(x->request_id), "%.*s",
		    SPAN_ARG(given));
	else
		snprintf(x->request_id, sizeof(x->request_id), "%016llx",
		    (unsigned long long)id);
}

void
accesslog_count(struct exchange *x)
{
	struct metrics *m = x->w->metrics;

	x->bytes_in = x->up.bytes;
	x->bytes_out = x->down.bytes;
	metric_add(&m->bytes_in, x->bytes_in);
	metric_add(&m->bytes_out, x->bytes_out);
	metric_request(
	    m, &(struct metric_kind){accesslog_route(x->route),
		   accesslog_method(x->req.method), x->status, x->end});
	histogram_add(&m->duration, clock_now_us() - x->start_us);
	if (x->first_us)
		histogram_add(&m->first_byte, x->first_us - x->start_us);
}
