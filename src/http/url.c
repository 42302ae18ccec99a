/*
 * url: see url.h.
 */
#include "http/url.h"

#include "http/chars.h"

#include <arpa/inet.h>
#include <assert.h>

/* Is this the textual form of an address of this family? */
static bool
is_address(int family, struct span s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.n >= sizeof(text) || (s.n && memchr(s.p, '\0', s.n)))
		return false;
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, &address) == 1;
}

/* Would a resolver take a name that ends in this label for a number, as in
 * "127.1", "0x7f.1" or "2130706433"? */
static bool
is_number(struct span label)
{
	bool hex = span_istarts(label, SPAN("0x"));

	for (size_t i = hex ? 2 : 0; i < label.n; i++)
		if (hex ? ascii_hex(label.p[i]) < 0 : !ascii_digit(label.p[i]))
			return false;
	return true;
}

/* Labels of letters, digits, "-" and "_", a dot allowed at the end. */
static bool
host_ok(struct span host)
{
	struct span rest = host, label;

	if (host.n > 255 || char_run(host, C_HOST) != host.n)
		return false;
	do {
		label = span_cut(&rest, '.');
		if (label.n == 0 || label.n > 63)
			return false;
	} while (rest.n);
	return !is_number(label) || is_address(AF_INET, host);
}

/* 1*5DIGIT without leading zeros, 1 to 65535. */
static bool
port_parse(struct span text, int *port)
{
	uint64_t value;

	if (text.n > 5 || !span_u64(text, &value) || text.p[0] == '0' ||
	    value > 65535)
		return false;
	*port = (int)value;
	return true;
}

bool
authority_parse(struct span text, struct authority *a)
{
	ptrdiff_t end = span_find(text, ']');
	struct span rest;

	*a = (struct authority){.port = -1};
	if (text.n && text.p[0] == '[') {
		if (end < 0)
			return false;
		a->ipv6 = true;
		a->host = span_new(text.p + 1, (size_t)end - 1);
		rest = span_new(text.p + end + 1, text.n - (size_t)end - 1);
		if (!is_address(AF_INET6, a->host))
			return false;
	} else {
		end = span_find(text, ':');
		a->host = end < 0 ? text : span_new(text.p, (size_t)end);
		if (!host_ok(a->host))
			return false;
		rest = span_new(text.p + a->host.n, text.n - a->host.n);
	}
	if (rest.n == 0)
		return true;
	return rest.p[0] == ':' &&
	       port_parse(span_new(rest.p + 1, rest.n - 1), &a->port);
}

/* Path and query: text starts with '/' or '?', or is empty. */
static bool
path_query_parse(struct span text, struct target *t)
{
	ptrdiff_t at = span_find(text, '?');

	t->path = at < 0 ? text : span_new(text.p, (size_t)at);
	if (at >= 0)
		t->query = span_new(text.p + at, text.n - (size_t)at);
	if (t->path.n == 0)
		t->path = SPAN("/");
	return char_run(t->path, C_PATH) == t->path.n &&
	       char_run(t->query, C_QUERY) == t->query.n;
}

static bool
absolute_parse(struct span method, struct span text, struct target *t)
{
	size_t n = 0;

	t->https = span_istarts(text, SPAN("https://"));
	if (!t->https && !span_istarts(text, SPAN("http://")))
		return false;
	t->form = TARGET_ABSOLUTE;
	text.p += t->https ? 8 : 7;
	text.n -= t->https ? 8 : 7;
	while (n < text.n && text.p[n] != '/' && text.p[n] != '?')
		n++;
	if (!authority_parse(span_new(text.p, n), &t->authority))
		return false;
	/* RFC 9112 section 3.2.4: this is "*" for the last proxy. */
	if (n == text.n && span_eq(method, SPAN("OPTIONS"))) {
		t->form = TARGET_ASTERISK;
		t->path = SPAN("*");
		return true;
	}
	return path_query_parse(span_new(text.p + n, text.n - n), t);
}

