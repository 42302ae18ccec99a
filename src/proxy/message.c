/*
 * message: see message.h.
 */
#include "proxy/message.h"

#include "base/clock.h"
#include "http/write.h"
#include "proxy/admit.h"
#include "proxy/caller.h"
#include "proxy/client.h"
#include "proxy/courtsocket.h"
#include "proxy/credentials.h"
#include "proxy/via.h"

#include <stdlib.h>

#define HEAD_ROOM 2048 /* of most request heads with token and proof */

/* ---- to the gateway ---- */

void
message_add_host(struct buf *b, const struct origin *o)
{
	if (o->ipv6)
		buf_printf(b, "[%s]", o->host);
	else
		buf_add_str(b, o->host);
}

void
message_add_base(struct buf *b, const struct origin *o, bool with_port)
{
	buf_add_str(b, "https://");
	message_add_host(b, o);
	if (with_port)
		buf_printf(b, ":%u", o->port);
}

static void
add_request_framing(struct exchange *x, struct buf *out)
{
	switch (x->req_framing.kind) {
	case FRAMING_LENGTH:
		write_field_u64(
		    out, SPAN("Content-Length"), x->req_framing.length);
		break;
	case FRAMING_CHUNKED:
		write_field(out, SPAN("Transfer-Encoding"), SPAN("chunked"));
		break;
	default:
		/* RFC 9110 section 8.6: methods that usually have content
		 * say that there is none. */
		if (span_eq(x->req.method, SPAN("POST")) ||
		    span_eq(x->req.method, SPAN("PUT")) ||
		    span_eq(x->req.method, SPAN("PATCH")))
			write_field_u64(out, SPAN("Content-Length"), 0);
	}
}

static void
add_authority(struct buf *out, const struct authority *a)
{
	buf_printf(out, a->ipv6 ? "[%.*s]" : "%.*s", SPAN_ARG(a->host));
	if (a->port >= 0)
		buf_printf(out, ":%d", a->port);
}

/* The gateway by its name alone, so that proofs fit; another host by what the
 * client calls it (RFC 9112 section 3.2.2). */
static void
add_host_field(struct exchange *x, struct buf *out)
{
	buf_add_str(out, "Host: ");
	if (x->route->auth == ROUTE_AUTH_MASTIO)
		message_add_host(out, x->route->origin);
	else
		add_authority(out, &x->target.authority);
	buf_add_str(out, "\r\n");
}

/* Connection and Upgrade belong to one hop: both are made again. */
static void
add_upgrade(struct buf *out)
{
	write_field(out, SPAN("Connection"), SPAN("Upgrade"));
	write_field(out, SPAN("Upgrade"), SPAN("websocket"));
}

/* May this field of the agent's go where the request goes?  Never one that
 * shows the local token, which is for us alone. */
static bool
field_goes(const struct exchange *x, const struct field *f)
{
	if (caller_shows_token(x, f))
		return false;
	if (x->route->auth == ROUTE_AUTH_NONE)
		return field_passes(f);
	return field_request_allowed(f) || caller_may_send(x, f);
}

/* Does the gateway hand the request on to the Court? */
static bool
is_forwarded(const struct exchange *x)
{
	return x->route->auth == ROUTE_AUTH_MASTIO &&
	       pathclass_wants(x->class) == WANTS_COURT;
}

static void
add_request_fields(struct exchange *x, struct buf *out)
{
	for (unsigned i = 0; i < x->req.nfields; i++) {
		const struct field *f = &x->req.fields[i];

		if (!field_goes(x, f) || head_connection_names(&x->req, f))
			continue;
		if (f->id == FIELD_ACCEPT_ENCODING && is_forwarded(x))
			continue;
		if (f->id == FIELD_MAX_FORWARDS && admit_is_options(x))
			write_field_u64(out, f->name, x->hops - 1);
		else
			write_field(out, f->name, f->value);
	}
	/* The forwarder unpacks what the Court packed, and says that it is
	 * still packed (protocol 9.1). */
	if (is_forwarded(x))
		write_field(out, SPAN("Accept-Encoding"), SPAN("identity"));
	via_add(out, &x->req);
}

