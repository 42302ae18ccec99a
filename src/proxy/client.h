/*
 * client: one connection from an agent: reads request heads, runs one
 * exchange at a time, keeps the connection for the next or ends it so that the
 * last answer is not lost.
 *
 * Threads: its worker's.  The worker owns it; client_close() frees it through
 * the reaper.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include "proxy/exchange.h"

struct client {
	struct corpse corpse;
	struct conn conn;
	struct worker *w;
	TAILQ_ENTRY(client) link;
	const struct listener *listener;
	struct peer peer; /* as it was when the connection was accepted */
	enum {
		CLIENT_HEAD,     /* waits for, or reads, a request head */
		CLIENT_EXCHANGE, /* the exchange has the say */
		CLIENT_LINGER, /* last answer is going out, input is dropped */
		CLIENT_CLOSED,
	} state;
	struct timer timer;  /* of HEAD and LINGER */
	bool head_begun;     /* a byte of the next head is there */
	bool half_closed;    /* the client sends no more but still reads */
	bool abort;          /* end by reset, the transfer is broken */
	bool overloaded;     /* over max-clients: answer 503 and close */
	unsigned epoch;      /* of the arrival */
	bool tunnel;         /* inside a CONNECT to the gateway */
	bool showed_token;   /* the local token, at its last check */
	uint64_t lingered;   /* conn.sent at the last look in LINGER */
	struct headbox *box; /* while a head is read */
	struct head head;
	struct exchange x;
};

struct client *client_new(struct worker *, const struct arrival *);
void client_close(struct client *);

/* May another request come, as far as the client's side goes?  Of one that has
 * said all, those that are here already. */
bool client_may_ask(const struct client *);
/* The exchange is over.  keep: another request may follow. */
void client_exchange_done(struct client *, bool keep);
/* The answer was cut short and must look so: with a reset where a plain close
 * would be taken for its end. */
void client_exchange_broken(struct client *, bool reset);
/* Close now if nothing is under way. */
void client_drain(struct client *);

#endif
