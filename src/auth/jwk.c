/*
 * jwk: see jwk.h.
 */
#include "auth/jwk.h"

#include "base/b64.h"
#include "base/mem.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <stdio.h>

#define CURVE "P-256"
#define GROUP SN_X9_62_prime256v1
#define FIELD_LEN 32
#define POINT_LEN (1 + 2 * FIELD_LEN) /* 0x04 || x || y */

struct raw {
	unsigned char point[POINT_LEN];
	unsigned char d[FIELD_LEN];
};

void
jwk_thumbprint(const char *x, const char *y, char jkt[JWK_JKT_LEN + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[256];
	int n;

	n = snprintf(text, sizeof(text),
	    "{\"crv\":\"" CURVE "\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
	    x, y);
	SHA256((const unsigned char *)text, (size_t)n, digest);
	b64url_encode(jkt, digest, sizeof(digest));
	jkt[JWK_JKT_LEN] = 0;
}

/* The text members from the point. */
static void
fill_text(struct jwk *jwk, const unsigned char point[POINT_LEN])
{
	b64url_encode(jwk->x, point + 1, FIELD_LEN);
	b64url_encode(jwk->y, point + 1 + FIELD_LEN, FIELD_LEN);
	jwk->x[JWK_COORD_LEN] = jwk->y[JWK_COORD_LEN] = 0;
	jwk_thumbprint(jwk->x, jwk->y, jwk->jkt);
}

/* base64url of at most 32 bytes, padded with zeros on the left. */
static int
take_bytes(
    const json_t *root, const char *name, unsigned char *out, struct err *err)
{
	unsigned char value[FIELD_LEN];
	const json_t *member = json_object_get(root, name);
	ssize_t n;

	if (!json_is_string(member))
		return err_set(err, EXIT_CONFIG,
		    "member \"%s\" is missing or not a string%s", name,
		    strcmp(name, "d") == 0
			? "; the private key is needed, not the public one"
			: "");
	n = b64url_decode(value, sizeof(value),
	    span_new(json_string_value(member), json_string_length(member)));
	if (n <= 0) {
		mem_wipe(value, sizeof(value));
		return err_set(err, EXIT_CONFIG,
		    "member \"%s\" is not base64url of 1 to 32 bytes without "
		    "padding",
		    name);
	}
	memset(out, 0, FIELD_LEN - (size_t)n);
	memcpy(out + FIELD_LEN - n, value, (size_t)n);
	mem_wipe(value, sizeof(value));
	return 0;
}

static int
take_word(
    const json_t *root, const char *name, const char *want, struct err *err)
{
	const char *text = json_string_value(json_object_get(root, name));

	if (text && strcmp(text, want) == 0)
		return 0;
	return err_set(err, EXIT_CONFIG,
	    "member \"%s\" is %s%.32s%s; the key must be EC on P-256", name,
	    text ? "\"" : "", text ? text : "missing", text ? "\"" : "");
}

/* The EVP_PKEY of checked-length bytes: is the point on the curve, does d
 * belong to it? */
static EVP_PKEY *
build_key(const struct raw *raw, struct err *err)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *d = BN_secure_new();
	EVP_PKEY_CTX *ctx = NULL, *check = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL, *ret = NULL;

	BN_bin2bn(raw->d, FIELD_LEN, d);
	BN_set_flags(d, BN_FLG_CONSTTIME);
	OSSL_PARAM_BLD_push_utf8_string(
	    bld, OSSL_PKEY_PARAM_GROUP_NAME, GROUP, 0);
	OSSL_PARAM_BLD_push_octet_string(
	    bld, OSSL_PKEY_PARAM_PUB_KEY, raw->point, POINT_LEN);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d);
	params = OSSL_PARAM_BLD_to_param(bld);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1) {
		err_set(err, EXIT_RUNTIME, "OpenSSL offers no EC keys");
		goto out;
	}
	if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1) {
		err_set(err, EXIT_CONFIG,
		    "members \"x\" and \"y\" are not a point on P-256, or "
		    "\"d\" is out of range");
		goto out;
	}
	check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (EVP_PKEY_check(check) != 1) {
		err_set(err, EXIT_CONFIG,
		    "member \"d\" does not belong to \"x\" and \"y\"");
		goto out;
	}
	ret = key;
	key = NULL;
out:
	ERR_clear_error();
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_clear_free(d);
	return ret;
}

int
jwk_parse(struct span json, struct jwk *jwk, struct err *err)
{
	struct raw raw;
	json_error_t why;
	json_t *root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, &why);
	const json_t *key = root;
	int ret = -1;

	*jwk = (struct jwk){0};
	raw.point[0] = 4; /* uncompressed */
	if (!json_is_object(root)) {
		/* why.text may quote the key: not repeated */
		err_set(err, EXIT_CONFIG, "it is not a JSON object");
		goto out;
	}
	if (json_object_get(root, "private_jwk"))
		key = json_object_get(root, "private_jwk");
	if (take_word(key, "kty", "EC", err) < 0 ||
	    take_word(key, "crv", CURVE, err) < 0 ||
	    take_bytes(key, "x", raw.point + 1, err) < 0 ||
	    take_bytes(key, "y", raw.point + 1 + FIELD_LEN, err) < 0 ||
	    take_bytes(key, "d", raw.d, err) < 0)
		goto out;
	jwk->key = build_key(&raw, err);
	if (!jwk->key)
		goto out;
	fill_text(jwk, raw.point);
	ret = 0;
out:
	mem_wipe(&raw, sizeof(raw));
	json_decref(root);
	return ret;
}

int
jwk_from_key(EVP_PKEY *key, struct jwk *jwk, struct err *err)
{
	unsigned char point[POINT_LEN];
	char group[32];
	size_t n;

	*jwk = (struct jwk){0};
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, GROUP) != 0 ||
	    EVP_PKEY_get_octet_string_param(
		key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 ||
	    n != sizeof(point) || point[0] != 4) {
		ERR_clear_error();
		return err_set(err, EXIT_RUNTIME, "it is not a P-256 key");
	}
	fill_text(jwk, point);
	EVP_PKEY_up_ref(key);
	jwk->key = key;
	return 0;
}

int
jwk_generate(struct jwk *jwk, struct err *err)
{
	EVP_PKEY *key = EVP_EC_gen(CURVE);
	int ret;

	if (!key) {
		ERR_clear_error();
		*jwk = (struct jwk){0};
		return err_set(
		    err, EXIT_RUNTIME, "OpenSSL cannot make a P-256 key");
	}
	ret = jwk_from_key(key, jwk, err);
	EVP_PKEY_free(key);
	return ret;
}

void
jwk_fini(struct jwk *jwk)
{
	EVP_PKEY_free(jwk->key);
	*jwk = (struct jwk){0};
}
