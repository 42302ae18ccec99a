/*
 * chars: one table of which byte may stand where, for all readers of this
 * layer (RFC 9110 section 5.6.2, 5.5; RFC 9112 section 3.2; RFC 3986).
 *
 * Threads: constant.
 */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include "base/str.h"

enum char_class {
	C_TCHAR = 1 << 0, /* in a token: method, field name */
	C_VALUE = 1 << 1, /* in a field value: SP, HTAB, VCHAR, obs-text */
	C_VCHAR = 1 << 2, /* visible ASCII */
	C_HOST = 1 << 3,  /* in a host name: letter, digit, "-", ".", "_" */
	C_PATH = 1 << 4,  /* pchar of RFC 3986 section 3.3, "/", "%" */
	C_QUERY = 1 << 5, /* C_PATH, "?", and []^`{|}, which the URL Standard
			   * leaves alone in a query, so that clients in
			   * JavaScript send them */
};

extern const uint8_t char_classes[256];

static inline bool
char_is(char c, unsigned classes)
{
	return char_classes[(unsigned char)c] & classes;
}

/* How many bytes at the front are of these classes? */
static inline size_t
char_run(struct span s, unsigned classes)
{
	size_t n = 0;

	while (n < s.n && char_is(s.p[n], classes))
		n++;
	return n;
}

#endif
