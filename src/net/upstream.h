/*
 * upstream: one origin as one loop sees it: its addresses, its TLS sessions,
 * its pool of kept connections and the leases that wait for one.  It is spoken
 * to over TLS, directly or through a forward proxy, or in plain text.
 *
 * Threads: one loop.  The pool owns every upconn; an exchange only leases.
 * Connections and TLS sessions belong to one identity generation: the server
 * remembers in a session who the client was (protocol 2.6).
 */
#ifndef NET_UPSTREAM_H
#define NET_UPSTREAM_H

#include "base/metrics.h"
#include "net/conn.h"
#include "net/resolve.h"

#include <sys/queue.h>

struct upstream_options {
	const char *host; /* TLS name and SNI, lower case */
	uint16_t port;
	const char *dial_host; /* NULL: host */
	uint16_t dial_port;
	const char *proxy_host; /* CONNECT through this one, or NULL */
	uint16_t proxy_port;
	const char *proxy_credentials; /* "user:password", or NULL */
	/* Why this address must not be dialled, or NULL; asked about the very
	 * address, right before.  NULL: every one may be. */
	const char *(*refuse)(void *arg, const struct sockaddr *);
	void *refuse_arg;
	const char *cure; /* what to do when the name has no address */
	/* Unix seconds to judge its certificates by, 0 = by the local clock.
	 * NULL: always so. */
	int64_t (*trusted_s)(const void *arg);
	const void *trusted_arg;
	int64_t connect_ms, idle_ms;
	unsigned max_uses, max_connections;
	size_t in_limit; /* of each connection */
};

/* Who asks: connections of another generation are never given. */
struct upstream_identity {
	SSL_CTX *ctx; /* NULL: plain text; a lease borrows it */
	uint64_t generation;
};

enum lease_failure {
	LEASE_OK,
	LEASE_RESOLVE,
	LEASE_CONNECT,
	LEASE_DENIED, /* refuse() had something against every address */
	LEASE_PROXY,  /* the proxy cannot be reached, or refuses */
	LEASE_TLS,
	LEASE_TLS_CUT, /* the peer broke off in mid-handshake */
	LEASE_TIMEOUT, /* connect-timeout */
	LEASE_CLOSED,  /* the upstream is being freed */
};

struct upconn;
struct lease;

struct lease_ops {
	/* Answer to a lease_begin() that had to wait: l->uc, or l->failure. */
	void (*on_leased)(struct lease *);
	/* While leased; see struct conn_ops. */
	void (*on_readable)(struct lease *);
	void (*on_writable)(struct lease *);
};

/* Embedded in whoever borrows a connection. */
struct lease {
	const struct lease_ops *ops;
	struct upconn *uc;        /* while leased */
	struct upstream *waiting; /* while waiting */
	TAILQ_ENTRY(lease) link;
	struct upstream_identity identity;
	bool fresh;  /* takes only a new connection */
	bool queued; /* waits because the pool is full */
	bool reused; /* uc has served another exchange before */
	enum lease_failure failure;
	char why[256]; /* of a failure, one sentence without secrets */
};

TAILQ_HEAD(upconn_list, upconn);
TAILQ_HEAD(lease_list, lease);

struct upconn {
	struct corpse corpse;
	struct conn conn;
	struct upstream *u;
	enum { UC_CONNECTING, UC_IDLE, UC_LEASED, UC_CLOSED } state;
	TAILQ_ENTRY(upconn) link; /* in u->idle or u->others */
	struct timer timer; /* connect-timeout, then upstream-idle-timeout */
	struct upstream_identity identity;
	struct lease *lease;
	int64_t due_ms;             /* connect-timeout, over all addresses */
	size_t address;             /* the one being tried */
	bool dialled;               /* at least one was */
	bool proxying;              /* waits for the proxy's answer */
	bool broken;                /* to be closed so that it looks so */
	enum lease_failure failure; /* found at once, told in the next turn */
	char *why;
	unsigned uses;
	int64_t begun_us; /* to connect */
	char *nonce;      /* newest DPoP-Nonce seen here, or NULL */
};

struct upstream {
	struct corpse corpse;
	unsigned refs;
	struct loop *loop;
	struct resolver *resolver;
	struct metrics *metrics;
	struct upstream_options opt; /* strings owned */
	char *name;                  /* host:port for logs */
	struct upconn_list idle;     /* last used first */
	struct upconn_list others;   /* connecting and leased */
	struct lease_list waiters;
	unsigned connections, connecting, waiting, idle_count;
	struct addrinfo *addresses;
	int64_t resolved_ms;
	bool doubted; /* a connection to them failed */
	struct resolve_query *query;
	SSL_SESSION *session;
	uint64_t generation; /* of kept connections and the session */
};

/* With one reference. */
struct upstream *upstream_new(struct loop *, struct resolver *,
    struct metrics *, const struct upstream_options *) ATTR_MUST_USE;
struct upstream *upstream_ref(struct upstream *);
/* NULL is allowed.  The last one closes every connection; waiting leases are
 * told LEASE_CLOSED. */
void upstream_unref(struct upstream *);
/* Was it made of the same options? */
bool upstream_is(const struct upstream *, const struct upstream_options *);
/* From now on with the timers and limits of these, and its name is looked up
 * anew before another connection is begun: for one that outlives the
 * configuration that it was made of. */
void upstream_renew(struct upstream *, const struct upstream_options *);
/* Look the name up if that is due, so that the addresses are known. */
void upstream_resolve(struct upstream *);

void lease_init(struct lease *, const struct lease_ops *);
/* Borrow a connection; fresh: only a new one.  True: l->uc is there at once.
 * False: on_leased() will tell. */
bool lease_begin(struct lease *, struct upstream *, struct upstream_identity,
    bool fresh) ATTR_MUST_USE;
/* The same connection for another request of the same exchange. */
void lease_again(struct lease *);
/* Give back (reusable: the exchange ended cleanly on both sides), or stop
 * waiting.  Nothing leased and nothing waited for is fine. */
void lease_end(struct lease *, bool reusable);
/* The same for a tunnel that was cut off: the upstream sees no clean end. */
void lease_break(struct lease *);

/* Connections and sessions of other generations are not kept: idle ones are
 * closed, leased ones when they are given back. */
void upstream_retire(struct upstream *, uint64_t keep_generation);
void upconn_set_nonce(struct upconn *, struct span nonce);

#endif
