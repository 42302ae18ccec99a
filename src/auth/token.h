/*
 * token: an access token as the gateway gave it, with what the data plane
 * needs to know of it.  Immutable once it is published.
 *
 * Threads: any thread may read one it holds a reference to.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "auth/jwk.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>

/* "Authorization: DPoP " + token + CRLF stays under the 8 KiB that nginx
 * allows for a header line. */
#define TOKEN_MAX 8000
#define TOKEN_RESPONSE_MAX (64 * 1024)
#define TOKEN_ATH_LEN 43 /* base64url of SHA-256 */
#define TOKEN_LIFE_MAX_S (24 * 3600)

enum token_kind {
	TOKEN_LOCAL, /* issued and checked by the Mastio */
	TOKEN_COURT, /* issued by the Court behind it */
};

struct token {
	atomic_uint refs;
	enum token_kind kind;
	bool bound;          /* cnf.jkt is our key's thumbprint */
	bool bound_to_other; /* cnf.jkt is there and is another's */
	int64_t expires_ms; /* monotonic, clock_now_ms(); not shown from then */
	int64_t
	    refresh_ms; /* monotonic: 80 % of its life; jitter is not in it */
	uint64_t generation; /* set by the session before it is published */
	char *htu_base;      /* base that the mint proof was made with */
	char *nonce; /* the issuer's newest DPoP-Nonce, set with it, or NULL */
	char ath[TOKEN_ATH_LEN + 1];
	size_t text_len;
	char *text; /* b64token, RFC 6750 section 2.1; secret */
};

/*
 * The token of a login's 200 answer (RFC 6749 section 5.1), with one
 * reference, or NULL with err.  `jkt` is our key's thumbprint; `now_ms` is
 * when the request was sent, so that the life is never overestimated.
 */
struct token *token_from_response(struct span json, const char *jkt,
    const char *htu_base, int64_t now_ms, struct err *) ATTR_MUST_USE;
struct token *token_ref(struct token *);
void token_unref(struct token *); /* NULL is allowed */

/* What a proof says of the credential that it goes with (RFC 9449 section
 * 4.2), NUL-terminated. */
void token_ath(struct span credential, char ath[TOKEN_ATH_LEN + 1]);

static inline struct span
token_span(const struct token *t)
{
	return (struct span){t->text, t->text_len};
}

/* Not yet expired; NULL is not usable. */
bool token_usable(const struct token *, int64_t now_ms);

#endif
