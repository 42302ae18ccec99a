/*
 * login: one login at the gateway, from the assertion to a token that is bound
 * to our key (protocol 3): direct, or by challenge; with the next htu base if
 * the token came unbound; with the gateway's nonce and clock if it asks.
 *
 * Threads: main.  Never blocks; tells once.
 */
#ifndef CTL_LOGIN_H
#define CTL_LOGIN_H

#include "auth/signer.h"
#include "auth/token.h"
#include "conf/config.h"
#include "net/upstream.h"
#include "proxy/worker.h"

struct login;

/* What one login leaves for the next. */
struct login_memory {
	char *nonce; /* the issuer's newest DPoP-Nonce, or NULL */
	bool sunset; /* that the issuer's days are counted has been logged */
};
void login_memory_fini(struct login_memory *);

struct login_setup {
	struct upstream *upstream;
	struct config *config;
	struct identity *identity;
	struct signer *signer; /* main's own */
	struct gateway_state *gateway;
	uint64_t account; /* its tokens have generations above that << 32 */
	const char *last_base; /* htu base of the last token, or NULL */
	struct login_memory *memory;
};

struct login_result {
	struct token *token;       /* NULL: failed; else the callee's */
	const char *why;           /* of a failure, one sentence */
	bool terminal;             /* only a person can mend it */
	bool no_issuer;            /* this gateway has no tokens for us */
	unsigned retry_after_s;    /* the gateway's wish, 0 = none */
	bool answered;             /* the gateway did, whatever it said */
	enum lease_failure missed; /* why there was no connection to it */
};

/* Everything in setup is borrowed until told or cancelled. */
struct login *login_start(const struct login_setup *,
    void (*told)(void *arg, const struct login_result *),
    void *arg) ATTR_MUST_USE;
void login_cancel(struct login *);

#endif
