/*
 * cli: the command line: which subcommand, with which flags, and the
 * subcommands that do their work without a running event loop.
 *
 * Threads: main only, before others start.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "conf/config.h"

/* Run the proxy until it is told to stop; returns the exit status.  The config
 * is the callee's to unref.  The input outlives the call: load from it again
 * to reload. */
typedef int cli_serve_fn(struct config *, const struct config_input *);

/* Do what argv says; returns the exit status. */
int cli_main(int argc, char **argv, cli_serve_fn *serve);

#endif
