/*
 * fault: see fault.h.
 */
#include "mastio/fault.h"

#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

void
fault_unref(struct fault *f)
{
	if (!f || --f->refs)
		return;
	free(f->path_prefix);
	free(f->method);
	free(f->content_type);
	free(f->body);
	free(f->raw);
	json_decref(f->headers);
	free(f);
}

void
fault_clear(struct server *srv)
{
	while (srv->faults) {
		struct fault *f = srv->faults;

		srv->faults = f->next;
		fault_unref(f);
	}
}

static char *
text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? xstrdup(s) : NULL;
}

static int64_t
number_of(const json_t *o, const char *name, int64_t otherwise)
{
	const json_t *v = json_object_get(o, name);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static bool
flag_of(const json_t *o, const char *name)
{
	return json_is_true(json_object_get(o, name));
}

/* The first member that a fault does not have, or NULL. */
static const char *
unknown_member(const json_t *o, const char *const *known)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)o, name, value)
	{
		const char *const *k = known;

		while (*k && strcmp(*k, name) != 0)
			k++;
		if (!*k)
			return name;
	}
	return NULL;
}

static const char *
read_action(struct fault *f, const json_t *a)
{
	static const char *const known[] = {"status", "headers", "body",
	    "content_type", "delay_ms", "truncate_after_bytes", "reset",
	    "reset_after_bytes", "close_before_answer", "stall", "raw",
	    "raw_keep", "no_close_notify", "lose_answer", NULL};
	const char *raw = json_string_value(json_object_get(a, "raw"));

	if (!json_is_object(a) || unknown_member(a, known))
		return "action is no object, or has an unknown member";
	f->status = (int)number_of(a, "status", 0);
	f->headers = json_incref(json_object_get(a, "headers"));
	f->content_type = text_of(a, "content_type");
	f->body = text_of(a, "body");
	f->body_len = f->body ? strlen(f->body) : 0;
	f->delay_ms = number_of(a, "delay_ms", 0);
	f->truncate_after = number_of(a, "truncate_after_bytes", -1);
	f->reset_after = number_of(a, "reset_after_bytes", -1);
	f->reset = flag_of(a, "reset");
	f->close_before_answer = flag_of(a, "close_before_answer");
	f->stall = flag_of(a, "stall");
	f->lose_answer = flag_of(a, "lose_answer");
	f->raw_keep = flag_of(a, "raw_keep");
	f->no_close_notify = flag_of(a, "no_close_notify");
	if (raw) {
		f->raw = b64_decode(raw, strlen(raw), &f->raw_len);
		if (!f->raw)
			return "raw is no base64";
	}
	return NULL;
}

const char *
fault_add(struct server *srv, const json_t *spec)
{
	static const char *const known[] = {
	    "match", "count", "after", "where", "early", "action", NULL};
	const json_t *match = json_object_get(spec, "match");
	struct fault *f = xcalloc(1, sizeof(*f)), **at = &srv->faults;
	char *where = text_of(spec, "where");
	const char *bad = NULL;

	f->refs = 1;
	f->path_prefix = text_of(match, "path_prefix");
	f->method = text_of(match, "method");
	f->count = number_of(spec, "count", -1);
	f->after = number_of(spec, "after", 0);
	f->early = flag_of(spec, "early");
	f->app = where && strcmp(where, "app") == 0;
	if (!json_is_object(spec) || unknown_member(spec, known))
		bad = "a fault has match, count, after, where, early, action";
	else if (where && !f->app && strcmp(where, "front") != 0)
		bad = "where is front or app";
	else
		bad = read_action(f, json_object_get(spec, "action"));
	free(where);
	if (bad) {
		fault_unref(f);
		return bad;
	}
	while (*at)
		at = &(*at)->next;
	*at = f;
	return NULL;
}

struct fault *
fault_deal(struct server *srv, const char *method, const char *path)
{
	for (struct fault *f = srv->faults; f; f = f->next) {
		if (f->path_prefix && !starts_with(path, f->path_prefix))
			continue;
		if (f->method && strcmp(f->method, method) != 0)
			continue;
		if (f->after > 0) {
			f->after--;
			continue;
		}
		if (f->count == 0)
			continue;
		if (f->count > 0)
			f->count--;
		f->refs++;
		srv->stats.faults_applied++;
		return f;
	}
	return NULL;
}

/* How the answer, real or made up, is to end. */
static void
plan_cut(struct exchange *x)
{
	const struct fault *f = x->fault;

	x->conn->bare_close = f->no_close_notify;
	if (f->lose_answer) {
		x->answer.cut = CUT_RST;
		x->answer.swallow = true;
	} else if (f->truncate_after >= 0) {
		x->answer.cut = CUT_FIN;
		x->answer.cut_after = (uint64_t)f->truncate_after;
	} else if (f->reset_after >= 0) {
		x->answer.cut = CUT_RST;
		x->answer.cut_after = (uint64_t)f->reset_after;
	}
}

static void
made_up_answer(struct exchange *x)
{
	const struct fault *f = x->fault;
	const char *name;
	json_t *value;

	if (!f->body && !f->headers && !f->app && f->status >= 400) {
		front_error(x, f->status);
		return;
	}
	answer_begin(x, f->status, f->app ? FROM_APP : FROM_NGINX);
	answer_header(x, "Content-Type",
	    f->content_type ? f->content_type
	    : f->app        ? "application/json"
			    : "text/html");
	json_object_foreach(f->headers, name, value)
	    answer_header(x, name, json_string_value(value));
	answer_body(x, f->body ? f->body : "", f->body_len);
}

bool
fault_apply(struct exchange *x)
{
	const struct fault *f = x->fault;
	struct conn *c = x->conn;

	plan_cut(x);
	if (f->stall) {
		x->stage = STAGE_STALL;
		return true;
	}
	if (f->reset || f->close_before_answer || f->raw) {
		if (f->raw)
			evbuffer_add(c->out, f->raw, f->raw_len);
		if (f->raw && f->raw_keep) {
			x->stage = STAGE_STALL;
			return true;
		}
		x->log->cut = true;
		c->reset_flushed = f->reset;
		c->close_flushed = !f->reset;
		exchange_abort(c);
		return true;
	}
	if (!f->status)
		return false;
	made_up_answer(x);
	return true;
}
