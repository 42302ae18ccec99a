/*
 * jose: see jose.h.
 */
#include "jose.h"

#include "base/b64.h"

#include <check.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

bool
jose_verify(struct span msg, const uint8_t *sig, size_t n, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	bool ok;

	if (EVP_PKEY_is_a(key, "EC")) {
		ECDSA_SIG *pair = ECDSA_SIG_new();

		ck_assert_uint_eq(n, 64);
		ECDSA_SIG_set0(pair, BN_bin2bn(sig, 32, NULL),
		    BN_bin2bn(sig + 32, 32, NULL));
		n = (size_t)i2d_ECDSA_SIG(pair, &der);
		ECDSA_SIG_free(pair);
	}
	ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	     EVP_DigestVerify(ctx, der ? der : sig, n,
		 (const unsigned char *)msg.p, msg.n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

static json_t *
decode(struct span part)
{
	char raw[65536];
	ssize_t n = b64url_decode(raw, sizeof(raw), part);
	json_t *value;

	ck_assert_int_gt(n, 0);
	value = json_loadb(raw, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(value);
	return value;
}

void
jose_open(struct span jws, EVP_PKEY *key, json_t **header, json_t **payload)
{
	struct span rest = jws, part[3];
	uint8_t sig[512];
	ssize_t n;

	for (size_t i = 0; i < 3; i++)
		part[i] = span_cut(&rest, '.');
	ck_assert_ptr_null(rest.p);
	n = b64url_decode(sig, sizeof(sig), part[2]);
	ck_assert_int_gt(n, 0);
	ck_assert(jose_verify(
	    span_new(jws.p, part[0].n + 1 + part[1].n), sig, (size_t)n, key));
	*header = decode(part[0]);
	*payload = decode(part[1]);
}

const char *
jose_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}
