/*
 * t_verdict: what the gateway's refusals mean.  Every row of tbl/verdict.h is
 * met by a row here, which the last test checks.
 */
#include "auth/verdict.h"

#include "base/mem.h"

#include "unit.h"

#define MASTIO "DPoP realm=\"mcp-proxy\""
#define BEARER "Bearer realm=\"mcp-proxy\""
#define ALGS "DPoP realm=\"mcp-proxy\", algs=\"ES256 PS256\""
#define TRUST "DPoP realm=\"agent-trust\""
#define NGINX(title)                                                    \
	"<html>\r\n<head><title>" title "</title></head>\r\n<body>\r\n" \
	"<center><h1>" title "</h1></center>\r\n</body>\r\n</html>\r\n"
#define SAID(text) "{\"detail\":\"" text "\"}"
#define WHY(text)                                                       \
	"{\"detail\":{\"reason\":\"" text "\",\"hint\":\"h\",\"docs\":" \
	"\"https://docs.cullis.io/runbook/mastio-mtls-auth\"}}"

enum {
	M = VERDICT_ROUTE_MASTIO,
	K = VERDICT_ROUTE_CERT,
	C = VERDICT_ROUTE_COURT,
	L = VERDICT_ROUTE_LOGIN,
	T = VERDICT_ROUTE_TOKEN
};
enum {
	NO = VERDICT_TOKEN_NONE,
	LOCAL = VERDICT_TOKEN_LOCAL,
	COURT = VERDICT_TOKEN_COURT,
	KEY = 9 /* none, but the API key */
};

struct sample {
	unsigned status;
	int route, token;
	const char *body;
	const char *challenge; /* WWW-Authenticate or NULL */
	enum verdict_row row;
	enum verdict_action action;
};

#define ROW(row, action) VERDICT_ROW_##row, VERDICT_##action

