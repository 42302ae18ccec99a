/*
 * proof: see proof.h.
 */
#include "mastio/proof.h"

#include "mastio/court.h"
#include "mastio/exchange.h"
#include "mastio/jose.h"
#include "mastio/journal.h"
#include "mastio/map.h"
#include "mastio/process.h"
#include "mastio/util.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IAT_PAST 60
#define IAT_FUTURE 5

const char *
proof_header(const struct exchange *x)
{
	return http_header(x->head, "DPoP", 0);
}

/* Scheme and authority in lower case, ws as http, without query, fragment and
 * the last segment's parameters; nothing else. */
static char *
normal_htu(const char *htu)
{
	char *out = NULL, *end, *last;
	const char *rest = strstr(htu, "://");
	size_t scheme = rest ? (size_t)(rest - htu) : 0;

	if (!rest)
		return xstrdup(htu);
	if (scheme == 3 && strncasecmp(htu, "wss", 3) == 0)
		out = xasprintf("https%s", rest);
	else if (scheme == 2 && strncasecmp(htu, "ws", 2) == 0)
		out = xasprintf("http%s", rest);
	else
		out = xstrdup(htu);
	out[strcspn(out, "?#")] = '\0';
	end = strstr(out, "://") + 3;
	end += strcspn(end, "/");
	for (char *p = out; p < end; p++)
		*p = (char)tolower((unsigned char)*p);
	last = strrchr(end, '/');
	if (last)
		last[strcspn(last, ";")] = '\0';
	return out;
}

static char *
invalid(const char *why)
{
	return xasprintf("Invalid DPoP proof: %s", why);
}

static const char *
string_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

/* Structure, typ, alg, jwk, thumbprint, signature. */
static char *
check_signature(
    struct proof *p, const struct jws *j, const char *text, int64_t now)
{
	const char *typ = string_of(j->header, "typ");
	const char *alg = string_of(j->header, "alg");
	json_t *jwk = json_object_get(j->header, "jwk");
	json_t *jti = json_object_get(j->claims, "jti");
	json_t *nbf = json_object_get(j->claims, "nbf");
	EVP_PKEY *key;
	bool good;

	if (!typ || strcmp(typ, "dpop+jwt") != 0)
		return invalid("typ must be 'dpop+jwt'");
	if (!alg || (strcmp(alg, "ES256") != 0 && strcmp(alg, "PS256") != 0))
		return xasprintf(
		    "Invalid DPoP proof: unsupported algorithm '%s'",
		    alg ? alg : "None");
	if (!json_is_object(jwk) || json_object_size(jwk) == 0)
		return invalid("missing jwk in header");
	if (json_object_get(jwk, "d"))
		return invalid("jwk contains private key material");
	p->jkt = jwk_thumbprint(jwk);
	if (!p->jkt)
		return invalid("cannot compute JWK thumbprint");
	key = jwk_key(jwk);
	good = key && jws_verify(j, text, alg, key);
	EVP_PKEY_free(key);
	if (!good || (jti && !json_is_string(jti)) ||
	    (nbf && json_number_value(nbf) > (double)now))
		return invalid("signature verification failed");
	return NULL;
}

static char *
check_htu(struct exchange *x, struct proof *p, const char *want,
    const char *htu, bool court)
{
	char *a = normal_htu(want), *b = normal_htu(htu ? htu : "");
	char *detail = NULL;

	if (strcmp(a, b) != 0) {
		p->hint = !court;
		detail = x->srv->set.production || court
			     ? invalid("htu mismatch")
			     : xasprintf("Invalid DPoP proof: htu mismatch "
					 "(expected='%s', got='%s')",
				   a, b);
	}
	free(a);
	free(b);
	return detail;
}

