/*
 * err: why something in the control plane failed, as one sentence for the
 * person who has to mend it: it names the file, line, field or host and says
 * what to do.  Whoever decides prints it, once.
 *
 * Threads: a plain value, owned by the caller.  Never holds a secret.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

/* Exit statuses of the program; conventions "exit codes". */
enum err_exit {
	EXIT_RUNTIME = 1, /* port in use, gateway unreachable, ... */
	EXIT_USAGE = 2,   /* command line */
	EXIT_NOPERM = 77, /* permission denied on a file or address */
	EXIT_CONFIG = 78, /* any other configuration or identity error */
};

#define ERR_TEXT_MAX 1024

struct err {
	enum err_exit exit;
	char text[ERR_TEXT_MAX]; /* no newline at the end; "" = no error */
};

#define ERR_INIT                                 \
	{                                        \
		.exit = EXIT_RUNTIME, .text = "" \
	}

/* Replace the error.  Cut at ERR_TEXT_MAX - 1 bytes. Always returns -1, so
 * that a function may say `return err_set(err, EXIT_CONFIG, ...)`. */
int err_set(struct err *, enum err_exit, const char *fmt, ...)
    ATTR_PRINTF(3, 4);

/* Put text in front of the sentence that is there; the exit stays. Returns -1.
 */
int err_prefix(struct err *, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* Exit status that fits an errno from open, bind, ...: EXIT_NOPERM for EACCES
 * and EPERM, else the given one. */
enum err_exit err_exit_of(int errno_value, enum err_exit otherwise);

#endif
