/*
 * cpus: see cpus.h.
 */
#include "conf/cpus.h"

#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

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

/* CPUs that a quota per period amounts to; UINT_MAX if there is no quota. */
static unsigned
quota_cpus(struct span quota, struct span period)
{
	uint64_t q, p, cpus;

	if (!span_u64(quota, &q) || !span_u64(period, &p) || p == 0)
		return UINT_MAX;
	cpus = q / p + (q % p != 0);
	return cpus == 0 ? 1 : cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

/* cgroup v2: "QUOTA PERIOD" or "max PERIOD" in this group's cpu.max. */
static unsigned
cgroup2_cpus(const char *root)
{
	char groups[4096], max[64], *path;
	struct span rest =
	    read_some(root, "/proc/self/cgroup", groups, sizeof(groups));
	unsigned cpus = UINT_MAX;

	while (rest.p && cpus == UINT_MAX) {
		struct span line = span_cut(&rest, '\n'), quota, period;

		if (!span_starts(line, SPAN("0::/")))
			continue;
		path = mem_printf(
		    "/sys/fs/cgroup%.*s/cpu.max", (int)line.n - 3, line.p + 3);
		period = read_some(root, path, max, sizeof(max));
		free(path);
		period = span_cut(&period, '\n');
		quota = span_cut(&period, ' ');
		cpus = quota_cpus(quota, period);
	}
	return cpus;
}

/* cgroup v1, as containers see it: their own group is mounted at the top. */
static unsigned
cgroup1_cpus(const char *root)
{
	char quota[64], period[64];
	struct span q = read_some(
	    root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof(quota));
	struct span p = read_some(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
	    period, sizeof(period));

	return quota_cpus(span_cut(&q, '\n'), span_cut(&p, '\n'));
}

unsigned
cpus_allowed(const char *root)
{
	cpu_set_t set;
	unsigned cpus = 1, limit;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = (unsigned)CPU_COUNT(&set);
	limit = cgroup2_cpus(root);
	if (limit < cpus)
		cpus = limit;
	limit = cgroup1_cpus(root);
	return limit < cpus ? limit : cpus;
}
