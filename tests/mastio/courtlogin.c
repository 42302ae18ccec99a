/*
 * courtlogin: POST /v1/auth/token at the Court: rate limit, proof with a nonce
 * of the Court, assertion without leeway and of single use, agent, binding.
 */
#include "mastio/court.h"

#include "mastio/assertion.h"
#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/proof.h"
#include "mastio/records.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

static bool
fail(struct assertion *a, const char *why)
{
	a->why = xstrdup(why);
	return false;
}

static bool
dates_good(X509 *cert, time_t now)
{
	return X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(cert), &now) > 0;
}

static bool
signed_by(X509 *cert, X509 *issuer)
{
	int ok = X509_verify(cert, X509_get0_pubkey(issuer));

	ERR_clear_error();
	return ok == 1;
}

static bool
has_duplicate(const struct assertion *a)
{
	for (int i = 0; i < a->nchain; i++)
		for (int k = i + 1; k < a->nchain; k++)
			if (X509_cmp(a->chain[i], a->chain[k]) == 0)
				return true;
	return false;
}

/* The chain up to the Org Root, which may be its last entry. */
static bool
check_chain(struct assertion *a, struct server *srv)
{
	time_t now = (time_t)server_now(srv);
	int n = a->nchain;

	if (has_duplicate(a))
		return fail(a, "certificate chain contains a duplicate entry");
	if (n > 1 && X509_cmp(a->chain[n - 1], srv->root) == 0)
		n--;
	for (int i = 0; i < n; i++) {
		X509 *issuer = i + 1 < n ? a->chain[i + 1] : srv->root;

		if (!dates_good(a->chain[i], now))
			return fail(a, "certificate in chain is expired or "
				       "not yet valid");
		if (signed_by(a->chain[i], issuer))
			continue;
		a->why = xasprintf("certificate chain broken at position %d: "
				   "signature verification failed",
		    i);
		return false;
	}
	return true;
}

static bool
read_certificates(struct assertion *a, struct server *srv)
{
	json_t *x5c;

	if (!jws_parse(&a->jws, a->text))
		return fail(a, "invalid client_assertion");
	x5c = json_object_get(a->jws.header, "x5c");
	if (!json_array_size(x5c))
		return fail(a, "x5c header absent or empty");
	if (!assertion_read_chain(a)) {
		free(a->why);
		return fail(a, "Invalid agent certificate");
	}
	return check_chain(a, srv);
}

/* Signature, audience and times have one text. */
static bool
check_signature(struct assertion *a, int64_t now)
{
	EVP_PKEY *key = X509_get0_pubkey(a->chain[0]);
	const char *alg =
	    json_string_value(json_object_get(a->jws.header, "alg"));
	const json_t *iat = json_object_get(a->jws.claims, "iat");
	const json_t *exp = json_object_get(a->jws.claims, "exp");
	int type = EVP_PKEY_get_base_id(key);
	const char *want = type == EVP_PKEY_EC ? "ES256" : "RS256";

	a->crash = type == EVP_PKEY_EC && !key_is_p256(key);
	if ((type != EVP_PKEY_EC && type != EVP_PKEY_RSA) || a->crash || !alg ||
	    strcmp(alg, want) != 0 ||
	    !jws_verify(&a->jws, a->text, want, key) ||
	    !assertion_has_audience(a) || !json_is_number(iat) ||
	    json_number_value(iat) > (double)now || !json_is_number(exp) ||
	    json_number_value(exp) <= (double)now)
		return fail(a, "Invalid client_assertion signature");
	return true;
}

/* The agent's name in either form. */
static bool
names_agent(const struct assertion *a, const char *member)
{
	const char *s =
	    json_string_value(json_object_get(a->jws.claims, member));
	char *uri = pki_first_uri(a->chain[0]);
	bool good = s && (strcmp(s, a->id.agent_id) == 0 ||
			     (uri && strcmp(s, uri) == 0));

	free(uri);
	return good;
}

