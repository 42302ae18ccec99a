/*
 * field: what we know about header fields, stated once in field_tbl.h: which
 * are hop-by-hop, which an agent may not send, which a gateway may not answer
 * with (protocol 9.1, 9.4; RFC 9110 section 7.6.1), and the list grammar of
 * RFC 9110 section 5.6.1.
 *
 * Threads: pure.
 */
#ifndef HTTP_FIELD_H
#define HTTP_FIELD_H

#include "base/str.h"

/* FIELD(ID, "Name", flags) rows become FIELD_ID. */
enum field_id {
	FIELD_OTHER,
#define FIELD(id, name, flags) FIELD_##id,
#include "http/field_tbl.h"
#undef FIELD
	FIELD_COUNT
};

enum field_flag {
	F_HOP = 1 << 0,        /* hop-by-hop: removed both ways */
	F_NO_REQ = 1 << 1,     /* never forwarded from the agent */
	F_NO_RES = 1 << 2,     /* never forwarded to the agent */
	F_CREDENTIAL = 1 << 3, /* Connection may not name it (security or
				* framing or end-to-end by design) */
	F_SINGLE = 1 << 4,     /* at most one in a request, else 400 */
	F_OURS = 1 << 5,       /* between two hops, whatever the route */
	F_OPENABLE = 1 << 6,   /* F_NO_REQ, but allow-header may name it */
};

/* One field line of a parsed head. */
struct field {
	struct span name;
	struct span value; /* without the white space around it */
	enum field_id id;
};

/* Case-insensitive, exact spelling ('_' is not '-'). */
enum field_id field_lookup(struct span name);
unsigned field_flags(enum field_id);
struct span field_name(enum field_id);

/* May this request field go to the gateway?  Judges the row of the name, or
 * its family (X-SSL-Client-*, X-Cullis-*, X-Forwarded-*, X-Original-*,
 * Proxy-*, Sec-Fetch-*) in any spelling: '_' and every other sign counts as
 * '-', as CGI and WSGI read it.  A name that is known in another spelling than
 * its own ("Content_Length") is never allowed.  X-Cullis-Session-Token,
 * X-Cullis-On-Behalf-Of-User, X-Cullis-Device-Attestation are let through
 * (protocol 9.2). */
bool field_request_allowed(const struct field *);
/* May allow-header let a request field of this name through?  In its own
 * spelling only. */
bool field_openable(struct span name);
/* May this response field go to the agent?  (F_HOP, F_NO_RES, Proxy-*,
 * Access-Control-*.) */
bool field_response_allowed(const struct field *);

/* The same for a message that is nobody's but the client's and a pass-through
 * host's: all goes but what is said between two hops (F_HOP, F_OURS, Proxy-*)
 * and other spellings of that. */
bool field_passes(const struct field *);

/* token of RFC 9110 section 5.6.2: 1*tchar. */
bool field_is_token(struct span);
/* A value that may stand in a field: no CTL but HTAB, no NUL, CR, LF. */
bool field_value_ok(struct span);

/* Walk a comma-separated list (RFC 9110 section 5.6.1): next element without
 * its white space; empty elements are skipped; quoted commas respected.
 * False at the end. */
bool list_next(struct span *rest, struct span *element);
/* Does the list of tokens hold this one, ASCII case ignored?  Where elements
 * are tokens there are no quoted strings, so every comma counts. */
bool list_has(struct span list, struct span token);

#endif
