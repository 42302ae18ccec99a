/*
 * login: the challenge, its endorsement, and the token endpoint.
 */
#include "mastio/assertion.h"
#include "mastio/court.h"
#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/jose.h"
#include "mastio/pki.h"
#include "mastio/process.h"
#include "mastio/proof.h"
#include "mastio/records.h"
#include "mastio/routes.h"
#include "mastio/token.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>

#define LIFETIME_MAX 300

/* The member of the JSON body, or NULL with 422 answered. */
static const char *
body_text(struct exchange *x, const char *name)
{
	const char *s = json_string_value(json_object_get(x->json, name));

	if (!s)
		answer_unprocessable(x, "missing", name, "Field required");
	return s;
}

/* The thumbprint to bind to: a proof that is bad for any reason is as good
 * as none.  Caller frees. */
static char *
binding_of(struct exchange *x)
{
	char *htu, *jkt = NULL;
	struct proof p;

	/* A legacy runtime ignores it. */
	if (!proof_header(x) || x->srv->set.legacy)
		return NULL;
	htu = exchange_host_htu(x);
	p = proof_verify(x, &(struct proof_rule){.htu = htu});
	if (!p.detail) {
		jkt = p.jkt;
		p.jkt = NULL;
	}
	proof_fini(&p);
	free(htu);
	return jkt;
}

static void
refuse_login(struct exchange *x, const char *why)
{
	x->srv->stats.logins_refused++;
	answer_detail_with(
	    x, 401, why, "WWW-Authenticate", "Bearer realm=\"mcp-proxy\"");
}

static void
grant(struct exchange *x, const struct assertion *a)
{
	struct server *srv = x->srv;
	char *jkt = binding_of(x), *token, *issuer;
	const struct record *rec;

	if (!jkt && srv->set.require_bound) {
		refuse_login(x, "DPoP proof required for LOCAL_TOKEN binding");
		return;
	}
	rec = records_find(srv->records, a->id.agent_id);
	token = token_mint(srv, a->id.agent_id, rec ? a->id.org : NULL, jkt);
	issuer = xasprintf("cullis-mastio:%s", srv->org);
	journal_token(srv->journal, token);
	srv->stats.logins++;
	if (jkt)
		srv->stats.logins_bound++;
	answer_json(x, 200,
	    json_pack("{s:s, s:s, s:I, s:s, s:s}", "access_token", token,
		"token_type", "Bearer", "expires_in",
		(json_int_t)srv->set.token_ttl, "scope", "local", "issued_by",
		issuer));
	free(issuer);
	free(token);
	free(jkt);
}

void
login_token(struct exchange *x)
{
	const char *text;
	struct assertion a;

	if (!settings_local_auth(&x->srv->set)) {
		court_forward(x);
		return;
	}
	if (x->srv->set.signer_halted) {
		answer_detail(x, 503, "local issuer not initialized");
		return;
	}
	text = body_text(x, "client_assertion");
	if (!text)
		return;
	if (assertion_check(x, &a, text))
		grant(x, &a);
	else if (a.crash)
		answer_crash(x);
	else
		refuse_login(x, a.why);
	assertion_fini(&a);
}

void
login_challenge(struct exchange *x)
{
	char *nonce =
	    process_new_challenge(x->process, x->agent_id, server_now(x->srv));

	answer_json(x, 200,
	    json_pack("{s:s, s:i, s:s}", "nonce", nonce, "expires_in",
		CHALLENGE_LIFE, "agent_id", x->agent_id));
	free(nonce);
}

/* What only the endorsement looks at; NULL: all well, else the refusal. */
static const char *
endorse_check(struct exchange *x, const struct assertion *a, const char *nonce,
    int *status)
{
	const json_t *claims = a->jws.claims;
	const char *claim = json_string_value(json_object_get(claims, "nonce"));
	const struct record *rec = records_find(x->srv->records, x->agent_id);
	char pin[SHA256_HEX_SIZE];

	*status = 401;
	if (strcmp(a->id.agent_id, x->agent_id) != 0)
		return "assertion sub does not match authenticated agent";
	if (!claim || strcmp(claim, nonce) != 0)
		return "assertion nonce claim does not match request nonce";
	if (json_number_value(json_object_get(claims, "exp")) -
		json_number_value(json_object_get(claims, "iat")) >
	    LIFETIME_MAX) {
		*status = 400;
		return "assertion lifetime must be ≤ 300s";
	}
	pki_sha256_hex(a->chain[0], pin);
	if (!rec || strcmp(rec->pin, pin) != 0)
		return "leaf certificate does not match pinned "
		       "internal_agents.cert_pem";
	return NULL;
}

static const char *
endorse_refusal(const struct assertion *a)
{
	if (starts_with(a->why, "x509 chain"))
		return "x509 chain verification failed";
	if (starts_with(a->why, "sub does not match"))
		return "assertion sub does not match authenticated agent";
	return "assertion invalid";
}

void
login_endorse(struct exchange *x)
{
	const char *text = body_text(x, "client_assertion");
	const char *nonce = text ? body_text(x, "nonce") : NULL;
	const char *why = NULL;
	struct assertion a;
	int status = 401;
	char *signature;

	if (!nonce)
		return;
	if (!process_use_challenge(
		x->process, nonce, x->agent_id, server_now(x->srv))) {
		answer_detail(x, 401,
		    "challenge nonce invalid, expired, or already consumed");
		return;
	}
	if (!assertion_check(x, &a, text))
		why = endorse_refusal(&a);
	else
		why = endorse_check(x, &a, nonce, &status);
	if (a.crash) {
		answer_crash(x);
	} else if (why) {
		answer_detail(x, status, why);
	} else {
		signature = tokens_endorse(x->srv->tokens, text);
		answer_json(x, 200,
		    json_pack("{s:s, s:s, s:s}", "client_assertion", text,
			"agent_id", x->agent_id, "mastio_signature",
			signature));
		free(signature);
	}
	assertion_fini(&a);
}

/* The reference signs with the agent's key if it stores one; we store none. */
void
login_sign_assertion(struct exchange *x)
{
	answer_detail(x, 404, "agent credentials not available on proxy");
}
