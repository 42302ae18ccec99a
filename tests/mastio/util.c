/*
 * util: see util.h.
 */
#include "mastio/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#define FILE_MAX (16 << 20)

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *
xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		abort();
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	char *p = xcalloc(1, n + 1);

	memcpy(p, s, n);
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p = NULL;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		abort();
	va_end(ap);
	return p;
}

void
complain(const char *fmt, ...)
{
	va_list ap;

	fputs("mastio-dev: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

bool
starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
parse_number(const char *s, int64_t max)
{
	int64_t v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (v > (max - (*s - '0')) / 10)
			return -1;
		v = v * 10 + (*s - '0');
	}
	return v;
}

void
sha256(const void *data, size_t n, uint8_t out[SHA256_LEN])
{
	if (!EVP_Digest(data, n, out, NULL, EVP_sha256(), NULL))
		abort();
}

void
hex_encode(const uint8_t *data, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digit[data[i] >> 4];
		*out++ = digit[data[i] & 15];
	}
	*out = '\0';
}

void
random_hex(char *out, size_t n)
{
	uint8_t raw[64];

	if (n > sizeof(raw) || RAND_bytes(raw, (int)n) != 1)
		abort();
	hex_encode(raw, n, out);
}

static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet_std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *
encode(const uint8_t *in, size_t n, const char *alphabet, bool pad)
{
	char *out = xcalloc(1, (n + 2) / 3 * 4 + 1);
	char *o = out;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)in[i] << 16;

		if (have > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (have > 2)
			v |= in[i + 2];
		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		if (have > 1)
			*o++ = alphabet[v >> 6 & 63];
		else if (pad)
			*o++ = '=';
		if (have > 2)
			*o++ = alphabet[v & 63];
		else if (pad)
			*o++ = '=';
	}
	return out;
}

static uint8_t *
decode(const char *text, size_t n, const char *alphabet, size_t *len)
{
	uint8_t *out = xcalloc(1, n / 4 * 3 + 4);
	size_t o = 0;
	uint32_t v = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!at)
			goto bad;
		v = v << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[o++] = (uint8_t)(v >> bits);
			v &= (1u << bits) - 1;
		}
	}
	if (n % 4 == 1 || v)
		goto bad;
	*len = o;
	return out;
bad:
	free(out);
	return NULL;
}

char *
b64u_encode(const void *data, size_t n)
{
	return encode(data, n, alphabet_url, false);
}

uint8_t *
b64u_decode(const char *text, size_t n, size_t *len)
{
	return decode(text, n, alphabet_url, len);
}

char *
b64_encode(const void *data, size_t n)
{
	return encode(data, n, alphabet_std, true);
}

uint8_t *
b64_decode(const char *text, size_t n, size_t *len)
{
	if (n % 4)
		return NULL;
	for (int i = 0; i < 2 && n && text[n - 1] == '='; i++)
		n--;
	return decode(text, n, alphabet_std, len);
}

char *
b64u_sha256(const char *text)
{
	uint8_t digest[SHA256_LEN];

	sha256(text, strlen(text), digest);
	return b64u_encode(digest, sizeof(digest));
}

char *
file_read(const char *dir, const char *name, size_t *len)
{
	char *path = xasprintf("%s/%s", dir, name);
	char *text = NULL;
	struct stat st;
	size_t have = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		complain("cannot read %s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
		complain("%s is no ordinary file of at most 16 MiB", path);
		goto out;
	}
	text = xcalloc(1, (size_t)st.st_size + 1);
	while (have < (size_t)st.st_size) {
		ssize_t n = read(fd, text + have, (size_t)st.st_size - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	text[have] = '\0';
	if (len)
		*len = have;
out:
	if (fd >= 0)
		close(fd);
	free(path);
	return text;
}

int
file_write(const char *dir, const char *name, const void *data, size_t n,
    unsigned mode)
{
	char *path = xasprintf("%s/%s", dir, name);
	char *tmp = xasprintf("%s/.%s.%ld", dir, name, (long)getpid());
	const char *p = data;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int ret = -1;

	if (fd < 0)
		goto out;
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0)
			goto out;
		p += w;
		n -= (size_t)w;
	}
	if (fchmod(fd, mode) == 0 && rename(tmp, path) == 0)
		ret = 0;
out:
	if (ret < 0)
		complain("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(tmp);
	free(path);
	return ret;
}
