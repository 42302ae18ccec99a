/*
 * clock: see clock.h.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

static bool fake;
static int64_t fake_mono_ms, fake_wall_s;

static int64_t
read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
clock_now_us(void)
{
	return fake ? fake_mono_ms * 1000 : read_us(CLOCK_BOOTTIME);
}

int64_t
clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

int64_t
clock_wall_ms(void)
{
	return fake ? fake_wall_s * 1000 : read_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}

void
clock_fake(int64_t mono_ms, int64_t wall_s)
{
	fake = true;
	fake_mono_ms = mono_ms;
	fake_wall_s = wall_s;
}

void
clock_real(void)
{
	fake = false;
}
