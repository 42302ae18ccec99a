/*
 * t_dpop: proofs, checked by taking them apart again with jansson and OpenSSL.
 */
#include "auth/dpop.h"
#include "base/mem.h"

#include <openssl/pem.h>

#include "jose.h"
#include "pki.h"
#include "unit.h"
#include "vectors/keys.h"

static struct pki pki;
static char *dir;
static struct identity *identity;
static struct signer *signer;

/* An identity whose DPoP key is the vector's. */
static void
setup(void)
{
	struct err err = ERR_INIT;

	pki_init(&pki);
	dir = dir_identity(&pki);
	dir_write(dir, "dpop.jwk", 0600, VECTOR_JWK);
	identity =
	    identity_load(&(struct identity_source){.dir = dir}, NULL, &err);
	ck_assert_msg(identity != NULL, "%s", err.text);
	signer = signer_new(identity, &err);
	ck_assert_msg(signer != NULL, "%s", err.text);
}

static void
teardown(void)
{
	signer_unref(signer);
	identity_unref(identity);
	dir_free(dir);
	pki_fini(&pki);
}

static EVP_PKEY *
vector_key(void)
{
	BIO *bio = BIO_new_mem_buf(VECTOR_PEM, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	ck_assert_ptr_nonnull(key);
	return key;
}

/* Header and payload of a proof that the vector's key has signed. */
static void
open_proof(struct span proof, json_t **header, json_t **payload)
{
	EVP_PKEY *key = vector_key();

	jose_open(proof, key, header, payload);
	EVP_PKEY_free(key);
}

static const struct {
	const char *proof, *htm, *path, *ath, *nonce;
	int64_t iat;
} vectors[] = {
    {VECTOR_PROOF_POST, "POST", "/v1/auth/token", NULL,
	"server-nonce-fixed-001", 1700000000},
    {VECTOR_PROOF_GET, "GET", "/v1/sessions/abc", VECTOR_ATH,
	"server-nonce-fixed-002", 1700000060},
};
#define VECTOR_BASE "https://broker.example.com"

START_TEST(published_proofs_verify)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		json_t *header, *payload;

		open_proof(span_of(vectors[i].proof), &header, &payload);
		ck_assert_str_eq(jose_text(payload, "htm"), vectors[i].htm);
		json_decref(header);
		json_decref(payload);
	}
}
END_TEST

START_TEST(our_proofs_say_what_the_published_ones_say)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct dpop_claims claims = {
		    .htm = span_of(vectors[i].htm),
		    .htu_base = SPAN(VECTOR_BASE),
		    .path = span_of(vectors[i].path),
		    .ath = span_of(vectors[i].ath),
		    .nonce = span_of(vectors[i].nonce),
		    .iat = vectors[i].iat,
		};
		struct buf ours = {.secret = true};
		json_t *header, *payload, *want_header, *want_payload;
		char jti[DPOP_JTI_LEN + 1];

		ck_assert_int_eq(dpop_mint(signer, &claims, &ours, jti), 0);
		open_proof(buf_span(&ours), &header, &payload);
		open_proof(
		    span_of(vectors[i].proof), &want_header, &want_payload);
		ck_assert(json_equal(header, want_header));
		ck_assert_str_eq(jose_text(payload, "jti"), jti);
		json_object_del(payload, "jti");
		json_object_del(want_payload, "jti");
		ck_assert(json_equal(payload, want_payload));
		json_decref(header);
		json_decref(payload);
		json_decref(want_header);
		json_decref(want_payload);
		buf_free(&ours);
	}
}
END_TEST

