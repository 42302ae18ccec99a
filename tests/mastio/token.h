/*
 * token: the Mastio's own access token, LOCAL_TOKEN: minting and recognising.
 *
 * Owner: the server.
 */
#ifndef MASTIO_TOKEN_H
#define MASTIO_TOKEN_H

#include "mastio/server.h"

#include <jansson.h>

struct tokens;

/* With the signing key of DIR/pki; NULL if that cannot be read. */
struct tokens *tokens_open(const char *dir);
void tokens_free(struct tokens *);
/* A new key: what the old one signed is unknown from now on. */
void tokens_rotate_key(struct tokens *);
/* All tokens minted so far count as expired. */
void tokens_expire(struct tokens *);
/* The public key as a JWK with kid. */
json_t *tokens_jwk(const struct tokens *);
/* A DER signature over text, base64url: the endorsement of an assertion. */
char *tokens_endorse(const struct tokens *, const char *text);

/* A token for sub, bound to jkt unless that is NULL.  Caller frees. */
char *token_mint(
    struct server *, const char *sub, const char *org, const char *jkt);

enum token_verdict {
	TOKEN_UNKNOWN, /* not one of ours: whoever asks goes on without */
	TOKEN_REJECTED,
	TOKEN_GOOD,
};

struct token {
	json_t *claims; /* NULL unless the signature is good */
	const char *sub, *jti;
	const char *jkt; /* NULL: unbound */
	bool expired;
};

enum token_verdict token_judge(
    struct server *, const char *text, struct token *);
void token_fini(struct token *);

#endif
