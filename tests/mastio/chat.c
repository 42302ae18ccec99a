/*
 * chat: completions in OpenAI's shape, plain and as server-sent events, and
 * the list of models.  The answer repeats the last user message.
 *
 * X-Mastio-Events: N            so many events instead of one per word
 * X-Mastio-Interval-Ms: N       pause before each event but the first
 * X-Mastio-Gate: NAME           see gate.h
 * X-Mastio-Error-Frame: yes     an error frame ends the stream, no [DONE]
 * "mastio_refuse": REASON       the provider refuses (a member of the body;
 *                               the setting provider_error does it to all)
 */
#include "mastio/exchange.h"
#include "mastio/gate.h"
#include "mastio/journal.h"
#include "mastio/routes.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGES_MAX 200
#define EVENTS_MAX 100000000

struct stream {
	char *model, *trace;
	char *refusal;     /* what error may point to */
	char *text, *rest; /* the answer; what of it has not been sent */
	uint64_t events;
	uint64_t sent;     /* frames, the closing one included */
	bool counted;      /* X-Mastio-Events was given */
	const char *error; /* ends it, without [DONE]; NULL: none */
	int64_t interval_ms, due_ms;
	struct gate *gate;
};

static void
stream_free(void *arg)
{
	struct stream *s = arg;

	free(s->model);
	free(s->trace);
	free(s->refusal);
	free(s->text);
	free(s);
}

/* The text of a message: a string, or the text blocks of a list. */
static char *
content_text(const json_t *content)
{
	const char *s = json_string_value(content);
	char *all = xstrdup(s ? s : "");
	json_t *block;
	size_t i;

	json_array_foreach(content, i, block)
	{
		char *more;

		s = json_string_value(json_object_get(block, "text"));
		more = xasprintf("%s%s", all, s ? s : "");
		free(all);
		all = more;
	}
	return all;
}

static char *
last_user_message(const json_t *messages)
{
	json_t *message, *last = NULL;
	size_t i;

	json_array_foreach(messages, i, message)
	{
		const char *role =
		    json_string_value(json_object_get(message, "role"));

		if (role && strcmp(role, "user") == 0)
			last = message;
	}
	return content_text(json_object_get(last, "content"));
}

/* The schema; false: 422 answered. */
static bool
check_schema(struct exchange *x)
{
	const json_t *messages = json_object_get(x->json, "messages");
	size_t n = json_array_size(messages);

	if (!json_is_string(json_object_get(x->json, "model")))
		answer_unprocessable(x, "missing", "model", "Field required");
	else if (!json_is_array(messages))
		answer_unprocessable(
		    x, "missing", "messages", "Field required");
	else if (n < 1)
		answer_unprocessable(x, "too_short", "messages",
		    "List should have at least 1 item");
	else if (n > MESSAGES_MAX)
		answer_unprocessable(x, "too_long", "messages",
		    "List should have at most 200 items");
	else
		return true;
	return false;
}

/* One chunk; finish is NULL but for the last. */
static void
add_chunk(struct stream *s, struct evbuffer *to, const char *content,
    const char *finish)
{
	json_t *o = json_pack("{s:s, s:s, s:I, s:s, s:[{s:i, s:{s:s, s:s}, "
			      "s:s?}], s:s}",
	    "id", "chatcmpl-mastio-dev", "object", "chat.completion.chunk",
	    "created", (json_int_t)time(NULL), "model", s->model, "choices",
	    "index", 0, "delta", "role", "assistant", "content", content,
	    "finish_reason", finish, "cullis_trace_id", s->trace);
	char *text = json_dumps(o, JSON_COMPACT);

	evbuffer_add_printf(to, "data: %s\n\n", text);
	free(text);
	json_decref(o);
}

static void
add_event(struct stream *s, struct evbuffer *to)
{
	bool last = s->sent + 1 == s->events;
	char *content;

	if (s->counted) {
		content =
		    xasprintf("event %llu ", (unsigned long long)(s->sent + 1));
	} else {
		size_t n = strcspn(s->rest, " ");

		n += strspn(s->rest + n, " ");
		content = xstrndup(s->rest, n);
		s->rest += n;
	}
	add_chunk(s, to, content, last && !s->error ? "stop" : NULL);
	free(content);
}

static void
add_end(struct stream *s, struct evbuffer *to)
{
	if (s->error)
		evbuffer_add_printf(to,
		    "data: {\"error\":{\"type\":\"%s\","
		    "\"message\":\"the provider failed\","
		    "\"trace_id\":\"%s\"}}\n\n",
		    s->error, s->trace);
	else
		evbuffer_add_printf(to, "data: [DONE]\n\n");
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = arg;

	(void)fd;
	(void)what;
	conn_turn(x->conn);
}

static enum pulled
pull_event(struct exchange *x, struct evbuffer *to)
{
	struct stream *s = x->answer.source;
	int64_t wait;

	if (s->sent > s->events)
		return PULL_DONE;
	if (s->gate && s->sent > s->gate->released)
		return PULL_WAIT;
	wait = s->due_ms - monotonic_ms();
	if (s->interval_ms && s->sent && wait > 0) {
		exchange_wait(x, wait, on_due);
		return PULL_WAIT;
	}
	s->due_ms = monotonic_ms() + s->interval_ms;
	if (s->sent == s->events) {
		add_end(s, to);
	} else {
		add_event(s, to);
		x->log->events_written++;
		if (s->gate)
			s->gate->written++;
	}
	s->sent++;
	return PULL_MORE;
}

