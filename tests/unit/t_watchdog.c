/*
 * t_watchdog: systemd hears of us as long as all workers turn, and no longer.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "ctl/notify.h"
#include "ctl/watchdog.h"

#include "rig.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WITHIN_MS 30000
#define EVERY_MS (WITHIN_MS / 4)

static struct rig rig;
static struct loop loop; /* main's */
static struct watchdog dog;
static int heard;

/* Now what we tell systemd arrives at `heard`. */
static void
listen_in(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char name[64];
	int n = snprintf(name, sizeof(name), "@cullis-t-watchdog-%d", getpid());

	memcpy(sun.sun_path, name, (size_t)n);
	sun.sun_path[0] = '\0';
	heard = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(
	    bind(heard, (struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			    (size_t)n)),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static void
setup(void)
{
	rig_init(&rig, "");
	loop_init(&loop);
	listen_in();
	setenv("WATCHDOG_USEC", "30000000", 1);
	unsetenv("WATCHDOG_PID");
	dog = (struct watchdog){0};
}

static void
teardown(void)
{
	watchdog_fini(&dog);
	loop_fini(&loop);
	close(heard);
	rig_fini(&rig);
}

/* The next datagram is this one; NULL: there is none. */
static void
check_heard(const char *text)
{
	char got[512];
	ssize_t n = recv(heard, got, sizeof(got) - 1, 0);

	ck_assert_int_eq(n >= 0, text != NULL);
	if (n < 0)
		return;
	got[n] = '\0';
	ck_assert_str_eq(got, text);
}

static void
main_turns(int64_t ms)
{
	int64_t now = clock_now_ms() + ms;

	clock_fake(now, 1);
	timers_run(&loop.timers, now);
}

START_TEST(fed_while_workers_turn)
{
	watchdog_start(&dog, &loop, &rig.w, 1);
	check_heard("WATCHDOG=1");
	for (unsigned i = 0; i < 5; i++) {
		rig_turn(&rig);
		main_turns(EVERY_MS - 1);
		check_heard(NULL);
		main_turns(1);
		check_heard("WATCHDOG=1");
		check_heard(NULL);
	}
}
END_TEST

START_TEST(hungry_while_a_worker_hangs)
{
	watchdog_start(&dog, &loop, &rig.w, 1);
	check_heard("WATCHDOG=1");
	for (unsigned i = 0; i < 5; i++) {
		main_turns(EVERY_MS);
		check_heard(NULL);
	}
	rig_turn(&rig);
	main_turns(EVERY_MS);
	check_heard("WATCHDOG=1");
}
END_TEST

/* /livez pings as well; a ping that is young is no sign of anything. */
START_TEST(others_may_ping)
{
	watchdog_start(&dog, &loop, &rig.w, 1);
	check_heard("WATCHDOG=1");
	rig_turn(&rig);
	main_turns(EVERY_MS - 5);
	ck_assert_int_eq(worker_unanswered_ms(rig.w), 0);
	main_turns(5);
	check_heard("WATCHDOG=1");
}
END_TEST

static const struct {
	const char *usec, *pid;
	int64_t ms;
} wants[] = {
    {"30000000", NULL, 30000},
    {"1000", NULL, 1},
    {NULL, NULL, 0},
    {"", NULL, 0},
    {"x", NULL, 0},
    {"-1", NULL, 0},
    {"18446744073709551615", NULL, 0},
    {"30000000", "1", 0},
    {"30000000", "", 0},
    {"30000000", "self", 30000},
};

START_TEST(who_wants_it)
{
	char self[16];
	const char *pid = wants[_i].pid;

	snprintf(self, sizeof(self), "%d", getpid());
	if (pid && strcmp(pid, "self") == 0)
		pid = self;
	unsetenv("WATCHDOG_USEC");
	if (wants[_i].usec)
		setenv("WATCHDOG_USEC", wants[_i].usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	ck_assert_int_eq(notify_watchdog_ms(), wants[_i].ms);
	if (wants[_i].ms == 0) {
		watchdog_start(&dog, &loop, &rig.w, 1);
		check_heard(NULL);
	}
}
END_TEST

START_TEST(words)
{
	char got[512];
	ssize_t n;
	long long usec;

	notify_ready();
	check_heard("READY=1");
	notify_status("session %s", "valid\nREADY=1");
	check_heard("STATUS=session valid");
	notify_extend(10000);
	check_heard("EXTEND_TIMEOUT_USEC=10000000");
	notify_reloading();
	n = recv(heard, got, sizeof(got) - 1, 0);
	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_int_eq(
	    sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
	ck_assert_int_gt(usec, 0);
}
END_TEST

UNIT_MAIN_ROWS("watchdog", setup, teardown, {fed_while_workers_turn, 1},
    {hungry_while_a_worker_hangs, 1}, {others_may_ping, 1},
    {who_wants_it, COUNT(wants)}, {words, 1})
