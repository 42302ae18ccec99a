/*
 * peer: see peer.h.
 */
#include "net/peer.h"

#include "conf/users.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

static enum peer_state
look_unix(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (poll(&p, 1, 0) < 0)
		return PEER_UNKNOWN;
	return p.revents & POLLHUP ? PEER_GONE : PEER_HERE;
}

static void
put_address(const union address *a, __be16 *port, __be32 *addr)
{
	if (a->sa.sa_family == AF_INET6) {
		*port = a->in6.sin6_port;
		memcpy(addr, &a->in6.sin6_addr, 16);
	} else {
		*port = a->in.sin_port;
		memcpy(addr, &a->in.sin_addr, 4);
	}
}

/* Ask for the peer's own socket: its source is our destination.  0, or an
 * errno: ENOENT if there is no such socket. */
static int
ask(int nl, const union address *ours, const union address *theirs,
    struct inet_diag_msg *found)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} req = {.h = {.nlmsg_len = sizeof(req),
		     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		     .nlmsg_flags = NLM_F_REQUEST},
	    .r = {.sdiag_family = (__u8)ours->sa.sa_family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ~0u,
		.id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}};
	union {
		struct nlmsghdr h;
		char bytes[1024];
	} answer;
	ssize_t n;

	put_address(theirs, &req.r.id.idiag_sport, req.r.id.idiag_src);
	put_address(ours, &req.r.id.idiag_dport, req.r.id.idiag_dst);
	if (send(nl, &req, sizeof(req), 0) < 0)
		return errno;
	n = recv(nl, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(struct nlmsghdr))
		return EPROTO;
	if (answer.h.nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = NLMSG_DATA(&answer.h);

		return e->error < 0 ? -e->error : EPROTO;
	}
	if (answer.h.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    n < (ssize_t)NLMSG_LENGTH(sizeof(*found)))
		return EPROTO;
	memcpy(found, NLMSG_DATA(&answer.h), sizeof(*found));
	return 0;
}

/* The socket at the other end of this TCP connection.  0 or an errno; ENOTCONN
 * if ours is not connected any more. */
static int
find_tcp(int fd, const union address *ours, struct inet_diag_msg *found)
{
	union address theirs;
	socklen_t len = sizeof(theirs);
	int nl, r;

	if (getpeername(fd, &theirs.sa, &len) < 0)
		return errno;
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nl < 0)
		return errno;
	r = ask(nl, ours, &theirs, found);
	close(nl);
	return r;
}

enum peer_state
peer_look(int fd)
{
	union address ours;
	socklen_t len = sizeof(ours);
	struct inet_diag_msg found;

	if (getsockname(fd, &ours.sa, &len) < 0)
		return PEER_UNKNOWN;
	if (ours.sa.sa_family == AF_UNIX)
		return look_unix(fd);
	switch (find_tcp(fd, &ours, &found)) {
	case 0:
		return found.idiag_inode ? PEER_HERE : PEER_GONE;
	case ENOENT:
	case ENOTCONN:
		return PEER_GONE;
	default:
		return PEER_UNKNOWN;
	}
}

static struct peer
peer_of_uid(uid_t uid)
{
	if (uid == USERS_OVERFLOW_UID || uid == (uid_t)-1)
		return (struct peer){0};
	return (struct peer){.known = true, .uid = uid};
}

static struct peer
owner_unix(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return (struct peer){0};
	return peer_of_uid(cred.uid);
}

static bool
is_connected(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       (info.tcpi_state == TCP_ESTABLISHED ||
		   info.tcpi_state == TCP_CLOSE_WAIT);
}

/* The one who connected must still be there.  It might have gone, and somebody
 * else be calling from the same port: while our end stands, that one's socket
 * can get no further than SYN-SENT; so ours must stand after the answer, and
 * theirs be past that state. */
static bool
is_the_caller(int fd, const struct inet_diag_msg *found)
{
	return found->idiag_inode != 0 &&
	       (found->idiag_state == TCP_ESTABLISHED ||
		   found->idiag_state == TCP_FIN_WAIT1 ||
		   found->idiag_state == TCP_FIN_WAIT2) &&
	       is_connected(fd);
}

struct peer
peer_owner(int fd)
{
	union address ours;
	socklen_t len = sizeof(ours);
	struct inet_diag_msg found;

	if (getsockname(fd, &ours.sa, &len) < 0)
		return (struct peer){0};
	if (ours.sa.sa_family == AF_UNIX)
		return owner_unix(fd);
	if (find_tcp(fd, &ours, &found) != 0 || !is_the_caller(fd, &found))
		return (struct peer){0};
	return peer_of_uid(found.idiag_uid);
}
