/*
 * addrfile: see addrfile.h.
 */
#include "conf/addrfile.h"

#include "base/mem.h"
#include "conf/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define ADDRFILE_MAX 65536

int
addrfile_lock(const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set(err, err_exit_of(errno, EXIT_RUNTIME),
		    "RUNTIME_DIRECTORY=%s: cannot open the directory: %s", dir,
		    strerror(errno));
	/* A file system without locks is no reason not to start. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return fd;
	close(fd);
	return err_set(err, EXIT_RUNTIME,
	    "RUNTIME_DIRECTORY=%s: another sidecar runs with this directory "
	    "and has its addresses there; end it, or give this one a "
	    "directory of its own",
	    dir);
}

static void
add_lines(struct buf *text, const char *key, const struct listen_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		buf_printf(text, "%s = ", key);
		listen_addr_print(&list->v[i], text);
		buf_add_char(text, '\n');
	}
}

int
addrfile_write(const char *dir, const struct addrfile *a, struct err *err)
{
	char *path = mem_printf("%s/address", dir);
	char *fresh = mem_printf("%s.new", path);
	struct buf text = BUF_INIT;
	FILE *f = fopen(fresh, "we");
	int ret = -1, why = errno;

	add_lines(&text, "listen", &a->listen);
	add_lines(&text, "admin-listen", &a->admin);
	add_lines(&text, "metrics-listen", &a->metrics);
	if (f) {
		bool whole =
		    fwrite(buf_span(&text).p, 1, text.len, f) == text.len;

		why = errno;
		if (fclose(f) == 0 && whole && rename(fresh, path) == 0)
			ret = 0;
		else if (whole)
			why = errno;
	}
	if (ret != 0) {
		err_set(err, err_exit_of(why, EXIT_RUNTIME),
		    "%s: cannot write the bound addresses: %s", path,
		    strerror(why));
		unlink(fresh);
	}
	buf_free(&text);
	free(fresh);
	free(path);
	return ret;
}

static struct listen_list *
list_of(struct addrfile *a, struct span key)
{
	return span_eq(key, SPAN("listen"))           ? &a->listen
	       : span_eq(key, SPAN("admin-listen"))   ? &a->admin
	       : span_eq(key, SPAN("metrics-listen")) ? &a->metrics
						      : NULL;
}

static bool
read_lines(struct span text, struct addrfile *out)
{
	struct parse p;
	enum parse_status status;

	parse_init(&p, text);
	while ((status = parse_next(&p)) == PARSE_SETTING) {
		struct listen_list *list = list_of(out, p.key);
		struct listen_addr a;

		if (!list || !value_listen(p.value, &a))
			return false;
		listen_list_add(list, a);
	}
	return status == PARSE_DONE;
}

int
addrfile_read(const char *dir, struct addrfile *a, struct err *err)
{
	char *path = mem_printf("%s/address", dir);
	char *text = mem_alloc(ADDRFILE_MAX);
	FILE *f = fopen(path, "re");
	int ret = -1;

	if (!f) {
		err_set(err, err_exit_of(errno, EXIT_RUNTIME),
		    "%s: cannot read the bound addresses: %s; is the sidecar "
		    "running?",
		    path, strerror(errno));
	} else {
		size_t n = fread(text, 1, ADDRFILE_MAX, f);

		if (read_lines(span_new(text, n), a)) {
			ret = 0;
		} else {
			addrfile_fini(a);
			err_set(err, EXIT_RUNTIME,
			    "%s: this is not a list of bound addresses; "
			    "restart the sidecar to write it anew",
			    path);
		}
		fclose(f);
	}
	free(text);
	free(path);
	return ret;
}

void
addrfile_fini(struct addrfile *a)
{
	listen_list_fini(&a->listen);
	listen_list_fini(&a->admin);
	listen_list_fini(&a->metrics);
}
