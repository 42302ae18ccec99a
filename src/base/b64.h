/*
 * b64: base64url without padding (RFC 7515 section 2) and base64 with padding
 * (RFC 4648 section 4).  Decoding is strict: no white space, no bits left
 * over, padding where and only where the form has it.
 *
 * Threads: pure.
 */
#ifndef BASE_B64_H
#define BASE_B64_H

#include "base/str.h"

#include <sys/types.h>

/* Characters that n bytes become. */
#define B64URL_LEN(n) (((n)*4 + 2) / 3)

/* Encode n bytes to out (B64URL_LEN(n) characters, no NUL). Returns the count.
 */
size_t b64url_encode(char *out, const void *in, size_t n);
void buf_add_b64url(struct buf *, const void *in, size_t n);
/* Standard alphabet with padding, as x5c wants it. */
void buf_add_b64(struct buf *, const void *in, size_t n);

/* Decode to out, at most max bytes.  Returns the count, or -1 if the text is
 * not exact base64url or too long. */
ssize_t b64url_decode(void *out, size_t max, struct span text);
/* The same for the standard alphabet with its padding. */
ssize_t b64_decode(void *out, size_t max, struct span text);

#endif
