/*
 * t_jwk: the DPoP key as JSON Web Key.
 */
#include "auth/jwk.h"

#include "unit.h"
#include "vectors/keys.h"

START_TEST(thumbprint_of_known_keys)
{
	static const struct {
		const char *why, *x, *y, *jkt;
	} rows[] = {
	    {"RFC 7515 A.3 key", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
		"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
		"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"},
	    {"RFC 9449 4.1 key", "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
		"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
		"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
	    {"vendor's vector", VECTOR_X, VECTOR_Y, VECTOR_JKT},
	};
	char jkt[JWK_JKT_LEN + 1];

	for (size_t i = 0; i < COUNT(rows); i++) {
		jwk_thumbprint(rows[i].x, rows[i].y, jkt);
		ck_assert_msg(
		    strcmp(jkt, rows[i].jkt) == 0, "%s: %s", rows[i].why, jkt);
	}
}
END_TEST

START_TEST(both_forms_give_the_key)
{
	static const char *const forms[] = {
	    VECTOR_JWK,
	    "{\"private_jwk\":" VECTOR_JWK ",\"created\":1}",
	};

	for (size_t i = 0; i < COUNT(forms); i++) {
		struct err err = ERR_INIT;
		struct jwk jwk;

		ck_assert_msg(jwk_parse(span_of(forms[i]), &jwk, &err) == 0,
		    "%s", err.text);
		ck_assert_str_eq(jwk.jkt, VECTOR_JKT);
		ck_assert_str_eq(jwk.x, VECTOR_X);
		ck_assert_str_eq(jwk.y, VECTOR_Y);
		jwk_fini(&jwk);
	}
}
END_TEST

START_TEST(short_members_are_padded_first)
{
	/* x and d of this key begin with a zero byte, RFC 7518 6.2.1.2 */
	struct err err = ERR_INIT;
	struct jwk full, shortened;

	ck_assert_msg(jwk_parse(span_of(SHORT_JWK_FULL), &full, &err) == 0,
	    "%s", err.text);
	ck_assert_msg(jwk_parse(span_of(SHORT_JWK_CUT), &shortened, &err) == 0,
	    "%s", err.text);
	ck_assert_str_eq(full.jkt, shortened.jkt);
	ck_assert_str_eq(full.x, shortened.x);
	ck_assert_uint_eq(strlen(shortened.x), JWK_COORD_LEN);
	ck_assert_int_eq(EVP_PKEY_eq(full.key, shortened.key), 1);
	jwk_fini(&full);
	jwk_fini(&shortened);
}
END_TEST

START_TEST(bad_keys_are_refused)
{
	static const struct {
		const char *why, *json, *names;
	} rows[] = {
	    {"empty", "", "not a JSON object"},
	    {"not JSON", "{\"kty\":", "not a JSON object"},
	    {"an array", "[]", "not a JSON object"},
	    {"twice the same member", "{\"kty\":\"EC\",\"kty\":\"EC\"}",
		"not a JSON object"},
	    {"nothing in it", "{}", "\"kty\" is missing"},
	    {"private_jwk is no object", "{\"private_jwk\":1}",
		"\"kty\" is missing"},
	    {"RSA", "{\"kty\":\"RSA\",\"n\":\"AQAB\"}", "\"kty\" is \"RSA\""},
	    {"other curve",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
		"\"crv\" is \"P-384\""},
	    {"public only",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X
		"\",\"y\":\"" VECTOR_Y "\"}",
		"\"d\" is missing"},
	    {"x is a number",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":\"AA\"}",
		"\"x\""},
	    {"padding, RFC 7515 section 2",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X
		"=\",\"y\":\"" VECTOR_Y "\",\"d\":\"" VECTOR_D "\"}",
		"\"x\""},
	    {"x too long",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X
		"AA\",\"y\":\"" VECTOR_Y "\",\"d\":\"" VECTOR_D "\"}",
		"\"x\""},
	    {"x empty",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":"
		"\"" VECTOR_Y "\",\"d\":\"" VECTOR_D "\"}",
		"\"x\""},
	    {"point not on the curve",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_Y
		"\",\"y\":\"" VECTOR_X "\",\"d\":\"" VECTOR_D "\"}",
		"not a point on P-256"},
	    {"another key's d",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X
		"\",\"y\":\"" VECTOR_Y
		"\",\"d\":\"AvZzL1gdAFr88hb2OF_2NxApJCzGCEDdfSp6VQO30hw\"}",
		"\"d\" does not belong"},
	    {"d is zero",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X
		"\",\"y\":\"" VECTOR_Y "\",\"d\":\"AA\"}",
		"\"d\""},
	    {"d is the group's order",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X
		"\",\"y\":\"" VECTOR_Y
		"\",\"d\":\"_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE\"}",
		"\"d\""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		struct jwk jwk;

		ck_assert_msg(
		    jwk_parse(span_of(rows[i].json), &jwk, &err) == -1, "%s",
		    rows[i].why);
		ck_assert_msg(strstr(err.text, rows[i].names) != NULL, "%s: %s",
		    rows[i].why, err.text);
		ck_assert_msg(!strstr(err.text, VECTOR_D), "%s: %s",
		    rows[i].why, err.text);
		ck_assert_ptr_null(jwk.key);
		jwk_fini(&jwk);
	}
}
END_TEST

START_TEST(made_keys_differ)
{
	struct err err = ERR_INIT;
	struct jwk a, b;

	ck_assert_int_eq(jwk_generate(&a, &err), 0);
	ck_assert_int_eq(jwk_generate(&b, &err), 0);
	ck_assert_uint_eq(strlen(a.jkt), JWK_JKT_LEN);
	ck_assert_str_ne(a.jkt, b.jkt);
	jwk_fini(&a);
	jwk_fini(&b);
}
END_TEST

UNIT_MAIN("jwk", thumbprint_of_known_keys, both_forms_give_the_key,
    short_members_are_padded_first, bad_keys_are_refused, made_keys_differ)
