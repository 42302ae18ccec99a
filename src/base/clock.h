/*
 * clock: the two clocks of the program.  Monotonic milliseconds for every
 * wait (CLOCK_BOOTTIME, so that a suspend counts), wall seconds for what goes
 * over the wire.  A test replaces both with clock_fake().
 *
 * Threads: any; clock_fake() only before threads start.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);  /* monotonic */
int64_t clock_now_us(void);  /* monotonic */
int64_t clock_wall_s(void);  /* Unix time */
int64_t clock_wall_ms(void); /* Unix time */

/* From now on both clocks stand still at these values, until the next call. */
void clock_fake(int64_t mono_ms, int64_t wall_s);
void clock_real(void);

#endif
