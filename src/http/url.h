/*
 * url: authorities, request targets (RFC 9112 section 3.2) and the two
 * readings of a path: what the gateway hears (decoded once, for htu) and what
 * a rule must judge (the most dangerous reading).
 *
 * Threads: pure.  Spans borrow from the input.
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/str.h"

/* host [":" port] of RFC 3986 section 3.2, without userinfo. */
struct authority {
	struct span host; /* as written; IPv6 without its brackets */
	int port;         /* 1..65535, or -1: none written */
	bool ipv6;        /* host stood in brackets */
};

/* False for an empty host, userinfo, a bad port, a byte that is not allowed
 * in reg-name, IPv4 or IP-literal (no percent-encoding: names are ASCII). */
bool authority_parse(struct span text, struct authority *) ATTR_MUST_USE;

enum target_form {
	TARGET_ORIGIN,    /* /path?query */
	TARGET_ABSOLUTE,  /* http://host/path?query */
	TARGET_AUTHORITY, /* host:port, CONNECT only */
	TARGET_ASTERISK,  /* *, OPTIONS only */
};

struct target {
	enum target_form form;
	bool https;                 /* absolute form: its scheme */
	struct authority authority; /* absolute and authority form */
	struct span path;           /* raw, starts with '/'; "/" if left out */
	struct span query;          /* with its '?', or absent */
};

/* Split and validate a request target for this method.  False: malformed, a
 * fragment, another scheme than http and https, CONNECT without a port, a
 * byte outside RFC 3986 (controls, space, non-ASCII, '"<>\^`{|}'; of these
 * '"<>^`{|}' and bytes >= 0x80 are let through in the query only if
 * percent-encoded). */
bool target_parse(struct span method, struct span text, struct target *)
    ATTR_MUST_USE;

/* What a path decodes to. */
struct path {
	struct buf decoded; /* percent-decoded exactly once: the path of htu */
	struct buf policy;  /* for rules: decoded, "//" collapsed, ";params" of
			     * each segment dropped, ASCII lower case kept as is */
};

enum path_status {
	PATH_OK,
	PATH_BAD_ESCAPE,  /* "%" without two hex digits */
	PATH_CONTROL,     /* decodes to a control byte or NUL */
	PATH_BACKSLASH,   /* decodes to '\' */
	PATH_DOT_SEGMENT, /* a "." or ".." segment, however it is spelled,
			   * also with ";params" behind it */
	PATH_NOT_UTF8,    /* decodes to something that is not UTF-8 */
	PATH_EMPTY_SEGMENT, /* "//" written raw (an encoded %2F is not one) */
};

/* Read a raw path (starting with '/') both ways.  The bufs are cleared first
 * and reused, so that a caller that keeps a struct path allocates nothing. */
enum path_status path_read(struct span raw, struct path *) ATTR_MUST_USE;
/* One short clause for an error body: "a backslash in the path". */
const char *path_status_text(enum path_status);
void path_free(struct path *);

#endif
