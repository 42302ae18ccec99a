/*
 * Every way an exchange ends.
 * END(CODE, status sent if no response has begun, "token", retry, "meaning",
 *     "what to do about it")
 * token: access log, metric label and `code` of the error body.  retry: enum
 * end_retry, for X-Should-Retry.  Status 0: nothing can or need be sent.
 */
END(OK, 0, "ok", RETRY_NO, "response relayed completely", "")
END(CLIENT_GONE, 0, "client-gone", RETRY_NO,
    "the client closed its connection before the end", "")
END(BAD_REQUEST, 400, "bad-request", RETRY_NO, "the request is malformed",
    "Mend the client, or look at what stands between it and the sidecar.")
END(BAD_PATH, 400, "bad-path", RETRY_NO,
    "the path can be read in more than one way",
    "Send the path without dot segments, empty segments, backslashes, control "
    "characters and escapes of escapes.")
END(CALLER_REFUSED, 403, "caller-refused", RETRY_NO,
    "this user may not use the sidecar",
    "Run the agent as a user of allow-uid, or add its user there.")
END(LOCAL_TOKEN, 407, "local-token-required", RETRY_NO,
    "the caller does not show the token of local-token-file",
    "Send it as Proxy-Authorization, or as the client's API key.")
END(BROWSER, 403, "browser-refused", RETRY_NO,
    "requests from web pages are refused",
    "Call the sidecar from a program; a browser page must not borrow the "
    "agent's identity.")
END(HOST_REFUSED, 403, "host-refused", RETRY_NO,
    "the Host is neither the sidecar's address nor a name of the gateway",
    "Set gateway-alias if agents use another name for the gateway.")
END(CONNECT_REFUSED, 403, "connect-refused", RETRY_NO,
    "CONNECT is answered for the gateway and pass-through hosts only",
    "Put other hosts into NO_PROXY so that the agent reaches them directly, "
    "or name them in pass-through.")
END(PASS_DENIED, 403, "pass-through-denied", RETRY_NO,
    "this pass-through host has an address that the sidecar never dials",
    "See pass-through in cullis-sidecar.conf(5); let the agent reach such a "
    "host directly, with NO_PROXY.")
END(PATH_RESERVED, 403, "path-reserved", RETRY_NO,
    "this path would hand the identity's powers to the agent",
    "If the agent really needs it, name it in allow-reserved.")
END(ACCESS_DENIED, 403, "access-denied", RETRY_NO,
    "the rules of this sidecar do not allow this request",
    "If the agent really needs it, change the allow or deny rules.")
END(MISDIRECTED, 421, "wrong-destination", RETRY_NO,
    "the request is for another host than the gateway",
    "Put that host into NO_PROXY, or set gateway-alias if it is a name of the "
    "gateway.")
END(TARGET_LONG, 414, "target-too-long", RETRY_NO,
    "the request target is longer than 8000 bytes", "Send a shorter URL.")
END(EXPECTATION, 417, "expectation-failed", RETRY_NO,
    "the Expect field asks for something else than 100-continue",
    "Leave the Expect field out.")
END(HEAD_LARGE, 431, "head-too-large", RETRY_NO,
    "the request head is over max-head or max-headers",
    "Send fewer or shorter fields, or raise max-head or max-headers.")
END(NOT_IMPLEMENTED, 501, "not-implemented", RETRY_NO,
    "this method, transfer coding or upgrade is not supported",
    "Use a plain HTTP/1.1 request.")
END(VERSION, 505, "version-not-supported", RETRY_NO,
    "only HTTP/1.0 and HTTP/1.1 are spoken here",
    "Tell the client to use HTTP/1.1.")
END(LOOP, 508, "loop-detected", RETRY_NO,
    "this request has already passed through this sidecar",
    "Look for a proxy that sends requests for the gateway back to the "
    "sidecar.")
END(HEAD_TIMEOUT, 408, "head-timeout", RETRY_YES,
    "the request head did not come within head-timeout",
    "Send the head at once, or raise head-timeout.")
END(BODY_TIMEOUT, 408, "body-timeout", RETRY_YES,
    "the request body stalled for body-timeout",
    "Send the body without long pauses, or raise body-timeout.")
END(NO_IDENTITY, 503, "no-identity", RETRY_YES,
    "no agent identity is loaded yet",
    "Provide the identity files; cullis-sidecar check names what is missing.")
END(NO_TOKEN, 503, "no-token", RETRY_YES,
    "the gateway has not issued a session token in time",
    "See what /readyz of the admin listener says, or the sidecar's log.")
