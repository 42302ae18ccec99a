/*
 * localtoken: the secret that callers on this machine must show, and the ways
 * in which a request may show it.
 *
 * Threads: immutable once read.  Wiped when freed.
 */
#ifndef AUTH_LOCALTOKEN_H
#define AUTH_LOCALTOKEN_H

#include "auth/finding.h"
#include "base/attr.h"
#include "base/str.h"

#define LOCALTOKEN_MIN 16
#define LOCALTOKEN_MAX 512

struct localtoken;

/* The one line of a file: 16 to 512 visible ASCII characters.  A file that too
 * many may read is a warning in found.  NULL with err. */
struct localtoken *localtoken_read(
    const char *path, struct findings *found, struct err *) ATTR_MUST_USE;
void localtoken_free(struct localtoken *); /* NULL is allowed */

/* NULL stands for none. */
bool localtoken_same(const struct localtoken *, const struct localtoken *);
/* Is this the secret?  In constant time for texts of its length. */
bool localtoken_is(const struct localtoken *, struct span text) ATTR_MUST_USE;
/* Do these credentials (RFC 9110 section 11.4) show it: `Bearer SECRET` (RFC
 * 6750 section 2.1), or `Basic` (RFC 7617) with it as password, or as user
 * name, which is what http://SECRET@host of a proxy variable becomes? */
bool localtoken_in_bearer(
    const struct localtoken *, struct span credentials) ATTR_MUST_USE;
bool localtoken_in_basic(
    const struct localtoken *, struct span credentials) ATTR_MUST_USE;

#endif
