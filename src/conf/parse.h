/*
 * parse: the lines of a configuration file: `key = value`, comments on lines
 * of their own that begin with "#", empty lines, nothing else.
 *
 * Threads: pure; every span borrows from the text.
 */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include "base/str.h"

struct parse {
	struct span rest; /* text that is not read yet */
	unsigned line;    /* number of the line read last, from 1 */
	struct span key;
	struct span value; /* not empty, no white space at its ends */
};

enum parse_status {
	PARSE_DONE,    /* the text is at its end */
	PARSE_SETTING, /* key and value are filled in */
	PARSE_BAD_LINE,
	PARSE_BAD_KEY,
	PARSE_NO_VALUE,
	PARSE_BAD_BYTE,
	PARSE_QUOTED,
	PARSE_COMMENT,
	PARSE_SECTION, /* the rest belongs to it: do not read on */
};

void parse_init(struct parse *, struct span text);
/* Read up to the next setting, mistake or end.  After a mistake the next call
 * goes on with the line behind it. */
enum parse_status parse_next(struct parse *) ATTR_MUST_USE;
/* What is wrong with the line and how to write it, for a bad status. */
const char *parse_status_text(enum parse_status) ATTR_PURE;
/* Is this one printable line of text?  Values from flags and variables are
 * held to the same rule. */
bool parse_printable(struct span);

#endif
