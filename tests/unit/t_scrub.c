/*
 * t_scrub: who asks too late is told.
 */
#include "auth/scrub.h"

#include "unit.h"

#include <openssl/crypto.h>

START_TEST(in_time)
{
	ck_assert(scrub_init());
}
END_TEST

START_TEST(too_late)
{
	OPENSSL_free(OPENSSL_malloc(1));
	ck_assert(!scrub_init());
}
END_TEST

UNIT_MAIN("scrub", in_time, too_late)
