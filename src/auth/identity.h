/*
 * identity: everything that makes us the agent: certificate, keys, CA and who
 * that is.  Loaded from files, checked as a set, immutable from then on; a
 * changed file means a new identity.
 *
 * Threads: any thread may read one it holds a reference to; loading is the
 * main thread's.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include "auth/chain.h"
#include "auth/finding.h"
#include "auth/jwk.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <openssl/ssl.h>
#include <stdint.h>

struct identity;

/* Where the files are.  A NULL pointer means: by name in dir. */
struct identity_source {
	const char *dir;
	const char *cert_file;
	const char *key_file;
	const char *dpop_key_file; /* "none" = an ephemeral key */
	const char *agent_file;
	const char *ca_file; /* "system" = the system's trust store */
	const char *chain_file;
	const char *api_key_file;
	bool needs_api_key;
	const char *agent_id; /* overrides what the certificate says */
};

/*
 * Load and check.  Returns the identity with one reference, or NULL with err
 * holding the first error and its exit status: EXIT_NOPERM if a file may not
 * be read, else EXIT_CONFIG.  Everything found goes to `report` (which may be
 * NULL); loading goes on after an error where it can, so that one look shows
 * them all.
 */
struct identity *identity_load(const struct identity_source *,
    struct findings *report, struct err *) ATTR_MUST_USE;
struct identity *identity_ref(struct identity *);
void identity_unref(struct identity *); /* NULL is allowed */

/* Are the files there that identity_load() cannot do without? */
bool identity_files_exist(const struct identity_source *);
/* Adds to `stamp` a digest of which files there are, and of their inodes, sizes
 * and times: it differs if one was replaced or written to.  *newest_s becomes
 * the latest change, if that is later: what changes within the same tick of the
 * file system's clock is not seen. */
void identity_stamp(
    const struct identity_source *, uint64_t *stamp, int64_t *newest_s);
/* Were both made of the same contents? */
bool identity_same(const struct identity *, const struct identity *);

const char *identity_agent_id(const struct identity *);   /* orga::bot */
const char *identity_org_id(const struct identity *);     /* orga */
const char *identity_spiffe_id(const struct identity *);  /* or NULL */
const char *identity_mastio_url(const struct identity *); /* or NULL */
/* Hex SHA-256 of the certificate's DER form. */
const char *identity_thumbprint(const struct identity *);
const char *identity_jkt(const struct identity *); /* JWK_JKT_LEN characters */
bool identity_jkt_is_ephemeral(const struct identity *);
const char *identity_api_key(const struct identity *); /* secret, or NULL */
/* Unix seconds. */
int64_t identity_not_before(const struct identity *);
int64_t identity_not_after(const struct identity *);
/* Of the CA that ends first; 0 with the system's trust store. */
int64_t identity_ca_not_after(const struct identity *);

/* Where the items came from; NULL for an ephemeral key, "system" for that. */
const char *identity_cert_path(const struct identity *);
const char *identity_dpop_path(const struct identity *);
const char *identity_ca_path(const struct identity *);

/* Owned by the identity, ready for tls_new(); see auth/tls.h. */
SSL_CTX *identity_ssl_ctx(const struct identity *);
EVP_PKEY *identity_key(const struct identity *);      /* of the certificate */
EVP_PKEY *identity_dpop_key(const struct identity *); /* private, P-256 */
/* base64url of the proofs' JOSE header, the same for every proof. */
struct span identity_proof_header(const struct identity *);

/*
 * The certificate's chain for x5c, without the root.  It is completed from
 * the certificate file, the CA file, `presented` (what the gateway showed in
 * the TLS handshake, may be NULL) and the chain file, in that order.  The
 * identity is not changed; the result belongs to the caller.
 */
struct chain identity_chain(
    const struct identity *, STACK_OF(X509) *presented) ATTR_MUST_USE;

/* Which load this is; set once, before it is published.  0 = not set. */
uint64_t identity_generation(const struct identity *);
void identity_set_generation(struct identity *, uint64_t);

#endif
