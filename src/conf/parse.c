/*
 * parse: see parse.h.
 */
#include "conf/parse.h"

void
parse_init(struct parse *p, struct span text)
{
	*p = (struct parse){.rest = text};
}

bool
parse_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
is_key(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !ascii_digit(s.p[i]) &&
		    s.p[i] != '-' && s.p[i] != '_')
			return false;
	return s.n > 0;
}

/* Does a "#" follow white space?  Then it was meant as a comment. */
static bool
has_comment(struct span s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] == '#' && ascii_blank(s.p[i - 1]))
			return true;
	return false;
}

static enum parse_status
read_setting(struct parse *p, struct span line)
{
	if (span_find(line, '=') < 0)
		return PARSE_BAD_LINE;
	p->key = span_trim(span_cut(&line, '='));
	p->value = span_trim(line);
	if (!is_key(p->key))
		return PARSE_BAD_KEY;
	if (p->value.n == 0 || p->value.p[0] == '#')
		return PARSE_NO_VALUE;
	if (p->value.p[0] == '"' || p->value.p[0] == '\'')
		return PARSE_QUOTED;
	return has_comment(p->value) ? PARSE_COMMENT : PARSE_SETTING;
}

enum parse_status
parse_next(struct parse *p)
{
	while (p->rest.n) {
		struct span line = span_cut(&p->rest, '\n');

		p->line++;
		if (span_ends(line, SPAN("\r")))
			line.n--;
		line = span_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!parse_printable(line))
			return PARSE_BAD_BYTE;
		if (line.p[0] == '[')
			return PARSE_SECTION;
		return read_setting(p, line);
	}
	return PARSE_DONE;
}

const char *
parse_status_text(enum parse_status status)
{
	static const char *const text[] = {
	    [PARSE_DONE] = "nothing is wrong",
	    [PARSE_SETTING] = "nothing is wrong",
	    [PARSE_BAD_LINE] = "this is not a setting; write key = value",
	    [PARSE_BAD_KEY] = "the part before \"=\" is not a key; keys are "
			      "lower-case words joined by \"-\"",
	    [PARSE_NO_VALUE] = "the key has no value; leave the line out to "
			       "get the default",
	    [PARSE_BAD_BYTE] = "the line holds a control character; remove it",
	    [PARSE_QUOTED] = "the value begins with a quote; write values "
			     "without quotes",
	    [PARSE_COMMENT] = "a \"#\" follows the value; put the comment on "
			      "a line of its own",
	    [PARSE_SECTION] = "sections such as [route NAME] are not supported "
			      "by this version; remove it and what follows it",
	};

	return text[status];
}
