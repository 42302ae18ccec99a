/*
 * peer: see peer.h.
 */
#include "net/peer.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
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

/* Ask for the peer's own socket: its source is our destination. */
static enum peer_state
ask(int nl, const union address *ours, const union address *theirs)
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
	const struct inet_diag_msg *msg;
	ssize_t n;

	put_address(theirs, &req.r.id.idiag_sport, req.r.id.idiag_src);
	put_address(ours, &req.r.id.idiag_dport, req.r.id.idiag_dst);
	if (send(nl, &req, sizeof(req), 0) < 0)
		return PEER_UNKNOWN;
	n = recv(nl, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < (ssize_t)sizeof(struct nlmsghdr))
		return PEER_UNKNOWN;
	if (answer.h.nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = NLMSG_DATA(&answer.h);

		return e->error == -ENOENT ? PEER_GONE : PEER_UNKNOWN;
	}
	if (answer.h.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    n < (ssize_t)NLMSG_LENGTH(sizeof(*msg)))
		return PEER_UNKNOWN;
	msg = NLMSG_DATA(&answer.h);
	return msg->idiag_inode ? PEER_HERE : PEER_GONE;
}

enum peer_state
peer_look(int fd)
{
	union address ours, theirs;
	socklen_t olen = sizeof(ours), tlen = sizeof(theirs);
	enum peer_state state;
	int nl;

	if (getsockname(fd, &ours.sa, &olen) < 0)
		return PEER_UNKNOWN;
	if (ours.sa.sa_family == AF_UNIX)
		return look_unix(fd);
	if (getpeername(fd, &theirs.sa, &tlen) < 0)
		return PEER_GONE;
	nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (nl < 0)
		return PEER_UNKNOWN;
	state = ask(nl, &ours, &theirs);
	close(nl);
	return state;
}
