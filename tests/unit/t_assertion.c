/*
 * t_assertion: the client assertion, taken apart with jansson and OpenSSL.
 */
#include "auth/assertion.h"
#include "auth/scrub.h"
#include "base/b64.h"
#include "base/mem.h"

#include "jose.h"
#include "pki.h"
#include "unit.h"

#include <openssl/err.h>

#define NOW 1800000000

static struct pki pki;

static void
setup(void)
{
	(void)scrub_init();
	pki_init(&pki);
}

static void
teardown(void)
{
	ck_assert_uint_eq(ERR_peek_error(), 0);
	pki_fini(&pki);
}

static struct identity *
load(const char *dir)
{
	struct err err = ERR_INIT;
	struct identity *id =
	    identity_load(&(struct identity_source){.dir = dir}, NULL, &err);

	ck_assert_msg(id != NULL, "%s", err.text);
	return id;
}

static json_int_t
number(const json_t *object, const char *name)
{
	ck_assert(json_is_integer(json_object_get(object, name)));
	return json_integer_value(json_object_get(object, name));
}

/* Is the nth x5c entry this certificate in base64 with padding? */
static void
check_x5c(const json_t *header, size_t n, X509 *cert)
{
	const char *entry = json_string_value(
	    json_array_get(json_object_get(header, "x5c"), n));
	unsigned char *der = NULL;
	struct buf want = BUF_INIT;
	int len = i2d_X509(cert, &der);

	ck_assert_ptr_nonnull(entry);
	buf_add_b64(&want, der, (size_t)len);
	ck_span(buf_span(&want), entry);
	ck_assert_uint_eq(strlen(entry) % 4, 0);
	buf_free(&want);
	OPENSSL_free(der);
}

START_TEST(claims_are_as_the_gateway_wants_them)
{
	char *dir = dir_identity(&pki);
	struct identity *id = load(dir);
	struct err err = ERR_INIT;
	char *jws = assertion_make(id, NULL, NOW, NULL, &err);
	json_t *header, *claims;

	ck_assert_msg(jws != NULL, "%s", err.text);
	jose_open(span_of(jws), pki.leaf_key, &header, &claims);
	ck_assert_str_eq(jose_text(header, "alg"), "ES256");
	ck_assert_str_eq(jose_text(header, "typ"), "JWT");
	ck_assert_str_eq(jose_text(claims, "sub"), PKI_AGENT);
	ck_assert_str_eq(jose_text(claims, "iss"), PKI_AGENT);
	ck_assert_str_eq(jose_text(claims, "aud"), "agent-trust-broker");
	ck_assert_int_eq(number(claims, "iat"), NOW - 10);
	ck_assert_int_eq(number(claims, "exp"), NOW + 290);
	ck_assert_uint_ge(strlen(jose_text(claims, "jti")), 22);
	ck_assert_ptr_null(json_object_get(claims, "nonce"));
	/* leaf and intermediate, the root left out */
	ck_assert_uint_eq(json_array_size(json_object_get(header, "x5c")), 2);
	check_x5c(header, 0, pki.leaf);
	check_x5c(header, 1, pki.inter);
	json_decref(header);
	json_decref(claims);
	mem_wipe_free_str(jws);
	identity_unref(id);
	dir_free(dir);
}
END_TEST

START_TEST(a_challenge_is_repeated_and_no_jti_is)
{
	char *dir = dir_identity(&pki);
	struct identity *id = load(dir);
	struct err err = ERR_INIT;
	char *a = assertion_make(id, NULL, NOW, "c-\"h\\al", &err);
	char *b = assertion_make(id, NULL, NOW, "c-\"h\\al", &err);
	json_t *header, *claims, *header_b, *claims_b;

	jose_open(span_of(a), pki.leaf_key, &header, &claims);
	jose_open(span_of(b), pki.leaf_key, &header_b, &claims_b);
	ck_assert_str_eq(jose_text(claims, "nonce"), "c-\"h\\al");
	ck_assert_str_ne(jose_text(claims, "jti"), jose_text(claims_b, "jti"));
	json_decref(header);
	json_decref(claims);
	json_decref(header_b);
	json_decref(claims_b);
	mem_wipe_free_str(a);
	mem_wipe_free_str(b);
	identity_unref(id);
	dir_free(dir);
}
END_TEST

START_TEST(rsa_signs_rs256)
{
	EVP_PKEY *key = pki_key("RSA-2048");
	X509 *cert = pki_cert(&(struct pki_want){.key = key,
	    .cn = PKI_AGENT,
	    .issuer = pki.root,
	    .issuer_key = pki.root_key});
	char *dir = dir_identity(&pki), *jws;
	struct err err = ERR_INIT;
	json_t *header, *claims;
	struct identity *id;

	dir_write_cert(dir, "cert.pem", cert);
	dir_write_key(dir, "key.pem", key);
	id = load(dir);
	jws = assertion_make(id, NULL, NOW, NULL, &err);
	ck_assert_msg(jws != NULL, "%s", err.text);
	jose_open(span_of(jws), key, &header, &claims);
	ck_assert_str_eq(jose_text(header, "alg"), "RS256");
	ck_assert_uint_eq(json_array_size(json_object_get(header, "x5c")), 1);
	json_decref(header);
	json_decref(claims);
	mem_wipe_free_str(jws);
	identity_unref(id);
	dir_free(dir);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(the_presented_chain_completes_x5c)
{
	/* the trap of protocol 13 row 3: leaf alone, CA file with root only */
	char *dir = dir_identity(&pki), *jws;
	STACK_OF(X509) *shown = sk_X509_new_null();
	struct err err = ERR_INIT;
	json_t *header, *claims;
	struct identity *id;

	dir_write_cert(dir, "ca.pem", pki.root);
	id = load(dir);
	for (size_t want = 1; want <= 2; want++) {
		jws = assertion_make(
		    id, want == 2 ? shown : NULL, NOW, NULL, &err);
		jose_open(span_of(jws), pki.leaf_key, &header, &claims);
		ck_assert_uint_eq(
		    json_array_size(json_object_get(header, "x5c")), want);
		check_x5c(header, want - 1, want == 2 ? pki.inter : pki.leaf);
		json_decref(header);
		json_decref(claims);
		mem_wipe_free_str(jws);
		sk_X509_push(shown, pki.server);
		sk_X509_push(shown, pki.inter);
	}
	sk_X509_free(shown);
	identity_unref(id);
	dir_free(dir);
}
END_TEST

UNIT_MAIN_FIXTURE("assertion", setup, teardown,
    claims_are_as_the_gateway_wants_them, a_challenge_is_repeated_and_no_jti_is,
    rsa_signs_rs256, the_presented_chain_completes_x5c)