/* protocol 6.2: tokens and proofs */
static const struct sample proofs[] = {
    {401, M, LOCAL, SAID("use_dpop_nonce"), NULL, ROW(NONCE, NEW_NONCE)},
    {401, C, COURT, SAID("use_dpop_nonce"), NULL, ROW(NONCE, NEW_NONCE)},
    {401, L, NO, SAID("use_dpop_nonce"), NULL, ROW(NONCE, NEW_NONCE)},
    {401, M, LOCAL, SAID("local token rejected"), BEARER,
	ROW(TOKEN_REJECTED, LOGIN)},
    {401, M, LOCAL,
	SAID("LOCAL_TOKEN is DPoP-bound but no DPoP proof presented"), MASTIO,
	ROW(PROOF_LOST, NEW_PROOF)},
    {401, M, LOCAL, SAID("DPoP proof key does not match LOCAL_TOKEN cnf.jkt"),
	MASTIO, ROW(TOKEN_KEY, LOGIN)},
    {401, M, LOCAL,
	SAID("LOCAL_TOKEN missing cnf.jkt \xe2\x80\x94 re-login required"),
	BEARER, ROW(TOKEN_UNBOUND, LOGIN)},
    {401, M, LOCAL, SAID("agent not registered or deactivated"), BEARER,
	ROW(DEACTIVATED, TERMINAL)},
    {401, M, LOCAL, SAID("Invalid DPoP proof: htu mismatch"), NULL,
	ROW(HTU, LEARN_HTU)},
    {401, M, LOCAL, SAID("Invalid DPoP proof: iat out of acceptable window"),
	NULL, ROW(IAT, FIX_CLOCK)},
    {401, M, LOCAL, SAID("Invalid DPoP proof: ath mismatch"), NULL,
	ROW(ATH, NEW_PROOF)},
    {401, M, LOCAL, SAID("Invalid DPoP proof: htm mismatch"), NULL,
	ROW(PROOF, TERMINAL)},
    {401, M, LOCAL, SAID("Invalid DPoP proof: signature verification failed"),
	NULL, ROW(PROOF, TERMINAL)},
    {401, M, LOCAL, SAID("DPoP proof replay detected"), NULL,
	ROW(REPLAY, NEW_PROOF)},
    {401, M, COURT,
	SAID("DPoP proof was signed by a key not registered for this agent."),
	NULL, ROW(KEY, TERMINAL)},
    {401, M, NO,
	SAID("DPoP proof was signed by a key not registered for this agent."),
	NULL, ROW(KEY_NO_TOKEN, LOGIN)},
    {401, M, NO,
	SAID("DPoP proof required \xe2\x80\x94 set "
	     "MCP_PROXY_EGRESS_DPOP_MODE=optional to allow"),
	"DPoP realm=\"egress\", algs=\"ES256 PS256\"",
	ROW(PROOF_WANTED, NEW_PROOF)},
    {401, M, NO, SAID("Agent has no DPoP key registered. Re-enroll it"), NULL,
	ROW(NO_KEY_NO_TOKEN, LOGIN)},
    {401, M, LOCAL, SAID("Agent has no DPoP key registered. Re-enroll it"),
	NULL, ROW(NO_KEY, TERMINAL)},
    {401, M, LOCAL,
	SAID("DPoP token required \xe2\x80\x94 plain Bearer is not accepted"),
	ALGS, ROW(TOKEN_WANTED, LOGIN)},
    {401, M, COURT, SAID("DPoP proof header required"), ALGS,
	ROW(PROOF_HEADER, LOGIN)},
    {401, M, COURT, SAID("Token invalid or expired"), ALGS,
	ROW(TOKEN_INVALID, LOGIN)},
    {401, M, LOCAL, SAID("Token invalid or expired"), ALGS,
	ROW(TOKEN_INVALID, LOGIN)},
    {401, C, LOCAL, SAID("Token invalid or expired"), "Bearer",
	ROW(COURT_LOCAL, PASS)},
    {401, C, COURT, SAID("Token invalid or expired"), "Bearer",
	ROW(TOKEN_INVALID, LOGIN)},
    {401, M, COURT, SAID("Token is not DPoP-bound (missing cnf.jkt)"), ALGS,
	ROW(COURT_UNBOUND, LOGIN)},
    {401, M, COURT, SAID("DPoP proof key does not match token binding"), ALGS,
	ROW(COURT_KEY, LOGIN)},
    {401, C, COURT, SAID("Token has been revoked"), TRUST, ROW(REVOKED, LOGIN)},
    {401, M, LOCAL, SAID("Bearer token required"), NULL, ROW(BEARER, LOGIN)},
    {401, M, LOCAL, SAID("empty bearer token"), NULL, ROW(BEARER_EMPTY, LOGIN)},
    {503, M, LOCAL,
	SAID("JWKS client not initialized \xe2\x80\x94 proxy not ready"), NULL,
	ROW(JWKS, BACKOFF)},
    {401, M, LOCAL, SAID("X-API-Key header required"), NULL,
	ROW(API_KEY_LOCAL, LOGIN)},
    {401, K, LOCAL, SAID("X-API-Key header required"), NULL,
	ROW(API_KEY_CERT, TERMINAL)},
    {401, M, COURT, SAID("X-API-Key header required"), NULL,
	ROW(API_KEY_WANTED, TERMINAL)},
    {401, M, NO, SAID("X-API-Key header required"), NULL,
	ROW(API_KEY_WANTED, TERMINAL)},
    {401, L, NO, SAID("X-API-Key header required"), NULL,
	ROW(LOGIN_API_KEY, TERMINAL)},
    {401, M, KEY, SAID("Invalid API key"), NULL,
	ROW(API_KEY_UNKNOWN, TERMINAL)},
    {401, M, KEY, SAID("Invalid API key format"), NULL,
	ROW(API_KEY_UNKNOWN, TERMINAL)},
    {401, M, NO, SAID("Invalid API key"), NULL, ROW(NONE, PASS)},
    /* the robust rule of 6.4: an unknown text, but our realm */
    {401, M, LOCAL, SAID("something new"), BEARER, ROW(REALM_MASTIO, LOGIN)},
    {401, M, COURT, SAID("something new"), TRUST, ROW(REALM_COURT, LOGIN)},
    {401, C, LOCAL, SAID("something new"), TRUST, ROW(REALM_COURT_LOCAL, PASS)},
    {401, M, LOCAL, "", BEARER, ROW(REALM_MASTIO, LOGIN)},
    {401, M, LOCAL, "", "Basic realm=mcp-proxy , x=y",
	ROW(REALM_MASTIO, LOGIN)},
};

