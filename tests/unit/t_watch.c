/*
 * t_watch: directories are watched where they stand, and those that were moved,
 * replaced or left out are not.
 */
#include "ctl/watch.h"

#include "base/mem.h"

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[40];
static struct event_base *base;
static struct watch *watch;
static int stirred;

static void
on_stirred(void *arg)
{
	(void)arg;
	stirred++;
}

static void
setup(void)
{
	strcpy(top, "/tmp/cullis-watch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_eq(chdir(top), 0);
	ck_assert_int_eq(mkdir("a", 0700), 0);
	ck_assert_int_eq(mkdir("b", 0700), 0);
	base = event_base_new();
	watch = watch_new(base, on_stirred, NULL);
	stirred = 0;
}

static void
teardown(void)
{
	static const char *const names[] = {
	    "a/f", "b/f", "away/f", "link", "link.new", "a", "b", "away"};

	watch_free(watch);
	event_base_free(base);
	for (size_t i = 0; i < COUNT(names); i++)
		remove(names[i]);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(top), 0);
}

static void
set(const char *one, const char *two)
{
	struct str_list dirs = {0};

	str_list_add(&dirs, mem_strdup(one));
	if (two)
		str_list_add(&dirs, mem_strdup(two));
	watch_set(watch, &dirs);
	str_list_fini(&dirs);
}

/* Something happens there; whether we are told. */
static bool
tells(const char *dir)
{
	char *path = mem_printf("%s/f", dir);
	int fd;

	event_base_loop(base, EVLOOP_NONBLOCK); /* what came before */
	stirred = 0;
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	free(path);
	event_base_loop(base, EVLOOP_NONBLOCK);
	return stirred > 0;
}

/* Of all inotify descriptors of this process. */
static unsigned
watches(void)
{
	DIR *d = opendir("/proc/self/fdinfo");
	const struct dirent *e;
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d))) {
		char *path = mem_printf("/proc/self/fdinfo/%s", e->d_name);
		char line[256];
		FILE *f = fopen(path, "re");

		while (f && fgets(line, sizeof(line), f))
			n += strncmp(line, "inotify wd:", 11) == 0;
		if (f)
			fclose(f);
		free(path);
	}
	closedir(d);
	return n;
}

START_TEST(each_is_watched)
{
	set("a", "b");
	ck_assert(tells("a") && tells("b"));
	set("a", "b"); /* again: the same watches */
	ck_assert_uint_eq(watches(), 2);
	ck_assert(tells("a") && tells("b"));
}
END_TEST

START_TEST(missing_ones_are_left_out)
{
	set("none", "a");
	ck_assert_uint_eq(watches(), 1);
	ck_assert(tells("a"));
}
END_TEST

START_TEST(those_no_longer_named_are_left_alone)
{
	set("a", "b");
	set("b", "b/."); /* one directory by two names */
	ck_assert_uint_eq(watches(), 1);
	ck_assert(!tells("a") && tells("b"));
}
END_TEST

START_TEST(moved_and_replaced)
{
	set("a", NULL);
	ck_assert_int_eq(rename("a", "away"), 0);
	ck_assert_int_eq(mkdir("a", 0700), 0);
	set("a", NULL);
	ck_assert_uint_eq(watches(), 1);
	ck_assert(tells("a") && !tells("away"));
}
END_TEST

START_TEST(deleted_and_replaced)
{
	set("a", "b");
	ck_assert_int_eq(rmdir("a"), 0);
	set("a", "b");
	ck_assert_uint_eq(watches(), 1);
	ck_assert_int_eq(mkdir("a", 0700), 0);
	set("a", "b");
	ck_assert_uint_eq(watches(), 2);
	ck_assert(tells("a") && tells("b"));
}
END_TEST

/* However often it leads elsewhere. */
START_TEST(link_swapped)
{
	for (int i = 0; i < 20; i++) {
		const char *now = i % 2 ? "a" : "b",
			   *before = i % 2 ? "b" : "a";

		ck_assert_int_eq(symlink(now, "link.new"), 0);
		ck_assert_int_eq(rename("link.new", "link"), 0);
		set("link", NULL);
		ck_assert_uint_eq(watches(), 1);
		ck_assert(tells(now) && !tells(before));
	}
}
END_TEST

UNIT_MAIN_FIXTURE("watch", setup, teardown, each_is_watched,
    missing_ones_are_left_out, those_no_longer_named_are_left_alone,
    moved_and_replaced, deleted_and_replaced, link_swapped)
