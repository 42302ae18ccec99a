/*
 * Classes of the gateway's paths, by what its application wants to see there
 * (protocol 5.1, 5.3, 5.4); its front end may treat each differently, and pass
 * the client certificate on for some of them only (protocol 2.3).
 *
 * PATH_CLASS(CLASS, "prefix", WANTS)
 *     The first that the decoded path is, or is below, counts.  WANTS:
 *     AGENT  a local token; else the certificate, if the front end passes it
 *            on, or in its place an API key
 *     TOKEN  a token of either issuer, whatever else is shown
 *     CERT   the certificate, or in its place an API key; tokens are ignored
 *     COURT  a token of the Court's, to which the Mastio hands it on
 */
PATH_CLASS(EGRESS, "/v1/egress", AGENT)
PATH_CLASS(LLM, "/v1/llm", AGENT)
PATH_CLASS(CHAT, "/v1/chat", AGENT)
PATH_CLASS(GUARDIAN, "/v1/guardian", AGENT)
PATH_CLASS(MODELS, "/v1/models", AGENT)
PATH_CLASS(MCP, "/v1/mcp", TOKEN)
PATH_CLASS(INGRESS, "/v1/ingress", TOKEN)
PATH_CLASS(PRINCIPALS, "/v1/principals", TOKEN)
PATH_CLASS(AGENTS, "/v1/agents", CERT)
PATH_CLASS(AUDIT, "/v1/audit", CERT)
PATH_CLASS(CHALLENGE, "/v1/auth/login-challenge", CERT)
PATH_CLASS(ENDORSE, "/v1/auth/sign-challenged-assertion", CERT)
PATH_CLASS(SIGN, "/v1/auth/sign-assertion", CERT)
PATH_CLASS(AUTH, "/v1/auth", COURT)
PATH_CLASS(BROKER, "/v1/broker", COURT)
PATH_CLASS(REGISTRY, "/v1/registry", COURT)
PATH_CLASS(FEDERATION, "/v1/federation", COURT)
PATH_CLASS(OTHER, "", AGENT)

#undef PATH_CLASS
