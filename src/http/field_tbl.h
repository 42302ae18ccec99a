/*
 * field_tbl: what we know about header fields, one row each.
 *
 *   FIELD(ID, "Name", flags)     this name, exactly
 *   FAMILY("Name", flags)        every other name that is "Name" or starts
 *                                with "Name-", whatever the spelling
 *
 * A row beats its family.  RFC 9110 sections 7.6.1 and 11.7; RFC 9112 sections
 * 6 and 9; protocol 9.1, 9.2, 9.4.
 */
#ifndef FAMILY
#define FAMILY(name, flags)
#endif

/* framing and routing: we read them, we write our own */
FIELD(HOST, "Host", F_NO_REQ | F_CREDENTIAL | F_SINGLE | F_OURS)
FIELD(CONTENT_LENGTH, "Content-Length",
    F_NO_REQ | F_NO_RES | F_CREDENTIAL | F_SINGLE | F_OURS)
FIELD(TRANSFER_ENCODING, "Transfer-Encoding", F_HOP | F_CREDENTIAL | F_SINGLE)
FIELD(EXPECT, "Expect", F_NO_REQ | F_CREDENTIAL | F_OURS)
FIELD(MAX_FORWARDS, "Max-Forwards", F_CREDENTIAL | F_SINGLE)
FIELD(VIA, "Via", F_CREDENTIAL)

/* hop-by-hop */
FIELD(CONNECTION, "Connection", F_HOP)
FIELD(KEEP_ALIVE, "Keep-Alive", F_HOP)
FIELD(PROXY_CONNECTION, "Proxy-Connection", F_HOP)
FIELD(TE, "TE", F_HOP)
FIELD(TRAILER, "Trailer", F_HOP)
FIELD(UPGRADE, "Upgrade", F_HOP)
FIELD(HTTP2_SETTINGS, "HTTP2-Settings", F_HOP)

/* who is asking: the sidecar says it, not the agent */
FIELD(AUTHORIZATION, "Authorization",
    F_NO_REQ | F_OPENABLE | F_CREDENTIAL | F_SINGLE)
FIELD(PROXY_AUTHORIZATION, "Proxy-Authorization",
    F_NO_REQ | F_NO_RES | F_CREDENTIAL | F_SINGLE | F_OURS)
FIELD(DPOP, "DPoP", F_NO_REQ | F_CREDENTIAL)
FIELD(COOKIE, "Cookie", F_NO_REQ | F_OPENABLE | F_CREDENTIAL)
FIELD(X_API_KEY, "X-API-Key", F_NO_REQ | F_OPENABLE | F_CREDENTIAL | F_SINGLE)
FIELD(X_ADMIN_SECRET, "X-Admin-Secret", F_NO_REQ | F_OPENABLE | F_CREDENTIAL)
FIELD(X_ORG_ID, "X-Org-Id", F_NO_REQ | F_OPENABLE | F_CREDENTIAL)
FIELD(X_ORG_SECRET, "X-Org-Secret", F_NO_REQ | F_OPENABLE | F_CREDENTIAL)
FIELD(CLIENT_CERT, "Client-Cert", F_NO_REQ | F_CREDENTIAL)
FIELD(CLIENT_CERT_CHAIN, "Client-Cert-Chain", F_NO_REQ | F_CREDENTIAL)
FIELD(X_CULLIS_SESSION_TOKEN, "X-Cullis-Session-Token", F_CREDENTIAL | F_SINGLE)
FIELD(X_CULLIS_ON_BEHALF_OF_USER, "X-Cullis-On-Behalf-Of-User",
    F_CREDENTIAL | F_SINGLE)
FIELD(X_CULLIS_DEVICE_ATTESTATION, "X-Cullis-Device-Attestation",
    F_CREDENTIAL | F_SINGLE)
FAMILY("X-SSL-Client", F_NO_REQ)
FAMILY("X-Cullis", F_NO_REQ | F_OPENABLE)
FAMILY("Proxy", F_NO_REQ | F_NO_RES | F_OURS)

/* where it comes from, or what it "really" asked for: nothing that a later hop
 * might believe instead of what was judged here */
FIELD(FORWARDED, "Forwarded", F_NO_REQ | F_CREDENTIAL)
FIELD(X_REAL_IP, "X-Real-IP", F_NO_REQ | F_CREDENTIAL)
FIELD(X_REWRITE_URL, "X-Rewrite-URL", F_NO_REQ | F_CREDENTIAL)
FIELD(X_HTTP_METHOD, "X-HTTP-Method", F_NO_REQ | F_CREDENTIAL)
FIELD(X_HTTP_METHOD_OVERRIDE, "X-HTTP-Method-Override", F_NO_REQ | F_CREDENTIAL)
FIELD(X_METHOD_OVERRIDE, "X-Method-Override", F_NO_REQ | F_CREDENTIAL)
FAMILY("X-Forwarded", F_NO_REQ)
FAMILY("X-Original", F_NO_REQ)

