/*
 * peer: what the kernel knows about the process at the other end of a local
 * connection: has it left, and whose is it?
 *
 * Threads: any; makes a few system calls and never blocks.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <stdbool.h>
#include <sys/types.h>

enum peer_state {
	PEER_HERE,    /* still holds its socket: it only half-closed */
	PEER_GONE,    /* closed its socket or died */
	PEER_UNKNOWN, /* not a local peer, or the kernel does not say */
};

/* Asked after EOF was read from fd: has the client left, or will it still
 * read?  Unix sockets by POLLHUP, TCP by sock_diag(7): a closed socket has no
 * inode any more. */
enum peer_state peer_look(int fd);

/* Whose process is it?  Starts as all zero: not known. */
struct peer {
	bool known;
	uid_t uid; /* only if known; never the overflow uid */
};

/*
 * The owner of the socket that fd, an accepted one, is connected to: of a Unix
 * socket who called connect() (SO_PEERCRED), of TCP who made the peer's socket
 * (sock_diag).  Ask once, right after accept(): later the peer may have gone.
 *
 * Not known, rather than guessed, is a peer on another machine or in another
 * network namespace; one that has closed its socket already, for then the
 * kernel says uid 0; one whose uid our user namespace does not map; and any
 * peer where the kernel does not answer.
 */
struct peer peer_owner(int fd);

#endif
