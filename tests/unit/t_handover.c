/*
 * t_handover: which descriptors systemd says are ours, and what they are.  Each
 * test is in a process of its own, for libcheck has descriptor 3 itself; so
 * they use assert().
 */
#include "net/handover.h"

#include "base/mem.h"

#include "unit.h"

#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptor fd becomes a TCP socket on loopback that listens. */
static uint16_t
listen_as(int fd)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(in);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	assert(bind(s, (struct sockaddr *)&in, sizeof(in)) == 0);
	assert(listen(s, 5) == 0);
	assert(getsockname(s, (struct sockaddr *)&in, &len) == 0);
	if (s != fd) {
		assert(dup2(s, fd) == fd);
		close(s);
	}
	return ntohs(in.sin_port);
}

static void
set_all(const char *pid, const char *fds, const char *names)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", getpid());
	setenv("LISTEN_PID", pid ? pid : self, 1);
	setenv("LISTEN_FDS", fds, 1);
	unsetenv("LISTEN_FDNAMES");
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
}

static void
check_unset(void)
{
	assert(!getenv("LISTEN_PID"));
	assert(!getenv("LISTEN_FDS"));
	assert(!getenv("LISTEN_FDNAMES"));
}

static void
three_of_them(int row)
{
	struct err err = ERR_INIT;
	struct buf names = BUF_INIT;
	struct listen_addr at = {
	    .kind = LISTEN_TCP, .host = (char *)"127.0.0.1"};
	struct handover h;
	struct handed *one;

	(void)row;
	listen_as(3);
	at.port = listen_as(4);
	listen_as(5);
	set_all(NULL, "3", "proxy:admin:proxy");
	assert(handover_receive(&h, &err) == 0);
	check_unset();
	assert(h.n == 3);
	assert((fcntl(3, F_GETFL) & O_NONBLOCK) != 0);
	assert((fcntl(4, F_GETFD) & FD_CLOEXEC) != 0);
	handover_print_names(&h, &names);
	assert(span_eq(buf_span(&names), SPAN("proxy, admin")));
	buf_free(&names);

	assert(!handover_named(&h, "prox"));
	one = handover_named(&h, "proxy");
	assert(one->fd == 3);
	close(one->fd);
	one->fd = -1;
	one = handover_named(&h, "proxy");
	assert(one->fd == 5);
	close(one->fd);
	one->fd = -1;
	assert(!handover_named(&h, "proxy"));
	assert(handover_knows(&h, "proxy"));
	assert(!handover_knows(&h, "web"));
	assert(handover_at(&h, &at)->fd == 4);
	at.port++;
	assert(!handover_at(&h, &at));
	handover_fini(&h);
	assert(fcntl(4, F_GETFD) < 0);
}

static void
fewer_names(int row)
{
	struct err err = ERR_INIT;
	struct handover h;

	listen_as(3);
	listen_as(4);
	set_all(NULL, "2", row ? NULL : ":");
	assert(handover_receive(&h, &err) == 0);
	assert(strcmp(h.v[0].name, "unknown") == 0);
	assert(strcmp(h.v[1].name, "unknown") == 0);
	handover_fini(&h);
}

static const struct {
	const char *pid, *fds;
	bool ok;
} cases[] = {
    {"1", "1", true}, /* somebody else's */
    {"", "1", true}, {"x", "1", true}, {NULL, "0", true}, {NULL, "", false},
    {NULL, "-1", false}, {NULL, "1x", false},
    {NULL, "18446744073709551616", false}, {NULL, "1000000", false},
    {NULL, "900", false}, /* not open */
};

static void
none(int row)
{
	struct err err = ERR_INIT;
	struct buf names = BUF_INIT;
	struct handover h;

	set_all(cases[row].pid, cases[row].fds, "proxy");
	assert((handover_receive(&h, &err) == 0) == cases[row].ok);
	check_unset();
	if (cases[row].ok) {
		assert(h.n == 0);
		handover_print_names(&h, &names);
		assert(span_eq(buf_span(&names), SPAN("none")));
		buf_free(&names);
	} else {
		assert(err.exit == EXIT_CONFIG);
		assert(strcmp(err.text, "") != 0);
	}
	handover_fini(&h);
}

static void
in_child(void (*test)(int row), int row)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		close_range(3, 99, 0);
		test(row);
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(takes_three)
{
	in_child(three_of_them, 0);
}
END_TEST

START_TEST(takes_nameless)
{
	in_child(fewer_names, _i);
}
END_TEST

START_TEST(takes_none)
{
	in_child(none, _i);
}
END_TEST

static void
nothing(void)
{
}

UNIT_MAIN_ROWS("handover", nothing, nothing, {takes_three, 1},
    {takes_nameless, 2}, {takes_none, COUNT(cases)})
