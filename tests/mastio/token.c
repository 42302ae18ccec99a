/*
 * token: see token.h.
 */
#include "mastio/token.h"

#include "mastio/jose.h"
#include "mastio/map.h"
#include "mastio/pki.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#define EXPIRY_LEEWAY 30
#define MEMO_SIZE 16

/* The last tokens whose signature was good: a client sends one many times. */
struct memo {
	char *text;
	json_t *claims;
};

struct tokens {
	EVP_PKEY *key;
	char *kid;
	uintptr_t epoch;    /* raised by tokens_expire() */
	struct map *issued; /* jti to the epoch in which it was minted */
	struct memo memos[MEMO_SIZE];
	size_t next_memo;
};

static void
memos_clear(struct tokens *t)
{
	for (size_t i = 0; i < MEMO_SIZE; i++) {
		free(t->memos[i].text);
		json_decref(t->memos[i].claims);
		t->memos[i] = (struct memo){NULL, NULL};
	}
}

static void
set_key(struct tokens *t, EVP_PKEY *key)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX_SIZE], *pem = pki_public_pem(key);

	EVP_PKEY_free(t->key);
	t->key = key;
	sha256(pem, strlen(pem), digest);
	hex_encode(digest, sizeof(digest), hex);
	free(t->kid);
	t->kid = xasprintf("mastio-%.16s", hex);
	free(pem);
	memos_clear(t);
}

struct tokens *
tokens_open(const char *dir)
{
	char *pki = xasprintf("%s/pki", dir);
	EVP_PKEY *key = pki_read_key(pki, "token.key");
	struct tokens *t = NULL;

	free(pki);
	if (!key)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->epoch = 1;
	t->issued = map_new(NULL);
	set_key(t, key);
	return t;
}

void
tokens_free(struct tokens *t)
{
	if (!t)
		return;
	memos_clear(t);
	map_free(t->issued);
	EVP_PKEY_free(t->key);
	free(t->kid);
	free(t);
}

void
tokens_rotate_key(struct tokens *t)
{
	set_key(t, pki_make_key("p256"));
}

void
tokens_expire(struct tokens *t)
{
	t->epoch++;
}

json_t *
tokens_jwk(const struct tokens *t)
{
	json_t *jwk = jwk_from_key(t->key, false);

	json_object_set_new(jwk, "use", json_string("sig"));
	json_object_set_new(jwk, "alg", json_string("ES256"));
	json_object_set_new(jwk, "kid", json_string(t->kid));
	return jwk;
}

char *
tokens_endorse(const struct tokens *t, const char *text)
{
	return ecdsa_der_sign(text, t->key);
}

static void
make_uuid(char out[37])
{
	char hex[33];

	random_hex(hex, 16);
	hex[12] = '4';
	hex[16] = 'a';
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
	    hex + 16, hex + 20);
}

char *
token_mint(
    struct server *srv, const char *sub, const char *org, const char *jkt)
{
	struct tokens *t = srv->tokens;
	int64_t now = server_now(srv);
	char jti[37], *iss = xasprintf("cullis-mastio:%s", srv->org), *text;
	json_t *header = json_pack(
	    "{s:s, s:s, s:s}", "alg", "ES256", "kid", t->kid, "typ", "JWT");
	json_t *claims;

	make_uuid(jti);
	claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "iss", iss,
	    "aud", "cullis-local", "sub", sub, "scope", "local", "iat",
	    (json_int_t)now, "exp", (json_int_t)(now + srv->set.token_ttl),
	    "jti", jti);
	if (jkt)
		json_object_set_new(
		    claims, "cnf", json_pack("{s:s}", "jkt", jkt));
	if (org) {
		json_object_set_new(
		    claims, "principal_type", json_string("agent"));
		json_object_set_new(claims, "org", json_string(org));
	}
	map_add(t->issued, jti, (void *)t->epoch, MAP_FOR_EVER, 0);
	text = jws_sign(header, claims, "ES256", t->key);
	json_decref(header);
	json_decref(claims);
	free(iss);
	return text;
}

static json_t *
memo_find(struct tokens *t, const char *text)
{
	for (size_t i = 0; i < MEMO_SIZE; i++)
		if (t->memos[i].text && !strcmp(t->memos[i].text, text))
			return json_incref(t->memos[i].claims);
	return NULL;
}

static void
memo_add(struct tokens *t, const char *text, json_t *claims)
{
	struct memo *m = &t->memos[t->next_memo++ % MEMO_SIZE];

	free(m->text);
	json_decref(m->claims);
	m->text = xstrdup(text);
	m->claims = json_incref(claims);
}

/* The claims if our key signed them; *ours says whether the kid is ours. */
static json_t *
open_token(struct tokens *t, const char *text, bool *ours)
{
	json_t *claims = memo_find(t, text);
	const char *kid, *alg;
	struct jws j;

	*ours = claims != NULL;
	if (claims || !jws_parse(&j, text))
		return claims;
	kid = json_string_value(json_object_get(j.header, "kid"));
	alg = json_string_value(json_object_get(j.header, "alg"));
	*ours = kid && strcmp(kid, t->kid) == 0;
	if (*ours && alg && strcmp(alg, "ES256") == 0 &&
	    jws_verify(&j, text, "ES256", t->key)) {
		claims = json_incref(j.claims);
		memo_add(t, text, claims);
	}
	jws_fini(&j);
	return claims;
}

enum token_verdict
token_judge(struct server *srv, const char *text, struct token *out)
{
	json_t *cnf;
	json_int_t exp;
	uintptr_t epoch;
	bool ours;

	memset(out, 0, sizeof(*out));
	out->claims = open_token(srv->tokens, text, &ours);
	if (!ours)
		return TOKEN_UNKNOWN;
	if (!out->claims)
		return TOKEN_REJECTED;
	cnf = json_object_get(out->claims, "cnf");
	out->sub = json_string_value(json_object_get(out->claims, "sub"));
	out->jti = json_string_value(json_object_get(out->claims, "jti"));
	out->jkt = json_string_value(json_object_get(cnf, "jkt"));
	exp = json_integer_value(json_object_get(out->claims, "exp"));
	epoch = (uintptr_t)map_get(srv->tokens->issued, out->jti, 0);
	out->expired = server_now(srv) >= exp + EXPIRY_LEEWAY ||
		       (epoch && epoch < srv->tokens->epoch);
	return out->expired ? TOKEN_REJECTED : TOKEN_GOOD;
}

void
token_fini(struct token *t)
{
	json_decref(t->claims);
	memset(t, 0, sizeof(*t));
}
