/*
 * The counters and gauges that a worker keeps, one row each.
 * COUNTER(MEMBER, "name without prefix", "label or empty", "help")
 * GAUGE(the same)
 * Rows of one name stand together; their labels tell them apart.
 */
COUNTER(
    clients_opened, "clients_opened_total", "", "Client connections accepted")
COUNTER(clients_closed, "clients_closed_total", "", "Client connections closed")
COUNTER(denied_caller, "denied_total", "reason=\"caller-refused\"",
    "Requests refused because of who asks or what for")
COUNTER(denied_token, "denied_total", "reason=\"local-token-required\"",
    "Requests refused because of who asks or what for")
COUNTER(denied_browser, "denied_total", "reason=\"browser-refused\"",
    "Requests refused because of who asks or what for")
COUNTER(denied_host, "denied_total", "reason=\"host-refused\"",
    "Requests refused because of who asks or what for")
COUNTER(denied_destination, "denied_total", "reason=\"wrong-destination\"",
    "Requests refused because of who asks or what for")
COUNTER(denied_connect, "denied_total", "reason=\"connect-refused\"",
    "Requests refused because of who asks or what for")
COUNTER(denied_reserved, "denied_total", "reason=\"path-reserved\"",
    "Requests refused because of who asks or what for")
COUNTER(denied_rule, "denied_total", "reason=\"access-denied\"",
    "Requests refused because of who asks or what for")
COUNTER(logins_ok, "token_refreshes_total", "result=\"ok\"",
    "Logins at the gateway")
COUNTER(logins_failed, "token_refreshes_total", "result=\"failed\"",
    "Logins at the gateway")
COUNTER(proofs, "dpop_proofs_total", "", "DPoP proofs made")
COUNTER(nonce_retries, "dpop_nonce_retries_total", "",
    "Requests sent again with a new nonce")
COUNTER(handshakes_full, "tls_handshakes_total", "resumed=\"no\"",
    "TLS handshakes with the gateway")
COUNTER(handshakes_resumed, "tls_handshakes_total", "resumed=\"yes\"",
    "TLS handshakes with the gateway")
COUNTER(upstream_connects, "upstream_connects_total", "result=\"ok\"",
    "Connection attempts to the gateway")
COUNTER(upstream_failures, "upstream_connects_total", "result=\"failed\"",
    "Connection attempts to the gateway")
COUNTER(upstream_reused, "upstream_reuses_total", "",
    "Exchanges on a connection that had served another")
COUNTER(stale_retries, "upstream_stale_retries_total", "",
    "Requests sent again because the connection ended without an answer")
COUNTER(reconnects, "upstream_reconnects_total", "",
    "Pauses before the gateway was asked again for a connection it refused")
COUNTER(retries_refused, "retries_total", "reason=\"refused\"",
    "Requests sent again")
COUNTER(retries_shed, "retries_total", "reason=\"shed\"",
    "Requests sent again")
COUNTER(retries_lost, "retries_total", "reason=\"lost\"",
    "Requests sent again")
COUNTER(mcp_holds, "mcp_holds_total", "",
    "Requests that waited behind an MCP notification")
COUNTER(bytes_in, "client_received_bytes_total", "",
    "Request body bytes received from clients")
COUNTER(bytes_out, "client_sent_bytes_total", "",
    "Response body bytes sent to clients")
GAUGE(streams_open, "open_streams", "", "Responses under way")
COUNTER(stream_errors, "stream_error_frames_total", "",
    "Error frames in streams that began with 200")
GAUGE(replay_held, "replay_buffer_bytes", "",
    "Request bodies kept in case they must be sent again")
GAUGE(upconns_idle, "upstream_connections", "state=\"idle\"",
    "Connections to the gateway and to pass-through hosts")
GAUGE(upconns_busy, "upstream_connections", "state=\"busy\"",
    "Connections to the gateway and to pass-through hosts")
GAUGE(upconns_connecting, "upstream_connections", "state=\"connecting\"",
    "Connections to the gateway and to pass-through hosts")
