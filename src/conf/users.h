/*
 * users: the users of this machine that a list of names and @groups means, as
 * uids.
 *
 * Names are looked up when the configuration is loaded, never while a request
 * waits: a look-up may ask a directory server.  What changes there later is
 * seen at the next load.  The members of a group are those that the group
 * names and those that have it as their own group; a directory that does not
 * list its users hides the latter.
 *
 * Threads: the builder's; then immutable.
 */
#ifndef CONF_USERS_H
#define CONF_USERS_H

#include "base/str.h"

#include <sys/types.h>

/* What the kernel says instead of a uid that it cannot express: nobody. */
#define USERS_OVERFLOW_UID ((uid_t)65534)

/* Starts as all zero.  An empty list that is `set` (a group without members)
 * means nobody, one that is not means that nothing was said. */
struct user_list {
	uid_t *v;
	size_t n;
	bool set;
};

/* Append a user, by name or number, or the members of an @group.  False: there
 * is no such user or group, or it is the overflow uid. */
bool users_add(struct user_list *, struct span text) ATTR_MUST_USE;
bool users_have(const struct user_list *, uid_t) ATTR_PURE;
/* Whatever names they came by, and in whatever order. */
bool users_same(const struct user_list *, const struct user_list *) ATTR_PURE;
void users_fini(struct user_list *);

#endif
