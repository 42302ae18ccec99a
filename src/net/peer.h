/*
 * peer: what the kernel knows about the process at the other end of a local
 * connection.
 *
 * Threads: any; makes a few system calls and never blocks.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

enum peer_state {
	PEER_HERE,    /* still holds its socket: it only half-closed */
	PEER_GONE,    /* closed its socket or died */
	PEER_UNKNOWN, /* not a local peer, or the kernel does not say */
};

/* Asked after EOF was read from fd: has the client left, or will it still
 * read?  Unix sockets by POLLHUP, TCP by sock_diag(7): a closed socket has no
 * inode any more. */
enum peer_state peer_look(int fd);

#endif
