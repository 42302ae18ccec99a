/*
 * trust: which CA certificate issued another (RFC 5280 section 6.1).
 *
 * An organisation that replaces its CA, or the Mastio its intermediate, keeps
 * the name, and neither writes key identifiers into what it issues (protocol
 * 1.4, 10.4, 10.5).  OpenSSL would take the first CA of that name and fail on
 * the signature; here the one whose key verifies it is taken, so a file may
 * hold the old and the new one.
 *
 * Threads: any; a store is immutable once its SSL_CTX is in use.
 */
#ifndef AUTH_TRUST_H
#define AUTH_TRUST_H

#include "base/attr.h"

#include <openssl/x509.h>

/* Trust these, or what this machine trusts if ca is NULL.  Returns 0, or -1
 * with OpenSSL's error queue saying why. */
int trust_fill(X509_STORE *, STACK_OF(X509) *ca) ATTR_MUST_USE;

#endif
