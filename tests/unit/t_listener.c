/*
 * t_listener: where agents connect, and who may take whose socket file.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "net/listener.h"

#include "pki.h"
#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct loop loop;
static char *dir, *path;
static int accepted[100];
static unsigned naccepted;

static void
setup(void)
{
	loop_init(&loop);
	dir = dir_new();
	path = mem_printf("%s/sock", dir);
}

static void
teardown(void)
{
	for (unsigned i = 0; i < naccepted; i++)
		close(accepted[i]);
	loop_fini(&loop);
	dir_free(dir);
	free(path);
}

static void
on_accepted(void *arg, struct listener *l, int fd)
{
	ck_assert_ptr_eq(arg, &loop);
	ck_assert_ptr_nonnull(l);
	accepted[naccepted++] = fd;
}

static struct listener *
open_unix(unsigned mode, const char *group, struct err *err)
{
	const struct listen_addr a = {.kind = LISTEN_UNIX, .path = path};
	const struct listener_options o = {mode, group};

	return listener_open(&loop, &a, &o, err);
}

static struct listener *
open_tcp(const char *host, uint16_t port, struct err *err)
{
	const struct listen_addr a = {
	    .kind = LISTEN_TCP, .host = (char *)host, .port = port};

	return listener_open(&loop, &a, &(struct listener_options){0}, err);
}

static int
connect_unix(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sun.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
connect_tcp(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
turn_until(unsigned n)
{
	while (naccepted < n)
		loop_turn(&loop, EVLOOP_ONCE);
}

START_TEST(tcp)
{
	struct err err = ERR_INIT;
	struct listener *l = open_tcp("127.0.0.1", 0, &err);
	struct listen_addr addr;
	char name[40];
	int fd;

	ck_assert_msg(l != NULL, "%s", err.text);
	listener_start(l, on_accepted, &loop);
	ck_assert_uint_ne(listener_local(l)->port, 0);
	ck_assert(!listener_local(l)->is_unix);
	ck_span(listener_local(l)->host, "127.0.0.1");
	snprintf(name, sizeof(name), "127.0.0.1:%u", listener_local(l)->port);
	ck_assert_str_eq(listener_name(l), name);
	addr = listener_addr(l);
	ck_assert_int_eq(addr.kind, LISTEN_TCP);
	ck_assert_uint_eq(addr.port, listener_local(l)->port);
	free(addr.host);
	fd = connect_tcp(listener_local(l)->port);
	turn_until(1);
	close(fd);
	/* The port is taken now. */
	ck_assert_ptr_null(
	    open_tcp("127.0.0.1", listener_local(l)->port, &err));
	ck_assert_msg(strstr(err.text, name) && strstr(err.text, "another"),
	    "%s", err.text);
	listener_free(l);
}
END_TEST

START_TEST(unix_mode_and_file)
{
	static const unsigned modes[] = {0600, 0660, 0666};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < COUNT(modes); i++) {
		struct listener *l = open_unix(modes[i], NULL, &err);
		struct stat st;

		ck_assert_msg(l != NULL, "%s", err.text);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert(S_ISSOCK(st.st_mode));
		ck_assert_uint_eq(st.st_mode & 07777, modes[i]);
		ck_assert(listener_local(l)->is_unix);
		listener_free(l);
		ck_assert_int_ne(stat(path, &st), 0);
	}
}
END_TEST

START_TEST(unknown_group)
{
	struct err err = ERR_INIT;
	struct stat st;

	ck_assert_ptr_null(open_unix(0660, "no-such-group-here", &err));
	ck_assert_msg(strstr(err.text, "no-such-group-here"), "%s", err.text);
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

/* Left behind by a process that died. */
START_TEST(stale_file_is_replaced)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct err err = ERR_INIT;
	struct listener *l;

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	close(fd);
	l = open_unix(0600, NULL, &err);
	ck_assert_msg(l != NULL, "%s", err.text);
	listener_start(l, on_accepted, &loop);
	fd = connect_unix();
	ck_assert_int_ge(fd, 0);
	turn_until(1);
	close(fd);
	listener_free(l);
}
END_TEST

START_TEST(live_file_is_not)
{
	struct err err = ERR_INIT;
	struct listener *l = open_unix(0600, NULL, &err);
	int fd;

	ck_assert_msg(l != NULL, "%s", err.text);
	ck_assert_ptr_null(open_unix(0600, NULL, &err));
	ck_assert_msg(strstr(err.text, path), "%s", err.text);
	fd = connect_unix();
	ck_assert_int_ge(fd, 0);
	close(fd);
	listener_free(l);
}
END_TEST

/* It answers nobody because it is busy: still not ours to take, and nothing
 * to wait for. */
START_TEST(live_file_with_a_full_backlog)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), waiting[8];
	struct err err = ERR_INIT;
	struct stat st;

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	for (size_t i = 0; i < COUNT(waiting); i++)
		waiting[i] = connect_unix();
	ck_assert_int_eq(waiting[COUNT(waiting) - 1], -1);
	ck_assert_ptr_null(open_unix(0600, NULL, &err));
	ck_assert_int_eq(stat(path, &st), 0);
	for (size_t i = 0; i < COUNT(waiting); i++)
		if (waiting[i] >= 0)
			close(waiting[i]);
	close(fd);
}
END_TEST

START_TEST(a_file_that_is_no_socket)
{
	struct err err = ERR_INIT;
	struct stat st;

	dir_write(dir, "sock", 0600, "precious");
	ck_assert_ptr_null(open_unix(0600, NULL, &err));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 8);
}
END_TEST

