/*
 * jwt: see jwt.h.
 */
#include "judge/jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

#define P256_LEN 32

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648 section 5 without padding: the number of bytes, or -1. */
static long
b64url_decode(const char *in, size_t n, unsigned char *out, size_t size)
{
	unsigned long acc = 0;
	unsigned bits = 0;
	size_t o = 0;

	if (n % 4 == 1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *at = in[i] ? strchr(alphabet, in[i]) : NULL;

		if (!at)
			return -1;
		acc = (acc << 6 | (unsigned long)(at - alphabet)) & 0xfffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (o == size)
			return -1;
		out[o++] = (unsigned char)(acc >> bits);
	}
	/* Unused bits are zero, or the text has a second spelling. */
	if (acc & ((1ul << bits) - 1))
		return -1;
	return (long)o;
}

static char *
b64url_encode(const unsigned char *in, size_t n)
{
	char *out = calloc(1, n * 4 / 3 + 4), *o = out;
	unsigned long acc = 0;
	unsigned bits = 0;

	if (!out)
		abort();
	for (size_t i = 0; i < n; i++) {
		acc = acc << 8 | in[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*o++ = alphabet[acc >> (bits - 6) & 63];
	}
	if (bits)
		*o = alphabet[acc << (6 - bits) & 63];
	return out;
}

static json_t *
parse_part(const char *p, size_t n)
{
	unsigned char *raw = malloc(n + 1);
	long len = raw ? b64url_decode(p, n, raw, n + 1) : -1;
	json_t *o = NULL;

	if (len > 0)
		o = json_loadb(
		    (char *)raw, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
	free(raw);
	if (o && !json_is_object(o)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

const char *
jwt_parse(struct jwt *j, const char *text)
{
	const char *one = strchr(text, '.');
	const char *two = one ? strchr(one + 1, '.') : NULL;

	memset(j, 0, sizeof(*j));
	if (!two || strchr(two + 1, '.'))
		return "not three parts";
	j->text = text;
	j->signed_len = (size_t)(two - text);
	j->header = parse_part(text, (size_t)(one - text));
	j->claims = parse_part(one + 1, (size_t)(two - one - 1));
	j->sig_ok = b64url_decode(two + 1, strlen(two + 1), j->sig,
			sizeof(j->sig)) == sizeof(j->sig);
	if (!j->header)
		return "the header is no base64url of a JSON object";
	if (!j->claims)
		return "the payload is no base64url of a JSON object";
	return NULL;
}

void
jwt_fini(struct jwt *j)
{
	json_decref(j->header);
	json_decref(j->claims);
	memset(j, 0, sizeof(*j));
}

static const char *
jwk_text(const struct jwt *j, const char *name)
{
	const char *s = json_string_value(
	    json_object_get(json_object_get(j->header, "jwk"), name));

	return s ? s : "";
}

/* The key in the header; coordinates have their full length, RFC 7518 section
 * 6.2.1.2. */
static EVP_PKEY *
header_key(const struct jwt *j)
{
	unsigned char point[1 + 2 * P256_LEN] = {4};
	const char *x = jwk_text(j, "x"), *y = jwk_text(j, "y");
	EVP_PKEY_CTX *ctx;
	OSSL_PARAM_BLD *bld;
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	if (strcmp(jwk_text(j, "kty"), "EC") != 0 ||
	    strcmp(jwk_text(j, "crv"), "P-256") != 0 ||
	    b64url_decode(x, strlen(x), point + 1, P256_LEN) != P256_LEN ||
	    b64url_decode(y, strlen(y), point + 1 + P256_LEN, P256_LEN) !=
		P256_LEN)
		return NULL;
	bld = OSSL_PARAM_BLD_new();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (!bld || !ctx)
		abort();
	OSSL_PARAM_BLD_push_utf8_string(
	    bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(
	    bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	params = OSSL_PARAM_BLD_to_param(bld);
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

const char *
jwt_verify_es256(const struct jwt *j)
{
	EVP_PKEY *key = header_key(j);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	ECDSA_SIG *es = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int der_len;
	const char *why = NULL;

	if (!md || !es)
		abort();
	if (!key) {
		why = "jwk is no point on P-256 with full coordinates";
		goto out;
	}
	if (!j->sig_ok) {
		why = "the signature is not r || s of 64 bytes";
		goto out;
	}
	if (!ECDSA_SIG_set0(es, BN_bin2bn(j->sig, P256_LEN, NULL),
		BN_bin2bn(j->sig + P256_LEN, P256_LEN, NULL)))
		abort();
	der_len = i2d_ECDSA_SIG(es, &der);
	if (der_len <= 0 ||
	    EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestVerify(md, der, (size_t)der_len,
		(const unsigned char *)j->text, j->signed_len) != 1)
		why = "the signature does not verify";
out:
	OPENSSL_free(der);
	ECDSA_SIG_free(es);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return why;
}

char *
jwt_sha256(const char *text)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text, strlen(text), digest);
	return b64url_encode(digest, sizeof(digest));
}

char *
jwt_thumbprint(const struct jwt *j)
{
	char canon[512];

	snprintf(canon, sizeof(canon),
	    "{\"crv\":\"%s\",\"kty\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
	    jwk_text(j, "crv"), jwk_text(j, "kty"), jwk_text(j, "x"),
	    jwk_text(j, "y"));
	return jwt_sha256(canon);
}
