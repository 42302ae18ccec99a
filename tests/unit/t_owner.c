/*
 * t_owner: whose process is at the other end of an accepted connection?  The
 * rows with another uid need root; without it they are about our own.
 */
#include "net/peer.h"

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define OTHER_UID 4711
#define NOBODY 65534

enum kind { UNIX, INET, INET6, MAPPED };
enum deed { STAYS, HALF_CLOSES, CLOSES, RESETS };

union address {
	struct sockaddr sa;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t
address_of(enum kind kind, union address *a)
{
	*a = (union address){0};
	if (kind == UNIX) {
		a->un.sun_family = AF_UNIX;
		snprintf(a->un.sun_path, sizeof(a->un.sun_path),
		    "/tmp/cullis-peer-%d.sock", (int)getpid());
		return sizeof(a->un);
	}
	if (kind == INET6) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_addr = in6addr_loopback;
		return sizeof(a->in6);
	}
	a->in.sin_family = AF_INET;
	a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sizeof(a->in);
}

static bool
has_ipv6(void)
{
	union address a;
	socklen_t len = address_of(INET6, &a);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool ok = fd >= 0 && bind(fd, &a.sa, len) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A listening socket; *a becomes where to connect to. */
static int
listen_at(enum kind kind, union address *a)
{
	socklen_t len = address_of(kind, a);
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, &a->sa, len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, &a->sa, &len), 0);
	if (kind == UNIX)
		ck_assert_int_eq(chmod(a->un.sun_path, 0666), 0);
	return fd;
}

/* The v4 address as a v6 socket sees it (RFC 4291 section 2.5.5.2). */
static void
map_address(union address *a)
{
	in_port_t port = a->in.sin_port;

	*a = (union address){0};
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = port;
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &a->in6.sin6_addr);
}

static void
do_deed(int fd, enum deed deed)
{
	const struct linger hard = {1, 0};

	if (deed == HALF_CLOSES)
		shutdown(fd, SHUT_WR);
	if (deed == RESETS)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (deed == CLOSES || deed == RESETS)
		close(fd);
}

/* In the child: connect as uid, do it, say so, wait for the end. */
static void
be_the_peer(
    const union address *a, uid_t uid, enum deed deed, int said, int end)
{
	socklen_t len = a->sa.sa_family == AF_UNIX   ? sizeof(a->un)
			: a->sa.sa_family == AF_INET ? sizeof(a->in)
						     : sizeof(a->in6);
	char byte = 0;
	int fd;

	if (uid != getuid() && setresuid(uid, uid, uid) < 0)
		_exit(1);
	fd = socket(a->sa.sa_family, SOCK_STREAM, 0);
	if (connect(fd, &a->sa, len) < 0 || write(fd, "GET", 3) != 3)
		_exit(2);
	do_deed(fd, deed);
	if (write(said, &byte, 1) != 1)
		_exit(3);
	if (read(end, &byte, 1) != 0)
		_exit(4);
	_exit(0);
}

static const struct row {
	const char *why;
	enum kind kind;
	enum deed deed;
	uid_t uid; /* 0: our own */
	bool known;
	enum peer_state state; /* once its EOF could be read */
} peers[] = {
    {"Unix, us", UNIX, STAYS, 0, true, PEER_HERE},
    {"Unix, somebody else", UNIX, STAYS, OTHER_UID, true, PEER_HERE},
    {"Unix, gone: who it was is still known", UNIX, CLOSES, OTHER_UID, true,
	PEER_GONE},
    {"Unix, nobody may be anybody", UNIX, STAYS, NOBODY, false, PEER_HERE},
    {"IPv4, us", INET, STAYS, 0, true, PEER_HERE},
    {"IPv4, somebody else", INET, STAYS, OTHER_UID, true, PEER_HERE},
    {"IPv4, half-closed", INET, HALF_CLOSES, OTHER_UID, true, PEER_HERE},
    {"IPv4, closed: the kernel says uid 0", INET, CLOSES, OTHER_UID, false,
	PEER_GONE},
    {"IPv4, reset", INET, RESETS, OTHER_UID, false, PEER_GONE},
    {"IPv4, nobody", INET, STAYS, NOBODY, false, PEER_HERE},
    {"IPv6, us", INET6, STAYS, 0, true, PEER_HERE},
    {"IPv6, somebody else", INET6, STAYS, OTHER_UID, true, PEER_HERE},
    {"IPv6, closed", INET6, CLOSES, OTHER_UID, false, PEER_GONE},
    {"IPv4 from an IPv6 socket", MAPPED, STAYS, OTHER_UID, true, PEER_HERE},
};

START_TEST(owner_and_state)
{
	const struct row *row = &peers[_i];
	uid_t uid = row->uid && getuid() == 0 ? row->uid : getuid();
	/* Who cannot become nobody is somebody. */
	bool known = row->known || (row->uid == NOBODY && uid != NOBODY);
	int said[2], end[2], l, fd, status;
	union address a;
	struct peer peer;
	char byte;
	pid_t child;

	if ((row->kind == INET6 || row->kind == MAPPED) && !has_ipv6())
		return; /* a machine without ::1 has no such peers */
	l = listen_at(row->kind, &a);
	if (row->kind == MAPPED)
		map_address(&a);
	ck_assert_int_eq(pipe(said), 0);
	ck_assert_int_eq(pipe(end), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(end[1]);
		close(l);
		be_the_peer(&a, uid, row->deed, said[1], end[0]);
	}
	close(end[0]);
	close(said[1]);
	ck_assert_msg(read(said[0], &byte, 1) == 1, "%s: no peer", row->why);
	fd = accept(l, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	peer = peer_owner(fd);
	ck_assert_msg(peer.known == known, "%s: known is %d, uid %u", row->why,
	    peer.known, (unsigned)peer.uid);
	if (peer.known)
		ck_assert_msg(peer.uid == uid, "%s: uid %u", row->why,
		    (unsigned)peer.uid);
	ck_assert_msg(peer_look(fd) == row->state, "%s: state %d", row->why,
	    peer_look(fd));
	close(end[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(fd);
	close(l);
	close(said[0]);
	if (row->kind == UNIX)
		unlink(a.un.sun_path);
}
END_TEST

START_TEST(nothing_to_ask_about)
{
	int fds[2], fd;
	struct peer peer;

	ck_assert(!peer_owner(-1).known);
	ck_assert_int_eq(peer_look(-1), PEER_UNKNOWN);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert(!peer_owner(fd).known);
	close(fd);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	peer = peer_owner(fds[0]);
	ck_assert(peer.known && peer.uid == getuid());
	close(fds[0]);
	close(fds[1]);
}
END_TEST

UNIT_MAIN_ROWS("owner", NULL, NULL, {owner_and_state, COUNT(peers)},
    {nothing_to_ask_about, 1})
