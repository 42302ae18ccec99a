/*
 * serve: the gateway's life: options, listeners, event loop, clean-up.
 */
#include "mastio/server.h"

#include "mastio/conn.h"
#include "mastio/control.h"
#include "mastio/court.h"
#include "mastio/execution.h"
#include "mastio/fault.h"
#include "mastio/journal.h"
#include "mastio/listen.h"
#include "mastio/map.h"
#include "mastio/pki.h"
#include "mastio/process.h"
#include "mastio/records.h"
#include "mastio/tls.h"
#include "mastio/token.h"
#include "mastio/util.h"

#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/http.h>

struct serve {
	struct server srv;
	const char *listen, *control, *journal_proofs, *journal_tokens;
	struct evhttp *http;
	struct event *term, *intr;
};

int64_t
server_now(const struct server *srv)
{
	return (int64_t)floor(server_now_exact(srv));
}

double
server_now_exact(const struct server *srv)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9 +
	       (double)srv->clock_shift;
}

void
server_set_processes(struct server *srv, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		if (!srv->processes[i])
			srv->processes[i] = process_new((unsigned)i);
	srv->set.processes = n;
}

unsigned
server_roll(struct server *srv, unsigned n)
{
	srv->dice = srv->dice * 1664525u + 1013904223u;
	return (srv->dice >> 16) % n;
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(arg);
}

static int
listen_all(struct serve *s)
{
	char host[64], control_host[64];
	uint16_t port, control_port, bound;

	if (!address_split(s->control, control_host, sizeof(control_host),
		&control_port) ||
	    !address_split(s->listen, host, sizeof(host), &port) ||
	    listen_open(&s->srv, s->listen, &port) < 0)
		return -1;
	s->http = control_open(&s->srv, control_host, control_port, &bound);
	if (!s->http)
		return -1;
	printf("{\"tls\":\"%s:%u\",\"control\":\"%s:%u\",\"pid\":%ld}\n", host,
	    port, control_host, bound, (long)getpid());
	fflush(stdout);
	return 0;
}

static X509 *
read_ca(const char *dir, const char *name)
{
	char *pki = xasprintf("%s/pki", dir);
	STACK_OF(X509) *certs = pki_read_certs(pki, name);
	X509 *root = certs ? sk_X509_shift(certs) : NULL;

	sk_X509_pop_free(certs, X509_free);
	free(pki);
	return root;
}

static char *
read_org(const char *dir)
{
	char *text = file_read(dir, "settings.json", NULL);
	json_t *set = text ? json_loads(text, 0, NULL) : NULL;
	const char *org = json_string_value(json_object_get(set, "org"));
	char *out = org ? xstrdup(org) : NULL;

	if (text && !org)
		complain("%s/settings.json names no org", dir);
	json_decref(set);
	free(text);
	return out;
}

/* Everything that comes from DIR. */
static int
load(struct serve *s)
{
	struct server *srv = &s->srv;

	srv->org = read_org(srv->dir);
	srv->root = srv->org ? read_ca(srv->dir, "root.pem") : NULL;
	srv->intermediate =
	    srv->root ? read_ca(srv->dir, "intermediate.pem") : NULL;
	srv->tls = srv->intermediate ? tls_server_context(srv->dir) : NULL;
	srv->tokens = srv->tls ? tokens_open(srv->dir) : NULL;
	srv->journal = srv->tokens
			   ? journal_new(s->journal_proofs, s->journal_tokens)
			   : NULL;
	if (!srv->journal)
		return -1;
	srv->root_pem = pki_cert_pem(srv->root);
	srv->records = records_open(srv->dir);
	srv->jti_seen = map_new(NULL);
	srv->gates = map_new(free);
	srv->executions = executions_new();
	srv->court = court_new();
	srv->base = event_base_new();
	if (!srv->base)
		abort();
	server_set_processes(srv, srv->set.processes);
	return 0;
}

