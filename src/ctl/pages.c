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
add_own_metrics(struct server *s, struct buf *b)
{
	char labels[160];
	struct token *token = s->session ? session_token(s->session) : NULL;

	snprintf(labels, sizeof(labels), "version=\"%s\",openssl=\"%s\"",
	    PACKAGE_VERSION, OpenSSL_version(OPENSSL_VERSION_STRING));
	metrics_write_value(
	    b, "build_info", labels, "gauge", "What is running", 1);
	if (s->identity) {
		metrics_write_value(b, "identity_not_after_timestamp_seconds",
		    "kind=\"certificate\"", "gauge",
		    "When a part of the identity ends",
		    (double)identity_not_after(s->identity));
		if (identity_ca_not_after(s->identity))
			metrics_write_value(b,
			    "identity_not_after_timestamp_seconds",
			    "kind=\"ca\"", "gauge", NULL,
			    (double)identity_ca_not_after(s->identity));
	}
	metrics_write_value(b, "token_expiry_timestamp_seconds", "", "gauge",
	    "When the session token ends, 0 without one",
	    token ? (double)(clock_wall_ms() + token->expires_ms -
			     clock_now_ms()) /
			1000
		  : 0);
	metrics_write_value(b, "identity_reloads_total", "result=\"renewed\"",
	    "counter",
	    "New files of the identity or the configuration, and demands to "
	    "look for them",
	    (double)reload_count(s->reload, RELOAD_RENEWED));
	metrics_write_value(b, "identity_reloads_total", "result=\"unchanged\"",
	    "counter", NULL, (double)reload_count(s->reload, RELOAD_UNCHANGED));
	metrics_write_value(b, "identity_reloads_total", "result=\"refused\"",
	    "counter", NULL, (double)reload_count(s->reload, RELOAD_REFUSED));
	metrics_write_value(b, "breaker_state", "reason=\"shed\"", "gauge",
	    "Requests are sent (0), answered at once (1), or one at a time "
	    "is sent (2)",
	    circuit_state(&s->gateway.shed, clock_now_ms()));
	metrics_write_value(b, "breaker_state", "reason=\"refused\"", "gauge",
	    NULL, circuit_state(&s->gateway.refusal, clock_now_ms()));
	metrics_write_value(b, "clock_offset_seconds", "", "gauge",
	    "The gateway's clock minus ours, up to 2 s low; 0 while unknown",
	    (double)gateway_clock_offset_ms(&s->gateway) / 1000);
	metrics_write_value(b, "log_lines_dropped_total", "", "counter",
	    "Log lines that a slow reader cost", (double)log_dropped());
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
	metrics_write_standard(b, "process_cpu_seconds_total", "counter",
	    "User and system time",
	    (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
		(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	metrics_write_standard(b, "process_resident_memory_bytes", "gauge",
	    "Resident memory",
	    (double)resident_pages() * (double)sysconf(_SC_PAGESIZE));
	metrics_write_standard(b, "process_start_time_seconds", "gauge",
	    "When the process started", (double)s->started_wall_s);
	metrics_write_standard(b, "process_open_fds", "gauge",
	    "Open file descriptors", open_descriptors());
	metrics_write_standard(b, "process_max_fds", "gauge",
	    "Limit of open file descriptors", (double)limit.rlim_cur);
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
	    page_metrics, page_status, ask_quit, tcp_may_act, s};
}
