/*
 * t_cli: the command line from outside: exit status, what is said on which
 * stream, and a healthcheck against a scripted admin listener.
 */
#include "base/mem.h"
#include "cli/cli.h"
#include "conf/addrfile.h"

#include "pki.h"
#include "unit.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 12

struct said {
	int status;
	char out[65536], err[8192];
};

static int
serve(struct config *conf, const struct config_input *input)
{
	printf("serving %zu with %zu flags\n", conf->listen.n, input->nflags);
	config_unref(conf);
	return 0;
}

static void
read_back(FILE *f, char *text, size_t max)
{
	size_t n;

	rewind(f);
	n = fread(text, 1, max - 1, f);
	text[n] = '\0';
	fclose(f);
}

/* Run in a child, so that its streams and environment are its own. */
static void
run(struct said *said, const char *const *args)
{
	char *argv[ARGS_MAX + 2] = {mem_strdup("cullis-sidecar")};
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 1, status;
	pid_t pid;

	while (argc <= ARGS_MAX && args[argc - 1]) {
		argv[argc] = mem_strdup(args[argc - 1]);
		argc++;
	}
	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(err);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		status = cli_main(argc, argv, serve);
		fflush(NULL);
		_exit(status);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "ended by a signal");
	said->status = WEXITSTATUS(status);
	read_back(out, said->out, sizeof(said->out));
	read_back(err, said->err, sizeof(said->err));
	while (argc > 0)
		free(argv[--argc]);
}

#define RUN(said, ...) run((said), (const char *const[]){__VA_ARGS__, NULL})

#define ck_says(text, part)                           \
	ck_assert_msg(strstr((text), (part)) != NULL, \
	    "\"%s\" does not say \"%s\"", (text), (part))

