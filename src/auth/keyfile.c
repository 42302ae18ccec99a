/*
 * keyfile: see keyfile.h.
 */
#include "auth/keyfile.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#define RSA_BITS_MIN 2048

static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool
contains(struct span text, const char *what)
{
	return text.n && memmem(text.p, text.n, what, strlen(what));
}

EVP_PKEY *
keyfile_parse(struct span pem, const char *path, struct err *err)
{
	BIO *bio;
	EVP_PKEY *key;

	if (contains(pem, "BEGIN ENCRYPTED PRIVATE KEY") ||
	    contains(pem, "4,ENCRYPTED")) { /* RFC 1421 section 4.6.1.1 */
		err_set(err, EXIT_CONFIG,
		    "%s is encrypted and there is nobody to ask for its "
		    "passphrase; decrypt it once: openssl pkey -in %s -out "
		    "agent-key.pem",
		    path, path);
		return NULL;
	}
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (key)
		return key;
	if (contains(pem, "PRIVATE KEY-----"))
		err_set(err, EXIT_CONFIG,
		    "%s holds a private key that cannot be read; it must be "
		    "PKCS#8, SEC1 or PKCS#1 (convert it: openssl pkey -in %s)",
		    path, path);
	else
		err_set(err, EXIT_CONFIG,
		    "%s holds no private key; it must be PEM, with "
		    "-----BEGIN PRIVATE KEY-----",
		    path);
	return NULL;
}

int
keyfile_check_type(const EVP_PKEY *key, const char *what, struct err *err)
{
	char group[64] = "a curve without a name";
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "RSA")) {
		if (bits >= RSA_BITS_MIN)
			return 0;
		return err_set(err, EXIT_CONFIG,
		    "%s is an RSA key of %d bits; the gateway takes RSA from "
		    "%d bits, or P-256",
		    what, bits, RSA_BITS_MIN);
	}
	if (!EVP_PKEY_is_a(key, "EC"))
		return err_set(err, EXIT_CONFIG,
		    "%s is a key of type %s; the gateway takes P-256 or RSA",
		    what, EVP_PKEY_get0_type_name(key));
	EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
	ERR_clear_error();
	if (strcmp(group, SN_X9_62_prime256v1) == 0)
		return 0;
	return err_set(err, EXIT_CONFIG,
	    "%s is an EC key on %s; the gateway takes P-256 (prime256v1) or "
	    "RSA",
	    what, group);
}