/* protocol 6.3 and 2.2: the certificate */
static const struct sample certs[] = {
    {401, M, LOCAL, WHY("client_cert_not_verified"), NULL,
	ROW(CERT_UNVERIFIED, LOGIN)},
    {401, M, NO, WHY("client_cert_not_verified"), NULL,
	ROW(CERT_UNVERIFIED, LOGIN)},
    {401, K, LOCAL, WHY("client_cert_not_verified"), NULL,
	ROW(CERT_KEPT, TERMINAL)},
    {401, K, NO, WHY("client_cert_header_missing"), NULL,
	ROW(CERT_KEPT_HEADER, TERMINAL)},
    {401, M, LOCAL, WHY("client_cert_header_missing"), NULL,
	ROW(CERT_HEADER, LOGIN)},
    {401, M, COURT, WHY("client_cert_not_verified"), NULL,
	ROW(COURT_UNVERIFIED, TERMINAL)},
    {401, M, COURT, WHY("client_cert_header_missing"), NULL,
	ROW(COURT_HEADER, TERMINAL)},
    {401, M, LOCAL, WHY("client_cert_invalid_pem"), NULL,
	ROW(CERT_PEM, TERMINAL)},
    {401, M, LOCAL, WHY("client_cert_no_parseable_identity"), NULL,
	ROW(CERT_IDENTITY, TERMINAL)},
    {401, M, LOCAL, WHY("client_cert_org_mismatch"), NULL,
	ROW(CERT_ORG, TERMINAL)},
    {401, M, LOCAL, WHY("agent_unknown_or_inactive"), NULL,
	ROW(AGENT_UNKNOWN, TERMINAL)},
    {401, M, LOCAL, WHY("agent_cert_pin_unavailable"), NULL,
	ROW(PIN_UNAVAILABLE, TERMINAL)},
    {401, M, LOCAL, WHY("client_cert_pin_mismatch"), NULL,
	ROW(CERT_PIN, TERMINAL)},
    {401, M, LOCAL, WHY("typed_principal_unknown"), NULL,
	ROW(TYPED_UNKNOWN, TERMINAL)},
    {401, M, LOCAL, WHY("typed_principal_not_yet_enrolled"), NULL,
	ROW(TYPED_NOT_YET, TERMINAL)},
    {401, M, LOCAL, WHY("client_cert_pubkey_not_bound_to_principal"), NULL,
	ROW(TYPED_KEY, TERMINAL)},
    {400, M, LOCAL, NGINX("400 The SSL certificate error"), NULL,
	ROW(PAGE_CERT, TERMINAL)},
    {400, L, NO, NGINX("400 The SSL certificate error"), NULL,
	ROW(PAGE_CERT, TERMINAL)},
    {400, M, LOCAL, NGINX("400 No required SSL certificate was sent"), NULL,
	ROW(PAGE_NO_CERT, TERMINAL)},
    {401, M, LOCAL, NGINX("401 Authorization Required"), NULL,
	ROW(PAGE_401, TERMINAL)},
};

