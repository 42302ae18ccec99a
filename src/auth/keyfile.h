/*
 * keyfile: the private key of the client certificate, from PEM text: PKCS#8,
 * SEC1 or PKCS#1, P-256 or RSA of at least 2048 bits, not encrypted.  Nothing
 * here ever asks for a passphrase.
 *
 * Threads: pure.
 */
#ifndef AUTH_KEYFILE_H
#define AUTH_KEYFILE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <openssl/evp.h>

/* The key, or NULL with err; path is for the sentence only. */
EVP_PKEY *keyfile_parse(
    struct span pem, const char *path, struct err *) ATTR_MUST_USE;
/* Is this a key that the gateway can log in?  Returns 0, or -1 with err;
 * `what` begins the sentence. */
int keyfile_check_type(
    const EVP_PKEY *, const char *what, struct err *) ATTR_MUST_USE;

#endif
