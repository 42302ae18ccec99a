/*
 * mem: see mem.h.
 */
#include "base/mem.h"

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static pthread_mutex_t lock_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool locked;

static void ATTR_NORETURN
out_of_memory(size_t n)
{
	fprintf(stderr, "cullis-sidecar: out of memory (%zu bytes)\n", n);
	abort();
}

void *
mem_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		out_of_memory(n);
	return p;
}

void *
mem_realloc(void *p, size_t n)
{
	void *q = realloc(p, n ? n : 1);

	if (!q)
		out_of_memory(n);
	return q;
}

char *
mem_strdup(const char *s)
{
	return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *
mem_strndup(const char *s, size_t n)
{
	char *copy = mem_alloc(n + 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory(0);
	va_end(ap);
	return s;
}

void
mem_wipe(void *p, size_t n)
{
	if (p && n)
		explicit_bzero(p, n);
}

void
mem_wipe_free(void *p, size_t n)
{
	mem_wipe(p, n);
	free(p);
}

void
mem_wipe_free_str(char *s)
{
	if (s)
		mem_wipe_free(s, strlen(s));
}

int
mem_equal_ct(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;
	unsigned char diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}

static bool
lock_all(void)
{
	locked = mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
	return locked;
}

bool
mem_lock_all(void)
{
	bool ok;

	pthread_mutex_lock(&lock_mutex);
	ok = lock_all();
	pthread_mutex_unlock(&lock_mutex);
	return ok;
}

void
mem_trim(void)
{
	bool again;

	pthread_mutex_lock(&lock_mutex);
	again = locked;
	if (again)
		munlockall();
	malloc_trim(0);
	if (again)
		lock_all(); /* it was allowed before */
	pthread_mutex_unlock(&lock_mutex);
}
