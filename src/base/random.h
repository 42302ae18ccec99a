/*
 * random: numbers that spread things in time and name them, from OpenSSL's
 * generator.  What must be secret, or unique for its sake, asks that itself
 * and looks at the result.
 *
 * Threads: any.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

uint32_t random_u32(void);

#endif
