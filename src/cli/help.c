/*
 * help: the texts that are made from the option table: --help and the sample
 * configuration file.
 *
 * Threads: main only.
 */
#include "cli/command.h"

#include <stdio.h>

#define TEXT_WIDTH 76

void
cli_print_help(void)
{
	fputs("usage: cullis-sidecar [serve] [-c FILE] [--KEY VALUE ...]\n"
	      "       cullis-sidecar check [--json]\n"
	      "       cullis-sidecar identity [--json]\n"
	      "       cullis-sidecar config [--sample]\n"
	      "       cullis-sidecar healthcheck [--startup]\n"
	      "       cullis-sidecar wait [--timeout TIME]\n"
	      "       cullis-sidecar quit\n"
	      "       cullis-sidecar --help | --version\n"
	      "\n"
	      "  serve        run the proxy\n"
	      "  check        validate configuration and identity, no network\n"
	      "  identity     say who the identity is\n"
	      "  config       print each value and where it comes from, or a\n"
	      "               sample configuration file\n"
	      "  healthcheck  ask a running sidecar whether it is alive, or\n"
	      "               whether it has started\n"
	      "  wait         until a running sidecar is ready, at most 30s\n"
	      "  quit         let a running sidecar drain and end\n"
	      "\n"
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
