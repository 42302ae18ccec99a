/*
 * b64: see b64.h.
 */
#include "base/b64.h"

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t
encode(char *out, const unsigned char *in, size_t n, const char *alphabet)
{
	char *at = out;
	size_t i;

	for (i = 0; i + 2 < n; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 |
			     in[i + 2];
		*at++ = alphabet[v >> 18];
		*at++ = alphabet[v >> 12 & 63];
		*at++ = alphabet[v >> 6 & 63];
		*at++ = alphabet[v & 63];
	}
	if (i < n) {
		uint32_t v = (uint32_t)in[i] << 16 |
			     (i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0);
		*at++ = alphabet[v >> 18];
		*at++ = alphabet[v >> 12 & 63];
		if (i + 1 < n)
			*at++ = alphabet[v >> 6 & 63];
	}
	return (size_t)(at - out);
}

size_t
b64url_encode(char *out, const void *in, size_t n)
{
	return encode(out, in, n, url_alphabet);
}

void
buf_add_b64url(struct buf *b, const void *in, size_t n)
{
	buf_commit(b, b64url_encode(buf_reserve(b, B64URL_LEN(n)), in, n));
}

void
buf_add_b64(struct buf *b, const void *in, size_t n)
{
	size_t len = encode(buf_reserve(b, B64URL_LEN(n)), in, n, std_alphabet);

	buf_commit(b, len);
	for (; len % 4; len++)
		buf_add_char(b, '=');
}

/* The alphabets differ in their last two characters. */
static int
value_of(char c, const char *alphabet)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1;
}

static ssize_t
decode(void *out, size_t max, struct span text, const char *alphabet)
{
	unsigned char *at = out;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	if (text.n % 4 == 1)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		int v = value_of(text.p[i], alphabet);

		if (v < 0)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			if (n == max)
				return -1;
			have -= 8;
			at[n++] = (unsigned char)(bits >> have);
		}
	}
	/* RFC 4648 section 3.5: the bits left over must be zero. */
	if (bits & ((1u << have) - 1))
		return -1;
	return (ssize_t)n;
}

ssize_t
b64url_decode(void *out, size_t max, struct span text)
{
	return decode(out, max, text, url_alphabet);
}

ssize_t
b64_decode(void *out, size_t max, struct span text)
{
	if (text.n % 4 != 0)
		return -1;
	for (unsigned i = 0; i < 2 && span_ends(text, SPAN("=")); i++)
		text.n--;
	return decode(out, max, text, std_alphabet);
}
