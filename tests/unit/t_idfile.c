/*
 * t_idfile: how the files of an identity are found and read.
 */
#include "auth/idfile.h"
#include "base/mem.h"

#include "pki.h"
#include "unit.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *dir;

static void
setup(void)
{
	dir = dir_new();
}

static void
teardown(void)
{
	dir_free(dir);
}

/* The error of finding the certificate in dir, or "" */
static struct err
find_cert(struct idfile *f)
{
	struct err err = ERR_INIT;
	struct iddir d;

	*f = (struct idfile){0};
	if (iddir_open(&d, dir, &err) < 0)
		return err;
	if (idfile_find(f, &d, IDFILE_CERT, &err) == 0)
		ck_assert_str_eq(err.text, "");
	iddir_close(&d);
	return err;
}

static char *
in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

START_TEST(every_name_is_found)
{
	const char *name;

	for (size_t i = 0; (name = idfile_name(IDFILE_CERT, i)); i++) {
		char *path = in_dir(name);
		struct idfile f;

		dir_write(dir, name, 0644, "hello\n");
		ck_assert_str_eq(find_cert(&f).text, "");
		ck_assert_pstr_eq(f.path, path);
		ck_assert_uint_eq(f.len, 6);
		ck_assert_str_eq(f.text, "hello\n");
		idfile_free(&f);
		unlink(path);
		free(path);
	}
}
END_TEST

START_TEST(no_name_stands_for_two_items)
{
	for (int a = 0; a < IDFILE_ITEMS; a++) {
		for (int b = 0; b < a; b++) {
			const char *x, *y;

			for (size_t i = 0; (x = idfile_name(a, i)); i++)
				for (size_t j = 0; (y = idfile_name(b, j)); j++)
					ck_assert_str_ne(x, y);
		}
		ck_assert_ptr_nonnull(idfile_name(a, 0));
		ck_assert_ptr_nonnull(idfile_title(a));
		ck_assert_ptr_nonnull(idfile_option(a));
	}
}
END_TEST

START_TEST(names_as_a_list)
{
	char *names = idfile_names(IDFILE_CERT);

	ck_assert_str_eq(names, "cert.pem, agent.crt or svid.pem");
	free(names);
	names = idfile_names(IDFILE_DPOP);
	ck_assert_str_eq(names, "dpop.jwk");
	free(names);
}
END_TEST

START_TEST(nothing_there_is_no_error)
{
	struct idfile f;

	ck_assert_str_eq(find_cert(&f).text, "");
	ck_assert_ptr_null(f.path);
}
END_TEST

START_TEST(equal_copies_are_one)
{
	struct idfile f;

	dir_write(dir, "cert.pem", 0644, "same\n");
	dir_write(dir, "agent.crt", 0644, "same\n");
	ck_assert_str_eq(find_cert(&f).text, "");
	ck_assert_ptr_nonnull(strstr(f.path, "/cert.pem"));
	idfile_free(&f);
}
END_TEST

START_TEST(copies_that_differ_are_an_error)
{
	struct idfile f;
	struct err err;

	dir_write(dir, "cert.pem", 0644, "one\n");
	dir_write(dir, "svid.pem", 0644, "two\n");
	err = find_cert(&f);
	ck_assert_ptr_nonnull(strstr(err.text, "/cert.pem"));
	ck_assert_ptr_nonnull(strstr(err.text, "/svid.pem"));
	ck_assert_ptr_nonnull(strstr(err.text, "cert-file"));
	ck_assert_int_eq(err.exit, EXIT_CONFIG);
	ck_assert_ptr_null(f.path);
}
END_TEST

START_TEST(kubernetes_links_are_followed)
{
	/* as kubelet publishes a Secret: cert.pem -> ..data/cert.pem,
	 * ..data -> ..2026_01_01 */
	char *stamp = in_dir("..2026_01_01"), *data = in_dir("..data");
	char *cert = in_dir("cert.pem");
	struct idfile f;

	ck_assert_int_eq(mkdir(stamp, 0755), 0);
	dir_write(stamp, "cert.pem", 0644, "secret\n");
	ck_assert_int_eq(symlink("..2026_01_01", data), 0);
	ck_assert_int_eq(symlink("..data/cert.pem", cert), 0);
	ck_assert_int_eq(chmod(dir, 01777), 0);
	ck_assert_str_eq(find_cert(&f).text, "");
	ck_assert_str_eq(f.text, "secret\n");
	idfile_free(&f);
	free(stamp);
	free(data);
	free(cert);
}
END_TEST

