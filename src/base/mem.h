/*
 * mem: allocation that cannot fail (out of memory ends the program, memory is
 * bounded by limits elsewhere), and wiping of secrets.
 *
 * Threads: any.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

void *mem_alloc(size_t n) ATTR_MALLOC;                 /* zeroed */
void *mem_realloc(void *p, size_t n) ATTR_MUST_USE;    /* new part not zeroed */
char *mem_strdup(const char *) ATTR_MALLOC;            /* NULL gives NULL */
char *mem_strndup(const char *, size_t n) ATTR_MALLOC; /* adds a NUL */
char *mem_printf(const char *fmt, ...) ATTR_PRINTF(1, 2);

/* Overwrite in a way that the compiler keeps. */
void mem_wipe(void *p, size_t n);
/* Wipe n bytes (or the string), then free.  NULL is allowed. */
void mem_wipe_free(void *p, size_t n);
void mem_wipe_free_str(char *s);

/* Equal in constant time for a given n. */
int mem_equal_ct(const void *a, const void *b, size_t n);

/* Lock what is there and what comes, page by page as it is used.  False, with
 * errno, if that is not allowed. */
bool mem_lock_all(void);
/* Give free memory back to the system, which takes milliseconds.  The kernel
 * takes no locked page back, so nothing is locked meanwhile. */
void mem_trim(void);

/* New struct, zeroed. */
#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

#endif
