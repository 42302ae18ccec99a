/*
 * jose: see jose.h.
 */
#include "mastio/jose.h"

#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#define P256_LEN 32

static json_t *
parse_part(const char *text, size_t n)
{
	size_t len;
	uint8_t *raw = b64u_decode(text, n, &len);
	json_t *j = NULL;

	if (raw)
		j = json_loadb((char *)raw, len, JSON_REJECT_DUPLICATES, NULL);
	free(raw);
	if (j && !json_is_object(j)) {
		json_decref(j);
		j = NULL;
	}
	return j;
}

bool
jws_parse(struct jws *j, const char *text)
{
	const char *dot1 = strchr(text, '.');
	const char *dot2 = dot1 ? strchr(dot1 + 1, '.') : NULL;

	memset(j, 0, sizeof(*j));
	if (!dot2 || strchr(dot2 + 1, '.'))
		return false;
	j->signed_len = (size_t)(dot2 - text);
	j->header = parse_part(text, (size_t)(dot1 - text));
	j->claims = parse_part(dot1 + 1, (size_t)(dot2 - dot1 - 1));
	j->sig = b64u_decode(dot2 + 1, strlen(dot2 + 1), &j->sig_len);
	if (j->header && j->claims && j->sig)
		return true;
	jws_fini(j);
	return false;
}

void
jws_fini(struct jws *j)
{
	json_decref(j->header);
	json_decref(j->claims);
	free(j->sig);
	memset(j, 0, sizeof(*j));
}

bool
key_is_p256(const EVP_PKEY *key)
{
	char name[32];

	return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) == 1 &&
	       strcmp(name, "prime256v1") == 0;
}

/* r || s as the DER that OpenSSL wants; the caller frees. */
static uint8_t *
sig_to_der(const uint8_t *sig, size_t n, size_t *len)
{
	ECDSA_SIG *es = NULL;
	BIGNUM *r = NULL, *s = NULL;
	uint8_t *der = NULL;
	int made;

	if (n != 2 * P256_LEN)
		return NULL;
	es = ECDSA_SIG_new();
	r = BN_bin2bn(sig, P256_LEN, NULL);
	s = BN_bin2bn(sig + P256_LEN, P256_LEN, NULL);
	if (!es || !r || !s || !ECDSA_SIG_set0(es, r, s))
		abort();
	made = i2d_ECDSA_SIG(es, &der);
	ECDSA_SIG_free(es);
	*len = (size_t)made;
	return made > 0 ? der : NULL;
}

/* PS256, RFC 7518 section 3.5: the salt is as long as the digest. */
static bool
use_pss(EVP_PKEY_CTX *pc)
{
	return EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) ==
		   1;
}

bool
jws_verify(
    const struct jws *j, const char *text, const char *alg, EVP_PKEY *key)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc;
	uint8_t *der = NULL;
	const uint8_t *sig = j->sig;
	size_t sig_len = j->sig_len;
	bool ok = false;

	if (strcmp(alg, "ES256") == 0) {
		if (!key_is_p256(key))
			goto out;
		der = sig_to_der(j->sig, j->sig_len, &sig_len);
		if (!der)
			goto out;
		sig = der;
	} else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		goto out;
	}
	if (EVP_DigestVerifyInit(md, &pc, EVP_sha256(), NULL, key) != 1)
		goto out;
	if (strcmp(alg, "PS256") == 0 && !use_pss(pc))
		goto out;
	ok = EVP_DigestVerify(
		 md, sig, sig_len, (const uint8_t *)text, j->signed_len) == 1;
out:
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return ok;
}

/* The plain OpenSSL signature with SHA-256: DER for ECDSA. */
static uint8_t *
sign_raw(const char *text, const char *alg, EVP_PKEY *key, size_t *len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc;
	const uint8_t *in = (const uint8_t *)text;
	uint8_t *sig;

	if (EVP_DigestSignInit(md, &pc, EVP_sha256(), NULL, key) != 1 ||
	    (strcmp(alg, "PS256") == 0 && !use_pss(pc)) ||
	    EVP_DigestSign(md, NULL, len, in, strlen(text)) != 1)
		abort();
	sig = xcalloc(1, *len);
	if (EVP_DigestSign(md, sig, len, in, strlen(text)) != 1)
		abort();
	EVP_MD_CTX_free(md);
	return sig;
}