/* protocol 6.4: what is the agent's, and must never cause a login */
static const struct sample passes[] = {
    {401, M, LOCAL, WHY("provider_auth_failed"), NULL, ROW(PROVIDER, PASS)},
    {401, M, LOCAL, SAID("mtls-only signature verification failed"), NULL,
	ROW(MESSAGE, PASS)},
    {401, M, LOCAL, SAID("user session lacks a WebAuthn assertion; sign in"),
	NULL, ROW(WEBAUTHN, PASS)},
    {401, M, LOCAL, SAID("invalid signature"), NULL, ROW(PDP, PASS)},
    {401, M, LOCAL,
	"{\"detail\":\"{\\\"detail\\\":\\\"Token invalid or expired\\\"}\"}",
	NULL, ROW(NONE, PASS)},
    {403, M, LOCAL, SAID("agent reach='intra' forbids it"), NULL,
	ROW(NONE, PASS)},
    {403, M, LOCAL, SAID("Policy: no"), NULL, ROW(NONE, PASS)},
    {403, M, LOCAL, "{\"detail\":{\"error\":\"policy_denied\"}}", NULL,
	ROW(NONE, PASS)},
    {403, M, LOCAL,
	SAID("API token scope_paths does not allow this request path"), NULL,
	ROW(NONE, PASS)},
    {403, M, LOCAL, WHY("token_scope_provider_mismatch"), NULL,
	ROW(NONE, PASS)},
    {403, M, LOCAL, WHY("provider_permission_denied"), NULL, ROW(NONE, PASS)},
    {403, M, LOCAL, SAID("not the target"), NULL, ROW(NONE, PASS)},
    {403, M, LOCAL, SAID("not a participant"), NULL, ROW(NONE, PASS)},
    {403, M, LOCAL, SAID("Caller is not a peer of this session"), NULL,
	ROW(NONE, PASS)},
    {403, M, LOCAL, SAID("invalid admin secret"), NULL, ROW(NONE, PASS)},
    {429, M, LOCAL, SAID("Rate limit exceeded"), NULL, ROW(NONE, PASS)},
    {401, M, LOCAL, SAID("something new"), NULL, ROW(NONE, PASS)},
    {401, M, LOCAL, SAID("something new"), "Basic realm=\"mcp-proxy2\"",
	ROW(NONE, PASS)},
    {401, M, LOCAL, "", "Basic realm=\"x", ROW(NONE, PASS)},
    {401, M, LOCAL, "", "realm=", ROW(NONE, PASS)},
    {401, M, LOCAL, "", NULL, ROW(NONE, PASS)},
    {401, M, LOCAL, "{\"detail\":", NULL, ROW(NONE, PASS)},
    {401, M, LOCAL, "[\"local token rejected\"]", NULL, ROW(NONE, PASS)},
    {401, M, LOCAL, "{\"detail\":[{\"reason\":\"client_cert_pin_mismatch\"}]}",
	NULL, ROW(NONE, PASS)},
    {401, M, LOCAL, SAID("local token rejected\\u0000"), NULL, ROW(NONE, PASS)},
    {200, M, LOCAL, SAID("local token rejected"), NULL, ROW(NONE, PASS)},
    {500, M, LOCAL, SAID("Internal server error"), NULL, ROW(NONE, PASS)},
    {502, M, LOCAL, NGINX("502 Bad Gateway"), NULL, ROW(NONE, PASS)},
    {504, M, LOCAL, NGINX("504 Gateway Time-out"), NULL, ROW(NONE, PASS)},
    {413, M, LOCAL, NGINX("413 Request Entity Too Large"), NULL,
	ROW(NONE, PASS)},
    {400, M, LOCAL, NGINX("400 Request Header Or Cookie Too Large"), NULL,
	ROW(NONE, PASS)},
    {400, M, LOCAL, "<html><title>400 The SSL certificate error", NULL,
	ROW(NONE, PASS)},
    {503, M, LOCAL, SAID("reverse proxy not configured (broker_url missing)"),
	NULL, ROW(NONE, PASS)},
    {503, M, LOCAL, SAID("local issuer not initialized"), NULL,
	ROW(NONE, PASS)},
};

