/*
 * watch: says that something has happened in a set of directories
 * (inotify(7)); what, and whether it matters, is for the caller to see.  A
 * directory that is replaced is watched in place of the one before with the
 * next watch_set().
 *
 * Threads: main.
 */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "base/attr.h"
#include "conf/value.h"

#include <event2/event.h>

struct watch;

/* Without inotify (its limits are used up) nothing is ever told; that is
 * logged. */
struct watch *watch_new(
    struct event_base *, void (*stirred)(void *arg), void *arg) ATTR_MUST_USE;
/* Watch what stands at these paths now, and nothing else; what is not there is
 * left out. */
void watch_set(struct watch *, const struct str_list *dirs);
void watch_free(struct watch *); /* NULL is allowed */

#endif