START_TEST(a_dangling_link_is_nothing)
{
	char *cert = in_dir("cert.pem");
	struct idfile f;

	ck_assert_int_eq(symlink("nowhere", cert), 0);
	ck_assert_str_eq(find_cert(&f).text, "");
	ck_assert_ptr_null(f.path);
	free(cert);
}
END_TEST

START_TEST(what_is_not_a_file_is_refused)
{
	char *cert = in_dir("cert.pem");
	struct idfile f;
	struct err err;

	/* a reader of a FIFO would wait for ever: it must not */
	ck_assert_int_eq(mkfifo(cert, 0600), 0);
	err = find_cert(&f);
	ck_assert_msg(strstr(err.text, "named pipe") != NULL, "%s", err.text);
	unlink(cert);

	ck_assert_int_eq(mkdir(cert, 0700), 0);
	err = find_cert(&f);
	ck_assert_msg(strstr(err.text, "directory") != NULL, "%s", err.text);
	rmdir(cert);

	ck_assert_int_eq(symlink("/dev/null", cert), 0);
	err = find_cert(&f);
	ck_assert_msg(strstr(err.text, "device") != NULL, "%s", err.text);
	unlink(cert);

	ck_assert_int_eq(symlink("cert.pem", cert), 0);
	err = find_cert(&f);
	ck_assert_ptr_nonnull(strstr(err.text, strerror(ELOOP)));
	ck_assert_int_eq(err.exit, EXIT_CONFIG);
	free(cert);
}
END_TEST

START_TEST(sizes)
{
	char *cert = in_dir("cert.pem");
	struct idfile f;
	struct err err;

	dir_write(dir, "cert.pem", 0644, "");
	err = find_cert(&f);
	ck_assert_msg(strstr(err.text, "is empty") != NULL, "%s", err.text);
	ck_assert_int_eq(truncate(cert, IDFILE_MAX), 0);
	ck_assert_str_eq(find_cert(&f).text, "");
	ck_assert_uint_eq(f.len, IDFILE_MAX);
	idfile_free(&f);
	ck_assert_int_eq(truncate(cert, IDFILE_MAX + 1), 0);
	err = find_cert(&f);
	ck_assert_msg(strstr(err.text, "1 MiB") != NULL, "%s", err.text);
	ck_assert_ptr_nonnull(strstr(err.text, cert));
	free(cert);
}
END_TEST

START_TEST(directories)
{
	static const struct {
		mode_t mode;
		bool ok;
	} rows[] = {
	    {0700, true},
	    {0755, true},
	    {0550, true},
	    {01777, true}, /* Kubernetes Secret */
	    {03777, true}, /* the same with fsGroup */
	    {0770, false},
	    {0707, false},
	    {0777, false},
	    {02775, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		struct iddir d;
		int rc;

		ck_assert_int_eq(chmod(dir, rows[i].mode), 0);
		rc = iddir_open(&d, dir, &err);
		ck_assert_msg((rc == 0) == rows[i].ok, "%04o: %s", rows[i].mode,
		    err.text);
		iddir_close(&d);
		if (!rows[i].ok)
			ck_assert_ptr_nonnull(strstr(err.text, "chmod go-w"));
	}
}
END_TEST

START_TEST(directories_that_are_none)
{
	char *path = in_dir("file");
	struct err err = ERR_INIT;
	struct iddir d;

	ck_assert_int_eq(iddir_open(&d, path, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	ck_assert_int_eq(err.exit, EXIT_CONFIG);
	dir_write(dir, "file", 0644, "x");
	ck_assert_int_eq(iddir_open(&d, path, &err), -1);
	ck_assert_msg(
	    strstr(err.text, "is not a directory") != NULL, "%s", err.text);
	free(path);
}
END_TEST

START_TEST(a_strangers_file_in_an_open_directory_is_refused)
{
	char *cert = in_dir("cert.pem");
	struct idfile f;
	struct err err;

	if (geteuid() != 0) {
		/* only root can give a file away: nothing to look at */
		free(cert);
		return;
	}
	dir_write(dir, "cert.pem", 0644, "x");
	ck_assert_int_eq(chown(cert, 4711, 4711), 0);
	ck_assert_int_eq(chmod(dir, 01777), 0);
	err = find_cert(&f);
	ck_assert_msg(strstr(err.text, "uid 4711") != NULL, "%s", err.text);
	/* in a directory that only its owner writes, the owner vouches */
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_str_eq(find_cert(&f).text, "");
	idfile_free(&f);
	free(cert);
}
END_TEST

START_TEST(a_file_that_all_may_write_is_refused)
{
	struct idfile f;
	struct err err;

	dir_write(dir, "cert.pem", 0666, "x");
	err = find_cert(&f);
	ck_assert_msg(strstr(err.text, "chmod o-w") != NULL, "%s", err.text);
}
END_TEST

/* In a child without privileges: exit 0 if the error is as it should be. */
static int
unreadable(const char *what)
{
	struct idfile f;
	struct err err;

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(4711) != 0 || setuid(4711) != 0))
		return 2;
	err = find_cert(&f);
	return err.exit == EXIT_NOPERM && strstr(err.text, what) &&
		       strstr(err.text, strerror(EACCES))
		   ? 0
		   : 1;
}

static void
check_unreadable(const char *what)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(unreadable(what));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}

