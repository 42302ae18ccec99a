/*
 * address: see address.h.
 */
#include "base/address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* The address itself, and every IPv4 address that it may stand for. */
#define READINGS_MAX 8

struct reading {
	uint8_t n; /* 4 or 16 bytes */
	uint8_t b[16];
};

/* Most telling first: the first row that fits gives the words. */
static const struct {
	uint8_t n, bits;
	uint8_t b[16];
	const char *why;
} refused[] = {
    {4, 32, {100, 100, 100, 200}, "a metadata address"},
    {4, 32, {168, 63, 129, 16}, "a metadata address"},
    {4, 32, {192, 0, 0, 192}, "a metadata address"},
    {4, 16, {169, 254}, "a link-local address"},
    {4, 8, {127}, "a loopback address"},
    {4, 8, {0}, "an unspecified address"},
    {4, 4, {224}, "a multicast address"},
    {4, 4, {240}, "a reserved address"},
    {16, 128, {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54}, "a metadata address"},
    {16, 128, {0xfd, 0x20, 0, 0xce, [14] = 0x02, 0x54}, "a metadata address"},
    {16, 128, {0xfd, 0, 0, 0x42, [15] = 0x42}, "a metadata address"},
    {16, 128, {[15] = 1}, "a loopback address"},
    {16, 128, {0}, "an unspecified address"},
    {16, 10, {0xfe, 0x80}, "a link-local address"},
    {16, 10, {0xfe, 0xc0}, "a site-local address"},
    {16, 8, {0xff}, "a multicast address"},
};

/* Where an IPv6 address carries an IPv4 one: under which prefix, at which
 * bytes.  A network may use 64:ff9b:1::/48 with any length of RFC 6052 section
 * 2.2, whose byte 8 is never part of it. */
static const struct {
	uint8_t bits, prefix[12], at[4], flip;
} embedded[] = {
    {96, {[10] = 0xff, 0xff}, {12, 13, 14, 15}, 0},       /* mapped */
    {96, {0}, {12, 13, 14, 15}, 0},                       /* compatible */
    {96, {[8] = 0xff, 0xff}, {12, 13, 14, 15}, 0},        /* RFC 2765 */
    {96, {0, 0x64, 0xff, 0x9b}, {12, 13, 14, 15}, 0},     /* NAT64 */
    {48, {0, 0x64, 0xff, 0x9b, 0, 1}, {6, 7, 9, 10}, 0},  /* RFC 8215 */
    {48, {0, 0x64, 0xff, 0x9b, 0, 1}, {7, 9, 10, 11}, 0}, /* /56 of it */
    {48, {0, 0x64, 0xff, 0x9b, 0, 1}, {9, 10, 11, 12}, 0},
    {48, {0, 0x64, 0xff, 0x9b, 0, 1}, {12, 13, 14, 15}, 0},
    {16, {0x20, 0x02}, {2, 3, 4, 5}, 0},              /* 6to4 */
    {32, {0x20, 0x01, 0, 0}, {4, 5, 6, 7}, 0},        /* Teredo */
    {32, {0x20, 0x01, 0, 0}, {12, 13, 14, 15}, 0xff}, /* its client */
};

static bool
has_prefix(const uint8_t *b, const uint8_t *prefix, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(b, prefix, whole) != 0)
		return false;
	return !rest || (b[whole] ^ prefix[whole]) >> (8 - rest) == 0;
}

/* RFC 5214 section 6.1: any prefix, then 0000:5efe or 0200:5efe. */
static bool
is_isatap(const uint8_t *b)
{
	return (b[8] & ~2) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;
}

static unsigned
read_v6(const uint8_t *b, struct reading *out)
{
	unsigned n = 0;

	out[n].n = 16;
	memcpy(out[n++].b, b, 16);
	for (size_t i = 0; i < COUNT(embedded); i++) {
		struct reading v4 = {.n = 4};

		if (!has_prefix(b, embedded[i].prefix, embedded[i].bits))
			continue;
		for (unsigned k = 0; k < 4; k++)
			v4.b[k] = b[embedded[i].at[k]] ^ embedded[i].flip;
		/* Zeros in front: another length of the prefix is in use, or
		 * it is :: or ::1, which stand for themselves. */
		if (v4.b[0])
			out[n++] = v4;
	}
	if (is_isatap(b) && n < READINGS_MAX) {
		out[n].n = 4;
		memcpy(out[n++].b, b + 12, 4);
	}
	return n;
}

static unsigned
read_all(const struct sockaddr *sa, struct reading out[READINGS_MAX])
{
	if (sa->sa_family == AF_INET6)
		return read_v6(
		    ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr, out);
	if (sa->sa_family != AF_INET)
		return 0;
	out[0].n = 4;
	memcpy(out[0].b, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	return 1;
}

/* Is an IPv4 address carried under this one's prefix? */
static bool
must_carry(const struct sockaddr *sa)
{
	const uint8_t *b = ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr;

	for (size_t i = 0; i < COUNT(embedded); i++)
		if (has_prefix(b, embedded[i].prefix, embedded[i].bits))
			return true;
	return false;
}

static const char *
refusal_of(const struct reading *r)
{
	for (size_t i = 0; i < COUNT(refused); i++)
		if (refused[i].n == r->n &&
		    has_prefix(r->b, refused[i].b, refused[i].bits))
			return refused[i].why;
	return NULL;
}

const char *
address_refusal(const struct sockaddr *sa)
{
	struct reading r[READINGS_MAX];
	unsigned n = read_all(sa, r);

	if (n == 0)
		return "not an IP address";
	for (unsigned i = 0; i < n; i++) {
		const char *why = refusal_of(&r[i]);

		if (why)
			return why;
	}
	if (n == 1 && sa->sa_family == AF_INET6 && must_carry(sa))
		return "an unspecified address";
	return NULL;
}

bool
address_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	struct reading ra[READINGS_MAX], rb[READINGS_MAX];
	unsigned na = read_all(a, ra), nb = read_all(b, rb);

	for (unsigned i = 0; i < na; i++)
		for (unsigned k = 0; k < nb; k++)
			if (ra[i].n == rb[k].n &&
			    memcmp(ra[i].b, rb[k].b, ra[i].n) == 0)
				return true;
	return false;
}

bool
address_is_any(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(
		    &((const struct sockaddr_in6 *)sa)->sin6_addr);
	return sa->sa_family == AF_INET &&
	       ((const struct sockaddr_in *)sa)->sin_addr.s_addr == INADDR_ANY;
}

uint16_t
address_port(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
	if (sa->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	return 0;
}

bool
address_read(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return true;
}
