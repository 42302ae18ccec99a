/*
 * viaproxy: see viaproxy.h.
 */
#include "net/viaproxy.h"

#include "base/b64.h"
#include "http/head.h"
#include "http/write.h"

#include <stdio.h>

#define ANSWER_MAX 16384
#define FIELDS_MAX 100

void
viaproxy_write_connect(
    struct buf *b, const char *host, uint16_t port, const char *credentials)
{
	struct buf target = BUF_INIT;

	buf_printf(
	    &target, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
	write_request_line(b, SPAN("CONNECT"), buf_span(&target), SPAN_NONE);
	write_field(b, SPAN("Host"), buf_span(&target));
	if (credentials) {
		buf_add_str(b, "Proxy-Authorization: Basic ");
		buf_add_b64(b, credentials, strlen(credentials));
		buf_add_str(b, "\r\n");
	}
	write_head_end(b);
	buf_free(&target);
}

static enum viaproxy_status
refused(const struct head *h, bool credentials, char *why, size_t size)
{
	const char *cure = "look at its rules";

	if (h->status == 407)
		cure = credentials ? "it does not take the user and password "
				     "of upstream-proxy-auth-file"
				   : "set upstream-proxy-auth-file";
	else if (h->status >= 500)
		cure = "it cannot reach the gateway";
	snprintf(why, size, "it answered %u %.*s: %s", h->status,
	    SPAN_ARG(h->reason), cure);
	return VIAPROXY_REFUSED;
}

enum viaproxy_status
viaproxy_read_answer(struct buf *in, bool credentials, char *why, size_t size)
{
	const struct head_limits limits = {ANSWER_MAX, FIELDS_MAX};
	struct field fields[FIELDS_MAX];
	struct head h;

	for (;;) {
		enum head_status s;

		head_reset(&h, fields);
		s = head_parse_response(&h, buf_span(in), &limits);
		if (s == HEAD_MORE)
			return VIAPROXY_MORE;
		if (s != HEAD_DONE) {
			snprintf(why, size, "its answer is not valid HTTP");
			return VIAPROXY_REFUSED;
		}
		if (h.status >= 200)
			break;
		buf_consume(in, h.size);
	}
	if (h.status >= 300)
		return refused(&h, credentials, why, size);
	buf_consume(in, h.size);
	if (in->len == 0)
		return VIAPROXY_DONE;
	/* In TLS the client speaks first. */
	snprintf(why, size, "it sent bytes of its own into the tunnel");
	return VIAPROXY_REFUSED;
}
