/*
 * main: the command line does the rest.
 */
#include "cli/cli.h"
#include "ctl/server.h"

int
main(int argc, char **argv)
{
	return cli_main(argc, argv, server_run);
}
