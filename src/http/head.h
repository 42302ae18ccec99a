/*
 * head: the strict reader of message heads (RFC 9112 sections 2 to 5).  Spans
 * in, values out; the head's spans borrow from the input and die with it.
 *
 * Strict means: CRLF only, no bare CR or LF, no NUL or other control byte, no
 * white space before the colon, no obs-fold, no empty name, single spaces in
 * the request line, visible ASCII in the target, HTTP/1.0 or HTTP/1.1, the
 * space behind a status code.  One empty line (CRLF) before a request line is
 * skipped (RFC 9112 section 2.2).  The first byte that breaks a rule decides,
 * so that the verdict does not depend on how the bytes arrived.
 *
 * Threads: pure.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http/field.h"

#define HEAD_METHOD_MAX 32
#define HEAD_TARGET_MAX 8000 /* RFC 9112 section 3: at least 8000 octets */

enum head_status {
	HEAD_DONE,
	HEAD_MORE,        /* not complete yet, so far well-formed */
	HEAD_BAD,         /* malformed; head.why says how: 400 / 502 */
	HEAD_TOO_LARGE,   /* over max_bytes: 431 */
	HEAD_TOO_MANY,    /* over max_fields: 431 */
	HEAD_TARGET_LONG, /* request target over HEAD_TARGET_MAX: 414 */
	HEAD_VERSION,     /* HTTP/2.0, HTTP/1.2, ...: 505 */
};

struct head_limits {
	size_t max_bytes;
	unsigned max_fields;
};

struct head {
	struct span method; /* request */
	struct span target; /* request, raw */
	unsigned status;    /* response, 100..599 */
	struct span reason; /* response */
	unsigned minor;     /* HTTP/1.<minor>, 0 or 1 */

	struct field *fields; /* caller's array of max_fields */
	unsigned nfields;
	/* First field line of each known id, 1-based index into fields,
	 * 0 = none, so that a look-up is one load. */
	uint8_t first[FIELD_COUNT];

	size_t size;     /* bytes of the whole head with its empty line */
	size_t scanned;  /* bytes already judged by earlier calls */
	const char *why; /* static text when HEAD_BAD */

	/* where the reader is, between calls */
	int state;
	size_t mark;      /* where the element being read starts */
	const char *base; /* where the input was */
};

/* Forget everything; the fields go into this array. */
void head_reset(struct head *, struct field *array);

/* Parse from the first byte of input.  On HEAD_MORE call again with the same
 * bytes and more behind them (the memory may have moved); bytes that were
 * judged are not judged again.  max_fields <= 255.  After any other answer the
 * head is reset before it is used again. */
enum head_status head_parse_request(
    struct head *, struct span input, const struct head_limits *);
enum head_status head_parse_response(
    struct head *, struct span input, const struct head_limits *);

/* The bytes have moved from old to new: let the spans follow. */
void head_rebase(struct head *, const char *old, const char *new_);

/* First field line with this id, or NULL; then the following ones. */
const struct field *head_find(const struct head *, enum field_id);
const struct field *head_find_next(const struct head *, const struct field *);
/* Value of the first one, or absent. */
struct span head_value(const struct head *, enum field_id);
/* The first line that repeats a field that may stand in a head once only
 * (F_SINGLE), or NULL. */
const struct field *head_find_repeated(const struct head *);
/* Does any line of this list field hold the token? */
bool head_has_token(const struct head *, enum field_id, struct span token);
/* Is this field named by a Connection line, and may it be? (RFC 9110 section
 * 7.6.1; naming a field flagged F_CREDENTIAL removes nothing.) */
bool head_connection_names(const struct head *, const struct field *);
/* Does the sender want the connection kept (RFC 9112 section 9.3)?  HTTP/1.0
 * with "keep-alive" counts for a response and for a request in origin form;
 * as a proxy we do not keep a connection with an HTTP/1.0 client. */
bool head_keep_alive(const struct head *);

#endif
