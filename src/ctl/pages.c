/*
 * pages: see pages.h.
 */
#include "ctl/pages.h"

#include "base/clock.h"
#include "base/log.h"
#include "ctl/ready.h"
#include "ctl/status.h"
#include "proxy/accesslog.h"

#include <dirent.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define STUCK_MS 10000 /* a worker that does not answer a ping so long */

static unsigned
page_live(void *arg, struct buf *b)
{
	struct server *s = arg;

	for (unsigned i = 0; i < s->nworkers; i++) {
		if (worker_unanswered_ms(s->workers[i]) < STUCK_MS)
			continue;
		buf_printf(b, "worker %u does not turn\n", i);
		return 503;
	}
	buf_add_str(b, "ok\n");
	return 200;
}

static unsigned
page_started(void *arg, struct buf *b)
{
	struct server *s = arg;
	bool ok = s->started && s->identity;

	buf_add_str(b, ok ? "ok\n" : "no identity is loaded yet\n");
	return ok ? 200 : 503;
}

static void
add_identity_metrics(const struct server *s, struct buf *b)
{
	const struct identity *id = s->identity;

	if (!id)
		return;
	metrics_write_value(
	    b, METRIC_NOT_BEFORE, (double)identity_not_before(id));
	metrics_write_family(b, METRIC_NOT_AFTER);
	metrics_write_sample(b, METRIC_NOT_AFTER, "kind=\"certificate\"",
	    (double)identity_not_after(id));
	if (identity_ca_not_after(id))
		metrics_write_sample(b, METRIC_NOT_AFTER, "kind=\"ca\"",
		    (double)identity_ca_not_after(id));
}

static void
add_session_metrics(const struct server *s, struct buf *b)
{
	const struct token *token =
	    s->session ? session_token(s->session) : NULL;

	if (s->session && session_mode(s->session) == AUTH_TOKEN)
		metrics_write_value(b, METRIC_TOKEN_EXPIRY,
		    token ? (double)(clock_wall_ms() + token->expires_ms -
				     clock_now_ms()) /
				1000
			  : 0);
}

static void
add_reload_metrics(const struct server *s, struct buf *b)
{
	static const char *const labels[] = {
	    [RELOAD_RENEWED] = "result=\"renewed\"",
	    [RELOAD_UNCHANGED] = "result=\"unchanged\"",
	    [RELOAD_REFUSED] = "result=\"refused\""};

	metrics_write_family(b, METRIC_RELOADS);
	for (unsigned i = 0; i < COUNT(labels); i++)
		metrics_write_sample(b, METRIC_RELOADS, labels[i],
		    (double)reload_count(s->reload, (enum reload_result)i));
	metrics_write_value(
	    b, METRIC_FILES_REFUSED, reload_trouble(s->reload) != NULL);
}

static void
add_gateway_metrics(const struct server *s, struct buf *b)
{
	int64_t now = clock_now_ms();

	metrics_write_value(
	    b, METRIC_GATEWAY_REACHED, gateway_reach(&s->gateway).reached);
	metrics_write_family(b, METRIC_BREAKER);
	metrics_write_sample(b, METRIC_BREAKER, "reason=\"shed\"",
	    circuit_state(&s->gateway.shed, now));
	metrics_write_sample(b, METRIC_BREAKER, "reason=\"refused\"",
	    circuit_state(&s->gateway.refusal, now));
	metrics_write_value(b, METRIC_CLOCK_OFFSET,
	    (double)gateway_clock_offset_ms(&s->gateway) / 1000);
}

static void
add_own_metrics(struct server *s, struct buf *b)
{
	struct buf unused = BUF_INIT;
	char labels[160];

	snprintf(labels, sizeof(labels), "version=\"%s\",openssl=\"%s\"",
	    PACKAGE_VERSION, OpenSSL_version(OPENSSL_VERSION_STRING));
	metrics_write_family(b, METRIC_BUILD_INFO);
	metrics_write_sample(b, METRIC_BUILD_INFO, labels, 1);
	metrics_write_value(b, METRIC_READY, ready_page(s, &unused) == 200);
	buf_free(&unused);
	metrics_write_value(b, METRIC_MAX_CLIENTS, s->config->max_clients);
	add_identity_metrics(s, b);
	add_session_metrics(s, b);
	add_reload_metrics(s, b);
	add_gateway_metrics(s, b);
	metrics_write_value(b, METRIC_LOG_DROPPED, (double)log_dropped());
}

static long
resident_pages(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages;
}

static unsigned
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		n += *e->d_name != '.';
	if (dir)
		closedir(dir);
	return n ? n - 1 : 0; /* without the one that was looked through */
}

/* Under the names that every exporter uses. */
static void
add_process_metrics(struct server *s, struct buf *b)
{
	struct rlimit limit = {0};
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	getrlimit(RLIMIT_NOFILE, &limit);
	metrics_write_value(b, METRIC_PROCESS_CPU,
	    (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	metrics_write_value(b, METRIC_PROCESS_RESIDENT,
	    (double)resident_pages() * (double)sysconf(_SC_PAGESIZE));
	metrics_write_value(b, METRIC_PROCESS_START, (double)s->started_wall_s);
	metrics_write_value(b, METRIC_PROCESS_FDS, open_descriptors());
	metrics_write_value(b, METRIC_PROCESS_MAX_FDS, (double)limit.rlim_cur);
}

static unsigned
page_metrics(void *arg, struct buf *b)
{
	struct server *s = arg;
	static const struct metric_names names = {accesslog_route_name,
	    accesslog_method_name, accesslog_end_name, accesslog_refusal_name};
	struct metrics *all[65];
	unsigned n = 0;

	while (n < s->nworkers && n < COUNT(all) - 1) {
		all[n] = s->workers[n]->metrics;
		n++;
	}
	all[n++] = s->metrics;
	metrics_write(b, all, n, &names);
	add_own_metrics(s, b);
	add_process_metrics(s, b);
	return 200;
}

static unsigned
page_ready(void *arg, struct buf *b)
{
	return ready_page(arg, b);
}

static unsigned
page_status(void *arg, struct buf *b)
{
	status_page(arg, b);
	return 200;
}

static unsigned
ask_quit(void *arg, struct buf *b)
{
	drain_begin(arg);
	buf_add_str(b, "draining, and then the sidecar ends\n");
	return 200;
}

static void
on_reloaded(void *arg, enum reload_result result, const char *sentence)
{
	admin_tell(arg, result == RELOAD_REFUSED ? 500 : 200, sentence);
}

static const char *
ask_reload(void *arg, struct visit *v)
{
	struct server *s = arg;

	if (drain_asked(s))
		return "the sidecar is draining and loads nothing any more\n";
	reload_now(s->reload, on_reloaded, v);
	return NULL;
}

static void
forget_reload(void *arg, struct visit *v)
{
	struct server *s = arg;

	reload_forget(s->reload, v);
}

static bool
tcp_may_act(void *arg)
{
	const struct server *s = arg;

	return s->config->admin_quit == ADMIN_QUIT_TCP;
}

struct admin_pages
pages_of(struct server *s)
{
	return (struct admin_pages){page_live, page_started, page_ready,
	    page_metrics, page_status, ask_quit, ask_reload, forget_reload,
	    tcp_may_act, s};
}
