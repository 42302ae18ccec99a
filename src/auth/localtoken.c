/*
 * localtoken: see localtoken.h.
 */
#include "auth/localtoken.h"

#include "auth/idfile.h"
#include "base/b64.h"
#include "base/mem.h"

struct localtoken {
	size_t n;
	char text[LOCALTOKEN_MAX];
};

/* An editor ends the line. */
static struct span
only_line(const struct idfile *f)
{
	struct span text = span_new(f->text, f->len);

	if (span_ends(text, SPAN("\n")))
		text.n--;
	if (span_ends(text, SPAN("\r")))
		text.n--;
	return text;
}

static int
check(struct span text, const char *path, struct err *err)
{
	if (text.n < LOCALTOKEN_MIN || text.n > LOCALTOKEN_MAX)
		return err_set(err, EXIT_CONFIG,
		    "local-token-file: %s holds %zu characters and not %d to "
		    "%d; run: openssl rand -hex 32 > %s",
		    path, text.n, LOCALTOKEN_MIN, LOCALTOKEN_MAX, path);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return err_set(err, EXIT_CONFIG,
			    "local-token-file: %s holds something else than "
			    "one line of visible ASCII characters",
			    path);
	return 0;
}

struct localtoken *
localtoken_read(const char *path, struct findings *found, struct err *err)
{
	struct localtoken *t = NULL;
	struct idfile f = {0};
	struct span text;

	if (idfile_read_path(&f, path, err) < 0) {
		err_prefix(err, "local-token-file: ");
		return NULL;
	}
	text = only_line(&f);
	if (check(text, path, err) < 0)
		goto out;
	idfile_check_secret(&f, found);
	t = MEM_NEW(struct localtoken);
	memcpy(t->text, text.p, text.n);
	t->n = text.n;
out:
	idfile_free(&f);
	return t;
}

void
localtoken_free(struct localtoken *t)
{
	if (t)
		mem_wipe_free(t, sizeof(*t));
}

bool
localtoken_is(const struct localtoken *t, struct span text)
{
	return text.n == t->n && mem_equal_ct(text.p, t->text, t->n);
}

bool
localtoken_same(const struct localtoken *a, const struct localtoken *b)
{
	if (!a || !b)
		return a == b;
	return localtoken_is(a, span_new(b->text, b->n));
}

/* What follows the scheme and its spaces, or absent. */
static struct span
after_scheme(struct span credentials, struct span scheme)
{
	struct span name = span_cut(&credentials, ' ');

	return span_ieq(name, scheme) ? span_trim(credentials) : SPAN_NONE;
}

bool
localtoken_in_bearer(const struct localtoken *t, struct span credentials)
{
	return localtoken_is(t, after_scheme(credentials, SPAN("Bearer")));
}

bool
localtoken_in_basic(const struct localtoken *t, struct span credentials)
{
	/* The secret and something beside it that is not longer. */
	char text[2 * LOCALTOKEN_MAX + 1];
	struct span user, password;
	ssize_t n = b64_decode(
	    text, sizeof(text), after_scheme(credentials, SPAN("Basic")));
	bool ok;

	if (n < 0)
		return false;
	password = span_new(text, (size_t)n);
	user = span_cut(&password, ':');
	ok = password.p &&
	     (localtoken_is(t, password) || localtoken_is(t, user));
	mem_wipe(text, sizeof(text));
	return ok;
}
