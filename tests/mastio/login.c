/*
 * login: client assertions: the challenge, its endorsement, and the token
 * endpoint.
 */
#include "mastio/exchange.h"
#include "mastio/jose.h"
#include "mastio/pki.h"
#include "mastio/process.h"
#include "mastio/proof.h"
#include "mastio/records.h"
#include "mastio/routes.h"
#include "mastio/token.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#define CHAIN_MAX 6
#define LEEWAY 30
#define LIFETIME_MAX 300
#define AUDIENCE "agent-trust-broker"

/* A client assertion on its way through the checks. */
struct assertion {
	const char *text;
	struct jws jws;
	X509 *chain[CHAIN_MAX + 1];
	int nchain;
	struct identity id;
	char *why; /* the first check that failed, in the reference's words */
	bool crash;
};

static void
assertion_fini(struct assertion *a)
{
	jws_fini(&a->jws);
	for (int i = 0; i < a->nchain; i++)
		X509_free(a->chain[i]);
	identity_fini(&a->id);
	free(a->why);
}

static bool
fail(struct assertion *a, const char *why)
{
	a->why = xstrdup(why);
	return false;
}

static bool
read_entry(struct assertion *a, const json_t *entry)
{
	const char *text = json_string_value(entry);
	size_t n = 0;
	uint8_t *der = text ? b64_decode(text, strlen(text), &n) : NULL;
	const uint8_t *p = der;
	X509 *cert = der ? d2i_X509(NULL, &p, (long)n) : NULL;

	free(der);
	ERR_clear_error();
	if (!cert)
		return fail(a, "x509 chain: x5c entry is not valid base64");
	a->chain[a->nchain++] = cert;
	return true;
}

static bool
read_chain(struct assertion *a)
{
	json_t *x5c = json_object_get(a->jws.header, "x5c"), *entry;
	size_t n = json_array_size(x5c), i;

	if (!json_is_array(x5c))
		return fail(a, "x509 chain: x5c header missing or malformed");
	if (n == 0)
		return fail(a, "x509 chain: empty chain");
	if (n > CHAIN_MAX) {
		a->why = xasprintf(
		    "x509 chain: chain too long (%zu > %d)", n, CHAIN_MAX);
		return false;
	}
	json_array_foreach(
	    x5c, i, entry) if (!read_entry(a, entry)) return false;
	return true;
}

static bool
check_dates(struct assertion *a, X509 *cert, time_t now)
{
	if (X509_cmp_time(X509_get0_notBefore(cert), &now) < 0 &&
	    X509_cmp_time(X509_get0_notAfter(cert), &now) > 0)
		return true;
	return fail(a, "x509 chain: certificate outside validity window");
}

static bool
check_link(struct assertion *a, X509 *cert, X509 *issuer)
{
	int digest = NID_undef;
	int ok = X509_verify(cert, X509_get0_pubkey(issuer));

	ERR_clear_error();
	if (ok != 1)
		return fail(a, "x509 chain: chain signature invalid");
	if (X509_get_signature_info(cert, &digest, NULL, NULL, NULL) == 1 &&
	    (digest == NID_md5 || digest == NID_sha1))
		return fail(a, "x509 chain: weak signature hash algorithm");
	return true;
}

/* Each certificate is signed by the next, the last by the Org Root. */
static bool
check_chain(struct assertion *a, X509 *root, int64_t now)
{
	for (int i = 0; i < a->nchain; i++) {
		X509 *issuer = i + 1 < a->nchain ? a->chain[i + 1] : root;

		if (!check_dates(a, a->chain[i], now) ||
		    !check_link(a, a->chain[i], issuer))
			return false;
	}
	return check_dates(a, root, now);
}

