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
#include "ctl/expiry.h"
#include "ctl/ports.h"
#include "ctl/reach.h"
#include "ctl/reload.h"
#include "ctl/server.h"
#include "ctl/session.h"
#include "ctl/watchdog.h"

struct server {
	struct loop loop;
	struct config *config;
	const struct config_input *input;
	struct resolver *resolver;
	struct gateway_state gateway;
	struct metrics *metrics; /* of logins */
	struct account *live;    /* NULL: identity-wait */
	/* Borrowed from that one. */
	struct identity *identity;
	struct session *session; /* NULL: requests never show a token */
	struct reload *reload;   /* owns what may become the next one */
	struct worker **workers;
	unsigned nworkers;
	unsigned client_room; /* so many are accepted at a time */
	struct ports ports;
	struct admin *admin;
	struct event *signals[4];
	struct reach *reach;
	struct drain drain;
	struct watchdog watchdog;
	struct timer identity_timer, expiry_timer;
	struct expiry expiry;
	int64_t started_ms, started_wall_s;
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