char *
ecdsa_der_sign(const char *text, EVP_PKEY *key)
{
	size_t len;
	uint8_t *sig = sign_raw(text, "ES256", key, &len);
	char *out = b64u_encode(sig, len);

	free(sig);
	return out;
}

static char *
encode_part(json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);
	char *out;

	if (!text)
		abort();
	out = b64u_encode(text, strlen(text));
	free(text);
	return out;
}

/* r || s of a DER signature, each as long as the key's field: a test may sign
 * with a key that ES256 does not allow.  base64url. */
static char *
raw_signature(const uint8_t *der, size_t der_len, EVP_PKEY *key)
{
	int field = (EVP_PKEY_get_bits(key) + 7) / 8;
	ECDSA_SIG *es = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	uint8_t *rs = xcalloc(2, (size_t)field);
	char *out;

	if (!es || BN_bn2binpad(ECDSA_SIG_get0_r(es), rs, field) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(es), rs + field, field) < 0)
		abort();
	out = b64u_encode(rs, 2 * (size_t)field);
	ECDSA_SIG_free(es);
	free(rs);
	return out;
}

char *
jws_sign(json_t *header, json_t *claims, const char *alg, EVP_PKEY *key)
{
	char *h = encode_part(header), *c = encode_part(claims);
	char *input = xasprintf("%s.%s", h, c);
	size_t len;
	uint8_t *sig = sign_raw(input, alg, key, &len);
	char *s, *out;

	s = strcmp(alg, "ES256") == 0 ? raw_signature(sig, len, key)
				      : b64u_encode(sig, len);
	out = xasprintf("%s.%s", input, s);
	free(s);
	free(sig);
	free(input);
	free(h);
	free(c);
	return out;
}

/* A base64url member; padding is tolerated as the reference does. */
static uint8_t *
member(const json_t *jwk, const char *name, size_t *len)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	size_t n;

	if (!text)
		return NULL;
	n = strlen(text);
	while (n && text[n - 1] == '=')
		n--;
	return b64u_decode(text, n, len);
}

static EVP_PKEY *
key_from(const char *type, int selection, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return key;
}

static EVP_PKEY *
ec_key(const json_t *jwk, bool private)
{
	uint8_t point[1 + 2 * P256_LEN] = {4};
	size_t xn = 0, yn = 0, dn = 0;
	uint8_t *x = member(jwk, "x", &xn), *y = member(jwk, "y", &yn);
	uint8_t *d = private ? member(jwk, "d", &dn) : NULL;
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn = NULL;
	EVP_PKEY *key = NULL;

	if (!x || !y || xn > P256_LEN || yn > P256_LEN || (private && !d))
		goto out;
	memcpy(point + 1 + P256_LEN - xn, x, xn);
	memcpy(point + 1 + 2 * P256_LEN - yn, y, yn);
	OSSL_PARAM_BLD_push_utf8_string(
	    bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(
	    bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	if (private) {
		bn = BN_bin2bn(d, (int)dn, NULL);
		OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn);
	}
	key = key_from(
	    "EC", private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, bld);
out:
	BN_clear_free(bn);
	OSSL_PARAM_BLD_free(bld);
	if (d)
		OPENSSL_cleanse(d, dn);
	free(d);
	free(x);
	free(y);
	return key;
}

static EVP_PKEY *
rsa_key(const json_t *jwk)
{
	size_t nn = 0, en = 0;
	uint8_t *n = member(jwk, "n", &nn), *e = member(jwk, "e", &en);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn = NULL, *be = NULL;
	EVP_PKEY *key = NULL;

	if (!n || !e || nn > 1024 || en > 8)
		goto out;
	bn = BN_bin2bn(n, (int)nn, NULL);
	be = BN_bin2bn(e, (int)en, NULL);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be);
	key = key_from("RSA", EVP_PKEY_PUBLIC_KEY, bld);
out:
	BN_free(bn);
	BN_free(be);
	OSSL_PARAM_BLD_free(bld);
	free(n);
	free(e);
	return key;
}