static bool
check_signature(struct assertion *a)
{
	EVP_PKEY *key = X509_get0_pubkey(a->chain[0]);
	const char *alg =
	    json_string_value(json_object_get(a->jws.header, "alg"));
	int type = EVP_PKEY_get_base_id(key);
	const char *want = type == EVP_PKEY_EC ? "ES256" : "RS256";

	if (type != EVP_PKEY_EC && type != EVP_PKEY_RSA) {
		a->crash = true;
		return fail(a, "assertion: unsupported key");
	}
	if (!alg || strcmp(alg, want) != 0)
		return fail(
		    a, "assertion: The specified alg value is not allowed");
	if (type == EVP_PKEY_EC && !key_is_p256(key))
		return fail(a,
		    "assertion: The key's curve 'secp384r1' does not match "
		    "the expected curve 'secp256r1' for this algorithm");
	if (!jws_verify(&a->jws, a->text, want, key))
		return fail(a, "assertion: Signature verification failed");
	return true;
}

static bool
check_audience(struct assertion *a)
{
	json_t *aud = json_object_get(a->jws.claims, "aud"), *one;
	const char *s = json_string_value(aud);
	size_t i;

	if (s && strcmp(s, AUDIENCE) == 0)
		return true;
	json_array_foreach(aud, i, one)
	{
		s = json_string_value(one);
		if (s && strcmp(s, AUDIENCE) == 0)
			return true;
	}
	return fail(a, "assertion: Audience doesn't match");
}

static bool
check_claims(struct assertion *a, int64_t now)
{
	static const char *const needed[] = {"exp", "iat", "sub"};
	const json_t *claims = a->jws.claims;
	const char *sub = json_string_value(json_object_get(claims, "sub"));

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (json_object_get(claims, needed[i]))
			continue;
		a->why = xasprintf("assertion: Token is missing the \"%s\" "
				   "claim",
		    needed[i]);
		return false;
	}
	if (json_number_value(json_object_get(claims, "iat")) >
	    (double)(now + LEEWAY))
		return fail(a, "assertion: The token is not yet valid (iat)");
	if (json_number_value(json_object_get(claims, "exp")) <=
	    (double)(now - LEEWAY))
		return fail(a, "assertion: Signature has expired");
	if (!check_audience(a))
		return false;
	if (!pki_identity(a->chain[0], &a->id))
		return fail(a, "cert identity unparseable");
	if (!sub || strcmp(sub, a->id.agent_id) != 0)
		return fail(a, "sub does not match client cert");
	return true;
}

/* All checks of an assertion; false with a->why. */
static bool
assertion_check(struct exchange *x, struct assertion *a, const char *text)
{
	int64_t now = server_now(x->srv);

	memset(a, 0, sizeof(*a));
	a->text = text;
	if (!jws_parse(&a->jws, text)) {
		a->crash = true;
		return fail(a, "assertion: malformed");
	}
	return read_chain(a) && check_chain(a, x->srv->root, now) &&
	       check_signature(a) && check_claims(a, now);
}

/* The member of the JSON body, or NULL with 422 answered. */
static const char *
body_text(struct exchange *x, const char *name)
{
	const char *s = json_string_value(json_object_get(x->json, name));

	if (!s)
		answer_unprocessable(x, "missing", name, "Field required");
	return s;
}

/* The thumbprint to bind to: a proof that is bad for any reason is as good
 * as none.  Caller frees. */
static char *
binding_of(struct exchange *x)
{
	char *htu, *jkt = NULL;
	struct proof p;

	if (!proof_header(x))
		return NULL;
	htu = exchange_host_htu(x);
	p = proof_verify(x, &(struct proof_rule){.htu = htu});
	if (!p.detail) {
		jkt = p.jkt;
		p.jkt = NULL;
	}
	proof_fini(&p);
	free(htu);
	return jkt;
}

static void
refuse_login(struct exchange *x, const char *why)
{
	x->srv->stats.logins_refused++;
	answer_detail_with(
	    x, 401, why, "WWW-Authenticate", "Bearer realm=\"mcp-proxy\"");
}

