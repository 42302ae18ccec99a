/*
 * scrub: see scrub.h.
 *
 * OpenSSL's buffers for records are not wiped as a whole, 17 KiB for an event
 * of 50 bytes: what is written is encrypted in place, and what was read is
 * wiped octet by octet by SSL_OP_CLEANSE_PLAINTEXT (auth/tls.c).
 */
#include "auth/scrub.h"

#include "base/mem.h"

#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MIN SSL3_RT_MAX_PLAIN_LENGTH

static void
wipe_free(void *p)
{
	if (p)
		mem_wipe_free(p, malloc_usable_size(p));
}

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

/* realloc() may move, and would leave the old piece as it is. */
static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *q = n ? malloc(n) : NULL;

	(void)file;
	(void)line;
	if (q && p)
		memcpy(q, p, n < old ? n : old);
	if (q || n == 0) /* else the old piece stays valid */
		wipe_free(p);
	return q;
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p && malloc_usable_size(p) > RECORD_MIN)
		free(p);
	else
		wipe_free(p);
}

bool
scrub_init(void)
{
	json_set_alloc_funcs(malloc, wipe_free);
	return CRYPTO_set_mem_functions(
		   crypto_malloc, crypto_realloc, crypto_free) == 1;
}
