/*
 * t_resolve: look-ups in another thread, their answers in ours; whoever asked
 * may have gone meanwhile, with all of its loop.
 */
#include "base/mem.h"
#include "net/resolve.h"

#include "unit.h"

#include <netinet/in.h>
#include <semaphore.h>

static sem_t asked, may_go;

/* In place of the C library's: "slow" waits until it may go on, "nobody" has
 * no address, everybody else has 127.0.0.1. */
int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **found)
{
	struct sockaddr_in *in;
	struct addrinfo *a;

	ck_assert_int_eq(hints->ai_socktype, SOCK_STREAM);
	if (strcmp(host, "slow") == 0) {
		sem_post(&asked);
		while (sem_wait(&may_go) != 0)
			;
	}
	if (strcmp(host, "nobody") == 0)
		return EAI_NONAME;
	a = mem_alloc(sizeof(*a) + sizeof(*in));
	in = (struct sockaddr_in *)(a + 1);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(port));
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a->ai_family = AF_INET;
	a->ai_addr = (struct sockaddr *)in;
	a->ai_addrlen = sizeof(*in);
	*found = a;
	return 0;
}

void
freeaddrinfo(struct addrinfo *a)
{
	free(a);
}

static struct resolver *resolver;
static struct loop loop;
static unsigned told_count;
static uint16_t told_port;
static char told_error[200];

static void
setup(void)
{
	sem_init(&asked, 0, 0);
	sem_init(&may_go, 0, 0);
	loop_init(&loop);
	resolver = resolver_new();
}

static void
told(void *arg, struct addrinfo *found, const char *error)
{
	ck_assert_ptr_eq(arg, &loop);
	ck_assert_int_eq(!found, error != NULL);
	told_count++;
	snprintf(told_error, sizeof(told_error), "%s", error ? error : "");
	if (!found)
		return;
	told_port = ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port);
	freeaddrinfo(found);
}

START_TEST(found_and_not)
{
	(void)!resolve_ask(resolver, &loop, "somebody", 4711, told, &loop);
	while (!told_count)
		loop_turn(&loop, EVLOOP_ONCE);
	ck_assert_uint_eq(told_port, 4711);
	(void)!resolve_ask(resolver, &loop, "nobody", 1, told, &loop);
	while (told_count < 2)
		loop_turn(&loop, EVLOOP_ONCE);
	ck_assert_str_eq(told_error, gai_strerror(EAI_NONAME));
	resolver_free(resolver);
	loop_fini(&loop);
}
END_TEST

START_TEST(cancelled)
{
	struct resolve_query *q =
	    resolve_ask(resolver, &loop, "slow", 1, told, &loop);

	sem_wait(&asked);
	resolve_cancel(q);
	sem_post(&may_go);
	(void)!resolve_ask(resolver, &loop, "somebody", 2, told, &loop);
	while (!told_count)
		loop_turn(&loop, EVLOOP_ONCE);
	ck_assert_uint_eq(told_port, 2);
	ck_assert_uint_eq(told_count, 1);
	resolver_free(resolver);
	loop_fini(&loop);
}
END_TEST

/* Answered already, but not told yet. */
START_TEST(cancelled_behind_the_answer)
{
	struct resolve_query *q =
	    resolve_ask(resolver, &loop, "somebody", 1, told, &loop);

	resolver_free(resolver);
	resolve_cancel(q);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(told_count, 0);
	loop_fini(&loop);
}
END_TEST

/* The loop of a worker that ends while a name server is silent. */
START_TEST(the_loop_is_gone)
{
	struct loop *mine = MEM_NEW(struct loop);
	struct resolve_query *q;

	loop_init(mine);
	q = resolve_ask(resolver, mine, "slow", 1, told, &loop);
	sem_wait(&asked);
	resolve_cancel(q);
	loop_fini(mine);
	memset(mine, 0xff, sizeof(*mine));
	free(mine);
	sem_post(&may_go);
	resolver_free(resolver);
	ck_assert_uint_eq(told_count, 0);
	loop_fini(&loop);
}
END_TEST

START_TEST(ended_with_questions_open)
{
	(void)!resolve_ask(resolver, &loop, "slow", 1, told, &loop);
	(void)!resolve_ask(resolver, &loop, "somebody", 2, told, &loop);
	sem_wait(&asked);
	sem_post(&may_go);
	resolver_free(resolver);
	loop_turn(&loop, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(told_count, 2);
	loop_fini(&loop);
}
END_TEST

START_TEST(the_loop_ends_first)
{
	(void)!resolve_ask(resolver, &loop, "somebody", 1, told, &loop);
	resolver_free(resolver);
	loop_fini(&loop); /* the letter is freed there, with its addresses */
	ck_assert_uint_eq(told_count, 0);
}
END_TEST

UNIT_MAIN_FIXTURE("resolve", setup, NULL, found_and_not, cancelled,
    cancelled_behind_the_answer, the_loop_is_gone, ended_with_questions_open,
    the_loop_ends_first)
