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
	int *wds; /* of the directories of the last watch_set() */
	size_t n;
	bool full; /* one of them could not be watched */
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

static bool
is_among(int wd, const int *wds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wds[i] == wd)
			return true;
	return false;
}

/* The watch of a directory that was deleted is gone already, and its number is
 * not soon given to another. */
static void
replace(struct watch *w, int *wds, size_t n)
{
	for (size_t i = 0; i < w->n; i++)
		if (!is_among(w->wds[i], wds, n))
			(void)inotify_rm_watch(w->fd, w->wds[i]);
	free(w->wds);
	w->wds = wds;
	w->n = n;
}

void
watch_set(struct watch *w, const struct str_list *dirs)
{
	int *wds;
	size_t n = 0;
	bool full = false;

	if (w->fd < 0)
		return;
	wds = mem_alloc((dirs->n + 1) * sizeof(*wds));
	/* One that is watched already keeps its descriptor. */
	for (size_t i = 0; i < dirs->n; i++) {
		int wd = inotify_add_watch(w->fd, dirs->v[i], MASK);

		if (wd >= 0)
			wds[n++] = wd;
		else
			full |= errno == ENOSPC;
	}
	if (full && !w->full)
		log_warn("reload",
		    "changed files are seen at each reload-interval only: the "
		    "user's limit of inotify watches is used up; raise "
		    "fs.inotify.max_user_watches",
		    L_END);
	w->full = full;
	replace(w, wds, n);
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
	free(w->wds);
	free(w);
}
