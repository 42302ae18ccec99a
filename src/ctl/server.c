/*
 * server: see server.h.  Order of this file: bundles, clients, identity,
 * signals, starting, running, ending.
 */
#include "ctl/server_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/idsource.h"
#include "ctl/harden.h"
#include "ctl/notify.h"
#include "ctl/pages.h"
#include "ctl/ready.h"
#include "ctl/report.h"
#include "ctl/status.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXPIRY_LOOK_MS 30000
#define OVERLOAD_ROOM 64 /* clients over max-clients that get a 503 */
#define SPARE_DESCRIPTORS 64
#define ADMIN_DESCRIPTORS 8 /* kept for probes where there are too few */
#define OPEN_LOOK_MAX 4096

/* ---- bundles: what the workers work by ---- */

enum auth_mode
server_mode(const struct server *s)
{
	enum auth_mode mode = s->config->auth;

	if (s->live)
		return account_mode(s->live);
	return mode == AUTH_AUTO ? AUTH_TOKEN : mode;
}

static void
publish(struct server *s)
{
	const char *trouble = s->session ? session_trouble(s->session) : NULL;
	struct token *token = s->session ? session_token(s->session) : NULL;
	enum auth_mode mode = server_mode(s);
	struct bundle *b =
	    bundle_new(s->config, s->identity, token, mode, trouble);

	for (unsigned i = 0; i < s->nworkers; i++)
		worker_publish(s->workers[i], bundle_ref(b));
	bundle_unref(b);
}

static void
on_account_changed(void *arg, struct account *a)
{
	struct server *s = arg;

	if (a != s->live)
		return;
	publish(s);
	reload_live_changed(s->reload);
	if (account_state(a) == ACCOUNT_REFUSED)
		reload_hint(s->reload);
	/* Without one: a probe from before it went live has ended. */
	if (s->session && !drain_asked(s))
		notify_status("session %s",
		    session_state_name(session_state(s->session)));
}

static void
on_token_refused(void *arg, uint64_t generation, unsigned wait_s)
{
	struct server *s = arg;

	if (s->session)
		session_token_refused(s->session, generation, wait_s);
}

static void
on_court_nonce(void *arg, const char *nonce)
{
	struct server *s = arg;

	if (s->session)
		session_learn_nonce(s->session, nonce);
}

static void
on_wants_files(void *arg)
{
	struct server *s = arg;

	reload_hint(s->reload);
}

/* ---- clients: the least loaded worker gets the next ---- */

unsigned
server_clients(const struct server *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nworkers; i++)
		n += s->workers[i]->assigned;
	return n;
}

void
server_adjust_accepting(struct server *s)
{
	bool pause = !drain_accepts(s) || server_clients(s) >= s->client_room;

	if (s->drain.state == DRAIN_CLOSING) /* their backlog goes in */
		return;
	for (size_t i = 0; i < s->ports.data.n; i++) {
		if (pause)
			listener_pause(s->ports.data.v[i]);
		else
			listener_resume(s->ports.data.v[i]);
	}
}

/* A few system calls: only if somebody wants to know. */
static struct peer
look_at_peer(const struct server *s, int fd)
{
	if (!s->config->allow_uid.set && !log_access_wanted())
		return (struct peer){0};
	return peer_owner(fd);
}

static void
on_accepted(void *arg, struct listener *l, int fd)
{
	struct server *s = arg;
	struct worker *least = s->workers[0];
	unsigned n = server_clients(s);

	for (unsigned i = 1; i < s->nworkers; i++)
		if (s->workers[i]->assigned < least->assigned)
			least = s->workers[i];
	worker_accept(least, &(struct arrival){.listener = l,
				 .fd = fd,
				 .peer = look_at_peer(s, fd),
				 .overloaded = n >= s->config->max_clients,
				 .epoch = s->drain.epoch});
	server_adjust_accepting(s);
}

static void
on_client_closed(void *arg, struct worker *w, unsigned epoch)
{
	struct server *s = arg;

	w->assigned--;
	server_adjust_accepting(s);
	drain_client_closed(s, epoch);
}

/* ---- identity ---- */

/* quiet: a failure is tried again later and not worth a word each time. */
static int
read_secrets(struct server *s, struct err *err)
{
	struct findings found = {0};
	int r = config_read_secrets(s->config, &found, err);

	report_findings(&found);
	findings_free(&found);
	return r;
}

