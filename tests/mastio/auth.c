/*
 * auth: see auth.h.
 */
#include "mastio/auth.h"

#include "mastio/court.h"
#include "mastio/exchange.h"
#include "mastio/journal.h"
#include "mastio/pki.h"
#include "mastio/proof.h"
#include "mastio/records.h"
#include "mastio/token.h"
#include "mastio/util.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DOCS "https://docs.cullis.io/runbook/mastio-mtls-auth"
#define BEARER "Bearer realm=\"mcp-proxy\""
#define DPOP "DPoP realm=\"mcp-proxy\""
#define DPOP_ALGS "DPoP realm=\"mcp-proxy\", algs=\"ES256 PS256\""
#define DPOP_EGRESS "DPoP realm=\"egress\", algs=\"ES256 PS256\""

enum outcome { ADMITTED, REFUSED, UNDECIDED };

bool
auth_admit(struct exchange *x, const char *agent_id, enum auth_kind kind)
{
	x->agent_id = xstrdup(agent_id);
	x->log->agent_id = xstrdup(agent_id);
	x->log->auth = kind;
	return true;
}

static void
challenge(struct exchange *x, const char *detail, const char *scheme)
{
	answer_detail_with(x, 401, detail, "WWW-Authenticate", scheme);
}

const char *
auth_header(const struct exchange *x, bool *dpop_scheme)
{
	const char *value = http_header(x->head, "Authorization", 0);

	*dpop_scheme = value && strncasecmp(value, "DPoP ", 5) == 0;
	if (*dpop_scheme)
		value += 5;
	else if (value && strncasecmp(value, "Bearer ", 7) == 0)
		value += 7;
	else
		return NULL;
	return value + strspn(value, " ");
}

/* The proof of a token that is bound; its key must be the token's. */
static bool
check_binding(struct exchange *x, const char *text, const struct token *t)
{
	char *htu = exchange_host_htu(x);
	struct proof p = {0};
	bool ok = false;

	if (!proof_header(x)) {
		challenge(x,
		    "LOCAL_TOKEN is DPoP-bound but no DPoP proof presented",
		    DPOP);
		goto out;
	}
	p = proof_verify(x, &(struct proof_rule){.htu = htu, .token = text});
	if (p.detail)
		proof_answer(x, &p);
	else if (strcmp(p.jkt, t->jkt) != 0)
		challenge(x,
		    "DPoP proof key does not match LOCAL_TOKEN cnf.jkt", DPOP);
	else
		ok = true;
out:
	proof_fini(&p);
	free(htu);
	return ok;
}

static bool
check_token(struct exchange *x, const char *text, const struct token *t)
{
	struct record *rec;

	if (!t->jkt && x->srv->set.require_bound) {
		challenge(x, "LOCAL_TOKEN missing cnf.jkt — re-login required",
		    BEARER);
		return false;
	}
	if (t->jkt && !check_binding(x, text, t))
		return false;
	rec = t->sub ? records_find(x->srv->records, t->sub) : NULL;
	if (!rec || !rec->active) {
		challenge(x, "agent not registered or deactivated", BEARER);
		return false;
	}
	return auth_admit(x, t->sub, AUTH_TOKEN);
}

/* A token of ours decides alone, for better or worse. */
static enum outcome
try_local_token(struct exchange *x, const char *text)
{
	enum token_verdict verdict;
	struct token t;
	bool ok = false;

	if (!text || starts_with(text, "culk_") ||
	    !settings_local_auth(&x->srv->set) || x->srv->set.signer_halted)
		return UNDECIDED;
	verdict = token_judge(x->srv, text, &t);
	if (t.claims)
		x->log->token = json_pack("{s:s, s:s?, s:s?, s:b, s:b}", "kind",
		    "local", "sub", t.sub, "jti", t.jti, "bound", t.jkt != NULL,
		    "expired", t.expired);
	if (verdict == TOKEN_GOOD)
		ok = check_token(x, text, &t);
	else if (verdict == TOKEN_REJECTED)
		challenge(x, "local token rejected", BEARER);
	token_fini(&t);
	if (verdict == TOKEN_UNKNOWN)
		return UNDECIDED;
	return ok ? ADMITTED : REFUSED;
}

