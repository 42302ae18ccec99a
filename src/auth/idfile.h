/*
 * idfile: the files of an identity: which names an item may have, and how a
 * file is read without being led astray.
 *
 * The directory is opened once and its files relative to it.  Symbolic links
 * are followed, since Kubernetes publishes a Secret through them; what they
 * lead to must be a regular file of at most IDFILE_MAX bytes.  A directory
 * that group or others may write to is refused, because whoever can rename a
 * file there can change who we are.  One with the sticky bit (a Kubernetes
 * Secret volume is mode 1777) is fine while each file in it belongs to root,
 * to us or to the owner of the directory.
 *
 * Threads: main only.
 */
#ifndef AUTH_IDFILE_H
#define AUTH_IDFILE_H

#include "auth/finding.h"
#include "base/attr.h"
#include "base/str.h"

#include <sys/types.h>

#define IDFILE_MAX (1 << 20)

enum idfile_item {
	IDFILE_CERT,
	IDFILE_KEY,
	IDFILE_DPOP,
	IDFILE_AGENT,
	IDFILE_CA,
	IDFILE_CHAIN,
	IDFILE_API_KEY,
};
#define IDFILE_ITEMS 7

/* A directory that was looked at and may be used. */
struct iddir {
	const char *path; /* borrowed */
	int fd;
	mode_t mode;
	uid_t uid;
};

/* One file, read whole.  Starts as all zero; path NULL = not there. */
struct idfile {
	char *path;
	char *text; /* NUL-terminated, wiped when freed */
	size_t len;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* What the item is called in sentences, the option that names its file, and
 * the names that it may have as "a, b or c" (for the caller to free). */
const char *idfile_title(enum idfile_item);
const char *idfile_option(enum idfile_item);
char *idfile_names(enum idfile_item);

/* Open the directory.  Returns 0, or -1 with err. */
int iddir_open(struct iddir *, const char *path, struct err *) ATTR_MUST_USE;
void iddir_close(struct iddir *);

/* Read `path`.  A missing file is an error here. */
int idfile_read_path(
    struct idfile *, const char *path, struct err *) ATTR_MUST_USE;
/*
 * Find the item by its names.  None there: 0 and f->path stays NULL.  Several
 * that are equal: the first.  Several that differ: -1, naming two of them.
 */
int idfile_find(struct idfile *, const struct iddir *, enum idfile_item,
    struct err *) ATTR_MUST_USE;
/* The nth name of the item, or NULL. */
const char *idfile_name(enum idfile_item, size_t nth);
/* Read one name.  Missing: 0 and f->path stays NULL. */
int idfile_read_name(struct idfile *, const struct iddir *, const char *name,
    struct err *) ATTR_MUST_USE;
void idfile_free(struct idfile *);
/* Adds the path's file to a digest of inodes, sizes and times; see
 * identity_stamp(). */
void idfile_stamp(const char *path, uint64_t *stamp, int64_t *newest_s);

/*
 * A secret that too many may read: a finding that names the command to mend
 * it.  World-readable is always named.  Group-readable is fine if the group
 * is root's (systemd credentials are 0440 root:root with an ACL) or one of
 * ours (a Kubernetes Secret with fsGroup).
 */
void idfile_check_secret(const struct idfile *, struct findings *);

#endif