bool
message_request_head(struct exchange *x)
{
	struct buf *out = &x->lease.uc->conn.out;
	int64_t begun_us = clock_now_us();

	/* Grown once, and no half-filled copies to wipe. */
	buf_reserve(out, HEAD_ROOM);
	write_request_line(out, x->req.method, x->target.path, x->target.query);
	add_host_field(x, out);
	if (x->auth == ROUTE_AUTH_MASTIO && credentials_add(x, out) < 0)
		return false;
	add_request_fields(x, out);
	x->shakes = x->upgrade && !courtsocket_wants_nonce(x);
	if (x->shakes)
		add_upgrade(out);
	add_request_framing(x, out);
	write_head_end(out);
	x->auth_us += clock_now_us() - begun_us;
	return true;
}

/* ---- to the client ---- */

/* The authority that the client used for us, as it wrote it. */
static void
add_client_authority(struct exchange *x, struct buf *out)
{
	const struct authority *a = &x->target.authority;

	if (x->target.form != TARGET_ABSOLUTE) {
		buf_add_span(out, head_value(&x->req, FIELD_HOST));
		return;
	}
	add_authority(out, a);
}

/* HTTP/1.0 knows requests without: then a path must do (RFC 9110 section
 * 10.2.2). */
static bool
names_authority(const struct exchange *x)
{
	return x->target.form == TARGET_ABSOLUTE ||
	       head_value(&x->req, FIELD_HOST).n > 0;
}

/* Where does the rest of this URL begin, if it is one of the gateway's?
 * Absent: it is not. */
static struct span
after_gateway(const struct exchange *x, struct span url)
{
	struct span rest = url;
	struct authority a;
	size_t n = 0;

	if (!span_istarts(url, SPAN("https://")))
		return SPAN_NONE;
	rest.p += 8;
	rest.n -= 8;
	while (n < rest.n && !strchr("/?#", rest.p[n]))
		n++;
	if (!authority_parse(span_new(rest.p, n), &a) ||
	    !span_ieq(a.host, span_of(x->route->origin->host)))
		return SPAN_NONE;
	return span_new(rest.p + n, rest.n - n);
}

/* A redirect within the gateway leads back to us, where the agent's plain
 * http:// works (protocol 9.4). */
static void
add_location(struct exchange *x, struct buf *out, const struct field *f)
{
	struct span rest = after_gateway(x, f->value);

	if (!rest.p) {
		write_field(out, f->name, f->value);
		return;
	}
	buf_add_str(out, "Location: ");
	if (names_authority(x)) {
		buf_add_str(out, "http://");
		add_client_authority(x, out);
	} else if (span_starts(rest, SPAN("//"))) {
		buf_add_str(out, "/."); /* no authority either */
	} else if (!span_starts(rest, SPAN("/"))) {
		buf_add_char(out, '/');
	}
	buf_add_span(out, rest);
	buf_add_str(out, "\r\n");
}

static void
add_answer_fields(struct exchange *x, const struct head *res)
{
	bool ours = x->route->auth == ROUTE_AUTH_MASTIO;
	struct buf *out = &x->c->conn.out;

	for (unsigned i = 0; i < res->nfields; i++) {
		const struct field *f = &res->fields[i];

		if (!(ours ? field_response_allowed(f) : field_passes(f)) ||
		    head_connection_names(res, f))
			continue;
		if (ours && f->id == FIELD_LOCATION)
			add_location(x, out, f);
		else
			write_field(out, f->name, f->value);
	}
	via_add(out, res);
}

bool
message_continue(struct exchange *x)
{
	if (x->attempts > 1 || x->up.done || x->c->conn.in.len ||
	    x->req.minor == 0 || !head_find(&x->req, FIELD_EXPECT))
		return false;
	write_status_line(&x->c->conn.out, 100, SPAN("Continue"));
	write_head_end(&x->c->conn.out);
	return true;
}

bool
message_switches(const struct exchange *x, const char **why)
{
	const struct field *f = head_find(&x->res, FIELD_UPGRADE);

	*why = "it switches protocols without having been asked";
	if (!x->shakes)
		return false;
	*why = "it switches to another protocol than WebSocket";
	return f && span_ieq(f->value, SPAN("websocket")) &&
	       !head_find_next(&x->res, f) &&
	       head_has_token(&x->res, FIELD_CONNECTION, SPAN("upgrade"));
}