static uint64_t
count_words(const char *text)
{
	uint64_t n = 0;

	while (*text) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
		n++;
	}
	return n ? n : 1;
}

static int64_t
number_header(const struct exchange *x, const char *name, int64_t otherwise)
{
	const char *value = http_header(x->head, name, 0);
	int64_t n = value ? parse_number(value, EVENTS_MAX) : -1;

	return n < 0 ? otherwise : n;
}

static char *
make_trace(void)
{
	char hex[17];

	random_hex(hex, 8);
	return xasprintf("trace_%s", hex);
}

/* refusal: of the provider, or NULL. */
static void
answer_streamed(
    struct exchange *x, const char *model, char *text, const char *refusal)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	const char *gate = http_header(x->head, "X-Mastio-Gate", 0);
	int64_t events = number_header(x, "X-Mastio-Events", -1);

	s->model = xstrdup(model);
	s->trace = make_trace();
	s->text = s->rest = text;
	s->counted = events >= 0;
	s->events = refusal      ? 0
		    : s->counted ? (uint64_t)events
				 : count_words(text);
	s->interval_ms = number_header(x, "X-Mastio-Interval-Ms", 0);
	s->refusal = refusal ? xstrdup(refusal) : NULL;
	s->error = s->refusal;
	if (!refusal && http_header_has(x->head, "X-Mastio-Error-Frame", "yes"))
		s->error = "provider_api_error";
	s->gate = gate ? gate_get(x->srv, gate) : NULL;
	answer_begin(x, 200, FROM_APP);
	answer_header(x, "Content-Type", "text/event-stream; charset=utf-8");
	answer_header(x, "Cache-Control", "no-cache");
	answer_header(x, "X-Cullis-Trace", s->trace);
	answer_stream(x, ANSWER_CHUNKED, 0, pull_event, s, stream_free);
}

static void
answer_plain(struct exchange *x, const char *model, const char *text)
{
	char *trace = make_trace();

	answer_json(x, 200,
	    json_pack("{s:s, s:s, s:I, s:s, s:[{s:i, s:{s:s, s:s}, s:s}], "
		      "s:{s:i, s:i, s:i}, s:s}",
		"id", "chatcmpl-mastio-dev", "object", "chat.completion",
		"created", (json_int_t)time(NULL), "model", model, "choices",
		"index", 0, "message", "role", "assistant", "content", text,
		"finish_reason", "stop", "usage", "prompt_tokens", 1,
		"completion_tokens", 1, "total_tokens", 2, "cullis_trace_id",
		trace));
	free(trace);
}

/* Why the provider refuses, or NULL; it must be fit for JSON. */
static const char *
refusal_of(const struct exchange *x)
{
	const char *why =
	    json_string_value(json_object_get(x->json, "mastio_refuse"));

	if (!why)
		why = x->srv->set.provider_error;
	return why && !why[strcspn(why, "\"\\\n")] ? why : NULL;
}

/* The status that the gateway gives a provider's refusal. */
static int
refusal_status(const char *why)
{
	static const struct {
		const char *reason;
		int status;
	} rows[] = {
	    {"provider_auth_failed", 401},
	    {"provider_permission_denied", 403},
	    {"provider_not_found", 404},
	    {"provider_rate_limited", 429},
	    {"provider_bad_request", 400},
	    {"provider_context_too_long", 400},
	    {"provider_content_policy", 400},
	    {"provider_unprocessable", 422},
	    {"provider_timeout", 504},
	    {"upstream_timeout", 504},
	    {"provider_not_configured", 503},
	    {"provider_disabled", 503},
	    {"provider_key_missing", 503},
	    {"litellm_not_installed", 503},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].reason, why) == 0)
			return rows[i].status;
	return starts_with(why, "provider_not_implemented:") ||
		       starts_with(why, "backend_not_implemented:")
		   ? 501
		   : 502;
}

static void
answer_refusal(struct exchange *x, const char *why, int status)
{
	char *trace = make_trace();

	answer_json(x, status,
	    json_pack(
		"{s:{s:s, s:s}}", "detail", "reason", why, "trace_id", trace));
	free(trace);
}

void
chat_completions(struct exchange *x)
{
	const char *model, *refusal;
	bool streamed;
	int status;
	char *text;

	if (!check_schema(x))
		return;
	refusal = refusal_of(x);
	status = refusal ? refusal_status(refusal) : 0;
	streamed = json_is_true(json_object_get(x->json, "stream"));
	/* A stream's 200 is out before the provider is asked. */
	if (refusal && (!streamed || status == 501 || status == 503)) {
		answer_refusal(x, refusal, status);
		return;
	}
	model = json_string_value(json_object_get(x->json, "model"));
	text = last_user_message(json_object_get(x->json, "messages"));
	if (streamed) {
		answer_streamed(x, model, text, refusal);
		return;
	}
	answer_plain(x, model, text);
	free(text);
}

void
models_list(struct exchange *x)
{
	answer_json(x, 200,
	    json_pack("{s:s, s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}]}", "object",
		"list", "data", "id", "mastio-dev-echo", "object", "model",
		"owned_by", "mastio-dev", "id", "gpt-4o-mini", "object",
		"model", "owned_by", "mastio-dev"));
}
