/*
 * What an answer of the gateway says about our credentials.
 *
 * VERDICT_CODE(CODE, "code", "message", "suggestion")
 *     what the agent is told when nothing helps; `code` of the error body.
 * VERDICT_ROW(ROW, status, where, "text", when, action, tries, wait, flags,
 *     CODE)
 *     The first row that fits decides; an answer that fits none passes.
 *     status: 0 = any.  where: which part of the answer the text is compared
 *     with, see enum verdict_where.  when: what was asked, see enum
 *     verdict_when.  wait: seconds, unless Retry-After says otherwise.
 *     flags: V_RELOAD = newer files may mend it, V_ENDORSE = the login wants
 *     the challenge first, V_AGENT = the agent as a whole is refused: other
 *     requests would be as well, V_KEY = an API key may be of use.
 *
 * Include it with the macro that is wanted defined.
 */
#ifndef VERDICT_CODE
#define VERDICT_CODE(...)
#endif
#ifndef VERDICT_ROW
#define VERDICT_ROW(...)
#endif

VERDICT_CODE(NONE, NULL, NULL, NULL)
VERDICT_CODE(NONCE, "nonce-refused",
    "The gateway took none of the nonces that it had just given.",
    "Its processes do not share nonces: let the gateway issue local tokens "
    "(MCP_PROXY_LOCAL_AUTH_ENABLED=1), which need none.")
VERDICT_CODE(HTU, "htu-mismatch",
    "The gateway expects another URL in the proof than the one that was sent.",
    "Set htu-base to the gateway's public URL (for requests without a local "
    "token public-htu-base; for the Court's paths court-htu-base, to its "
    "BROKER_PUBLIC_URL, or else for its socket to the address by which the "
    "gateway calls it).")
VERDICT_CODE(CLOCK, "clock-off",
    "The gateway finds the time of the proof too far from its own clock.",
    "Set the clock of this machine or of the gateway right.")
VERDICT_CODE(PROOF, "proof-refused",
    "The gateway refuses the proof of possession.",
    "Look at the gateway's log; if its clock and its keys are right, this is "
    "a fault of the sidecar to be reported.")
VERDICT_CODE(TOKEN, "token-refused",
    "The gateway refuses the session token, and a new one did not help.",
    "Look at the gateway's log for the agent; its signing key or its mode "
    "(local tokens, Court) may have changed.")
VERDICT_CODE(OUT_OF_REACH, "local-token-needed",
    "The gateway's front-end passes no client certificate on for this path, "
    "and the path takes no token of the Court's instead.",
    "Let the gateway issue local tokens (MCP_PROXY_LOCAL_AUTH_ENABLED=1), or "
    "let its front-end pass the certificate on.")
VERDICT_CODE(CERT_KEPT, "client-cert-kept-back",
    "The gateway's front-end passes no client certificate on for this path, "
    "and nothing else counts there.",
    "Let the front-end pass it on (X-SSL-Client-Cert) here as on other paths.")
VERDICT_CODE(KEY_NEEDED, "api-key-needed",
    "The gateway knows agents by an API key, and none is shown.",
    "Install the key that enrolment gave as api-key of the identity "
    "directory (or set api-key-file), with auth = auto or api-key; or upgrade "
    "the gateway.")
VERDICT_CODE(KEY_REFUSED, "api-key-refused",
    "The gateway does not know the API key of this agent.",
    "Install the key that enrolment gave last as api-key of the identity "
    "directory (or api-key-file).")
VERDICT_CODE(KEY, "dpop-key-not-registered",
    "The gateway has another DPoP key on file for this agent.",
    "Register the key of dpop.jwk with the gateway, or install the dpop.jwk "
    "that was enrolled.")
VERDICT_CODE(DEACTIVATED, "agent-deactivated",
    "The gateway does not know this agent, or it has been deactivated.",
    "Enrol the agent, or have it activated again at the gateway.")
VERDICT_CODE(CERT_REFUSED, "client-cert-refused",
    "The gateway's TLS front-end does not accept the client certificate.",
    "It may have expired, come from another CA or lack its intermediate: see "
    "cullis-sidecar check, or enrol the agent again.")
VERDICT_CODE(CERT_MISSING, "client-cert-missing",
    "The gateway's TLS front-end saw no client certificate.",
    "Let nothing between the sidecar and the gateway end TLS.")
