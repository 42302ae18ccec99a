/*
 * fuzz_jwk: a DPoP key of any content is a P-256 key with its thumbprint, or
 * is refused with a sentence.
 */
#include "auth/jwk.h"

#include <assert.h>
#include <openssl/err.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct jwk jwk, again;

	if (jwk_parse(span_new((const char *)data, size), &jwk, &err) == 0) {
		assert(EVP_PKEY_is_a(jwk.key, "EC"));
		assert(strlen(jwk.x) == JWK_COORD_LEN);
		assert(strlen(jwk.y) == JWK_COORD_LEN);
		assert(jwk_from_key(jwk.key, &again, &err) == 0);
		assert(strcmp(jwk.jkt, again.jkt) == 0);
		jwk_fini(&again);
	} else {
		assert(!jwk.key && err.text[0] != '\0');
	}
	assert(ERR_peek_error() == 0);
	jwk_fini(&jwk);
	return 0;
}