/* The object form of a certificate's 401; extras is stolen. */
static bool
refuse_cert(
    struct exchange *x, const char *reason, const char *hint, json_t *extras)
{
	json_object_set_new(extras, "reason", json_string(reason));
	json_object_set_new(extras, "hint", json_string(hint));
	json_object_set_new(extras, "docs", json_string(DOCS));
	answer_json(x, 401, json_pack("{s:o}", "detail", extras));
	return false;
}

static bool
check_forwarded(struct exchange *x)
{
	const char *verify = http_header(x->head, "X-SSL-Client-Verify", 0);

	if (x->cert == CERT_VERIFIED)
		return true;
	if (x->cert == CERT_NONE)
		verify = "NONE";
	if (verify && strcmp(verify, "SUCCESS") == 0)
		return refuse_cert(x, "client_cert_header_missing",
		    "nginx did not forward the client certificate",
		    json_object());
	return refuse_cert(x, "client_cert_not_verified",
	    "nginx did not verify a client certificate",
	    json_pack("{s:s}", "presented_verify", verify ? verify : ""));
}

static bool
check_pin(struct exchange *x, const struct record *rec)
{
	X509 *cert = x->conn->peer->cert;
	char *serial, *uri;
	json_t *extras;

	if (record_has_pin(rec, x->conn->peer->sha256, server_now(x->srv)))
		return true;
	serial = pki_serial_hex(cert);
	uri = pki_first_uri(cert);
	extras = json_pack("{s:s, s:s, s:s?}", "agent_id", rec->agent_id,
	    "cert_serial", serial, "cert_san", uri);
	free(serial);
	free(uri);
	return refuse_cert(x, "client_cert_pin_mismatch",
	    "another certificate is registered for this agent", extras);
}

static bool
check_identity(
    struct exchange *x, const struct identity *id, struct record **rec)
{
	if (strcmp(id->org, x->srv->org) != 0)
		return refuse_cert(x, "client_cert_org_mismatch",
		    "the certificate belongs to another organisation",
		    json_pack("{s:s, s:s, s:s}", "expected_org", x->srv->org,
			"presented_org", id->org, "agent_name", id->name));
	*rec = records_find(x->srv->records, id->agent_id);
	if (!*rec || !(*rec)->active)
		return refuse_cert(x, "agent_unknown_or_inactive",
		    "the agent is not enrolled or was deactivated",
		    json_pack("{s:s}", "agent_id", id->agent_id));
	return check_pin(x, *rec);
}

/* The agent that the client's certificate belongs to; NULL: refused. */
static struct record *
certificate_agent(struct exchange *x)
{
	struct record *rec = NULL;
	struct identity id;
	X509 *cert = x->conn->peer->cert;
	char *serial, *uri;
	bool ok;

	if (!check_forwarded(x))
		return NULL;
	if (!pki_identity(cert, &id)) {
		serial = pki_serial_hex(cert);
		uri = pki_first_uri(cert);
		refuse_cert(x, "client_cert_no_parseable_identity",
		    "neither the SAN nor the CN names an agent",
		    json_pack(
			"{s:s?, s:s}", "cert_san", uri, "cert_serial", serial));
		free(serial);
		free(uri);
		return NULL;
	}
	ok = check_identity(x, &id, &rec);
	identity_fini(&id);
	return ok ? rec : NULL;
}

/* sk_local_<agent name>_<32 hex digits> */
static bool
key_well_formed(const char *key)
{
	size_t n = strlen(key);

	return starts_with(key, "sk_local_") &&
	       n > strlen("sk_local_") + 1 + 32 && key[n - 33] == '_' &&
	       strspn(key + n - 32, "0123456789abcdef") == 32;
}

/* Legacy: the agent that the X-API-Key belongs to; NULL: refused. */
static struct record *
key_agent(struct exchange *x, const char **key)
{
	struct record *rec;

	*key = http_header(x->head, "X-API-Key", 0);
	if (!*key) {
		answer_detail(x, 401, "X-API-Key header required");
		return NULL;
	}
	if (!key_well_formed(*key)) {
		answer_detail(x, 401, "Invalid API key format");
		return NULL;
	}
	rec = records_find_key(x->srv->records, *key);
	if (rec && rec->active)
		return rec;
	answer_detail(x, 401, "Invalid API key");
	return NULL;
}

