/*
 * t_tls: handshakes between our client context and a server made on the spot,
 * over memory, good ones and all that go wrong.
 */
#include "auth/tls.h"
#include "base/mem.h"

#include "pki.h"
#include "unit.h"

#include <openssl/err.h>

#define CA_NAME "/id/ca.pem"

static struct pki pki;
static STACK_OF(X509) *ca, *chain;

static void
setup(void)
{
	pki_init(&pki);
	ca = sk_X509_new_null();
	sk_X509_push(ca, pki.root);
	chain = sk_X509_new_null();
	sk_X509_push(chain, pki.leaf);
	sk_X509_push(chain, pki.inter);
}

static void
teardown(void)
{
	ck_assert_uint_eq(ERR_peek_error(), 0);
	sk_X509_free(ca);
	sk_X509_free(chain);
	pki_fini(&pki);
}

static SSL_CTX *
client_ctx(void)
{
	struct err err = ERR_INIT;
	SSL_CTX *ctx = tls_ctx_new(
	    &(struct tls_config){
		.cert = pki.leaf,
		.key = pki.leaf_key,
		.chain = chain,
		.ca = ca,
		.ca_name = CA_NAME,
	    },
	    &err);

	ck_assert_msg(ctx != NULL, "%s", err.text);
	return ctx;
}

/* The gateway's front-end: asks for a certificate, takes any or none. */
static int
take_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static int
pick_http11(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned int inlen, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";

	(void)ssl;
	(void)arg;
	return SSL_select_next_proto((unsigned char **)out, outlen, ours,
		   sizeof(ours) - 1, in, inlen) == OPENSSL_NPN_NEGOTIATED
		   ? SSL_TLSEXT_ERR_OK
		   : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *
server_ctx(X509 *cert, EVP_PKEY *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
	SSL_CTX_add1_chain_cert(ctx, pki.inter);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, take_any);
	SSL_CTX_set_alpn_select_cb(ctx, pick_http11, NULL);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
	return ctx;
}

static SSL *
server_new(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_accept_state(ssl);
	return ssl;
}

static SSL *
client_new(SSL_CTX *ctx, const char *host)
{
	struct err err = ERR_INIT;
	SSL *ssl = tls_new(ctx, host, &err);

	ck_assert_msg(ssl != NULL, "%s", err.text);
	return ssl;
}

/* Both ends in turn until the client is done or has failed; what the server
 * has to say goes to nobody. */
static bool
shake(SSL *client, SSL *server)
{
	BIO *a, *b;
	int rc = 0;

	BIO_new_bio_pair(&a, 0, &b, 0);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	for (int i = 0; i < 20 && rc != 1; i++) {
		ERR_clear_error();
		rc = SSL_do_handshake(client);
		if (rc != 1 && SSL_get_error(client, rc) != SSL_ERROR_WANT_READ)
			return false;
		ERR_set_mark();
		SSL_do_handshake(server);
		ERR_pop_to_mark();
	}
	return rc == 1;
}

/* The server ends the handshake and sends what comes after; the client reads
 * it: session tickets in TLS 1.3, or an alert. */
static int
settle(SSL *client, SSL *server)
{
	char byte;

	ERR_set_mark();
	SSL_do_handshake(server);
	SSL_write(server, "x", 1);
	ERR_pop_to_mark();
	return SSL_read(client, &byte, 1);
}

/* The sentence for a failed handshake with host; judged as of then, 0: now. */
static struct err
failure_at(SSL_CTX *server, const char *host, int64_t unix_s)
{
	SSL_CTX *ours = client_ctx();
	SSL *c = client_new(ours, host), *s = server_new(server);
	struct err err = ERR_INIT;

	if (unix_s)
		tls_set_time(c, unix_s);
	ck_assert(!shake(c, s));
	tls_explain(c, host, &err);
	ck_assert_uint_eq(ERR_peek_error(), 0);
	ck_assert_ptr_nonnull(strstr(err.text, host));
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(ours);
	return err;
}

static struct err
failure(SSL_CTX *server, const char *host)
{
	return failure_at(server, host, 0);
}