const char *
message_bad_answer(const struct exchange *x, enum head_status s)
{
	switch (s) {
	case HEAD_TOO_LARGE:
		return "it has a head of more bytes than relay-buffer";
	case HEAD_TOO_MANY:
		return "it has more fields than are passed on";
	case HEAD_VERSION:
		return "it is of another version";
	default:
		return x->res.why ? x->res.why
				  : "it follows too many interim answers";
	}
}

void
message_switching(struct exchange *x)
{
	struct buf *out = &x->c->conn.out;

	write_status_line(out, 101, SPAN("Switching Protocols"));
	add_answer_fields(x, &x->res);
	add_upgrade(out);
	write_head_end(out);
}

/* Does this request's connection outlive the answer, as far as the request and
 * the client's wishes go?  Not when the answer comes before the whole request:
 * what is left of that need not be read to its end (RFC 9112 section 9.6). */
static bool
may_keep(const struct exchange *x)
{
	return head_keep_alive(&x->req) && x->up.done && client_may_ask(x->c) &&
	       !x->w->draining;
}

static void
add_connection(struct exchange *x, struct buf *out)
{
	if (!x->keep)
		write_field(out, SPAN("Connection"), SPAN("close"));
	else if (x->req.minor == 0)
		write_field(out, SPAN("Connection"), SPAN("keep-alive"));
}

/* Why the Court's side of the gateway did not serve, where its own words do not
 * say so; or NULL. */
static const char *
hint_of(const struct exchange *x)
{
	bool text = span_istarts(
	    head_value(&x->res, FIELD_CONTENT_TYPE), SPAN("text/plain"));
	bool alone = gateway_mode(x->w->gateway) == GATEWAY_STANDALONE;

	if (!is_forwarded(x) || x->auth != ROUTE_AUTH_MASTIO)
		return NULL;
	if (x->shakes && x->res.status == 403 && text)
		return alone ? "this gateway is standalone: there is no Court "
			       "behind it whose socket could be opened"
			     : "the gateway refuses sockets to a Court that it "
			       "cannot reach or that does not know the path";
	if (x->res.status == 503 && alone)
		return "this gateway is standalone: there is no Court behind "
		       "it that could answer this path";
	if (x->res.status == 401 && credentials_show_token(x) &&
	    !credentials_court_token(x))
		return "the Court takes no local tokens, and a gateway that "
		       "issues them (MCP_PROXY_LOCAL_AUTH_ENABLED=1) gives no "
		       "others";
	return NULL;
}

static void
add_hint(struct exchange *x, struct buf *out)
{
	const char *hint = hint_of(x);

	if (hint)
		write_field(out, SPAN("X-Cullis-Sidecar-Hint"), span_of(hint));
}

void
message_answer_head(struct exchange *x)
{
	struct buf *out = &x->c->conn.out;
	bool chunk = false;

	x->keep = may_keep(x);
	write_status_line(out, x->res.status, x->res.reason);
	add_answer_fields(x, &x->res);
	add_hint(x, out);
	switch (x->res_framing.kind) {
	case FRAMING_LENGTH:
		write_field_u64(
		    out, SPAN("Content-Length"), x->res_framing.length);
		break;
	case FRAMING_CHUNKED:
	case FRAMING_CLOSE:
		/* HTTP/1.0 has no chunks: the end of the connection ends
		 * the body (RFC 9112 section 6.3). */
		chunk = x->req.minor >= 1;
		x->keep = x->keep && chunk;
		if (chunk)
			write_field(
			    out, SPAN("Transfer-Encoding"), SPAN("chunked"));
		break;
	case FRAMING_NONE:
		/* The length that HEAD or 304 speak of is the agent's to know
		 * (RFC 9110 section 8.6). */
		if (x->res_framing.stated)
			write_field_u64(
			    out, SPAN("Content-Length"), x->res_framing.length);
	}
	add_connection(x, out);
	write_head_end(out);
	x->down.chunk_out = chunk;
}

void
message_interim(struct exchange *x, const struct head *res)
{
	struct buf *out = &x->c->conn.out;

	if (x->req.minor == 0)
		return; /* RFC 9110 section 15.2 */
	write_status_line(out, res->status, res->reason);
	add_answer_fields(x, res);
	write_head_end(out);
}

/* ---- the sidecar's own answers ---- */

void
message_connected(struct exchange *x)
{
	struct buf *out = &x->c->conn.out;

	write_status_line(out, 200, SPAN("Connection Established"));
	write_head_end(out);
}

