/*
 * t_mailbox: letters arrive once each, in order, and none is lost when the
 * loop ends.
 */
#include "base/mem.h"
#include "net/loop.h"

#include "unit.h"

#include <stdatomic.h>

#define POSTS 20000

struct note {
	struct letter letter;
	unsigned sender, number;
};

static unsigned next[2]; /* number that each sender's next letter must have */
static atomic_uint closed_count;
static bool in_order;

static void
on_note(struct letter *l, bool closed)
{
	struct note *n = (struct note *)l;

	if (closed)
		atomic_fetch_add(&closed_count, 1);
	else
		in_order &= n->number == next[n->sender]++;
	free(n);
}

static void
post(struct mailbox *mb, unsigned sender, unsigned number)
{
	struct note *n = MEM_NEW(struct note);

	n->letter.run = on_note;
	n->sender = sender;
	n->number = number;
	mailbox_post(mb, &n->letter);
}

START_TEST(order)
{
	struct loop loop;

	in_order = true;
	loop_init(&loop);
	for (unsigned i = 0; i < 100; i++)
		post(&loop.mailbox, 0, i);
	ck_assert_uint_eq(next[0], 0);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(next[0], 100);
	post(&loop.mailbox, 0, 100);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(next[0], 101);
	ck_assert(in_order);
	loop_fini(&loop);
	ck_assert_uint_eq(closed_count, 0);
}
END_TEST

static struct loop shared;

static void *
send_many(void *arg)
{
	unsigned sender = *(unsigned *)arg;

	for (unsigned i = 0; i < POSTS; i++)
		post(&shared.mailbox, sender, i);
	return NULL;
}

START_TEST(two_threads)
{
	unsigned names[2] = {0, 1};
	pthread_t t[2];

	in_order = true;
	loop_init(&shared);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, send_many, &names[i]);
	while (next[0] < POSTS || next[1] < POSTS)
		loop_turn(&shared, EVLOOP_ONCE);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	ck_assert(in_order);
	loop_fini(&shared);
}
END_TEST

START_TEST(after_the_end)
{
	struct loop loop;

	loop_init(&loop);
	post(&loop.mailbox, 0, 0);
	post(&loop.mailbox, 0, 1);
	loop_fini(&loop);
	ck_assert_uint_eq(closed_count, 2);
	/* The memory is still there, the loop is not. */
	post(&loop.mailbox, 0, 2);
	ck_assert_uint_eq(closed_count, 3);
	ck_assert_uint_eq(next[0], 0);
}
END_TEST

static struct loop *relay_loop;

static void
post_another(struct letter *l, bool closed)
{
	if (!closed)
		post(&relay_loop->mailbox, 0, 0);
	free(l);
}

START_TEST(post_from_inside)
{
	struct letter *l = MEM_NEW(struct letter);
	struct loop loop;

	in_order = true;
	loop_init(&loop);
	relay_loop = &loop;
	l->run = post_another;
	mailbox_post(&loop.mailbox, l);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(next[0], 1);
	loop_fini(&loop);
}
END_TEST

static unsigned buried;

static void
bury(struct corpse *c)
{
	(void)c;
	buried++;
}

START_TEST(reaper)
{
	struct corpse c[2];
	struct loop loop;

	loop_init(&loop);
	loop_reap(&loop, &c[0], bury);
	ck_assert_uint_eq(buried, 0);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(buried, 1);
	loop_reap(&loop, &c[1], bury);
	loop_fini(&loop);
	ck_assert_uint_eq(buried, 2);
}
END_TEST

UNIT_MAIN(
    "mailbox", order, two_threads, after_the_end, post_from_inside, reaper)
