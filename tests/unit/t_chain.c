/*
 * t_chain: certificates and keys from PEM text, and chains put together.
 */
#include "auth/chain.h"
#include "auth/keyfile.h"
#include "base/mem.h"

#include "pki.h"
#include "unit.h"

#include <openssl/err.h>

static struct pki pki;

static void
setup(void)
{
	pki_init(&pki);
}

static void
teardown(void)
{
	ck_assert_uint_eq(ERR_peek_error(), 0);
	pki_fini(&pki);
}

static STACK_OF(X509) *
stack_of(X509 *a, X509 *b)
{
	STACK_OF(X509) *s = sk_X509_new_null();

	X509_up_ref(a);
	sk_X509_push(s, a);
	if (b) {
		X509_up_ref(b);
		sk_X509_push(s, b);
	}
	return s;
}

START_TEST(pem_text)
{
	char *leaf = pki_pem_cert(pki.leaf), *root = pki_pem_cert(pki.root);
	char *key = pki_pem_key(pki.leaf_key, "PKCS8");
	char *both = mem_printf("# ours\n%s\nkey:\n%s%s", leaf, key, root);
	struct err err = ERR_INIT;
	STACK_OF(X509) *certs = chain_parse(span_of(both), &err);

	ck_assert_msg(certs != NULL, "%s", err.text);
	ck_assert_int_eq(sk_X509_num(certs), 2);
	ck_assert_int_eq(X509_cmp(sk_X509_value(certs, 0), pki.leaf), 0);
	ck_assert_int_eq(X509_cmp(sk_X509_value(certs, 1), pki.root), 0);
	chain_stack_free(certs);
	free(both);
	free(leaf);
	free(root);
	free(key);
}
END_TEST

START_TEST(bad_pem_text)
{
	char *leaf = pki_pem_cert(pki.leaf);
	char *spoilt = mem_strdup(leaf), *second;
	struct err err = ERR_INIT;

	ck_assert_ptr_null(chain_parse(SPAN("hello\n"), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "BEGIN CERTIFICATE"));
	ck_assert_ptr_null(chain_parse(SPAN("\x30\x82\x01\x02"), &err));
	memset(spoilt + 40, '!', 8);
	ck_assert_ptr_null(chain_parse(span_of(spoilt), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "certificate 1"));
	/* a good one first must not hide it */
	second = mem_printf("%s%s", leaf, spoilt);
	ck_assert_ptr_null(chain_parse(span_of(second), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "certificate 2"));
	/* nor one that is cut short */
	second[strlen(leaf) + 100] = 0;
	ck_assert_ptr_null(chain_parse(span_of(second), &err));
	free(second);
	free(spoilt);
	free(leaf);
}
END_TEST

START_TEST(completed_from_any_pool)
{
	STACK_OF(X509) *ca = stack_of(pki.root, pki.inter);
	STACK_OF(X509) *root = stack_of(pki.root, NULL);
	STACK_OF(X509) *file = stack_of(pki.leaf, pki.inter);
	STACK_OF(X509) *shown = stack_of(pki.server, pki.inter);
	STACK_OF(X509) *const pools[][3] = {
	    {ca, NULL, NULL},    /* the bundle's export */
	    {root, file, NULL},  /* leaf and intermediate in the file */
	    {NULL, root, shown}, /* what the gateway presented */
	};

	for (size_t i = 0; i < COUNT(pools); i++) {
		struct chain c = chain_complete(pki.leaf, pools[i], 3);

		ck_assert_int_eq(sk_X509_num(c.certs), 2);
		ck_assert(c.complete);
		ck_assert_int_eq(
		    X509_cmp(sk_X509_value(c.certs, 0), pki.leaf), 0);
		ck_assert_int_eq(
		    X509_cmp(sk_X509_value(c.certs, 1), pki.inter), 0);
		chain_free(&c);
	}
	chain_stack_free(ca);
	chain_stack_free(root);
	chain_stack_free(file);
	chain_stack_free(shown);
}
END_TEST

START_TEST(what_cannot_be_completed_is_sent_as_it_is)
{
	STACK_OF(X509) *root = stack_of(pki.root, NULL);
	STACK_OF(X509) *inter = stack_of(pki.inter, NULL);
	STACK_OF(X509) *const pools[][1] = {{root}, {inter}, {NULL}};
	static const int want[] = {1, 2, 1};

	for (size_t i = 0; i < COUNT(pools); i++) {
		struct chain c = chain_complete(pki.leaf, pools[i], 1);

		ck_assert_int_eq(sk_X509_num(c.certs), want[i]);
		ck_assert(!c.complete);
		chain_free(&c);
	}
	chain_stack_free(root);
	chain_stack_free(inter);
}
END_TEST

