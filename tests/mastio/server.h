/*
 * server: what one running gateway holds.  Its one thread runs one event base;
 * everything below belongs to it and is touched by that thread alone.
 */
#ifndef MASTIO_SERVER_H
#define MASTIO_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "mastio/overload.h"
#include "mastio/pool.h"
#include "mastio/settings.h"

#include <event2/event.h>
#include <openssl/ssl.h>

struct stats {
	uint64_t connections_accepted, connections_open;
	uint64_t handshakes_full, handshakes_resumed, handshakes_failed;
	uint64_t requests, requests_aborted;
	uint64_t logins, logins_bound, logins_refused;
	uint64_t proofs_ok, proofs_bad, jti_repeated;
	uint64_t executed_tools, executed_twice, faults_applied;
	uint64_t shed, lost, read_timeouts;
};

struct conn;
struct court;
struct evconnlistener;
struct executions;
struct fault;
struct journal;
struct map;
struct process;
struct records;
struct tokens;

struct server {
	struct settings set;
	struct stats stats;
	struct event_base *base;
	const char *dir;
	char *org;
	SSL_CTX *tls;
	X509 *root;
	char *root_pem;
	int64_t clock_shift; /* seconds, added to every wall clock reading */
	struct records *records;
	struct tokens *tokens;
	struct court *court; /* always there, reached if federated */
	X509 *intermediate;
	struct process *processes[PROCESSES_MAX];
	struct map *jti_seen; /* by all processes, for ever */
	struct journal *journal;
	struct fault *faults;
	struct map *gates;
	struct executions *executions;
	struct pool pool;
	struct shedder shedder;
	struct evconnlistener *listener;
	struct event *pause; /* until the listener is back */
	struct conn *conns;
	uint64_t next_conn;
	uint32_t dice;
};

/* The gateway's idea of the time: seconds, and the same with fractions. */
int64_t server_now(const struct server *);
double server_now_exact(const struct server *);

/* `mastio-dev serve`: exit code 0, 1 or 2. */
int serve_command(int argc, char **argv);

/* Makes processes that are not there yet. */
void server_set_processes(struct server *, int64_t n);
/* 0 to below n, by dice. */
unsigned server_roll(struct server *, unsigned n);

#endif
