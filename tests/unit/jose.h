/*
 * jose: compact JWS taken apart and verified with jansson and OpenSSL alone,
 * for the tests of what the auth layer signs.
 */
#ifndef UNIT_JOSE_H
#define UNIT_JOSE_H

#include "base/str.h"

#include <jansson.h>
#include <openssl/evp.h>

/* Is sig an ES256 or RS256 signature of key over msg?  An ES256 one must be
 * r || s of 64 bytes (RFC 7518 section 3.4). */
bool jose_verify(struct span msg, const uint8_t *sig, size_t n, EVP_PKEY *key);

/* Split and verify; header and payload are for the caller to release.  The
 * test ends if anything is wrong. */
void jose_open(
    struct span jws, EVP_PKEY *key, json_t **header, json_t **payload);

/* String member or NULL. */
const char *jose_text(const json_t *, const char *name);

#endif
