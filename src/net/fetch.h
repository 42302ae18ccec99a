/*
 * fetch: one bounded request and answer over an upstream's connection, for the
 * control plane: login, reload trial.
 *
 * Threads: one loop; never blocks it.
 */
#ifndef NET_FETCH_H
#define NET_FETCH_H

#include "http/head.h"
#include "net/upstream.h"

#define FETCH_BODY_MAX (64 * 1024)
#define FETCH_HEAD_MAX 32768
#define FETCH_FIELDS_MAX 100

struct fetch;

struct fetch_request {
	const char *method, *path;
	struct span host;   /* Host field */
	struct span fields; /* further field lines, each with CRLF */
	struct span body;   /* with Content-Type: application/json, or absent */
	int64_t timeout_ms; /* for everything after the connection is there */
	bool fresh;         /* on a new connection */
};

struct fetch_result {
	/* LEASE_OK and status 0: the connection broke or timed out, see why. */
	enum lease_failure failure;
	const char *why; /* one sentence unless status is there */
	unsigned status;
	const struct head *head;
	struct span body;
	STACK_OF(X509) *chain; /* that the gateway presented, borrowed */
	int64_t sent_ms;       /* when the request was written */
};

/* told: once, unless cancelled, never from inside fetch_start(). Request and
 * result are borrowed for the duration of the call. */
struct fetch *fetch_start(struct upstream *, struct upstream_identity,
    const struct fetch_request *,
    void (*told)(void *arg, const struct fetch_result *),
    void *arg) ATTR_MUST_USE;
void fetch_cancel(struct fetch *);

#endif
