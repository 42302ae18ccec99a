/*
 * init: the subcommands that make files: a gateway's directory (init) and
 * further identities (issue).
 */
#ifndef MASTIO_INIT_H
#define MASTIO_INIT_H

/* Both take the arguments behind the subcommand's name and return the exit
 * code: 0, 1 (failed) or 2 (usage). */
int init_command(int argc, char **argv);
int issue_command(int argc, char **argv);

#endif
