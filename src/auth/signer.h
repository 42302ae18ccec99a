/*
 * signer: one worker's private copy of the identity's DPoP key, set up once so
 * that a proof costs one signature and no key parsing, locking or fetching.
 *
 * Threads: owned by one worker, never shared.  Make one per worker per identity
 * generation with signer_new() and drop it with signer_unref().
 */
#ifndef AUTH_SIGNER_H
#define AUTH_SIGNER_H

#include "auth/identity.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct signer;

#define SIGNER_SIG_LEN 64 /* r || s, RFC 7518 section 3.4 */

/* New signer with one reference, or NULL with err filled in.  Holds a
 * reference to the identity. */
struct signer *signer_new(struct identity *, struct err *) ATTR_MUST_USE;
/* Plain counts: one thread. */
struct signer *signer_ref(struct signer *);
void signer_unref(struct signer *); /* NULL is allowed */

/* ES256 over msg into sig.  Returns 0, or -1 if OpenSSL refuses. */
int signer_sign(struct signer *, struct span msg,
    uint8_t sig[SIGNER_SIG_LEN]) ATTR_MUST_USE;

/* n unpredictable bytes, fetched from OpenSSL many at a time.  Returns 0, or
 * -1 if OpenSSL has none. */
int signer_random(struct signer *, void *out, size_t n) ATTR_MUST_USE;

const struct identity *signer_identity(const struct signer *);
/* Room that a proof is put together in; emptied by whoever takes it. */
struct buf *signer_scratch(struct signer *);

#endif
