/*
 * status: see status.h.
 */
#include "ctl/status.h"

#include "base/clock.h"
#include "base/log.h"
#include "proxy/exchange.h"

#include <stdio.h>

#define FACTS_MAX 48
#define DAY_S 86400

/* Text in them is borrowed from what lives as long as the turn. */
struct facts {
	struct log_field v[FACTS_MAX + 1];
	size_t n;
	struct buf origin;
};

static void
add(struct facts *f, struct log_field field)
{
	if (f->n < FACTS_MAX)
		f->v[f->n++] = field;
	f->v[f->n] = L_END;
}

static void
add_text(struct facts *f, const char *key, const char *text)
{
	if (text)
		add(f, L_STR(key, text));
}

bool
status_refused(const struct server *s, struct verdict_words *words)
{
	const struct gateway_state *g = &s->gateway;

	if (circuit_state(&g->refusal, clock_now_ms()) == CIRCUIT_CLOSED)
		return false;
	*words = verdict_words((enum verdict_row)atomic_load_explicit(
	    &g->refused_row, memory_order_relaxed));
	return true;
}

/* ---- the whole ---- */

static void
add_identity(struct facts *f, const struct server *s)
{
	const struct identity *id = s->identity;
	int64_t now_s = gateway_wall_s(&s->gateway);

	if (!id)
		return;
	add_text(f, "agent_id", identity_agent_id(id));
	add_text(f, "spiffe_id", identity_spiffe_id(id));
	add_text(f, "thumbprint", identity_thumbprint(id));
	add_text(f, "jkt", identity_jkt(id));
	add(f, L_INT("not_after", identity_not_after(id)));
	add(f, L_INT("expires_days", (identity_not_after(id) - now_s) / DAY_S));
	if (identity_ca_not_after(id))
		add(f, L_INT("ca_not_after", identity_ca_not_after(id)));
}

static void
add_gateway(struct facts *f, struct server *s)
{
	const struct route *route = &s->config->route;
	struct gateway_reach reach = gateway_reach(&s->gateway);
	struct verdict_words words;

	if (route->origin) {
		buf_add_str(&f->origin, "https://");
		origin_print(route->origin, &f->origin);
		add(f, L_SPAN("gateway", buf_span(&f->origin)));
	}
	add(f, L_BOOL("gateway_reached", reach.reached));
	if (reach.at_ms)
		add(f, L_INT("gateway_tried_ms_ago",
			   clock_now_ms() - reach.at_ms));
	if (!reach.reached && reach.at_ms)
		add_text(f, "gateway_trouble",
		    end_row(end_of_lease(reach.why))->token);
	if (status_refused(s, &words)) {
		add_text(f, "refused", words.code);
		add_text(f, "refused_why", words.message);
		add_text(f, "refused_cure", words.suggestion);
	}
	add(f, L_BOOL("clock_known", gateway_clock_known(&s->gateway)));
	add(f, L_INT("clock_offset_ms", gateway_clock_offset_ms(&s->gateway)));
}

static void
add_session(struct facts *f, const struct server *s)
{
	static const char *const modes[] = {[AUTH_TOKEN] = "token",
	    [AUTH_CERT] = "cert",
	    [AUTH_API_KEY] = "api-key"};
	const struct token *t = s->session ? session_token(s->session) : NULL;

	add_text(f, "auth", modes[server_mode(s)]);
	if (!s->session)
		return;
	add_text(f, "session", session_state_name(session_state(s->session)));
	/* Without tokens by design is no trouble. */
	if (session_state(s->session) != SESSION_WITHOUT)
		add_text(f, "trouble", session_trouble(s->session));
	if (!t)
		return;
	add(f,
	    L_INT("token_expires_s", (t->expires_ms - clock_now_ms()) / 1000));
	add(f, L_BOOL("token_bound", t->bound));
	add_text(f, "htu_base", t->htu_base);
}

