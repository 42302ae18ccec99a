/*
 * sse: see sse.h.
 */
#include "http/sse.h"

/* Lines end with LF, CR or both (WHATWG HTML section 9.2.5), which is the same
 * as ending with either: an empty line matches nothing. */
static bool
ends_line(char c)
{
	return c == '\n' || c == '\r';
}

/* A blank stands for any number of them: behind the colon of the field and
 * wherever JSON allows it. */
static const char pattern[] = "data: { \"error\" :";

static void
step(struct sse *s, char c)
{
	if (pattern[s->at] == ' ') {
		if (ascii_blank(c))
			return;
		s->at++;
	}
	if (c != pattern[s->at]) {
		s->skip = true;
		return;
	}
	if (pattern[++s->at])
		return;
	s->errors++;
	s->skip = true;
}

void
sse_look(struct sse *s, struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (ends_line(in.p[i])) {
			s->at = 0;
			s->skip = false;
		} else if (!s->skip) {
			step(s, in.p[i]);
		}
	}
}