static bool
check_identity(struct assertion *a, struct server *srv)
{
	const char *jti =
	    json_string_value(json_object_get(a->jws.claims, "jti"));

	if (!pki_identity(a->chain[0], &a->id))
		return fail(a, "Agent certificate names no agent");
	if (!names_agent(a, "sub"))
		return fail(a, "'sub' in JWT does not match the certificate");
	if (!names_agent(a, "iss"))
		return fail(a, "'iss' in JWT does not match the certificate");
	if (!jti)
		return fail(a, "client_assertion missing jti");
	if (!court_use_assertion(srv, jti))
		return fail(a, "client_assertion already used (replay attack "
			       "detected)");
	return true;
}

/* Does the CA that is registered here vouch for the agent? */
static bool
is_published(const struct server *srv, X509 *leaf)
{
	if (srv->set.court_ca == CA_ANY)
		return true;
	return signed_by(
	    leaf, srv->set.court_ca == CA_ROOT ? srv->root : srv->intermediate);
}

/* The refusal and its status, or NULL. */
static const char *
check_agent(struct exchange *x, const struct assertion *a, int *status)
{
	const struct record *rec =
	    records_find(x->srv->records, a->id.agent_id);

	*status = 401;
	if (!rec || !is_published(x->srv, a->chain[0]))
		return "Agent not found or org mismatch";
	*status = 403;
	if (!rec->active)
		return "Agent not active";
	if (!x->srv->set.court_binding)
		return "No approved binding for this agent and organization";
	return NULL;
}

static void
grant(struct exchange *x, const struct assertion *a, const char *jkt)
{
	char *uri = pki_first_uri(a->chain[0]);
	char *sub = uri ? xstrdup(uri)
			: xasprintf("spiffe://cullis.local/%s/%s", a->id.org,
			      a->id.name);
	char *token = court_token_mint(x->srv, a->id.agent_id, sub, jkt);

	journal_token(x->srv->journal, token);
	x->srv->stats.logins++;
	x->srv->stats.logins_bound++;
	answer_json(x, 200,
	    json_pack("{s:s, s:s, s:I}", "access_token", token, "token_type",
		"DPoP", "expires_in", (json_int_t)x->srv->set.court_token_ttl));
	free(token);
	free(sub);
	free(uri);
}

static void
refuse(struct exchange *x, int status, const char *why)
{
	x->srv->stats.logins_refused++;
	answer_detail(x, status, why);
}

static void
judge_assertion(struct exchange *x, const char *text, const char *jkt)
{
	struct assertion a = {.text = text};
	struct server *srv = x->srv;
	const char *why = NULL;
	int status = 401;

	if (read_certificates(&a, srv) &&
	    check_signature(&a, server_now(srv)) && check_identity(&a, srv))
		why = check_agent(x, &a, &status);
	else
		why = a.why;
	if (a.crash)
		answer_crash(x);
	else if (why)
		refuse(x, status, why);
	else
		grant(x, &a, jkt);
	assertion_fini(&a);
}

void
court_login(struct exchange *x)
{
	const char *text =
	    json_string_value(json_object_get(x->json, "client_assertion"));
	char *htu, *why;
	struct proof p;

	if (!proof_header(x) || !text) {
		answer_unprocessable(x, "missing",
		    text ? "dpop" : "client_assertion", "Field required");
		return;
	}
	if (!court_admits_login(x->srv)) {
		why = xasprintf("Rate limit exceeded for 'auth.token': max "
				"%lld req/60s",
		    (long long)x->srv->set.court_rate);
		answer_detail_with(x, 429, why, "Retry-After", "60");
		free(why);
		return;
	}
	htu = court_htu(x, x->path);
	p = proof_verify(
	    x, &(struct proof_rule){.htu = htu, .nonce = true, .court = true});
	if (p.detail)
		proof_answer(x, &p);
	else
		judge_assertion(x, text, p.jkt);
	proof_fini(&p);
	free(htu);
}