static void
add_totals(struct facts *f, const struct server *s)
{
	size_t buffered = 0;

	for (unsigned i = 0; i < s->nworkers; i++)
		buffered += budget_used(&s->workers[i]->loop.budget);
	add(f, L_INT("workers", s->nworkers));
	add(f, L_INT("clients", server_clients(s)));
	add(f, L_INT("max_clients", s->config->max_clients));
	add(f, L_INT("buffered_bytes", (int64_t)buffered));
	add(f, L_INT("log_lines_dropped", (int64_t)log_dropped()));
	add_text(f, "newest_files_not_used", reload_trouble(s->reload));
	add(f,
	    L_INT("reloads", (int64_t)reload_count(s->reload, RELOAD_RENEWED)));
	add(f, L_INT("reloads_refused",
		   (int64_t)reload_count(s->reload, RELOAD_REFUSED)));
	add(f, L_BOOL("draining", drain_asked(s)));
	add(f, L_INT("uptime_ms", clock_now_ms() - s->started_ms));
}

static void
collect(struct facts *f, struct server *s)
{
	*f = (struct facts){.v = {L_END}, .origin = BUF_INIT};
	add_text(f, "version", PACKAGE_VERSION);
	add_identity(f, s);
	add_gateway(f, s);
	add_session(f, s);
	add_totals(f, s);
}

/* ---- its parts ---- */

static size_t
count_listeners(const struct server *s)
{
	return s->ports.all.n;
}

static void
collect_listener(struct facts *f, const struct server *s, size_t i)
{
	const struct {
		const char *key;
		const struct port_list *list;
	} kinds[] = {{"listen", &s->ports.data},
	    {"admin-listen", &s->ports.admin},
	    {"metrics-listen", &s->ports.metrics}};
	size_t kind = 0;

	*f = (struct facts){.v = {L_END}, .origin = BUF_INIT};
	while (i >= kinds[kind].list->n)
		i -= kinds[kind++].list->n;
	add_text(f, "key", kinds[kind].key);
	add_text(f, "address", listener_name(kinds[kind].list->v[i]));
}

static void
collect_worker(struct facts *f, const struct server *s, unsigned i)
{
	struct worker *w = s->workers[i];
	const struct metrics *m = w->metrics;

	*f = (struct facts){.v = {L_END}, .origin = BUF_INIT};
	add(f, L_INT("worker", i));
	add(f, L_INT("clients", w->assigned));
	add(f, L_INT("streams", (int64_t)metric_get(&m->streams_open)));
	add(f, L_INT("upstream_idle", (int64_t)metric_get(&m->upconns_idle)));
	add(f, L_INT("upstream_busy", (int64_t)metric_get(&m->upconns_busy)));
	add(f, L_INT("upstream_connecting",
		   (int64_t)metric_get(&m->upconns_connecting)));
	add(f, L_INT("replay_bytes", (int64_t)metric_get(&m->replay_held)));
	add(f, L_INT("buffered_bytes", (int64_t)budget_used(&w->loop.budget)));
	add(f, L_INT("unanswered_ms", worker_unanswered_ms(w)));
}

/* ---- as a page ---- */

static void
write_members(struct buf *b, struct facts *f)
{
	for (size_t i = 0; i < f->n; i++)
		log_add_field(b, LOG_JSON, &f->v[i], i == 0);
	buf_free(&f->origin);
}

void
status_page(struct server *s, struct buf *b)
{
	struct facts f;

	collect(&f, s);
	buf_add_char(b, '{');
	write_members(b, &f);
	buf_add_str(b, ",\"listeners\":[");
	for (size_t i = 0; i < count_listeners(s); i++) {
		buf_add_str(b, i ? ",{" : "{");
		collect_listener(&f, s, i);
		write_members(b, &f);
		buf_add_char(b, '}');
	}
	buf_add_str(b, "],\"per_worker\":[");
	for (unsigned i = 0; i < s->nworkers; i++) {
		buf_add_str(b, i ? ",{" : "{");
		collect_worker(&f, s, i);
		write_members(b, &f);
		buf_add_char(b, '}');
	}
	buf_add_str(b, "]}\n");
}

/* ---- as lines ---- */

void
status_log(struct server *s)
{
	struct facts f;

	collect(&f, s);
	log_asked("server", "state", f.v);
	buf_free(&f.origin);
	for (size_t i = 0; i < count_listeners(s); i++) {
		collect_listener(&f, s, i);
		log_asked("server", "state of a listener", f.v);
	}
	for (unsigned i = 0; i < s->nworkers; i++) {
		collect_worker(&f, s, i);
		log_asked("server", "state of a worker", f.v);
	}
}
