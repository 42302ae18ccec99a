/*
 * cpus: see cpus.h.
 */
#include "conf/cpus.h"

#include "base/mem.h"
#include "conf/cgroup.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>

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
	struct span group = cgroup_read_line(
	    root, "/proc/self/cgroup", SPAN("0::/"), groups, sizeof(groups));
	struct span quota, period;

	if (!group.p)
		return UINT_MAX;
	path = mem_printf("/sys/fs/cgroup/%.*s/cpu.max", SPAN_ARG(group));
	period = cgroup_read_line(root, path, SPAN(""), max, sizeof(max));
	free(path);
	quota = span_cut(&period, ' ');
	return quota_cpus(quota, period);
}

/* cgroup v1, as containers see it: their own group is mounted at the top. */
static unsigned
cgroup1_cpus(const char *root)
{
	char quota[64], period[64];
	struct span q =
	    cgroup_read_line(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
		SPAN(""), quota, sizeof(quota));
	struct span p =
	    cgroup_read_line(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
		SPAN(""), period, sizeof(period));

	return quota_cpus(q, p);
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
