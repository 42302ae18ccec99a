/*
 * cgroup: see cgroup.h.
 */
#include "conf/cgroup.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* cgroup v1 writes "no limit" as a huge number, by the page size. */
#define V1_LIMIT_MAX ((uint64_t)1 << 60)

/* The first bytes of root + path, or absent. */
static struct span
read_some(const char *root, const char *path, char *text, size_t max)
{
	char *name = mem_printf("%s%s", root, path);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	free(name);
	if (fd >= 0) {
		n = read(fd, text, max);
		close(fd);
	}
	return n > 0 ? span_new(text, (size_t)n) : SPAN_NONE;
}

struct span
cgroup_read_line(const char *root, const char *path, struct span prefix,
    char *text, size_t max)
{
	struct span rest = read_some(root, path, text, max);

	while (rest.p) {
		struct span line = span_cut(&rest, '\n');

		if (span_starts(line, prefix))
			return span_new(line.p + prefix.n, line.n - prefix.n);
	}
	return SPAN_NONE;
}

/* Bytes that a file allows; UINT64_MAX for "max", or without the file. */
static uint64_t
limit_in(const char *root, const char *path)
{
	char text[64];
	struct span line =
	    cgroup_read_line(root, path, SPAN(""), text, sizeof(text));
	uint64_t limit;

	return span_u64(line, &limit) ? limit : UINT64_MAX;
}

/* cgroup v2: memory.max of this group and of each one above. */
static uint64_t
limit_v2(const char *root)
{
	char groups[4096];
	struct span group = cgroup_read_line(
	    root, "/proc/self/cgroup", SPAN("0::"), groups, sizeof(groups));
	uint64_t least = UINT64_MAX;

	if (!group.n || group.p[0] != '/')
		return UINT64_MAX;
	for (;;) {
		char *path = mem_printf(
		    "/sys/fs/cgroup%.*s/memory.max", SPAN_ARG(group));
		uint64_t limit = limit_in(root, path);

		free(path);
		if (limit < least)
			least = limit;
		if (group.n == 0)
			break;
		while (group.p[--group.n] != '/')
			;
	}
	return least;
}

/* cgroup v1, as containers see it: their own group is mounted at the top. */
static uint64_t
limit_v1(const char *root)
{
	uint64_t limit =
	    limit_in(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes");

	return limit < V1_LIMIT_MAX ? limit : UINT64_MAX;
}

uint64_t
cgroup_memory_limit(const char *root)
{
	uint64_t v2 = limit_v2(root), v1 = limit_v1(root);

	return v2 < v1 ? v2 : v1;
}
