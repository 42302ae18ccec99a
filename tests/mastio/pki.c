/*
 * pki: see pki.h.
 */
#include "mastio/pki.h"

#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

EVP_PKEY *
pki_make_key(const char *kind)
{
	if (strcmp(kind, "p256") == 0)
		return EVP_EC_gen("P-256");
	if (strcmp(kind, "p384") == 0)
		return EVP_EC_gen("P-384");
	if (strcmp(kind, "rsa1024") == 0)
		return EVP_RSA_gen(1024);
	if (strcmp(kind, "rsa2048") == 0)
		return EVP_RSA_gen(2048);
	if (strcmp(kind, "rsa4096") == 0)
		return EVP_RSA_gen(4096);
	if (strcmp(kind, "ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return NULL;
}

static char *
bio_text(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	char *text = xstrndup(p, n > 0 ? (size_t)n : 0);

	BIO_free(bio);
	return text;
}

char *
pki_key_pem(EVP_PKEY *key, const char *form)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int type = EVP_PKEY_get_base_id(key);
	int ok = 0;

	if (strcmp(form, "pkcs8") == 0)
		ok = PEM_write_bio_PKCS8PrivateKey(
		    bio, key, NULL, NULL, 0, NULL, NULL);
	else if ((strcmp(form, "sec1") == 0 && type == EVP_PKEY_EC) ||
		 (strcmp(form, "pkcs1") == 0 && type == EVP_PKEY_RSA))
		ok = PEM_write_bio_PrivateKey_traditional(
		    bio, key, NULL, NULL, 0, NULL, NULL);
	if (!ok) {
		BIO_free(bio);
		return NULL;
	}
	return bio_text(bio);
}

char *
pki_public_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!PEM_write_bio_PUBKEY(bio, key))
		abort();
	return bio_text(bio);
}

char *
pki_cert_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!PEM_write_bio_X509(bio, cert))
		abort();
	return bio_text(bio);
}

EVP_PKEY *
pki_read_key(const char *dir, const char *name)
{
	size_t n;
	char *text = file_read(dir, name, &n);
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (!text)
		return NULL;
	bio = BIO_new_mem_buf(text, (int)n);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	OPENSSL_cleanse(text, n);
	free(text);
	if (!key)
		complain("%s/%s holds no private key", dir, name);
	ERR_clear_error();
	return key;
}

struct stack_st_X509 *
pki_read_certs(const char *dir, const char *name)
{
	STACK_OF(X509) *certs = NULL;
	size_t n;
	char *text = file_read(dir, name, &n);
	BIO *bio;
	X509 *cert;

	if (!text)
		return NULL;
	bio = BIO_new_mem_buf(text, (int)n);
	certs = sk_X509_new_null();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		sk_X509_push(certs, cert);
	BIO_free(bio);
	free(text);
	ERR_clear_error();
	if (sk_X509_num(certs) == 0) {
		complain("%s/%s holds no certificate", dir, name);
		sk_X509_free(certs);
		return NULL;
	}
	return certs;
}

X509 *
pki_parse_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	ERR_clear_error();
	return cert;
}

static int
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!ext || !X509_add_ext(cert, ext, -1)) {
		complain("cannot add the extension '%s'", value);
		X509_EXTENSION_free(ext);
		return -1;
	}
	X509_EXTENSION_free(ext);
	return 0;
}

static int
add_extensions(X509 *cert, const struct cert_plan *plan)
{
	X509 *issuer = plan->issuer ? plan->issuer : cert;
	char *ca = NULL;
	int bad = 0;

	if (plan->path_len >= 0) {
		ca = xasprintf("critical,CA:TRUE,pathlen:%d", plan->path_len);
		bad |= add_extension(cert, issuer, NID_basic_constraints, ca);
		bad |= add_extension(cert, issuer, NID_key_usage,
		    "critical,keyCertSign,cRLSign");
		bad |= add_extension(
		    cert, issuer, NID_subject_key_identifier, "hash");
		free(ca);
	}
	if (plan->eku)
		bad |=
		    add_extension(cert, issuer, NID_ext_key_usage, plan->eku);
	if (plan->san)
		bad |= add_extension(
		    cert, issuer, NID_subject_alt_name, plan->san);
	return bad;
}

static void
set_serial(X509 *cert)
{
	uint8_t raw[16];
	BIGNUM *bn;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		abort();
	raw[0] = (raw[0] & 0x7f) | 0x40;
	bn = BN_bin2bn(raw, sizeof(raw), NULL);
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert));
	BN_free(bn);
}

static void
set_subject(X509 *cert, const struct cert_plan *plan)
{
	X509_NAME *subject = X509_get_subject_name(cert);

	if (plan->cn && *plan->cn)
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		    (const uint8_t *)plan->cn, -1, -1, 0);
	if (plan->org && *plan->org)
		X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
		    (const uint8_t *)plan->org, -1, -1, 0);
}

