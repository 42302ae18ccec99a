/*
 * idfile: see idfile.h.
 */
#include "auth/idfile.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *title;
	const char *option;
} items[IDFILE_ITEMS] = {
    [IDFILE_CERT] = {"client certificate", "cert-file"},
    [IDFILE_KEY] = {"private key", "key-file"},
    [IDFILE_DPOP] = {"DPoP key", "dpop-key-file"},
    [IDFILE_AGENT] = {"agent file", "agent-file"},
    [IDFILE_CA] = {"CA certificate", "ca-file"},
    [IDFILE_CHAIN] = {"certificate chain", "chain-file"},
    [IDFILE_API_KEY] = {"API key", "api-key-file"},
};

/* Every name that an enrolment gives its files.  This is the only statement
 * of them; the first of an item is the one that we would choose. */
static const struct {
	enum idfile_item item;
	const char *name;
} names[] = {
    {IDFILE_CERT, "cert.pem"},       /* SDK, systemd credentials */
    {IDFILE_CERT, "agent.crt"},      /* Connector, SDK device code */
    {IDFILE_CERT, "svid.pem"},       /* SPIFFE helper */
    {IDFILE_KEY, "key.pem"},         /* SDK, systemd credentials */
    {IDFILE_KEY, "agent-key.pem"},   /* quickstart */
    {IDFILE_KEY, "agent.key"},       /* Connector, SDK device code */
    {IDFILE_KEY, "svid_key.pem"},    /* SPIFFE helper */
    {IDFILE_KEY, "svid-key.pem"},    /* SPIFFE helper, other spelling */
    {IDFILE_DPOP, "dpop.jwk"},       /* all */
    {IDFILE_AGENT, "agent.json"},    /* SDK, systemd credentials */
    {IDFILE_AGENT, "meta.json"},     /* SDK device code */
    {IDFILE_AGENT, "metadata.json"}, /* Connector */
    {IDFILE_CA, "ca.pem"},           /* ours */
    {IDFILE_CA, "ca-chain.pem"},     /* Connector, SDK */
    {IDFILE_CA, "org-ca.pem"},       /* Mastio bundle's export */
    {IDFILE_CA, "svid_bundle.pem"},  /* SPIFFE helper */
    {IDFILE_CA, "spire-bundle.pem"}, /* SPIRE */
    {IDFILE_CHAIN, "fullchain.pem"}, /* SDK */
    {IDFILE_API_KEY, "api-key"},     /* legacy SDK */
    {IDFILE_API_KEY, "api_key"},     /* legacy Connector */
};

const char *
idfile_title(enum idfile_item item)
{
	return items[item].title;
}

const char *
idfile_option(enum idfile_item item)
{
	return items[item].option;
}

const char *
idfile_name(enum idfile_item item, size_t nth)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (names[i].item == item && nth-- == 0)
			return names[i].name;
	}
	return NULL;
}

char *
idfile_names(enum idfile_item item)
{
	struct buf b = BUF_INIT;
	const char *name;

	for (size_t i = 0; (name = idfile_name(item, i)); i++) {
		if (i > 0)
			buf_add_str(
			    &b, idfile_name(item, i + 1) ? ", " : " or ");
		buf_add_str(&b, name);
	}
	return buf_steal_str(&b);
}

int
iddir_open(struct iddir *dir, const char *path, struct err *err)
{
	struct stat st;

	*dir = (struct iddir){.path = path, .fd = -1};
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0 && errno == ENOTDIR)
		return err_set(err, EXIT_CONFIG,
		    "identity directory %s is not a directory; set "
		    "identity-dir to the directory that holds the files",
		    path);
	if (dir->fd < 0 || fstat(dir->fd, &st) < 0)
		return err_set(err, err_exit_of(errno, EXIT_CONFIG),
		    "identity directory %s cannot be opened: %s", path,
		    strerror(errno));
	dir->mode = st.st_mode;
	dir->uid = st.st_uid;
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX)) {
		iddir_close(dir);
		return err_set(err, EXIT_CONFIG,
		    "identity directory %s may be written by others (mode "
		    "%04o), who could put their files in place of ours; run: "
		    "chmod go-w %s",
		    path, st.st_mode & 07777, path);
	}
	return 0;
}

void
iddir_close(struct iddir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	dir->fd = -1;
}

/* The size bytes of fd and not one more: a file that is being written is not
 * one to start with. */
static int
read_all(int fd, size_t size, struct idfile *f, struct err *err)
{
	f->text = mem_alloc(size + 1);
	while (f->len <= size) {
		ssize_t n = read(fd, f->text + f->len, size + 1 - f->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, err_exit_of(errno, EXIT_CONFIG),
			    "%s cannot be read: %s", f->path, strerror(errno));
		if (n == 0)
			break;
		f->len += (size_t)n;
	}
	if (f->len != size)
		return err_set(err, EXIT_CONFIG,
		    "%s changed while it was read; try again", f->path);
	return 0;
}

