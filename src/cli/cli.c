/*
 * cli: see cli.h.
 */
#include "cli/cli.h"

#include "cli/command.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct command commands[] = {
#define FLAG(member_, value_, help_)                       \
	{.name = "--" #member_,                            \
	    .offset = offsetof(struct cli_flags, member_), \
	    .value = (value_),                             \
	    .help = (help_)},
#define CMD(name_, run_, flags_, help_)                    \
	{.name = #name_,                                   \
	    .run = (run_),                                 \
	    .flags = (const struct own_flag[]){flags_{0}}, \
	    .help = (help_)},
#include "cli/command_tbl.h"
#undef CMD
#undef FLAG
    {0}};

/* argv on its way into a struct cli. */
struct args {
	char **next; /* NULL-terminated */
	struct config_flag *flags;
	size_t nflags;
};

static int
usage_error(const char *sentence, const char *what)
{
	fprintf(stderr,
	    "cullis-sidecar: error: %s: %s; see cullis-sidecar --help\n", what,
	    sentence);
	return EXIT_USAGE;
}

const struct command *
cli_commands(void)
{
	return commands;
}

static const struct command *
find_command(const char *name)
{
	for (const struct command *cmd = commands; cmd->name; cmd++)
		if (strcmp(name, cmd->name) == 0)
			return cmd;
	return NULL;
}

/* --FLAG, or --FLAG VALUE and --FLAG=VALUE if it has one. */
static bool
take_own_flag(struct args *args, const struct command *cmd, const char *arg,
    struct cli *cli)
{
	struct span rest = span_of(arg), name = span_cut(&rest, '=');

	for (const struct own_flag *f = cmd->flags; f->name; f++) {
		char *member = (char *)&cli->flags + f->offset;

		if (!span_eq(name, span_of(f->name)) || (rest.p && !f->value))
			continue;
		if (!f->value)
			*(bool *)member = true;
		else if (rest.p)
			*(const char **)member = rest.p;
		else
			*(const char **)member =
			    *args->next ? *args->next++ : "";
		return true;
	}
	return false;
}

/* --KEY VALUE or --KEY=VALUE, judged when the configuration is loaded. */
static void
take_key(struct args *args, struct span arg)
{
	struct config_flag flag = {0};

	flag.key = span_cut(&arg, '=');
	if (arg.p)
		flag.value = arg.p;
	else if (*args->next)
		flag.value = *args->next++;
	args->flags =
	    mem_realloc(args->flags, (args->nflags + 1) * sizeof(*args->flags));
	args->flags[args->nflags++] = flag;
}

/* 0, or EXIT_USAGE after a sentence. */
static int
take_args(struct args *args, const struct command *cmd, struct cli *cli)
{
	while (*args->next) {
		const char *arg = *args->next++;

		if (take_own_flag(args, cmd, arg, cli))
			continue;
		if (strcmp(arg, "-c") == 0) {
			if (!*args->next)
				return usage_error("the file is missing", arg);
			cli->input.file = *args->next++;
		} else if (span_starts(span_of(arg), SPAN("--")) && arg[2]) {
			take_key(args, span_of(arg + 2));
		} else {
			return usage_error("what is this for?", arg);
		}
	}
	cli->input.flags = args->flags;
	cli->input.nflags = args->nflags;
	return 0;
}

struct config *
cli_load(const struct cli *cli, int *status)
{
	struct findings found = {0};
	struct config *conf = config_load(&cli->input, &found);

	cli_print_findings(&found);
	*status = conf ? EXIT_SUCCESS : (int)found.exit;
	findings_free(&found);
	return conf;
}

void
cli_print_findings(const struct findings *found)
{
	static const char *const level[] = {
	    [FINDING_ERROR] = "error: ",
	    [FINDING_WARNING] = "warning: ",
	    [FINDING_INFO] = "",
	};

	for (size_t i = 0; i < found->count; i++)
		fprintf(stderr, "cullis-sidecar: %s%s\n",
		    level[found->list[i].level], found->list[i].text);
}

static int
run_command(
    const struct command *cmd, const struct cli *cli, cli_serve_fn *serve)
{
	struct config *conf;
	int status;

	if (cmd->run)
		return cmd->run(cli);
	conf = cli_load(cli, &status);
	return conf ? serve(conf, &cli->input) : status;
}

static bool
has_word(char **argv, const char *word)
{
	for (; *argv; argv++)
		if (strcmp(*argv, word) == 0)
			return true;
	return false;
}

int
cli_main(int argc, char **argv, cli_serve_fn *serve)
{
	const struct command *cmd = &commands[0];
	struct args args = {.next = argv + (argc > 0)};
	struct cli cli = {
	    .input.envp = (const char *const *)environ,
	};
	int status;

	if (has_word(args.next, "--help") || has_word(args.next, "-h")) {
		cli_print_help();
		return EXIT_SUCCESS;
	}
	if (has_word(args.next, "--version")) {
		printf("cullis-sidecar %s, %s\n", PACKAGE_VERSION,
		    OpenSSL_version(OPENSSL_VERSION));
		return EXIT_SUCCESS;
	}
	if (*args.next && **args.next != '-') {
		cmd = find_command(*args.next);
		if (!cmd)
			return usage_error(
			    "there is no such command", *args.next);
		args.next++;
	}
	status = take_args(&args, cmd, &cli);
	if (status == 0)
		status = run_command(cmd, &cli, serve);
	free(args.flags);
	return status;
}
