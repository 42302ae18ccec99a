/*
 * jwk: the DPoP key as a JSON Web Key (RFC 7517, RFC 7518 section 6.2): parsed
 * from a file, made afresh, and turned into its thumbprint (RFC 7638) and the
 * members that go into a proof.
 *
 * Short coordinates are padded to 32 bytes before anything is computed from
 * them: the gateway hashes the text that it is given, so a short coordinate
 * would give another thumbprint.
 *
 * Threads: pure; a struct jwk is immutable after it was made.
 */
#ifndef AUTH_JWK_H
#define AUTH_JWK_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <openssl/evp.h>

#define JWK_COORD_LEN 43 /* base64url of 32 bytes */
#define JWK_JKT_LEN 43   /* base64url of SHA-256 */

struct jwk {
	EVP_PKEY *key; /* private, P-256 */
	char x[JWK_COORD_LEN + 1];
	char y[JWK_COORD_LEN + 1];
	char jkt[JWK_JKT_LEN + 1];
};

/* Parse a private key: {"kty":"EC",...} or {"private_jwk":{...}}.  Returns 0,
 * or -1 with err naming the member. */
int jwk_parse(struct span json, struct jwk *, struct err *) ATTR_MUST_USE;
/* A new random key. */
int jwk_generate(struct jwk *, struct err *) ATTR_MUST_USE;
/* The key of a P-256 EVP_PKEY; takes its own reference. */
int jwk_from_key(EVP_PKEY *, struct jwk *, struct err *) ATTR_MUST_USE;
/* RFC 7638 thumbprint of a P-256 public key with these members. */
void jwk_thumbprint(const char *x, const char *y, char jkt[JWK_JKT_LEN + 1]);
void jwk_fini(struct jwk *);

#endif
