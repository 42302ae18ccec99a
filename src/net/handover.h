/*
 * handover: listening sockets that systemd opened and hands to us
 * (sd_listen_fds(3)): from LISTEN_FDS on number 3, each with a name, the
 * FileDescriptorName= of its .socket unit; several may have the same.
 *
 * Threads: main.
 */
#ifndef NET_HANDOVER_H
#define NET_HANDOVER_H

#include "base/err.h"
#include "conf/value.h"

struct handed {
	int fd; /* owned; -1 once it has been taken */
	char *name;
	struct listen_addr addr; /* where it listens; never LISTEN_FD */
};

struct handover {
	struct handed *v;
	size_t n;
};

/* What LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say is ours; they are unset,
 * so that no child takes it for its own.  0, or -1 with err: what is there is
 * not a listening stream socket.  Once, before other descriptors are opened. */
int handover_receive(struct handover *, struct err *) ATTR_MUST_USE;
/* Closes what nobody took. */
void handover_fini(struct handover *);

/* The next one with this name, or at this address, that nobody has taken, or
 * NULL. */
struct handed *handover_named(struct handover *, const char *name);
struct handed *handover_at(struct handover *, const struct listen_addr *);
/* Does somebody have this name, taken or not? */
bool handover_knows(const struct handover *, const char *name);
/* The names, each once, for a sentence; "none" without any. */
void handover_print_names(const struct handover *, struct buf *);

#endif
