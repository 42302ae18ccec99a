/*
 * jose: the part of JOSE that a Mastio needs: compact JWS (RFC 7515), ES256,
 * RS256 and PS256 (RFC 7518), public JWKs and their thumbprints (RFC 7638).
 *
 * Owner: results are the caller's; json_t references are new ones.
 */
#ifndef MASTIO_JOSE_H
#define MASTIO_JOSE_H

#include <stdbool.h>

#include <jansson.h>
#include <openssl/evp.h>

struct jws {
	json_t *header;
	json_t *claims;
	size_t signed_len; /* of header "." payload in the text */
	uint8_t *sig;
	size_t sig_len;
};

/* Splits and decodes; false if text is no compact JWS of JSON objects. */
bool jws_parse(struct jws *, const char *text);
void jws_fini(struct jws *);
/* Does the signature verify?  alg is ES256, RS256 or PS256.  An ES256 key is
 * on P-256 and its signature is r || s (RFC 7518 section 3.4). */
bool jws_verify(
    const struct jws *, const char *text, const char *alg, EVP_PKEY *);
/* A compact JWS, caller frees; alg as above. */
char *jws_sign(json_t *header, json_t *claims, const char *alg, EVP_PKEY *);

/* ECDSA with SHA-256 over text in its DER form, base64url. */
char *ecdsa_der_sign(const char *text, EVP_PKEY *);

/* The key of a public JWK (EC P-256 or RSA), or NULL. */
EVP_PKEY *jwk_key(const json_t *jwk);
/* RFC 7638 over the members as they are spelled, base64url; NULL if one is
 * missing. */
char *jwk_thumbprint(const json_t *jwk);
/* The JWK of a P-256 key, coordinates padded to 32 bytes, or the public one
 * of an RSA key. */
json_t *jwk_from_key(EVP_PKEY *, bool with_private);
/* A private P-256 JWK, bare or in {"private_jwk":…}. */
EVP_PKEY *jwk_private_key(const json_t *);

bool key_is_p256(const EVP_PKEY *);

#endif
