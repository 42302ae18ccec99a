/*
 * account: the agent as a gateway knows it: a config and an identity that
 * belong together, and the connections, signer and session that log in with
 * them.  One is live; another may be tried before it takes that one's place
 * (ctl/reload.h).
 *
 * Threads: main.
 */
#ifndef CTL_ACCOUNT_H
#define CTL_ACCOUNT_H

#include "ctl/session.h"

struct fetch;
struct account;

enum account_state {
	ACCOUNT_TRYING,
	ACCOUNT_GOOD,    /* the gateway has accepted it */
	ACCOUNT_REFUSED, /* or could not be asked: see account_why() */
};

/* Whose gateway_state it learns into. */
enum account_trial {
	ACCOUNT_NO_TRIAL,      /* what all share: nothing else is live */
	ACCOUNT_SAME_GATEWAY,  /* its own until it goes live, begun as a copy */
	ACCOUNT_OTHER_GATEWAY, /* its own, which then becomes what all share */
};

/* What all accounts of the process share; borrowed. */
struct account_setup {
	struct loop *loop;
	struct resolver *resolver;
	struct metrics *metrics;
	struct gateway_state *gateway; /* of the live one */
	uint64_t number;               /* of the account, ascending */
	void (*changed)(void *arg, struct account *);
	void *arg;
};

struct account {
	struct account_setup setup;
	struct config *config;
	struct identity *identity;
	struct signer *signer;
	struct upstream *upstream;
	struct session *session; /* NULL: requests never show a token */
	enum account_trial trial;
	struct gateway_state own; /* during a trial: its failures are not
				   * those of what is live */
	struct fetch *probe;      /* without a session: is the way there? */
	enum account_state probed;
	char *why;
};

/* Takes references of its own; the identity has its generation.  A session
 * begins to log in; `changed` is told whatever it comes to.  NULL with err. */
struct account *account_new(const struct account_setup *, struct config *,
    struct identity *, enum account_trial, struct err *) ATTR_MUST_USE;
void account_free(struct account *); /* NULL is allowed */

/* Without a session: make one request, to see whether the gateway can be
 * reached and takes the certificate. */
void account_probe(struct account *);
enum account_state account_state(const struct account *);
/* Why it was refused, one sentence, or NULL. */
const char *account_why(const struct account *);

/* What requests show. */
enum auth_mode account_mode(const struct account *);
/* Borrowed; NULL: none. */
struct token *account_token(const struct account *);

/* Could it go on by this config: the same kind of login, the same way to the
 * same gateway? */
bool account_fits(const struct account *, const struct config *);
/* Go on by it: the same identity, and it fits. */
void account_set_config(struct account *, struct config *);
/* The trial is over: it learns into setup->gateway from now on. */
void account_goes_live(struct account *);

#endif
