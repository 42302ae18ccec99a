/*
 * access: which requests an agent may make.  Some paths of the gateway answer
 * to nothing but our identity and hand out its powers; they are reserved, and
 * refused unless allow-reserved opens them one by one.  Then the rules of deny
 * and allow: deny wins, and with any allow rule what none of them names is
 * refused.
 *
 * Threads: pure over an immutable config.
 */
#ifndef CONF_ACCESS_H
#define CONF_ACCESS_H

#include "base/str.h"

struct config;

enum access_verdict {
	ACCESS_ALLOWED,
	ACCESS_RESERVED, /* 403 path-reserved */
	ACCESS_DENIED,   /* 403 access-denied, by a deny rule */
	ACCESS_UNNAMED,  /* 403 access-denied, no allow rule names it */
};

/* May this method be used on this path?  raw is the path as it is sent, policy
 * its most dangerous reading (http/url.h).  On ACCESS_RESERVED *matched is the
 * reserved prefix, on ACCESS_DENIED the rule as it was written; both live as
 * long as the config. */
enum access_verdict access_check(const struct config *, struct span method,
    struct span raw, struct span policy, struct span *matched) ATTR_MUST_USE;

/* Is this path reserved, opened or not? */
bool access_is_reserved(struct span path);

#endif