/* The open fd, whatever it is, into f. */
static int
take(int fd, struct idfile *f, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s cannot be examined: %s",
		    f->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EXIT_CONFIG,
		    "%s is not a regular file but a %s", f->path,
		    S_ISDIR(st.st_mode)    ? "directory"
		    : S_ISFIFO(st.st_mode) ? "named pipe"
		    : S_ISCHR(st.st_mode)  ? "device"
					   : "special file");
	if (st.st_mode & S_IWOTH)
		return err_set(err, EXIT_CONFIG,
		    "%s may be written by everybody (mode %04o); run: chmod "
		    "o-w %s",
		    f->path, st.st_mode & 07777, f->path);
	f->mode = st.st_mode;
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	if (st.st_size > IDFILE_MAX)
		return err_set(err, EXIT_CONFIG,
		    "%s is larger than 1 MiB; that is not a file of an "
		    "identity",
		    f->path);
	if (st.st_size == 0)
		return err_set(err, EXIT_CONFIG, "%s is empty", f->path);
	return read_all(fd, (size_t)st.st_size, f, err);
}

/* Open and read relative to at.  Missing: 0 and f->path is NULL. */
static int
read_at(struct idfile *f, int at, const char *dir, const char *name,
    struct err *err)
{
	/* O_NONBLOCK: a named pipe must not hold us up. */
	int fd = openat(at, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int ret;

	*f = (struct idfile){0};
	if (fd < 0 && errno == ENOENT)
		return 0;
	f->path = dir ? mem_printf("%s/%s", dir, name) : mem_strdup(name);
	if (fd < 0) {
		ret = err_set(err, err_exit_of(errno, EXIT_CONFIG),
		    "%s cannot be opened: %s", f->path, strerror(errno));
	} else {
		ret = take(fd, f, err);
		close(fd);
	}
	if (ret < 0)
		idfile_free(f);
	return ret;
}

int
idfile_read_path(struct idfile *f, const char *path, struct err *err)
{
	if (read_at(f, AT_FDCWD, NULL, path, err) < 0)
		return -1;
	if (!f->path)
		return err_set(err, EXIT_CONFIG, "%s does not exist", path);
	return 0;
}

int
idfile_read_name(struct idfile *f, const struct iddir *dir, const char *name,
    struct err *err)
{
	if (read_at(f, dir->fd, dir->path, name, err) < 0)
		return -1;
	if (f->path && (dir->mode & (S_IWGRP | S_IWOTH)) && f->uid != 0 &&
	    f->uid != geteuid() && f->uid != dir->uid) {
		err_set(err, EXIT_CONFIG,
		    "%s belongs to uid %u, and anybody may put files into %s; "
		    "only files of root, of our own uid or of the directory's "
		    "owner are taken there",
		    f->path, (unsigned)f->uid, dir->path);
		idfile_free(f);
		return -1;
	}
	return 0;
}

int
idfile_find(struct idfile *f, const struct iddir *dir, enum idfile_item item,
    struct err *err)
{
	const char *name;

	*f = (struct idfile){0};
	for (size_t i = 0; (name = idfile_name(item, i)); i++) {
		struct idfile other;
		bool same;

		if (idfile_read_name(&other, dir, name, err) < 0)
			goto fail;
		if (!f->path) {
			*f = other;
			continue;
		}
		if (!other.path)
			continue;
		same = f->len == other.len &&
		       memcmp(f->text, other.text, f->len) == 0;
		if (!same)
			err_set(err, EXIT_CONFIG,
			    "%s and %s differ and only one of them can be our "
			    "%s; remove one, or name it with %s",
			    f->path, other.path, idfile_title(item),
			    idfile_option(item));
		idfile_free(&other);
		if (!same)
			goto fail;
	}
	return 0;
fail:
	idfile_free(f);
	return -1;
}

static void
stamp_number(uint64_t *stamp, uint64_t n)
{
	/* FNV-1a, eight bytes at a time */
	*stamp = (*stamp ^ n) * 0x100000001b3u;
	*stamp ^= *stamp >> 32;
}

void
idfile_stamp(const char *path, uint64_t *stamp, int64_t *newest_s)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		stamp_number(stamp, (uint64_t)errno);
		return;
	}
	stamp_number(stamp, st.st_dev);
	stamp_number(stamp, st.st_ino);
	stamp_number(stamp, (uint64_t)st.st_size);
	stamp_number(stamp, (uint64_t)st.st_mtim.tv_sec);
	stamp_number(stamp, (uint64_t)st.st_mtim.tv_nsec);
	stamp_number(stamp, (uint64_t)st.st_ctim.tv_sec);
	stamp_number(stamp, (uint64_t)st.st_ctim.tv_nsec);
	if (st.st_ctim.tv_sec > *newest_s)
		*newest_s = st.st_ctim.tv_sec;
}

void
idfile_free(struct idfile *f)
{
	free(f->path);
	mem_wipe_free(f->text, f->len);
	*f = (struct idfile){0};
}

static bool
group_is_ours(gid_t gid)
{
	gid_t *list;
	int n;
	bool found = gid == 0 || gid == getegid();

	if (found || (n = getgroups(0, NULL)) <= 0)
		return found;
	list = mem_alloc((size_t)n * sizeof(*list));
	n = getgroups(n, list);
	for (int i = 0; i < n && !found; i++)
		found = list[i] == gid;
	free(list);
	return found;
}

void
idfile_check_secret(const struct idfile *f, struct findings *found)
{
	const char *who =
	    f->mode & S_IROTH ? "everybody"
	    : f->mode & (S_IRGRP | S_IWGRP) && !group_is_ours(f->gid)
		? "a group that is not ours"
		: NULL;

	if (who)
		findings_warn(found,
		    "%s is a secret and may be read by %s (mode %04o); run: "
		    "chmod 600 %s (Kubernetes Secret: defaultMode: 0440 with "
		    "an fsGroup)",
		    f->path, who, f->mode & 07777, f->path);
}
