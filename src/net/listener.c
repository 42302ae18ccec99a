/*
 * listener: see listener.h.
 */
#include "net/listener.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/unixsock.h"

#include <arpa/inet.h>
#include <assert.h>
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
#define WARNING_MS 10000 /* between two of them */

struct listener {
	struct loop *loop;
	int fd;
	char *name;
	struct listen_addr addr;  /* with the real port */
	struct unixsock file;     /* Unix, if it is ours */
	struct route_local local; /* borrows from addr */
	struct event *event;
	struct timer starved;
	bool paused, adopted;
	bool warned;       /* the log's last word is that it cannot accept */
	int64_t warned_ms; /* when it said so, 0: never */
	listener_accepted *accepted;
	void *arg;
};

static int
bind_error(struct err *err, const char *name)
{
	const char *cure =
	    errno == EADDRINUSE
		? "; another program listens there, end it or use another port"
		: "";

	return err_set(err, err_exit_of(errno, EXIT_RUNTIME),
	    "cannot bind %s: %s%s", name, strerror(errno), cure);
}

/* Fills in what follows from addr. */
static void
name_it(struct listener *l)
{
	struct buf name = BUF_INIT;

	listen_addr_print(&l->addr, &name);
	free(l->name);
	l->name = buf_steal_str(&name);
	l->local.is_unix = l->addr.kind == LISTEN_UNIX;
	l->local.host = span_of(l->addr.host);
	l->local.port = l->addr.port;
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
			    "%s is not an IP address", a->host);
	}
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
	l->addr.port = ntohs(v6 ? addr.in6.sin6_port : addr.in.sin_port);
	name_it(l);
	return 0;
}

static int
open_unix(struct listener *l, const struct listen_addr *a,
    const struct listener_options *o, struct err *err)
{
	l->fd = unixsock_bind(&l->file, a->path, o->mode, o->group, err);
	return l->fd < 0 ? -1 : 0;
}

/* It is tried ten times a second; the log need not know each time. */
static void
starve(struct listener *l)
{
	int64_t now_ms = clock_now_ms();

	if (!l->warned_ms || now_ms - l->warned_ms >= WARNING_MS) {
		log_warn("listener", "cannot accept",
		    L_STR("listener", l->name), L_STR("err", strerror(errno)),
		    L_END);
		l->warned = true;
		l->warned_ms = now_ms;
	}
	event_del(l->event);
	timers_set(&l->loop->timers, &l->starved, now_ms + STARVED_MS);
}

static void
recover(struct listener *l)
{
	if (l->warned)
		log_info("listener", "accepts again",
		    L_STR("listener", l->name), L_END);
	l->warned = false;
}

/* Accept one.  False: there is none, or there can be none now. */
static bool
accept_one(struct listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		recover(l);
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

static struct listen_addr
copy_of(const struct listen_addr *a)
{
	return (struct listen_addr){.kind = a->kind,
	    .host = mem_strdup(a->host),
	    .port = a->port,
	    .path = mem_strdup(a->path)};
}

static struct listener *
listener_new(struct loop *loop, const struct listen_addr *a)
{
	struct listener *l = MEM_NEW(struct listener);

	l->loop = loop;
	l->fd = -1;
	l->file.lock_fd = -1;
	l->addr = copy_of(a);
	name_it(l);
	timer_init(&l->starved, on_starved, l);
	return l;
}

struct listener *
listener_open(struct loop *loop, const struct listen_addr *a,
    const struct listener_options *o, struct err *err)
{
	struct listener *l = listener_new(loop, a);
	int r;

	assert(a->kind != LISTEN_FD);
	if (a->kind == LISTEN_TCP)
		r = open_tcp(l, a, err);
	else
		r = open_unix(l, a, o, err);
	if (r == 0 && listen(l->fd, BACKLOG) < 0)
		r = bind_error(err, l->name);
	if (r < 0) {
		err_prefix(err, "%s: ", o->key ? o->key : "listen");
		listener_free(l);
		return NULL;
	}
	return l;
}

struct listener *
listener_adopt(struct loop *loop, int fd, const struct listen_addr *a)
{
	struct listener *l = listener_new(loop, a);

	l->fd = fd;
	l->adopted = true;
	return l;
}

bool
listener_is_adopted(const struct listener *l)
{
	return l->adopted;
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
	if (l->paused || !l->event)
		return;
	l->paused = true;
	event_del(l->event);
	timers_cancel(&l->loop->timers, &l->starved);
}

void
listener_resume(struct listener *l)
{
	if (!l->paused || !l->event)
		return;
	l->paused = false;
	event_add(l->event, NULL);
}

void
listener_close(struct listener *l)
{
	if (l->event) {
		for (int i = 0; i <= BACKLOG && !l->paused && !l->adopted; i++)
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
	listen_addr_fini(&l->addr);
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
	return copy_of(&l->addr);
}

const struct route_local *
listener_local(const struct listener *l)
{
	return &l->local;
}
