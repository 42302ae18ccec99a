/*
 * listener: see listener.h.
 */
#include "net/listener.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/unixsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 512
#define ACCEPT_BATCH 64
#define STARVED_MS 100

struct listener {
	struct loop *loop;
	int fd;
	char *name;
	struct unixsock file; /* Unix */
	char host[INET6_ADDRSTRLEN];
	struct route_local local;
	struct event *event;
	struct timer starved;
	bool paused;
	listener_accepted *accepted;
	void *arg;
};

static int
bind_error(struct err *err, const char *name)
{
	const char *cure =
	    errno == EADDRINUSE
		? "; another program listens there, end it or set listen"
		: "";

	return err_set(err, err_exit_of(errno, EXIT_RUNTIME),
	    "listen: cannot bind %s: %s%s", name, strerror(errno), cure);
}

static int
open_tcp(struct listener *l, const struct listen_addr *a, struct err *err)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr = {0};
	socklen_t len;
	int on = 1;
	bool v6 = inet_pton(AF_INET6, a->host, &addr.in6.sin6_addr) == 1;

	if (v6) {
		addr.in6.sin6_family = AF_INET6;
		addr.in6.sin6_port = htons(a->port);
		len = sizeof(addr.in6);
	} else {
		addr.in.sin_family = AF_INET;
		addr.in.sin_port = htons(a->port);
		len = sizeof(addr.in);
		if (inet_pton(AF_INET, a->host, &addr.in.sin_addr) != 1)
			return err_set(err, EXIT_CONFIG,
			    "listen: %s is not an IP address", a->host);
	}
	l->name = mem_printf(v6 ? "[%s]:%u" : "%s:%u", a->host, a->port);
	l->fd = socket(
	    addr.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return bind_error(err, l->name);
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (v6)
		setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(l->fd, &addr.sa, len) < 0)
		return bind_error(err, l->name);
	getsockname(l->fd, &addr.sa, &len);
	l->local.port = ntohs(v6 ? addr.in6.sin6_port : addr.in.sin_port);
	free(l->name);
	l->name = mem_printf(v6 ? "[%s]:%u" : "%s:%u", a->host, l->local.port);
	snprintf(l->host, sizeof(l->host), "%s", a->host);
	l->local.host = span_of(l->host);
	return 0;
}

static int
open_unix(struct listener *l, const struct listen_addr *a,
    const struct listener_options *o, struct err *err)
{
	l->name = mem_printf("unix:%s", a->path);
	l->local.is_unix = true;
	l->fd = unixsock_bind(&l->file, a->path, o->mode, o->group, err);
	return l->fd < 0 ? -1 : 0;
}

static void
starve(struct listener *l)
{
	log_warn("listener", "cannot accept", L_STR("listener", l->name),
	    L_STR("err", strerror(errno)), L_END);
	event_del(l->event);
	timers_set(&l->loop->timers, &l->starved, clock_now_ms() + STARVED_MS);
}

/* Accept one.  False: there is none, or there can be none now. */
static bool
accept_one(struct listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		l->accepted(l->arg, l, fd);
		return !l->paused;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM) {
		starve(l);
		return false;
	}
	return errno == ECONNABORTED || errno == EINTR;
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < ACCEPT_BATCH && accept_one(l); i++)
		;
}

static void
on_starved(void *arg)
{
	struct listener *l = arg;

	if (!l->paused)
		event_add(l->event, NULL);
}

struct listener *
listener_open(struct loop *loop, const struct listen_addr *a,
    const struct listener_options *o, struct err *err)
{
	struct listener *l = MEM_NEW(struct listener);
	int r;

	l->loop = loop;
	l->fd = -1;
	l->file.lock_fd = -1;
	timer_init(&l->starved, on_starved, l);
	if (a->kind == LISTEN_TCP)
		r = open_tcp(l, a, err);
	else
		r = open_unix(l, a, o, err);
	if (r == 0 && listen(l->fd, BACKLOG) < 0)
		r = bind_error(err, l->name);
	if (r < 0) {
		listener_free(l);
		return NULL;
	}
	return l;
}

void
listener_start(struct listener *l, listener_accepted *accepted, void *arg)
{
	l->accepted = accepted;
	l->arg = arg;
	l->event =
	    event_new(l->loop->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
	event_add(l->event, NULL);
}

void
listener_pause(struct listener *l)
{
	if (l->paused)
		return;
	l->paused = true;
	event_del(l->event);
	timers_cancel(&l->loop->timers, &l->starved);
}

void
listener_resume(struct listener *l)
{
	if (!l->paused)
		return;
	l->paused = false;
	event_add(l->event, NULL);
}

void
listener_close(struct listener *l)
{
	if (l->event) {
		for (int i = 0; i <= BACKLOG && !l->paused; i++)
			if (!accept_one(l))
				break;
		event_free(l->event);
		l->event = NULL;
	}
	timers_cancel(&l->loop->timers, &l->starved);
	unixsock_release(&l->file);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void
listener_free(struct listener *l)
{
	listener_close(l);
	free(l->name);
	free(l);
}

const char *
listener_name(const struct listener *l)
{
	return l->name;
}

struct listen_addr
listener_addr(const struct listener *l)
{
	struct listen_addr a = {0};

	a.kind = l->local.is_unix ? LISTEN_UNIX : LISTEN_TCP;
	if (l->local.is_unix)
		a.path = mem_strdup(l->file.path);
	else
		a.host = mem_strdup(l->host);
	a.port = l->local.port;
	return a;
}

const struct route_local *
listener_local(const struct listener *l)
{
	return &l->local;
}