/* protocol 3.2 to 3.6: our own login */
static const struct sample logins[] = {
    {401, L, NO, SAID("DPoP proof required for LOCAL_TOKEN binding"), BEARER,
	ROW(LOGIN_PROOF, LEARN_HTU)},
    {401, L, NO, SAID("x509 chain: chain signature invalid"), BEARER,
	ROW(LOGIN_X509, TERMINAL)},
    {401, L, NO, SAID("x509 chain verification failed"), NULL,
	ROW(LOGIN_X509, TERMINAL)},
    {401, L, NO, SAID("assertion: Signature has expired"), BEARER,
	ROW(LOGIN_EXP, FIX_CLOCK)},
    {401, L, NO, SAID("assertion: The token is not yet valid (iat)"), BEARER,
	ROW(LOGIN_IAT, FIX_CLOCK)},
    {401, L, NO, SAID("assertion: Signature verification failed"), BEARER,
	ROW(LOGIN_OTHER, TERMINAL)},
    {401, L, NO, SAID("assertion invalid"), NULL, ROW(LOGIN_STEP3, FIX_CLOCK)},
    {401, L, NO, SAID("sub does not match client cert"), BEARER,
	ROW(LOGIN_SUB, TERMINAL)},
    {401, L, NO, SAID("cert identity unparseable"), BEARER,
	ROW(LOGIN_UNPARSEABLE, TERMINAL)},
    {401, L, NO, SAID("assertion sub does not match authenticated agent"), NULL,
	ROW(LOGIN_SUB3, TERMINAL)},
    {401, L, NO, SAID("assertion nonce claim does not match request nonce"),
	NULL, ROW(LOGIN_OTHER, TERMINAL)},
    {400, L, NO, SAID("assertion lifetime must be \xe2\x89\xa4 300s"), NULL,
	ROW(LOGIN_OTHER, TERMINAL)},
    {401, L, NO, SAID("challenge nonce invalid, expired, or already consumed"),
	NULL, ROW(LOGIN_CHALLENGE, NEW_NONCE)},
    {401, L, NO,
	SAID("leaf certificate does not match pinned internal_agents.cert_pem"),
	NULL, ROW(LOGIN_PIN, TERMINAL)},
    {401, L, NO, SAID("agent not registered or deactivated"), NULL,
	ROW(DEACTIVATED, TERMINAL)},
    {401, L, NO, WHY("client_cert_not_verified"), NULL,
	ROW(LOGIN_OTHER, TERMINAL)},
    {500, L, NO, SAID("agent has no pinned cert_pem on record"), NULL,
	ROW(LOGIN_NO_PIN, TERMINAL)},
    {500, L, NO, SAID("pinned cert_pem is malformed"), NULL,
	ROW(LOGIN_BAD_PIN, TERMINAL)},
    {500, L, NO, SAID("Internal server error"), NULL, ROW(LOGIN_500, BACKOFF)},
    {503, L, NO, SAID("local issuer not initialized"), NULL,
	ROW(LOGIN_BUSY, BACKOFF)},
    {503, L, NO, SAID("reverse proxy not configured (broker_url missing)"),
	NULL, ROW(LOGIN_NO_ISSUER, TERMINAL)},
    {502, L, NO, SAID("broker unreachable"), NULL, ROW(LOGIN_502, BACKOFF)},
    {504, L, NO, SAID("broker timeout"), NULL, ROW(LOGIN_504, BACKOFF)},
    {429, L, NO, SAID("Rate limit exceeded for 'auth.token': max 10 req/60s"),
	NULL, ROW(LOGIN_RATE, BACKOFF)},
    {404, L, NO, SAID("Not Found"), NULL, ROW(LOGIN_404, TERMINAL)},
    {405, L, NO, SAID("Method Not Allowed"), NULL, ROW(LOGIN_405, TERMINAL)},
    {422, L, NO, "{\"detail\":[{\"type\":\"missing\"}]}", NULL,
	ROW(LOGIN_OTHER, TERMINAL)},
    {401, L, NO, SAID("Invalid client_assertion signature"), NULL,
	ROW(LOGIN_SIGNATURE, FIX_CLOCK)},
    {401, L, NO, SAID("client_assertion already used (replay attack detected)"),
	NULL, ROW(LOGIN_REPLAY, NEW_PROOF)},
    {401, L, NO, SAID("Certificate has been revoked"), NULL,
	ROW(LOGIN_REVOKED, TERMINAL)},
    {401, L, NO,
	SAID("Certificate thumbprint mismatch \xe2\x80\x94 use the rotate-cert "
	     "endpoint to update"),
	NULL, ROW(LOGIN_THUMBPRINT, TERMINAL)},
    {401, L, NO, SAID("certificate chain broken at position 1"), NULL,
	ROW(LOGIN_COURT_CHAIN, TERMINAL)},
    {401, L, NO, SAID("x5c header absent or empty"), NULL,
	ROW(LOGIN_X5C, TERMINAL)},
    {401, L, NO, SAID("SPIFFE ID in SAN does not match the registered agent"),
	NULL, ROW(LOGIN_SPIFFE, TERMINAL)},
    {401, L, NO, SAID("Agent not found or org mismatch"), NULL,
	ROW(LOGIN_UNKNOWN, TERMINAL)},
    {403, L, NO, SAID("Agent not active"), NULL, ROW(LOGIN_INACTIVE, TERMINAL)},
    {403, L, NO, SAID("missing mastio counter-signature"), NULL,
	ROW(LOGIN_ENDORSE, TERMINAL)},
    {403, L, NO, SAID("No approved binding for this agent and organization"),
	NULL, ROW(LOGIN_OTHER, TERMINAL)},
    {302, L, NO, "", NULL, ROW(LOGIN_OTHER, TERMINAL)},
};

