/*
 * jwt: a compact JWS taken apart (RFC 7515), and ES256 verified with the key
 * in its own header (RFC 7518 section 3.4).
 *
 * Owner: the caller; jwt_fini() releases.
 */
#ifndef JUDGE_JWT_H
#define JUDGE_JWT_H

#include <stdbool.h>

#include <jansson.h>

struct jwt {
	const char *text; /* borrowed */
	size_t signed_len;
	json_t *header, *claims;
	unsigned char sig[64]; /* r || s */
	bool sig_ok;           /* it had that length */
};

/* NULL, or why the text is no well-formed JWT. */
const char *jwt_parse(struct jwt *, const char *text);
void jwt_fini(struct jwt *);
/* NULL, or why the signature does not hold. */
const char *jwt_verify_es256(const struct jwt *);
/* base64url of the RFC 7638 thumbprint of the header's jwk; caller frees. */
char *jwt_thumbprint(const struct jwt *);
/* base64url of the SHA-256 of a text; caller frees. */
char *jwt_sha256(const char *text);

#endif
