/*
 * harden: see harden.h.
 *
 * Builds with sanitizers stay as they are: LeakSanitizer looks at the process
 * with ptrace, and shadow memory is no memory to lock.
 */
#include "ctl/harden.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FOR_DEVELOPERS 1
#else
#define FOR_DEVELOPERS 0
#endif

void
harden_process(void)
{
	const struct rlimit none = {0, 0};

	if (FOR_DEVELOPERS)
		return;
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* May more be locked than the limit allows, as with CAP_IPC_LOCK?  Nothing of
 * what is asked for is ever touched. */
static bool
limit_is_void(size_t limit)
{
	size_t n = limit + (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, n, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool ok;

	if (p == MAP_FAILED)
		return false;
	ok = mlock2(p, n, MLOCK_ONFAULT) == 0;
	munmap(p, n);
	return ok;
}

static bool
may_lock_all(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return false;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	return limit.rlim_cur == RLIM_INFINITY ||
	       limit_is_void((size_t)limit.rlim_cur);
}

void
harden_memory(void)
{
	if (FOR_DEVELOPERS)
		return;
	if (!may_lock_all())
		log_debug("server",
		    "memory is not locked: the limit of locked memory is "
		    "finite (LimitMEMLOCK=infinity lifts it)",
		    L_END);
	else if (!mem_lock_all())
		log_debug("server", "memory is not locked",
		    L_STR("err", strerror(errno)), L_END);
	else
		log_debug("server", "memory is locked", L_END);
}