static struct identity *
load_identity(struct server *s, bool quiet, struct err *err)
{
	struct findings found = {0};
	struct identity *id = idsource_load(s->config, &found, err);

	if (id || !quiet)
		report_findings(&found);
	findings_free(&found);
	if (id)
		identity_set_generation(id, 1);
	return id;
}

static void
go_live(void *arg, struct account *a)
{
	struct server *s = arg;
	struct account *before = s->live;

	s->live = a;
	a->setup.changed = on_account_changed;
	a->setup.arg = s;
	s->identity = a->identity;
	s->session = a->session;
	config_ref(a->config);
	config_unref(s->config);
	s->config = a->config;
	publish(s);
	account_free(before);
	if (!a->session)
		ready_look(s); /* there is no login that would show it */
	/* Its time for the identity is over. */
	timers_cancel(&s->loop.timers, &s->identity_timer);
	timers_set(&s->loop.timers, &s->expiry_timer, clock_now_ms());
}

static void
on_expiry_timer(void *arg)
{
	struct server *s = arg;

	expiry_look(&s->expiry, s->identity, gateway_wall_s(&s->gateway));
	timers_set(
	    &s->loop.timers, &s->expiry_timer, clock_now_ms() + EXPIRY_LOOK_MS);
}

static void
on_configured(void *arg, struct config *conf)
{
	struct server *s = arg;

	config_ref(conf);
	config_unref(s->config);
	s->config = conf;
	log_set_level((enum log_level)conf->log_level);
	publish(s);
}

static struct account_setup
account_setup(struct server *s)
{
	return (struct account_setup){.loop = &s->loop,
	    .resolver = s->resolver,
	    .metrics = s->metrics,
	    .gateway = &s->gateway,
	    .changed = on_account_changed,
	    .arg = s};
}

static void
make_reload(struct server *s)
{
	const struct reload_setup setup = {.input = s->input,
	    .account = account_setup(s),
	    .adopt = go_live,
	    .configure = on_configured,
	    .arg = s};

	s->reload = reload_new(&setup, s->config);
}

/* What was loaded at the start needs no trial: there is nothing else. */
static int
begin_session(struct server *s, struct identity *id, struct err *err)
{
	const struct account_setup setup = account_setup(s);
	struct account *a =
	    account_new(&setup, s->config, id, ACCOUNT_NO_TRIAL, err);

	if (!a)
		return -1;
	go_live(s, a);
	reload_begin(s->reload, a);
	return 0;
}

/* identity-wait is over: the files have not come (as from an init container),
 * or are not good. */
static void
on_identity_timer(void *arg)
{
	struct server *s = arg;
	struct identity_source source = idsource_of(s->config);
	const char *why = reload_trouble(s->reload);

	if (identity_files_exist(&source) && why) {
		reload_report(s->reload);
		log_error("server", "no identity", L_STR("err", why), L_END);
		s->exit_status = reload_exit(s->reload);
	} else {
		log_error("server",
		    "identity-wait: the identity files did not appear",
		    L_STR("dir", s->config->identity_dir), L_END);
		s->exit_status = EXIT_CONFIG;
	}
	s->loop.stop = true;
}

/* ---- signals ---- */

void
server_stop(struct server *s)
{
	s->loop.stop = true;
}

static void
on_stop_signal(evutil_socket_t sig, short what, void *arg)
{
	struct server *s = arg;

	(void)sig;
	(void)what;
	drain_ask(s);
}

static void
on_reloaded(void *arg, enum reload_result result, const char *sentence)
{
	struct server *s = arg;

	(void)result; /* the log has it */
	(void)sentence;
	if (!drain_asked(s))
		notify_ready();
}

static void
on_hangup(evutil_socket_t sig, short what, void *arg)
{
	struct server *s = arg;

	(void)sig;
	(void)what;
	if (drain_asked(s)) {
		log_info("server", "SIGHUP is ignored while draining", L_END);
		return;
	}
	notify_reloading();
	reload_now(s->reload, on_reloaded, s);
}

/* In a container we may be the process that inherits orphans; the kernel is to
 * bury them. */
static void
leave_no_zombies(void)
{
	const struct sigaction sa = {
	    .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};

	if (getpid() == 1)
		sigaction(SIGCHLD, &sa, NULL);
}

static void
on_state_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	status_log(arg);
}

