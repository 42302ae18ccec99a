/*
 * secret: credentials that a configuration key names a file for, so that they
 * stand in no configuration, no process list and no environment.
 *
 * Threads: main only.
 */
#ifndef CONF_SECRET_H
#define CONF_SECRET_H

#include "auth/finding.h"

/* The first line of the file, which must read user:password; NULL and an error
 * among the findings if not.  For mem_wipe_free_str(). */
char *secret_read_user(const char *path, struct findings *) ATTR_MUST_USE;

#endif
