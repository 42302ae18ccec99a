/*
 * help: the texts that are made from the tables of commands and options: --help
 * and the sample configuration file.
 *
 * Threads: main only.
 */
#include "cli/command.h"

#include <stdio.h>

#define TEXT_WIDTH 76

static void
print_usage(const struct command *cmd)
{
	if (!cmd->run) {
		puts("usage: cullis-sidecar [serve] [-c FILE] [--KEY VALUE "
		     "...]");
		return;
	}
	printf("       cullis-sidecar %s", cmd->name);
	for (const struct own_flag *f = cmd->flags; f->name; f++)
		printf(" [%s%s%s]", f->name, f->value ? " " : "",
		    f->value ? f->value : "");
	putchar('\n');
}

void
cli_print_help(void)
{
	const struct command *cmd;

	for (cmd = cli_commands(); cmd->name; cmd++)
		print_usage(cmd);
	puts("       cullis-sidecar --help | --version\n");
	for (cmd = cli_commands(); cmd->name; cmd++)
		printf("  %-11s  %s\n", cmd->name, cmd->help);
	fputs("\n"
	      "-c FILE names the configuration file (" CONFIG_FILE ").\n"
	      "Each key is a flag, a variable and a line of that file:\n"
	      "--connect-timeout 5s, CULLIS_SIDECAR_CONNECT_TIMEOUT=5s,\n"
	      "connect-timeout = 5s.  The keys, with their defaults:\n\n",
	    stdout);
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = option_row(id);

		printf("  --%-25s%s", row->key, row->help);
		if (row->value)
			printf(" [%s]", row->value);
		putchar('\n');
	}
}

void
cli_print_wrapped(const char *prefix, struct span text)
{
	while (text.n) {
		size_t n = text.n, next;

		if (n > TEXT_WIDTH)
			for (n = TEXT_WIDTH; n > 0 && text.p[n] != ' '; n--)
				;
		next = n ? n : text.n;
		n = next;
		while (next < text.n && text.p[next] == ' ')
			next++;
		while (n > 0 && text.p[n - 1] == ' ')
			n--;
		printf("%s%.*s\n", prefix, (int)n, text.p);
		text = span_new(text.p + next, text.n - next);
	}
}

void
cli_print_sample(void)
{
	puts("# Configuration of cullis-sidecar, " CONFIG_FILE ".\n"
	     "# Every key is here with its default; see "
	     "cullis-sidecar.conf(5).");
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = option_row(id);

		putchar('\n');
		cli_print_wrapped("# ", span_of(row->manual));
		if (row->flags & OPTION_LIST)
			puts("# May be given several times.");
		printf("#%s =%s%s\n", row->key, row->value ? " " : "",
		    row->value ? row->value : "");
	}
}