VERDICT_CODE(CERT_HEADER, "gateway-misconfigured",
    "The gateway's front-end hands the client certificate on in a form that "
    "the gateway cannot read.",
    "Mend the front-end's configuration of X-SSL-Client-Cert.")
VERDICT_CODE(CERT_IDENTITY, "client-cert-no-identity",
    "The gateway finds no agent's name in the client certificate.",
    "Have it issued with the SAN spiffe://TRUST-DOMAIN/ORG/AGENT.")
VERDICT_CODE(CERT_ORG, "client-cert-org-mismatch",
    "The client certificate names another organisation than the gateway's.",
    "Its SAN must be spiffe://TRUST-DOMAIN/ORG/AGENT with the gateway's "
    "organisation; SPIRE's default path /workload/NAME is not.")
VERDICT_CODE(CERT_PIN, "client-cert-pin-mismatch",
    "The gateway has another certificate on file for this agent.",
    "Install the certificate that was issued last, or enrol the agent again; "
    "see cullis-sidecar check.")
VERDICT_CODE(CERT_REVOKED, "client-cert-revoked",
    "The client certificate has been revoked.", "Enrol the agent again.")
VERDICT_CODE(AGENT_RECORD, "gateway-record-broken",
    "The gateway's own record of this agent is broken.",
    "Enrol the agent again, or have the gateway's operator look at it.")
VERDICT_CODE(PRINCIPAL, "principal-not-enrolled",
    "The client certificate is a user's or a workload's that the gateway has "
    "not enrolled.",
    "Enrol that principal, or use an agent's certificate.")
VERDICT_CODE(CHAIN, "client-cert-chain",
    "The gateway cannot follow the client certificate to its organisation's "
    "root.",
    "Append the intermediate CA certificate to cert.pem, or set chain-file; "
    "if the organisation's CA has changed, enrol the agent again.")
VERDICT_CODE(ASSERTION, "login-refused",
    "The gateway refuses the login of this agent.",
    "Look at what the gateway says in the sidecar's log.")
VERDICT_CODE(SUBJECT, "agent-id-mismatch",
    "The gateway reads another agent from the certificate than we named.",
    "Remove agent-id, or set it to what the certificate says; see "
    "cullis-sidecar check.")
VERDICT_CODE(CHALLENGE, "login-challenge-refused",
    "The gateway forgot the challenge that it had just given.",
    "Its processes do not share challenges: use login = direct.")
VERDICT_CODE(UNPUBLISHED, "agent-not-published",
    "The Court does not know this agent.",
    "Only agents under the CA that is registered there can be known: have "
    "the gateway issue local tokens, or enrol the agent under the "
    "organisation's root.")
VERDICT_CODE(ENDORSE, "login-needs-endorsement",
    "The gateway wants the login endorsed by the Mastio first.",
    "Use login = auto or login = challenge.")
VERDICT_CODE(NO_ISSUER, "no-token-issuer",
    "The gateway issues no tokens: local tokens are off and it has no Court.",
    "Set MCP_PROXY_LOCAL_AUTH_ENABLED=1 at the gateway.")
VERDICT_CODE(NOT_MASTIO, "no-login-route",
    "The gateway has no login at /v1/auth/token.",
    "Set gateway to a Mastio of May 2026 or later.")
VERDICT_CODE(UNSAID, "refused-without-reason",
    "The gateway refuses the credentials of this HEAD request, and its answer "
    "has no body that could say why.",
    "Send it as GET: the answer to that names the reason.")
VERDICT_CODE(BUSY, "gateway-busy", "The gateway is starting or overloaded.",
    "Try again after a while.")

/* --- login alone: mint, challenge and endorsement */
VERDICT_ROW(LOGIN_PROOF, 401, DETAIL,
    "DPoP proof required for LOCAL_TOKEN binding", LOGIN, LEARN_HTU, 3, 0, 0,
    HTU)
VERDICT_ROW(LOGIN_X509, 401, BEGINS, "x509 chain", LOGIN, TERMINAL, 0, 0,
    V_RELOAD, CHAIN)
VERDICT_ROW(LOGIN_EXP, 401, BEGINS, "assertion: Signature has expired", LOGIN,
    FIX_CLOCK, 1, 0, 0, CLOCK)
VERDICT_ROW(LOGIN_IAT, 401, BEGINS, "assertion: The token is not yet valid",
    LOGIN, FIX_CLOCK, 1, 0, 0, CLOCK)
