/*
 * tls: see tls.h.
 */
#include "mastio/tls.h"

#include "mastio/pki.h"
#include "mastio/util.h"

#include <stdlib.h>

#include <openssl/err.h>

/* nginx looks at the result later: the handshake itself always succeeds. */
static int
verify_later(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

/* No HTTP/2 here: offer what we speak, or agree on nothing. */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len,
		ours, sizeof(ours) - 1, in, in_len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_NOACK;
}

static int
add_trust(SSL_CTX *ctx, const char *pki, const char *name)
{
	STACK_OF(X509) *certs = pki_read_certs(pki, name);
	int ret = -1;

	if (certs &&
	    X509_STORE_add_cert(
		SSL_CTX_get_cert_store(ctx), sk_X509_value(certs, 0)) == 1 &&
	    SSL_CTX_add_client_CA(ctx, sk_X509_value(certs, 0)) == 1)
		ret = 0;
	sk_X509_pop_free(certs, X509_free);
	return ret;
}

static int
load_files(SSL_CTX *ctx, const char *dir)
{
	char *cert = xasprintf("%s/server/cert.pem", dir);
	char *key = xasprintf("%s/server/key.pem", dir);
	char *pki = xasprintf("%s/pki", dir);
	int ret = -1;

	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		complain("cannot load %s and its key", cert);
	else if (add_trust(ctx, pki, "root.pem") == 0 &&
		 add_trust(ctx, pki, "intermediate.pem") == 0)
		ret = 0;
	free(cert);
	free(key);
	free(pki);
	ERR_clear_error();
	return ret;
}

SSL_CTX *
tls_server_context(const char *dir)
{
	static const unsigned char session_context[] = "mastio-dev";
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx)
		abort();
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(ctx, "HIGH:!aNULL:!MD5:!RC4");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, verify_later);
	SSL_CTX_set_verify_depth(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER);
	SSL_CTX_set_session_id_context(
	    ctx, session_context, sizeof(session_context) - 1);
	SSL_CTX_set_timeout(ctx, 600);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	if (load_files(ctx, dir) < 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}