static void
unload(struct serve *s)
{
	struct server *srv = &s->srv;

	while (srv->conns)
		conn_close(srv->conns);
	listen_close(srv);
	if (s->http)
		evhttp_free(s->http);
	if (s->term)
		event_free(s->term);
	if (s->intr)
		event_free(s->intr);
	if (srv->base) {
		/* Let the buried connections be freed. */
		event_base_loop(srv->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		event_base_free(srv->base);
	}
	fault_clear(srv);
	for (unsigned i = 0; i < PROCESSES_MAX; i++)
		process_free(srv->processes[i]);
	map_free(srv->jti_seen);
	map_free(srv->gates);
	if (srv->records)
		records_free(srv->records);
	journal_free(srv->journal);
	tokens_free(srv->tokens);
	court_free(srv->court);
	X509_free(srv->intermediate);
	SSL_CTX_free(srv->tls);
	X509_free(srv->root);
	free(srv->root_pem);
	free(srv->org);
	executions_free(srv->executions);
	settings_fini(&srv->set);
}

static int
run(struct serve *s)
{
	struct event_base *base = s->srv.base;

	s->term = evsignal_new(base, SIGTERM, on_signal, base);
	s->intr = evsignal_new(base, SIGINT, on_signal, base);
	evsignal_add(s->term, NULL);
	evsignal_add(s->intr, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (listen_all(s) < 0)
		return 1;
	return event_base_dispatch(base) < 0;
}

#define OPTIONS_MAX 64

/* The options of getopt: the settings, and where to listen and write. */
static size_t
make_options(struct option out[OPTIONS_MAX])
{
	static const char *const own[] = {
	    "listen", "control", "journal-proofs", "journal-tokens"};
	size_t n = 0;
	bool flag;
	char *name;

	memset(out, 0, OPTIONS_MAX * sizeof(out[0]));
	while ((name = settings_option(n, &flag))) {
		if (n + ARRAY_LEN(own) + 1 >= OPTIONS_MAX)
			abort();
		out[n].name = name;
		out[n].has_arg = flag ? no_argument : required_argument;
		n++;
	}
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		out[n + i].name = xstrdup(own[i]);
		out[n + i].has_arg = required_argument;
	}
	return n;
}

/* One option; n is how many of them are settings. */
static int
set_option(struct serve *s, const struct option *o, size_t i, size_t n)
{
	const char **own[] = {
	    &s->listen, &s->control, &s->journal_proofs, &s->journal_tokens};
	const char *bad;

	if (i >= n) {
		*own[i - n] = optarg;
		return 0;
	}
	bad = settings_set_text(&s->srv.set, o->name, optarg);
	if (bad)
		complain("--%s %s: %s", o->name, optarg ? optarg : "", bad);
	return bad ? -1 : 0;
}

static int
read_options(struct serve *s, int argc, char **argv)
{
	struct option options[OPTIONS_MAX];
	size_t n = make_options(options);
	int at = 0, opt, ret = 0;

	while (
	    ret == 0 && (opt = getopt_long(argc, argv, "", options, &at)) != -1)
		ret =
		    opt == 0 ? set_option(s, &options[at], (size_t)at, n) : -1;
	for (size_t i = 0; i < OPTIONS_MAX; i++)
		free((char *)(uintptr_t)options[i].name);
	if (ret == 0 && argc - optind != 1) {
		complain("serve takes one directory, made by init");
		ret = -1;
	}
	s->srv.dir = argv[optind];
	return ret;
}

int
serve_command(int argc, char **argv)
{
	struct serve s = {
	    .listen = "127.0.0.1:0",
	    .control = "127.0.0.1:0",
	    .srv.dice = 1,
	};
	int ret = 2;

	settings_init(&s.srv.set);
	if (read_options(&s, argc, argv) == 0)
		ret = load(&s) < 0 ? 1 : run(&s);
	unload(&s);
	return ret;
}
