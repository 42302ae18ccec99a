/*
 * t_unixsock: the file of a Unix socket: mode and group from its first moment,
 * what may be replaced and what may not, and two that start together.
 */
#include "net/unixsock.h"

#include "base/mem.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[40], *path, *lock;

static void
setup(void)
{
	strcpy(dir, "/tmp/cullis-sock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = mem_printf("%s/p.sock", dir);
	lock = mem_printf("%s/p.sock.lock", dir);
}

static void
teardown(void)
{
	char *other = mem_printf("%s/other", dir);

	unlink(path);
	unlink(lock);
	unlink(other);
	ck_assert_int_eq(rmdir(dir), 0);
	free(path);
	free(lock);
	free(other);
}

static bool
exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

static bool
connects(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;

	strcpy(sun.sun_path, path);
	r = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	close(fd);
	return r == 0;
}

/* A socket bound by somebody else, who does not lock anything. */
static int
bound_by_another(int type)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static int
bind_it(struct unixsock *u, struct err *err)
{
	return unixsock_bind(u, path, 0660, NULL, err);
}

static void
must_fail(const char *want, enum err_exit exit_status)
{
	struct unixsock u;
	struct err err = ERR_INIT;

	ck_assert_int_lt(bind_it(&u, &err), 0);
	ck_assert_msg(strstr(err.text, want) && strstr(err.text, path),
	    "\"%s\" does not say \"%s\"", err.text, want);
	ck_assert_int_eq(err.exit, exit_status);
}

START_TEST(mode_and_group)
{
	static const struct {
		unsigned mode;
		const char *group;
		gid_t gid;
	} rows[] = {
	    {0660, NULL, 0},
	    {0600, NULL, 0},
	    {0666, NULL, 0},
	    {0, NULL, 0},
	    {0660, "4242", 4242},
	    {0660, "daemon", 1},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct unixsock u;
		struct err err = ERR_INIT;
		mode_t mask;
		struct stat st;
		int fd;

		if (rows[i].group && getuid() != 0)
			continue;
		mask = umask(0077);
		fd = unixsock_bind(&u, path, rows[i].mode, rows[i].group, &err);
		ck_assert_msg(fd >= 0, "%s", err.text);
		ck_assert_uint_eq(umask(mask), 0077);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert(S_ISSOCK(st.st_mode));
		ck_assert_uint_eq(st.st_mode & 07777, rows[i].mode);
		if (rows[i].group)
			ck_assert_uint_eq(st.st_gid, rows[i].gid);
		/* Its mode stands before anybody can get in. */
		ck_assert(!connects());
		ck_assert_int_eq(listen(fd, 1), 0);
		ck_assert(connects());
		unixsock_release(&u);
		close(fd);
		ck_assert(!exists(path) && !exists(lock));
	}
}
END_TEST

START_TEST(unknown_group)
{
	struct unixsock u;
	struct err err = ERR_INIT;

	ck_assert_int_lt(
	    unixsock_bind(&u, path, 0660, "no-such-group", &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "no group no-such-group"));
	ck_assert_int_eq(err.exit, EXIT_CONFIG);
	ck_assert(!exists(path) && !exists(lock));
}
END_TEST

START_TEST(the_dead_are_replaced)
{
	struct unixsock u;
	struct err err = ERR_INIT;
	int fd;

	close(bound_by_another(SOCK_STREAM));
	/* What a crash leaves behind. */
	close(open(lock, O_CREAT | O_WRONLY, 0600));
	fd = bind_it(&u, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	unixsock_release(&u);
	close(fd);
	ck_assert(!exists(path) && !exists(lock));
}
END_TEST

START_TEST(the_living_are_not)
{
	int fd = bound_by_another(SOCK_STREAM);

	ck_assert_int_eq(listen(fd, 0), 0);
	must_fail("another program listens there", EXIT_RUNTIME);
	/* Our first look has filled its backlog: it is still alive, and nobody
	 * waits for it. */
	must_fail("another program listens there", EXIT_RUNTIME);
	ck_assert(exists(path));
	close(fd);
	unlink(path);

	fd = bound_by_another(SOCK_DGRAM);
	must_fail("another program listens there", EXIT_RUNTIME);
	close(fd);
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
	char *other = mem_printf("%s/other", dir);

	close(open(path, O_CREAT | O_WRONLY, 0600));
	must_fail("is not a socket", EXIT_CONFIG);
	unlink(path);

	/* A link, even to a dead socket, is not ours to follow or remove. */
	close(bound_by_another(SOCK_STREAM));
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(symlink(other, path), 0);
	must_fail("is not a socket", EXIT_CONFIG);
	ck_assert(exists(path) && exists(other));
	free(other);
}
END_TEST

START_TEST(a_lock_that_is_held)
{
	struct unixsock u, second;
	struct err err = ERR_INIT;
	int held = open(lock, O_CREAT | O_RDWR, 0600), fd;

	ck_assert_int_eq(flock(held, LOCK_EX), 0);
	must_fail("another program listens there", EXIT_RUNTIME);
	ck_assert(exists(lock));
	close(held);

	/* Bound, and not listening yet: not dead, though it refuses. */
	fd = bind_it(&u, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert(!connects());
	ck_assert_int_lt(bind_it(&second, &err), 0);
	ck_assert(exists(path) && exists(lock));
	unixsock_release(&u);
	close(fd);
}
END_TEST

START_TEST(a_lock_that_is_a_link)
{
	struct unixsock u;
	struct err err = ERR_INIT;
	char *other = mem_printf("%s/other", dir);

	ck_assert_int_eq(symlink(other, lock), 0);
	ck_assert_int_lt(bind_it(&u, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, lock));
	ck_assert(!exists(other));
	free(other);
}
END_TEST

START_TEST(only_our_own_file_is_removed)
{
	struct unixsock u;
	struct err err = ERR_INIT;
	int fd = bind_it(&u, &err), other;

	ck_assert_int_ge(fd, 0);
	unlink(path);
	other = bound_by_another(SOCK_STREAM);
	unixsock_release(&u);
	ck_assert(exists(path) && !exists(lock));
	close(other);
	close(fd);
}
END_TEST

START_TEST(paths_that_cannot_be)
{
	struct unixsock u;
	struct err err = ERR_INIT;
	char name[200];

	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[108] = '\0';
	ck_assert_int_lt(unixsock_bind(&u, name, 0660, NULL, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "longer than 107 bytes"));
	ck_assert_int_lt(
	    unixsock_bind(&u, "/nonexistent/p.sock", 0660, NULL, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/p.sock"));
}
END_TEST

/* Children that start at the same moment over a dead socket: exactly one gets
 * it, and it is the one that can be reached afterwards. */
START_TEST(one_of_many_wins)
{
	enum { CHILDREN = 4, ROUNDS = 25 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		int start[2], won[2], stop[2];
		char bytes[CHILDREN];
		unsigned winners = 0;

		close(bound_by_another(SOCK_STREAM));
		ck_assert(!pipe(start) && !pipe(won) && !pipe(stop));
		for (unsigned i = 0; i < CHILDREN; i++) {
			struct unixsock u;
			struct err err = ERR_INIT;
			char c = 'n';
			int fd;

			if (fork() != 0)
				continue;
			close(start[1]);
			close(stop[1]);
			if (read(start[0], &c, 1) != 0)
				_exit(1);
			fd = bind_it(&u, &err);
			c = fd >= 0 && listen(fd, 8) == 0 ? 'y' : 'n';
			if (write(won[1], &c, 1) != 1 ||
			    read(stop[0], &c, 1) != 0)
				_exit(2);
			if (fd >= 0)
				unixsock_release(&u);
			_exit(0);
		}
		close(start[0]);
		close(start[1]);
		for (unsigned i = 0; i < CHILDREN; i++) {
			ck_assert_int_eq(read(won[0], &bytes[i], 1), 1);
			winners += bytes[i] == 'y';
		}
		ck_assert_uint_eq(winners, 1);
		ck_assert(connects());
		close(stop[0]);
		close(stop[1]);
		for (unsigned i = 0; i < CHILDREN; i++) {
			int status;

			ck_assert_int_gt(wait(&status), 0);
			ck_assert_int_eq(status, 0);
		}
		ck_assert(!exists(path) && !exists(lock));
		close(won[0]);
		close(won[1]);
	}
}
END_TEST

UNIT_MAIN_FIXTURE("unixsock", setup, teardown, mode_and_group, unknown_group,
    the_dead_are_replaced, the_living_are_not, what_is_no_socket_stays,
    a_lock_that_is_held, a_lock_that_is_a_link, only_our_own_file_is_removed,
    paths_that_cannot_be, one_of_many_wins)
