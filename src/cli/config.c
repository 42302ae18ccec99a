/*
 * config: `cullis-sidecar config`: every value in effect and where it comes
 * from, or the sample file.
 *
 * Threads: main only.
 */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

int
cli_config(const struct cli *cli)
{
	struct config *conf;
	int status;

	if (cli->flags.sample) {
		cli_print_sample();
		return EXIT_SUCCESS;
	}
	conf = cli_load(cli, &status);
	if (!conf)
		return status;
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct config_source *src = &conf->source[id];

		printf("%-25s %-31s %s\n", option_row(id)->key,
		    src->text ? src->text : "-",
		    src->where ? src->where : "not set");
	}
	config_unref(conf);
	return EXIT_SUCCESS;
}
