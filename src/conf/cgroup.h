/*
 * cgroup: the memory limit of the control group that the program runs in, and
 * the small files in which the kernel tells such things.
 *
 * Threads: any.
 */
#ifndef CONF_CGROUP_H
#define CONF_CGROUP_H

#include "base/str.h"

/* Bytes that this group and all above it may use; UINT64_MAX without a limit.
 * root is "" or, in tests, a directory that stands for "/". */
uint64_t cgroup_memory_limit(const char *root);

/* The first line of root + path that begins with prefix, without that, or
 * absent; it borrows from text. */
struct span cgroup_read_line(const char *root, const char *path,
    struct span prefix, char *text, size_t max);

#endif