static void
grant(struct exchange *x, const struct assertion *a)
{
	struct server *srv = x->srv;
	char *jkt = binding_of(x), *token, *issuer;
	const struct record *rec;

	if (!jkt && srv->set.require_bound) {
		refuse_login(x, "DPoP proof required for LOCAL_TOKEN binding");
		return;
	}
	rec = records_find(srv->records, a->id.agent_id);
	token = token_mint(srv, a->id.agent_id, rec ? a->id.org : NULL, jkt);
	issuer = xasprintf("cullis-mastio:%s", srv->org);
	srv->stats.logins++;
	if (jkt)
		srv->stats.logins_bound++;
	answer_json(x, 200,
	    json_pack("{s:s, s:s, s:I, s:s, s:s}", "access_token", token,
		"token_type", "Bearer", "expires_in",
		(json_int_t)srv->set.token_ttl, "scope", "local", "issued_by",
		issuer));
	free(issuer);
	free(token);
	free(jkt);
}

void
login_token(struct exchange *x)
{
	const char *text = body_text(x, "client_assertion");
	struct assertion a;

	if (!text)
		return;
	if (assertion_check(x, &a, text))
		grant(x, &a);
	else if (a.crash)
		answer_crash(x);
	else
		refuse_login(x, a.why);
	assertion_fini(&a);
}

void
login_challenge(struct exchange *x)
{
	char *nonce =
	    process_new_challenge(x->process, x->agent_id, server_now(x->srv));

	answer_json(x, 200,
	    json_pack("{s:s, s:i, s:s}", "nonce", nonce, "expires_in",
		CHALLENGE_LIFE, "agent_id", x->agent_id));
	free(nonce);
}

/* What only the endorsement looks at; NULL: all well, else the refusal. */
static const char *
endorse_check(struct exchange *x, const struct assertion *a, const char *nonce,
    int *status)
{
	const json_t *claims = a->jws.claims;
	const char *claim = json_string_value(json_object_get(claims, "nonce"));
	const struct record *rec = records_find(x->srv->records, x->agent_id);
	char pin[SHA256_HEX_SIZE];

	*status = 401;
	if (strcmp(a->id.agent_id, x->agent_id) != 0)
		return "assertion sub does not match authenticated agent";
	if (!claim || strcmp(claim, nonce) != 0)
		return "assertion nonce claim does not match request nonce";
	if (json_number_value(json_object_get(claims, "exp")) -
		json_number_value(json_object_get(claims, "iat")) >
	    LIFETIME_MAX) {
		*status = 400;
		return "assertion lifetime must be ≤ 300s";
	}
	pki_sha256_hex(a->chain[0], pin);
	if (!rec || strcmp(rec->pin, pin) != 0)
		return "leaf certificate does not match pinned "
		       "internal_agents.cert_pem";
	return NULL;
}

static const char *
endorse_refusal(const struct assertion *a)
{
	if (starts_with(a->why, "x509 chain"))
		return "x509 chain verification failed";
	if (starts_with(a->why, "sub does not match"))
		return "assertion sub does not match authenticated agent";
	return "assertion invalid";
}

void
login_endorse(struct exchange *x)
{
	const char *text = body_text(x, "client_assertion");
	const char *nonce = text ? body_text(x, "nonce") : NULL;
	const char *why = NULL;
	struct assertion a;
	int status = 401;
	char *signature;

	if (!nonce)
		return;
	if (!process_use_challenge(
		x->process, nonce, x->agent_id, server_now(x->srv))) {
		answer_detail(x, 401,
		    "challenge nonce invalid, expired, or already consumed");
		return;
	}
	if (!assertion_check(x, &a, text))
		why = endorse_refusal(&a);
	else
		why = endorse_check(x, &a, nonce, &status);
	if (a.crash) {
		answer_crash(x);
	} else if (why) {
		answer_detail(x, status, why);
	} else {
		signature = tokens_endorse(x->srv->tokens, text);
		answer_json(x, 200,
		    json_pack("{s:s, s:s, s:s}", "client_assertion", text,
			"agent_id", x->agent_id, "mastio_signature",
			signature));
		free(signature);
	}
	assertion_fini(&a);
}

/* The reference signs with the agent's key if it stores one; we store none. */
void
login_sign_assertion(struct exchange *x)
{
	answer_detail(x, 404, "agent credentials not available on proxy");
}