VERDICT_ROW(LOGIN_STEP3, 401, DETAIL, "assertion invalid", LOGIN, FIX_CLOCK, 1,
    0, 0, CLOCK)
VERDICT_ROW(LOGIN_SUB, 401, DETAIL, "sub does not match client cert", LOGIN,
    TERMINAL, 0, 0, 0, SUBJECT)
VERDICT_ROW(LOGIN_SUB3, 401, DETAIL,
    "assertion sub does not match authenticated agent", LOGIN, TERMINAL, 0, 0,
    0, SUBJECT)
VERDICT_ROW(LOGIN_UNPARSEABLE, 401, DETAIL, "cert identity unparseable", LOGIN,
    TERMINAL, 0, 0, 0, CERT_IDENTITY)
VERDICT_ROW(LOGIN_CHALLENGE, 401, DETAIL,
    "challenge nonce invalid, expired, or already consumed", LOGIN, NEW_NONCE,
    4, 0, 0, CHALLENGE)
VERDICT_ROW(LOGIN_PIN, 401, BEGINS, "leaf certificate does not match pinned",
    LOGIN, TERMINAL, 0, 0, V_RELOAD, CERT_PIN)
VERDICT_ROW(LOGIN_NO_PIN, 500, BEGINS, "agent has no pinned cert_pem", LOGIN,
    TERMINAL, 0, 0, 0, AGENT_RECORD)
VERDICT_ROW(LOGIN_BAD_PIN, 500, BEGINS, "pinned cert_pem is malformed", LOGIN,
    TERMINAL, 0, 0, 0, AGENT_RECORD)
VERDICT_ROW(LOGIN_SIGNATURE, 401, DETAIL, "Invalid client_assertion signature",
    LOGIN, FIX_CLOCK, 1, 0, 0, CLOCK)
VERDICT_ROW(LOGIN_REPLAY, 401, BEGINS, "client_assertion already used", LOGIN,
    NEW_PROOF, 1, 0, 0, ASSERTION)
VERDICT_ROW(LOGIN_REVOKED, 401, DETAIL, "Certificate has been revoked", LOGIN,
    TERMINAL, 0, 0, V_RELOAD, CERT_REVOKED)
VERDICT_ROW(LOGIN_THUMBPRINT, 401, BEGINS, "Certificate thumbprint mismatch",
    LOGIN, TERMINAL, 0, 0, V_RELOAD, CERT_PIN)
VERDICT_ROW(LOGIN_COURT_CHAIN, 401, BEGINS, "certificate chain ", LOGIN,
    TERMINAL, 0, 0, V_RELOAD, CHAIN)
VERDICT_ROW(
    LOGIN_X5C, 401, BEGINS, "x5c header", LOGIN, TERMINAL, 0, 0, 0, CHAIN)
VERDICT_ROW(LOGIN_SPIFFE, 401, BEGINS, "SPIFFE ID in SAN does not match", LOGIN,
    TERMINAL, 0, 0, 0, SUBJECT)
VERDICT_ROW(LOGIN_UNKNOWN, 401, DETAIL, "Agent not found or org mismatch",
    LOGIN, TERMINAL, 0, 0, 0, UNPUBLISHED)
VERDICT_ROW(LOGIN_INACTIVE, 403, DETAIL, "Agent not active", LOGIN, TERMINAL, 0,
    0, 0, DEACTIVATED)
VERDICT_ROW(LOGIN_ENDORSE, 403, HOLDS, "signature", LOGIN, TERMINAL, 0, 0,
    V_ENDORSE, ENDORSE)
VERDICT_ROW(LOGIN_NO_ISSUER, 503, BEGINS, "reverse proxy not configured", LOGIN,
    TERMINAL, 0, 0, 0, NO_ISSUER)
VERDICT_ROW(LOGIN_BUSY, 503, ANYTHING, "", LOGIN, BACKOFF, 0, 0, 0, BUSY)
VERDICT_ROW(LOGIN_RATE, 429, ANYTHING, "", LOGIN, BACKOFF, 0, 60, 0, BUSY)
VERDICT_ROW(LOGIN_500, 500, ANYTHING, "", LOGIN, BACKOFF, 0, 0, 0, BUSY)
VERDICT_ROW(LOGIN_502, 502, ANYTHING, "", LOGIN, BACKOFF, 0, 0, 0, BUSY)
VERDICT_ROW(LOGIN_504, 504, ANYTHING, "", LOGIN, BACKOFF, 0, 0, 0, BUSY)
VERDICT_ROW(LOGIN_404, 404, ANYTHING, "", LOGIN, TERMINAL, 0, 0, 0, NOT_MASTIO)
VERDICT_ROW(LOGIN_405, 405, ANYTHING, "", LOGIN, TERMINAL, 0, 0, 0, NOT_MASTIO)

