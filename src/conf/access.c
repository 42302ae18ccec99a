/*
 * access: see access.h.
 */
#include "conf/access.h"

#include "conf/config.h"

/* Compared without regard to case: the gateway's routes are case-sensitive
 * today, a front-end's may not be.  A row that ends in a slash also means the
 * path without it. */
static const struct reserved {
	struct span prefix;
	bool reads_pass; /* GET and HEAD give nothing away */
} reserved[] = {
    {{"/v1/auth/", 9}, false},
    {{"/v1/admin/", 10}, false},
    {{"/v1/enrollment", 14}, false},
    {{"/v1/principals/", 15}, false},
    {{"/v1/registry/", 13}, true},
    {{"/proxy/", 7}, false},
    {{"/pdp/", 5}, false},
    {{"/pki/", 5}, false},
    {{"/registry/", 10}, false},
};

static bool
is_under(struct span path, struct span prefix)
{
	if (span_istarts(path, prefix))
		return true;
	if (!span_ends(prefix, SPAN("/")))
		return false;
	prefix.n--;
	return span_ieq(path, prefix);
}

static bool
is_opened(const struct config *conf, struct span path)
{
	for (size_t i = 0; i < conf->allow_reserved.n; i++) {
		struct span open = span_of(conf->allow_reserved.v[i]);

		if (span_ends(open, SPAN("/")) ? span_starts(path, open)
					       : span_eq(path, open))
			return true;
	}
	return false;
}

static const struct reserved *
find_reserved(struct span path)
{
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (is_under(path, reserved[i].prefix))
			return &reserved[i];
	return NULL;
}

bool
access_is_reserved(struct span path)
{
	return find_reserved(path) != NULL;
}

enum access_verdict
access_check(const struct config *conf, struct span method, struct span raw,
    struct span policy, struct span *matched)
{
	const struct reserved *row = find_reserved(policy);
	const struct rule *denied = rule_denying(&conf->deny, method, policy);
	bool reads =
	    span_eq(method, SPAN("GET")) || span_eq(method, SPAN("HEAD"));

	if (row && !(reads && row->reads_pass) && !is_opened(conf, policy)) {
		*matched = row->prefix;
		return ACCESS_RESERVED;
	}
	if (denied) {
		*matched = span_of(denied->text);
		return ACCESS_DENIED;
	}
	if (conf->allow.n && !rule_allowing(&conf->allow, method, raw))
		return ACCESS_UNNAMED;
	return ACCESS_ALLOWED;
}
