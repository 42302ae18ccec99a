/*
 * assertion: see assertion.h.
 *
 * libjwt parses the PEM text of the key anew for every signature, which costs
 * under a millisecond and happens once per login.
 */
#include "auth/assertion.h"

#include "base/b64.h"
#include "base/mem.h"

#include <jwt.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>

/* The header member as JSON: {"x5c":["...","..."]}, RFC 7515 section 4.1.6. */
static bool
add_x5c(jwt_t *jwt, const struct chain *chain)
{
	struct buf b = BUF_INIT;
	char *text;
	bool ok;

	buf_add_str(&b, "{\"x5c\":[");
	for (int i = 0; i < sk_X509_num(chain->certs); i++) {
		unsigned char *der = NULL;
		int n = i2d_X509(sk_X509_value(chain->certs, i), &der);

		buf_add_str(&b, i ? ",\"" : "\"");
		if (n > 0)
			buf_add_b64(&b, der, (size_t)n);
		buf_add_char(&b, '"');
		OPENSSL_free(der);
	}
	buf_add_str(&b, "]}");
	text = buf_steal_str(&b);
	ok = jwt_add_headers_json(jwt, text) == 0;
	free(text);
	return ok;
}

static bool
add_claims(jwt_t *jwt, const char *sub, int64_t now, const char *nonce)
{
	unsigned char raw[16];
	char jti[B64URL_LEN(sizeof(raw)) + 1] = "";
	long iat = (long)(now - ASSERTION_BACKDATE_S);

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return false;
	b64url_encode(jti, raw, sizeof(raw));
	return jwt_add_grant(jwt, "iss", sub) == 0 &&
	       jwt_add_grant(jwt, "sub", sub) == 0 &&
	       jwt_add_grant(jwt, "aud", ASSERTION_AUD) == 0 &&
	       jwt_add_grant_int(jwt, "iat", iat) == 0 &&
	       jwt_add_grant_int(jwt, "exp", iat + ASSERTION_LIFE_S) == 0 &&
	       jwt_add_grant(jwt, "jti", jti) == 0 &&
	       (!nonce || jwt_add_grant(jwt, "nonce", nonce) == 0);
}

/* libjwt wants the key as PEM text and keeps a copy, wiped by jwt_free(). */
static bool
set_key(jwt_t *jwt, EVP_PKEY *key)
{
	jwt_alg_t alg =
	    EVP_PKEY_is_a(key, "RSA") ? JWT_ALG_RS256 : JWT_ALG_ES256;
	BIO *bio = BIO_new(BIO_s_secmem());
	bool ok = false;
	char *pem;
	long n;

	if (PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
		n = BIO_get_mem_data(bio, &pem);
		ok = jwt_set_alg(
			 jwt, alg, (const unsigned char *)pem, (int)n) == 0;
		mem_wipe(pem, (size_t)n);
	}
	BIO_free(bio);
	return ok;
}

char *
assertion_make(const struct identity *identity, STACK_OF(X509) *presented,
    int64_t now, const char *nonce, struct err *err)
{
	struct chain chain = identity_chain(identity, presented);
	char *text = NULL;
	jwt_t *jwt = NULL;

	if (jwt_new(&jwt) == 0 && set_key(jwt, identity_key(identity)) &&
	    add_x5c(jwt, &chain) &&
	    add_claims(jwt, identity_agent_id(identity), now, nonce))
		text = jwt_encode_str(jwt);
	if (!text)
		err_set(err, EXIT_RUNTIME,
		    "the client assertion cannot be signed with the key of %s",
		    identity_cert_path(identity));
	jwt_free(jwt);
	chain_free(&chain);
	ERR_clear_error();
	return text;
}
