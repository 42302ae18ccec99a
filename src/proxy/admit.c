/*
 * admit: see admit.h.  One check after the other, in the order of
 * admit_judge() at the end.
 */
#include "proxy/admit.h"

#include "conf/access.h"
#include "proxy/caller.h"
#include "proxy/client.h"
#include "proxy/via.h"

#include <stddef.h>
#include <stdio.h>

static enum end
refuse(struct exchange *x, enum end end, const char *detail)
{
	snprintf(x->detail, sizeof(x->detail), "%s", detail);
	return end;
}

/* RFC 9112 section 3.2: exactly one Host in HTTP/1.1; and nothing twice that
 * two readers could take differently. */
static enum end
check_singles(struct exchange *x)
{
	const struct field *f = head_find_repeated(&x->req);

	if (x->req.minor >= 1 && !head_find(&x->req, FIELD_HOST))
		return refuse(x, END_BAD_REQUEST, "there is no Host field");
	if (f) {
		snprintf(x->detail, sizeof(x->detail),
		    "%.*s stands in it more than once", SPAN_ARG(f->name));
		return END_BAD_REQUEST;
	}
	return END_OK;
}

/* A page in a browser on this machine can send requests here, but it cannot
 * help saying so.  Same-site proves nothing: localhost:3000 is that too. */
static enum end
check_browser(struct exchange *x)
{
	const struct field *f;

	if (head_find(&x->req, FIELD_ORIGIN))
		return refuse(x, END_BROWSER, "it has an Origin field");
	for (f = head_find(&x->req, FIELD_SEC_FETCH_SITE); f;
	     f = head_find_next(&x->req, f))
		if (!span_eq(f->value, SPAN("none")))
			return refuse(x, END_BROWSER,
			    "its Sec-Fetch-Site is not \"none\"");
	return END_OK;
}

static enum end
check_framing(struct exchange *x)
{
	const char *why = "";

	switch (framing_request(&x->req, &x->req_framing, &why)) {
	case FRAMING_OK:
		break;
	case FRAMING_UNSUPPORTED:
		return refuse(x, END_NOT_IMPLEMENTED, why);
	case FRAMING_BAD:
		return refuse(x, END_BAD_REQUEST, why);
	}
	/* Judged again under a newer view, the body is still the same one. */
	if (!x->up.high)
		relay_init(&x->up, x->req_framing,
		    x->req_framing.kind == FRAMING_CHUNKED,
		    (size_t)x->view->bundle->config->relay_buffer);
	return END_OK;
}

/* RFC 6455 section 4.2.1.  Any other protocol that is offered (h2c by Java's
 * HttpClient and by curl --http2, TLS) is not taken up and not passed on: RFC
 * 9110 section 7.8 lets a server ignore an Upgrade, and refusing it would break
 * clients that only offer.  The same holds without `Connection: upgrade` and in
 * HTTP/1.0, where an Upgrade means nothing. */
static enum end
check_upgrade(struct exchange *x)
{
	x->upgrade =
	    x->req.minor >= 1 &&
	    head_has_token(&x->req, FIELD_UPGRADE, SPAN("websocket")) &&
	    head_has_token(&x->req, FIELD_CONNECTION, SPAN("upgrade"));
	if (!x->upgrade)
		return END_OK;
	if (!span_eq(x->req.method, SPAN("GET")) ||
	    x->req_framing.kind != FRAMING_NONE)
		return refuse(x, END_BAD_REQUEST,
		    "a WebSocket handshake is a GET without content");
	if (!head_find(&x->req, FIELD_SEC_WEBSOCKET_KEY) ||
	    !head_find(&x->req, FIELD_SEC_WEBSOCKET_VERSION))
		return refuse(x, END_BAD_REQUEST,
		    "its WebSocket handshake lacks Sec-WebSocket-Key or "
		    "Sec-WebSocket-Version");
	return END_OK;
}

/* TRACE would show the agent the credentials that we add. */
static enum end
check_features(struct exchange *x)
{
	const struct field *expect = head_find(&x->req, FIELD_EXPECT);

	if (span_eq(x->req.method, SPAN("TRACE")))
		return refuse(x, END_NOT_IMPLEMENTED, "TRACE");
	for (; expect; expect = head_find_next(&x->req, expect))
		if (!span_ieq(expect->value, SPAN("100-continue")))
			return END_EXPECTATION;
	return END_OK;
}

static enum end
check_target(struct exchange *x)
{
	if (!target_parse(x->req.method, x->req.target, &x->target))
		return refuse(
		    x, END_BAD_REQUEST, "the request target is malformed");
	return END_OK;
}

/* RFC 9110 section 7.6.2; only OPTIONS and TRACE have hops to count.  The last
 * one answers, and so do we when a client asks what the server at our address
 * can do: "*" is no resource of the gateway's that a proof could name. */
