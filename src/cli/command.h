/*
 * command: what the subcommands share: their flags and how they are called.
 * Each is a function that prints its answer to stdout, what went wrong to
 * stderr, and returns the exit status.
 *
 * Threads: main only.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "conf/config.h"

/* The flags of the command line that are not configuration keys. */
struct cli_flags {
	bool json;
	bool sample;
	bool startup;
	const char *timeout; /* or NULL */
};

struct cli {
	struct cli_flags flags;
	struct config_input input;
};

/* A flag that belongs to one subcommand. */
struct own_flag {
	const char *name;  /* with its dashes */
	size_t offset;     /* in struct cli_flags */
	const char *value; /* of a string, in --help; NULL: a bool */
	const char *help;
};

struct command {
	const char *name;
	int (*run)(const struct cli *); /* NULL: serve */
	const struct own_flag *flags;   /* until one without a name */
	const char *help;
};

/* The rows of command_tbl.h, until one without a name. */
const struct command *cli_commands(void) ATTR_PURE;

int cli_check(const struct cli *);
int cli_identity(const struct cli *);
int cli_config(const struct cli *);
int cli_healthcheck(const struct cli *);
int cli_wait(const struct cli *);
int cli_reload(const struct cli *);
int cli_quit(const struct cli *);

/* Load the configuration and print what was found wrong.  NULL: nothing to go
 * on with; *status is the exit status. */
struct config *cli_load(const struct cli *, int *status) ATTR_MUST_USE;

/* One line each to stderr: "cullis-sidecar: error: ...". */
void cli_print_findings(const struct findings *);

/* The sample configuration file: every key with its default and its manual
 * text, all commented out. */
void cli_print_sample(void);

/* Text to stdout in lines of at most 76 characters behind a prefix. */
void cli_print_wrapped(const char *prefix, struct span text);

/* Text of --help. */
void cli_print_help(void);

#endif