static void
catch_signals(struct server *s)
{
	leave_no_zombies();
	signal(SIGPIPE, SIG_IGN);
	/* What the events leave behind when they are freed: the exit status is
	 * settled by then, and one more signal must not change it. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	s->signals[0] = evsignal_new(s->loop.base, SIGTERM, on_stop_signal, s);
	s->signals[1] = evsignal_new(s->loop.base, SIGINT, on_stop_signal, s);
	s->signals[2] = evsignal_new(s->loop.base, SIGHUP, on_hangup, s);
	s->signals[3] = evsignal_new(s->loop.base, SIGUSR1, on_state_signal, s);
	for (size_t i = 0; i < COUNT(s->signals); i++)
		event_add(s->signals[i], NULL);
}

/* ---- starting ---- */

static void
on_libevent_says(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		log_warn(
		    "server", "libevent complains", L_STR("text", text), L_END);
}

static void
open_admin(struct server *s)
{
	const struct admin_pages pages = pages_of(s);

	s->admin = admin_new(&s->loop, &pages);
	for (size_t i = 0; i < s->ports.admin.n; i++)
		admin_listen(s->admin, s->ports.admin.v[i], ADMIN_ALL);
	for (size_t i = 0; i < s->ports.metrics.n; i++)
		admin_listen(s->admin, s->ports.metrics.v[i], ADMIN_METRICS);
}

static int
start_workers(struct server *s, struct err *err)
{
	struct worker_events events = {on_token_refused, on_court_nonce,
	    on_wants_files, on_client_closed, s};
	unsigned n = s->config->workers;

	s->workers = mem_alloc(n * sizeof(struct worker *));
	for (unsigned i = 0; i < n; i++) {
		struct worker *w = worker_new(
		    i, s->config, s->resolver, &s->gateway, &s->loop, &events);

		w->own = &s->ports.all;
		if (worker_start(w, err) < 0)
			return -1;
		s->workers[s->nworkers++] = w;
	}
	publish(s);
	return 0;
}

static bool
callers_are_judged(const struct config *conf)
{
	return conf->allow_uid.set || conf->local_token_file;
}

static void
begin_accepting(struct server *s)
{
	for (size_t i = 0; i < s->ports.data.n; i++) {
		listener_start(s->ports.data.v[i], on_accepted, s);
		log_info("server", "listening",
		    L_STR("address", listener_name(s->ports.data.v[i])), L_END);
		if (!callers_are_judged(s->config) &&
		    !listener_local(s->ports.data.v[i])->is_unix)
			log_warn("server",
			    "every local user who can connect here acts as "
			    "the agent",
			    L_STR("address", listener_name(s->ports.data.v[i])),
			    L_END);
	}
	s->started = true;
	notify_ready();
	watchdog_start(&s->watchdog, &s->loop, s->workers, s->nworkers);
}

/* A descriptor for each client and each connection to the gateway; the soft
 * limit of most systems is meant for select().  False: it is not enough. */
static bool
raise_descriptor_limit(const struct config *conf, struct rlimit *limit)
{
	rlim_t want = (rlim_t)conf->max_clients + OVERLOAD_ROOM +
		      conf->max_upstream_connections +
		      (conf->admin_listen.n + conf->metrics_listen.n) *
			  ADMIN_CONNECTIONS_MAX +
		      SPARE_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, limit) < 0 || limit->rlim_cur >= want)
		return true;
	limit->rlim_cur = want < limit->rlim_max ? want : limit->rlim_max;
	setrlimit(RLIMIT_NOFILE, limit);
	return limit->rlim_cur >= want;
}

/* With too few descriptors, half of those that are left are for clients, so
 * that each finds one for its connection to the gateway; who comes beyond that
 * waits to be accepted.  When all else is open. */