/* Answers to HEAD, which have no body. */
static const struct {
	int route, token;
	const char *challenge, *nonce, *hint;
	enum verdict_row row;
	enum verdict_action action;
} heads[] = {
    {M, NO, NULL, "n", NULL, ROW(HEAD_NONCE, NEW_NONCE)},
    {M, COURT, NULL, "n", NULL, ROW(HEAD_NONCE, NEW_NONCE)},
    {M, LOCAL, NULL, "n", NULL, ROW(HEAD_NONCE, NEW_NONCE)},
    {M, NO, ALGS, "n", NULL, ROW(HEAD_MASTIO, NEW_NONCE)},
    {M, NO, ALGS, NULL, NULL, ROW(HEAD_MASTIO, NEW_NONCE)},
    {M, NO, TRUST, NULL, NULL, ROW(HEAD_COURT, NEW_NONCE)},
    {M, LOCAL, BEARER, "n", NULL, ROW(REALM_MASTIO, LOGIN)},
    {M, COURT, TRUST, "n", NULL, ROW(REALM_COURT, LOGIN)},
    {M, NO, "DPoP realm=\"egress\", algs=\"ES256 PS256\"", "n", NULL,
	ROW(HEAD_PROOF, NEW_PROOF)},
    {M, LOCAL, NULL, "n", "htu_mismatch_check_proxy_public_url",
	ROW(HTU_HINT, LEARN_HTU)},
    {M, NO, NULL, NULL, NULL, ROW(NONE, PASS)},
    {T, NO, NULL, "n", NULL, ROW(HEAD_TOKEN, LOGIN)},
    {T, NO, ALGS, "n", NULL, ROW(HEAD_TOKEN_MASTIO, LOGIN)},
    {T, NO, ALGS, NULL, NULL, ROW(HEAD_TOKEN_MASTIO, LOGIN)},
    {T, LOCAL, NULL, "n", NULL, ROW(HEAD_NONCE, NEW_NONCE)},
    {T, COURT, NULL, "n", NULL, ROW(HEAD_NONCE, NEW_NONCE)},
    {T, NO, NULL, NULL, NULL, ROW(NONE, PASS)},
};

static bool met[VERDICT_ROWS];

static struct verdict_input
input_of(const struct sample *s)
{
	return (struct verdict_input){
	    .status = s->status,
	    .content_type = s->body[0] == '<' ? SPAN("text/html")
					      : SPAN("application/json"),
	    .www_authenticate = {span_of(s->challenge)},
	    .role = s->route == C ? SPAN("proxy") : SPAN_NONE,
	    .body = span_of(s->body),
	    .route = (enum verdict_route)s->route,
	    .token = s->token == KEY ? VERDICT_TOKEN_NONE
				     : (enum verdict_token)s->token,
	    .key = s->token == KEY,
	    .proof = true,
	};
}

static void
check_samples(const struct sample *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct verdict_input in = input_of(&list[i]);
		struct verdict v = verdict_of(&in);

		ck_assert_msg(
		    v.row == list[i].row && v.action == list[i].action,
		    "%u %s: row %d (wanted %d), %s", list[i].status,
		    list[i].body, v.row, list[i].row,
		    verdict_action_name(v.action));
		if (v.row >= 0)
			met[v.row] = true;
		if (v.action == VERDICT_PASS) {
			ck_assert_ptr_null(v.words.code);
			continue;
		}
		ck_assert_ptr_nonnull(v.words.code);
		ck_assert_uint_gt(strlen(v.words.message), 0);
		ck_assert_uint_gt(strlen(v.words.suggestion), 0);
		/* whoever does something must be told how often */
		ck_assert((v.tries > 0) == (v.action != VERDICT_TERMINAL &&
					       v.action != VERDICT_BACKOFF));
		/* what needs the body asks for it */
		if (list[i].body[0] && !list[i].challenge && list[i].route != L)
			ck_assert_msg(
			    verdict_wants_body(&in), "%s", list[i].body);
	}
}

