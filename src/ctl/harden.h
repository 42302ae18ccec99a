/*
 * harden: keeps keys and tokens out of core files, other processes of the same
 * user and, where that is allowed, swap.
 *
 * Threads: main, before secrets are read and others start.
 */
#ifndef CTL_HARDEN_H
#define CTL_HARDEN_H

/* The process is no longer dumpable: no core file (RLIMIT_CORE is 0 as well),
 * no ptrace and no /proc/PID/mem but for root, to whom its files below
 * /proc now belong. */
void harden_process(void);

/* Lock every page into memory as it is first used, if RLIMIT_MEMLOCK is
 * infinite or does not bind us: under a finite one a later allocation would
 * fail.  The log says which, at debug level. */
void harden_memory(void);

#endif
