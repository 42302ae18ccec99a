/*
 * cpus: how many CPUs the program may really use, for `workers = auto`.
 *
 * Threads: any.
 */
#ifndef CONF_CPUS_H
#define CONF_CPUS_H

/* CPUs allowed by affinity and by the cgroup's quota (rounded up), at least 1.
 * root is "" or, in tests, a directory that stands for "/". */
unsigned cpus_allowed(const char *root);

#endif
