/*
 * chain: certificates from PEM text, and the chain from a leaf towards its
 * root, completed from whatever certificates are at hand.
 *
 * Threads: pure; certificates are shared by reference count.
 */
#ifndef AUTH_CHAIN_H
#define AUTH_CHAIN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <openssl/x509.h>

/* The gateway takes at most this many x5c entries. */
#define CHAIN_MAX 6

struct chain {
	STACK_OF(X509) *certs; /* leaf first, without the root */
	bool complete;         /* the last one is signed by a root in a pool */
};

/* All certificates of a PEM text, in order, at least one, or NULL with err.
 * Other PEM blocks are skipped. */
STACK_OF(X509) *chain_parse(struct span pem, struct err *) ATTR_MUST_USE;

/*
 * The chain of leaf: each next certificate is the first in the pools whose
 * name is the issuer's and whose key verifies the one before.  Pools are
 * tried in order, a NULL pool is empty.  Owned by the caller.
 */
struct chain chain_complete(
    X509 *leaf, STACK_OF(X509) *const *pools, size_t npools) ATTR_MUST_USE;

void chain_free(struct chain *);
void chain_stack_free(STACK_OF(X509) *);

#endif
