/*
 * mailbox: how one thread hands work to another's loop.  A letter is a
 * function to be run there; letters arrive in the order they were posted, and
 * one eventfd wakes the loop.
 *
 * Threads: post from any; run by the owner only.  The lock is held for a few
 * pointer moves and is never on the path of a request.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>

/* Embedded at the front of what is sent; owned by the mailbox once posted,
 * and by run() when it is called. */
struct letter {
	struct letter *next;
	/* closed: the loop has ended, only free what the letter holds. */
	void (*run)(struct letter *, bool closed);
};

struct mailbox {
	pthread_mutex_t lock;
	struct letter *first, **last;
	int fd;
	struct event *event;
	bool closed;
};

void mailbox_init(struct mailbox *, struct event_base *);
/* Letters still there are run with closed set; later posts too, at once. */
void mailbox_fini(struct mailbox *);
void mailbox_post(struct mailbox *, struct letter *);

#endif
