/*
 * t_signer: ES256 signatures and random bytes of one worker.
 */
#include "auth/signer.h"
#include "base/mem.h"

#include "jose.h"
#include "pki.h"
#include "unit.h"

#include <openssl/err.h>

static struct pki pki;
static char *dir;
static struct identity *identity;
static struct signer *signer;

static void
setup(void)
{
	struct err err = ERR_INIT;

	pki_init(&pki);
	dir = dir_identity(&pki); /* its DPoP key is pki.server_key */
	identity =
	    identity_load(&(struct identity_source){.dir = dir}, NULL, &err);
	ck_assert_msg(identity != NULL, "%s", err.text);
	signer = signer_new(identity, &err);
	ck_assert_msg(signer != NULL, "%s", err.text);
}

static void
teardown(void)
{
	ck_assert_uint_eq(ERR_peek_error(), 0);
	signer_unref(signer);
	identity_unref(identity);
	dir_free(dir);
	pki_fini(&pki);
}

static bool
verifies(struct span msg, const uint8_t sig[SIGNER_SIG_LEN])
{
	return jose_verify(msg, sig, SIGNER_SIG_LEN, pki.server_key);
}

START_TEST(signatures_verify_and_are_of_fixed_size)
{
	/* RFC 7518 section 3.4: r and s are padded; among 600 signatures some
	 * have a half that begins with a zero byte */
	bool short_half = false;

	for (unsigned i = 0; i < 600; i++) {
		uint8_t sig[SIGNER_SIG_LEN];
		struct span msg = span_new((const char *)&i, sizeof(i));

		ck_assert_int_eq(signer_sign(signer, msg, sig), 0);
		ck_assert(verifies(msg, sig));
		short_half = short_half || sig[0] == 0 || sig[32] == 0;
		sig[63] ^= 1;
		ck_assert(!verifies(msg, sig));
	}
	ck_assert(short_half);
}
END_TEST

START_TEST(an_empty_and_a_long_message)
{
	char *big = mem_alloc(100000);
	uint8_t sig[SIGNER_SIG_LEN];

	ck_assert_int_eq(signer_sign(signer, SPAN(""), sig), 0);
	ck_assert(verifies(SPAN(""), sig));
	ck_assert_int_eq(signer_sign(signer, span_new(big, 100000), sig), 0);
	ck_assert(verifies(span_new(big, 100000), sig));
	free(big);
}
END_TEST

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(random_bytes_do_not_repeat)
{
	enum { N = 4000, LEN = 8 };
	uint64_t *seen = mem_alloc(N * sizeof(*seen));

	for (size_t i = 0; i < N; i++)
		ck_assert_int_eq(signer_random(signer, &seen[i], LEN), 0);
	qsort(seen, N, sizeof(*seen), compare);
	for (size_t i = 1; i < N; i++)
		ck_assert_uint_ne(seen[i], seen[i - 1]);
	free(seen);
}
END_TEST

START_TEST(sizes_that_do_not_divide_the_store)
{
	uint8_t out[1024];

	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(signer_random(signer, out, 17), 0);
	ck_assert_int_eq(signer_random(signer, out, sizeof(out)), 0);
}
END_TEST

START_TEST(two_signers_share_nothing_but_the_identity)
{
	struct err err = ERR_INIT;
	struct signer *other = signer_new(identity, &err);
	uint8_t sig[SIGNER_SIG_LEN];

	ck_assert_ptr_nonnull(other);
	ck_assert_ptr_eq(signer_identity(other), identity);
	signer_unref(signer);
	signer = signer_ref(other);
	signer_unref(other);
	ck_assert_int_eq(signer_sign(signer, SPAN("x"), sig), 0);
	ck_assert(verifies(SPAN("x"), sig));
}
END_TEST

START_TEST(a_signer_outlives_other_references)
{
	struct identity *own = identity;
	uint8_t sig[SIGNER_SIG_LEN];

	identity = NULL;
	identity_unref(own);
	ck_assert_int_eq(signer_sign(signer, SPAN("x"), sig), 0);
	signer_unref(NULL);
}
END_TEST

UNIT_MAIN_FIXTURE("signer", setup, teardown,
    signatures_verify_and_are_of_fixed_size, an_empty_and_a_long_message,
    random_bytes_do_not_repeat, sizes_that_do_not_divide_the_store,
    two_signers_share_nothing_but_the_identity,
    a_signer_outlives_other_references)
