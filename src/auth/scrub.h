/*
 * scrub: private keys and tokens pass through jansson, which would give their
 * memory back as it is.  After scrub_init() it wipes what it frees.
 *
 * Threads: call once, before others start.
 */
#ifndef AUTH_SCRUB_H
#define AUTH_SCRUB_H

void scrub_init(void);

#endif
