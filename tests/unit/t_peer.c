/*
 * t_peer: after EOF, has the other end half-closed or gone?
 */
#include "net/peer.h"

#include "unit.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection within this machine: pair[0] is ours, pair[1] the peer's. */
static void
tcp_pair(int family, int pair[2])
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr = {0};
	socklen_t len = sizeof(addr);
	int l = socket(family, SOCK_STREAM, 0);

	addr.sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		addr.in6.sin6_addr = in6addr_loopback;
	ck_assert_int_eq(
	    bind(l, &addr.sa,
		family == AF_INET ? sizeof(addr.in) : sizeof(addr.in6)),
	    0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, &addr.sa, &len), 0);
	pair[1] = socket(family, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(pair[1], &addr.sa, len), 0);
	pair[0] = accept(l, NULL, NULL);
	ck_assert_int_ge(pair[0], 0);
	close(l);
}

static void
make_pair(int family, int pair[2])
{
	if (family == AF_UNIX)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	else
		tcp_pair(family, pair);
}

static bool
has_ipv6(void)
{
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool ok =
	    fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void
wait_for_eof(int fd)
{
	char c;

	ck_assert_int_eq(read(fd, &c, 1), 0); /* blocks until it is there */
}

static const int families[] = {AF_UNIX, AF_INET, AF_INET6};

START_TEST(open_half_closed_gone)
{
	int pair[2];

	if (families[_i] == AF_INET6 && !has_ipv6())
		return; /* a machine without ::1 has no such peers */
	make_pair(families[_i], pair);
	ck_assert_int_eq(peer_look(pair[0]), PEER_HERE);
	shutdown(pair[1], SHUT_WR);
	wait_for_eof(pair[0]);
	ck_assert_int_eq(peer_look(pair[0]), PEER_HERE);
	/* Whatever it has not read yet changes nothing. */
	ck_assert_int_eq(send(pair[0], "x", 1, 0), 1);
	ck_assert_int_eq(peer_look(pair[0]), PEER_HERE);
	close(pair[1]);
	ck_assert_int_eq(peer_look(pair[0]), PEER_GONE);
	close(pair[0]);
}
END_TEST

START_TEST(closed_at_once)
{
	int pair[2];

	if (families[_i] == AF_INET6 && !has_ipv6())
		return;
	make_pair(families[_i], pair);
	close(pair[1]);
	wait_for_eof(pair[0]);
	ck_assert_int_eq(peer_look(pair[0]), PEER_GONE);
	close(pair[0]);
}
END_TEST

START_TEST(not_a_socket)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(peer_look(fds[0]), PEER_UNKNOWN);
	ck_assert_int_eq(peer_look(-1), PEER_UNKNOWN);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

UNIT_MAIN_ROWS("peer", NULL, NULL, {open_half_closed_gone, COUNT(families)},
    {closed_at_once, COUNT(families)}, {not_a_socket, 1})