/* The agent by certificate, or by key (*key) where the runtime is legacy. */
static struct record *
credential_agent(struct exchange *x, const char **key)
{
	*key = NULL;
	return x->srv->set.legacy ? key_agent(x, key) : certificate_agent(x);
}

bool
auth_certificate(struct exchange *x)
{
	const char *key;
	struct record *rec = credential_agent(x, &key);

	return rec &&
	       auth_admit(x, rec->agent_id, key ? AUTH_API_KEY : AUTH_CERT);
}

/* Without a token a proof is judged as MCP_PROXY_EGRESS_DPOP_MODE says; key is
 * what its ath is over, or NULL. */
static bool
check_mode(struct exchange *x, const struct record *rec, const char *key)
{
	bool required = x->srv->set.dpop_mode == DPOP_REQUIRED;
	struct proof p;
	char *htu;
	bool ok = false;

	if (x->srv->set.dpop_mode == DPOP_OFF)
		return true;
	if (!proof_header(x) && !required)
		return true;
	if (!proof_header(x)) {
		challenge(x,
		    "DPoP proof required — set "
		    "MCP_PROXY_EGRESS_DPOP_MODE=optional to allow "
		    "certificate-only requests",
		    DPOP_EGRESS);
		return false;
	}
	htu = exchange_public_htu(x);
	p = proof_verify(
	    x, &(struct proof_rule){.htu = htu, .token = key, .nonce = true});
	if (p.detail)
		proof_answer(x, &p);
	else if (!rec->jkt && required)
		answer_detail(x, 401,
		    "Agent has no DPoP key registered. Re-enroll the agent "
		    "or register a key.");
	else if (rec->jkt && !record_has_jkt(rec, p.jkt, server_now(x->srv)))
		answer_detail(x, 401,
		    "DPoP proof was signed by a key not registered for this "
		    "agent.");
	else
		ok = true;
	proof_fini(&p);
	free(htu);
	return ok;
}

bool
auth_egress(struct exchange *x)
{
	bool dpop_scheme;
	enum outcome out = try_local_token(x, auth_header(x, &dpop_scheme));
	struct record *rec;
	const char *key;

	if (out != UNDECIDED)
		return out == ADMITTED;
	rec = credential_agent(x, &key);
	return rec && check_mode(x, rec, key) &&
	       auth_admit(x, rec->agent_id, key ? AUTH_API_KEY : AUTH_CERT);
}

/* A Court token: its proof has a nonce of the Mastio and the public htu. */
static bool
check_court_token(struct exchange *x, const char *text)
{
	struct court_token t;
	struct proof p;
	char *htu;
	bool ok = false;

	if (!court_token_open(x, text, &t)) {
		challenge(x, "Token invalid or expired", DPOP_ALGS);
		return false;
	}
	htu = exchange_public_htu(x);
	p = proof_verify(
	    x, &(struct proof_rule){.htu = htu, .token = text, .nonce = true});
	if (p.detail)
		proof_answer(x, &p);
	else if (strcmp(p.jkt, t.jkt) != 0)
		challenge(
		    x, "DPoP proof key does not match token binding", DPOP);
	else
		ok = auth_admit(x, t.agent_id, AUTH_COURT);
	proof_fini(&p);
	court_token_fini(&t);
	free(htu);
	return ok;
}

bool
auth_ingress(struct exchange *x)
{
	bool dpop_scheme;
	const char *text = auth_header(x, &dpop_scheme);
	enum outcome out = try_local_token(x, text);

	if (out != UNDECIDED)
		return out == ADMITTED;
	if (!text || !dpop_scheme)
		challenge(x,
		    "DPoP token required — plain Bearer is not accepted",
		    DPOP_ALGS);
	else if (!proof_header(x))
		challenge(x, "DPoP proof header required", DPOP_ALGS);
	else
		return check_court_token(x, text);
	return false;
}
