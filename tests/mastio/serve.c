/*
 * serve: the gateway's life: options, listeners, event loop, clean-up.
 */
#include "mastio/server.h"

#include "mastio/conn.h"
#include "mastio/control.h"
#include "mastio/fault.h"
#include "mastio/journal.h"
#include "mastio/map.h"
#include "mastio/pki.h"
#include "mastio/process.h"
#include "mastio/records.h"
#include "mastio/tls.h"
#include "mastio/token.h"
#include "mastio/util.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>

struct serve {
	struct server srv;
	const char *listen, *control, *journal_proofs;
	struct evconnlistener *listener;
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

bool
front_from_text(const char *s, enum front *out)
{
	if (strlen(s) != 1 || s[0] < 'A' || s[0] > 'C')
		return false;
	*out = (enum front)(s[0] - 'A');
	return true;
}

bool
dpop_mode_from_text(const char *s, enum dpop_mode *out)
{
	static const char *const words[] = {"off", "optional", "required"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(s, words[i]) != 0)
			continue;
		*out = (enum dpop_mode)i;
		return true;
	}
	return false;
}

void
server_set_processes(struct server *srv, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!srv->processes[i])
			srv->processes[i] = process_new(i);
	srv->set.processes = n;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *from, int len, void *arg)
{
	(void)listener;
	(void)from;
	(void)len;
	conn_open(arg, fd);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(arg);
}

/* "127.0.0.1:0"; false after a complaint. */
static bool
split_address(const char *text, char *host, size_t size, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	int64_t n = colon ? parse_number(colon + 1, 65535) : -1;

	if (n < 0 || (size_t)(colon - text) >= size) {
		complain("'%s' is no HOST:PORT", text);
		return false;
	}
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	*port = (uint16_t)n;
	return true;
}

/* Binds the data listener; the port really bound goes to *port. */
static int
listen_tls(struct serve *s, const char *host, uint16_t *port)
{
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	struct addrinfo *ai = NULL;
	struct sockaddr_in sin;
	socklen_t n = sizeof(sin);
	char service[8];

	snprintf(service, sizeof(service), "%u", *port);
	if (getaddrinfo(host, service, &hints, &ai) != 0) {
		complain("'%s' is no numeric address and port", s->listen);
		return -1;
	}
	s->listener = evconnlistener_new_bind(s->srv.base, on_accept, &s->srv,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
	    1024, ai->ai_addr, (int)ai->ai_addrlen);
	freeaddrinfo(ai);
	if (!s->listener || getsockname(evconnlistener_get_fd(s->listener),
				(struct sockaddr *)&sin, &n) < 0) {
		complain("cannot listen on %s: %s", s->listen, strerror(errno));
		return -1;
	}
	*port = ntohs(sin.sin_port);
	return 0;
}