void
message_options(struct exchange *x)
{
	struct buf *out = &x->c->conn.out;

	x->keep = may_keep(x);
	write_status_line(out, 200, write_reason(200));
	write_field(out, SPAN("Allow"),
	    SPAN("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT"));
	write_field_u64(out, SPAN("Content-Length"), 0);
	add_connection(x, out);
	write_head_end(out);
}

static void
add_member(struct buf *b, const char *name, const char *value, bool first)
{
	buf_printf(b, "%s\"%s\":\"", first ? "" : ",", name);
	buf_add_json(b, span_of(value));
	buf_add_char(b, '"');
}

static void
add_error_object(struct exchange *x, struct buf *b, const char *message)
{
	const struct end_row *row = end_row(x->end);

	buf_add_char(b, '{');
	add_member(b, "code", x->says.code ? x->says.code : row->token, true);
	add_member(b, "type", "sidecar_error", false);
	add_member(b, "message", message, false);
	add_member(b, "suggestion",
	    x->says.suggestion ? x->says.suggestion : row->cure, false);
	if (x->gateway_reason)
		add_member(b, "gateway_reason", x->gateway_reason, false);
	if (x->gateway_hint)
		add_member(b, "gateway_hint", x->gateway_hint, false);
	add_member(b, "request_id", x->request_id, false);
	buf_add_char(b, '}');
}

/* A JSON-RPC client reads its own kind of error (JSON-RPC 2.0 section 5.1). */
static void
add_json_rpc(struct exchange *x, struct buf *b, const char *message)
{
	buf_add_str(b, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{"
		       "\"code\":-32000");
	add_member(b, "message", message, false);
	buf_add_str(b, ",\"data\":");
	add_error_object(x, b, message);
	buf_add_str(b, "}}");
}

static bool
wants_json_rpc(const struct exchange *x)
{
	return x->box &&
	       span_eq(buf_span(&x->box->path.decoded), SPAN("/v1/mcp"));
}

/* Clients obey this field, so it must not make a request run twice. */
static bool
may_retry(const struct exchange *x)
{
	enum end_retry retry = end_row(x->end)->retry;

	return retry == RETRY_YES ||
	       (retry == RETRY_IDEMPOTENT &&
		   (x->attempts == 0 || exchange_is_idempotent(x)));
}

void
message_error(struct exchange *x)
{
	const struct end_row *row = end_row(x->end);
	struct buf *out = &x->c->conn.out;
	struct buf body = BUF_INIT, message = BUF_INIT;
	char *text;

	buf_add_str(&message, x->says.message ? x->says.message : row->meaning);
	if (*x->detail)
		buf_printf(&message, ": %s", x->detail);
	text = buf_steal_str(&message);
	if (wants_json_rpc(x)) {
		add_json_rpc(x, &body, text);
	} else {
		buf_add_str(&body, "{\"error\":");
		add_error_object(x, &body, text);
		buf_add_char(&body, '}');
	}
	buf_add_char(&body, '\n');
	free(text);

	x->status = row->status;
	write_status_line(out, row->status, write_reason(row->status));
	write_field(out, SPAN("Content-Type"), SPAN("application/json"));
	write_field_u64(out, SPAN("Content-Length"), body.len);
	write_field(out, SPAN("Cache-Control"), SPAN("no-store"));
	write_field(out, SPAN("X-Cullis-Sidecar-Error"),
	    span_of(x->says.code ? x->says.code : row->token));
	write_field(out, SPAN("X-Should-Retry"),
	    may_retry(x) ? SPAN("true") : SPAN("false"));
	if (row->status == 407) /* RFC 9110 section 15.5.8 */
		write_field(out, SPAN("Proxy-Authenticate"),
		    SPAN("Basic realm=\"cullis-sidecar\""));
	if (row->status == 503)
		write_field_u64(out, SPAN("Retry-After"),
		    x->retry_after_s ? x->retry_after_s : 1);
	add_connection(x, out);
	write_head_end(out);
	if (!span_eq(x->req.method, SPAN("HEAD")))
		buf_add_span(out, buf_span(&body));
	buf_free(&body);
}

void
message_forget(struct exchange *x)
{
	free(x->words);
	free(x->gateway_reason);
	free(x->gateway_hint);
}
