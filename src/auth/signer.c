/*
 * signer: see signer.h.
 *
 * One EVP_PKEY_CTX and one EVP_MD_CTX are prepared and then used again and
 * again: EVP_PKEY_sign() may be called any number of times after one
 * EVP_PKEY_sign_init(), so nothing is fetched, copied or locked per proof.
 */
#include "auth/signer.h"

#include "base/mem.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define HALF (SIGNER_SIG_LEN / 2)
#define DER_MAX 80 /* of an ECDSA signature on P-256: at most 72 */
#define RANDOM_MAX 1024

struct signer {
	unsigned refs;
	struct identity *identity;
	EVP_PKEY *key;     /* our own copy, so that no count is shared */
	EVP_PKEY_CTX *ctx; /* ready for EVP_PKEY_sign() */
	EVP_MD *sha256;
	EVP_MD_CTX *digest;
	struct buf scratch;
	size_t random_left;
	uint8_t random[RANDOM_MAX];
};

struct signer *
signer_new(struct identity *identity, struct err *err)
{
	struct signer *s = MEM_NEW(struct signer);

	s->refs = 1;
	s->identity = identity_ref(identity);
	s->scratch.secret = true;
	s->key = EVP_PKEY_dup(identity_dpop_key(identity));
	s->ctx = s->key ? EVP_PKEY_CTX_new_from_pkey(NULL, s->key, NULL) : NULL;
	s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->digest = EVP_MD_CTX_new();
	if (s->ctx && s->sha256 && s->digest &&
	    EVP_PKEY_sign_init(s->ctx) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(s->ctx, s->sha256) == 1)
		return s;
	err_set(err, EXIT_RUNTIME, "OpenSSL cannot sign with the DPoP key: %s",
	    ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	signer_unref(s);
	return NULL;
}

struct signer *
signer_ref(struct signer *s)
{
	s->refs++;
	return s;
}

void
signer_unref(struct signer *s)
{
	if (!s || --s->refs > 0)
		return;
	EVP_PKEY_CTX_free(s->ctx);
	EVP_PKEY_free(s->key);
	EVP_MD_CTX_free(s->digest);
	EVP_MD_free(s->sha256);
	buf_free(&s->scratch);
	identity_unref(s->identity);
	mem_wipe_free(s, sizeof(*s));
}

/* RFC 7518 section 3.4: r and s, each as 32 bytes. */
static bool
raw_of_der(const unsigned char *der, size_t n, uint8_t sig[SIGNER_SIG_LEN])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool ok =
	    pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, HALF) == HALF &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + HALF, HALF) == HALF;

	ECDSA_SIG_free(pair);
	return ok;
}

int
signer_sign(struct signer *s, struct span msg, uint8_t sig[SIGNER_SIG_LEN])
{
	unsigned char hash[SHA256_DIGEST_LENGTH], der[DER_MAX];
	size_t n = sizeof(der);

	if (EVP_DigestInit_ex2(s->digest, s->sha256, NULL) == 1 &&
	    EVP_DigestUpdate(s->digest, msg.p, msg.n) == 1 &&
	    EVP_DigestFinal_ex(s->digest, hash, NULL) == 1 &&
	    EVP_PKEY_sign(s->ctx, der, &n, hash, sizeof(hash)) == 1 &&
	    raw_of_der(der, n, sig))
		return 0;
	ERR_clear_error();
	return -1;
}

int
signer_random(struct signer *s, void *out, size_t n)
{
	uint8_t *from;

	if (n > sizeof(s->random))
		return -1;
	if (s->random_left < n) {
		if (RAND_bytes(s->random, sizeof(s->random)) != 1) {
			ERR_clear_error();
			return -1;
		}
		s->random_left = sizeof(s->random);
	}
	s->random_left -= n;
	from = s->random + s->random_left;
	memcpy(out, from, n);
	mem_wipe(from, n);
	return 0;
}

const struct identity *
signer_identity(const struct signer *s)
{
	return s->identity;
}

struct buf *
signer_scratch(struct signer *s)
{
	return &s->scratch;
}
