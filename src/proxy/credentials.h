/*
 * credentials: what a request to the gateway shows of us (protocol 5): the
 * session token, or where there is none the certificate alone or an API key,
 * each with a proof of possession; and what a worker remembers for the proofs:
 * nonces and the gateway's idea of its own URL.
 *
 * Threads: the exchange's.
 */
#ifndef PROXY_CREDENTIALS_H
#define PROXY_CREDENTIALS_H

#include "http/head.h"

struct exchange;
struct token;

/* Who hands out the nonces that a request needs (protocol 4.4). */
enum realm { REALM_MASTIO, REALM_COURT, REALMS };

/* One worker's memory, for the first guess of the next request. */
struct learned {
	char *nonce[REALMS];        /* newest, or NULL */
	int64_t nonce_ms[REALMS];   /* when it was last offered */
	char *public_base;          /* best guess, or NULL; over what is
				     * configured if the gateway refused that,
				     * named this and took it */
	char *host_base;            /* for local tokens, if the gateway named
				     * another than that of the login */
	int64_t proofless_until_ms; /* see credentials_drop_proof() */
	uint64_t suspected;         /* token that seemed to be unknown */
};
void learned_fini(struct learned *);
/* The configuration, which says where to begin, is another. */
void learned_forget_bases(struct learned *);
/* There is a new token: the Court's nonce that came with it is news as well. */
void learned_from_token(struct learned *, const struct token *);

/* Must the request wait for a session token?  Not where it is known to have no
 * use for one. */
bool credentials_need_token(struct exchange *);
/* After the gateway has refused it for want of a key, or as one whose token
 * does not count on that path: show the API key instead.  False: there is none,
 * it is not to be shown there (auth is not auto, or the token is a local one,
 * which counts on every path that looks at tokens), or it has been. */
bool credentials_turn_to_key(struct exchange *);
/* That was of no use: the next request to such a path begins with a token. */
void credentials_key_refused(const struct exchange *);
/* The token, if it is one of the Court's; else NULL. */
const struct token *credentials_court_token(const struct exchange *);
/* Does this attempt show one? */
bool credentials_show_token(const struct exchange *);
/* Does it show our API key? */
bool credentials_show_key(const struct exchange *);
/* What it shows, for the access log (static). */
const char *credentials_name(const struct exchange *);

/* The fields of one attempt.  Returns 0, or -1: no proof could be made. */
int credentials_add(struct exchange *, struct buf *) ATTR_MUST_USE;

/* The same as a message of JSON, for the Court's socket.  Only with a Court
 * token; returns as above. */
int credentials_add_message(struct exchange *, struct buf *) ATTR_MUST_USE;

/* What an answer tells: the next nonce, and whether the base was right. */
void credentials_learn(struct exchange *, const struct head *answer);

/* After the gateway refused the base of the proof's htu: the one that it named,
 * or the next one that it may mean.  False: there is none that has not been
 * tried. */
bool credentials_next_base(struct exchange *, const char *named);
/* The next requests begin with the base that this one has come to. */
void credentials_keep_base(struct exchange *);
/* After it refused every proof: go on without one, also with the requests of
 * the next minute.  False: there these credentials are nothing without a proof,
 * or there was none. */
bool credentials_drop_proof(struct exchange *);

/* The URL before the path that a proof is made for now. */
void credentials_add_base(const struct exchange *, struct buf *);
/* The setting that decides it here, and the gateway's (static). */
void credentials_base_settings(
    const struct exchange *, const char **here, const char **there);

#endif
