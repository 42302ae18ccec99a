/*
 * addrfile: the addresses that are really bound, in $RUNTIME_DIRECTORY/address,
 * for the subcommands that talk to a running sidecar and for scripts that let
 * the kernel pick the port.  Written like a configuration file:
 *
 *	listen = 127.0.0.1:40001
 *	admin-listen = unix:/run/cullis-sidecar/admin.sock
 *	metrics-listen = 10.1.2.3:9464
 *
 * The directory is one sidecar's alone: it holds a lock (flock) on it as long
 * as it runs, so that a second one does not put its addresses in place of the
 * first one's.
 *
 * Threads: any; values only.
 */
#ifndef CONF_ADDRFILE_H
#define CONF_ADDRFILE_H

#include "base/err.h"
#include "conf/value.h"

struct addrfile {
	struct listen_list listen, admin, metrics;
};

/* A descriptor that is the lock: the caller's to close, at the end.  -1 with
 * err filled in: another sidecar has it, or there is no such directory. */
int addrfile_lock(const char *dir, struct err *err) ATTR_MUST_USE;

/* Replace dir/address in one step.  Returns 0, or -1 with err filled in. */
int addrfile_write(
    const char *dir, const struct addrfile *, struct err *) ATTR_MUST_USE;

/* Read it back into lists that are empty, the caller's to give back.
 * Returns 0, or -1 with err filled in; the lists are empty then. */
int addrfile_read(
    const char *dir, struct addrfile *, struct err *) ATTR_MUST_USE;
void addrfile_fini(struct addrfile *);

#endif
