/*
 * exchange: one request and its answer: read the head, judge it as nginx does,
 * read the body, hand it to the application, write the answer.
 *
 * Owner: its connection.
 */
#ifndef MASTIO_EXCHANGE_H
#define MASTIO_EXCHANGE_H

#include "mastio/answer.h"
#include "mastio/conn.h"
#include "mastio/front.h"
#include "mastio/http.h"

#include <jansson.h>
#include <openssl/evp.h>

struct entry;
struct fault;
struct route;

enum stage {
	STAGE_BODY,   /* reading the request's body */
	STAGE_DELAY,  /* a fault makes it wait */
	STAGE_ANSWER, /* an answer has begun (its body may still come in) */
	STAGE_STALL,  /* a fault: no answer ever */
};

struct exchange {
	struct server *srv;
	struct conn *conn;
	struct entry *log; /* the journal's view of all this */
	const struct head *head;
	enum stage stage;
	bool delayed; /* the fault's delay is over or has begun */
	struct body body;
	EVP_MD_CTX *hash;
	struct evbuffer *held; /* the body, for routes that parse it */
	size_t held_max;
	char *path;  /* percent-decoded, as the application sees it */
	char *query; /* raw, without the question mark; NULL: none */
	char *app_host;
	enum cert_view cert; /* what nginx tells the application */
	struct process *process;
	const struct route *route;
	char *agent_id; /* who is asking, once authenticated */
	json_t *json;
	bool by_court; /* who answers */
	struct fault *fault;
	int64_t read_timeout_ms; /* of nginx, in this location */
	struct event *silence;   /* runs while the application says nothing */
	struct event *timer;     /* of a delay or of a paced stream */
	struct answer answer;
};

/* Reads from the connection's input and pumps the answer into its output;
 * true if anything moved.  May end the exchange and begin the next. */
bool exchange_run(struct conn *);
/* A fault keeps the rest of the body from being read. */
bool exchange_holds_input(const struct exchange *);
/* The connection is going away. */
void exchange_abort(struct conn *);
/* Calls back after ms; one at a time per exchange. */
void exchange_wait(struct exchange *, int64_t ms, event_callback_fn);
/* nginx waits for the application from now on, and no longer. */
void exchange_expect(struct exchange *);
void exchange_heard(struct exchange *);
/* The Host-htu of this request: https://, Host, decoded path. */
char *exchange_host_htu(const struct exchange *);
/* The htu expected on the certificate path. */
char *exchange_public_htu(const struct exchange *);

#endif
