/*
 * fuzz_token: a login answer of any content gives a token that may stand in a
 * header field and has a life, or is refused with a sentence.
 */
#include "auth/token.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct token *t =
	    token_from_response(span_new((const char *)data, size),
		"19J8y7Zprt2-QKLjF2I5pVk0OELX6cY2AfaAv1LC_w8", "https://m", NOW,
		&err);

	if (!t) {
		assert(err.text[0] != '\0');
		return 0;
	}
	assert(t->text_len > 0 && t->text_len <= TOKEN_MAX);
	assert(strlen(t->text) == t->text_len);
	for (size_t i = 0; i < t->text_len; i++)
		assert(t->text[i] > ' ' && t->text[i] < 0x7f);
	assert(strlen(t->ath) == TOKEN_ATH_LEN);
	assert(!(t->bound && t->bound_to_other));
	assert(t->refresh_ms > NOW && t->refresh_ms < t->expires_ms);
	assert(t->expires_ms <= NOW + (int64_t)TOKEN_LIFE_MAX_S * 1000);
	token_unref(t);
	return 0;
}
