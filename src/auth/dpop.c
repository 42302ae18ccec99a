/*
 * dpop: see dpop.h.
 */
#include "auth/dpop.h"

#include "base/b64.h"

/* The payload of RFC 9449 section 4.2, as JSON. */
static void
add_payload(struct buf *b, const struct dpop_claims *c, struct span jti)
{
	buf_add_str(b, "{\"jti\":\"");
	buf_add_span(b, jti);
	buf_add_str(b, "\",\"htm\":\"");
	buf_add_json(b, c->htm);
	buf_add_str(b, "\",\"htu\":\"");
	buf_add_json(b, c->htu_base);
	buf_add_json(b, c->path);
	buf_add_str(b, "\",\"iat\":");
	buf_add_u64(b, (uint64_t)c->iat);
	if (c->ath.p) {
		buf_add_str(b, ",\"ath\":\"");
		buf_add_json(b, c->ath);
		buf_add_char(b, '"');
	}
	if (c->nonce.p) {
		buf_add_str(b, ",\"nonce\":\"");
		buf_add_json(b, c->nonce);
		buf_add_char(b, '"');
	}
	buf_add_char(b, '}');
}

int
dpop_mint(struct signer *s, const struct dpop_claims *c, struct buf *out,
    char jti[DPOP_JTI_LEN + 1])
{
	struct span header = identity_proof_header(signer_identity(s));
	struct buf *payload = signer_scratch(s);
	uint8_t sig[SIGNER_SIG_LEN], raw[16];
	size_t before = out->len;

	if (signer_random(s, raw, sizeof(raw)) < 0)
		return -1;
	b64url_encode(jti, raw, sizeof(raw));
	jti[DPOP_JTI_LEN] = 0;

	buf_clear(payload);
	add_payload(payload, c, span_new(jti, DPOP_JTI_LEN));
	buf_reserve(out,
	    header.n + B64URL_LEN(payload->len) + B64URL_LEN(sizeof(sig)) + 2);
	buf_add_span(out, header);
	buf_add_char(out, '.');
	buf_add_b64url(out, buf_span(payload).p, payload->len);
	buf_clear(payload);
	if (signer_sign(s,
		span_new(buf_span(out).p + before, out->len - before),
		sig) < 0) {
		out->len = before;
		return -1;
	}
	buf_add_char(out, '.');
	buf_add_b64url(out, sig, sizeof(sig));
	return 0;
}

bool
dpop_nonce_ok(struct span nonce)
{
	if (nonce.n == 0 || nonce.n > DPOP_NONCE_MAX)
		return false;
	for (size_t i = 0; i < nonce.n; i++) {
		unsigned char c = (unsigned char)nonce.p[i];

		/* NQCHAR = %x21 / %x23-5B / %x5D-7E */
		if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
			return false;
	}
	return true;
}
