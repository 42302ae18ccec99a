/*
 * assertion: a client assertion (RFC 7523) with its x5c, and the checks of the
 * Mastio, in the order and with the words of the reference.
 *
 * Owner: the exchange's handler, for as long as it runs.
 */
#ifndef MASTIO_ASSERTION_H
#define MASTIO_ASSERTION_H

#include "mastio/jose.h"
#include "mastio/pki.h"

#define CHAIN_MAX 6

struct exchange;

struct assertion {
	const char *text;
	struct jws jws;
	X509 *chain[CHAIN_MAX + 1];
	int nchain;
	struct identity id;
	char *why; /* the first check that failed, in the reference's words */
	bool crash;
};

/* All checks; false with a->why. */
bool assertion_check(struct exchange *, struct assertion *, const char *text);
void assertion_fini(struct assertion *);
/* Decodes the x5c of a parsed jws; false with a->why. */
bool assertion_read_chain(struct assertion *);
bool assertion_has_audience(const struct assertion *);

#endif