X509 *
pki_make_cert(const struct cert_plan *plan)
{
	EVP_PKEY *signer = plan->issuer_key ? plan->issuer_key : plan->key;
	int type = EVP_PKEY_get_base_id(signer);
	time_t now = time(NULL);
	X509 *cert = X509_new();

	X509_set_version(cert, X509_VERSION_3);
	set_serial(cert);
	ASN1_TIME_set(X509_getm_notBefore(cert), now + plan->not_before);
	ASN1_TIME_set(X509_getm_notAfter(cert), now + plan->not_after);
	set_subject(cert, plan);
	X509_set_issuer_name(
	    cert, X509_get_subject_name(plan->issuer ? plan->issuer : cert));
	X509_set_pubkey(cert, plan->key);
	if (add_extensions(cert, plan) < 0 ||
	    !X509_sign(
		cert, signer, type == EVP_PKEY_ED25519 ? NULL : EVP_sha256())) {
		complain("cannot make the certificate of '%s'",
		    plan->cn ? plan->cn : "");
		X509_free(cert);
		ERR_clear_error();
		return NULL;
	}
	return cert;
}

/* Fills id from spiffe://domain/org/[kind/]name; false if it has another
 * shape.  The trust domain is not looked at. */
static bool
identity_from_uri(const char *uri, struct identity *id)
{
	static const char *const kinds[] = {"agent", "user", "workload"};
	char *copy, *part[5] = {NULL}, *save = NULL;
	int n = 0;

	if (!starts_with(uri, "spiffe://"))
		return false;
	copy = xstrdup(uri + strlen("spiffe://"));
	for (char *p = strtok_r(copy, "/", &save); p && n < 5;
	     p = strtok_r(NULL, "/", &save))
		part[n++] = p;
	if (n == 3) {
		id->org = xstrdup(part[1]);
		id->name = xstrdup(part[2]);
		id->agent_id = xasprintf("%s::%s", part[1], part[2]);
	}
	for (size_t i = 0; n == 4 && i < ARRAY_LEN(kinds); i++) {
		if (strcmp(part[2], kinds[i]) != 0)
			continue;
		id->org = xstrdup(part[1]);
		id->name = xstrdup(part[3]);
		id->agent_id =
		    i == 0 ? xasprintf("%s::%s", part[1], part[3])
			   : xasprintf("%s::%s::%s", part[1], part[2], part[3]);
	}
	free(copy);
	return id->agent_id != NULL;
}

static bool
identity_from_cn(X509 *cert, struct identity *id)
{
	char cn[256];
	char *sep;

	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
		NID_commonName, cn, sizeof(cn)) <= 0)
		return false;
	sep = strstr(cn, "::");
	if (!sep || sep == cn || !sep[2])
		return false;
	id->org = xstrndup(cn, (size_t)(sep - cn));
	id->name = xstrdup(sep + 2);
	id->agent_id = xstrdup(cn);
	return true;
}

/* Calls see for each URI SAN until it returns true. */
static bool
each_uri(X509 *cert, bool (*see)(const char *uri, void *), void *arg)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_URI)
			found = see((const char *)ASN1_STRING_get0_data(
					name->d.uniformResourceIdentifier),
			    arg);
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool
see_identity(const char *uri, void *arg)
{
	return identity_from_uri(uri, arg);
}

bool
pki_identity(X509 *cert, struct identity *id)
{
	memset(id, 0, sizeof(*id));
	return each_uri(cert, see_identity, id) || identity_from_cn(cert, id);
}

void
identity_fini(struct identity *id)
{
	free(id->org);
	free(id->name);
	free(id->agent_id);
	memset(id, 0, sizeof(*id));
}

void
pki_sha256_hex(X509 *cert, char out[65])
{
	uint8_t digest[SHA256_LEN];

	if (!X509_digest(cert, EVP_sha256(), digest, NULL))
		abort();
	hex_encode(digest, sizeof(digest), out);
}

char *
pki_subject(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	X509_NAME_print_ex(
	    bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253);
	return bio_text(bio);
}

char *
pki_serial_hex(X509 *cert)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get_serialNumber(cert), NULL);
	char *hex = BN_bn2hex(bn);
	char *out = xstrdup(hex);

	OPENSSL_free(hex);
	BN_free(bn);
	return out;
}

static bool
see_first(const char *uri, void *arg)
{
	*(char **)arg = xstrdup(uri);
	return true;
}

char *
pki_first_uri(X509 *cert)
{
	char *uri = NULL;

	each_uri(cert, see_first, &uri);
	return uri;
}
