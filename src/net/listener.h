/*
 * listener: one listening socket, TCP or Unix, that hands accepted
 * descriptors to a callback.
 *
 * Threads: main.  Running out of descriptors pauses accepting for a moment
 * instead of spinning; the log says so at most every 10 s, and once when it is
 * over.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "base/err.h"
#include "conf/route.h"
#include "net/loop.h"

struct listener;

struct listener_options {
	unsigned mode;     /* of a Unix socket's file */
	const char *group; /* of that file, name or number, or NULL */
	const char *key;   /* for errors; NULL: listen */
};

/* fd is non-blocking and close-on-exec, owned by the callee. */
typedef void listener_accepted(void *arg, struct listener *, int fd);

/* Bind and listen; accepting begins with listener_start(). NULL with err. */
struct listener *listener_open(struct loop *, const struct listen_addr *,
    const struct listener_options *, struct err *) ATTR_MUST_USE;
/* One that somebody else opened and keeps (handover.h): takes over fd, copies
 * the address.  Closed, it leaves its backlog and its file to them. */
struct listener *listener_adopt(
    struct loop *, int fd, const struct listen_addr *) ATTR_MUST_USE;
bool listener_is_adopted(const struct listener *);
void listener_start(struct listener *, listener_accepted *, void *arg);
/* For max-clients: stop for now, go on. */
void listener_pause(struct listener *);
void listener_resume(struct listener *);
/* Accept what is in the backlog, then close; removes a Unix socket's file.  Of
 * one that was adopted only our descriptor is closed. */
void listener_close(struct listener *);
/* After the last client that came through it has gone. */
void listener_free(struct listener *);

/* "127.0.0.1:7780", "[::1]:7780" or "unix:/path", with the real port. */
const char *listener_name(const struct listener *);
/* The same as a value of its own, for the address file. */
struct listen_addr listener_addr(const struct listener *);
/* What requests are judged by; borrows from the listener. */
const struct route_local *listener_local(const struct listener *);

#endif
