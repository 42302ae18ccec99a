/*
 * server_internal: the state of the running sidecar, for server.c which runs
 * it and pages.c which shows it.
 *
 * Threads: main.
 */
#ifndef CTL_SERVER_INTERNAL_H
#define CTL_SERVER_INTERNAL_H

#include "ctl/admin.h"
#include "ctl/server.h"
#include "ctl/session.h"

struct server {
	struct loop loop;
	struct config *config;
	const struct config_input *input;
	struct identity *identity; /* NULL: identity-wait */
	struct signer *signer;     /* main's own, for logins */
	struct resolver *resolver;
	struct gateway_state gateway;
	struct upstream *upstream; /* main's own, for logins */
	struct metrics *metrics;   /* of that one */
	struct session *session;
	struct worker **workers;
	unsigned nworkers, drained;
	struct listener **data, **admin_ports, **metrics_ports;
	size_t ndata, nadmin, nmetrics;
	struct listen_list own; /* where all of them really listen */
	struct admin *admin;
	struct event *signals[3];
	struct timer drain_timer, identity_timer;
	int64_t identity_due_ms, started_ms, started_wall_s;
	bool started, draining;
	int exit_status;
};

/* What requests show the gateway now; before there is an identity nobody
 * asks. */
enum auth_mode server_mode(const struct server *);

/* Drain and end, as a first SIGTERM asks for; while that is under way it
 * changes nothing. */
void server_quit(struct server *);

#endif
