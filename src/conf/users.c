/*
 * users: see users.h.
 */
#include "conf/users.h"

#include "base/mem.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

bool
users_have(const struct user_list *list, uid_t uid)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i] == uid)
			return true;
	return false;
}

static void
add_uid(struct user_list *list, uid_t uid)
{
	if (users_have(list, uid) || uid == USERS_OVERFLOW_UID)
		return;
	list->v = mem_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = uid;
}

static const struct group *
find_group(const char *name)
{
	uint64_t gid;

	if (!span_u64(span_of(name), &gid))
		return getgrnam(name);
	return gid < UINT32_MAX ? getgrgid((gid_t)gid) : NULL;
}

static bool
add_group(struct user_list *list, const char *name)
{
	const struct group *group = find_group(name);
	const struct passwd *user;
	gid_t gid;

	if (!group)
		return false;
	gid = group->gr_gid;
	for (char *const *member = group->gr_mem; *member; member++)
		if ((user = getpwnam(*member)))
			add_uid(list, user->pw_uid);
	setpwent();
	while ((user = getpwent()))
		if (user->pw_gid == gid)
			add_uid(list, user->pw_uid);
	endpwent();
	return true;
}

/* A number need not belong to anybody: containers have such uids. */
static bool
find_uid(const char *name, uid_t *uid)
{
	const struct passwd *user;
	uint64_t number;

	if (span_u64(span_of(name), &number)) {
		*uid = (uid_t)number;
		return number < UINT32_MAX;
	}
	user = getpwnam(name);
	if (user)
		*uid = user->pw_uid;
	return user != NULL;
}

bool
users_add(struct user_list *list, struct span text)
{
	char *name = span_dup(text);
	uid_t uid = USERS_OVERFLOW_UID;
	bool ok;

	if (*name == '@') {
		ok = add_group(list, name + 1);
	} else {
		ok = find_uid(name, &uid) && uid != USERS_OVERFLOW_UID;
		if (ok)
			add_uid(list, uid);
	}
	free(name);
	list->set |= ok;
	return ok;
}

bool
users_same(const struct user_list *a, const struct user_list *b)
{
	if (a->set != b->set || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!users_have(b, a->v[i]))
			return false;
	return true;
}

void
users_fini(struct user_list *list)
{
	free(list->v);
	*list = (struct user_list){0};
}