START_TEST(usage)
{
	static const struct {
		const char *args[4];
		int status;
		const char *out, *err;
	} rows[] = {
	    {{"--help"}, 0, "usage: cullis-sidecar [serve]", ""},
	    {{"-h"}, 0, "--connect-timeout", ""},
	    {{"check", "--help"}, 0, "usage: cullis-sidecar [serve]", ""},
	    {{"--version"}, 0, "cullis-sidecar " PACKAGE_VERSION, ""},
	    {{"serve"}, 0, "serving 1 with 0 flags", ""},
	    {{"--workers", "2"}, 0, "serving 1 with 1 flags", ""},
	    {{"--listen=127.0.0.1:1,unix:/x"}, 0, "serving 2 with 1", ""},
	    {{"chek"}, 2, "", "error: chek: there is no such command"},
	    {{"check", "now"}, 2, "", "error: now: what is this for?"},
	    {{"-c"}, 2, "", "error: -c: the file is missing"},
	    {{"-x"}, 2, "", "error: -x: what is this for?"},
	    {{"--"}, 2, "", "error: --: what is this for?"},
	    {{"--workrs", "2"}, 2, "", "did you mean --workers?"},
	    {{"--workers"}, 2, "", "error: --workers: the value is missing"},
	    {{"--workers", "x"}, 2, "", "wants auto or a number"},
	    {{"wait", "--timeout", "soon"}, 2, "", "--timeout wants a dur"},
	    {{"wait", "--timeout"}, 2, "", "--timeout wants a duration"},
	    {{"quit", "--timeout", "1s"}, 2, "", "option --timeout is not"},
	    {{"check", "--json=x"}, 2, "", "option --json is not known"},
	    {{"--json"}, 2, "", "option --json is not known"},
	    {{"-c", "/nonexistent"}, 78, "", "error: /nonexistent: cannot"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct said said;

		run(&said, rows[i].args);
		ck_assert_msg(said.status == rows[i].status,
		    "%s: status %d, said \"%s\"", rows[i].args[0], said.status,
		    said.err);
		ck_says(said.out, rows[i].out);
		ck_says(said.err, rows[i].err);
		ck_assert_msg((said.err[0] == '\0') == (said.status == 0),
		    "%s: \"%s\"", rows[i].args[0], said.err);
	}
}
END_TEST

START_TEST(config_shows_values_and_sources)
{
	struct said said;

	RUN(&said, "config", "--workers", "3", "-c", "/dev/null");
	ck_assert_int_eq(said.status, 0);
	ck_says(said.out, "workers                   3   ");
	ck_says(said.out, " --workers\n");
	ck_says(said.out, "gateway                   -   ");

	RUN(&said, "config", "--sample");
	ck_assert_int_eq(said.status, 0);
	ck_says(said.out, "\n#connect-timeout = 5s\n");
}
END_TEST

START_TEST(check_accepts_a_good_identity)
{
	struct pki pki;
	char *dir;
	struct said said;
	json_t *json;

	pki_init(&pki);
	dir = dir_identity(&pki);

	RUN(&said, "check", "-c", "/dev/null", "--identity-dir", dir);
	ck_assert_msg(said.status == 0, "%s", said.err);
	ck_says(said.out, "agent id    " PKI_AGENT "\n");
	ck_says(said.out, "SPIFFE id   " PKI_SPIFFE "\n");
	ck_says(said.out, "gateway     https://");
	ck_says(said.out, "auth        auto: session tokens, the certificate");
	ck_says(said.out, "are valid\n");

	RUN(&said, "check", "--json", "-c", "/dev/null", "--identity-dir", dir);
	ck_assert_int_eq(said.status, 0);
	json = json_loads(said.out, 0, NULL);
	ck_assert_ptr_nonnull(json);
	ck_assert(json_is_true(json_object_get(json, "ok")));
	ck_assert_str_eq(
	    json_string_value(json_object_get(json, "agent_id")), PKI_AGENT);
	ck_assert_uint_eq(json_string_length(json_object_get(json, "jkt")), 43);
	ck_assert_uint_eq(
	    json_string_length(json_object_get(json, "thumbprint")), 64);
	json_decref(json);

	dir_free(dir);
	pki_fini(&pki);
}
END_TEST

START_TEST(check_reports_all_that_is_wrong)
{
	struct pki pki;
	char *dir;
	struct said said;
	json_t *json;

	pki_init(&pki);
	dir = dir_identity(&pki);
	dir_write_key(dir, "key.pem", pki.server_key);
	dir_write(dir, "dpop.jwk", 0600, "{");

	RUN(&said, "check", "-c", "/dev/null", "--identity-dir", dir);
	ck_assert_int_eq(said.status, 78);
	ck_says(said.err, "error: ");
	ck_says(said.err, "key.pem");
	ck_says(said.err, "dpop.jwk");

	RUN(&said, "check", "--json", "-c", "/dev/null", "--identity-dir", dir);
	ck_assert_int_eq(said.status, 78);
	ck_assert_str_eq(said.err, "");
	json = json_loads(said.out, 0, NULL);
	ck_assert(json_is_false(json_object_get(json, "ok")));
	ck_assert_uint_ge(
	    json_array_size(json_object_get(json, "findings")), 2);
	json_decref(json);

	/* Without a gateway an identity is one, but nothing can start. */
	dir_free(dir);
	dir = dir_identity(&pki);
	dir_write(dir, "agent.json", 0644, "{\"agent_id\":\"" PKI_AGENT "\"}");
	RUN(&said, "identity", "-c", "/dev/null", "--identity-dir", dir);
	ck_assert_msg(said.status == 0, "%s", said.err);
	ck_says(said.out, "gateway     -\n");
	RUN(&said, "check", "-c", "/dev/null", "--identity-dir", dir);
	ck_assert_int_eq(said.status, 78);
	ck_says(said.err, "no gateway is known");

	dir_free(dir);
	pki_fini(&pki);
}
END_TEST

/* A loopback listener on a port that the kernel picks. */
static int
open_listener(char *where, size_t max)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(where, max, "127.0.0.1:%u", ntohs(sin.sin_port));
	return fd;
}

