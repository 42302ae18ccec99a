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

/* False for userinfo, for a host that is not an IPv6 address in brackets, an
 * IPv4 address of four decimal numbers, or a name of labels (1 to 63 letters,
 * digits, "-", "_"; one dot may end it), and for a port that is not 1 to
 * 65535 without leading zeros.  Narrower than reg-name on purpose: "127.1",
 * "0x7f.0.0.1", "a%2eb" and "a,b" have more than one reading.  So has "host:":
 * RFC 3986 allows an empty port, but nobody sends one. */
bool authority_parse(struct span text, struct authority *) ATTR_MUST_USE;

enum target_form {
	TARGET_ORIGIN,    /* /path?query */
	TARGET_ABSOLUTE,  /* http://host/path?query */
	TARGET_AUTHORITY, /* host:port, CONNECT only */
	TARGET_ASTERISK,  /* *, OPTIONS only; also what a proxy makes of
			   * "OPTIONS http://host" (RFC 9112 section 3.2.4),
			   * then with the authority */
};

struct target {
	enum target_form form;
	bool https;                 /* absolute form: its scheme */
	struct authority authority; /* of the target, or with absent host */
	struct span path;           /* raw, starts with '/'; "/" if left out;
				     * "*" in the last form, absent in the
				     * one before */
	struct span query;          /* with its '?', or absent */
};

/* Split and validate a request target for this method.  False: malformed, a
 * fragment, another scheme than http and https, CONNECT without a port, a
 * byte that must be percent-encoded.  In the path these are all but pchar of
 * RFC 3986 section 3.3 and '/'; in the query []^`{|} are let through as well,
 * since clients that follow the URL Standard send them as they are. */
bool target_parse(
    struct span method, struct span text, struct target *) ATTR_MUST_USE;

/* What a path decodes to. */
struct path {
	struct buf decoded; /* percent-decoded exactly once: the path of htu */
	struct buf policy;  /* for rules: decoded, ";params" of each segment
			     * dropped, then "//" collapsed; case is kept */
};

enum path_status {
	PATH_OK,
	PATH_BAD_ESCAPE,    /* "%" without two hex digits */
	PATH_CONTROL,       /* decodes to a control byte or NUL */
	PATH_BACKSLASH,     /* decodes to '\' */
	PATH_DOUBLE_ESCAPE, /* decodes to another escape ("%2561"): a gateway
			     * that passes on what it decoded lets the next
			     * hop decode again */
	PATH_DOT_SEGMENT,   /* a "." or ".." segment, however it is spelled,
			     * also with ";params" behind it */
	PATH_NOT_UTF8,      /* decodes to something that is not UTF-8 */
	PATH_EMPTY_SEGMENT, /* "//" written raw (an encoded %2F is not one) */
};

/* Read a raw path (starting with '/') both ways.  The bufs are cleared first
 * and reused, so that a caller that keeps a struct path allocates nothing;
 * they stay empty unless PATH_OK. */
enum path_status path_read(struct span raw, struct path *) ATTR_MUST_USE;
/* One short clause for an error body: "a backslash in the path". */
const char *path_status_text(enum path_status);
void path_free(struct path *);

#endif
