/*
 * options_doc: prints what the documentation takes from the option table: the
 * list of keys in mdoc for cullis-sidecar.conf(5), or the sample file.  Run by
 * the build.
 *
 * usage: options_doc mdoc|sample
 */
#include "cli/command.h"

#include <stdio.h>

/* Each sentence begins a line, as mdoc wants it.  The table has nothing that
 * troff would obey; `make lint` asks mandoc. */
static void
print_text(const char *text)
{
	const char *end;

	while ((end = strstr(text, ".  ")) != NULL) {
		cli_print_wrapped("", span_new(text, (size_t)(end - text) + 1));
		text = end + 3;
	}
	cli_print_wrapped("", span_of(text));
}

static void
print_mdoc(const struct option_row *row, enum option_id id)
{
	struct buf b = BUF_INIT;

	printf(".It Cm %s\n", row->key);
	print_text(row->manual);
	buf_add_str(&b, "The value is ");
	option_add_wants(id, &b);
	if (row->flags & OPTION_LIST)
		buf_add_str(&b, "; the key may be given several times");
	buf_add_char(&b, '.');
	cli_print_wrapped("", buf_span(&b));
	if (row->value)
		printf("The default is\n.Ql %s .\n", row->value);
	if (row->flags & OPTION_START)
		puts("Read once at start.");
	buf_free(&b);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "mdoc") == 0)
		for (enum option_id id = 0; id < OPTION_COUNT; id++)
			print_mdoc(option_row(id), id);
	else if (argc == 2 && strcmp(argv[1], "sample") == 0)
		cli_print_sample();
	else
		return EXIT_USAGE;
	return 0;
}