static int
listen_all(struct serve *s)
{
	char host[64], control_host[64];
	uint16_t port, control_port, bound;

	if (!split_address(s->control, control_host, sizeof(control_host),
		&control_port) ||
	    !split_address(s->listen, host, sizeof(host), &port) ||
	    listen_tls(s, host, &port) < 0)
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
read_root(const char *dir)
{
	char *pki = xasprintf("%s/pki", dir);
	STACK_OF(X509) *certs = pki_read_certs(pki, "root.pem");
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
	srv->root = srv->org ? read_root(srv->dir) : NULL;
	srv->tls = srv->root ? tls_server_context(srv->dir) : NULL;
	srv->tokens = srv->tls ? tokens_open(srv->dir) : NULL;
	srv->journal = srv->tokens ? journal_new(s->journal_proofs) : NULL;
	if (!srv->journal)
		return -1;
	srv->root_pem = pki_cert_pem(srv->root);
	srv->records = records_open(srv->dir);
	srv->jti_seen = map_new(NULL);
	srv->gates = map_new(free);
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
	if (s->listener)
		evconnlistener_free(s->listener);
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
	SSL_CTX_free(srv->tls);
	X509_free(srv->root);
	free(srv->root_pem);
	free(srv->org);
	free(srv->set.public_url);
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

enum option_id {
	OPT_LISTEN = 1,
	OPT_CONTROL,
	OPT_FRONT,
	OPT_PROCESSES,
	OPT_PUBLIC_URL,
	OPT_DPOP_MODE,
	OPT_REQUIRE_BOUND,
	OPT_PRODUCTION,
	OPT_TOKEN_TTL,
	OPT_BODY_LIMIT,
	OPT_KEEPALIVE_MS,
	OPT_KEEPALIVE_REQUESTS,
	OPT_JOURNAL_PROOFS,
};

static const struct option options[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"front", required_argument, NULL, OPT_FRONT},
    {"processes", required_argument, NULL, OPT_PROCESSES},
    {"public-url", required_argument, NULL, OPT_PUBLIC_URL},
    {"dpop-mode", required_argument, NULL, OPT_DPOP_MODE},
    {"require-bound", no_argument, NULL, OPT_REQUIRE_BOUND},
    {"production", no_argument, NULL, OPT_PRODUCTION},
    {"token-ttl", required_argument, NULL, OPT_TOKEN_TTL},
    {"body-limit", required_argument, NULL, OPT_BODY_LIMIT},
    {"keepalive-ms", required_argument, NULL, OPT_KEEPALIVE_MS},
    {"keepalive-requests", required_argument, NULL, OPT_KEEPALIVE_REQUESTS},
    {"journal-proofs", required_argument, NULL, OPT_JOURNAL_PROOFS},
    {NULL, 0, NULL, 0},
};

/* A number option; false after a complaint. */
static bool
read_number(const char *arg, int64_t low, int64_t high, int64_t *out)
{
	int64_t n = parse_number(arg, high);

	if (n < low) {
		complain("'%s' is not between %lld and %lld", arg,
		    (long long)low, (long long)high);
		return false;
	}
	*out = n;
	return true;
}

static bool
word(bool known, const char *arg, const char *words)
{
	if (!known)
		complain("'%s' is none of %s", arg, words);
	return known;
}

static bool
set_option(struct serve *s, int opt, const char *arg)
{
	struct settings *set = &s->srv.set;
	int64_t n = 0;

	switch (opt) {
	case OPT_LISTEN:
		s->listen = arg;
		return true;
	case OPT_CONTROL:
		s->control = arg;
		return true;
	case OPT_JOURNAL_PROOFS:
		s->journal_proofs = arg;
		return true;
	case OPT_FRONT:
		return word(front_from_text(arg, &set->front), arg, "A, B, C");
	case OPT_DPOP_MODE:
		return word(dpop_mode_from_text(arg, &set->dpop_mode), arg,
		    "off, optional, required");
	case OPT_PUBLIC_URL:
		free(set->public_url);
		set->public_url = xstrdup(arg);
		return true;
	case OPT_REQUIRE_BOUND:
		set->require_bound = true;
		return true;
	case OPT_PRODUCTION:
		set->production = true;
		return true;
	case OPT_TOKEN_TTL:
		return read_number(arg, 1, 1 << 30, &set->token_ttl);
	case OPT_KEEPALIVE_MS:
		return read_number(arg, 0, 1 << 30, &set->keepalive_ms);
	case OPT_BODY_LIMIT:
		set->body_limit = -1;
		return strcmp(arg, "none") == 0 ||
		       read_number(arg, 0, INT64_MAX, &set->body_limit);
	case OPT_PROCESSES:
		if (!read_number(arg, 1, PROCESSES_MAX, &n))
			return false;
		set->processes = (unsigned)n;
		return true;
	case OPT_KEEPALIVE_REQUESTS:
		if (!read_number(arg, 1, 1 << 30, &n))
			return false;
		set->keepalive_requests = (uint64_t)n;
		return true;
	default:
		return false;
	}
}

int
serve_command(int argc, char **argv)
{
	struct serve s = {
	    .listen = "127.0.0.1:0",
	    .control = "127.0.0.1:0",
	    .srv.set =
		{
		    .front = FRONT_B,
		    .dpop_mode = DPOP_OPTIONAL,
		    .processes = 1,
		    .token_ttl = 900,
		    .body_limit = 2 << 20,
		    .keepalive_ms = 65000,
		    .keepalive_requests = 1000,
		},
	    .srv.dice = 1,
	};
	int opt, ret = 2;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!set_option(&s, opt, optarg))
			goto out;
	if (argc - optind != 1) {
		complain("serve takes one directory, made by init");
		goto out;
	}
	s.srv.dir = argv[optind];
	ret = load(&s) < 0 ? 1 : run(&s);
out:
	unload(&s);
	return ret;
}
