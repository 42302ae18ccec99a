/*
 * t_users: users and groups of this machine.  Root is in every passwd file,
 * and its own group is 0.
 */
#include "conf/users.h"

#include "unit.h"

static const struct {
	const char *why, *text;
	bool ok;
	uid_t uid; /* that is on the list then */
} rows[] = {
    {"by name", "root", true, 0},
    {"by number", "0", true, 0},
    {"a number without a name", "4711", true, 4711},
    {"the largest", "4294967294", true, 4294967294},
    {"own group of a user, by name", "@root", true, 0},
    {"own group of a user, by number", "@0", true, 0},
    {"no such user", "no-such-user", false},
    {"no such group", "@no-such-group", false},
    {"no such group, by number", "@4294967290", false},
    {"the overflow uid", "65534", false},
    {"the overflow uid, by name", "nobody", false},
    {"(uid_t)-1", "4294967295", false},
    {"too large", "4294967296", false},
    {"far too large", "18446744073709551616", false},
    {"negative", "-1", false},
    {"hexadecimal", "0x0", false},
    {"empty", "", false},
    {"an empty group", "@", false},
    {"two", "root,daemon", false},
};

START_TEST(one_of_each)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct user_list list = {0};

		ck_assert_msg(
		    users_add(&list, span_of(rows[i].text)) == rows[i].ok, "%s",
		    rows[i].why);
		ck_assert_msg(list.set == rows[i].ok, "%s", rows[i].why);
		if (rows[i].ok)
			ck_assert_msg(
			    users_have(&list, rows[i].uid), "%s", rows[i].why);
		else
			ck_assert_uint_eq(list.n, 0);
		ck_assert(!users_have(&list, 65534));
		ck_assert(!users_have(&list, 4712));
		users_fini(&list);
	}
}
END_TEST

START_TEST(several)
{
	struct user_list list = {0};

	ck_assert(users_add(&list, SPAN("4711")));
	ck_assert(users_add(&list, SPAN("root")));
	ck_assert(users_add(&list, SPAN("4711")));
	ck_assert_uint_eq(list.n, 2);
	ck_assert(users_have(&list, 0) && users_have(&list, 4711));
	/* What is wrong takes nothing away. */
	ck_assert(!users_add(&list, SPAN("no-such-user")));
	ck_assert(list.set);
	ck_assert_uint_eq(list.n, 2);
	users_fini(&list);
	ck_assert(!list.set);
}
END_TEST

/* Nobody is in the group of terminals: a list that was set allows nobody, and
 * is not taken for one that was not. */
START_TEST(a_group_without_members)
{
	struct user_list list = {0};

	ck_assert(users_add(&list, SPAN("@tty")));
	ck_assert(list.set);
	ck_assert_uint_eq(list.n, 0);
	users_fini(&list);
}
END_TEST

START_TEST(the_same)
{
	struct user_list a = {0}, b = {0}, c = {0};

	ck_assert(users_same(&a, &b));
	ck_assert(users_add(&a, SPAN("4711")));
	ck_assert(!users_same(&a, &b));
	ck_assert(users_add(&b, SPAN("root")));
	ck_assert_msg(!users_same(&a, &b), "as many, but others");
	ck_assert(users_add(&a, SPAN("0")));
	ck_assert(users_add(&b, SPAN("4711")));
	ck_assert_msg(users_same(&a, &b), "in another order, by other names");
	c.set = true;
	ck_assert_msg(
	    !users_same(&c, &(struct user_list){0}), "nobody is not everybody");
	users_fini(&a);
	users_fini(&b);
}
END_TEST

UNIT_MAIN("users", one_of_each, several, a_group_without_members, the_same)
