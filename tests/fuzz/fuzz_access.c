/*
 * fuzz_access: no spelling of a path gets past the reserved prefixes or the
 * rules, and no spelling of an authority past the route, judged by a second,
 * cruder reading of the same bytes.
 *
 * Input: target LF Host.
 */
#include "conf/access.h"
#include "conf/config.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct config *
config_once(void)
{
	static const char *const envp[] = {
	    "CULLIS_SIDECAR_GATEWAY=https://mastio.test:9443",
	    "CULLIS_SIDECAR_GATEWAY_ALIAS=alias.test",
	    "CULLIS_SIDECAR_ALLOW_RESERVED=/pki/ca.crt",
	    "CULLIS_SIDECAR_ALLOW=POST /v1/c",
	    "CULLIS_SIDECAR_DENY=POST /v1/c/d", NULL};
	static const struct config_input in = {
	    .file = "/dev/null", .envp = envp};
	static struct config *conf;
	struct findings found = {0};
	struct err err = ERR_INIT;

	if (conf)
		return conf;
	conf = config_load(&in, &found);
	if (!conf || config_adopt_gateway(conf, NULL, &err) != 0)
		abort();
	return conf;
}

static bool
is_under(struct span path, struct span prefix)
{
	return span_istarts(path, prefix) &&
	       (path.n == prefix.n || path.p[prefix.n] == '/');
}

static void
check_path(struct span raw)
{
	struct path path = {0};
	struct span matched = SPAN_NONE;
	enum access_verdict verdict;

	if (path_read(raw, &path) == PATH_OK) {
		struct span decoded = buf_span(&path.decoded);

		verdict = access_check(config_once(), SPAN("POST"), raw,
		    buf_span(&path.policy), &matched);
		assert((verdict == ACCESS_RESERVED ||
			   verdict == ACCESS_DENIED) == (matched.p != NULL));
		/* However it is read, it is below the one and not the other. */
		if (verdict == ACCESS_ALLOWED) {
			assert(is_under(decoded, SPAN("/v1/c")));
			assert(is_under(buf_span(&path.policy), SPAN("/v1/c")));
			assert(!is_under(decoded, SPAN("/v1/c/d")));
		}
		if (is_under(decoded, SPAN("/v1/c/d")))
			assert(verdict == ACCESS_DENIED);
		/* What the gateway would read as one of these. */
		if (span_istarts(decoded, SPAN("/v1/auth/")) ||
		    span_istarts(decoded, SPAN("/v1/admin/")) ||
		    span_istarts(decoded, SPAN("/v1/enrollment")))
			assert(verdict == ACCESS_RESERVED);
	}
	path_free(&path);
}

static bool
names_us(struct span authority)
{
	return span_istarts(authority, SPAN("mastio.test")) ||
	       span_istarts(authority, SPAN("alias.test"));
}

static void
check_route(const struct target *target, struct span host)
{
	static const struct route_local tcp = {
	    .host = {"127.0.0.1", 9}, .port = 7780};
	const struct route *route = NULL;
	enum host_verdict verdict =
	    route_find(config_once(), target, host, &tcp, &route);

	assert((verdict == HOST_OK) == (route != NULL));
	if (verdict != HOST_OK)
		return;
	if (target->authority.host.n)
		assert(names_us(target->authority.host));
	else if (host.p)
		assert(names_us(host) ||
		       span_istarts(host, SPAN("localhost")) ||
		       span_istarts(host, SPAN("127.0.0.1")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span host = span_new((const char *)data, size);
	struct span text = span_cut(&host, '\n');
	struct target target;

	if (target_parse(SPAN("CONNECT"), text, &target))
		check_route(&target, host);
	if (!target_parse(SPAN("POST"), text, &target))
		return 0;
	check_route(&target, host);
	check_path(target.path);
	return 0;
}
