/*
 * running: the subcommands that talk to a running sidecar: healthcheck, wait,
 * reload, quit.
 *
 * Threads: main only.
 */
#include "cli/adminclient.h"
#include "cli/command.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ASK_MS 3000
#define RELOAD_MS 130000 /* it answers within 120 s */
#define WAIT_MS 30000    /* without --timeout */
#define WAIT_EACH 100    /* milliseconds between two questions */
#define TEXT_SHOWN 800   /* of an answer */

/* 0 if the answer is yes, else -1 with what it says. */
static int
ask(const struct config *conf, const struct adminclient_request *r, char **said,
    struct err *err)
{
	struct adminclient_answer a;
	int ret = 0;

	if (adminclient_ask(conf, r, &a, err) != 0)
		return -1;
	if (a.status == 200)
		*said = mem_printf("%s on %s: %s", r->path, a.where, a.text);
	else
		ret = err_set(err, EXIT_RUNTIME, "%s on %s: %u %.*s", r->path,
		    a.where, a.status, TEXT_SHOWN, a.text);
	adminclient_answer_fini(&a);
	return ret;
}

static int
tell(int result, char *said, const struct err *err)
{
	if (result == 0)
		printf("%s\n", said);
	else
		fprintf(stderr, "cullis-sidecar: error: %s\n", err->text);
	free(said);
	return result == 0 ? EXIT_SUCCESS : EXIT_RUNTIME;
}

/* A sidecar serves on when the file it was started with is not good any more;
 * a liveness probe must not end it for that.  Where to ask is then known from
 * its runtime directory, flags, variables or the defaults.  The file's errors
 * have been printed. */
static struct config *
load(const struct cli *cli, const struct adminclient_request *r, int *status)
{
	struct config *conf = cli_load(cli, status);
	struct config_input input = cli->input;
	struct findings found = {0};

	if (conf || r->must_load || *status == EXIT_USAGE)
		return conf;
	input.file = "/dev/null";
	conf = config_load(&input, &found);
	findings_free(&found);
	return conf;
}

static int
ask_once(const struct cli *cli, const struct adminclient_request *r)
{
	struct err err = ERR_INIT;
	char *said = NULL;
	int status, result;
	struct config *conf = load(cli, r, &status);

	if (!conf)
		return status;
	result = ask(conf, r, &said, &err);
	config_unref(conf);
	return tell(result, said, &err);
}

int
cli_healthcheck(const struct cli *cli)
{
	return ask_once(
	    cli, &(struct adminclient_request){.method = "GET",
		     .path = cli->flags.startup ? "/startupz" : "/livez",
		     .timeout_ms = ASK_MS});
}

int
cli_reload(const struct cli *cli)
{
	return ask_once(cli, &(struct adminclient_request){.method = "POST",
				 .path = "/reload",
				 .timeout_ms = RELOAD_MS,
				 .acts = true,
				 .must_load = true});
}

int
cli_quit(const struct cli *cli)
{
	return ask_once(cli, &(struct adminclient_request){.method = "POST",
				 .path = "/quitquitquit",
				 .timeout_ms = ASK_MS,
				 .acts = true});
}

static void
pause_ms(int64_t ms)
{
	struct timespec t = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static int
wait_ready(const struct config *conf, int64_t ms, char **said, struct err *err)
{
	struct adminclient_request r = {
	    .method = "GET", .path = "/readyz", .timeout_ms = ASK_MS};
	int64_t due = clock_now_ms() + ms, left;

	for (;;) {
		if (ask(conf, &r, said, err) == 0)
			return 0;
		left = due - clock_now_ms();
		if (left <= 0)
			return err_prefix(
			    err, "not ready after %g s: ", (double)ms / 1000);
		pause_ms(left < WAIT_EACH ? left : WAIT_EACH);
		/* An answer that is cut off would say nothing. */
		if (left < ASK_MS)
			r.timeout_ms = left < WAIT_EACH ? WAIT_EACH : left;
	}
}

int
cli_wait(const struct cli *cli)
{
	const char *text = cli->flags.timeout;
	int64_t ms = WAIT_MS;
	struct err err = ERR_INIT;
	char *said = NULL;
	int status, result;
	struct config *conf;

	if (text && !value_duration(span_of(text), &ms)) {
		fprintf(stderr,
		    "cullis-sidecar: error: --timeout wants a duration such as "
		    "500ms, 10s, 5m\n");
		return EXIT_USAGE;
	}
	conf = cli_load(cli, &status);
	if (!conf)
		return status;
	result = wait_ready(conf, ms, &said, &err);
	config_unref(conf);
	return tell(result, said, &err);
}
