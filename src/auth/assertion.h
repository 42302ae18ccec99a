/*
 * assertion: the signed statement that logs us in (RFC 7523 section 3), with
 * the certificate chain in x5c.  The one place that uses libjwt.
 *
 * Threads: main only.
 */
#ifndef AUTH_ASSERTION_H
#define AUTH_ASSERTION_H

#include "auth/identity.h"
#include "base/attr.h"
#include "base/err.h"

#include <stdint.h>

#define ASSERTION_AUD "agent-trust-broker"
#define ASSERTION_BACKDATE_S 10 /* the Court takes no second of the future */
#define ASSERTION_LIFE_S 300    /* the gateway's limit for exp - iat */

/*
 * A new assertion as compact JWS, or NULL with err.  `presented` is the chain
 * of the gateway's last full handshake, or NULL; `now` is Unix time by the
 * gateway's clock; `nonce` is the challenge, or NULL for a direct login.
 * Release with mem_wipe_free_str().
 */
char *assertion_make(const struct identity *, STACK_OF(X509) *presented,
    int64_t now, const char *nonce, struct err *) ATTR_MUST_USE;

#endif
