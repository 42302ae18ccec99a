/*
 * admin: see admin.h.
 */
#include "ctl/admin.h"

#include "base/mem.h"
#include "http/write.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <fcntl.h>
#include <sys/queue.h>
#include <stdlib.h>
#include <unistd.h>

#define TIMEOUT_S 10
#define HEAD_MAX 8192

/* One per listener, for the Host check knows which one was asked. */
struct admin_port {
	struct admin_port *next;
	struct evhttp *http;
	struct admin *admin;
	const struct route_local *local;
};

struct admin {
	struct loop *loop;
	struct admin_pages pages;
	struct admin_port *ports;
};

static const struct page {
	const char *path, *type;
	size_t make; /* offset of the function in struct admin_pages */
} pages[] = {
    {"/livez", "text/plain", offsetof(struct admin_pages, live)},
    {"/healthz", "text/plain", offsetof(struct admin_pages, live)},
    {"/startupz", "text/plain", offsetof(struct admin_pages, started)},
    {"/readyz", "text/plain", offsetof(struct admin_pages, ready)},
    {"/metrics", "text/plain; version=0.0.4",
	offsetof(struct admin_pages, metrics)},
    {"/status", "application/json", offsetof(struct admin_pages, status)},
};

static void
answer(struct evhttp_request *req, unsigned status, const char *type,
    struct span body)
{
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);
	struct evbuffer *data = evbuffer_new();
	char *reason = span_dup(write_reason(status));

	evhttp_add_header(out, "Content-Type", type);
	evhttp_add_header(out, "Cache-Control", "no-store");
	evbuffer_add(data, body.p, body.n);
	evhttp_send_reply(req, (int)status, reason, data);
	evbuffer_free(data);
	free(reason);
}

/* The listener's own address or `localhost`: any other Host may have been
 * put there by DNS rebinding. */
static bool
host_ok(const struct route_local *local, const char *host)
{
	struct authority a;

	if (local->is_unix || !host)
		return true;
	if (!authority_parse(span_of(host), &a))
		return false;
	return (span_ieq(a.host, SPAN("localhost")) ||
		   span_eq(a.host, local->host)) &&
	       (a.port < 0 || a.port == local->port);
}

/* NULL: may be answered. */
static const char *
refusal(const struct admin_port *port, struct evhttp_request *req)
{
	struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	struct evkeyval *f;

	TAILQ_FOREACH(f, in, next) {
		if (strcasecmp(f->key, "Origin") == 0)
			return "requests from web pages are refused\n";
		if (strcasecmp(f->key, "Sec-Fetch-Site") == 0 &&
		    strcmp(f->value, "none") != 0)
			return "requests from web pages are refused\n";
		if (strcasecmp(f->key, "Host") == 0 &&
		    !host_ok(port->local, f->value))
			return "the Host is not this listener's address\n";
	}
	return NULL;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct admin_port *port = arg;
	const char *path =
	    evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));
	const char *why = refusal(port, req);
	const struct admin_pages *p = &port->admin->pages;

	if (why) {
		answer(req, 403, "text/plain", span_of(why));
		return;
	}
	for (size_t i = 0; path && i < COUNT(pages); i++) {
		unsigned (*make)(void *, struct buf *);
		struct buf body = BUF_INIT;
		unsigned status;

		if (strcmp(path, pages[i].path) != 0)
			continue;
		memcpy(&make, (const char *)p + pages[i].make, sizeof(make));
		status = make(p->arg, &body);
		answer(req, status, pages[i].type, buf_span(&body));
		buf_free(&body);
		return;
	}
	answer(req, 404, "text/plain",
	    SPAN("/livez /startupz /readyz /healthz /metrics /status\n"));
}

struct admin *
admin_new(struct loop *loop, const struct admin_pages *made)
{
	struct admin *a = MEM_NEW(struct admin);

	a->loop = loop;
	a->pages = *made;
	return a;
}

int
admin_listen(struct admin *a, struct listener *l, struct err *err)
{
	struct admin_port *port = MEM_NEW(struct admin_port);
	/* evhttp closes what it is given. */
	int fd = fcntl(listener_fd(l), F_DUPFD_CLOEXEC, 0);

	port->admin = a;
	port->local = listener_local(l);
	port->http = evhttp_new(a->loop->base);
	port->next = a->ports;
	a->ports = port;
	evhttp_set_allowed_methods(
	    port->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_timeout(port->http, TIMEOUT_S);
	evhttp_set_max_headers_size(port->http, HEAD_MAX);
	evhttp_set_max_body_size(port->http, 0);
	evhttp_set_gencb(port->http, on_request, port);
	if (fd < 0 || evhttp_accept_socket(port->http, fd) != 0) {
		if (fd >= 0)
			close(fd);
		return err_set(
		    err, EXIT_RUNTIME, "cannot serve on %s", listener_name(l));
	}
	return 0;
}

void
admin_free(struct admin *a)
{
	if (!a)
		return;
	while (a->ports) {
		struct admin_port *port = a->ports;

		a->ports = port->next;
		evhttp_free(port->http);
		free(port);
	}
	free(a);
}
