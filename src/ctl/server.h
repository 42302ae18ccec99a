/*
 * server: the running sidecar seen from main: loads the identity, opens the
 * listeners, starts the workers, keeps the session, publishes bundles, answers
 * probes, drains and ends.
 *
 * Threads: main.
 */
#ifndef CTL_SERVER_H
#define CTL_SERVER_H

#include "conf/config.h"

/* Run until told to stop; takes over the reference to the config.  Returns
 * the exit status of the program.  A cli_serve_fn. */
int server_run(struct config *, const struct config_input *);

#endif
