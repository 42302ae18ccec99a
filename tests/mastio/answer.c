/*
 * answer: see answer.h.
 */
#include "mastio/answer.h"

#include "mastio/conn.h"
#include "mastio/court.h"
#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/process.h"
#include "mastio/util.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
	    {101, "Switching Protocols"},
	    {200, "OK"},
	    {201, "Created"},
	    {204, "No Content"},
	    {302, "Moved Temporarily"},
	    {304, "Not Modified"},
	    {307, "Temporary Redirect"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {409, "Conflict"},
	    {413, "Request Entity Too Large"},
	    {414, "Request-URI Too Large"},
	    {422, "Unprocessable Entity"},
	    {429, "Too Many Requests"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {502, "Bad Gateway"},
	    {503, "Service Temporarily Unavailable"},
	    {504, "Gateway Time-out"},
	    {505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Unknown";
}

static void
add_date(struct exchange *x)
{
	time_t now = (time_t)server_now(x->srv);
	char text[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	answer_header(x, "Date", text);
}

/* The Court's token endpoint is on its way out. */
static void
add_sunset(struct exchange *x)
{
	answer_header(x, "Deprecation", "true");
	answer_header(x, "Sunset", "Thu, 31 Dec 2026 23:59:59 GMT");
	answer_header(
	    x, "Link", "<https://docs.cullis.io/sunset>; rel=\"sunset\"");
}

/* What the application's middlewares and nginx's add_header put on. */
static void
add_app_headers(struct exchange *x)
{
	static const char *const doubled[][2] = {
	    {"Strict-Transport-Security", "max-age=31536000"},
	    {"X-Content-Type-Options", "nosniff"},
	    {"X-Frame-Options", "DENY"},
	    {"Referrer-Policy", "strict-origin-when-cross-origin"},
	};

	answer_header(x, "x-cullis-mode",
	    x->srv->set.federated ? "federation" : "standalone");
	for (size_t i = 0; i < 2 * ARRAY_LEN(doubled); i++)
		answer_header(x, doubled[i / 2][0], doubled[i / 2][1]);
	answer_header(x, "Permissions-Policy", "geolocation=()");
	if (x->answer.producer == FROM_COURT) {
		answer_header(x, "x-cullis-role", "proxy");
		if (strcmp(x->path, "/v1/auth/token") == 0)
			add_sunset(x);
		answer_header(x, "DPoP-Nonce",
		    process_nonce(
			court_process(x->srv->court), server_now(x->srv)));
	} else if (process_offers_nonce(x->path)) {
		answer_header(x, "DPoP-Nonce",
		    process_nonce(x->process, server_now(x->srv)));
	}
}

void
answer_begin(struct exchange *x, int status, enum producer producer)
{
	struct answer *a = &x->answer;

	if (a->begun)
		abort();
	a->begun = true;
	a->status = status;
	a->producer = producer;
	a->head = evbuffer_new();
	x->stage = STAGE_ANSWER;
	exchange_heard(x);
	x->log->status = status;
	evbuffer_add_printf(
	    a->head, "HTTP/1.1 %d %s\r\n", status, reason(status));
	answer_header(x, "Server", "nginx");
	add_date(x);
	if (producer == FROM_APP || producer == FROM_COURT)
		add_app_headers(x);
}

void
answer_header(struct exchange *x, const char *name, const char *value)
{
	evbuffer_add_printf(x->answer.head, "%s: %s\r\n", name, value);
}

void
answer_headerf(struct exchange *x, const char *name, const char *fmt, ...)
{
	va_list ap;

	evbuffer_add_printf(x->answer.head, "%s: ", name);
	va_start(ap, fmt);
	evbuffer_add_vprintf(x->answer.head, fmt, ap);
	va_end(ap);
	evbuffer_add(x->answer.head, "\r\n", 2);
}

/* Will the connection close behind this answer? */
static bool
must_close(struct exchange *x)
{
	const struct head *h = x->head;

	if (x->answer.framing == ANSWER_CLOSE || x->answer.close)
		return true;
	if (x->conn->served >= (uint64_t)x->srv->set.keepalive_requests)
		return true;
	if (h->minor == 0)
		return !http_header_has(h, "Connection", "keep-alive");
	return http_header_has(h, "Connection", "close");
}

static void
end_head(struct exchange *x)
{
	struct answer *a = &x->answer;
	bool silent = a->status == 204 || a->status == 304;

	if (a->framing == ANSWER_CHUNKED && x->head->minor == 0)
		a->framing = ANSWER_CLOSE;
	a->no_body =
	    silent || (x->head->method && !strcmp(x->head->method, "HEAD"));
	if (a->framing == ANSWER_LENGTH && !silent)
		answer_headerf(
		    x, "Content-Length", "%llu", (unsigned long long)a->length);
	else if (a->framing == ANSWER_CHUNKED && !silent)
		answer_header(x, "Transfer-Encoding", "chunked");
	if (silent && a->framing == ANSWER_CLOSE)
		a->framing = ANSWER_LENGTH;
	a->close = must_close(x);
	answer_header(x, "Connection",
	    a->status == 101 ? "Upgrade"
	    : a->close       ? "close"
			     : "keep-alive");
	evbuffer_add(a->head, "\r\n", 2);
	if (!a->swallow)
		evbuffer_add_buffer(x->conn->out, a->head);
}

void
answer_body(struct exchange *x, const void *data, size_t n)
{
	struct answer *a = &x->answer;

	a->framing = ANSWER_LENGTH;
	a->length = n;
	a->body = evbuffer_new();
	evbuffer_add(a->body, data, n);
	end_head(x);
}

void
answer_stream(struct exchange *x, enum answer_framing framing, uint64_t length,
    enum pulled (*pull)(struct exchange *, struct evbuffer *to), void *source,
    void (*source_free)(void *))
{
	struct answer *a = &x->answer;

	a->framing = framing;
	a->length = length;
	a->pull = pull;
	a->source = source;
	a->source_free = source_free;
	a->body = evbuffer_new();
	end_head(x);
}

/* The Mastio asks the Court for gzip unless the client forbids it, unpacks the
 * answer and leaves the header. */
static bool
is_mislabelled(const struct exchange *x)
{
	const char *accept = http_header(x->head, "Accept-Encoding", 0);

	if (x->answer.producer != FROM_COURT || !x->srv->set.court_gzip)
		return false;
	return !accept || strstr(accept, "gzip") || strchr(accept, '*');
}

static void
send_json(struct exchange *x, json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);

	if (!text)
		abort();
	answer_header(x, "Content-Type", "application/json");
	answer_header(x, "Cache-Control", "no-store");
	if (is_mislabelled(x))
		answer_header(x, "Content-Encoding", "gzip");
	answer_body(x, text, strlen(text));
	free(text);
	json_decref(j);
}

static enum producer
producer_of(const struct exchange *x)
{
	return x->by_court ? FROM_COURT : FROM_APP;
}

void
answer_json(struct exchange *x, int status, json_t *j)
{
	answer_begin(x, status, producer_of(x));
	send_json(x, j);
}

void
answer_detail(struct exchange *x, int status, const char *detail)
{
	answer_json(x, status, json_pack("{s:s}", "detail", detail));
}

void
answer_detail_with(struct exchange *x, int status, const char *detail,
    const char *name, const char *value)
{
	answer_begin(x, status, producer_of(x));
	answer_header(x, name, value);
	send_json(x, json_pack("{s:s}", "detail", detail));
}

void
answer_empty(struct exchange *x, int status)
{
	answer_begin(x, status, producer_of(x));
	answer_body(x, "", 0);
}

void
answer_crash(struct exchange *x)
{
	answer_begin(x, 500, FROM_OUTER);
	send_json(x, json_pack("{s:s}", "detail", "Internal server error"));
}

void
answer_unprocessable(
    struct exchange *x, const char *type, const char *where, const char *msg)
{
	const char *in =
	    x->by_court && !strcmp(where, "dpop") ? "header" : "body";

	answer_json(x, 422,
	    json_pack("{s:[{s:s, s:[s,s], s:s}]}", "detail", "type", type,
		"loc", in, where, "msg", msg));
}

/* Moves what is in the body's buffer into the output, framed; at most what a
 * cut leaves.  Returns true if the cut was reached. */
static bool
frame(struct exchange *x)
{
	struct answer *a = &x->answer;
	struct evbuffer *out = x->conn->out;
	size_t n = evbuffer_get_length(a->body);
	bool cut = a->cut != CUT_NONE && n > a->cut_after - a->sent;

	if (cut)
		n = a->cut_after - a->sent;
	if (n == 0)
		return cut;
	if (a->framing == ANSWER_CHUNKED)
		evbuffer_add_printf(out, "%zx\r\n", n);
	evbuffer_remove_buffer(a->body, out, n);
	if (a->framing == ANSWER_CHUNKED)
		evbuffer_add(out, "\r\n", 2);
	a->sent += n;
	x->log->response_bytes = a->sent;
	return cut;
}

static void
cut_off(struct exchange *x)
{
	struct conn *c = x->conn;
	enum cut cut = x->answer.cut;

	x->log->cut = true;
	exchange_abort(c);
	if (cut == CUT_RST)
		c->reset_flushed = true;
	else
		c->close_flushed = true;
}

static void
end_body(struct exchange *x)
{
	struct answer *a = &x->answer;

	if (a->framing == ANSWER_CHUNKED && !a->no_body)
		evbuffer_add(x->conn->out, "0\r\n\r\n", 5);
	a->ended = true;
}

bool
answer_pump(struct exchange *x)
{
	struct answer *a = &x->answer;
	bool moved = false;

	if (!a->begun || a->ended)
		return false;
	if (a->no_body && !a->swallow) {
		end_body(x);
		return true;
	}
	while (evbuffer_get_length(x->conn->out) < OUT_HIGH) {
		enum pulled got = PULL_DONE;

		if (a->pull)
			got = a->pull(x, a->body);
		if (frame(x)) {
			cut_off(x);
			return true;
		}
		if (got == PULL_WAIT) {
			if (moved || !a->expected)
				exchange_expect(x);
			a->expected = true;
			return moved;
		}
		moved = true;
		exchange_heard(x);
		if (got == PULL_DONE && a->cut != CUT_NONE) {
			cut_off(x);
			return true;
		}
		if (got == PULL_DONE) {
			end_body(x);
			return true;
		}
	}
	return moved;
}

void
answer_fini(struct exchange *x)
{
	struct answer *a = &x->answer;

	if (a->head)
		evbuffer_free(a->head);
	if (a->body)
		evbuffer_free(a->body);
	if (a->source_free)
		a->source_free(a->source);
}