#define ck_says(err, part)                                                   \
	ck_assert_msg(strstr((err).text, part) != NULL, "wanted \"%s\": %s", \
	    part, (err).text)

START_TEST(a_good_handshake)
{
	static const char *const hosts[] = {PKI_SERVER, "127.0.0.1"};
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	for (size_t i = 0; i < COUNT(hosts) * COUNT(versions); i++) {
		const char *host = hosts[i / 2];
		SSL_CTX *ours = client_ctx();
		SSL_CTX *theirs = server_ctx(pki.server, pki.server_key);
		SSL *c = client_new(ours, host), *s = server_new(theirs);
		const unsigned char *alpn;
		const char *sni;
		unsigned n;

		SSL_CTX_set_max_proto_version(theirs, versions[i % 2]);
		SSL_set_max_proto_version(s, versions[i % 2]);
		ck_assert(shake(c, s));
		ck_assert_int_eq(SSL_version(c), versions[i % 2]);
		ck_assert_int_eq(settle(c, s), 1);
		SSL_get0_alpn_selected(c, &alpn, &n);
		ck_span(span_new((const char *)alpn, n), "http/1.1");
		/* RFC 6066 section 3: names, not addresses */
		sni = SSL_get_servername(s, TLSEXT_NAMETYPE_host_name);
		ck_assert_pstr_eq(sni, i / 2 ? NULL : PKI_SERVER);
		/* our leaf and the intermediate, not the root */
		ck_assert_int_eq(
		    X509_cmp(SSL_get0_peer_certificate(s), pki.leaf), 0);
		ck_assert_int_eq(sk_X509_num(SSL_get_peer_cert_chain(s)), 1);
		SSL_free(c);
		SSL_free(s);
		SSL_CTX_free(theirs);
		SSL_CTX_free(ours);
	}
}
END_TEST

static void
keep_session(void *arg, SSL_SESSION *session)
{
	SSL_SESSION **slot = arg;

	SSL_SESSION_free(*slot);
	SSL_SESSION_up_ref(session);
	*slot = session;
}

