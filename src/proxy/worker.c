/*
 * worker: see worker.h.
 */
#include "proxy/worker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/passthrough.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_FLUSH_MS 200
#define BOXES_KEPT 64
#define BOX_BYTES_KEPT 4096
#define ANSWER_HEAD_MIN 32768 /* heads of the gateway's up to here pass */

/* ---- letters to main ---- */

struct worker_letter {
	struct letter letter;
	struct worker *w;
	enum { REFUSED, NONCE, FILES, CLOSED } kind;
	uint64_t generation;
	unsigned wait_s, epoch;
	char *nonce;
};

static void
run_in_main(struct letter *letter, bool closed)
{
	struct worker_letter *l = (struct worker_letter *)letter;
	const struct worker_events *e = &l->w->events;

	if (!closed && l->kind == REFUSED)
		e->token_refused(e->arg, l->generation, l->wait_s);
	else if (!closed && l->kind == NONCE)
		e->court_nonce(e->arg, l->nonce);
	else if (!closed && l->kind == FILES)
		e->wants_files(e->arg);
	else if (!closed)
		e->client_closed(e->arg, l->w, l->epoch);
	mem_wipe_free_str(l->nonce);
	free(l);
}

static void
tell_main(struct worker *w, const struct worker_letter *news)
{
	struct worker_letter *l = MEM_NEW(struct worker_letter);

	*l = *news;
	l->letter.run = run_in_main;
	l->w = w;
	mailbox_post(&w->main_loop->mailbox, &l->letter);
}

void
worker_token_refused(
    struct worker *w, uint64_t token_generation, unsigned wait_s)
{
	tell_main(w, &(struct worker_letter){.kind = REFUSED,
			 .generation = token_generation,
			 .wait_s = wait_s});
}

void
worker_court_nonce(struct worker *w, const char *nonce)
{
	tell_main(w,
	    &(struct worker_letter){.kind = NONCE, .nonce = mem_strdup(nonce)});
}

void
worker_wants_files(struct worker *w)
{
	tell_main(w, &(struct worker_letter){.kind = FILES});
}

void
worker_client_gone(struct worker *w, unsigned epoch)
{
	tell_main(w, &(struct worker_letter){.kind = CLOSED, .epoch = epoch});
}

/* ---- letters from main ---- */

struct order {
	struct letter letter;
	struct worker *w;
	enum { ACCEPT, PUBLISH, PING, DRAIN, STOP } kind;
	struct arrival arrival;
	struct bundle *bundle;
};

static size_t
largest(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t ab = a > b ? a : b;

	return (size_t)(ab > c ? ab : c);
}

/* Of max-upstream-connections, for one worker. */
static unsigned
upstream_share(const struct config *conf)
{
	return (conf->max_upstream_connections + conf->workers - 1) /
	       conf->workers;
}

void
worker_upstream_options(const struct worker *w, struct upstream_options *o)
{
	const struct config *conf = w->view->bundle->config;

	*o = (struct upstream_options){.connect_ms = conf->connect_timeout_ms,
	    .idle_ms = conf->upstream_idle_timeout_ms,
	    .max_uses = conf->upstream_max_uses,
	    .max_connections = upstream_share(conf),
	    .in_limit =
		largest(conf->relay_buffer, conf->max_head, ANSWER_HEAD_MIN)};
}

/* The view's connections: those of the one before, unless the gateway or the
 * way to it is another. */
static void
adopt_upstream(struct worker *w)
{
	const struct bundle *b = w->view->bundle;
	struct upstream_options o;

	if (!b->identity)
		return;
	worker_upstream_options(w, &o);
	gateway_upstream_options(w->gateway, b->config, &o);
	if (w->upstream && upstream_is(w->upstream, &o)) {
		w->view->upstream = upstream_ref(w->upstream);
	} else {
		w->view->upstream =
		    upstream_new(&w->loop, w->resolver, w->metrics, &o);
		learned_fini(&w->learned);
		w->learned = (struct learned){0};
	}
	upstream_retire(w->view->upstream, identity_generation(b->identity));
}

/* Everybody who waits for a token looks at the new view, once: who goes on
 * waiting is put behind the others. */
static void
wake_token_waiters(struct worker *w)
{
	struct exchange *x;
	unsigned n = 0;

	TAILQ_FOREACH(x, &w->token_waiters, token_link)
		n++;
	while (n-- && (x = TAILQ_FIRST(&w->token_waiters)))
		exchange_unpark(x);
}

static void
adopt(struct worker *w, struct bundle *b)
{
	struct err err = ERR_INIT;
	struct view *old = w->view, *view = view_new(b, old, &err);

	if (!view) {
		log_error("worker", "cannot use the new identity",
		    L_STR("err", err.text), L_END);
		bundle_unref(b);
		return;
	}
	w->view = view;
	adopt_upstream(w);
	w->upstream = view->upstream;
	if (old && old->upstream && old->upstream != w->upstream) {
		upstream_retire(old->upstream, 0);
		passthrough_renew(w);
	}
	if (old && old->bundle->config != b->config)
		learned_forget_bases(&w->learned);
	if (b->token && (!old || old->bundle->token != b->token))
		learned_from_token(&w->learned, b->token);
	view_unref(old);
	wake_token_waiters(w);
}

