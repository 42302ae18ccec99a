/*
 * server: what one running gateway holds.  Its one thread runs one event base;
 * everything below belongs to it and is touched by that thread alone.
 */
#ifndef MASTIO_SERVER_H
#define MASTIO_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#define PROCESSES_MAX 64

enum front { FRONT_A, FRONT_B, FRONT_C };
enum dpop_mode { DPOP_OFF, DPOP_OPTIONAL, DPOP_REQUIRED };

/* What the command line and POST /set decide. */
struct settings {
	enum front front;
	enum dpop_mode dpop_mode;
	bool require_bound; /* LOCAL_TOKEN_REQUIRE_DPOP */
	bool production;    /* htu mismatches do not tell what was expected */
	char *public_url;   /* NULL: Host-htu on the certificate path too */
	unsigned processes;
	int64_t token_ttl;
	int64_t body_limit; /* of the application; -1 lifts nginx's as well */
	int64_t keepalive_ms;
	uint64_t keepalive_requests;
};

struct stats {
	uint64_t connections_accepted, connections_open;
	uint64_t handshakes_full, handshakes_resumed, handshakes_failed;
	uint64_t requests, requests_aborted;
	uint64_t logins, logins_bound, logins_refused;
	uint64_t proofs_ok, proofs_bad, jti_repeated;
	uint64_t executed_tools, faults_applied;
};

struct conn;
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
	struct process *processes[PROCESSES_MAX];
	struct map *jti_seen; /* by all processes, for ever */
	struct journal *journal;
	struct fault *faults;
	struct map *gates;
	struct conn *conns;
	uint64_t next_conn;
	uint32_t dice; /* picks the process of a request */
};

/* The gateway's idea of the time: seconds, and the same with fractions. */
int64_t server_now(const struct server *);
double server_now_exact(const struct server *);

/* `mastio-dev serve`: exit code 0, 1 or 2. */
int serve_command(int argc, char **argv);

/* Reads the words of options and of POST /set.  false: no such word. */
bool front_from_text(const char *, enum front *);
bool dpop_mode_from_text(const char *, enum dpop_mode *);
/* Makes processes that are not there yet. */
void server_set_processes(struct server *, unsigned n);

#endif
