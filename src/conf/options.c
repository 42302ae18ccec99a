/*
 * options: see options.h.
 */
#include "conf/options.h"

#include "conf/config.h"

static const struct option_row rows[OPTION_COUNT] = {
#define OPT(member_, key_, type_, arg_, value_, flags_, help_, manual_) \
	[OPTION_##member_] = {.key = (key_),                            \
	    .type = OPTION_TYPE_##type_,                                \
	    .arg = (arg_),                                              \
	    .value = (value_),                                          \
	    .flags = (flags_),                                          \
	    .help = (help_),                                            \
	    .manual = (manual_),                                        \
	    .offset = offsetof(struct config, member_)},
#include "conf/option_tbl.h"
#undef OPT
};

const struct option_row *
option_row(enum option_id id)
{
	return &rows[id];
}

struct span
option_range(struct span *arg)
{
	struct span least = span_cut(arg, '.');

	span_cut(arg, '.');
	return least;
}

enum option_id
option_find(struct span key)
{
	enum option_id id;

	for (id = 0; id < OPTION_COUNT; id++)
		if (span_eq(key, span_of(rows[id].key)))
			break;
	return id;
}

#define KEY_MAX 32 /* no key is as long */

/* Insertions, deletions and replacements that turn a into b (Levenshtein). */
static unsigned
edit_distance(struct span a, struct span b)
{
	unsigned line[KEY_MAX + 1];

	for (unsigned j = 0; j <= b.n; j++)
		line[j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned diagonal = line[0];

		line[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			unsigned best = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = line[j];
			if (best > line[j] + 1)
				best = line[j] + 1;
			if (best > line[j - 1] + 1)
				best = line[j - 1] + 1;
			line[j] = best;
		}
	}
	return line[b.n];
}

const char *
option_nearest(struct span key)
{
	const char *nearest = NULL;
	unsigned least;

	if (key.n > KEY_MAX)
		return NULL;
	/* A third of the letters may be wrong, and always two. */
	least = key.n < 6 ? 3 : (unsigned)key.n / 3 + 1;
	for (enum option_id id = 0; id < OPTION_COUNT; id++) {
		unsigned d = edit_distance(key, span_of(rows[id].key));

		if (d >= least)
			continue;
		least = d;
		nearest = rows[id].key;
	}
	return nearest;
}

void
option_add_wants(enum option_id id, struct buf *b)
{
	static const char *const wants[] = {
	    [OPTION_TYPE_STRING] = "a word",
	    [OPTION_TYPE_PATH] = "a path",
	    [OPTION_TYPE_ORIGIN] = "https://host or https://host:port",
	    [OPTION_TYPE_HOSTPORT] = "host:port",
	    [OPTION_TYPE_HOSTPORTS] = "host:port",
	    [OPTION_TYPE_PROXY] = "http://host:port",
	    [OPTION_TYPE_HOSTS] = "a host name without port",
	    [OPTION_TYPE_URLPATHS] = "a reserved path such as /pki/ca.crt",
	    [OPTION_TYPE_FIELDS] = "a stripped field that may be let through, "
				   "such as Cookie",
	    [OPTION_TYPE_RULES] = "METHOD /PATH-PREFIX such as GET /v1/models, "
				  "without escape, parameter or wildcard",
	    [OPTION_TYPE_USERS] = "a user or @group of this machine, but not "
				  "65534",
	    [OPTION_TYPE_LISTEN] =
		"IP:PORT, unix:/PATH (at most 107 bytes) or fd:NAME",
	    [OPTION_TYPE_ENUM] = "one of",
	    [OPTION_TYPE_BOOL] = "yes or no",
	    [OPTION_TYPE_MS] = "a duration such as 500ms, 10s, 5m or 2h",
	    [OPTION_TYPE_SIZE] = "a size such as 512, 64k or 4m",
	    [OPTION_TYPE_UINT] = "a number",
	    [OPTION_TYPE_MODE] = "an octal mode such as 0660",
	    [OPTION_TYPE_WORKERS] = "auto or a number",
	};
	const struct option_row *row = &rows[id];
	struct span most = span_of(row->arg), least;

	buf_add_str(b, wants[row->type]);
	if (!row->arg)
		return;
	if (row->type == OPTION_TYPE_ENUM) {
		buf_printf(b, " %s", row->arg);
		return;
	}
	least = option_range(&most);
	buf_printf(b, ", from %.*s to %.*s", SPAN_ARG(least), SPAN_ARG(most));
}
