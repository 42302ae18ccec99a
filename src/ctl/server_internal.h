/*
 * server_internal: the state of the running sidecar, for server.c which runs
 * it, drain.c which ends it and pages.c which shows it.
 *
 * Threads: main.
 */
#ifndef CTL_SERVER_INTERNAL_H
#define CTL_SERVER_INTERNAL_H

#include "ctl/admin.h"
#include "ctl/drain.h"
#include "ctl/ports.h"
#include "ctl/reach.h"
#include "ctl/server.h"
#include "ctl/session.h"
#include "ctl/watchdog.h"

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
	unsigned nworkers;
	struct ports ports;
	struct admin *admin;
	struct event *signals[4];
	struct reach *reach;
	struct drain drain;
	struct watchdog watchdog;
	struct timer identity_timer;
	int64_t identity_due_ms, started_ms, started_wall_s;
	bool started;
	int exit_status;
};

/* What requests show the gateway now; before there is an identity nobody
 * asks. */
enum auth_mode server_mode(const struct server *);
/* Clients that are open, also on their way to a worker. */
unsigned server_clients(const struct server *);
/* Take clients, unless there are too many or the drain holds the door. */
void server_adjust_accepting(struct server *);
/* The loop ends with this turn. */
void server_stop(struct server *);

#endif