static void
drain(struct worker *w)
{
	struct client *c, *next;

	w->draining = true;
	for (c = TAILQ_FIRST(&w->clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		client_drain(c);
	}
}

static void
end_all(struct worker *w)
{
	struct client *c;

	while ((c = TAILQ_FIRST(&w->clients))) {
		if (c->state == CLIENT_EXCHANGE)
			exchange_abort(&c->x, END_DRAIN);
		client_close(c);
	}
	w->loop.stop = true;
}

static void
run_in_worker(struct letter *letter, bool closed)
{
	struct order *o = (struct order *)letter;

	if (closed) {
		if (o->kind == ACCEPT)
			close(o->arrival.fd);
		bundle_unref(o->bundle);
	} else if (o->kind == ACCEPT) {
		client_new(o->w, &o->arrival);
	} else if (o->kind == PUBLISH) {
		adopt(o->w, o->bundle);
	} else if (o->kind == PING) {
		atomic_fetch_add(&o->w->pongs, 1);
	} else if (o->kind == DRAIN) {
		drain(o->w);
	} else {
		end_all(o->w);
	}
	free(o);
}

static void
give_order(struct worker *w, struct order order)
{
	struct order *o = MEM_NEW(struct order);

	*o = order;
	o->letter.run = run_in_worker;
	o->w = w;
	mailbox_post(&w->loop.mailbox, &o->letter);
}

void
worker_accept(struct worker *w, const struct arrival *a)
{
	w->assigned++;
	give_order(w, (struct order){.kind = ACCEPT, .arrival = *a});
}

int64_t
worker_unanswered_ms(struct worker *w)
{
	int64_t now = clock_now_ms();

	if (atomic_load(&w->pongs) < w->pings)
		return now - w->pinged_ms;
	w->pings++;
	w->pinged_ms = now;
	give_order(w, (struct order){.kind = PING});
	return 0;
}

void
worker_publish(struct worker *w, struct bundle *b)
{
	give_order(w, (struct order){.kind = PUBLISH, .bundle = b});
}

void
worker_drain(struct worker *w)
{
	give_order(w, (struct order){.kind = DRAIN});
}

void
worker_stop(struct worker *w)
{
	give_order(w, (struct order){.kind = STOP});
}

/* ---- what exchanges borrow ---- */

static void
box_free(struct headbox *box)
{
	buf_free(&box->bytes);
	path_free(&box->path);
	free(box);
}

struct headbox *
worker_box_take(struct worker *w)
{
	struct headbox *box = w->boxes;

	if (box) {
		w->boxes = box->next;
		w->nboxes--;
	} else {
		box = mem_alloc(
		    sizeof(*box) + w->max_headers * sizeof(struct field));
	}
	box->next = NULL;
	return box;
}

/* Kept for the next head, but not what a burst or a giant head needed. */
void
worker_box_give(struct worker *w, struct headbox *box)
{
	if (!box)
		return;
	if (box->bytes.cap > BOX_BYTES_KEPT)
		buf_free(&box->bytes);
	if (w->nboxes >= BOXES_KEPT) {
		box_free(box);
		return;
	}
	w->nboxes++;
	box->next = w->boxes;
	w->boxes = box;
}

static void
on_log_timer(void *arg)
{
	struct worker *w = arg;

	log_sink_flush(&w->log);
}

void
worker_log_line(struct worker *w)
{
	w->log.lines++;
	if (w->log.buf.len >= LOG_SINK_FULL)
		log_sink_flush(&w->log);
	else if (!w->log_timer.slot)
		timers_set(&w->loop.timers, &w->log_timer,
		    clock_now_ms() + LOG_FLUSH_MS);
}

/* ---- the thread ---- */

static void *
worker_thread(void *arg)
{
	struct worker *w = arg;
	char name[16];

	/* For top -H and debuggers. */
	snprintf(name, sizeof(name), "worker %u", w->id);
	pthread_setname_np(pthread_self(), name);
	loop_run(&w->loop);
	log_sink_flush(&w->log);
	return NULL;
}

struct worker *
worker_new(unsigned id, const struct config *conf, struct resolver *resolver,
    struct gateway_state *gateway, struct loop *main_loop,
    const struct worker_events *events)
{
	struct worker *w = MEM_NEW(struct worker);

	w->id = id;
	w->resolver = resolver;
	w->gateway = gateway;
	w->main_loop = main_loop;
	w->events = *events;
	w->max_headers = conf->max_headers > ANSWER_HEADERS_MAX
			     ? conf->max_headers
			     : ANSWER_HEADERS_MAX;
	w->replay_total = (size_t)conf->replay_total / conf->workers;
	w->replay_left = w->replay_total;
	/* Its own cache lines: nobody else's writes slow counting down. */
	w->metrics = aligned_alloc(64, (sizeof(struct metrics) + 63) / 64 * 64);
	if (!w->metrics)
		abort();
	memset(w->metrics, 0, sizeof(*w->metrics));
	RAND_bytes((unsigned char *)&w->request_seed, sizeof(w->request_seed));
	TAILQ_INIT(&w->clients);
	TAILQ_INIT(&w->token_waiters);
	TAILQ_INIT(&w->passthroughs);
	loop_init(&w->loop);
	budget_set_limit(&w->loop.budget,
	    (size_t)conf->max_buffer / conf->workers,
	    (size_t)upstream_share(conf) * (CONN_TLS_STATE + BUDGET_STEP_TLS));
	timer_init(&w->log_timer, on_log_timer, w);
	return w;
}

int
worker_start(struct worker *w, struct err *err)
{
	if (pthread_create(&w->thread, NULL, worker_thread, w) != 0)
		return err_set(
		    err, EXIT_RUNTIME, "cannot start a worker thread");
	return 0;
}

static void
free_boxes(struct worker *w)
{
	while (w->boxes)
		box_free(worker_box_take(w));
}

void
worker_join_free(struct worker *w)
{
	pthread_join(w->thread, NULL);
	passthrough_free(w);
	view_unref(w->view);
	loop_fini(&w->loop);
	free_boxes(w);
	buf_free(&w->log.buf);
	learned_fini(&w->learned);
	free(w->metrics);
	free(w);
}
