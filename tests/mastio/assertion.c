/*
 * assertion: see assertion.h.
 */
#include "mastio/assertion.h"

#include "mastio/exchange.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#define LEEWAY 30
#define AUDIENCE "agent-trust-broker"

void
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

bool
assertion_read_chain(struct assertion *a)
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

bool
assertion_has_audience(const struct assertion *a)
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
	return false;
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
	if (!assertion_has_audience(a))
		return fail(a, "assertion: Audience doesn't match");
	if (!pki_identity(a->chain[0], &a->id))
		return fail(a, "cert identity unparseable");
	if (!sub || strcmp(sub, a->id.agent_id) != 0)
		return fail(a, "sub does not match client cert");
	return true;
}

bool
assertion_check(struct exchange *x, struct assertion *a, const char *text)
{
	int64_t now = server_now(x->srv);

	memset(a, 0, sizeof(*a));
	a->text = text;
	if (!jws_parse(&a->jws, text)) {
		a->crash = true;
		return fail(a, "assertion: malformed");
	}
	return assertion_read_chain(a) && check_chain(a, x->srv->root, now) &&
	       check_signature(a) && check_claims(a, now);
}
