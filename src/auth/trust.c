/*
 * trust: see trust.h.
 */
#include "auth/trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

static bool
has_issued(X509 *ca, X509 *cert)
{
	bool ok = X509_check_issued(ca, cert) == X509_V_OK &&
		  X509_verify(cert, X509_get0_pubkey(ca)) == 1;

	if (!ok)
		ERR_clear_error();
	return ok;
}

static bool
is_valid_now(X509_STORE_CTX *ctx, const X509 *cert)
{
	const X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);
	time_t fixed = X509_VERIFY_PARAM_get_time(p), *at = NULL;

	if (X509_VERIFY_PARAM_get_flags(p) & X509_V_FLAG_USE_CHECK_TIME)
		at = &fixed;
	return X509_cmp_time(X509_get0_notBefore(cert), at) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(cert), at) > 0;
}

/* An X509_STORE_CTX_get_issuer_fn: 1 with a reference, or 0. */
static int
find_issuer(X509 **issuer, X509_STORE_CTX *ctx, X509 *cert)
{
	STACK_OF(X509) *named =
	    X509_STORE_CTX_get1_certs(ctx, X509_get_issuer_name(cert));
	X509 *found = NULL;

	for (int i = 0; i < sk_X509_num(named); i++) {
		X509 *ca = sk_X509_value(named, i);

		if (!has_issued(ca, cert))
			continue;
		found = ca;
		if (is_valid_now(ctx, ca))
			break;
	}
	if (found)
		X509_up_ref(found);
	*issuer = found;
	sk_X509_pop_free(named, X509_free);
	return found != NULL;
}

int
trust_fill(X509_STORE *store, STACK_OF(X509) *ca)
{
	X509_STORE_set_get_issuer(store, find_issuer);
	if (!ca)
		return X509_STORE_set_default_paths(store) == 1 ? 0 : -1;
	for (int i = 0; i < sk_X509_num(ca); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(ca, i)) != 1)
			return -1;
	return 0;
}
