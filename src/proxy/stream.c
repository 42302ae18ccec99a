/*
 * stream: see stream.h.
 */
#include "proxy/stream.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

/* nginx gives up on a silent application after 60 s or more (protocol 8.2);
 * what is shorter than this has another reason. */
#define READ_TIMEOUT_MS 50000
#define SILENCE_MS 1000 /* what is shorter is none */

/* Only the gateway's streams, and only what can be read. */
static bool
is_event_stream(const struct exchange *x)
{
	return x->route->auth == ROUTE_AUTH_MASTIO && x->res.status == 200 &&
	       span_istarts(head_value(&x->res, FIELD_CONTENT_TYPE),
		   SPAN("text/event-stream")) &&
	       !head_find(&x->res, FIELD_CONTENT_ENCODING);
}

void
stream_begin(struct exchange *x)
{
	x->streaming = true;
	metric_add(&x->w->metrics->streams_open, 1);
	stream_heard(x);
	if (is_event_stream(x))
		x->down.sse = &x->sse;
}

void
stream_heard(struct exchange *x)
{
	x->heard_ms = clock_now_ms();
}

void
stream_cut(struct exchange *x)
{
	int64_t silence = clock_now_ms() - x->heard_ms;

	if (x->route->auth != ROUTE_AUTH_MASTIO)
		return;
	if (silence < SILENCE_MS)
		snprintf(x->detail, sizeof(x->detail),
		    "the gateway broke off in mid-transfer");
	else
		snprintf(x->detail, sizeof(x->detail),
		    "the gateway's front end closed the stream after "
		    "%lld.%lld s of silence; %snot a timer of the sidecar",
		    (long long)silence / 1000, (long long)silence % 1000 / 100,
		    silence < READ_TIMEOUT_MS ? ""
					      : "its proxy_read_timeout, ");
	log_warn("gateway", "a stream was cut off", L_STR("detail", x->detail),
	    L_STR("request_id", x->request_id), L_END);
}

void
stream_end(struct exchange *x)
{
	if (!x->streaming)
		return;
	metric_sub(&x->w->metrics->streams_open, 1);
	metric_add(&x->w->metrics->stream_errors, x->sse.errors);
}
