/*
 * watch: see watch.h.
 */
#include "ctl/watch.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A rename into place, a rewrite in place, a link that changes; and the end of
 * the directory itself. */
#define MASK                                                        \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | \
	    IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | \
	    IN_ONLYDIR)

struct watch {
	int fd; /* -1: there is none */
	struct event *event;
	void (*stirred)(void *);
	void *arg;
};

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	char events[4096];

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		;
	w->stirred(w->arg);
}

struct watch *
watch_new(struct event_base *base, void (*stirred)(void *), void *arg)
{
	struct watch *w = MEM_NEW(struct watch);

	w->stirred = stirred;
	w->arg = arg;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0) {
		log_warn("reload",
		    "changed files are seen at each reload-interval only",
		    L_STR("err", strerror(errno)), L_END);
		return w;
	}
	w->event = event_new(base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	event_add(w->event, NULL);
	return w;
}

void
watch_set(struct watch *w, const struct str_list *dirs)
{
	/* One that is watched already keeps its descriptor. */
	for (size_t i = 0; w->fd >= 0 && i < dirs->n; i++)
		(void)inotify_add_watch(w->fd, dirs->v[i], MASK);
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	if (w->event)
		event_free(w->event);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}
