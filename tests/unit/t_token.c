/*
 * t_token: what is taken from a login answer.
 */
#include "auth/token.h"
#include "base/b64.h"
#include "base/mem.h"

#include "unit.h"

#define JKT "19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8"

/* A token whose payload is the given JSON. */
static char *
jwt_of(const char *claims)
{
	struct buf b = BUF_INIT;

	buf_add_str(&b, "eyJhbGciOiJFUzI1NiJ9.");
	buf_add_b64url(&b, claims, strlen(claims));
	buf_add_str(&b, ".c2ln");
	return buf_steal_str(&b);
}

static struct token *
answer(const char *claims, const char *rest, struct err *err)
{
	char *jwt = jwt_of(claims);
	char *json = mem_printf("{\"access_token\":\"%s\",%s}", jwt, rest);
	struct token *t = token_from_response(
	    span_of(json), JKT, "https://mastio.test", 1000000, err);

	free(json);
	free(jwt);
	return t;
}

START_TEST(kind_and_binding)
{
	static const struct {
		const char *why, *claims, *rest;
		enum token_kind kind;
		bool bound, other;
	} rows[] = {
	    {"bound, from the Mastio",
		"{\"iss\":\"cullis-mastio:orga\",\"cnf\":{\"jkt\":\"" JKT
		"\"}}",
		"\"token_type\":\"Bearer\",\"expires_in\":900", TOKEN_LOCAL,
		true, false},
	    {"unbound: the proof was not taken",
		"{\"iss\":\"cullis-mastio:orga\"}",
		"\"token_type\":\"Bearer\",\"expires_in\":900", TOKEN_LOCAL,
		false, false},
	    {"bound to another key",
		"{\"iss\":\"cullis-mastio:orga\",\"cnf\":{\"jkt\":\"0000\"}}",
		"\"token_type\":\"bearer\",\"expires_in\":900", TOKEN_LOCAL,
		false, true},
	    {"cnf of another shape", "{\"cnf\":\"" JKT "\"}",
		"\"token_type\":\"Bearer\",\"expires_in\":900", TOKEN_LOCAL,
		false, false},
	    {"from the Court",
		"{\"iss\":\"cullis-broker\",\"cnf\":{\"jkt\":\"" JKT "\"}}",
		"\"token_type\":\"DPoP\",\"expires_in\":1800", TOKEN_COURT,
		true, false},
	    {"the issuer decides",
		"{\"iss\":\"cullis-mastio:orga\",\"cnf\":{\"jkt\":\"" JKT
		"\"}}",
		"\"token_type\":\"DPoP\",\"expires_in\":1800", TOKEN_LOCAL,
		true, false},
	    {"payload that is no JSON", "nonsense",
		"\"token_type\":\"DPoP\",\"expires_in\":1800", TOKEN_COURT,
		false, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		struct token *t = answer(rows[i].claims, rows[i].rest, &err);

		ck_assert_msg(t != NULL, "%s: %s", rows[i].why, err.text);
		ck_assert_msg(t->kind == rows[i].kind, "%s", rows[i].why);
		ck_assert_msg(t->bound == rows[i].bound, "%s", rows[i].why);
		ck_assert_msg(
		    t->bound_to_other == rows[i].other, "%s", rows[i].why);
		ck_assert_str_eq(t->htu_base, "https://mastio.test");
		token_unref(t);
	}
}
END_TEST

/* The Court takes a token to its end and not a moment longer, and both count
 * whole seconds: it is not shown any more a little before. */
START_TEST(no_grace)
{
	static const struct {
		const char *rest;
		int64_t life_ms;
	} rows[] = {
	    {"\"token_type\":\"DPoP\",\"expires_in\":1800", 1798000},
	    {"\"token_type\":\"DPoP\",\"expires_in\":4", 2000},
	    {"\"token_type\":\"DPoP\",\"expires_in\":1", 500},
	    {"\"token_type\":\"Bearer\",\"expires_in\":900", 900000},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		struct token *t = answer("{}", rows[i].rest, &err);

		ck_assert_ptr_nonnull(t);
		ck_assert_int_eq(t->expires_ms, 1000000 + rows[i].life_ms);
		token_unref(t);
	}
}
END_TEST

START_TEST(life)
{
	static const struct {
		const char *why, *claims, *rest;
		int64_t life_s; /* 0 = refused */
	} rows[] = {
	    {"expires_in", "{}", "\"expires_in\":900", 900},
	    {"it wins over the claims", "{\"iat\":1,\"exp\":2}",
		"\"expires_in\":900", 900},
	    {"a fraction", "{}", "\"expires_in\":900.9", 900},
	    {"missing: the claims", "{\"iat\":1000,\"exp\":1300}",
		"\"scope\":\"x\"", 300},
	    {"missing in both", "{}", "\"scope\":\"x\"", 0},
	    {"zero", "{}", "\"expires_in\":0", 0},
	    {"negative", "{}", "\"expires_in\":-5", 0},
	    {"a string", "{\"iat\":1000,\"exp\":1300}",
		"\"expires_in\":\"900\"", 0},
	    {"absurd", "{}", "\"expires_in\":1e300", TOKEN_LIFE_MAX_S},
	    {"ends before it begins", "{\"iat\":1300,\"exp\":1000}",
		"\"scope\":\"x\"", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		char *rest =
		    mem_printf("\"token_type\":\"Bearer\",%s", rows[i].rest);
		struct token *t = answer(rows[i].claims, rest, &err);

		free(rest);
		if (rows[i].life_s == 0) {
			ck_assert_msg(!t, "%s", rows[i].why);
			ck_assert_ptr_nonnull(strstr(err.text, "expires_in"));
			continue;
		}
		ck_assert_msg(t != NULL, "%s: %s", rows[i].why, err.text);
		ck_assert_int_eq(
		    t->expires_ms, 1000000 + rows[i].life_s * 1000);
		ck_assert_int_eq(t->refresh_ms, 1000000 + rows[i].life_s * 800);
		ck_assert(token_usable(t, t->expires_ms - 1));
		ck_assert(!token_usable(t, t->expires_ms));
		token_unref(t);
	}
	ck_assert(!token_usable(NULL, 0));
}
END_TEST

START_TEST(only_b64token_may_enter_a_header)
{
	/* RFC 6750 section 2.1 */
	static const struct {
		const char *token; /* as JSON text */
		bool ok;
	} rows[] = {
	    {"abcXYZ019-._~+/", true},
	    {"a==", true},
	    {"", false},
	    {"==", false},
	    {"a=b", false},
	    {"a b", false},
	    {"a\\tb", false},
	    {"a\\r\\nX-Evil: 1", false},
	    {"a\\u0000b", false},
	    {"a\\u00fcb", false},
	    {"a,b", false},
	    {"a\\\"b", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		char *json = mem_printf(
		    "{\"access_token\":\"%s\",\"token_type\":\"Bearer\","
		    "\"expires_in\":900}",
		    rows[i].token);
		struct token *t =
		    token_from_response(span_of(json), JKT, "b", 0, &err);

		ck_assert_msg((t != NULL) == rows[i].ok, "%s", rows[i].token);
		if (t)
			ck_span(token_span(t), rows[i].token);
		token_unref(t);
		free(json);
	}
}
END_TEST

static struct token *
token_of_size(size_t n)
{
	struct err err = ERR_INIT;
	char *text = mem_alloc(n + 1), *json;
	struct token *t;

	memset(text, 'a', n);
	json = mem_printf("{\"access_token\":\"%s\",\"token_type\":\"DPoP\","
			  "\"expires_in\":900}",
	    text);
	t = token_from_response(span_of(json), JKT, "b", 0, &err);
	free(json);
	free(text);
	return t;
}

START_TEST(sizes)
{
	struct token *t = token_of_size(TOKEN_MAX);

	ck_assert_ptr_nonnull(t);
	ck_assert_uint_eq(t->text_len, TOKEN_MAX);
	/* the whole line fits into nginx's 8 KiB */
	ck_assert_uint_le(
	    strlen("Authorization: DPoP ") + t->text_len + 2, 8192);
	token_unref(t);
	ck_assert_ptr_null(token_of_size(TOKEN_MAX + 1));
	ck_assert_ptr_null(token_of_size(TOKEN_RESPONSE_MAX));
}
END_TEST

START_TEST(ath_of_known_tokens)
{
	static const struct {
		const char *why, *token, *ath;
	} rows[] = {
	    {"vendor's vector", "fake-access-token",
		"DtZ-eDliNvBox_A7Xdly-2TQvaz-Vr0RAsBHvK3nmIc"},
	    {"RFC 9449 section 7.1",
		"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
		"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;
		char *json = mem_printf(
		    "{\"access_token\":\"%s\",\"token_type\":\"DPoP\","
		    "\"expires_in\":900}",
		    rows[i].token);
		struct token *t =
		    token_from_response(span_of(json), JKT, "b", 0, &err);

		ck_assert_ptr_nonnull(t);
		ck_assert_msg(strcmp(t->ath, rows[i].ath) == 0, "%s: %s",
		    rows[i].why, t->ath);
		token_unref(t);
		free(json);
	}
}
END_TEST

START_TEST(answers_that_are_none)
{
	static const struct {
		const char *why, *json;
	} rows[] = {
	    {"empty", ""},
	    {"nginx's page", "<html><body>502</body></html>"},
	    {"an array", "[]"},
	    {"cut", "{\"access_token\":\"abc\""},
	    {"no token", "{\"token_type\":\"Bearer\",\"expires_in\":900}"},
	    {"token is a number", "{\"access_token\":1,\"token_type\":"
				  "\"Bearer\",\"expires_in\":900}"},
	    {"no type", "{\"access_token\":\"abc\",\"expires_in\":900}"},
	    {"other type", "{\"access_token\":\"abc\",\"token_type\":\"mac\","
			   "\"expires_in\":900}"},
	    {"member twice",
		"{\"access_token\":\"abc\",\"access_token\":\"abd\","
		"\"token_type\":\"Bearer\",\"expires_in\":900}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;

		ck_assert_msg(!token_from_response(
				  span_of(rows[i].json), JKT, "b", 0, &err),
		    "%s", rows[i].why);
		ck_assert_msg(err.text[0] && !strstr(err.text, "abc"), "%s: %s",
		    rows[i].why, err.text);
	}
}
END_TEST

START_TEST(references)
{
	struct err err = ERR_INIT;
	struct token *t =
	    answer("{}", "\"token_type\":\"Bearer\",\"expires_in\":900", &err);

	ck_assert_ptr_eq(token_ref(t), t);
	token_unref(t);
	ck_assert_uint_gt(token_span(t).n, 0);
	token_unref(t);
	token_unref(NULL);
}
END_TEST

UNIT_MAIN("token", kind_and_binding, life, no_grace,
    only_b64token_may_enter_a_header, sizes, ath_of_known_tokens,
    answers_that_are_none, references)
