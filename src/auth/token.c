/*
 * token: see token.h.
 */
#include "auth/token.h"

#include "base/b64.h"
#include "base/mem.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define REFRESH_PERCENT 80
/* Both issuers count whole seconds, and a request takes time to arrive.  The
 * Mastio takes a token for half a minute after its end, the Court does not. */
#define COURT_MARGIN_MS 2000

/* b64token = 1*( ALPHA / DIGIT / "-._~+/" ) *"=", RFC 6750 section 2.1. */
static bool
b64token_ok(struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) &&
		    (c == 0 || !strchr("-._~+/", c)))
			break;
		i++;
	}
	if (i == 0 || s.n > TOKEN_MAX)
		return false;
	while (i < s.n && s.p[i] == '=')
		i++;
	return i == s.n;
}

/* The claims of a JWT, or NULL if it is none; the signature is the gateway's
 * business. */
static json_t *
claims_of(struct span text)
{
	struct span rest = text, payload;
	size_t max;
	ssize_t n;
	char *raw;
	json_t *claims = NULL;

	span_cut(&rest, '.');
	if (!rest.p)
		return NULL;
	payload = span_cut(&rest, '.');
	if (!rest.p)
		return NULL;
	max = payload.n; /* decoded it is shorter */
	raw = mem_alloc(max + 1);
	n = b64url_decode(raw, max, payload);
	if (n > 0)
		claims =
		    json_loadb(raw, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	mem_wipe_free(raw, max + 1);
	return claims;
}

/* Seconds that the token lives: expires_in, else what its claims say. */
static int64_t
life_of(const json_t *answer, const json_t *claims)
{
	const json_t *expires_in = json_object_get(answer, "expires_in");
	const json_t *exp = json_object_get(claims, "exp");
	const json_t *iat = json_object_get(claims, "iat");
	double life = 0;

	if (json_is_number(expires_in))
		life = json_number_value(expires_in);
	else if (!expires_in && json_is_number(exp) && json_is_number(iat))
		life = json_number_value(exp) - json_number_value(iat);
	if (!(life >= 1))
		return 0;
	return life < TOKEN_LIFE_MAX_S ? (int64_t)life : TOKEN_LIFE_MAX_S;
}

/* Which of the two issuers made it; false for a type that is neither's. */
static bool
kind_of(const json_t *answer, const json_t *claims, enum token_kind *kind)
{
	const char *type =
	    json_string_value(json_object_get(answer, "token_type"));
	const char *iss = json_string_value(json_object_get(claims, "iss"));
	struct span t = span_of(type);

	if (span_ieq(t, SPAN("DPoP")))
		*kind = TOKEN_COURT;
	else if (span_ieq(t, SPAN("Bearer")))
		*kind = TOKEN_LOCAL;
	else
		return false;
	if (iss && strcmp(iss, "cullis-broker") == 0)
		*kind = TOKEN_COURT;
	else if (span_starts(span_of(iss), SPAN("cullis-mastio:")))
		*kind = TOKEN_LOCAL;
	return true;
}

static int64_t
margin_ms(enum token_kind kind, int64_t life_s)
{
	if (kind == TOKEN_LOCAL)
		return 0;
	return life_s * 500 < COURT_MARGIN_MS ? life_s * 500 : COURT_MARGIN_MS;
}

static void
fill_binding(struct token *t, const json_t *claims, const char *jkt)
{
	const char *cnf = json_string_value(
	    json_object_get(json_object_get(claims, "cnf"), "jkt"));

	t->bound = cnf && strcmp(cnf, jkt) == 0;
	t->bound_to_other = cnf && !t->bound;
}

void
token_ath(struct span text, char ath[TOKEN_ATH_LEN + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text.p, text.n, digest);
	b64url_encode(ath, digest, sizeof(digest));
	ath[TOKEN_ATH_LEN] = '\0';
}

static void
fill_text(struct token *t, struct span text)
{
	t->text = span_dup(text);
	t->text_len = text.n;
	token_ath(text, t->ath);
}

struct token *
token_from_response(struct span json, const char *jkt, const char *htu_base,
    int64_t now_ms, struct err *err)
{
	json_t *answer = NULL, *claims = NULL;
	const json_t *member;
	struct token *t = NULL;
	enum token_kind kind;
	struct span text;
	int64_t life;

	if (json.n <= TOKEN_RESPONSE_MAX)
		answer =
		    json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(answer)) {
		err_set(err, EXIT_RUNTIME,
		    "the gateway's login answer is not a JSON object of at "
		    "most 64 KiB; is gateway really a Mastio?");
		goto out;
	}
	member = json_object_get(answer, "access_token");
	text = span_new(json_string_value(member), json_string_length(member));
	if (!text.p || !b64token_ok(text)) {
		err_set(err, EXIT_RUNTIME,
		    "the gateway's login answer holds no access_token that "
		    "fits into a header field (RFC 6750 section 2.1, at most "
		    "%d bytes)",
		    TOKEN_MAX);
		goto out;
	}
	claims = claims_of(text);
	if (!kind_of(answer, claims, &kind)) {
		err_set(err, EXIT_RUNTIME,
		    "the gateway's login answer has a token_type that is "
		    "neither Bearer nor DPoP");
		goto out;
	}
	life = life_of(answer, claims);
	if (life == 0) {
		err_set(err, EXIT_RUNTIME,
		    "the gateway's login answer gives a token without a life: "
		    "expires_in is missing or below 1");
		goto out;
	}
	t = MEM_NEW(struct token);
	atomic_init(&t->refs, 1);
	t->kind = kind;
	t->expires_ms = now_ms + life * 1000 - margin_ms(kind, life);
	t->refresh_ms = now_ms + life * 10 * REFRESH_PERCENT;
	t->htu_base = mem_strdup(htu_base);
	fill_binding(t, claims, jkt);
	fill_text(t, text);
out:
	json_decref(claims);
	json_decref(answer);
	return t;
}

struct token *
token_ref(struct token *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void
token_unref(struct token *t)
{
	if (!t ||
	    atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	mem_wipe_free(t->text, t->text_len);
	mem_wipe_free_str(t->nonce);
	free(t->htu_base);
	mem_wipe_free(t, sizeof(*t));
}

bool
token_usable(const struct token *t, int64_t now_ms)
{
	return t && now_ms < t->expires_ms;
}
