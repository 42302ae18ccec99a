/*
 * util: memory that cannot fail, hashing, base64url, hex, files.  Everything
 * here is this folder's own: the stand-in gateway shares no code with the
 * program that it judges.
 *
 * Threads: mastio-dev has one; nothing here keeps state.
 */
#ifndef MASTIO_UTIL_H
#define MASTIO_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32
#define SHA256_HEX_SIZE 65 /* with the NUL */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The x-functions end the process when memory runs out. */
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *, size_t size);
char *xstrdup(const char *);
char *xstrndup(const char *, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One sentence on stderr, prefixed with the program's name. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool starts_with(const char *s, const char *prefix);
/* Milliseconds that no clock change touches. */
int64_t monotonic_ms(void);
/* The decimal number s, or -1 if it is none or above max. */
int64_t parse_number(const char *s, int64_t max);

void sha256(const void *data, size_t n, uint8_t out[SHA256_LEN]);
void hex_encode(const uint8_t *data, size_t n, char *out);
/* 2 * n lower-case hex digits of random bytes, and a NUL. */
void random_hex(char *out, size_t n);

/* base64url without padding, RFC 4648 section 5.  Caller frees. */
char *b64u_encode(const void *data, size_t n);
/* Strict: alphabet, length and unused bits are checked; NULL if bad. */
uint8_t *b64u_decode(const char *text, size_t n, size_t *len);
/* Standard base64 with padding (x5c, RFC 7515 section 4.1.6). */
char *b64_encode(const void *data, size_t n);
uint8_t *b64_decode(const char *text, size_t n, size_t *len);
/* base64url of the SHA-256 of a text: ath, RFC 9449 section 4.2. */
char *b64u_sha256(const char *text);

/* Whole files.  file_read adds a NUL behind the content. */
char *file_read(const char *dir, const char *name, size_t *len);
int file_write(const char *dir, const char *name, const void *data, size_t n,
    unsigned mode);

#endif