/* The two overload rows of protocol 6.5 and their Retry-After. */
static void
check_sheds(void)
{
	static const struct {
		unsigned status;
		const char *reason, *retry_after;
		enum verdict_row row;
		enum verdict_action action;
		unsigned wait_s;
	} list[] = {
	    {503, "global_rate_limit", "1", ROW(SHED_RATE, BACKOFF), 1},
	    {503, "global_rate_limit", NULL, ROW(SHED_RATE, BACKOFF), 1},
	    {503, "db_latency_circuit_breaker", "7", ROW(SHED_DB, BACKOFF), 7},
	    {503, "db_latency_circuit_breaker", "soon", ROW(SHED_DB, BACKOFF),
		5},
	    {503, "global_rate_limit", "999999", ROW(SHED_RATE, BACKOFF), 3600},
	    /* by the clock of the Date below */
	    {503, "global_rate_limit", "Thu, 01 Jan 2026 00:02:00 GMT",
		ROW(SHED_RATE, BACKOFF), 90},
	    {503, "global_rate_limit", "Thu, 01 Jan 2026 00:00:00 GMT",
		ROW(SHED_RATE, BACKOFF), 0},
	    {503, "db_latency_circuit_breaker", "Mon, 01 Jan 2026 00:02:00 GMT",
		ROW(SHED_DB, BACKOFF), 5},
	    {413, "request_body_too_large", NULL, ROW(SHED_SIZE, PASS), 0},
	    {503, "else", "1", ROW(NONE, PASS), 0},
	};

	for (size_t i = 0; i < COUNT(list); i++) {
		struct verdict_input in = {.status = list[i].status,
		    .content_type = SPAN("application/json"),
		    .shed_reason = span_of(list[i].reason),
		    .retry_after = span_of(list[i].retry_after),
		    .date = SPAN("Thu, 01 Jan 2026 00:00:30 GMT"),
		    .token = VERDICT_TOKEN_LOCAL};
		struct verdict v = verdict_of(&in);

		ck_assert_msg(v.row == list[i].row &&
				  v.action == list[i].action &&
				  v.wait_s == list[i].wait_s,
		    "%s: row %d, wait %u", list[i].reason, v.row, v.wait_s);
		if (v.row >= 0)
			met[v.row] = true;
	}
}

static void
check_heads(void)
{
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct verdict_input in = {.status = 401,
		    .www_authenticate = {span_of(heads[i].challenge)},
		    .dpop_nonce = span_of(heads[i].nonce),
		    .hint = span_of(heads[i].hint),
		    .route = (enum verdict_route)heads[i].route,
		    .token = (enum verdict_token)heads[i].token,
		    .head = true};
		struct verdict v = verdict_of(&in);

		ck_assert_msg(
		    v.row == heads[i].row && v.action == heads[i].action,
		    "%zu: row %d (wanted %d)", i, v.row, heads[i].row);
		ck_assert_int_eq(
		    verdict_wants_body(&in), v.action != VERDICT_PASS);
		if (v.row >= 0)
			met[v.row] = true;
		in.head = false; /* and to GET? */
		if (!heads[i].challenge)
			ck_assert_int_eq(verdict_of(&in).action, VERDICT_PASS);
	}
}

START_TEST(every_row_is_met_and_says_what_it_should)
{
	check_samples(proofs, COUNT(proofs));
	check_samples(certs, COUNT(certs));
	check_samples(passes, COUNT(passes));
	check_samples(logins, COUNT(logins));
	check_sheds();
	check_heads();
	for (int i = 0; i < VERDICT_ROWS; i++)
		ck_assert_msg(met[i], "row %d has no sample", i);
}
END_TEST

START_TEST(the_expected_base_is_learnt)
{
	static const struct {
		const char *expected, *path, *base;
	} list[] = {
	    {"https://mastio.acme.corp:9443/v1/egress/peers",
		"/v1/egress/peers", "https://mastio.acme.corp:9443"},
	    {"https://acme.corp/mastio/v1/models", "/v1/models",
		"https://acme.corp/mastio"},
	    {"https://acme.corp/v1/x", "/v1/models", "https://acme.corp"},
	    {"https://acme.corp/v1/x", NULL, "https://acme.corp"},
	    {"https://acme.corp", NULL, "https://acme.corp"},
	    {"http://10.0.0.1:9100/v1/x", "/v1/x", "http://10.0.0.1:9100"},
	    {"ftp://acme.corp/v1/x", "/v1/x", ""},
	    {"https://ac me.corp/v1/x", "/v1/x", ""},
	    {"https://u@acme.corp/v1/x", "/v1/x", ""},
	    {"nonsense", "/v1/x", ""},
	    {"/", "/", ""},
	    {"", "/v1/x", ""},
	};

	for (size_t i = 0; i < COUNT(list); i++) {
		char *body =
		    mem_printf("{\"detail\":\"Invalid DPoP proof: htu mismatch "
			       "(expected='%s', got='https://x/')\"}",
			list[i].expected);
		struct verdict_input in = {.status = 401,
		    .content_type = SPAN("application/json; charset=utf-8"),
		    .hint = SPAN("htu_mismatch_check_proxy_public_url"),
		    .body = span_of(body),
		    .path = span_of(list[i].path)};
		struct verdict v = verdict_of(&in);

		ck_assert_int_eq(v.action, VERDICT_LEARN_HTU);
		ck_assert_msg(strcmp(v.base, list[i].base) == 0, "%s: %s",
		    list[i].expected, v.base);
		free(body);
	}
}
END_TEST

