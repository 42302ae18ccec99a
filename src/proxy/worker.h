/*
 * worker: one thread of the data plane: a loop, its clients, its connections
 * to the gateway, its counters.  Workers share nothing but immutable values and
 * the gateway's state (relaxed atomics).
 *
 * Threads: worker_new/start/accept/publish/drain/join are called by main; all
 * else runs in the worker's own thread.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include "base/log.h"
#include "base/metrics.h"
#include "http/head.h"
#include "http/url.h"
#include "net/listener.h"
#include "net/peer.h"
#include "net/upstream.h"
#include "proxy/bundle.h"
#include "proxy/credentials.h"
#include "proxy/gateway.h"

struct client;
struct passthrough;
struct worker;
struct exchange;
TAILQ_HEAD(client_list, client);
TAILQ_HEAD(exchange_list, exchange);
TAILQ_HEAD(passthrough_list, passthrough);

/* How a worker speaks to main: letters to its mailbox end up here. */
struct worker_events {
	void (*token_refused)(
	    void *arg, uint64_t token_generation, unsigned wait_s);
	void (*court_nonce)(void *arg, const char *nonce);
	void (*wants_files)(void *arg);
	void (*client_closed)(void *arg, struct worker *, unsigned epoch);
	void *arg;
};

/* Field lines that an answer of the gateway may have. */
#define ANSWER_HEADERS_MAX 128

/* A connection that main has accepted. */
struct arrival {
	struct listener *listener; /* outlives all workers */
	int fd;                    /* becomes the worker's */
	struct peer peer;
	bool overloaded; /* its request is answered 503 */
	unsigned epoch;  /* of main's, told again when it is closed */
};

/* Room for one message head, kept while its exchange lives. */
struct headbox {
	struct headbox *next;
	struct buf bytes;
	struct path path;
	struct field fields[]; /* w->max_headers of them */
};

struct worker {
	struct loop loop;
	unsigned id;
	pthread_t thread;
	struct metrics *metrics;
	struct resolver *resolver;
	struct gateway_state *gateway;
	struct loop *main_loop;
	struct worker_events events;

	struct view *view;
	struct upstream *upstream; /* the view's */
	struct passthrough_list passthroughs;
	const struct listen_list *own; /* all listeners; set before start */
	struct client_list clients;
	struct exchange_list token_waiters;
	struct headbox *boxes; /* free ones */
	unsigned nboxes;
	unsigned max_headers;
	struct learned learned;
	struct breaker breaker;
	size_t replay_total, replay_left; /* bytes of bodies kept */
	struct log_sink log;
	struct timer log_timer;
	uint64_t request_seed, request_count;
	bool draining;

	_Atomic uint64_t pongs;

	/* main only */
	uint64_t pings;
	int64_t pinged_ms;
	unsigned assigned; /* clients handed over that have not closed */
};

struct worker *worker_new(unsigned id, const struct config *, struct resolver *,
    struct gateway_state *, struct loop *main_loop,
    const struct worker_events *) ATTR_MUST_USE;
int worker_start(struct worker *, struct err *) ATTR_MUST_USE;
void worker_accept(struct worker *, const struct arrival *);
/* How long the worker has owed an answer to the last ping, 0 = none owed; and
 * ping it again then. */
int64_t worker_unanswered_ms(struct worker *);
/* Takes over the reference. */
void worker_publish(struct worker *, struct bundle *);
/* From now on clients that ask for nothing are closed after a moment, answers
 * say `Connection: close`.  Main knows by client_closed() when all are gone. */
void worker_drain(struct worker *);
/* End what is left and the thread. */
void worker_stop(struct worker *);
void worker_join_free(struct worker *);

/* In the worker's thread. */
/* Limits and timers of any upstream. */
void worker_upstream_options(const struct worker *, struct upstream_options *);
struct headbox *worker_box_take(struct worker *);
void worker_box_give(struct worker *, struct headbox *); /* NULL is allowed */
/* A line was added to w->log. */
void worker_log_line(struct worker *);
/* wait_s: not before so many seconds may there be another. */
void worker_token_refused(
    struct worker *, uint64_t token_generation, unsigned wait_s);
/* The Court, which also judges logins, has a new nonce. */
void worker_court_nonce(struct worker *, const char *nonce);
/* The gateway refuses our identity: newer files may mend it. */
void worker_wants_files(struct worker *);
void worker_client_gone(struct worker *, unsigned epoch);

#endif
