/*
 * resolve: host names to addresses with getaddrinfo(), which blocks and is the
 * only thing that follows nsswitch.conf, in a thread of its own.
 *
 * Threads: resolve_ask() from any loop; the answer is a letter to that loop's
 * mailbox, so it is told there.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/loop.h"

#include <netdb.h>
#include <stdint.h>

struct resolver;
struct resolve_query;

struct resolver *resolver_new(void);
/* Ends the thread; questions still open are told as failed. */
void resolver_free(struct resolver *);

/* told(arg, addresses or NULL, text of the failure or NULL): once, unless
 * cancelled.  The list belongs to the callee (freeaddrinfo). */
struct resolve_query *resolve_ask(struct resolver *, struct loop *,
    const char *host, uint16_t port,
    void (*told)(void *arg, struct addrinfo *, const char *error), void *arg);
/* In the asker's thread.  From then on the loop may end. */
void resolve_cancel(struct resolve_query *);

#endif