START_TEST(a_name_alone_does_not_make_an_issuer)
{
	/* after a rotation both intermediates have one subject name */
	EVP_PKEY *key = pki_key("P-256");
	X509 *rotated = pki_cert(&(struct pki_want){.key = key,
	    .cn = "orga Mastio CA",
	    .issuer = pki.root,
	    .issuer_key = pki.root_key,
	    .basic = "critical,CA:TRUE"});
	STACK_OF(X509) *wrong_first = stack_of(rotated, pki.inter);
	STACK_OF(X509) *root = stack_of(pki.root, NULL);
	STACK_OF(X509) *const pools[] = {wrong_first, root};
	struct chain c = chain_complete(pki.leaf, pools, 2);

	ck_assert_int_eq(sk_X509_num(c.certs), 2);
	ck_assert_int_eq(X509_cmp(sk_X509_value(c.certs, 1), pki.inter), 0);
	ck_assert(c.complete);
	chain_free(&c);
	chain_stack_free(wrong_first);
	chain_stack_free(root);
	X509_free(rotated);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(directly_under_the_root)
{
	X509 *leaf = pki_cert(&(struct pki_want){.key = pki.leaf_key,
	    .cn = PKI_AGENT,
	    .issuer = pki.root,
	    .issuer_key = pki.root_key});
	STACK_OF(X509) *root = stack_of(pki.root, NULL);
	STACK_OF(X509) *const pools[] = {root};
	struct chain c = chain_complete(leaf, pools, 1);

	ck_assert_int_eq(sk_X509_num(c.certs), 1);
	ck_assert(c.complete);
	chain_free(&c);
	chain_stack_free(root);
	X509_free(leaf);
}
END_TEST

START_TEST(two_that_sign_each_other_end)
{
	X509 *a = pki_cert(&(struct pki_want){.key = pki.root_key,
	    .cn = "A",
	    .issuer = pki.inter,
	    .issuer_key = pki.inter_key});
	X509 *b = pki_cert(&(struct pki_want){.key = pki.inter_key,
	    .cn = "orga Mastio CA",
	    .issuer = a,
	    .issuer_key = pki.root_key});
	STACK_OF(X509) *loop = stack_of(a, b);
	STACK_OF(X509) *const pools[] = {loop};
	struct chain c = chain_complete(pki.leaf, pools, 1);

	ck_assert_int_le(sk_X509_num(c.certs), CHAIN_MAX);
	ck_assert(!c.complete);
	chain_free(&c);
	chain_stack_free(loop);
	X509_free(a);
	X509_free(b);
}
END_TEST

START_TEST(key_forms)
{
	static const struct {
		const char *type, *form;
	} rows[] = {
	    {"P-256", "PKCS8"},
	    {"P-256", "SEC1"},
	    {"RSA-2048", "PKCS8"},
	    {"RSA-2048", "PKCS1"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		EVP_PKEY *key = pki_key(rows[i].type), *got;
		char *pem = pki_pem_key(key, rows[i].form);
		struct err err = ERR_INIT;

		got = keyfile_parse(span_of(pem), "k.pem", &err);
		ck_assert_msg(got != NULL, "%s %s: %s", rows[i].type,
		    rows[i].form, err.text);
		ck_assert_int_eq(EVP_PKEY_eq(got, key), 1);
		ck_assert_int_eq(keyfile_check_type(got, "k", &err), 0);
		EVP_PKEY_free(got);
		EVP_PKEY_free(key);
		free(pem);
	}
}
END_TEST

START_TEST(encrypted_keys_name_the_cure)
{
	static const char *const forms[] = {"ENCRYPTED", "LEGACY"};

	for (size_t i = 0; i < COUNT(forms); i++) {
		char *pem = pki_pem_key(pki.leaf_key, forms[i]);
		struct err err = ERR_INIT;

		ck_assert_ptr_null(
		    keyfile_parse(span_of(pem), "/x/k.pem", &err));
		ck_assert_msg(
		    strstr(err.text, "openssl pkey -in /x/k.pem") != NULL, "%s",
		    err.text);
		ck_assert_int_eq(err.exit, EXIT_CONFIG);
		free(pem);
	}
}
END_TEST

START_TEST(key_types)
{
	static const struct {
		const char *type, *names;
	} rows[] = {
	    {"P-384", "secp384r1"},
	    {"P-521", "secp521r1"},
	    {"RSA-1024", "1024 bits"},
	    {"ED25519", "ED25519"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		EVP_PKEY *key = pki_key(rows[i].type);
		struct err err = ERR_INIT;

		ck_assert_int_eq(keyfile_check_type(key, "k.pem", &err), -1);
		ck_assert_msg(strstr(err.text, rows[i].names) != NULL &&
				  strstr(err.text, "P-256") != NULL,
		    "%s", err.text);
		EVP_PKEY_free(key);
	}
}
END_TEST

START_TEST(texts_that_are_no_key)
{
	static const struct {
		const char *text, *names;
	} rows[] = {
	    {"", "no private key"},
	    {"hello", "no private key"},
	    {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"no private key"},
	    {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"cannot be read"},
	    {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "cannot be read"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err err = ERR_INIT;

		ck_assert_ptr_null(
		    keyfile_parse(span_of(rows[i].text), "k", &err));
		ck_assert_msg(strstr(err.text, rows[i].names) != NULL, "%s: %s",
		    rows[i].text, err.text);
	}
}
END_TEST

UNIT_MAIN_FIXTURE("chain", setup, teardown, pem_text, bad_pem_text,
    completed_from_any_pool, what_cannot_be_completed_is_sent_as_it_is,
    a_name_alone_does_not_make_an_issuer, directly_under_the_root,
    two_that_sign_each_other_end, key_forms, encrypted_keys_name_the_cure,
    key_types, texts_that_are_no_key)
