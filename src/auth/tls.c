/*
 * tls: see tls.h.
 *
 * A certificate that fails the check is gone when the handshake returns, so
 * the sentence is written while the check runs and kept with the SSL.
 */
#include "auth/tls.h"

#include "auth/trust.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>

#define WHY_MAX 700

/* What we keep with an SSL. */
struct note {
	tls_on_session *on_session;
	void *arg;
	char why[WHY_MAX]; /* of a certificate that was refused, or "" */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int note_index = -1; /* in an SSL: struct note */
static int name_index = -1; /* in an SSL_CTX: the CA's name, char * */

static void
free_data(void *parent, void *p, CRYPTO_EX_DATA *data, int index, long argl,
    void *argp)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)argl;
	(void)argp;
	free(p);
}

static void
make_indexes(void)
{
	note_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_data);
	name_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_data);
}

static int
on_new_session(SSL *ssl, SSL_SESSION *session)
{
	const struct note *note = SSL_get_ex_data(ssl, note_index);

	if (note && note->on_session && SSL_SESSION_is_resumable(session))
		note->on_session(note->arg, session);
	return 0; /* we keep no reference */
}

static void
add_name(struct buf *b, const GENERAL_NAME *san)
{
	char ip[INET6_ADDRSTRLEN];
	const ASN1_STRING *s = san->d.ia5;
	const unsigned char *p;
	int n;

	if (san->type != GEN_DNS && san->type != GEN_IPADD)
		return;
	p = ASN1_STRING_get0_data(s);
	n = ASN1_STRING_length(s);
	if (b->len > 0)
		buf_add_str(b, ", ");
	if (san->type == GEN_IPADD) {
		if (inet_ntop(n == 4 ? AF_INET : AF_INET6, p, ip, sizeof(ip)))
			buf_add_str(b, ip);
		return;
	}
	for (int i = 0; i < n; i++) /* it comes from the network */
		buf_add_char(b, p[i] > ' ' && p[i] < 0x7f ? (char)p[i] : '?');
}

/* The names that a certificate is for, "mastio.local, 10.0.0.1". */
static char *
names_of(const X509 *cert)
{
	GENERAL_NAMES *sans =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct buf b = BUF_INIT;

	for (int i = 0; i < sk_GENERAL_NAME_num(sans) && b.len < 300; i++)
		add_name(&b, sk_GENERAL_NAME_value(sans, i));
	GENERAL_NAMES_free(sans);
	if (b.len == 0)
		buf_add_str(&b, "no name at all");
	return buf_steal_str(&b);
}

/* "CN=acme Mastio CA" with what a terminal might interpret taken out. */
static void
name_text(X509_NAME *name, char *out, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	n = BIO_read(bio, out, (int)size - 1);
	out[n > 0 ? n : 0] = 0;
	BIO_free(bio);
	for (char *p = out; *p; p++) {
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
	}
}

/* That judged: see tls_set_time(). */
static const char *
whose_clock(const X509_STORE_CTX *store)
{
	unsigned long flags =
	    X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(store));

	return flags & X509_V_FLAG_USE_CHECK_TIME
		   ? "the gateway, which sends it with each answer"
		   : "this machine";
}

static void
explain_cert(struct note *note, const char *ca, X509_STORE_CTX *store)
{
	int code = X509_STORE_CTX_get_error(store);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	char issuer[200] = "", *names;

	switch (code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names = names_of(X509_STORE_CTX_get0_cert(store));
		snprintf(note->why, sizeof(note->why),
		    "its certificate is for %s; set gateway to one of these "
		    "names (gateway-address may still say where to connect)",
		    names);
		free(names);
		return;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		if (cert)
			name_text(
			    X509_get_issuer_name(cert), issuer, sizeof(issuer));
		snprintf(note->why, sizeof(note->why),
		    "its certificate comes from a CA that is not in %s "
		    "(issuer %s); set ca-file to the root certificate of the "
		    "gateway's organisation",
		    ca, issuer[0] ? issuer : "unknown");
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(note->why, sizeof(note->why),
		    "%s has expired; it must be renewed there, unless the "
		    "clock of %s is wrong",
		    X509_STORE_CTX_get_error_depth(store) == 0
			? "its certificate"
			: "a CA certificate of its chain",
		    whose_clock(store));
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(note->why, sizeof(note->why),
		    "its certificate is not valid yet; look at the clock of "
		    "%s",
		    whose_clock(store));
		return;
	default:
		snprintf(note->why, sizeof(note->why),
		    "its certificate does not pass the check against %s: %s",
		    ca, X509_verify_cert_error_string(code));
	}
}

