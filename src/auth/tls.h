/*
 * tls: how we speak TLS to the gateway: one context per identity, the name
 * check that is always on, and the sentence for a handshake that failed.
 *
 * The context takes TLS 1.2 and up, trusts the configured CA alone, offers
 * http/1.1 by ALPN, never compresses or renegotiates and keeps no sessions of
 * its own: they are handed to the connection's owner as they come.
 *
 * Threads: a context is shared by all; an SSL belongs to one.
 */
#ifndef AUTH_TLS_H
#define AUTH_TLS_H

#include "base/attr.h"
#include "base/err.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* What goes into a context; everything is borrowed. */
struct tls_config {
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) *chain; /* cert first, without the root */
	STACK_OF(X509) *ca;    /* NULL = the system's trust store */
	const char *ca_name;   /* for sentences: where ca came from */
};

SSL_CTX *tls_ctx_new(const struct tls_config *, struct err *) ATTR_MUST_USE;

/*
 * A new client SSL for host, a DNS name or an IP address without brackets:
 * SNI (names only, RFC 6066 section 3) and the name check are set, the state
 * is connect.  NULL with err if OpenSSL refuses.  Resume with
 * SSL_set_session().
 */
SSL *tls_new(SSL_CTX *, const char *host, struct err *) ATTR_MUST_USE;

/* Judge the gateway's certificates as of then, not by the local clock. */
void tls_set_time(SSL *, int64_t unix_s);

/* Called with each session that may be resumed, on the SSL's thread; keep it
 * with SSL_SESSION_up_ref(). */
typedef void tls_on_session(void *arg, SSL_SESSION *);
void tls_set_on_session(SSL *, tls_on_session *, void *arg);

/* Did the handshake end because the peer broke off, without a word why?  Asked
 * before tls_explain(). */
bool tls_was_cut(void);

/*
 * Why the handshake with host failed, as one sentence, right after
 * SSL_do_handshake() gave it up: takes the reason from the SSL, the error
 * queue and errno, and leaves the error queue empty.
 */
void tls_explain(SSL *, const char *host, struct err *);

#endif