START_TEST(permission_denied_is_exit_77)
{
	dir_write(dir, "cert.pem", 0000, "x");
	ck_assert_int_eq(chmod(dir, 0755), 0);
	check_unreadable("/cert.pem");
	ck_assert_int_eq(chmod(dir, 0000), 0);
	check_unreadable(dir);
}
END_TEST

START_TEST(who_may_read_a_secret)
{
	static const struct {
		mode_t mode;
		gid_t gid;
		const char *warning; /* NULL = silent */
	} rows[] = {
	    {0600, 4711, NULL},
	    {0400, 4711, NULL},
	    {0440, 0, NULL}, /* systemd credential with an ACL */
	    {0640, 0, NULL},
	    {0440, 4711, "a group that is not ours"},
	    {0640, 4711, "a group that is not ours"},
	    {0644, 0, "everybody"},
	    {0604, 0, "everybody"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct idfile f = {.path = (char *)"/id/key.pem",
		    .mode = S_IFREG | rows[i].mode,
		    .gid = rows[i].gid};
		struct findings found = {0};

		idfile_check_secret(&f, &found);
		ck_assert_uint_eq(found.errors, 0);
		ck_assert_msg(found.count == (rows[i].warning ? 1 : 0),
		    "%04o gid %u", rows[i].mode, (unsigned)rows[i].gid);
		if (rows[i].warning) {
			ck_assert_ptr_nonnull(
			    strstr(found.list[0].text, rows[i].warning));
			ck_assert_ptr_nonnull(strstr(
			    found.list[0].text, "chmod 600 /id/key.pem"));
		}
		findings_free(&found);
	}
}
END_TEST

START_TEST(our_own_group_may_read_a_secret)
{
	struct idfile f = {
	    .path = (char *)"k", .mode = S_IFREG | 0440, .gid = getegid()};
	struct findings found = {0};

	idfile_check_secret(&f, &found);
	ck_assert_uint_eq(found.count, 0);
	if (geteuid() == 0) { /* as a pod with fsGroup 4242 runs */
		gid_t groups[] = {4242};

		ck_assert_int_eq(setgroups(1, groups), 0);
		f.gid = 4242;
		idfile_check_secret(&f, &found);
		ck_assert_uint_eq(found.count, 0);
	}
	findings_free(&found);
}
END_TEST

UNIT_MAIN_FIXTURE("idfile", setup, teardown, every_name_is_found,
    no_name_stands_for_two_items, names_as_a_list, nothing_there_is_no_error,
    equal_copies_are_one, copies_that_differ_are_an_error,
    kubernetes_links_are_followed, a_dangling_link_is_nothing,
    what_is_not_a_file_is_refused, sizes, directories,
    directories_that_are_none, a_strangers_file_in_an_open_directory_is_refused,
    a_file_that_all_may_write_is_refused, permission_denied_is_exit_77,
    who_may_read_a_secret, our_own_group_may_read_a_secret)
