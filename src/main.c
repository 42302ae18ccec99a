/*
 * main: the command line does the rest.
 */
#include "auth/scrub.h"
#include "cli/cli.h"
#include "ctl/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* A descriptor that is closed at the start would be the next socket's, and
 * what is meant for the log would go to a client. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* No reason not to start, but what SECURITY.md promises does not hold. */
static void
wipe_what_is_freed(void)
{
	if (!scrub_init())
		fputs(
		    "cullis-sidecar: warning: a library that was loaded before "
		    "the program (LD_PRELOAD?) has used OpenSSL: what OpenSSL "
		    "frees of keys and tokens stays in memory unwiped\n",
		    stderr);
}

int
main(int argc, char **argv)
{
	fill_standard_descriptors();
	wipe_what_is_freed();
	return cli_main(argc, argv, server_run);
}
