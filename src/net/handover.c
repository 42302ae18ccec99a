/*
 * handover: see handover.h.
 */
#include "net/handover.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3         /* SD_LISTEN_FDS_START */
#define FDS_MAX 1024       /* more is nonsense */
#define NAMELESS "unknown" /* as sd_listen_fds_with_names(3) says */

/* ---- one socket ---- */

static int
refuse(const struct handed *h, const char *what, struct err *err)
{
	return err_set(err, EXIT_CONFIG,
	    "the descriptor \"%s\" that systemd hands over %s; the .socket "
	    "unit needs ListenStream= and Accept=no",
	    h->name, what);
}

static int
socket_option(int fd, int option)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0 ? -1
								    : value;
}

static int
read_unix(struct handed *h, const struct sockaddr_un *sun, socklen_t len,
    struct err *err)
{
	size_t room = len - offsetof(struct sockaddr_un, sun_path);
	size_t n = strnlen(sun->sun_path, room);

	/* An abstract one has no file whose mode could guard it. */
	if (sun->sun_path[0] != '/')
		return err_set(err, EXIT_CONFIG,
		    "the socket \"%s\" that systemd hands over has no path in "
		    "the file system, so that anybody could connect; give "
		    "ListenStream= an absolute path",
		    h->name);
	h->addr = (struct listen_addr){
	    .kind = LISTEN_UNIX, .path = span_dup(span_new(sun->sun_path, n))};
	return 0;
}

static int
read_address(struct handed *h, struct err *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un sun;
	} u = {0};
	socklen_t len = sizeof(u);
	char host[INET6_ADDRSTRLEN];
	bool v6;

	if (getsockname(h->fd, &u.sa, &len) < 0)
		return refuse(h, "has no address", err);
	if (u.sa.sa_family == AF_UNIX)
		return read_unix(h, &u.sun, len, err);
	v6 = u.sa.sa_family == AF_INET6;
	if (!v6 && u.sa.sa_family != AF_INET)
		return refuse(h, "is neither TCP nor a Unix socket", err);
	if (v6)
		inet_ntop(AF_INET6, &u.v6.sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &u.v4.sin_addr, host, sizeof(host));
	h->addr = (struct listen_addr){.kind = LISTEN_TCP,
	    .host = mem_strdup(host),
	    .port = ntohs(v6 ? u.v6.sin6_port : u.v4.sin_port)};
	return 0;
}

/* systemd leaves it blocking, and open for children. */
static int
examine(struct handed *h, struct err *err)
{
	int flags = fcntl(h->fd, F_GETFL);

	if (flags < 0 || fcntl(h->fd, F_SETFD, FD_CLOEXEC) < 0)
		return refuse(h, "is not open", err);
	if (socket_option(h->fd, SO_TYPE) != SOCK_STREAM)
		return refuse(h, "is not a stream socket", err);
	if (socket_option(h->fd, SO_ACCEPTCONN) != 1)
		return refuse(h, "does not listen", err);
	if (fcntl(h->fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return refuse(h, "cannot be made non-blocking", err);
	return read_address(h, err);
}

/* ---- all ---- */

static bool
is_for_us(const char *pid)
{
	uint64_t n;

	return pid && span_u64(span_of(pid), &n) && n == (uint64_t)getpid();
}

static int
receive(struct handover *h, uint64_t n, struct span names, struct err *err)
{
	h->v = mem_alloc(n * sizeof(*h->v));
	for (; h->n < n; h->n++) {
		struct span name = span_cut(&names, ':');

		h->v[h->n] = (struct handed){.fd = FIRST_FD + (int)h->n,
		    .name = name.n ? span_dup(name) : mem_strdup(NAMELESS)};
		if (examine(&h->v[h->n], err) < 0) {
			h->n++;
			return -1;
		}
	}
	return 0;
}

int
handover_receive(struct handover *h, struct err *err)
{
	const char *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	uint64_t n;
	int r = 0;

	*h = (struct handover){0};
	if (is_for_us(getenv("LISTEN_PID")) && fds) {
		if (!span_u64(span_of(fds), &n) || n > FDS_MAX)
			r = err_set(err, EXIT_CONFIG,
			    "LISTEN_FDS=%s is not a count of descriptors; "
			    "unset it",
			    fds);
		else
			r = receive(h, n, span_of(names), err);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return r;
}

void
handover_fini(struct handover *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (h->v[i].fd >= 0)
			close(h->v[i].fd);
		free(h->v[i].name);
		listen_addr_fini(&h->v[i].addr);
	}
	free(h->v);
	*h = (struct handover){0};
}

struct handed *
handover_named(struct handover *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].fd >= 0 && strcmp(h->v[i].name, name) == 0)
			return &h->v[i];
	return NULL;
}

struct handed *
handover_at(struct handover *h, const struct listen_addr *a)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].fd >= 0 && listen_addr_same(&h->v[i].addr, a))
			return &h->v[i];
	return NULL;
}

bool
handover_knows(const struct handover *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->v[i].name, name) == 0)
			return true;
	return false;
}

void
handover_print_names(const struct handover *h, struct buf *b)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct handover before = {h->v, i};

		if (!handover_knows(&before, h->v[i].name))
			buf_printf(b, "%s%s", i ? ", " : "", h->v[i].name);
	}
	if (h->n == 0)
		buf_add_str(b, "none");
}
