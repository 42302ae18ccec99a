/*
 * pki: keys, certificates and identity directories made on the spot, for the
 * tests of the auth layer.  A failure here ends the test.
 */
#ifndef UNIT_PKI_H
#define UNIT_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <sys/types.h>

/* "P-256", "P-384", "ED25519" or "RSA-bits". */
EVP_PKEY *pki_key(const char *type);

struct pki_want {
	EVP_PKEY *key;
	const char *cn, *org; /* subject; NULL = not in it */
	X509 *issuer;         /* NULL = signed by itself */
	EVP_PKEY *issuer_key;
	const char *san; /* as in openssl.cnf: "URI:spiffe://...,DNS:..." */
	const char *eku, *ku, *basic;
	int64_t begin, end; /* Unix seconds; 0 = an hour ago, in a year */
};
X509 *pki_cert(const struct pki_want *);

/* Root, intermediate, the agent's leaf and a server's, all P-256. */
struct pki {
	EVP_PKEY *root_key, *inter_key, *leaf_key, *server_key;
	X509 *root, *inter, *leaf, *server;
};
#define PKI_AGENT "orga::bot"
#define PKI_SPIFFE "spiffe://cullis.local/orga/bot"
#define PKI_SERVER "mastio.test"
void pki_init(struct pki *);
void pki_fini(struct pki *);

/* PEM text for the caller to free.  Key forms: "PKCS8", "SEC1", "PKCS1",
 * "ENCRYPTED" and "LEGACY" (encrypted in the old way). */
char *pki_pem_cert(X509 *);
char *pki_pem_key(EVP_PKEY *, const char *form);
/* {"kty":"EC",...} with the private member. */
char *pki_jwk(EVP_PKEY *);

/* A directory of our own under TMPDIR, mode 0700; dir_free() removes it with
 * all that is in it. */
char *dir_new(void);
void dir_free(char *dir);
void dir_write(const char *dir, const char *name, mode_t, const char *text);
void dir_write_cert(const char *dir, const char *name, X509 *);
void dir_write_key(const char *dir, const char *name, EVP_PKEY *);
/* cert.pem, key.pem, dpop.jwk, agent.json and ca.pem of a good identity. */
char *dir_identity(const struct pki *);

#endif
