/*
 * drain: see drain.h.
 */
#include "ctl/drain.h"

#include "base/clock.h"
#include "base/log.h"
#include "ctl/notify.h"
#include "ctl/server_internal.h"

/* Told so often that so much more time is needed, systemd lets us drain longer
 * than TimeoutStopSec=; one that hangs it ends nevertheless. */
#define EXTEND_EVERY_MS 2000
#define EXTEND_BY_MS 10000

static void
end_if_nobody_is_left(struct server *s)
{
	if (s->drain.state == DRAIN_WAITING && server_clients(s) == 0)
		server_stop(s);
}

static void
close_doors(struct server *s)
{
	s->drain.state = DRAIN_WAITING;
	for (size_t i = 0; i < s->ndata; i++)
		listener_close(s->data[i]);
	for (unsigned i = 0; i < s->nworkers; i++)
		worker_drain(s->workers[i]);
	timers_set(&s->loop.timers, &s->drain.step,
	    clock_now_ms() + s->config->drain_timeout_ms);
	end_if_nobody_is_left(s);
}

static void
on_step(void *arg)
{
	struct server *s = arg;

	if (s->drain.state == DRAIN_DELAY) {
		close_doors(s);
		return;
	}
	log_warn("server", "drain-timeout is over, ending what is left",
	    L_INT("clients", server_clients(s)), L_END);
	server_stop(s);
}

static void
on_extend(void *arg)
{
	struct server *s = arg;

	if (watchdog_all_turn(s->workers, s->nworkers, EXTEND_EVERY_MS))
		notify_extend(EXTEND_BY_MS);
	timers_set(&s->loop.timers, &s->drain.extend,
	    clock_now_ms() + EXTEND_EVERY_MS);
}

void
drain_begin(struct server *s)
{
	if (drain_asked(s))
		return;
	/* Without an identity there is nothing to wait for any more. */
	timers_cancel(&s->loop.timers, &s->identity_timer);
	s->drain.state = DRAIN_DELAY;
	log_info(
	    "server", "draining", L_INT("clients", server_clients(s)), L_END);
	notify_send("STOPPING=1\nSTATUS=draining");
	on_extend(s);
	if (s->config->drain_delay_ms > 0)
		timers_set(&s->loop.timers, &s->drain.step,
		    clock_now_ms() + s->config->drain_delay_ms);
	else
		close_doors(s);
}

void
drain_init(struct server *s)
{
	timer_init(&s->drain.step, on_step, s);
	timer_init(&s->drain.extend, on_extend, s);
}

void
drain_fini(struct server *s)
{
	timers_cancel(&s->loop.timers, &s->drain.step);
	timers_cancel(&s->loop.timers, &s->drain.extend);
}

void
drain_ask(struct server *s)
{
	if (drain_asked(s))
		server_stop(s);
	else
		drain_begin(s);
}

void
drain_client_closed(struct server *s)
{
	end_if_nobody_is_left(s);
}

bool
drain_asked(const struct server *s)
{
	return s->drain.state != DRAIN_NOT;
}

bool
drain_accepts(const struct server *s)
{
	return s->drain.state < DRAIN_WAITING;
}
