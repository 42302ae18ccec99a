/*
 * unixsock: the file of a listening Unix socket: bound with its mode and group
 * before anybody can connect, taken over from the dead but not from the
 * living, removed at the end if it is still ours.
 *
 * PATH.lock is locked (flock) from before the first look at PATH until after
 * its removal, so that of two that start together one wins, and nobody takes
 * a socket that is bound but does not listen yet for a dead one.
 *
 * Threads: main.  unixsock_bind() sets the umask for a moment: call it before
 * other threads make files.
 */
#ifndef NET_UNIXSOCK_H
#define NET_UNIXSOCK_H

#include "base/attr.h"
#include "base/err.h"

#include <sys/types.h>

struct unixsock {
	char *path; /* NULL: nothing is bound */
	char *lock_path;
	int lock_fd;
	dev_t dev; /* of the socket's file */
	ino_t ino;
};

/* A bound socket, non-blocking and close-on-exec, that does not listen yet.
 * group: by name or number, or NULL.  The descriptor is the caller's; -1 with
 * err, and then there is nothing to release. */
int unixsock_bind(struct unixsock *, const char *path, unsigned mode,
    const char *group, struct err *) ATTR_MUST_USE;
/* Remove the file, if it is the one that we made, and unlock. */
void unixsock_release(struct unixsock *);

#endif
