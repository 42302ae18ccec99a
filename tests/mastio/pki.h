/*
 * pki: keys and certificates: making them (init, issue), reading them, and
 * what a Mastio reads out of an agent's certificate.
 *
 * Owner: every returned object is the caller's.
 */
#ifndef MASTIO_PKI_H
#define MASTIO_PKI_H

#include <stdbool.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* p256, p384, rsa1024, rsa2048, rsa4096 or ed25519; NULL for other words. */
EVP_PKEY *pki_make_key(const char *kind);
/* PEM in the form pkcs8, sec1 or pkcs1.  NULL if the key has no such form. */
char *pki_key_pem(EVP_PKEY *, const char *form);
char *pki_public_pem(EVP_PKEY *);
char *pki_cert_pem(X509 *);

EVP_PKEY *pki_read_key(const char *dir, const char *name);
/* All certificates of a PEM file: a STACK_OF(X509). */
struct stack_st_X509 *pki_read_certs(const char *dir, const char *name);
X509 *pki_parse_cert(const char *pem);

struct cert_plan {
	const char *cn;
	const char *org;
	const char *san;    /* OpenSSL's notation, NULL for none */
	const char *eku;    /* OpenSSL's notation, NULL for none */
	int path_len;       /* -1: no CA */
	int64_t not_before; /* seconds from now */
	int64_t not_after;
	EVP_PKEY *key;
	X509 *issuer; /* NULL: self-signed */
	EVP_PKEY *issuer_key;
};

/* A certificate as the plan says, or NULL (said on stderr). */
X509 *pki_make_cert(const struct cert_plan *);

/* Who a certificate says it is: the URI SANs in order, else the CN. */
struct identity {
	char *org;
	char *name;
	char *agent_id;
};

/* false if neither a SAN nor the CN can be read as an identity. */
bool pki_identity(X509 *, struct identity *);
void identity_fini(struct identity *);

void pki_sha256_hex(X509 *, char out[65]);
char *pki_subject(X509 *);
char *pki_serial_hex(X509 *);
/* The first URI SAN, or NULL. */
char *pki_first_uri(X509 *);

#endif
