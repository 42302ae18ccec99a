/*
 * unixsock: see unixsock.h.
 */
#include "net/unixsock.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOCK_TRIES 10

static int
in_use(struct err *err, const char *path)
{
	return err_set(err, EXIT_RUNTIME,
	    "cannot bind unix:%s: another program listens there, end it or use "
	    "another path",
	    path);
}

static int
failed(struct err *err, const char *what, const char *path)
{
	return err_set(err, err_exit_of(errno, EXIT_RUNTIME),
	    "cannot %s %s: %s", what, path, strerror(errno));
}

/* ---- the lock ---- */

static bool
is_file_at(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Whoever held the lock before may have removed the file between our opening
 * and our locking it; then the lock is on nothing, and we try again. */
static int
take_lock(struct unixsock *u, const char *path, struct err *err)
{
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		u->lock_fd = open(u->lock_path,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
		if (u->lock_fd < 0)
			return failed(err, "open the lock", u->lock_path);
		if (flock(u->lock_fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK
				   ? in_use(err, path)
				   : failed(err, "lock", u->lock_path);
		if (is_file_at(u->lock_fd, u->lock_path))
			return 0;
		close(u->lock_fd);
		u->lock_fd = -1;
	}
	return in_use(err, path);
}

static void
drop_lock(struct unixsock *u, bool ours)
{
	if (ours)
		unlink(u->lock_path);
	if (u->lock_fd >= 0)
		close(u->lock_fd);
	free(u->lock_path);
	u->lock_path = NULL;
	u->lock_fd = -1;
}

/* ---- the file ---- */

/* Nobody serves this socket any more.  Not blocking: one whose backlog is full
 * is alive. */
static bool
is_dead(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool refused;

	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 &&
		  errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Connecting to a file that is no socket is refused as well. */
static int
make_room(const struct sockaddr_un *sun, struct err *err)
{
	struct stat st;

	if (lstat(sun->sun_path, &st) < 0)
		return errno == ENOENT ? 0
				       : failed(err, "examine", sun->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, EXIT_CONFIG,
		    "%s is there already and is not a socket; remove "
		    "it or use another path",
		    sun->sun_path);
	if (!is_dead(sun))
		return in_use(err, sun->sun_path);
	if (unlink(sun->sun_path) < 0)
		return failed(err, "remove the old socket", sun->sun_path);
	return 0;
}

static int
find_group(const char *name, gid_t *gid, struct err *err)
{
	const struct group *g;
	uint64_t number;

	if (!name)
		return 0;
	if (span_u64(span_of(name), &number) && number < UINT32_MAX) {
		*gid = (gid_t)number;
		return 0;
	}
	g = getgrnam(name);
	if (!g)
		return err_set(err, EXIT_CONFIG,
		    "there is no group %s, which listen-group names", name);
	*gid = g->gr_gid;
	return 0;
}

/* The file is born with its mode, so that there is no moment with another, and
 * no chmod() that a link could lead elsewhere. */
static int
bind_file(struct unixsock *u, int fd, const struct sockaddr_un *sun,
    unsigned mode, gid_t gid, struct err *err)
{
	mode_t mask = umask(0777 & ~(mode_t)mode);
	int r = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	struct stat st;

	umask(mask);
	if (r < 0)
		return failed(err, "bind unix:", sun->sun_path);
	u->path = mem_strdup(sun->sun_path);
	if (lstat(u->path, &st) < 0)
		return failed(err, "examine", u->path);
	u->dev = st.st_dev;
	u->ino = st.st_ino;
	if (gid != (gid_t)-1 && lchown(u->path, (uid_t)-1, gid) < 0)
		return failed(err, "set the group of", u->path);
	return 0;
}

int
unixsock_bind(struct unixsock *u, const char *path, unsigned mode,
    const char *group, struct err *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = -1;
	gid_t gid = (gid_t)-1; /* chown: as it is */

	*u = (struct unixsock){.lock_fd = -1};
	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(err, EXIT_CONFIG, "%s is longer than %zu bytes",
		    path, sizeof(sun.sun_path) - 1);
	strcpy(sun.sun_path, path);
	u->lock_path = mem_printf("%s.lock", path);
	if (take_lock(u, path, err) < 0) {
		drop_lock(u, false);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		failed(err, "make a socket for", path);
	else if (find_group(group, &gid, err) == 0 &&
		 make_room(&sun, err) == 0 &&
		 bind_file(u, fd, &sun, mode, gid, err) == 0)
		return fd;
	unixsock_release(u);
	if (fd >= 0)
		close(fd);
	return -1;
}

void
unixsock_release(struct unixsock *u)
{
	struct stat st;

	if (u->path && lstat(u->path, &st) == 0 && st.st_dev == u->dev &&
	    st.st_ino == u->ino)
		unlink(u->path);
	free(u->path);
	u->path = NULL;
	if (u->lock_path)
		drop_lock(u, true);
}
