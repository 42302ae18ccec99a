/*
 * main: the command line does the rest.
 */
#include "auth/scrub.h"
#include "cli/cli.h"
#include "ctl/server.h"

int
main(int argc, char **argv)
{
	scrub_init();
	return cli_main(argc, argv, server_run);
}