static void
make_room_for_clients(struct server *s)
{
	unsigned open = 0;
	struct rlimit limit;
	int64_t left;

	s->client_room = s->config->max_clients + OVERLOAD_ROOM;
	if (raise_descriptor_limit(s->config, &limit))
		return;
	for (int fd = 0; fd < (int)limit.rlim_cur && fd < OPEN_LOOK_MAX; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	left = (int64_t)limit.rlim_cur - open - ADMIN_DESCRIPTORS;
	left = left < 4 ? 2 : left / 2;
	if (left < s->client_room)
		s->client_room = (unsigned)left;
	log_warn("server",
	    "the limit of open files is too low for max-clients and "
	    "max-upstream-connections; raise it (LimitNOFILE=)",
	    L_INT("limit", (int64_t)limit.rlim_cur),
	    L_INT("clients", s->client_room), L_END);
}

static int
open_log(const struct config *conf, struct err *err)
{
	static const int access_fds[] = {[ACCESS_LOG_STDERR] = STDERR_FILENO,
	    [ACCESS_LOG_STDOUT] = STDOUT_FILENO,
	    [ACCESS_LOG_NONE] = -1};
	bool json =
	    conf->log_format == LOG_FORMAT_JSON ||
	    (conf->log_format == LOG_FORMAT_AUTO && !isatty(STDERR_FILENO));
	struct log_config l = {.level = (enum log_level)conf->log_level,
	    .style = json ? LOG_JSON : LOG_TEXT,
	    .access_fd = access_fds[conf->access_log]};

	return log_open(&l, err);
}

static int
start(struct server *s, struct err *err)
{
	struct identity_source source = idsource_of(s->config);
	bool may_wait = s->config->identity_wait_ms > 0;
	struct identity *id = NULL;
	int r;

	if (read_secrets(s, err) < 0)
		goto told;
	/* Files that do not belong together yet are waited for as well. */
	if (!may_wait || identity_files_exist(&source))
		id = load_identity(s, may_wait, err);
	if (!id && !may_wait)
		return -1;
	if (ports_open(&s->ports, &s->loop, s->config, err) < 0 ||
	    (s->config->runtime_dir &&
		ports_write(&s->ports, s->config->runtime_dir, err) < 0) ||
	    open_log(s->config, err) < 0)
		goto told;
	open_admin(s);
	harden_memory();
	s->resolver = resolver_new();
	s->reach = reach_new(&(struct reach_setup){
	    &s->loop, s->resolver, s->metrics, &s->gateway});
	make_reload(s);
	r = start_workers(s, err);
	if (r == 0 && id)
		r = begin_session(s, id, err);
	if (r < 0)
		goto told;
	if (!id) {
		log_info("server", "waiting for the identity files",
		    L_STR("dir", source.dir), L_END);
		timers_set(&s->loop.timers, &s->identity_timer,
		    clock_now_ms() + s->config->identity_wait_ms);
	}
	identity_unref(id);
	reload_start(s->reload);
	make_room_for_clients(s);
	begin_accepting(s);
	return 0;
told:
	identity_unref(id);
	fprintf(stderr, "cullis-sidecar: error: %s\n", err->text);
	return -1;
}

/* ---- ending ---- */

static void
finish(struct server *s)
{
	for (unsigned i = 0; i < s->nworkers; i++)
		worker_stop(s->workers[i]);
	for (unsigned i = 0; i < s->nworkers; i++)
		worker_join_free(s->workers[i]);
	free(s->workers);
	reach_free(s->reach);
	admin_free(s->admin);
	ports_free(&s->ports);
	reload_free(s->reload);
	account_free(s->live);
	if (s->resolver)
		resolver_free(s->resolver);
	drain_fini(s);
	watchdog_fini(&s->watchdog);
	timers_cancel(&s->loop.timers, &s->expiry_timer);
	timers_cancel(&s->loop.timers, &s->identity_timer);
	for (size_t i = 0; i < COUNT(s->signals); i++)
		if (s->signals[i])
			event_free(s->signals[i]);
	loop_fini(&s->loop);
	config_unref(s->config);
	free(s->metrics);
	log_close();
}

int
server_run(struct config *config, const struct config_input *input)
{
	struct server s = {
	    .config = config, .input = input, .ports = PORTS_INIT};
	struct err err = ERR_INIT;

	harden_process();
	s.started_ms = clock_now_ms();
	s.started_wall_s = clock_wall_s();
	s.metrics = MEM_NEW(struct metrics);
	event_set_log_callback(on_libevent_says);
	loop_init(&s.loop);
	drain_init(&s);
	timer_init(&s.identity_timer, on_identity_timer, &s);
	timer_init(&s.expiry_timer, on_expiry_timer, &s);
	catch_signals(&s);
	if (start(&s, &err) == 0) {
		loop_run(&s.loop);
		log_info("server", "stopped", L_END);
	} else {
		s.exit_status = (int)err.exit;
	}
	finish(&s);
	return s.exit_status;
}