static bool
is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* jti, iat, htm, htu, ath, nonce; the jti is consumed last. */
static char *
check_claims(struct exchange *x, struct proof *p, const json_t *claims,
    const struct proof_rule *rule)
{
	double now = server_now_exact(x->srv);
	int64_t seconds = server_now(x->srv);
	const char *jti = string_of(claims, "jti");
	const char *htm = string_of(claims, "htm");
	const char *ath = string_of(claims, "ath");
	const char *nonce = string_of(claims, "nonce");
	json_t *iat = json_object_get(claims, "iat");
	struct process *store =
	    rule->court ? court_process(x->srv->court) : x->process;
	char *detail, *want;
	bool same;

	if (!jti || !*jti)
		return invalid("missing jti");
	if (iat && !json_is_number(iat)) {
		p->crash = true;
		return invalid("iat is no number");
	}
	if (!iat || json_number_value(iat) < floor(now) - IAT_PAST ||
	    json_number_value(iat) > floor(now) + IAT_FUTURE)
		return invalid("iat out of acceptable window");
	if (!htm || strcasecmp(htm, x->head->method) != 0)
		return invalid("htm mismatch");
	detail =
	    check_htu(x, p, rule->htu, string_of(claims, "htu"), rule->court);
	if (detail)
		return detail;
	if (rule->token) {
		want = b64u_sha256(rule->token);
		same = ath && strcmp(ath, want) == 0;
		free(want);
		if (!same)
			return invalid("ath mismatch");
	}
	if (rule->nonce && nonce && !is_ascii(nonce)) {
		p->crash = true;
		return invalid("nonce is not ASCII");
	}
	if (rule->nonce &&
	    (!nonce || !process_knows_nonce(store, nonce, seconds)))
		return xstrdup("use_dpop_nonce");
	if (!process_use_jti(store, jti, seconds))
		return xstrdup("DPoP proof replay detected");
	return NULL;
}

/* The journal's account of a proof; j may be unparsed. */
static void
note(struct exchange *x, const char *text, const struct jws *j, const char *jkt,
    const char *verdict, bool repeated)
{
	static const char *const names[] = {
	    "jti", "htm", "htu", "iat", "ath", "nonce"};
	json_t *o = json_object();

	json_object_set_new(o, "raw", json_string(text));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *v =
		    j->claims ? json_object_get(j->claims, names[i]) : NULL;

		json_object_set_new(
		    o, names[i], v ? json_incref(v) : json_null());
	}
	json_object_set_new(o, "jkt", jkt ? json_string(jkt) : json_null());
	json_object_set_new(o, "verdict", json_string(verdict));
	json_object_set_new(o, "repeated", json_boolean(repeated));
	json_decref(x->log->proof);
	x->log->proof = o;
}

/* True: some process has seen it before. */
static bool
count_jti(struct exchange *x, const struct jws *j)
{
	const char *jti = j->claims ? string_of(j->claims, "jti") : NULL;

	if (!jti || map_add(x->srv->jti_seen, jti, NULL, MAP_FOR_EVER, 0))
		return false;
	x->srv->stats.jti_repeated++;
	return true;
}

struct proof
proof_verify(struct exchange *x, const struct proof_rule *rule)
{
	const char *text = rule->text ? rule->text : proof_header(x);
	struct proof p = {0};
	struct jws j;
	char *ath = rule->token ? b64u_sha256(rule->token) : NULL;
	bool repeated;

	if (!jws_parse(&j, text))
		p.detail = invalid("malformed JWT");
	else
		p.detail = check_signature(&p, &j, text, server_now(x->srv));
	if (!p.detail)
		p.detail = check_claims(x, &p, j.claims, rule);
	repeated = count_jti(x, &j);
	note(x, text, &j, p.jkt, p.detail ? p.detail : "ok", repeated);
	journal_proof(x->srv->journal, text, x->head->method, rule->htu, ath,
	    server_now(x->srv));
	if (p.detail)
		x->srv->stats.proofs_bad++;
	else
		x->srv->stats.proofs_ok++;
	free(ath);
	jws_fini(&j);
	return p;
}

void
proof_fini(struct proof *p)
{
	free(p->jkt);
	free(p->detail);
	memset(p, 0, sizeof(*p));
}

void
proof_note_ignored(struct exchange *x)
{
	const char *text = proof_header(x);
	struct jws j;
	char *jkt = NULL, *htu;

	if (!text || x->log->proof)
		return;
	if (jws_parse(&j, text))
		jkt = jwk_thumbprint(json_object_get(j.header, "jwk"));
	note(x, text, &j, jkt, "ignored", count_jti(x, &j));
	htu = exchange_host_htu(x);
	journal_proof(x->srv->journal, text, x->head->method, htu, NULL,
	    server_now(x->srv));
	free(htu);
	free(jkt);
	jws_fini(&j);
}

void
proof_answer(struct exchange *x, const struct proof *p)
{
	if (p->crash)
		answer_crash(x);
	else if (p->hint)
		answer_detail_with(x, 401, p->detail, "X-Cullis-Hint",
		    "htu_mismatch_check_proxy_public_url");
	else
		answer_detail(x, 401, p->detail);
}