bool
target_parse(struct span method, struct span text, struct target *t)
{
	*t = (struct target){.authority.port = -1};
	if (span_eq(method, SPAN("CONNECT"))) {
		t->form = TARGET_AUTHORITY;
		return authority_parse(text, &t->authority) &&
		       t->authority.port > 0;
	}
	if (text.n && text.p[0] == '/') {
		t->form = TARGET_ORIGIN;
		return path_query_parse(text, t);
	}
	if (span_eq(text, SPAN("*"))) {
		t->form = TARGET_ASTERISK;
		t->path = text;
		return span_eq(method, SPAN("OPTIONS"));
	}
	return absolute_parse(method, text, t);
}

/* Percent-decode once.  What it decodes to must be text. */
static enum path_status
decode(struct span raw, struct buf *out)
{
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];

		if (c == '/' && i && raw.p[i - 1] == '/')
			return PATH_EMPTY_SEGMENT;
		if (c == '%') {
			int high, low;

			if (raw.n - i < 3)
				return PATH_BAD_ESCAPE;
			high = ascii_hex(raw.p[i + 1]);
			low = ascii_hex(raw.p[i + 2]);
			if (high < 0 || low < 0)
				return PATH_BAD_ESCAPE;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return PATH_CONTROL;
		if (c == '\\')
			return PATH_BACKSLASH;
		buf_add_char(out, c);
	}
	return PATH_OK;
}

/* The decoded path as the most generous server would take it: no parameters,
 * no empty segments. */
static enum path_status
normalise(struct span decoded, struct buf *out)
{
	struct span rest = span_new(decoded.p + 1, decoded.n - 1);
	bool slash = false;

	while (rest.p) {
		struct span segment = span_cut(&rest, '/');
		struct span name = span_cut(&segment, ';');

		if (span_eq(name, SPAN(".")) || span_eq(name, SPAN("..")))
			return PATH_DOT_SEGMENT;
		slash = name.n == 0;
		if (slash)
			continue;
		buf_add_char(out, '/');
		buf_add_span(out, name);
	}
	/* "/a/" stays apart from "/a", the root is "/". */
	if (slash)
		buf_add_char(out, '/');
	return PATH_OK;
}

static bool
has_escape(struct span s)
{
	for (size_t i = 0; i + 2 < s.n; i++)
		if (s.p[i] == '%' && ascii_hex(s.p[i + 1]) >= 0 &&
		    ascii_hex(s.p[i + 2]) >= 0)
			return true;
	return false;
}

enum path_status
path_read(struct span raw, struct path *path)
{
	enum path_status st;

	assert(raw.n && raw.p[0] == '/');
	buf_clear(&path->decoded);
	buf_clear(&path->policy);
	buf_reserve(&path->decoded, raw.n);
	st = decode(raw, &path->decoded);
	if (st == PATH_OK && !span_is_utf8(buf_span(&path->decoded)))
		st = PATH_NOT_UTF8;
	if (st == PATH_OK && has_escape(buf_span(&path->decoded)))
		st = PATH_DOUBLE_ESCAPE;
	if (st == PATH_OK) {
		buf_reserve(&path->policy, path->decoded.len);
		st = normalise(buf_span(&path->decoded), &path->policy);
	}
	if (st != PATH_OK) {
		buf_clear(&path->decoded);
		buf_clear(&path->policy);
	}
	return st;
}

const char *
path_status_text(enum path_status st)
{
	switch (st) {
	case PATH_OK:
		return "a good path";
	case PATH_BAD_ESCAPE:
		return "a \"%\" without two hex digits in the path";
	case PATH_CONTROL:
		return "a control byte in the path";
	case PATH_BACKSLASH:
		return "a backslash in the path";
	case PATH_DOUBLE_ESCAPE:
		return "an escape that decodes to another one in the path";
	case PATH_DOT_SEGMENT:
		return "a \".\" or \"..\" segment in the path";
	case PATH_NOT_UTF8:
		return "a path that is not UTF-8";
	case PATH_EMPTY_SEGMENT:
		return "an empty segment (\"//\") in the path";
	}
	return "a bad path";
}

void
path_free(struct path *path)
{
	buf_free(&path->decoded);
	buf_free(&path->policy);
}
