/*
 * session: keeps a valid token at hand: logs in at once, again at 80 % of the
 * token's life, with exponential back-off when that fails, one login at a time
 * however many workers ask.  The old token serves until it ends.  Tokens of a
 * later account have higher generations than those of an earlier one.
 *
 * Threads: main.
 */
#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include "ctl/login.h"

enum session_state {
	SESSION_FETCHING, /* no token yet */
	SESSION_VALID,
	SESSION_REFRESHING, /* a token, and a newer one on its way */
	SESSION_BACKOFF,    /* the last login failed, the next is due */
	SESSION_TERMINAL,   /* refused for good; looked at again in minutes */
	SESSION_WITHOUT,    /* the gateway issues no tokens; auth = auto */
};

struct session;

/* changed: there is a new token, or a new reason why there is none. */
struct session *session_new(const struct login_setup *,
    void (*changed)(void *arg), void *arg) ATTR_MUST_USE;
void session_free(struct session *);

/* The gateway refused the token of this generation: get another, unless a
 * newer one is there already, but not before wait_s seconds are over. */
void session_token_refused(
    struct session *, uint64_t generation, unsigned wait_s);
/* The issuer's newest nonce, which came with another answer than a login's. */
void session_learn_nonce(struct session *, const char *nonce);

/* From the next login on; both are borrowed. */
void session_set_config(struct session *, struct config *);
void session_set_gateway(struct session *, struct gateway_state *);

enum session_state session_state(const struct session *);
const char *session_state_name(enum session_state);
/* What requests show the gateway now. */
enum auth_mode session_mode(const struct session *);
/* Borrowed; NULL: none, or it has ended. */
struct token *session_token(const struct session *);
/* Why the last login failed, or NULL. */
const char *session_trouble(const struct session *);

/* Milliseconds to wait after n failures in a row, 1 s to 60 s, with up to a
 * quarter of it taken off by `random`. */
int64_t session_backoff_ms(unsigned failures, uint32_t random);

#endif
