/*
 * loop: see loop.h.
 */
#include "net/loop.h"

#include <assert.h>

void
loop_init(struct loop *l)
{
	struct event_config *config = event_config_new();

	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	l->base = event_base_new_with_config(config);
	assert(l->base);
	event_config_free(config);
	timers_init(&l->timers, l->base);
	mailbox_init(&l->mailbox, l->base);
	budget_init(&l->budget, &l->timers);
	l->corpses = NULL;
	l->stop = false;
}

static void
bury_all(struct loop *l)
{
	while (l->corpses) {
		struct corpse *c = l->corpses;

		l->corpses = c->next;
		c->bury(c);
	}
}

void
loop_fini(struct loop *l)
{
	mailbox_fini(&l->mailbox);
	bury_all(l);
	budget_fini(&l->budget);
	timers_fini(&l->timers);
	event_base_free(l->base);
}

void
loop_turn(struct loop *l, int flags)
{
	event_base_loop(l->base, flags);
	bury_all(l);
}

void
loop_run(struct loop *l)
{
	while (!l->stop)
		loop_turn(l, EVLOOP_ONCE);
}

void
loop_reap(struct loop *l, struct corpse *c, void (*bury)(struct corpse *))
{
	c->bury = bury;
	c->next = l->corpses;
	l->corpses = c;
}
