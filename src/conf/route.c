/*
 * route: see route.h.
 */
#include "conf/route.h"

#include "conf/config.h"

bool
route_names_gateway(const struct config *conf, struct span host)
{
	if (origin_is_host(&conf->gateway, host))
		return true;
	for (size_t i = 0; i < conf->gateway_alias.n; i++) {
		const struct origin alias = {.host = conf->gateway_alias.v[i]};

		if (origin_is_host(&alias, host))
			return true;
	}
	return false;
}

static bool
is_gateway(const struct config *conf, const struct authority *a)
{
	if (a->port >= 0 && a->port != 80 && a->port != 443 &&
	    a->port != conf->gateway.port)
		return false;
	return route_names_gateway(conf, a->host);
}

static const struct route *
find_pass_through(const struct config *conf, const struct target *t)
{
	const struct authority *a = &t->authority;
	int port = a->port < 0 ? 80 : a->port;

	if (t->https || route_names_gateway(conf, a->host))
		return NULL;
	for (size_t i = 0; i < conf->pass_through.n; i++) {
		const struct origin *o = &conf->pass_through.v[i];

		if (o->port == port && origin_is_host(o, a->host))
			return &conf->pass_routes[i];
	}
	return NULL;
}

/* A target that names its host itself. */
static enum host_verdict
judge_authority(const struct config *conf, const struct target *target,
    const struct route **route)
{
	const struct route *found = is_gateway(conf, &target->authority)
					? &conf->route
					: find_pass_through(conf, target);

	if (!found)
		return target->form == TARGET_AUTHORITY ? HOST_NO_TUNNEL
							: HOST_MISDIRECTED;
	*route = found;
	return HOST_OK;
}

/* A page that was lured here by DNS rebinding names a host, never an address:
 * where we listen on all addresses, any of them is us. */
static bool
is_any_address(struct span host)
{
	return span_eq(host, SPAN("0.0.0.0")) || span_eq(host, SPAN("::"));
}

/* Of digits and dots alone authority_parse() takes nothing but addresses. */
static bool
is_address(const struct authority *a)
{
	for (size_t i = 0; !a->ipv6 && i < a->host.n; i++)
		if (!ascii_digit(a->host.p[i]) && a->host.p[i] != '.')
			return false;
	return true;
}

static bool
is_listener(const struct route_local *local, const struct authority *a)
{
	if (local->is_unix)
		return true;
	if (a->port >= 0 && a->port != local->port)
		return false;
	if (is_any_address(local->host) && is_address(a))
		return true;
	return span_ieq(a->host, SPAN("localhost")) ||
	       span_ieq(a->host, local->host);
}

/* A target that leaves the host to the Host field; NULL: there was none. */
static enum host_verdict
judge_host(const struct config *conf, const struct authority *host,
    const struct route_local *local, const struct route **route)
{
	if (host && !is_listener(local, host) && !is_gateway(conf, host))
		return HOST_FOREIGN;
	*route = &conf->route;
	return HOST_OK;
}

enum host_verdict
route_find(const struct config *conf, const struct target *target,
    struct span host, const struct route_local *local,
    const struct route **route)
{
	struct authority a;

	/* Also where the target overrides it (RFC 9112 section 3.2). */
	if (host.p && !authority_parse(host, &a))
		return HOST_MALFORMED;
	if (target->authority.host.n)
		return judge_authority(conf, target, route);
	return judge_host(conf, host.p ? &a : NULL, local, route);
}