START_TEST(sessions_are_handed_out_and_resumed)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	for (size_t i = 0; i < COUNT(versions); i++) {
		SSL_CTX *ours = client_ctx();
		SSL_CTX *theirs = server_ctx(pki.server, pki.server_key);
		SSL_SESSION *session = NULL;

		SSL_CTX_set_max_proto_version(theirs, versions[i]);
		for (int round = 0; round < 2; round++) {
			SSL *c = client_new(ours, PKI_SERVER);
			SSL *s = server_new(theirs);

			tls_set_on_session(c, keep_session, &session);
			if (round == 1)
				SSL_set_session(c, session);
			ck_assert(shake(c, s));
			ck_assert_int_eq(settle(c, s), 1);
			ck_assert_ptr_nonnull(session);
			ck_assert_int_eq(SSL_session_reused(c), round);
			/* else OpenSSL takes the session for a broken one */
			SSL_set_shutdown(
			    c, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
			SSL_set_shutdown(
			    s, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
			SSL_free(c);
			SSL_free(s);
		}
		SSL_SESSION_free(session);
		SSL_CTX_free(theirs);
		SSL_CTX_free(ours);
	}
}
END_TEST

START_TEST(another_name)
{
	SSL_CTX *theirs = server_ctx(pki.server, pki.server_key);
	struct err err = failure(theirs, "other.test");

	ck_says(err, "its certificate is for " PKI_SERVER ", 127.0.0.1");
	ck_says(err, "gateway");
	err = failure(theirs, "127.0.0.2");
	ck_says(err, PKI_SERVER ", 127.0.0.1");
	err = failure(theirs, "::1");
	ck_says(err, PKI_SERVER);
	SSL_CTX_free(theirs);
}
END_TEST

/* A server certificate under the intermediate with this SAN and dates. */
static SSL_CTX *
server_with(const char *san, int64_t begin, int64_t end, const char *eku)
{
	X509 *cert = pki_cert(&(struct pki_want){.key = pki.server_key,
	    .cn = "y.test",
	    .issuer = pki.inter,
	    .issuer_key = pki.inter_key,
	    .eku = eku,
	    .san = san,
	    .begin = begin,
	    .end = end});
	SSL_CTX *ctx = server_ctx(cert, pki.server_key);

	X509_free(cert);
	return ctx;
}

START_TEST(wildcards)
{
	/* RFC 6125 section 6.4.3 */
	static const struct {
		const char *san, *host;
		bool ok;
	} rows[] = {
	    {"DNS:*.acme.test", "mastio.acme.test", true},
	    {"DNS:MASTIO.acme.test", "mastio.acme.test", true},
	    {"DNS:m*.acme.test", "mastio.acme.test", false},
	    {"DNS:*.acme.test", "a.b.acme.test", false},
	    {"DNS:*.acme.test", "acme.test", false},
	    {"DNS:10.0.0.1", "10.0.0.1", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SSL_CTX *theirs = server_with(rows[i].san, 0, 0, "serverAuth");
		SSL_CTX *ours = client_ctx();
		SSL *c = client_new(ours, rows[i].host);
		SSL *s = server_new(theirs);

		ck_assert_msg(shake(c, s) == rows[i].ok, "%s for %s",
		    rows[i].san, rows[i].host);
		ERR_clear_error();
		SSL_free(c);
		SSL_free(s);
		SSL_CTX_free(ours);
		SSL_CTX_free(theirs);
	}
}
END_TEST

START_TEST(a_subject_is_no_name)
{
	/* RFC 9525 section 2: the common name does not count */
	SSL_CTX *theirs = server_with(NULL, 0, 0, "serverAuth");
	struct err err = failure(theirs, "y.test");

	ck_says(err, "no name at all");
	SSL_CTX_free(theirs);
}
END_TEST

START_TEST(another_ca)
{
	struct pki other;
	SSL_CTX *theirs;
	struct err err;

	pki_init(&other);
	theirs = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(theirs, other.server);
	SSL_CTX_use_PrivateKey(theirs, other.server_key);
	err = failure(theirs, PKI_SERVER); /* leaf alone */
	ck_says(err, CA_NAME);
	ck_says(err, "orga Mastio CA");
	ck_says(err, "ca-file");
	SSL_CTX_add1_chain_cert(theirs, other.inter);
	err = failure(theirs, PKI_SERVER); /* same names, other keys */
	ck_says(err, CA_NAME);
	SSL_CTX_add1_chain_cert(theirs, other.root);
	err = failure(theirs, PKI_SERVER);
	ck_says(err, CA_NAME);
	SSL_CTX_use_certificate(theirs, other.root); /* signed by itself */
	SSL_CTX_use_PrivateKey(theirs, other.root_key);
	err = failure(theirs, PKI_SERVER);
	ck_says(err, "ca-file");
	SSL_CTX_free(theirs);
	pki_fini(&other);
}
END_TEST

START_TEST(dates_and_purpose)
{
	const char *san = "DNS:" PKI_SERVER;
	SSL_CTX *theirs = server_with(san, 1000000000, 1100000000, NULL);
	struct err err = failure(theirs, PKI_SERVER);

	ck_says(err, "its certificate has expired");
	ck_says(err, "clock of this machine");
	SSL_CTX_free(theirs);
	theirs = server_with(san, 4000000000, 4100000000, NULL);
	err = failure(theirs, PKI_SERVER);
	ck_says(err, "not valid yet");
	ck_says(err, "clock of this machine");
	SSL_CTX_free(theirs);
	theirs = server_with(san, 0, 0, NULL);
	err = failure_at(theirs, PKI_SERVER, 900000000);
	ck_says(err, "not valid yet");
	ck_says(err, "clock of the gateway");
	err = failure_at(theirs, PKI_SERVER, 4000000000);
	ck_says(err, "has expired");
	ck_says(err, "clock of the gateway");
	SSL_CTX_free(theirs);
	theirs = server_with(san, 0, 0, "clientAuth");
	err = failure(theirs, PKI_SERVER);
	ck_says(err, "purpose");
	SSL_CTX_free(theirs);
}
END_TEST

START_TEST(old_versions_are_not_spoken)
{
	SSL_CTX *theirs = server_ctx(pki.server, pki.server_key);
	struct err err;

	SSL_CTX_set_security_level(theirs, 0);
	SSL_CTX_set_min_proto_version(theirs, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(theirs, TLS1_1_VERSION);
	err = failure(theirs, PKI_SERVER);
	ck_says(err, "neither TLS 1.2 nor TLS 1.3");
	SSL_CTX_free(theirs);
}
END_TEST

/* A client whose other end says these bytes and closes. */
static struct err
answered(const char *bytes)
{
	SSL_CTX *ours = client_ctx();
	SSL *c = client_new(ours, PKI_SERVER);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	struct err err = ERR_INIT;
	int rc;

	BIO_write(in, bytes, (int)strlen(bytes));
	BIO_set_mem_eof_return(in, 0);
	SSL_set_bio(c, in, out);
	errno = 0;
	rc = SSL_do_handshake(c);
	ck_assert_int_ne(rc, 1);
	tls_explain(c, PKI_SERVER, &err);
	ck_assert_uint_eq(ERR_peek_error(), 0);
	SSL_free(c);
	SSL_CTX_free(ours);
	return err;
}

START_TEST(what_is_not_tls)
{
	struct err err = answered("HTTP/1.1 400 Bad Request\r\n\r\n");

	ck_says(err, "does not speak TLS");
	err = answered("");
	ck_says(err, "closed the connection");
}
END_TEST

START_TEST(our_certificate_is_refused)
{
	/* fatal alerts, RFC 8446 section 6.2 */
	static const struct {
		const char *alert, *part;
	} rows[] = {
	    {"\x15\x03\x03\x00\x02\x02\x30", "client certificate"},
	    {"\x15\x03\x03\x00\x02\x02\x2a", "client certificate"},
	    {"\x15\x03\x03\x00\x02\x02\x2d", "has expired"},
	    {"\x15\x03\x03\x00\x02\x02\x2c", "is revoked"},
	    {"\x15\x03\x03\x00\x02\x02\x70", "does not serve this name"},
	    {"\x15\x03\x03\x00\x02\x02\x46", "neither TLS 1.2"},
	    {"\x15\x03\x03\x00\x02\x02\x28", "handshake failure"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		SSL_CTX *ours = client_ctx();
		SSL *c = client_new(ours, PKI_SERVER);
		BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
		struct err err = ERR_INIT;

		BIO_write(in, rows[i].alert, 7);
		SSL_set_bio(c, in, out);
		ck_assert_int_ne(SSL_do_handshake(c), 1);
		tls_explain(c, PKI_SERVER, &err);
		ck_says(err, rows[i].part);
		SSL_free(c);
		SSL_CTX_free(ours);
	}
}
END_TEST

START_TEST(an_alert_after_the_handshake)
{
	/* In TLS 1.3 the client is done before the server judges its
	 * certificate, so the alert comes with the first read. */
	SSL_CTX *ours = client_ctx();
	SSL_CTX *theirs = server_ctx(pki.server, pki.server_key);
	SSL *c = client_new(ours, PKI_SERVER), *s;
	struct err err = ERR_INIT;

	SSL_CTX_set_verify(
	    theirs, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	s = server_new(theirs);
	ck_assert(shake(c, s));
	ck_assert_int_le(settle(c, s), 0);
	tls_explain(c, PKI_SERVER, &err);
	ck_says(err, "client certificate");
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(theirs);
	SSL_CTX_free(ours);
}
END_TEST

START_TEST(a_key_of_another_certificate)
{
	struct err err = ERR_INIT;

	ck_assert_ptr_null(tls_ctx_new(&(struct tls_config){.cert = pki.leaf,
					   .key = pki.server_key,
					   .chain = chain,
					   .ca = ca,
					   .ca_name = CA_NAME},
	    &err));
	ck_says(err, "OpenSSL refuses");
}
END_TEST

UNIT_MAIN_FIXTURE("tls", setup, teardown, a_good_handshake,
    sessions_are_handed_out_and_resumed, another_name, wildcards,
    a_subject_is_no_name, another_ca, dates_and_purpose,
    old_versions_are_not_spoken, what_is_not_tls, our_certificate_is_refused,
    an_alert_after_the_handshake, a_key_of_another_certificate)