static int
on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct note *note = SSL_get_ex_data(ssl, note_index);

	if (!ok && note)
		explain_cert(note,
		    SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), name_index),
		    store);
	return ok;
}

static int
set_chain(SSL_CTX *ctx, const struct tls_config *tls)
{
	if (SSL_CTX_use_certificate(ctx, tls->cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, tls->key) != 1)
		return 0;
	for (int i = 1; i < sk_X509_num(tls->chain); i++) {
		if (SSL_CTX_add1_chain_cert(
			ctx, sk_X509_value(tls->chain, i)) != 1)
			return 0;
	}
	return 1;
}

static void
set_modes(SSL_CTX *ctx)
{
	/* An answer's record may hold a token. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
				     SSL_OP_NO_RENEGOTIATION |
				     SSL_OP_CLEANSE_PLAINTEXT);
	/* Without NO_AUTO_CHAIN OpenSSL would send the root along. */
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	/* A record's header and body in one read(). */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_new_session);
}

SSL_CTX *
tls_ctx_new(const struct tls_config *tls, struct err *err)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	SSL_CTX *ctx;

	pthread_once(&once, make_indexes);
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		goto fail;
	SSL_CTX_set_ex_data(ctx, name_index,
	    mem_strdup(tls->ca ? tls->ca_name : "the system's trust store"));
	set_modes(ctx);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1) == 0 &&
	    trust_fill(SSL_CTX_get_cert_store(ctx), tls->ca) == 0 &&
	    set_chain(ctx, tls) == 1)
		return ctx;
fail:
	err_set(err, EXIT_CONFIG, "OpenSSL refuses the identity for TLS: %s",
	    ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return NULL;
}

static bool
is_address(const char *host)
{
	unsigned char raw[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, raw) == 1 ||
	       inet_pton(AF_INET6, host, raw) == 1;
}

SSL *
tls_new(SSL_CTX *ctx, const char *host, struct err *err)
{
	SSL *ssl = SSL_new(ctx);
	X509_VERIFY_PARAM *param;
	bool named;

	if (!ssl)
		goto fail;
	SSL_set_ex_data(ssl, note_index, MEM_NEW(struct note));
	SSL_set_connect_state(ssl);
	param = SSL_get0_param(ssl);
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (is_address(host))
		named = X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
	else
		named = X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
			SSL_set_tlsext_host_name(ssl, host) == 1;
	if (named)
		return ssl;
fail:
	err_set(err, EXIT_CONFIG, "gateway name %s cannot be used for TLS: %s",
	    host, ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	SSL_free(ssl);
	return NULL;
}

void
tls_set_time(SSL *ssl, int64_t unix_s)
{
	X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), (time_t)unix_s);
}

void
tls_set_on_session(SSL *ssl, tls_on_session *on_session, void *arg)
{
	struct note *note = SSL_get_ex_data(ssl, note_index);

	note->on_session = on_session;
	note->arg = arg;
}

/* What the other side said before it hung up, or NULL. */
static const char *
alert_text(int reason)
{
	switch (reason) {
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
		return "it does not accept our client certificate; enrol the "
		       "agent again or install the certificate issued last";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return "it says that our client certificate has expired";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
		return "it says that our client certificate is revoked";
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return "it demands a client certificate";
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_UNSUPPORTED_PROTOCOL:
		return "it speaks neither TLS 1.2 nor TLS 1.3";
	case SSL_R_TLSV1_UNRECOGNIZED_NAME:
		return "it does not serve this name; look at gateway";
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
		return "it does not speak TLS on this port; look at the port "
		       "in gateway";
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return "it closed the connection";
	default:
		return NULL;
	}
}

bool
tls_was_cut(void)
{
	unsigned long code = ERR_peek_error();

	return code == 0 ||
	       (ERR_GET_LIB(code) == ERR_LIB_SSL &&
		   ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

void
tls_explain(SSL *ssl, const char *host, struct err *err)
{
	int saved_errno = errno;
	const struct note *note = SSL_get_ex_data(ssl, note_index);
	unsigned long code = ERR_peek_error();
	const char *why = NULL;

	if (note && note->why[0])
		why = note->why;
	else if (ERR_GET_LIB(code) == ERR_LIB_SSL)
		why = alert_text(ERR_GET_REASON(code));
	if (!why && code)
		why = ERR_reason_error_string(code);
	if (!why)
		why = saved_errno ? strerror(saved_errno)
				  : "it closed the connection";
	err_set(err, EXIT_RUNTIME, "no TLS with %s: %s", host, why);
	ERR_clear_error();
}
