/*
 * random: see random.h.
 */
#include "base/random.h"

#include <openssl/rand.h>

uint32_t
random_u32(void)
{
	uint32_t r = 0;

	RAND_bytes((unsigned char *)&r, sizeof(r));
	return r;
}
