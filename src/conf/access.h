/*
 * access: which paths an agent may use.  Some paths of the gateway answer to
 * nothing but our identity and hand out its powers; they are reserved, and
 * refused unless allow-reserved opens them one by one.
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
};

/* May this method be used on this path?  path is the policy reading of the
 * path (http/url.h), its most dangerous one.  On ACCESS_RESERVED *matched is
 * the reserved prefix, static text. */
enum access_verdict access_check(const struct config *, struct span method,
    struct span path, struct span *matched) ATTR_MUST_USE;

/* Is this path reserved, opened or not? */
bool access_is_reserved(struct span path);

#endif
