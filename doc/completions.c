/*
 * completions: prints what the completions of a shell take from the tables of
 * commands and keys; the rest of them is contrib/completions/SHELL.in.  Run by
 * the build.
 *
 * usage: completions bash|zsh|fish
 */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>

/* What a shell can offer as the value of a key. */
enum offer { OFFER_NONE, OFFER_WORDS, OFFER_FILE, OFFER_DIRECTORY, OFFER_USER };

static enum offer
offer_of(const struct option_row *row)
{
	switch (row->type) {
	case OPTION_TYPE_ENUM:
	case OPTION_TYPE_BOOL:
		return OFFER_WORDS;
	case OPTION_TYPE_PATH:
		return span_ends(span_of(row->key), SPAN("-dir"))
			   ? OFFER_DIRECTORY
			   : OFFER_FILE;
	case OPTION_TYPE_USERS:
		return OFFER_USER;
	default:
		return OFFER_NONE;
	}
}

static const char *
words_of(const struct option_row *row)
{
	return row->type == OPTION_TYPE_BOOL ? "yes no" : row->arg;
}

/* Text inside single quotes: with the characters among `special` behind a
 * backslash, and a quote as `quote`. */
static void
print_quoted(const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(quote, stdout);
			continue;
		}
		if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

/* --- bash: variables, and functions that set the caller's. */

static void
bash_value(const struct option_row *row)
{
	static const char *const value[] = {
	    [OFFER_FILE] = "file",
	    [OFFER_DIRECTORY] = "directory",
	    [OFFER_USER] = "user",
	};
	enum offer offer = offer_of(row);

	if (offer != OFFER_NONE)
		printf("\t--%s) value='%s' ;;\n", row->key,
		    offer == OFFER_WORDS ? words_of(row) : value[offer]);
}

static void
bash_keys(void)
{
	printf("_cullis_sidecar_keys='");
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		printf("%s--%s", id ? " " : "", option_row(id)->key);
	puts("'\n\n_cullis_sidecar_value()\n{\n\tcase $1 in\n"
	     "\t-c) value=file ;;");
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		bash_value(option_row(id));
	for (const struct command *cmd = cli_commands(); cmd->name; cmd++)
		for (const struct own_flag *f = cmd->flags; f->name; f++)
			if (f->value)
				printf("\t%s) value=none ;;\n", f->name);
	puts("\tesac\n}\n");
}

static void
bash_commands(void)
{
	const struct command *cmd;

	printf("_cullis_sidecar_commands='");
	for (cmd = cli_commands(); cmd->name; cmd++)
		printf("%s%s", cmd == cli_commands() ? "" : " ", cmd->name);
	puts("'\n\n_cullis_sidecar_own()\n{\n\tcase $1 in");
	for (cmd = cli_commands(); cmd->name; cmd++) {
		if (!cmd->flags->name)
			continue;
		printf("\t%s) own='", cmd->name);
		for (const struct own_flag *f = cmd->flags; f->name; f++)
			printf("%s%s", f == cmd->flags ? "" : " ", f->name);
		puts("' ;;");
	}
	puts("\tesac\n}");
}

static void
print_bash(void)
{
	bash_keys();
	bash_commands();
}

/* --- zsh: arrays of specifications for _describe and _arguments. */

#define ZSH_SPECIAL "[]:\\"
#define ZSH_QUOTE "'\\''"

static void
zsh_own(const struct command *cmd)
{
	printf("\t%s) own=(", cmd->name);
	for (const struct own_flag *f = cmd->flags; f->name; f++) {
		printf("%s'%s%s[", f == cmd->flags ? "" : " ", f->name,
		    f->value ? "=" : "");
		print_quoted(f->help, ZSH_SPECIAL, ZSH_QUOTE);
		printf("]%s'", f->value ? ":value: " : "");
	}
	puts(") ;;");
}

static void
zsh_key(const struct option_row *row)
{
	static const char *const action[] = {
	    [OFFER_NONE] = ":value: ",
	    [OFFER_FILE] = ":file:_files",
	    [OFFER_DIRECTORY] = ":directory:_files -/",
	    [OFFER_USER] = ":user:_users",
	};
	enum offer offer = offer_of(row);

	printf("\t\t'%s--%s=[", row->flags & OPTION_LIST ? "*" : "", row->key);
	print_quoted(row->help, ZSH_SPECIAL, ZSH_QUOTE);
	if (offer == OFFER_WORDS)
		printf("]:value:(%s)'\n", words_of(row));
	else
		printf("]%s'\n", action[offer]);
}

static void
print_zsh(void)
{
	const struct command *cmd;

	puts("\tcommands=(");
	for (cmd = cli_commands(); cmd->name; cmd++) {
		printf("\t\t'%s:", cmd->name);
		print_quoted(cmd->help, "\\", ZSH_QUOTE);
		puts("'");
	}
	puts("\t)\n\tkeys=(");
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		zsh_key(option_row(id));
	puts("\t)\n\tcase $words[2] in");
	for (cmd = cli_commands(); cmd->name; cmd++)
		if (cmd->flags->name)
			zsh_own(cmd);
	puts("\tesac");
}

/* --- fish: one complete command each. */

static void
fish_help(const char *help)
{
	printf(" -d '");
	print_quoted(help, "\\", "\\'");
	puts("'");
}

static void
fish_command(const struct command *cmd)
{
	printf("complete -c cullis-sidecar -n __fish_use_subcommand -a %s",
	    cmd->name);
	fish_help(cmd->help);
	for (const struct own_flag *f = cmd->flags; f->name; f++) {
		printf("complete -c cullis-sidecar -n "
		       "'__fish_seen_subcommand_from %s' -l %s%s",
		    cmd->name, f->name + strlen("--"), f->value ? " -x" : "");
		fish_help(f->help);
	}
}

static void
fish_key(const struct option_row *row)
{
	static const char *const argument[] = {
	    [OFFER_NONE] = "-x",
	    [OFFER_FILE] = "-r -F",
	    [OFFER_DIRECTORY] = "-x -a '(__fish_complete_directories)'",
	    [OFFER_USER] = "-x -a '(__fish_complete_users)'",
	};
	enum offer offer = offer_of(row);

	printf("complete -c cullis-sidecar -l %s ", row->key);
	if (offer == OFFER_WORDS)
		printf("-x -a '%s'", words_of(row));
	else
		fputs(argument[offer], stdout);
	fish_help(row->help);
}

static void
print_fish(void)
{
	for (const struct command *cmd = cli_commands(); cmd->name; cmd++)
		fish_command(cmd);
	for (enum option_id id = 0; id < OPTION_COUNT; id++)
		fish_key(option_row(id));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = {
	    {"bash", print_bash},
	    {"zsh", print_zsh},
	    {"fish", print_fish},
	};

	for (size_t i = 0; argc == 2 && i < COUNT(shells); i++) {
		if (strcmp(argv[1], shells[i].name) != 0)
			continue;
		shells[i].print();
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	return EXIT_USAGE;
}
