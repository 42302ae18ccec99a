/*
 * resolve: see resolve.h.
 */
#include "net/resolve.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Goes to the resolver thread and comes back as a letter. */
struct resolve_query {
	struct letter letter; /* first: the mailbox hands this back */
	struct resolve_query *next;
	struct loop *loop; /* under `posting`; NULL: cancelled, do not post */
	char *host;
	char port[6];
	void (*told)(void *, struct addrinfo *, const char *);
	void *arg;
	bool cancelled; /* asker's thread only */
	struct addrinfo *found;
	int status; /* of getaddrinfo */
};

struct resolver {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct resolve_query *first, **last;
	bool stop;
};

/* A loop may end while its question is open: whoever cancels waits for an
 * answer that is just being posted, and after that there is none. */
static pthread_mutex_t posting = PTHREAD_MUTEX_INITIALIZER;

static void
free_query(struct resolve_query *q)
{
	if (q->found)
		freeaddrinfo(q->found);
	free(q->host);
	free(q);
}

/* Back in the asker's loop. */
static void
on_answer(struct letter *letter, bool closed)
{
	struct resolve_query *q = (struct resolve_query *)letter;

	if (!closed && !q->cancelled) {
		q->told(q->arg, q->found,
		    q->found ? NULL : gai_strerror(q->status));
		q->found = NULL;
	}
	free_query(q);
}

static void
post(struct resolve_query *q)
{
	pthread_mutex_lock(&posting);
	if (q->loop)
		mailbox_post(&q->loop->mailbox, &q->letter);
	else
		free_query(q);
	pthread_mutex_unlock(&posting);
}

static void
look_up(struct resolve_query *q)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};

	q->status = getaddrinfo(q->host, q->port, &hints, &q->found);
	if (q->status)
		q->found = NULL;
}

static void *
resolver_thread(void *arg)
{
	struct resolver *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct resolve_query *q = r->first;

		if (!q && r->stop)
			break;
		if (!q) {
			pthread_cond_wait(&r->wake, &r->lock);
			continue;
		}
		r->first = q->next;
		if (!r->first)
			r->last = &r->first;
		q->status = EAI_AGAIN;
		if (!r->stop) {
			pthread_mutex_unlock(&r->lock);
			look_up(q);
			pthread_mutex_lock(&r->lock);
		}
		post(q);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct resolver *
resolver_new(void)
{
	struct resolver *r = MEM_NEW(struct resolver);

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	r->last = &r->first;
	if (pthread_create(&r->thread, NULL, resolver_thread, r) != 0) {
		fprintf(stderr, "cullis-sidecar: cannot start a thread\n");
		abort();
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	free(r);
}

struct resolve_query *
resolve_ask(struct resolver *r, struct loop *loop, const char *host,
    uint16_t port, void (*told)(void *, struct addrinfo *, const char *),
    void *arg)
{
	struct resolve_query *q = MEM_NEW(struct resolve_query);

	q->letter.run = on_answer;
	q->loop = loop;
	q->host = mem_strdup(host);
	snprintf(q->port, sizeof(q->port), "%u", port);
	q->told = told;
	q->arg = arg;
	pthread_mutex_lock(&r->lock);
	*r->last = q;
	r->last = &q->next;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	return q;
}

void
resolve_cancel(struct resolve_query *q)
{
	pthread_mutex_lock(&posting);
	q->loop = NULL;
	q->cancelled = true; /* it may sit in the mailbox already */
	pthread_mutex_unlock(&posting);
}
