/*
 * pki: see pki.h.
 */
#include "pki.h"

#include "base/b64.h"
#include "base/mem.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

EVP_PKEY *
pki_key(const char *type)
{
	EVP_PKEY *key;

	if (strncmp(type, "RSA-", 4) == 0)
		key = EVP_RSA_gen((unsigned)atoi(type + 4));
	else if (strncmp(type, "P-", 2) == 0)
		key = EVP_EC_gen(type);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	ck_assert_ptr_nonnull(key);
	return key;
}

static void
add_ext(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *ext;

	if (!value)
		return;
	ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	ck_assert_ptr_nonnull(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

static void
add_name(X509_NAME *name, const char *field, const char *value)
{
	if (value)
		X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
		    (const unsigned char *)value, -1, -1, 0);
}

X509 *
pki_cert(const struct pki_want *w)
{
	static long serial = 1000;
	X509 *cert = X509_new(), *issuer = w->issuer ? w->issuer : cert;
	EVP_PKEY *signer = w->issuer ? w->issuer_key : w->key;
	time_t now = time(NULL);
	X509V3_CTX ctx;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	ASN1_TIME_set(X509_getm_notBefore(cert),
	    w->begin ? (time_t)w->begin : now - 3600);
	ASN1_TIME_set(X509_getm_notAfter(cert),
	    w->end ? (time_t)w->end : now + 365 * 86400);
	X509_set_pubkey(cert, w->key);
	add_name(X509_get_subject_name(cert), "O", w->org);
	add_name(X509_get_subject_name(cert), "CN", w->cn);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	add_ext(cert, &ctx, NID_basic_constraints, w->basic);
	add_ext(cert, &ctx, NID_key_usage, w->ku);
	add_ext(cert, &ctx, NID_ext_key_usage, w->eku);
	add_ext(cert, &ctx, NID_subject_alt_name, w->san);
	ck_assert_int_gt(
	    X509_sign(cert, signer,
		EVP_PKEY_is_a(signer, "ED25519") ? NULL : EVP_sha256()),
	    0);
	return cert;
}

void
pki_init(struct pki *p)
{
	p->root_key = pki_key("P-256");
	p->inter_key = pki_key("P-256");
	p->leaf_key = pki_key("P-256");
	p->server_key = pki_key("P-256");
	p->root = pki_cert(&(struct pki_want){.key = p->root_key,
	    .cn = "orga CA",
	    .basic = "critical,CA:TRUE,pathlen:1",
	    .ku = "critical,keyCertSign,cRLSign"});
	p->inter = pki_cert(&(struct pki_want){.key = p->inter_key,
	    .cn = "orga Mastio CA",
	    .issuer = p->root,
	    .issuer_key = p->root_key,
	    .basic = "critical,CA:TRUE,pathlen:0",
	    .ku = "critical,keyCertSign,cRLSign"});
	p->leaf = pki_cert(&(struct pki_want){.key = p->leaf_key,
	    .cn = PKI_AGENT,
	    .org = "orga",
	    .issuer = p->inter,
	    .issuer_key = p->inter_key,
	    .san = "URI:" PKI_SPIFFE});
	p->server = pki_cert(&(struct pki_want){.key = p->server_key,
	    .cn = PKI_SERVER,
	    .issuer = p->inter,
	    .issuer_key = p->inter_key,
	    .eku = "serverAuth",
	    .san = "DNS:" PKI_SERVER ",IP:127.0.0.1"});
}

void
pki_fini(struct pki *p)
{
	EVP_PKEY_free(p->root_key);
	EVP_PKEY_free(p->inter_key);
	EVP_PKEY_free(p->leaf_key);
	EVP_PKEY_free(p->server_key);
	X509_free(p->root);
	X509_free(p->inter);
	X509_free(p->leaf);
	X509_free(p->server);
}

/* The text of a memory BIO, which is freed. */
static char *
text_of(BIO *bio)
{
	char *p, *text;
	long n = BIO_get_mem_data(bio, &p);

	ck_assert_int_gt(n, 0);
	text = mem_strndup(p, (size_t)n);
	BIO_free(bio);
	return text;
}

char *
pki_pem_cert(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(bio, cert);
	return text_of(bio);
}

char *
pki_pem_key(EVP_PKEY *key, const char *form)
{
	const unsigned char *pass = (const unsigned char *)"secret";
	BIO *bio = BIO_new(BIO_s_mem());

	if (strcmp(form, "PKCS8") == 0)
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	else if (strcmp(form, "ENCRYPTED") == 0)
		PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(),
		    (const char *)pass, 6, NULL, NULL);
	else if (strcmp(form, "LEGACY") == 0)
		PEM_write_bio_PrivateKey_traditional(
		    bio, key, EVP_aes_256_cbc(), pass, 6, NULL, NULL);
	else /* SEC1 and PKCS#1 are the traditional form of EC and RSA */
		PEM_write_bio_PrivateKey_traditional(
		    bio, key, NULL, NULL, 0, NULL, NULL);
	return text_of(bio);
}

char *
pki_jwk(EVP_PKEY *key)
{
	unsigned char point[65], secret[32];
	struct buf b = BUF_INIT;
	BIGNUM *d = NULL;
	size_t n;

	ck_assert_int_eq(EVP_PKEY_get_octet_string_param(key,
			     OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n),
	    1);
	ck_assert_int_eq(
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
	BN_bn2binpad(d, secret, sizeof(secret));
	BN_free(d);
	buf_add_str(&b, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
	buf_add_b64url(&b, point + 1, 32);
	buf_add_str(&b, "\",\"y\":\"");
	buf_add_b64url(&b, point + 33, 32);
	buf_add_str(&b, "\",\"d\":\"");
	buf_add_b64url(&b, secret, 32);
	buf_add_str(&b, "\"}");
	return buf_steal_str(&b);
}

char *
dir_new(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = mem_printf("%s/cullis-unit-XXXXXX", tmp ? tmp : "/tmp");

	ck_assert_ptr_nonnull(mkdtemp(dir));
	return dir;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return remove(path);
}

void
dir_free(char *dir)
{
	chmod(dir, 0700);
	ck_assert_int_eq(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(dir);
}

void
dir_write(const char *dir, const char *name, mode_t mode, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_msg(fd >= 0, "cannot create %s", path);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	free(path);
}

void
dir_write_cert(const char *dir, const char *name, X509 *cert)
{
	char *pem = pki_pem_cert(cert);

	dir_write(dir, name, 0644, pem);
	free(pem);
}

void
dir_write_key(const char *dir, const char *name, EVP_PKEY *key)
{
	char *pem = pki_pem_key(key, "PKCS8");

	dir_write(dir, name, 0600, pem);
	free(pem);
}

char *
dir_identity(const struct pki *p)
{
	char *dir = dir_new(), *inter = pki_pem_cert(p->inter);
	char *root = pki_pem_cert(p->root), *jwk = pki_jwk(p->server_key);
	char *ca = mem_printf("%s%s", root, inter);

	dir_write_cert(dir, "cert.pem", p->leaf);
	dir_write_key(dir, "key.pem", p->leaf_key);
	dir_write(dir, "ca.pem", 0644, ca);
	dir_write(dir, "dpop.jwk", 0600, jwk);
	dir_write(dir, "agent.json", 0644,
	    "{\"agent_id\": \"" PKI_AGENT "\", \"org_id\": \"orga\",\n"
	    " \"mastio_url\": \"https://" PKI_SERVER ":9443\"}\n");
	free(inter);
	free(root);
	free(jwk);
	free(ca);
	return dir;
}
