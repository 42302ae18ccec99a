/*
 * mailbox: see mailbox.h.
 */
#include "net/mailbox.h"

#include <assert.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct letter *
take_all(struct mailbox *mb, bool close_it)
{
	struct letter *all;

	pthread_mutex_lock(&mb->lock);
	all = mb->first;
	mb->first = NULL;
	mb->last = &mb->first;
	mb->closed |= close_it;
	pthread_mutex_unlock(&mb->lock);
	return all;
}

static void
run_all(struct letter *l, bool closed)
{
	while (l) {
		struct letter *next = l->next;

		l->run(l, closed);
		l = next;
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct mailbox *mb = arg;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	run_all(take_all(mb, false), false);
}

void
mailbox_init(struct mailbox *mb, struct event_base *base)
{
	pthread_mutex_init(&mb->lock, NULL);
	mb->first = NULL;
	mb->last = &mb->first;
	mb->closed = false;
	mb->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert(mb->fd >= 0);
	mb->event = event_new(base, mb->fd, EV_READ | EV_PERSIST, on_wake, mb);
	event_add(mb->event, NULL);
}

void
mailbox_fini(struct mailbox *mb)
{
	run_all(take_all(mb, true), true);
	event_free(mb->event);
	close(mb->fd);
	mb->fd = -1;
}

void
mailbox_post(struct mailbox *mb, struct letter *l)
{
	bool closed, wake;
	uint64_t one = 1;

	l->next = NULL;
	pthread_mutex_lock(&mb->lock);
	closed = mb->closed;
	wake = !closed && !mb->first;
	if (!closed) {
		*mb->last = l;
		mb->last = &l->next;
	}
	if (wake && write(mb->fd, &one, sizeof(one)) < 0)
		assert(!"an eventfd takes a 1");
	pthread_mutex_unlock(&mb->lock);
	if (closed)
		l->run(l, true);
}
