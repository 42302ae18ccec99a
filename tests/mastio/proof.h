/*
 * proof: verifying a DPoP proof in the order and with the words of the
 * reference (protocol of mcp_proxy/auth/dpop.py).
 */
#ifndef MASTIO_PROOF_H
#define MASTIO_PROOF_H

#include <stdbool.h>

struct exchange;

struct proof_rule {
	const char *htu;   /* what the proof has to name */
	const char *token; /* for ath; NULL: ath is not looked at */
	bool nonce;        /* must carry a nonce of this process */
	bool court;        /* the Court judges, by its own nonces and jtis */
	const char *text;  /* NULL: the DPoP header of the request */
};

struct proof {
	char *jkt;    /* of the key that signed; NULL on failure */
	char *detail; /* why not; NULL: good */
	bool crash;   /* the reference throws: 500 */
	bool hint;    /* an htu mismatch gets X-Cullis-Hint */
};

/* The exchange's first DPoP header, or NULL. */
const char *proof_header(const struct exchange *);
/* Verifies that header against the rule; writes the journal. */
struct proof proof_verify(struct exchange *, const struct proof_rule *);
void proof_fini(struct proof *);
/* Notes a proof that nobody verifies. */
void proof_note_ignored(struct exchange *);
/* The 401 (or 500) for a bad proof. */
void proof_answer(struct exchange *, const struct proof *);

#endif
