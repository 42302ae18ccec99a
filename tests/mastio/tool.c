/*
 * tool: see tool.h.  Options bend single facts, so that a test can send what a
 * correct agent never would.
 */
#include "mastio/tool.h"

#include "mastio/jose.h"
#include "mastio/pki.h"
#include "mastio/util.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct proof_plan {
	const char *token, *nonce, *typ, *jti, *alg;
	int64_t iat_shift;
	bool der;         /* an ASN.1 signature, which JOSE forbids */
	bool private_jwk; /* leaks d into the header */
	bool no_jti;
	bool numeric_jti;
};

static EVP_PKEY *
read_dpop(const char *dir)
{
	char *text = file_read(dir, "dpop.jwk", NULL);
	json_t *jwk = text ? json_loads(text, 0, NULL) : NULL;
	EVP_PKEY *key = jwk ? jwk_private_key(jwk) : NULL;

	if (text && !key)
		complain("%s/dpop.jwk holds no private P-256 key", dir);
	json_decref(jwk);
	free(text);
	return key;
}

/* The same JWS with its signature in DER. */
static char *
with_der_signature(const char *jws, EVP_PKEY *key)
{
	char *input = xstrndup(jws, (size_t)(strrchr(jws, '.') - jws));
	char *sig = ecdsa_der_sign(input, key);
	char *out = xasprintf("%s.%s", input, sig);

	free(sig);
	free(input);
	return out;
}

static void
print_proof(EVP_PKEY *key, const char *method, const char *htu,
    const struct proof_plan *plan)
{
	char jti[33], *ath = NULL, *text;
	json_t *header = json_pack("{s:s, s:s, s:o}", "typ", plan->typ, "alg",
	    plan->alg, "jwk", jwk_from_key(key, plan->private_jwk));
	json_t *claims;

	random_hex(jti, 16);
	claims = json_pack("{s:s, s:s, s:s, s:I}", "jti",
	    plan->jti ? plan->jti : jti, "htm", method, "htu", htu, "iat",
	    (json_int_t)(time(NULL) + plan->iat_shift));
	if (plan->no_jti)
		json_object_del(claims, "jti");
	if (plan->numeric_jti)
		json_object_set_new(claims, "jti", json_integer(42));
	if (plan->token) {
		ath = b64u_sha256(plan->token);
		json_object_set_new(claims, "ath", json_string(ath));
	}
	if (plan->nonce)
		json_object_set_new(claims, "nonce", json_string(plan->nonce));
	text = jws_sign(header, claims, plan->alg, key);
	if (plan->der) {
		char *der = with_der_signature(text, key);

		free(text);
		text = der;
	}
	puts(text);
	free(text);
	free(ath);
	json_decref(header);
	json_decref(claims);
}

int
proof_command(int argc, char **argv)
{
	static const struct option options[] = {
	    {"token", required_argument, NULL, 't'},
	    {"nonce", required_argument, NULL, 'n'},
	    {"iat-shift", required_argument, NULL, 'i'},
	    {"typ", required_argument, NULL, 'y'},
	    {"jti", required_argument, NULL, 'j'},
	    {"no-jti", no_argument, NULL, 'J'},
	    {"numeric-jti", no_argument, NULL, 'N'},
	    {"alg", required_argument, NULL, 'a'},
	    {"der", no_argument, NULL, 'd'},
	    {"private-jwk", no_argument, NULL, 'p'},
	    {NULL, 0, NULL, 0},
	};
	struct proof_plan plan = {.typ = "dpop+jwt", .alg = "ES256"};
	EVP_PKEY *key;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 't')
			plan.token = optarg;
		else if (opt == 'n')
			plan.nonce = optarg;
		else if (opt == 'i')
			plan.iat_shift = strtoll(optarg, NULL, 10);
		else if (opt == 'y')
			plan.typ = optarg;
		else if (opt == 'j')
			plan.jti = optarg;
		else if (opt == 'J')
			plan.no_jti = true;
		else if (opt == 'N')
			plan.numeric_jti = true;
		else if (opt == 'a')
			plan.alg = optarg;
		else if (opt == 'd')
			plan.der = true;
		else if (opt == 'p')
			plan.private_jwk = true;
		else
			return 2;
	}
	if (argc - optind != 3) {
		complain("proof takes an identity directory, METHOD and HTU");
		return 2;
	}
	/* Another algorithm needs a key of its own: a new RSA one. */
	key = strcmp(plan.alg, "ES256") ? pki_make_key("rsa2048")
					: read_dpop(argv[optind]);
	if (!key)
		return 1;
	print_proof(key, argv[optind + 1], argv[optind + 2], &plan);
	EVP_PKEY_free(key);
	return 0;
}