START_TEST(a_long_base_is_not_learnt)
{
	struct buf body = BUF_INIT;
	struct verdict_input in = {
	    .status = 401, .content_type = SPAN("application/json")};
	struct verdict v;

	buf_add_str(&body, "{\"detail\":\"Invalid DPoP proof: htu mismatch "
			   "(expected='https://");
	for (int i = 0; i < VERDICT_BASE_MAX; i++)
		buf_add_char(&body, 'a');
	buf_add_str(&body, "/x', got='y')\"}");
	in.body = buf_span(&body);
	v = verdict_of(&in);
	ck_assert_int_eq(v.action, VERDICT_LEARN_HTU);
	ck_assert_str_eq(v.base, "");
	buf_free(&body);
}
END_TEST

START_TEST(flags_and_waits)
{
	struct verdict_input in = {.status = 401,
	    .content_type = SPAN("application/json"),
	    .body = SPAN(WHY("client_cert_pin_mismatch"))};
	struct verdict v = verdict_of(&in);

	ck_assert(v.reload);
	ck_assert_str_eq(v.words.code, "client-cert-pin-mismatch");
	ck_assert_str_eq(v.detail, "client_cert_pin_mismatch");
	in.body = SPAN(SAID("Token has been revoked"));
	in.token = VERDICT_TOKEN_COURT;
	v = verdict_of(&in);
	ck_assert_uint_eq(v.wait_s, 2);
	ck_assert(!v.reload);
	in = (struct verdict_input){.status = 403,
	    .route = VERDICT_ROUTE_LOGIN,
	    .content_type = SPAN("application/json"),
	    .body = SPAN(SAID("missing mastio counter-signature"))};
	ck_assert(verdict_of(&in).endorse);
	in.status = 429;
	ck_assert_uint_eq(verdict_of(&in).wait_s, 60);
}
END_TEST

START_TEST(the_detail_is_fit_for_a_terminal)
{
	struct verdict_input in = {.status = 401,
	    .route = VERDICT_ROUTE_LOGIN,
	    .content_type = SPAN("application/json"),
	    .body = SPAN(SAID("a\\u001b[31m\\n\xc3\xbc b"))};

	ck_assert_str_eq(verdict_of(&in).detail, "a?[31m??? b");
}
END_TEST

START_TEST(a_body_of_another_type_is_not_read)
{
	struct verdict_input in = {.status = 401,
	    .content_type = SPAN("text/plain"),
	    .body = SPAN(SAID("local token rejected"))};

	ck_assert_int_eq(verdict_of(&in).action, VERDICT_PASS);
	ck_assert(!verdict_wants_body(&in));
	in.content_type = SPAN_NONE;
	ck_assert_int_eq(verdict_of(&in).action, VERDICT_PASS);
	/* but a challenge of our realm is one, whatever comes behind it */
	in.www_authenticate[0] = SPAN(BEARER);
	ck_assert_int_eq(verdict_of(&in).row, VERDICT_ROW_REALM_MASTIO);
	ck_assert(verdict_wants_body(&in));
	/* nor is one asked for where no row could use it */
	in = (struct verdict_input){
	    .status = 200, .content_type = SPAN("application/json")};
	ck_assert(!verdict_wants_body(&in));
	in.status = 403;
	ck_assert(!verdict_wants_body(&in));
	in.status = 502;
	in.content_type = SPAN("text/html");
	ck_assert(!verdict_wants_body(&in));
}
END_TEST

UNIT_MAIN("verdict", every_row_is_met_and_says_what_it_should,
    the_expected_base_is_learnt, a_long_base_is_not_learnt, flags_and_waits,
    the_detail_is_fit_for_a_terminal, a_body_of_another_type_is_not_read)
