/*
 * main: mastio-dev, a stand-in for the Cullis Mastio behind its nginx: enough
 * of it, strict enough, to develop and test a sidecar against.  Shares no code
 * with the sidecar.
 */
#include "mastio/init.h"
#include "mastio/server.h"
#include "mastio/settings.h"
#include "mastio/tool.h"
#include "mastio/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: mastio-dev init DIR [--agent ORG::NAME] [--names A,B] [--url URL]\n"
    "           [--api-key] [--not-before SECONDS]\n"
    "       mastio-dev issue DIR OUTDIR [--agent ID] [--key TYPE] ...\n"
    "       mastio-dev serve DIR [--listen HOST:PORT] [--control HOST:PORT]\n"
    "           [--journal-proofs FILE] [--journal-tokens FILE]\n"
    "           [SETTING ...]\n"
    "       mastio-dev proof AGENTDIR METHOD HTU [--token T] [--nonce N] ...\n"
    "       mastio-dev assertion AGENTDIR [--nonce N] [--x5c li] ...\n";

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
	    {"init", init_command},
	    {"issue", issue_command},
	    {"serve", serve_command},
	    {"proof", proof_command},
	    {"assertion", assertion_command},
	};

	char *help;

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		help = settings_help();
		printf("%s\nsettings, also members of POST /set:\n%s", usage,
		    help);
		free(help);
		return 0;
	}
	fputs(usage, stderr);
	return 2;
}
