/*
 * tool: subcommands that speak as an agent would: a proof, an assertion.
 */
#ifndef MASTIO_TOOL_H
#define MASTIO_TOOL_H

/* As init_command(). */
int proof_command(int argc, char **argv);
int assertion_command(int argc, char **argv);

#endif
