/*
 * main: options, subcommand, threads, exit code.
 */
#include <stdio.h>

int
main(void)
{
	puts("cullis-sidecar 0.1.0");
	return 0;
}