/* marks of a browser */
FIELD(ORIGIN, "Origin", F_NO_REQ | F_CREDENTIAL)
FIELD(SEC_FETCH_SITE, "Sec-Fetch-Site", F_NO_REQ | F_CREDENTIAL)
FAMILY("Sec-Fetch", F_NO_REQ)

/* end-to-end, request */
FIELD(ACCEPT, "Accept", F_CREDENTIAL)
FIELD(ACCEPT_ENCODING, "Accept-Encoding", F_CREDENTIAL)
FIELD(USER_AGENT, "User-Agent", F_CREDENTIAL)
FIELD(RANGE, "Range", F_CREDENTIAL)
FIELD(IF_MATCH, "If-Match", F_CREDENTIAL)
FIELD(IF_NONE_MATCH, "If-None-Match", F_CREDENTIAL)
FIELD(IF_MODIFIED_SINCE, "If-Modified-Since", F_CREDENTIAL)
FIELD(IF_UNMODIFIED_SINCE, "If-Unmodified-Since", F_CREDENTIAL)
FIELD(IF_RANGE, "If-Range", F_CREDENTIAL)
FIELD(IDEMPOTENCY_KEY, "Idempotency-Key", F_CREDENTIAL)
FIELD(LAST_EVENT_ID, "Last-Event-ID", F_CREDENTIAL)

/* end-to-end, both ways */
FIELD(CACHE_CONTROL, "Cache-Control", F_CREDENTIAL)
FIELD(CONTENT_TYPE, "Content-Type", F_CREDENTIAL | F_SINGLE)
FIELD(CONTENT_ENCODING, "Content-Encoding", F_CREDENTIAL)
FIELD(CONTENT_RANGE, "Content-Range", F_CREDENTIAL)
FIELD(DATE, "Date", F_CREDENTIAL)
FIELD(MCP_SESSION_ID, "Mcp-Session-Id", F_CREDENTIAL)
FIELD(MCP_PROTOCOL_VERSION, "Mcp-Protocol-Version", F_CREDENTIAL)
FIELD(TRACEPARENT, "traceparent", F_CREDENTIAL)
FIELD(TRACESTATE, "tracestate", F_CREDENTIAL)
FIELD(X_REQUEST_ID, "X-Request-ID", F_CREDENTIAL)

/* WebSocket handshake, RFC 6455 section 11.3 */
FIELD(SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key", F_CREDENTIAL | F_SINGLE)
FIELD(SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version", F_CREDENTIAL)
FIELD(SEC_WEBSOCKET_PROTOCOL, "Sec-WebSocket-Protocol", F_CREDENTIAL)
FIELD(SEC_WEBSOCKET_EXTENSIONS, "Sec-WebSocket-Extensions", F_CREDENTIAL)
FIELD(SEC_WEBSOCKET_ACCEPT, "Sec-WebSocket-Accept", F_CREDENTIAL)

/* response: for the sidecar, not for the agent */
FIELD(DPOP_NONCE, "DPoP-Nonce", F_NO_REQ | F_NO_RES | F_CREDENTIAL)
FIELD(WWW_AUTHENTICATE, "WWW-Authenticate", F_NO_RES | F_CREDENTIAL)
FIELD(PROXY_AUTHENTICATE, "Proxy-Authenticate",
    F_NO_REQ | F_NO_RES | F_CREDENTIAL | F_OURS)

/* response: true for the gateway's name, false for a plain listener on this
 * machine; and never permission for a web page */
FIELD(SET_COOKIE, "Set-Cookie", F_NO_RES | F_CREDENTIAL)
FIELD(SET_COOKIE2, "Set-Cookie2", F_NO_RES | F_CREDENTIAL)
FIELD(ALT_SVC, "Alt-Svc", F_NO_RES | F_CREDENTIAL)
FIELD(CLEAR_SITE_DATA, "Clear-Site-Data", F_NO_RES | F_CREDENTIAL)
FIELD(STRICT_TRANSPORT_SECURITY, "Strict-Transport-Security",
    F_NO_RES | F_CREDENTIAL)
FAMILY("Access-Control", F_NO_RES)

/* response, end-to-end */
FIELD(SERVER, "Server", F_CREDENTIAL)
FIELD(LOCATION, "Location", F_CREDENTIAL)
FIELD(RETRY_AFTER, "Retry-After", F_CREDENTIAL)
FIELD(DEPRECATION, "Deprecation", F_CREDENTIAL)
FIELD(SUNSET, "Sunset", F_CREDENTIAL)
FIELD(X_CULLIS_HINT, "X-Cullis-Hint", F_NO_REQ | F_CREDENTIAL)
FIELD(X_CULLIS_MODE, "X-Cullis-Mode", F_NO_REQ | F_CREDENTIAL)
FIELD(X_CULLIS_ROLE, "X-Cullis-Role", F_NO_REQ | F_CREDENTIAL)
FIELD(X_CULLIS_TRACE, "X-Cullis-Trace", F_NO_REQ | F_CREDENTIAL)
FIELD(X_CULLIS_SHED_REASON, "X-Cullis-Shed-Reason", F_NO_REQ | F_CREDENTIAL)

#undef FAMILY
