/*
 * passthrough: see passthrough.h.
 */
#include "proxy/passthrough.h"

#include "base/address.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

struct passthrough {
	TAILQ_ENTRY(passthrough) link;
	struct upstream *u;
};

static bool
is_own_listener(const struct worker *w, const struct sockaddr *sa)
{
	for (size_t i = 0; w->own && i < w->own->n; i++) {
		const struct listen_addr *l = &w->own->v[i];
		struct sockaddr_storage own;
		const struct sockaddr *o = (struct sockaddr *)&own;

		if (l->kind != LISTEN_TCP || l->port != address_port(sa) ||
		    !address_read(l->host, l->port, &own))
			continue;
		/* A listener on all addresses may be behind any of them. */
		if (address_is_any(o) || address_same_host(o, sa))
			return true;
	}
	return false;
}

/* Through a proxy the gateway's address is the proxy's to know. */
static const char *
refuse_gateway(struct worker *w, const struct sockaddr *sa)
{
	const struct addrinfo *a = w->upstream->addresses;

	if (w->view->bundle->config->upstream_proxy.host)
		return NULL;
	if (!a)
		return "not to be told from the gateway, whose name has no "
		       "address now";
	for (; a; a = a->ai_next)
		if (address_same_host(a->ai_addr, sa))
			return "the gateway's address";
	return NULL;
}

static const char *
refuse(void *arg, const struct sockaddr *sa)
{
	struct worker *w = arg;
	const char *why = address_refusal(sa);

	if (why)
		return why;
	if (is_own_listener(w, sa))
		return "an address of the sidecar's own";
	return refuse_gateway(w, sa);
}

static struct upstream *
find(const struct worker *w, const struct origin *o)
{
	struct passthrough *p;

	TAILQ_FOREACH(p, &w->passthroughs, link)
		if (p->u->opt.port == o->port &&
		    origin_is_host(o, span_of(p->u->opt.host)))
			return p->u;
	return NULL;
}

static struct upstream *
make(struct worker *w, const struct origin *o)
{
	struct passthrough *p = MEM_NEW(struct passthrough);
	struct upstream_options opt;

	worker_upstream_options(w, &opt);
	opt.host = o->host;
	opt.port = o->port;
	opt.refuse = refuse;
	opt.refuse_arg = w;
	opt.cure = "check the pass-through option and DNS";
	p->u = upstream_new(&w->loop, w->resolver, w->metrics, &opt);
	TAILQ_INSERT_TAIL(&w->passthroughs, p, link);
	return p->u;
}

struct upstream *
passthrough_upstream(struct worker *w, const struct route *route)
{
	struct upstream *u = find(w, route->dial);

	/* Asked before ours, hence answered before it: refuse() needs it. */
	upstream_resolve(w->upstream);
	return u ? u : make(w, route->dial);
}

void
passthrough_renew(struct worker *w)
{
	struct passthrough *p;
	struct upstream_options opt;

	if (TAILQ_EMPTY(&w->passthroughs))
		return;
	upstream_resolve(w->upstream); /* before them, as above */
	worker_upstream_options(w, &opt);
	TAILQ_FOREACH(p, &w->passthroughs, link)
		upstream_renew(p->u, &opt);
}

void
passthrough_free(struct worker *w)
{
	struct passthrough *p;

	while ((p = TAILQ_FIRST(&w->passthroughs))) {
		TAILQ_REMOVE(&w->passthroughs, p, link);
		upstream_unref(p->u);
		free(p);
	}
}

enum end
passthrough_end(struct exchange *x, enum end end)
{
	if (!x->route || x->route->auth != ROUTE_AUTH_NONE)
		return end;
	switch (end) {
	case END_RESOLVE_FAILED:
	case END_CONNECT_FAILED:
	case END_UPSTREAM_BAD:
		return END_PASS_FAILED;
	case END_UPSTREAM_CLOSED:
		snprintf(x->detail, sizeof(x->detail),
		    "it closed the connection without an answer");
		return END_PASS_FAILED;
	case END_CONNECT_TIMEOUT:
	case END_FIRST_BYTE_TIMEOUT:
		return END_PASS_TIMEOUT;
	default:
		return end;
	}
}
