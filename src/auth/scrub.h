/*
 * scrub: private keys and tokens pass through jansson and OpenSSL, which would
 * give much of that memory back as it is: decoders leave the octets of a key.
 * After scrub_init() both wipe what they free.
 *
 * Threads: call once, before others start.
 */
#ifndef AUTH_SCRUB_H
#define AUTH_SCRUB_H

#include <stdbool.h>

/* False if OpenSSL has allocated before: then it stays as it is. */
bool scrub_init(void);

#endif