START_TEST(path_too_long)
{
	struct err err = ERR_INIT;
	char *right = path;

	path = mem_printf("%s/%0120d", dir, 0);
	ck_assert_ptr_null(open_unix(0600, NULL, &err));
	ck_assert_msg(strstr(err.text, "longer than"), "%s", err.text);
	free(path);
	path = right;
}
END_TEST

START_TEST(pause_and_resume)
{
	struct err err = ERR_INIT;
	struct listener *l = open_unix(0600, NULL, &err);
	int a, b;

	ck_assert_msg(l != NULL, "%s", err.text);
	listener_start(l, on_accepted, &loop);
	listener_pause(l);
	a = connect_unix();
	ck_assert_int_ge(a, 0);
	for (int i = 0; i < 10; i++)
		loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(naccepted, 0);
	listener_resume(l);
	listener_resume(l);
	turn_until(1);
	/* Closing takes those along who have connected already. */
	b = connect_unix();
	listener_close(l);
	ck_assert_uint_eq(naccepted, 2);
	ck_assert_int_eq(connect_unix(), -1);
	close(a);
	close(b);
	listener_free(l);
}
END_TEST

START_TEST(out_of_descriptors)
{
	struct err err = ERR_INIT;
	struct listener *l = open_unix(0600, NULL, &err);
	struct rlimit old, none;
	int fd;

	ck_assert_msg(l != NULL, "%s", err.text);
	clock_fake(1000, 1);
	listener_start(l, on_accepted, &loop);
	fd = connect_unix();
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	setrlimit(RLIMIT_NOFILE, &old);
	/* It does not spin: only after a moment it looks again. */
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(naccepted, 0);
	timers_run(&loop.timers, 1100);
	turn_until(1);
	close(fd);
	listener_free(l);
}
END_TEST

/* How often it has been said so far. */
static unsigned
count_said(int fd, const char *msg)
{
	static char text[8192];
	static size_t len;
	unsigned n = 0;
	ssize_t r;

	while ((r = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)r;
	text[len] = '\0';
	for (const char *p = text; (p = strstr(p, msg)); p++)
		n++;
	return n;
}

/* Tried ten times a second and told every ten, and once when it is over. */
START_TEST(out_of_descriptors_is_told_once)
{
	static const struct {
		unsigned tenths; /* of a second, without descriptors */
		unsigned lacking, over;
	} steps[] = {{0, 1, 0}, {99, 1, 0}, {1, 2, 0}, {50, 2, 1}, {48, 2, 1},
	    {1, 3, 2}, {300, 6, 3}};
	struct err err = ERR_INIT;
	struct listener *l = open_unix(0600, NULL, &err);
	struct rlimit old, none;
	int64_t now_ms = 1000;
	int said[2], fd;

	ck_assert_msg(l != NULL, "%s", err.text);
	ck_assert_int_eq(pipe2(said, O_NONBLOCK | O_CLOEXEC), 0);
	dup2(said[1], STDERR_FILENO);
	close(said[1]);
	clock_fake(now_ms, 1);
	listener_start(l, on_accepted, &loop);
	fd = connect_unix();
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 0;
	for (size_t i = 0; i < COUNT(steps); i++) {
		setrlimit(RLIMIT_NOFILE, &none);
		loop_turn(&loop, EVLOOP_NONBLOCK);
		for (unsigned k = 0; k < steps[i].tenths; k++) {
			clock_fake(now_ms += 100, 1);
			timers_run(&loop.timers, now_ms);
			loop_turn(&loop, EVLOOP_NONBLOCK);
		}
		setrlimit(RLIMIT_NOFILE, &old);
		ck_assert_uint_eq(
		    count_said(said[0], "cannot accept"), steps[i].lacking);
		if (count_said(said[0], "accepts again") == steps[i].over)
			continue;
		/* Somebody left. */
		clock_fake(now_ms += 100, 1);
		timers_run(&loop.timers, now_ms);
		turn_until(naccepted + 1);
		ck_assert_uint_eq(
		    count_said(said[0], "accepts again"), steps[i].over);
		close(fd);
		fd = connect_unix();
	}
	close(fd);
	close(said[0]);
	listener_free(l);
}
END_TEST

/* One of somebody else's: closed, it is still theirs, backlog and file. */
START_TEST(adopted)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const struct listen_addr addr = {.kind = LISTEN_UNIX, .path = path};
	int theirs = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), a, b;
	struct listener *ours;

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(theirs, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(theirs, 10), 0);
	ours = listener_adopt(&loop, dup(theirs), &addr);
	ck_assert(listener_is_adopted(ours));
	listener_start(ours, on_accepted, &loop);
	a = connect_unix();
	turn_until(1);
	listener_pause(ours);
	b = connect_unix();
	loop_turn(&loop, EVLOOP_NONBLOCK);
	listener_resume(ours);
	listener_pause(ours);
	listener_free(ours);
	ck_assert_uint_eq(naccepted, 1);
	ours = listener_adopt(&loop, theirs, &addr);
	listener_start(ours, on_accepted, &loop);
	turn_until(2);
	/* Not even while it accepts does closing take the backlog. */
	close(b);
	b = connect_unix();
	listener_close(ours);
	ck_assert_uint_eq(naccepted, 2);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(a);
	close(b);
	listener_free(ours);
}
END_TEST

UNIT_MAIN_FIXTURE("listener", setup, teardown, tcp, unix_mode_and_file,
    unknown_group, stale_file_is_replaced, live_file_is_not,
    live_file_with_a_full_backlog, a_file_that_is_no_socket, path_too_long,
    pause_and_resume, out_of_descriptors, out_of_descriptors_is_told_once,
    adopted)
