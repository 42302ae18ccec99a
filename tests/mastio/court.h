/*
 * court: the Court behind a federated Mastio: one process with nonces, jti
 * values and tokens of its own, reached through the forwarded prefixes.
 *
 * Owner: the server.
 */
#ifndef MASTIO_COURT_H
#define MASTIO_COURT_H

#include "mastio/server.h"

#include <jansson.h>

struct court;
struct exchange;
struct process;

struct court *court_new(void);
void court_free(struct court *);
/* As a restart: nonces, jti values and the rate limiter are new. */
void court_forget(struct court *);
/* Its nonces and the jti values that it has seen. */
struct process *court_process(struct court *);
/* Handles a request of a forwarded prefix, to the Court or to nobody. */
void court_forward(struct exchange *);
/* The base that the Court expects, with this path; caller frees. */
char *court_htu(const struct exchange *, const char *path);

/* courtsocket.c: the WebSocket. */
struct court_socket;

struct court_socket **court_sockets(struct court *);
void court_socket(struct exchange *);
/* Sends the agent's socket an event; false: it has none. */
bool court_event(struct server *, const char *agent_id, json_t *);

/* courtlogin.c: POST /v1/auth/token as the Court answers it. */
void court_login(struct exchange *);
/* false: this assertion was seen before. */
bool court_use_assertion(struct server *, const char *jti);
/* false: too many logins within a minute; each attempt counts. */
bool court_admits_login(struct server *);

/* courttoken.c: Court tokens. */
struct court_tokens;

struct court_token {
	json_t *claims;
	const char *agent_id, *jkt;
	int64_t iat, exp;
};

struct court_tokens *court_tokens(struct court *);
struct court_tokens *court_tokens_new(void);
void court_tokens_free(struct court_tokens *);
/* Signature and time; writes the journal.  false: invalid or expired. */
bool court_token_open(
    struct exchange *, const char *text, struct court_token *);
void court_token_fini(struct court_token *);
/* Caller frees. */
char *court_token_mint(
    struct server *, const char *agent_id, const char *sub, const char *jkt);
bool court_token_revoked(struct court *, const struct court_token *);
/* All tokens of the agent minted up to and including this second. */
void court_revoke(struct server *, const char *agent_id);
void court_expire_tokens(struct court *);
void court_rotate_key(struct court *);

#endif