END(QUEUE_TIMEOUT, 503, "queue-timeout", RETRY_YES,
    "all connections to the gateway were busy for queue-timeout",
    "Raise max-upstream-connections, or send fewer requests at a time.")
END(OVERLOADED, 503, "overloaded", RETRY_YES, "max-clients is reached",
    "Raise max-clients, or keep fewer connections open.")
END(DRAIN, 503, "draining", RETRY_IDEMPOTENT, "the sidecar is shutting down",
    "Send the request again after the restart.")
END(GATEWAY_BUSY, 503, "gateway-busy", RETRY_YES,
    "the gateway has shed requests a moment ago and is left in peace",
    "Try again after Retry-After; see the gateway's load.")
END(RESOLVE_FAILED, 502, "resolve-failed", RETRY_YES,
    "the gateway's name has no address",
    "Check the host in the gateway option, and DNS on this machine.")
END(CONNECT_FAILED, 502, "connect-failed", RETRY_YES,
    "the gateway cannot be reached",
    "Check the gateway option, the network, and that the gateway runs.")
END(PROXY_FAILED, 502, "upstream-proxy-failed", RETRY_YES,
    "upstream-proxy does not lead to the gateway",
    "Check upstream-proxy, upstream-proxy-auth-file and that proxy's log.")
END(TLS_FAILED, 502, "tls-failed", RETRY_NO,
    "no trusted TLS connection to the gateway",
    "Check ca-file and the name in the gateway option against the "
    "gateway's certificate.")
END(UPSTREAM_CLOSED, 502, "upstream-closed", RETRY_IDEMPOTENT,
    "the gateway closed the connection before it answered",
    "The request may or may not have run; look at the gateway's log.")
END(UPSTREAM_TRUNCATED, 502, "upstream-truncated", RETRY_IDEMPOTENT,
    "the gateway's answer ended before its time",
    "Look at the gateway's log and its timers.")
END(UPSTREAM_BAD, 502, "upstream-malformed", RETRY_NO,
    "the gateway's answer is not valid HTTP/1.1",
    "Look at what stands between the sidecar and the gateway.")
END(AUTH_REFUSED, 502, "auth-refused", RETRY_NO,
    "the gateway refused the sidecar's credentials",
    "Run cullis-sidecar check, and look at the gateway's log.")
END(COURT_REFUSED, 502, "court-refused", RETRY_NO,
    "the Court did not let the agent's socket in",
    "Look at what the Court says, and whether the agent's binding is approved.")
END(COURT_TIMEOUT, 504, "court-timeout", RETRY_YES,
    "the Court said nothing on a new socket for 10 s",
    "Look at the Court and the gateway.")
END(SOCKET_BUSY, 409, "court-socket-busy", RETRY_NO,
    "the agent has a socket to the Court already, and a second would cost both",
    "Close the first socket, or share it.")
END(NOT_KEPT, 502, "request-not-kept", RETRY_YES,
    "the gateway refused the request before running it, and it was too large "
    "to be kept for sending it again",
    "Send it again: the sidecar has mended its part.  Or raise replay-limit "
    "or replay-total.")
END(PASS_FAILED, 502, "pass-through-failed", RETRY_IDEMPOTENT,
    "the pass-through host did not answer as it should",
    "Look at that host; the gateway has no part in this.")
END(PASS_TIMEOUT, 504, "pass-through-timeout", RETRY_IDEMPOTENT,
    "the pass-through host did not answer in time",
    "Look at that host; connect-timeout and first-byte-timeout count.")
END(CONNECT_TIMEOUT, 504, "connect-timeout", RETRY_YES,
    "no connection to the gateway within connect-timeout",
    "Check the network to the gateway, or raise connect-timeout.")
END(FIRST_BYTE_TIMEOUT, 504, "first-byte-timeout", RETRY_IDEMPOTENT,
    "the gateway did not begin to answer within first-byte-timeout",
    "Raise first-byte-timeout if such long answers are expected.")
END(STREAM_IDLE, 504, "stream-idle-timeout", RETRY_IDEMPOTENT,
    "no byte passed for stream-idle-timeout",
    "Raise stream-idle-timeout if such long pauses are expected.")
END(TLS_TO_PLAIN, 400, "tls-to-plain", RETRY_NO,
    "the client spoke TLS where plain HTTP is served",
    "Give the agent the gateway as http://, not https://: the sidecar adds "
    "TLS.")
END(INTERNAL, 500, "internal", RETRY_NO, "the sidecar could not make a proof",
    "See the sidecar's log.")
