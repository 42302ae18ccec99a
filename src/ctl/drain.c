/*
 * drain: see drain.h.
 */
#include "ctl/drain.h"

#include "base/clock.h"
#include "base/log.h"
#include "ctl/notify.h"
#include "ctl/server_internal.h"

/* With what a restart takes, a client waits less than a second. */
#define HOLD_MS 300
#define LAST_HOLD_MS 500
/* For streams without a gap between them, after which one could end. */
#define LATE_MAX_MS 30000

/* Told so often that so much more time is needed, systemd lets us drain longer
 * than TimeoutStopSec=; one that hangs it ends nevertheless. */
#define EXTEND_EVERY_MS 2000
#define EXTEND_BY_MS 10000

static void
set_timer(struct server *s, struct timer *t, int64_t due_ms)
{
	timers_set(&s->loop.timers, t, due_ms);
}

/* ---- holding the door ---- */

static bool
has_adopted(const struct server *s)
{
	for (size_t i = 0; i < s->ports.data.n; i++)
		if (listener_is_adopted(s->ports.data.v[i]))
			return true;
	return false;
}

/* Is there no more time to let others in? */
static bool
is_late(const struct server *s)
{
	int64_t left_ms = s->drain.due_ms - clock_now_ms();
	int64_t late_ms = s->config->drain_timeout_ms / 3;

	if (late_ms > LATE_MAX_MS)
		late_ms = LATE_MAX_MS;
	return left_ms <= LAST_HOLD_MS || left_ms <= late_ms;
}

/* Who is here now is old. */
static void
begin_epoch(struct server *s)
{
	s->drain.epoch++;
	s->drain.old = server_clients(s);
}

static void
hold(struct server *s)
{
	struct drain *d = &s->drain;

	d->state = DRAIN_HOLDING;
	if (!has_adopted(s) || is_late(s))
		timers_cancel(&s->loop.timers, &d->step);
	else
		set_timer(s, &d->step, clock_now_ms() + HOLD_MS);
	server_adjust_accepting(s);
}

static void
serve_on(struct server *s)
{
	struct drain *d = &s->drain;

	d->state = DRAIN_SERVING;
	begin_epoch(s);
	set_timer(s, &d->step, d->due_ms - LAST_HOLD_MS);
	server_adjust_accepting(s);
}

/* After a change: may the door be held, may it be over? */
static void
look(struct server *s)
{
	struct drain *d = &s->drain;

	if (d->state == DRAIN_SERVING && d->old == 0)
		hold(s);
	if (d->state == DRAIN_HOLDING && server_clients(s) == 0)
		server_stop(s);
}

/* ---- from begin to end ---- */

static void
close_doors(struct server *s)
{
	struct drain *d = &s->drain;
	struct port_list *data = &s->ports.data;

	d->state = DRAIN_CLOSING;
	for (size_t i = 0; i < data->n; i++)
		if (!listener_is_adopted(data->v[i]))
			listener_close(data->v[i]);
	for (unsigned i = 0; i < s->nworkers; i++)
		worker_drain(s->workers[i]);
	d->due_ms = clock_now_ms() + s->config->drain_timeout_ms;
	set_timer(s, &d->end, d->due_ms);
	if (has_adopted(s))
		serve_on(s);
	else
		hold(s);
	look(s);
}

static void
on_step(void *arg)
{
	struct server *s = arg;

	if (s->drain.state == DRAIN_DELAY)
		close_doors(s);
	else if (s->drain.state == DRAIN_SERVING)
		hold(s);
	else if (s->drain.state == DRAIN_HOLDING)
		serve_on(s);
	look(s);
}

static void
on_end(void *arg)
{
	struct server *s = arg;

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
	set_timer(s, &s->drain.extend, clock_now_ms() + EXTEND_EVERY_MS);
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
		set_timer(s, &s->drain.step,
		    clock_now_ms() + s->config->drain_delay_ms);
	else
		close_doors(s);
}

void
drain_init(struct server *s)
{
	timer_init(&s->drain.step, on_step, s);
	timer_init(&s->drain.end, on_end, s);
	timer_init(&s->drain.extend, on_extend, s);
}

void
drain_fini(struct server *s)
{
	timers_cancel(&s->loop.timers, &s->drain.step);
	timers_cancel(&s->loop.timers, &s->drain.end);
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
drain_client_closed(struct server *s, unsigned epoch)
{
	if (epoch != s->drain.epoch && s->drain.old > 0)
		s->drain.old--;
	look(s);
}

bool
drain_asked(const struct server *s)
{
	return s->drain.state != DRAIN_NOT;
}

bool
drain_accepts(const struct server *s)
{
	return s->drain.state != DRAIN_HOLDING;
}
