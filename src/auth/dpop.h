/*
 * dpop: one fresh proof of possession (RFC 9449 section 4.2) per request.
 *
 * Threads: as the signer that is passed in: its worker's.
 */
#ifndef AUTH_DPOP_H
#define AUTH_DPOP_H

#include "auth/signer.h"
#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

#define DPOP_JTI_LEN 22    /* base64url of 16 random bytes */
#define DPOP_NONCE_MAX 256 /* bytes of a nonce that we repeat */

struct dpop_claims {
	struct span htm;      /* method as it goes over the wire */
	struct span htu_base; /* "https://name[:port]" */
	struct span path;     /* decoded, begins with '/', no query */
	struct span ath;      /* B64URL_LEN(32) characters, or absent */
	struct span nonce;    /* dpop_nonce_ok(), or absent */
	int64_t iat;          /* Unix seconds by the gateway's clock */
};

/*
 * Append one compact JWS to out, which the caller marks secret, and put its
 * jti, NUL-terminated, into jti.  Returns 0, or -1 with out unchanged if
 * OpenSSL refuses.
 */
int dpop_mint(struct signer *, const struct dpop_claims *, struct buf *out,
    char jti[DPOP_JTI_LEN + 1]) ATTR_MUST_USE;

/* NQCHAR of RFC 9449 section 8.1, not empty, not too long; such a nonce is
 * safe in a header and in JSON as it stands. */
bool dpop_nonce_ok(struct span) ATTR_PURE;

#endif