START_TEST(the_path_is_escaped_for_json)
{
	/* RFC 8259 section 7 */
	static const struct {
		const char *path, *htu;
	} rows[] = {
	    {"/v1/orga::bot/x", VECTOR_BASE "/v1/orga::bot/x"},
	    {"/a\"b\\c", VECTOR_BASE "/a\"b\\c"},
	    {"/a\nb\x01", VECTOR_BASE "/a\nb\x01"},
	    {"/\xc3\xbc", VECTOR_BASE "/\xc3\xbc"},
	    {"/\xff", VECTOR_BASE "/\xef\xbf\xbd"},
	    {"/\"},\"htm\":\"GET", VECTOR_BASE "/\"},\"htm\":\"GET"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct dpop_claims claims = {.htm = SPAN("POST"),
		    .htu_base = SPAN(VECTOR_BASE),
		    .path = span_of(rows[i].path),
		    .iat = 1};
		struct buf ours = {.secret = true};
		json_t *header, *payload;
		char jti[DPOP_JTI_LEN + 1];

		ck_assert_int_eq(dpop_mint(signer, &claims, &ours, jti), 0);
		open_proof(buf_span(&ours), &header, &payload);
		ck_assert_str_eq(jose_text(payload, "htu"), rows[i].htu);
		ck_assert_str_eq(jose_text(payload, "htm"), "POST");
		ck_assert_ptr_null(json_object_get(payload, "ath"));
		ck_assert_ptr_null(json_object_get(payload, "nonce"));
		json_decref(header);
		json_decref(payload);
		buf_free(&ours);
	}
}
END_TEST

START_TEST(a_proof_is_appended)
{
	struct dpop_claims claims = {.htm = SPAN("GET"),
	    .htu_base = SPAN(VECTOR_BASE),
	    .path = SPAN("/"),
	    .iat = 1};
	struct buf out = {.secret = true};
	json_t *header, *payload;
	char jti[DPOP_JTI_LEN + 1];

	buf_add_str(&out, "xxDPoP: ");
	buf_consume(&out, 2); /* live bytes need not begin the allocation */
	ck_assert_int_eq(dpop_mint(signer, &claims, &out, jti), 0);
	ck_assert(span_starts(buf_span(&out), SPAN("DPoP: ey")));
	open_proof(
	    span_new(buf_span(&out).p + 6, out.len - 6), &header, &payload);
	json_decref(header);
	json_decref(payload);
	buf_free(&out);
}
END_TEST

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

START_TEST(no_jti_comes_twice)
{
	enum { N = 2000 };
	struct dpop_claims claims = {.htm = SPAN("GET"),
	    .htu_base = SPAN(VECTOR_BASE),
	    .path = SPAN("/"),
	    .iat = 1};
	struct buf out = {.secret = true};
	char(*jti)[DPOP_JTI_LEN + 1] = mem_alloc(N * sizeof(*jti));

	for (size_t i = 0; i < N; i++) {
		buf_clear(&out);
		ck_assert_int_eq(dpop_mint(signer, &claims, &out, jti[i]), 0);
		ck_assert_uint_eq(strlen(jti[i]), DPOP_JTI_LEN);
	}
	qsort(jti, N, sizeof(*jti), by_text);
	for (size_t i = 1; i < N; i++)
		ck_assert_str_ne(jti[i - 1], jti[i]);
	free(jti);
	buf_free(&out);
}
END_TEST

START_TEST(nonce_grammar)
{
	/* RFC 9449 section 8.1 */
	static const struct {
		const char *nonce;
		bool ok;
	} rows[] = {
	    {"0123456789abcdef0123456789abcdef", true},
	    {"!#[]~", true},
	    {"", false},
	    {"a b", false},
	    {"a\"b", false},
	    {"a\\b", false},
	    {"a\tb", false},
	    {"a\x7f", false},
	    {"\xc3\xbc", false},
	    {"a\r\nX: y", false},
	};
	char big[DPOP_NONCE_MAX + 1];

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(
		    dpop_nonce_ok(span_of(rows[i].nonce)) == rows[i].ok, "%s",
		    rows[i].nonce);
	memset(big, 'a', sizeof(big));
	ck_assert(dpop_nonce_ok(span_new(big, DPOP_NONCE_MAX)));
	ck_assert(!dpop_nonce_ok(span_new(big, DPOP_NONCE_MAX + 1)));
	ck_assert(!dpop_nonce_ok(SPAN_NONE));
}
END_TEST

UNIT_MAIN_FIXTURE("dpop", setup, teardown, published_proofs_verify,
    our_proofs_say_what_the_published_ones_say, the_path_is_escaped_for_json,
    a_proof_is_appended, no_jti_comes_twice, nonce_grammar)
