/*
 * listen: see listen.h.
 */
#include "mastio/listen.h"

#include "mastio/conn.h"
#include "mastio/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>

#define BACKLOG 4096

bool
address_split(const char *text, char *host, size_t size, uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	int64_t n = colon ? parse_number(colon + 1, 65535) : -1;

	if (n < 0 || (size_t)(colon - text) >= size) {
		complain("'%s' is no HOST:PORT", text);
		return false;
	}
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	*port = (uint16_t)n;
	return true;
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *from, int len, void *arg)
{
	(void)listener;
	(void)from;
	(void)len;
	conn_open(arg, fd);
}

/* A bound socket, or -1. */
static int
bind_to(const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, sa, len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* A port that the kernel chose is lost when a socket stops listening; one that
 * was asked for by number stays.  So ask twice. */
static int
bind_firmly(const struct addrinfo *ai, uint16_t *port)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int first = bind_to(ai->ai_addr, ai->ai_addrlen), fd = -1;

	if (first < 0)
		return -1;
	if (getsockname(first, (struct sockaddr *)&ss, &n) == 0)
		fd = bind_to((struct sockaddr *)&ss, n);
	close(first);
	*port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	return fd;
}

int
listen_open(struct server *srv, const char *address, uint16_t *port)
{
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	struct addrinfo *ai = NULL;
	char host[64], service[8];
	int fd;

	if (!address_split(address, host, sizeof(host), port))
		return -1;
	snprintf(service, sizeof(service), "%u", *port);
	if (getaddrinfo(host, service, &hints, &ai) != 0) {
		complain("'%s' is no numeric address and port", address);
		return -1;
	}
	fd = bind_firmly(ai, port);
	freeaddrinfo(ai);
	if (fd >= 0)
		srv->listener = evconnlistener_new(srv->base, on_accept, srv,
		    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
	if (srv->listener)
		return 0;
	complain("cannot listen on %s: %s", address, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void
listen_close(struct server *srv)
{
	if (srv->listener)
		evconnlistener_free(srv->listener);
	srv->listener = NULL;
	if (srv->pause)
		event_free(srv->pause);
	srv->pause = NULL;
}

static void
on_back(evutil_socket_t nothing, short what, void *arg)
{
	struct server *srv = arg;

	(void)nothing;
	(void)what;
	if (listen(evconnlistener_get_fd(srv->listener), BACKLOG) < 0)
		abort();
	evconnlistener_enable(srv->listener);
}

void
listen_pause(struct server *srv, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (!srv->pause)
		srv->pause = evtimer_new(srv->base, on_back, srv);
	if (!srv->pause)
		abort();
	evconnlistener_disable(srv->listener);
	shutdown(evconnlistener_get_fd(srv->listener), SHUT_RD);
	evtimer_add(srv->pause, &tv);
}
