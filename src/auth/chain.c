/*
 * chain: see chain.h.
 */
#include "auth/chain.h"

#include <openssl/err.h>
#include <openssl/pem.h>

void
chain_stack_free(STACK_OF(X509) *certs)
{
	sk_X509_pop_free(certs, X509_free);
}

void
chain_free(struct chain *c)
{
	chain_stack_free(c->certs);
	*c = (struct chain){0};
}

static void
push(STACK_OF(X509) *certs, X509 *cert)
{
	X509_up_ref(cert);
	if (sk_X509_push(certs, cert) <= 0)
		X509_free(cert);
}

STACK_OF(X509) *
chain_parse(struct span pem, struct err *err)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	unsigned long code;
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		sk_X509_push(certs, cert);
	code = ERR_peek_last_error();
	ERR_clear_error();
	BIO_free(bio);
	if (ERR_GET_REASON(code) == PEM_R_NO_START_LINE &&
	    sk_X509_num(certs) > 0)
		return certs;
	if (ERR_GET_REASON(code) == PEM_R_NO_START_LINE)
		err_set(err, EXIT_CONFIG,
		    "holds no certificate; it must be PEM, with "
		    "-----BEGIN CERTIFICATE-----");
	else
		err_set(err, EXIT_CONFIG,
		    "certificate %d in it cannot be read (%s)",
		    sk_X509_num(certs) + 1, ERR_reason_error_string(code));
	chain_stack_free(certs);
	return NULL;
}

/* Did issuer sign cert?  The error queue stays as it was. */
static bool
signed_by(X509 *cert, X509 *issuer)
{
	EVP_PKEY *key;
	bool ok;

	if (X509_NAME_cmp(
		X509_get_issuer_name(cert), X509_get_subject_name(issuer)) != 0)
		return false;
	ERR_set_mark();
	key = X509_get0_pubkey(issuer);
	ok = key && X509_verify(cert, key) == 1;
	ERR_pop_to_mark();
	return ok;
}

static X509 *
find_issuer(X509 *cert, STACK_OF(X509) *const *pools, size_t npools)
{
	for (size_t p = 0; p < npools; p++) {
		for (int i = 0; i < sk_X509_num(pools[p]); i++) {
			X509 *candidate = sk_X509_value(pools[p], i);

			if (X509_cmp(candidate, cert) != 0 &&
			    signed_by(cert, candidate))
				return candidate;
		}
	}
	return NULL;
}

struct chain
chain_complete(X509 *leaf, STACK_OF(X509) *const *pools, size_t npools)
{
	struct chain c = {.certs = sk_X509_new_null()};
	X509 *cert = leaf;

	push(c.certs, leaf);
	while (!signed_by(cert, cert)) {
		cert = find_issuer(cert, pools, npools);
		if (!cert || sk_X509_num(c.certs) == CHAIN_MAX)
			return c;
		if (!signed_by(cert, cert))
			push(c.certs, cert);
	}
	c.complete = true;
	return c;
}
