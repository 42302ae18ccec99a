/*
 * Every metric that is exported, one row each; doc/operations.md lists them.
 *
 * COUNTER(MEMBER, "name", "label or empty", "help")   a worker's own; rows of
 * GAUGE(the same)      one name stand together, their labels tell them apart
 * HISTOGRAM(MEMBER, "name", "help")                   the same, of seconds
 * FAMILY(ID, "type", "name", "labels", "help")        made when it is read;
 *     labels: their names, separated by spaces
 * STANDARD(the same)   under the name that every program gives it; all other
 *     names get our prefix
 *
 * Include it with the macros that are wanted defined.
 */
#ifndef COUNTER
#define COUNTER(...)
#endif
#ifndef GAUGE
#define GAUGE(...)
#endif
#ifndef HISTOGRAM
#define HISTOGRAM(...)
#endif
#ifndef FAMILY
#define FAMILY(...)
#endif
#ifndef STANDARD
#define STANDARD(...)
#endif

FAMILY(BUILD_INFO, "gauge", "build_info", "version openssl", "What is running")
FAMILY(READY, "gauge", "ready", "", "Whether /readyz says ok (1) or not (0)")
FAMILY(GATEWAY_REACHED, "gauge", "gateway_reached", "",
    "How the last attempt to reach the gateway ended: well (1) or not (0)")
FAMILY(REQUESTS, "counter", "requests_total", "route method code end",
    "Finished requests; code 0 is one that got no answer")
HISTOGRAM(duration, "request_duration_seconds",
    "From the request's head to the last byte of its answer")
HISTOGRAM(first_byte, "time_to_first_byte_seconds",
    "From the request's head to the head of the gateway's answer")
HISTOGRAM(connect, "upstream_connect_duration_seconds",
    "From the first connection attempt to the end of the handshake")
FAMILY(CLIENTS, "gauge", "clients", "", "Client connections open")
FAMILY(MAX_CLIENTS, "gauge", "max_clients", "",
    "How many may be open: the key max-clients")
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
FAMILY(AUTH_REFUSALS, "counter", "auth_refusals_total", "verdict",
    "Answers of the gateway that refused our credentials, by what was done")
FAMILY(TOKEN_EXPIRY, "gauge", "token_expiry_timestamp_seconds", "",
    "When the session token ends, 0 without one; not there in modes that use "
    "none")
FAMILY(NOT_BEFORE, "gauge", "identity_not_before_timestamp_seconds", "",
    "When the certificate's life began")
FAMILY(NOT_AFTER, "gauge", "identity_not_after_timestamp_seconds", "kind",
    "When a part of the identity ends")
FAMILY(RELOADS, "counter", "identity_reloads_total", "result",
    "New files of the identity or the configuration, and demands to look for "
    "them")
FAMILY(FILES_REFUSED, "gauge", "identity_files_refused", "",
    "Whether the newest files are not used (1), because they or the gateway "
    "say no")
FAMILY(BREAKER, "gauge", "breaker_state", "reason",
    "Requests are sent (0), answered at once (1), or one at a time is sent "
    "(2)")
FAMILY(CLOCK_OFFSET, "gauge", "clock_offset_seconds", "",
    "The gateway's clock minus ours, up to 2 s low; 0 while unknown")
FAMILY(LOG_DROPPED, "counter", "log_lines_dropped_total", "",
    "Log lines that a slow reader or a full disk cost")
STANDARD(PROCESS_CPU, "counter", "process_cpu_seconds_total", "",
    "User and system time")
STANDARD(PROCESS_RESIDENT, "gauge", "process_resident_memory_bytes", "",
    "Resident memory")
STANDARD(PROCESS_START, "gauge", "process_start_time_seconds", "",
    "When the process started")
STANDARD(PROCESS_FDS, "gauge", "process_open_fds", "", "Open file descriptors")
STANDARD(PROCESS_MAX_FDS, "gauge", "process_max_fds", "",
    "Limit of open file descriptors")

#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
#undef FAMILY
#undef STANDARD
