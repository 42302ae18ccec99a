/*
 * courttoken: the Court's access tokens: RS256, always bound, no leeway.
 *
 * Owner: the court.
 */
#include "mastio/court.h"

#include "mastio/exchange.h"
#include "mastio/jose.h"
#include "mastio/journal.h"
#include "mastio/map.h"
#include "mastio/pki.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

struct court_tokens {
	EVP_PKEY *key; /* NULL: not needed yet */
	char *kid;
	uintptr_t epoch;     /* raised by court_expire_tokens() */
	struct map *issued;  /* jti to the epoch in which it was minted */
	struct map *revoked; /* agent id to the second */
};

struct court_tokens *
court_tokens_new(void)
{
	struct court_tokens *t = xcalloc(1, sizeof(*t));

	t->epoch = 1;
	t->issued = map_new(NULL);
	t->revoked = map_new(NULL);
	return t;
}

static void
drop_key(struct court_tokens *t)
{
	EVP_PKEY_free(t->key);
	t->key = NULL;
	free(t->kid);
	t->kid = NULL;
}

void
court_tokens_free(struct court_tokens *t)
{
	drop_key(t);
	map_free(t->issued);
	map_free(t->revoked);
	free(t);
}

/* Making an RSA key takes its time, and few gateways need one. */
static void
need_key(struct court_tokens *t)
{
	json_t *jwk;

	if (t->key)
		return;
	t->key = pki_make_key("rsa2048");
	jwk = jwk_from_key(t->key, false);
	t->kid = jwk_thumbprint(jwk);
	json_decref(jwk);
}

void
court_rotate_key(struct court *c)
{
	drop_key(court_tokens(c));
}

void
court_expire_tokens(struct court *c)
{
	court_tokens(c)->epoch++;
}

void
court_revoke(struct server *srv, const char *agent_id)
{
	struct map *revoked = court_tokens(srv->court)->revoked;

	map_take(revoked, agent_id, 0);
	map_add(revoked, agent_id, (void *)(uintptr_t)server_now(srv),
	    MAP_FOR_EVER, 0);
}

bool
court_token_revoked(struct court *c, const struct court_token *t)
{
	int64_t when = (int64_t)(uintptr_t)map_get(
	    court_tokens(c)->revoked, t->agent_id, 0);

	return when && t->iat <= when;
}

char *
court_token_mint(
    struct server *srv, const char *agent_id, const char *sub, const char *jkt)
{
	struct court_tokens *t = court_tokens(srv->court);
	int64_t now = server_now(srv);
	char jti[33], *text;
	json_t *header, *claims;

	need_key(t);
	random_hex(jti, 16);
	header = json_pack(
	    "{s:s, s:s, s:s}", "alg", "RS256", "kid", t->kid, "typ", "JWT");
	claims = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s], s:s, s:I, s:I, "
			   "s:s, s:{s:s}}",
	    "iss", "cullis-broker", "aud", "cullis", "sub", sub, "agent_id",
	    agent_id, "org", srv->org, "scope", "broker.use", "principal_type",
	    "agent", "iat", (json_int_t)now, "exp",
	    (json_int_t)(now + srv->set.court_token_ttl), "jti", jti, "cnf",
	    "jkt", jkt);
	map_add(t->issued, jti, (void *)t->epoch, MAP_FOR_EVER, 0);
	text = jws_sign(header, claims, "RS256", t->key);
	json_decref(header);
	json_decref(claims);
	return text;
}

static const char *
claim(const json_t *claims, const char *name)
{
	return json_string_value(json_object_get(claims, name));
}

/* The claims if the Court signed them, or NULL. */
static json_t *
verified_claims(struct court_tokens *t, const char *text)
{
	json_t *claims = NULL;
	const char *alg;
	struct jws j;

	if (!t->key || !jws_parse(&j, text))
		return NULL;
	alg = claim(j.header, "alg");
	if (alg && strcmp(alg, "RS256") == 0 &&
	    jws_verify(&j, text, "RS256", t->key))
		claims = json_incref(j.claims);
	jws_fini(&j);
	return claims;
}

bool
court_token_open(struct exchange *x, const char *text, struct court_token *out)
{
	struct court_tokens *t = court_tokens(x->srv->court);
	const json_t *c;
	uintptr_t epoch;
	bool expired;

	memset(out, 0, sizeof(*out));
	if (!x->srv->set.federated)
		return false;
	out->claims = verified_claims(t, text);
	if (!out->claims)
		return false;
	c = out->claims;
	out->agent_id = claim(c, "agent_id");
	out->jkt = claim(json_object_get(c, "cnf"), "jkt");
	out->iat = json_integer_value(json_object_get(c, "iat"));
	out->exp = json_integer_value(json_object_get(c, "exp"));
	epoch = (uintptr_t)map_get(t->issued, claim(c, "jti"), 0);
	expired = server_now(x->srv) >= out->exp || epoch < t->epoch;
	if (!x->log->token)
		x->log->token = json_pack("{s:s, s:s, s:s, s:b, s:b}", "kind",
		    "court", "sub", claim(c, "sub"), "jti", claim(c, "jti"),
		    "bound", 1, "expired", expired);
	if (!expired)
		return true;
	court_token_fini(out);
	return false;
}

void
court_token_fini(struct court_token *t)
{
	json_decref(t->claims);
	memset(t, 0, sizeof(*t));
}
