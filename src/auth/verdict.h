/*
 * verdict: what an answer of the gateway says about our credentials, and what
 * to do about it.  tbl/verdict.h holds the facts, one row each; whatever is in
 * no row is the agent's own answer and passes.
 *
 * Threads: pure.
 */
#ifndef AUTH_VERDICT_H
#define AUTH_VERDICT_H

#include "base/attr.h"
#include "base/str.h"
#include "http/head.h"

#include <stdint.h>

#define VERDICT_BODY_MAX 4096 /* bytes of the body that are looked at */
#define VERDICT_CHALLENGES 4
#define VERDICT_BASE_MAX 255
#define VERDICT_DETAIL_MAX 159

enum verdict_action {
	VERDICT_PASS,      /* not about us: to the agent unchanged */
	VERDICT_NEW_NONCE, /* new proof with the DPoP-Nonce that came along */
	VERDICT_NEW_PROOF, /* new proof, same connection and token */
	VERDICT_LOGIN,     /* a token newer than the one sent, then again */
	VERDICT_LEARN_HTU, /* another htu base, see `base` */
	VERDICT_FIX_CLOCK, /* take the clock from Date, then again */
	VERDICT_BACKOFF,   /* nothing was executed, see `wait_s` */
	VERDICT_TERMINAL,  /* only a person can mend it */
};

/* Who the request was for. */
enum verdict_route {
	VERDICT_ROUTE_MASTIO, /* what the Mastio answers itself */
	VERDICT_ROUTE_CERT,   /* the same, and tokens are ignored there */
	VERDICT_ROUTE_COURT,  /* prefixes that it forwards to the Court */
	VERDICT_ROUTE_LOGIN,  /* our own login: /v1/auth/... */
	VERDICT_ROUTE_TOKEN,  /* as MASTIO, and nothing but a token counts */
};

enum verdict_token {
	VERDICT_TOKEN_NONE,
	VERDICT_TOKEN_LOCAL,
	VERDICT_TOKEN_COURT,
};

struct verdict_input {
	unsigned status;
	/* header fields of the answer; absent = not there */
	struct span content_type;
	struct span www_authenticate[VERDICT_CHALLENGES];
	struct span dpop_nonce;
	struct span retry_after;
	struct span date;
	struct span hint;        /* X-Cullis-Hint */
	struct span shed_reason; /* X-Cullis-Shed-Reason */
	struct span role;        /* X-Cullis-Role */
	struct span body; /* whole, or its first VERDICT_BODY_MAX bytes */
	/* what was sent */
	enum verdict_route route;
	enum verdict_token token;
	bool proof;
	bool key;         /* the API key was shown */
	bool head;        /* the method was HEAD: there is never a body */
	struct span path; /* decoded, as in the proof; absent = not known */
};

/* Which row of tbl/verdict.h spoke. */
enum verdict_row {
	VERDICT_ROW_NONE = -1,
#define VERDICT_ROW(row, ...) VERDICT_ROW_##row,
#include "tbl/verdict.h"
	VERDICT_ROWS
};

/* What the agent is told, static: "client-cert-pin-mismatch", what is wrong,
 * and what to do.  All are NULL with VERDICT_PASS. */
struct verdict_words {
	const char *code, *message, *suggestion;
};

struct verdict {
	enum verdict_action action;
	enum verdict_row row;
	unsigned tries;  /* times that this may be done for one request */
	unsigned wait_s; /* seconds to wait before */
	bool reload;     /* newer identity files may mend it: look now */
	bool agent;      /* about the agent, whatever it asks for */
	bool key;        /* an API key may be of use */
	bool endorse;    /* the direct login wants the challenge login */
	struct verdict_words words;
	/* LEARN_HTU: the base that the gateway expects, "" if it did not say */
	char base[VERDICT_BASE_MAX + 1];
	/* what the gateway said, printable and cut, for the log; or "" */
	char detail[VERDICT_DETAIL_MAX + 1];
	/* its hint, of the body and of the head, the same way */
	char hint[VERDICT_DETAIL_MAX + 1];
};

struct verdict_words verdict_words(enum verdict_row);

/* What the answer's head says; spans borrow from it. */
void verdict_read_head(struct verdict_input *, const struct head *);
/* True if the answer can be about our credentials at all, so that it is to be
 * judged, behind the start of its body.  Looks at no body. */
bool verdict_wants_body(const struct verdict_input *);
struct verdict verdict_of(const struct verdict_input *);

/* "new-nonce", for logs and metric labels (static). */
const char *verdict_action_name(enum verdict_action);

#endif
