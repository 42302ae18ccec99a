/*
 * scrub: see scrub.h.
 */
#include "auth/scrub.h"

#include "base/mem.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

static void
wipe_free(void *p)
{
	if (p)
		mem_wipe_free(p, malloc_usable_size(p));
}

void
scrub_init(void)
{
	json_set_alloc_funcs(malloc, wipe_free);
}