static const char *
text_member(const json_t *jwk, const char *name)
{
	const char *s = json_string_value(json_object_get(jwk, name));

	return s ? s : "";
}

EVP_PKEY *
jwk_key(const json_t *jwk)
{
	const char *kty = text_member(jwk, "kty");

	if (strcmp(kty, "RSA") == 0)
		return rsa_key(jwk);
	if (strcmp(kty, "EC") == 0 &&
	    strcmp(text_member(jwk, "crv"), "P-256") == 0)
		return ec_key(jwk, false);
	return NULL;
}

EVP_PKEY *
jwk_private_key(const json_t *jwk)
{
	const json_t *inner = json_object_get(jwk, "private_jwk");

	if (inner)
		jwk = inner;
	return strcmp(text_member(jwk, "crv"), "P-256") == 0 ? ec_key(jwk, true)
							     : NULL;
}

char *
jwk_thumbprint(const json_t *jwk)
{
	static const char *const ec[] = {"crv", "kty", "x", "y", NULL};
	static const char *const rsa[] = {"e", "kty", "n", NULL};
	const char *kty = text_member(jwk, "kty");
	const char *const *names = NULL;
	json_t *canon;
	char *text, *out = NULL;

	if (strcmp(kty, "EC") == 0)
		names = ec;
	else if (strcmp(kty, "RSA") == 0)
		names = rsa;
	else
		return NULL;
	canon = json_object();
	for (; *names; names++) {
		json_t *v = json_object_get(jwk, *names);

		if (!json_is_string(v))
			goto out;
		json_object_set(canon, *names, v);
	}
	text = json_dumps(canon, JSON_COMPACT | JSON_SORT_KEYS);
	out = b64u_sha256(text);
	free(text);
out:
	json_decref(canon);
	return out;
}

static char *
encode_bn(EVP_PKEY *key, const char *param)
{
	BIGNUM *bn = NULL;
	uint8_t raw[1024];
	char *out;
	int n;

	if (EVP_PKEY_get_bn_param(key, param, &bn) != 1 ||
	    BN_num_bytes(bn) > (int)sizeof(raw))
		abort();
	n = BN_bn2bin(bn, raw);
	out = b64u_encode(raw, (size_t)n);
	BN_free(bn);
	return out;
}

static json_t *
jwk_from_rsa(EVP_PKEY *key)
{
	char *n = encode_bn(key, OSSL_PKEY_PARAM_RSA_N);
	char *e = encode_bn(key, OSSL_PKEY_PARAM_RSA_E);
	json_t *jwk =
	    json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", n, "e", e);

	free(n);
	free(e);
	return jwk;
}

json_t *
jwk_from_key(EVP_PKEY *key, bool with_private)
{
	uint8_t point[1 + 2 * P256_LEN], d[P256_LEN];
	BIGNUM *bn = NULL;
	size_t n = 0;
	char *x, *y;
	json_t *jwk;

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return jwk_from_rsa(key);
	if (EVP_PKEY_get_octet_string_param(
		key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 ||
	    n != sizeof(point))
		abort();
	x = b64u_encode(point + 1, P256_LEN);
	y = b64u_encode(point + 1 + P256_LEN, P256_LEN);
	jwk = json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256",
	    "x", x, "y", y);
	free(x);
	free(y);
	if (!with_private)
		return jwk;
	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &bn) != 1 ||
	    BN_bn2binpad(bn, d, sizeof(d)) < 0)
		abort();
	x = b64u_encode(d, sizeof(d));
	json_object_set_new(jwk, "d", json_string(x));
	OPENSSL_cleanse(x, strlen(x));
	OPENSSL_cleanse(d, sizeof(d));
	free(x);
	BN_clear_free(bn);
	return jwk;
}
