/*
 * secret: see secret.h.
 */
#include "conf/secret.h"

#include "auth/idfile.h"
#include "base/mem.h"
#include "conf/parse.h"

/* RFC 7617 section 2: the first colon ends the user; no control characters. */
static char *
user_of(const struct idfile *f, struct findings *found)
{
	struct span rest = span_new(f->text, f->len);
	struct span line = span_cut(&rest, '\n');

	if (span_ends(line, SPAN("\r")))
		line.n--;
	if (span_find(line, ':') > 0 && parse_printable(line) &&
	    span_find(line, '\t') < 0)
		return mem_strndup(line.p, line.n);
	findings_error(found, EXIT_CONFIG,
	    "%s: the first line is not user:password", f->path);
	return NULL;
}

char *
secret_read_user(const char *path, struct findings *found)
{
	struct idfile f = {0};
	struct err err = ERR_INIT;
	char *user = NULL;

	if (idfile_read_path(&f, path, &err) < 0) {
		findings_error(found, err.exit, "%s", err.text);
	} else {
		idfile_check_secret(&f, found);
		user = user_of(&f, found);
	}
	idfile_free(&f);
	return user;
}