/* A child that answers one request with this text, or with NULL never. */
static pid_t
answer_once(int fd, const char *answer, const char *path)
{
	pid_t pid = fork();
	char request[1024];
	int c;

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	c = accept(fd, NULL, NULL);
	if (read(c, request, sizeof(request)) <= 0 ||
	    strncmp(request, "GET ", 4) != 0 ||
	    strncmp(request + 4, path, strlen(path)) != 0)
		_exit(1);
	if (!answer)
		while (read(c, request, sizeof(request)) > 0)
			;
	else if (write(c, answer, strlen(answer)) < 0)
		_exit(1);
	_exit(0);
}

START_TEST(healthcheck_judges_the_answer)
{
	static const struct {
		const char *why, *answer;
		int status;
		const char *out, *err;
	} rows[] = {
	    {"alive", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", 0,
		": ok\n", ""},
	    {"not alive",
		"HTTP/1.1 503 Service Unavailable\r\n\r\nworker 1\nstuck\033[m",
		1, "", ": 503 worker 1 stuck [m\n"},
	    {"not HTTP", "220 smtp.example ESMTP\r\n", 1, "",
		"the answer is not HTTP"},
	    {"half an answer", "HTTP/1.1 200 OK\r\n", 1, "",
		"the answer is not HTTP"},
	    {"nothing", "", 1, "", "the answer is not HTTP"},
	    {"silence", NULL, 1, "", ": Connection timed out; is the"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char where[64];
		int fd = open_listener(where, sizeof(where)), status;
		pid_t pid = answer_once(fd, rows[i].answer, "/startupz ");
		struct said said;

		close(fd);
		RUN(&said, "healthcheck", "--startup", "-c", "/dev/null",
		    "--admin-listen", where);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(status == 0, "%s: request", rows[i].why);
		ck_assert_msg(said.status == rows[i].status, "%s: %s",
		    rows[i].why, said.err);
		ck_says(said.out, rows[i].out);
		ck_says(said.err, rows[i].err);
	}
}
END_TEST

START_TEST(healthcheck_finds_the_sidecar)
{
	char where[64], *dir = dir_new();
	int fd = open_listener(where, sizeof(where));
	struct addrfile bound = {0};
	struct listen_addr a;
	struct err err = ERR_INIT;
	struct said said;
	char *path;
	pid_t pid;

	/* The Unix socket is not there; the port behind it is. */
	ck_assert(value_listen(SPAN("unix:/nonexistent/admin.sock"), &a));
	listen_list_add(&bound.admin, a);
	ck_assert(value_listen(span_of(where), &a));
	listen_list_add(&bound.admin, a);
	ck_assert_int_eq(addrfile_write(dir, &bound, &err), 0);
	setenv("RUNTIME_DIRECTORY", dir, 1);
	pid = answer_once(fd, "HTTP/1.1 200 OK\r\n\r\n", "/livez ");
	RUN(&said, "healthcheck", "-c", "/dev/null");
	ck_assert_msg(said.status == 0, "%s", said.err);
	ck_says(said.out, where);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);

	/* Nobody there any more. */
	close(fd);
	RUN(&said, "healthcheck", "-c", "/dev/null");
	ck_assert_int_eq(said.status, 1);
	ck_says(said.err, "Connection refused; is the sidecar running?");
	unsetenv("RUNTIME_DIRECTORY");

	RUN(&said, "healthcheck", "-c", "/dev/null", "--admin-listen", "none");
	ck_assert_int_eq(said.status, 1);
	ck_says(said.err, "there is no admin listener to ask");

	addrfile_fini(&bound);
	path = mem_printf("%s/address", dir);
	unlink(path);
	free(path);
	dir_free(dir);
}
END_TEST

UNIT_MAIN("cli", usage, config_shows_values_and_sources,
    check_accepts_a_good_identity, check_reports_all_that_is_wrong,
    healthcheck_judges_the_answer, healthcheck_finds_the_sidecar)