static enum end
check_hops(struct exchange *x)
{
	const struct field *f = head_find(&x->req, FIELD_MAX_FORWARDS);

	x->answer_here = x->route->auth == ROUTE_AUTH_MASTIO &&
			 x->target.form == TARGET_ASTERISK;
	if (!f || !admit_is_options(x))
		return END_OK;
	if (!span_u64(f->value, &x->hops))
		return refuse(
		    x, END_BAD_REQUEST, "Max-Forwards is not a number of hops");
	x->answer_here |= x->hops == 0;
	return END_OK;
}

static enum end
check_loop(struct exchange *x)
{
	return via_is_loop(&x->req) ? END_LOOP : END_OK;
}

/* The gateway's paths are judged, and the proof names them; another host's are
 * its own affair. */
static enum end
check_path(struct exchange *x)
{
	enum path_status s;

	if (!admit_is_for_gateway(x))
		return END_OK;
	s = path_read(x->target.path, &x->box->path);
	x->class = pathclass_of(buf_span(&x->box->path.decoded));
	return s == PATH_OK ? END_OK
			    : refuse(x, END_BAD_PATH, path_status_text(s));
}

static enum end
check_host(struct exchange *x)
{
	const struct config *conf = x->view->bundle->config;
	struct span host = head_value(&x->req, FIELD_HOST);
	struct span shown =
	    x->target.authority.host.n ? x->target.authority.host : host;
	enum end end = END_OK;

	if (!conf->route.origin)
		return END_NO_IDENTITY;
	switch (route_find(conf, &x->target, host,
	    listener_local(x->c->listener), &x->route)) {
	case HOST_OK:
		return x->view->signer ? END_OK : END_NO_IDENTITY;
	case HOST_MALFORMED:
		return refuse(x, END_BAD_REQUEST, "the Host is malformed");
	case HOST_MISDIRECTED:
		end = END_MISDIRECTED;
		break;
	case HOST_FOREIGN:
		end = END_HOST_REFUSED;
		break;
	case HOST_NO_TUNNEL:
		end = END_CONNECT_REFUSED;
		break;
	}
	snprintf(
	    x->detail, sizeof(x->detail), "it names %.*s", SPAN_ARG(shown));
	return end;
}

/* The route's credentials, unless the caller brings its own. */
static enum end
check_credentials(struct exchange *x)
{
	x->auth = x->route->auth;
	if (x->auth == ROUTE_AUTH_MASTIO && caller_brings_token(x))
		x->auth = ROUTE_AUTH_CALLER;
	return END_OK;
}

static enum end
check_access(struct exchange *x)
{
	const struct config *conf = x->view->bundle->config;
	struct span matched = SPAN_NONE;

	if (!admit_is_for_gateway(x))
		return END_OK;
	switch (access_check(conf, x->req.method, x->target.path,
	    buf_span(&x->box->path.policy), &matched)) {
	case ACCESS_ALLOWED:
		break;
	case ACCESS_RESERVED:
		snprintf(x->detail, sizeof(x->detail), "%.*s is reserved",
		    SPAN_ARG(matched));
		return END_PATH_RESERVED;
	case ACCESS_DENIED:
		snprintf(x->detail, sizeof(x->detail), "deny = %.*s",
		    SPAN_ARG(matched));
		return END_ACCESS_DENIED;
	case ACCESS_UNNAMED:
		return refuse(x, END_ACCESS_DENIED, "no allow rule names it");
	}
	return END_OK;
}

static enum end
judge(struct exchange *x)
{
	static enum end (*const checks[])(struct exchange *) = {check_framing,
	    check_singles, caller_check_uid, check_browser, caller_check_token,
	    check_upgrade, check_features, check_loop, check_target, check_host,
	    check_hops, check_path, check_credentials, check_access};

	buf_clear(&x->box->path.decoded); /* of the box's last use */
	buf_clear(&x->box->path.policy);
	for (size_t i = 0; i < COUNT(checks); i++) {
		enum end end = checks[i](x);

		if (end != END_OK)
			return end;
	}
	return END_OK;
}

/* What is refused because of who asks or what for, and not for its form. */
static void
count_denied(struct metrics *m, enum end end)
{
	static const struct {
		enum end end;
		size_t counter;
	} rows[] = {
	    {END_CALLER_REFUSED, offsetof(struct metrics, denied_caller)},
	    {END_LOCAL_TOKEN, offsetof(struct metrics, denied_token)},
	    {END_BROWSER, offsetof(struct metrics, denied_browser)},
	    {END_HOST_REFUSED, offsetof(struct metrics, denied_host)},
	    {END_MISDIRECTED, offsetof(struct metrics, denied_destination)},
	    {END_CONNECT_REFUSED, offsetof(struct metrics, denied_connect)},
	    {END_PATH_RESERVED, offsetof(struct metrics, denied_reserved)},
	    {END_ACCESS_DENIED, offsetof(struct metrics, denied_rule)},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].end == end)
			metric_add(
			    (metric_value *)((char *)m + rows[i].counter), 1);
}

enum end
admit_judge(struct exchange *x)
{
	enum end end = judge(x);

	count_denied(x->w->metrics, end);
	return end;
}
