/*
 * uri: see uri.h.
 */
#include "judge/uri.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 3986 section 2.3. */
static bool
is_unreserved(int c)
{
	return isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Section 6.2.2.1 and 6.2.2.2: escapes of unreserved characters are decoded,
 * the others get upper-case digits.  In place; false: a bad escape. */
static bool
normalise_escapes(char *s)
{
	char *o = s;

	for (; *s; s++) {
		int hi, lo, c;

		if (*s != '%') {
			*o++ = *s;
			continue;
		}
		hi = hex_value(s[1]);
		lo = hi < 0 ? -1 : hex_value(s[2]);
		if (lo < 0)
			return false;
		c = hi << 4 | lo;
		if (c < 0x80 && is_unreserved(c)) {
			*o++ = (char)c;
		} else {
			*o++ = '%';
			*o++ = (char)toupper((unsigned char)s[1]);
			*o++ = (char)toupper((unsigned char)s[2]);
		}
		s += 2;
	}
	*o = '\0';
	return true;
}

/* Section 5.2.4, on an absolute path, in place. */
static void
remove_dot_segments(char *path)
{
	char *in = path, *out = path;

	while (*in) {
		size_t n = strcspn(in + 1, "/") + 1;
		bool last = in[n] == '\0';

		if (n == 2 && in[1] == '.') {
			if (last)
				*out++ = '/';
		} else if (n == 3 && in[1] == '.' && in[2] == '.') {
			while (out > path && *--out != '/')
				;
			if (last)
				*out++ = '/';
		} else {
			memmove(out, in, n);
			out += n;
		}
		in += n;
	}
	*out = '\0';
}

/* Section 6.2.3: the default port, or an empty one, goes. */
static void
drop_default_port(char *authority, bool https)
{
	char *bracket = strrchr(authority, ']');
	char *colon = strrchr(bracket ? bracket : authority, ':');

	if (!colon)
		return;
	if (colon[1] == '\0' || strcmp(colon + 1, https ? "443" : "80") == 0)
		*colon = '\0';
}

char *
uri_normalise(const char *text)
{
	char *copy = strdup(text), *out = NULL, *authority, *path, *joined;
	char *rest = copy ? strstr(copy, "://") : NULL;
	bool https;

	if (!rest)
		goto out;
	copy[strcspn(copy, "?#")] = '\0';
	*rest = '\0';
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	https = strcmp(copy, "https") == 0;
	if (!https && strcmp(copy, "http") != 0)
		goto out;
	authority = rest + 3;
	path = authority + strcspn(authority, "/");
	joined = strdup(*path ? path : "/");
	*path = '\0';
	if (!joined || !*authority || !normalise_escapes(joined) ||
	    !normalise_escapes(authority)) {
		free(joined);
		goto out;
	}
	for (char *p = authority; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	drop_default_port(authority, https);
	remove_dot_segments(joined);
	out = malloc(strlen(copy) + strlen(authority) + strlen(joined) + 4);
	if (out)
		sprintf(out, "%s://%s%s", copy, authority, joined);
	free(joined);
out:
	free(copy);
	return out;
}
