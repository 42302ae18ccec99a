/*
 * route: see route.h.
 */
#include "conf/route.h"

#include "conf/config.h"

/* Without the dot that ends a fully qualified name. */
static struct span
without_root_dot(struct span host)
{
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

static bool
is_gateway(const struct config *conf, const struct authority *a)
{
	const struct origin *gateway = &conf->gateway;
	struct span host = without_root_dot(a->host);

	if (a->port >= 0 && a->port != 80 && a->port != 443 &&
	    a->port != gateway->port)
		return false;
	if (span_ieq(host, without_root_dot(span_of(gateway->host))))
		return true;
	for (size_t i = 0; i < conf->gateway_alias.n; i++) {
		struct span alias = span_of(conf->gateway_alias.v[i]);

		if (span_ieq(host, without_root_dot(alias)))
			return true;
	}
	return false;
}

static bool
is_listener(const struct route_local *local, const struct authority *a)
{
	if (local->is_unix)
		return true;
	if (a->port >= 0 && a->port != local->port)
		return false;
	return span_ieq(a->host, SPAN("localhost")) ||
	       span_ieq(a->host, local->host);
}

static enum host_verdict
judge_host(const struct config *conf, struct span host,
    const struct route_local *local)
{
	struct authority a;

	if (!host.p)
		return HOST_OK;
	if (!authority_parse(host, &a))
		return HOST_MALFORMED;
	return is_listener(local, &a) || is_gateway(conf, &a) ? HOST_OK
							      : HOST_FOREIGN;
}

enum host_verdict
route_find(const struct config *conf, const struct target *target,
    struct span host, const struct route_local *local,
    const struct route **route)
{
	enum host_verdict verdict = HOST_OK;

	switch (target->form) {
	case TARGET_ABSOLUTE:
		if (!is_gateway(conf, &target->authority))
			verdict = HOST_MISDIRECTED;
		break;
	case TARGET_AUTHORITY:
		if (!is_gateway(conf, &target->authority))
			verdict = HOST_NO_TUNNEL;
		break;
	case TARGET_ORIGIN:
	case TARGET_ASTERISK:
		verdict = judge_host(conf, host, local);
		break;
	}
	if (verdict == HOST_OK)
		*route = &conf->route;
	return verdict;
}