/* --- gateways from before May 2026 (protocol, appendix A) */
VERDICT_ROW(LOGIN_API_KEY, 401, DETAIL, "X-API-Key header required", LOGIN,
    TERMINAL, 0, 0, 0, KEY_NEEDED)
VERDICT_ROW(API_KEY_CERT, 401, DETAIL, "X-API-Key header required", CERT_PATH,
    TERMINAL, 0, 0, V_KEY, KEY_NEEDED)
VERDICT_ROW(API_KEY_LOCAL, 401, DETAIL, "X-API-Key header required",
    LOCAL_TOKEN, LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(API_KEY_WANTED, 401, DETAIL, "X-API-Key header required", REQUEST,
    TERMINAL, 0, 0, V_KEY, KEY_NEEDED)
VERDICT_ROW(API_KEY_UNKNOWN, 401, BEGINS, "Invalid API key", API_KEY, TERMINAL,
    0, 0, V_RELOAD, KEY_REFUSED)

/* --- proofs and nonces */
VERDICT_ROW(
    NONCE, 401, DETAIL, "use_dpop_nonce", ANY, NEW_NONCE, 5, 0, 0, NONCE)
VERDICT_ROW(HTU, 401, BEGINS, "Invalid DPoP proof: htu mismatch", ANY,
    LEARN_HTU, 1, 0, 0, HTU)
VERDICT_ROW(HTU_HINT, 401, HINT, "htu_mismatch_check_proxy_public_url", HEAD,
    LEARN_HTU, 1, 0, 0, HTU)
VERDICT_ROW(IAT, 401, DETAIL,
    "Invalid DPoP proof: iat out of acceptable window", ANY, FIX_CLOCK, 1, 0, 0,
    CLOCK)
VERDICT_ROW(ATH, 401, DETAIL, "Invalid DPoP proof: ath mismatch", ANY,
    NEW_PROOF, 1, 0, 0, PROOF)
VERDICT_ROW(
    PROOF, 401, BEGINS, "Invalid DPoP proof: ", ANY, TERMINAL, 0, 0, 0, PROOF)
VERDICT_ROW(REPLAY, 401, DETAIL, "DPoP proof replay detected", ANY, NEW_PROOF,
    1, 0, 0, PROOF)
VERDICT_ROW(PROOF_LOST, 401, BEGINS,
    "LOCAL_TOKEN is DPoP-bound but no DPoP proof", REQUEST, NEW_PROOF, 1, 0, 0,
    PROOF)
VERDICT_ROW(PROOF_WANTED, 401, BEGINS, "DPoP proof required", REQUEST,
    NEW_PROOF, 1, 0, 0, PROOF)
VERDICT_ROW(KEY_NO_TOKEN, 401, BEGINS,
    "DPoP proof was signed by a key not registered", NO_TOKEN, LOGIN, 1, 0,
    V_RELOAD, KEY)
VERDICT_ROW(KEY, 401, BEGINS, "DPoP proof was signed by a key not registered",
    REQUEST, TERMINAL, 0, 0, V_RELOAD, KEY)
VERDICT_ROW(NO_KEY_NO_TOKEN, 401, BEGINS, "Agent has no DPoP key registered",
    NO_TOKEN, LOGIN, 1, 0, 0, KEY)
VERDICT_ROW(NO_KEY, 401, BEGINS, "Agent has no DPoP key registered", REQUEST,
    TERMINAL, 0, 0, 0, KEY)

/* --- tokens */
VERDICT_ROW(TOKEN_REJECTED, 401, DETAIL, "local token rejected", REQUEST, LOGIN,
    1, 0, 0, TOKEN)
VERDICT_ROW(TOKEN_KEY, 401, DETAIL,
    "DPoP proof key does not match LOCAL_TOKEN cnf.jkt", REQUEST, LOGIN, 1, 0,
    0, TOKEN)
VERDICT_ROW(TOKEN_UNBOUND, 401, BEGINS, "LOCAL_TOKEN missing cnf.jkt", REQUEST,
    LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(DEACTIVATED, 401, DETAIL, "agent not registered or deactivated",
    ANY, TERMINAL, 0, 0, V_AGENT, DEACTIVATED)
VERDICT_ROW(TOKEN_WANTED, 401, BEGINS, "DPoP token required", REQUEST, LOGIN, 1,
    0, 0, TOKEN)
VERDICT_ROW(PROOF_HEADER, 401, DETAIL, "DPoP proof header required", REQUEST,
    LOGIN, 1, 0, 0, TOKEN)
/* The Court never takes a local token: nothing that a login would mend. */
VERDICT_ROW(COURT_LOCAL, 401, DETAIL, "Token invalid or expired", COURT_LOCAL,
    PASS, 0, 0, 0, NONE)
VERDICT_ROW(TOKEN_INVALID, 401, DETAIL, "Token invalid or expired", REQUEST,
    LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(COURT_UNBOUND, 401, BEGINS, "Token is not DPoP-bound", REQUEST,
    LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(COURT_KEY, 401, DETAIL,
    "DPoP proof key does not match token binding", REQUEST, LOGIN, 1, 0, 0,
    TOKEN)
/* A token of the same second would be refused too. */
VERDICT_ROW(REVOKED, 401, DETAIL, "Token has been revoked", REQUEST, LOGIN, 1,
    2, V_AGENT, TOKEN)
VERDICT_ROW(BEARER, 401, DETAIL, "Bearer token required", REQUEST, LOGIN, 1, 0,
    0, TOKEN)
VERDICT_ROW(BEARER_EMPTY, 401, DETAIL, "empty bearer token", REQUEST, LOGIN, 1,
    0, 0, TOKEN)
VERDICT_ROW(JWKS, 503, BEGINS, "JWKS client not initialized", REQUEST, BACKOFF,
    0, 1, 0, BUSY)

/* --- the certificate, as the application sees it */
/* The token is good; it counts for nothing there. */
VERDICT_ROW(CERT_KEPT, 401, REASON, "client_cert_not_verified", CERT_PATH,
    TERMINAL, 0, 0, V_KEY, CERT_KEPT)
VERDICT_ROW(CERT_KEPT_HEADER, 401, REASON, "client_cert_header_missing",
    CERT_PATH, TERMINAL, 0, 0, V_KEY, CERT_KEPT)
VERDICT_ROW(COURT_UNVERIFIED, 401, REASON, "client_cert_not_verified",
    COURT_TOKEN, TERMINAL, 0, 0, V_KEY, OUT_OF_REACH)
VERDICT_ROW(COURT_HEADER, 401, REASON, "client_cert_header_missing",
    COURT_TOKEN, TERMINAL, 0, 0, V_KEY, OUT_OF_REACH)
VERDICT_ROW(CERT_UNVERIFIED, 401, REASON, "client_cert_not_verified", REQUEST,
    LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(CERT_HEADER, 401, REASON, "client_cert_header_missing", REQUEST,
    LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(CERT_PEM, 401, REASON, "client_cert_invalid_pem", ANY, TERMINAL, 0,
    0, 0, CERT_HEADER)
VERDICT_ROW(CERT_IDENTITY, 401, REASON, "client_cert_no_parseable_identity",
    ANY, TERMINAL, 0, 0, V_RELOAD, CERT_IDENTITY)
VERDICT_ROW(CERT_ORG, 401, REASON, "client_cert_org_mismatch", ANY, TERMINAL, 0,
    0, V_RELOAD, CERT_ORG)
VERDICT_ROW(AGENT_UNKNOWN, 401, REASON, "agent_unknown_or_inactive", ANY,
    TERMINAL, 0, 0, V_AGENT, DEACTIVATED)
VERDICT_ROW(PIN_UNAVAILABLE, 401, REASON, "agent_cert_pin_unavailable", ANY,
    TERMINAL, 0, 0, 0, AGENT_RECORD)
VERDICT_ROW(CERT_PIN, 401, REASON, "client_cert_pin_mismatch", ANY, TERMINAL, 0,
    0, V_RELOAD, CERT_PIN)
VERDICT_ROW(TYPED_UNKNOWN, 401, REASON, "typed_principal_unknown", ANY,
    TERMINAL, 0, 0, 0, PRINCIPAL)
VERDICT_ROW(TYPED_NOT_YET, 401, REASON, "typed_principal_not_yet_enrolled", ANY,
    TERMINAL, 0, 0, 0, PRINCIPAL)
VERDICT_ROW(TYPED_KEY, 401, REASON, "client_cert_pubkey_not_bound_to_principal",
    ANY, TERMINAL, 0, 0, V_RELOAD, PRINCIPAL)

/* --- the certificate, as nginx sees it: its fixed pages */
VERDICT_ROW(PAGE_CERT, 400, TITLE, "400 The SSL certificate error", ANY,
    TERMINAL, 0, 0, V_RELOAD | V_AGENT, CERT_REFUSED)
VERDICT_ROW(PAGE_NO_CERT, 400, TITLE,
    "400 No required SSL certificate was sent", ANY, TERMINAL, 0, 0, 0,
    CERT_MISSING)
VERDICT_ROW(PAGE_401, 401, TITLE, "401 Authorization Required", ANY, TERMINAL,
    0, 0, 0, CERT_MISSING)

/* --- looks like ours and is the agent's own business */
VERDICT_ROW(
    PROVIDER, 401, REASON, "provider_auth_failed", REQUEST, PASS, 0, 0, 0, NONE)
VERDICT_ROW(MESSAGE, 401, DETAIL, "mtls-only signature verification failed",
    REQUEST, PASS, 0, 0, 0, NONE)
VERDICT_ROW(WEBAUTHN, 401, BEGINS, "user session lacks a WebAuthn assertion",
    REQUEST, PASS, 0, 0, 0, NONE)
VERDICT_ROW(PDP, 401, DETAIL, "invalid signature", REQUEST, PASS, 0, 0, 0, NONE)

/* --- an answer to HEAD cannot say more (RFC 9110 section 9.3.2).  Where
 * nothing but a token counts there is nothing else to be missed; elsewhere,
 * without a token, it is the nonce, most likely. */
VERDICT_ROW(HEAD_TOKEN_MASTIO, 401, REALM, "mcp-proxy", HEAD_TOKEN_PATH, LOGIN,
    1, 0, 0, TOKEN)
VERDICT_ROW(HEAD_TOKEN, 401, NONCE, "", HEAD_TOKEN_PATH, LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(HEAD_PROOF, 401, REALM, "egress", HEAD, NEW_PROOF, 1, 0, 0, PROOF)
VERDICT_ROW(HEAD_MASTIO, 401, REALM, "mcp-proxy", HEAD_NO_TOKEN, NEW_NONCE, 5,
    0, 0, UNSAID)
VERDICT_ROW(HEAD_COURT, 401, REALM, "agent-trust", HEAD_NO_TOKEN, NEW_NONCE, 5,
    0, 0, UNSAID)

/* --- an unknown text behind a challenge of the gateway's own realm */
VERDICT_ROW(REALM_COURT_LOCAL, 401, REALM, "agent-trust", COURT_LOCAL, PASS, 0,
    0, 0, NONE)
VERDICT_ROW(
    REALM_MASTIO, 401, REALM, "mcp-proxy", REQUEST, LOGIN, 1, 0, 0, TOKEN)
VERDICT_ROW(
    REALM_COURT, 401, REALM, "agent-trust", REQUEST, LOGIN, 1, 0, 0, TOKEN)

VERDICT_ROW(HEAD_NONCE, 401, NONCE, "", HEAD, NEW_NONCE, 5, 0, 0, UNSAID)

/* --- overload: shed before anything was executed */
VERDICT_ROW(
    SHED_RATE, 503, SHED, "global_rate_limit", REQUEST, BACKOFF, 0, 1, 0, BUSY)
VERDICT_ROW(SHED_DB, 503, SHED, "db_latency_circuit_breaker", REQUEST, BACKOFF,
    0, 5, 0, BUSY)
VERDICT_ROW(SHED_SIZE, 413, SHED, "request_body_too_large", REQUEST, PASS, 0, 0,
    0, NONE)

/* --- any other answer to a login is a refusal */
VERDICT_ROW(LOGIN_OTHER, 0, ANYTHING, "", LOGIN, TERMINAL, 0, 0, 0, ASSERTION)

#undef VERDICT_CODE
#undef VERDICT_ROW