struct assertion_plan {
	const char *nonce, *sub, *aud, *x5c; /* letters: l, i, r */
	int64_t iat_shift, lifetime;
};

/* The leaf, and the CA certificates: Root first, as init wrote ca.pem. */
struct material {
	EVP_PKEY *key;
	struct stack_st_X509 *leaf, *ca;
};

static void
append_x5c(json_t *x5c, X509 *cert)
{
	uint8_t *der = NULL;
	int n = i2d_X509(cert, &der);
	char *text;

	if (n < 0)
		abort();
	text = b64_encode(der, (size_t)n);
	json_array_append_new(x5c, json_string(text));
	free(text);
	OPENSSL_free(der);
}

static json_t *
make_x5c(const struct material *m, const char *letters)
{
	json_t *x5c = json_array();

	for (; *letters; letters++) {
		if (*letters == 'l')
			append_x5c(x5c, sk_X509_value(m->leaf, 0));
		else if (*letters == 'i')
			append_x5c(x5c, sk_X509_value(m->ca, 1));
		else
			append_x5c(x5c, sk_X509_value(m->ca, 0));
	}
	return x5c;
}

static int
print_assertion(const struct material *m, const struct assertion_plan *plan)
{
	bool rsa = EVP_PKEY_get_base_id(m->key) == EVP_PKEY_RSA;
	const char *alg = rsa ? "RS256" : "ES256";
	int64_t iat = time(NULL) - 10 + plan->iat_shift;
	struct identity id;
	char jti[33], *text;
	const char *sub;
	json_t *header, *claims;

	if (!pki_identity(sk_X509_value(m->leaf, 0), &id)) {
		complain("the certificate names no agent");
		return 1;
	}
	sub = plan->sub ? plan->sub : id.agent_id;
	random_hex(jti, 16);
	header = json_pack("{s:s, s:s, s:o}", "alg", alg, "typ", "JWT", "x5c",
	    make_x5c(m, plan->x5c));
	claims = json_pack("{s:s, s:s, s:s, s:I, s:I, s:s}", "sub", sub, "iss",
	    sub, "aud", plan->aud, "iat", (json_int_t)iat, "exp",
	    (json_int_t)(iat + plan->lifetime), "jti", jti);
	if (plan->nonce)
		json_object_set_new(claims, "nonce", json_string(plan->nonce));
	text = jws_sign(header, claims, alg, m->key);
	puts(text);
	free(text);
	json_decref(header);
	json_decref(claims);
	identity_fini(&id);
	return 0;
}

int
assertion_command(int argc, char **argv)
{
	static const struct option options[] = {
	    {"nonce", required_argument, NULL, 'n'},
	    {"sub", required_argument, NULL, 's'},
	    {"aud", required_argument, NULL, 'a'},
	    {"x5c", required_argument, NULL, 'x'},
	    {"iat-shift", required_argument, NULL, 'i'},
	    {"lifetime", required_argument, NULL, 'l'},
	    {NULL, 0, NULL, 0},
	};
	struct assertion_plan plan = {
	    .aud = "agent-trust-broker", .x5c = "li", .lifetime = 300};
	struct material m = {NULL, NULL, NULL};
	const char *dir;
	int opt, ret = 1;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'n')
			plan.nonce = optarg;
		else if (opt == 's')
			plan.sub = optarg;
		else if (opt == 'a')
			plan.aud = optarg;
		else if (opt == 'x')
			plan.x5c = optarg;
		else if (opt == 'i')
			plan.iat_shift = strtoll(optarg, NULL, 10);
		else if (opt == 'l')
			plan.lifetime = strtoll(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 1) {
		complain("assertion takes an identity directory");
		return 2;
	}
	dir = argv[optind];
	m.key = pki_read_key(dir, "key.pem");
	m.leaf = m.key ? pki_read_certs(dir, "cert.pem") : NULL;
	m.ca = m.leaf ? pki_read_certs(dir, "ca.pem") : NULL;
	if (m.ca)
		ret = print_assertion(&m, &plan);
	EVP_PKEY_free(m.key);
	sk_X509_pop_free(m.leaf, X509_free);
	sk_X509_pop_free(m.ca, X509_free);
	return ret;
}
