/*
 * main: the command line does the rest.
 */
#include "auth/scrub.h"
#include "cli/cli.h"
#include "ctl/server.h"

#include <fcntl.h>
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

int
main(int argc, char **argv)
{
	fill_standard_descriptors();
	(void)scrub_init();
	return cli_main(argc, argv, server_run);
}
