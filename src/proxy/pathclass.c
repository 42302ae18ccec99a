/*
 * pathclass: see pathclass.h.
 */
#include "proxy/pathclass.h"

static const struct {
	const char *prefix;
	enum path_wants wants;
} classes[PATH_CLASSES] = {
#define PATH_CLASS(class, prefix, wants) \
	[PATH_##class] = {prefix, WANTS_##wants},
#include "tbl/path.h"
};

static bool
is_below(struct span path, struct span prefix)
{
	return prefix.n == 0 ||
	       (span_starts(path, prefix) &&
		   (path.n == prefix.n || path.p[prefix.n] == '/'));
}

enum path_class
pathclass_of(struct span decoded)
{
	int i = 0;

	while (!is_below(decoded, span_of(classes[i].prefix)))
		i++;
	return (enum path_class)i;
}

enum path_wants pathclass_wants(enum path_class class)
{
	return classes[class].wants;
}
