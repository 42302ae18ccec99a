# Unit tests, one program per module, on libcheck.  `make check` runs them.

UNIT_LIBS = $(SIDECAR_LIBS) $(CHECK_LIBS)
# In a table, what a row leaves out is zero on purpose.
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -Wno-missing-field-initializers
UNIT_TESTS = $(UNIT_BASE_TESTS) $(UNIT_HTTP_TESTS) $(UNIT_AUTH_TESTS) \
	$(UNIT_CONF_TESTS) $(UNIT_NET_TESTS) $(UNIT_PROXY_TESTS) \
	$(UNIT_CTL_TESTS)

UNIT_BASE_TESTS = \
	tests/unit/t_address \
	tests/unit/t_log \
	tests/unit/t_metrics \
	tests/unit/t_str

UNIT_HTTP_TESTS = \
	tests/unit/t_chunked \
	tests/unit/t_field \
	tests/unit/t_expiry \
	tests/unit/t_framing \
	tests/unit/t_head \
	tests/unit/t_sse \
	tests/unit/t_url \
	tests/unit/t_write \
	tests/unit/t_wsframe

# The auth layer's tests make their certificates with pki.
UNIT_AUTH_TESTS = \
	tests/unit/t_agentid \
	tests/unit/t_assertion \
	tests/unit/t_chain \
	tests/unit/t_clockoff \
	tests/unit/t_dpop \
	tests/unit/t_identity \
	tests/unit/t_idfile \
	tests/unit/t_jwk \
	tests/unit/t_localtoken \
	tests/unit/t_scrub \
	tests/unit/t_signer \
	tests/unit/t_tls \
	tests/unit/t_token \
	tests/unit/t_verdict

UNIT_CONF_TESTS = \
	tests/unit/t_access \
	tests/unit/t_cli \
	tests/unit/t_config \
	tests/unit/t_options \
	tests/unit/t_parse \
	tests/unit/t_route \
	tests/unit/t_users \
	tests/unit/t_value

UNIT_NET_TESTS = \
	tests/unit/t_conn \
	tests/unit/t_fetch \
	tests/unit/t_handover \
	tests/unit/t_listener \
	tests/unit/t_mailbox \
	tests/unit/t_owner \
	tests/unit/t_peer \
	tests/unit/t_relay \
	tests/unit/t_replay \
	tests/unit/t_resolve \
	tests/unit/t_timers \
	tests/unit/t_unixsock \
	tests/unit/t_upstream \
	tests/unit/t_viaproxy

# Between a scripted agent and a scripted gateway.
UNIT_PROXY_TESTS = \
	tests/unit/t_accesslog \
	tests/unit/t_budget \
	tests/unit/t_breaker \
	tests/unit/t_caller \
	tests/unit/t_ends \
	tests/unit/t_courtsocket \
	tests/unit/t_credentials \
	tests/unit/t_exchange \
	tests/unit/t_forward \
	tests/unit/t_mcp \
	tests/unit/t_patience \
	tests/unit/t_retry \
	tests/unit/t_stream \
	tests/unit/t_tunnel \
	tests/unit/t_worker

UNIT_CTL_TESTS = \
	tests/unit/t_admin \
	tests/unit/t_login \
	tests/unit/t_reach \
	tests/unit/t_session \
	tests/unit/t_watch \
	tests/unit/t_watchdog

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

UNIT_AUTH_SOURCES = tests/unit/pki.c tests/unit/pki.h tests/unit/jose.c \
	tests/unit/jose.h tests/unit/unit.h tests/unit/vectors/keys.h

tests_unit_t_str_SOURCES = tests/unit/t_str.c tests/unit/unit.h
tests_unit_t_str_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_str_LDADD = $(UNIT_LIBS)

tests_unit_t_sse_SOURCES = tests/unit/t_sse.c tests/unit/unit.h
tests_unit_t_sse_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_sse_LDADD = $(UNIT_LIBS)

tests_unit_t_chunked_SOURCES = tests/unit/t_chunked.c tests/unit/unit.h
tests_unit_t_chunked_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_chunked_LDADD = $(UNIT_LIBS)

tests_unit_t_field_SOURCES = tests/unit/t_field.c tests/unit/unit.h
tests_unit_t_field_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_field_LDADD = $(UNIT_LIBS)

tests_unit_t_expiry_SOURCES = tests/unit/t_expiry.c tests/unit/unit.h
tests_unit_t_expiry_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_expiry_LDADD = $(UNIT_LIBS)
tests_unit_t_framing_SOURCES = tests/unit/t_framing.c tests/unit/unit.h
tests_unit_t_framing_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_framing_LDADD = $(UNIT_LIBS)

tests_unit_t_head_SOURCES = tests/unit/t_head.c tests/unit/unit.h
tests_unit_t_head_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_head_LDADD = $(UNIT_LIBS)

tests_unit_t_url_SOURCES = tests/unit/t_url.c tests/unit/unit.h
tests_unit_t_url_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_url_LDADD = $(UNIT_LIBS)

tests_unit_t_write_SOURCES = tests/unit/t_write.c tests/unit/unit.h
tests_unit_t_write_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_write_LDADD = $(UNIT_LIBS)

tests_unit_t_wsframe_SOURCES = tests/unit/t_wsframe.c tests/unit/unit.h
tests_unit_t_wsframe_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_wsframe_LDADD = $(UNIT_LIBS)

tests_unit_t_dpop_SOURCES = tests/unit/t_dpop.c $(UNIT_AUTH_SOURCES)
tests_unit_t_dpop_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_dpop_LDADD = $(UNIT_LIBS)

tests_unit_t_jwk_SOURCES = tests/unit/t_jwk.c $(UNIT_AUTH_SOURCES)
tests_unit_t_jwk_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_jwk_LDADD = $(UNIT_LIBS)

tests_unit_t_clockoff_SOURCES = tests/unit/t_clockoff.c $(UNIT_AUTH_SOURCES)
tests_unit_t_clockoff_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_clockoff_LDADD = $(UNIT_LIBS)

tests_unit_t_token_SOURCES = tests/unit/t_token.c $(UNIT_AUTH_SOURCES)
tests_unit_t_token_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_token_LDADD = $(UNIT_LIBS)

tests_unit_t_verdict_SOURCES = tests/unit/t_verdict.c $(UNIT_AUTH_SOURCES)
tests_unit_t_verdict_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_verdict_LDADD = $(UNIT_LIBS)

tests_unit_t_cli_SOURCES = tests/unit/t_cli.c $(UNIT_AUTH_SOURCES)
tests_unit_t_cli_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_cli_LDADD = $(UNIT_LIBS)

tests_unit_t_value_SOURCES = tests/unit/t_value.c tests/unit/unit.h
tests_unit_t_value_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_value_LDADD = $(UNIT_LIBS)

tests_unit_t_options_SOURCES = tests/unit/t_options.c tests/unit/unit.h
tests_unit_t_options_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_options_LDADD = $(UNIT_LIBS)

tests_unit_t_parse_SOURCES = tests/unit/t_parse.c tests/unit/unit.h
tests_unit_t_parse_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_parse_LDADD = $(UNIT_LIBS)

tests_unit_t_config_SOURCES = tests/unit/t_config.c tests/unit/unit.h \
    tests/unit/conf_fixture.h
tests_unit_t_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_config_LDADD = $(UNIT_LIBS)

tests_unit_t_access_SOURCES = tests/unit/t_access.c tests/unit/unit.h \
    tests/unit/conf_fixture.h
tests_unit_t_access_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_access_LDADD = $(UNIT_LIBS)

tests_unit_t_route_SOURCES = tests/unit/t_route.c tests/unit/unit.h \
    tests/unit/conf_fixture.h
tests_unit_t_route_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_route_LDADD = $(UNIT_LIBS)

tests_unit_t_agentid_SOURCES = tests/unit/t_agentid.c $(UNIT_AUTH_SOURCES)
tests_unit_t_agentid_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_agentid_LDADD = $(UNIT_LIBS)

tests_unit_t_assertion_SOURCES = tests/unit/t_assertion.c $(UNIT_AUTH_SOURCES)
tests_unit_t_assertion_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_assertion_LDADD = $(UNIT_LIBS)

tests_unit_t_chain_SOURCES = tests/unit/t_chain.c $(UNIT_AUTH_SOURCES)
tests_unit_t_chain_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_chain_LDADD = $(UNIT_LIBS)

tests_unit_t_identity_SOURCES = tests/unit/t_identity.c $(UNIT_AUTH_SOURCES)
tests_unit_t_identity_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_identity_LDADD = $(UNIT_LIBS)

tests_unit_t_idfile_SOURCES = tests/unit/t_idfile.c $(UNIT_AUTH_SOURCES)
tests_unit_t_idfile_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_idfile_LDADD = $(UNIT_LIBS)

tests_unit_t_scrub_SOURCES = tests/unit/t_scrub.c tests/unit/unit.h
tests_unit_t_scrub_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_scrub_LDADD = $(UNIT_LIBS)

tests_unit_t_signer_SOURCES = tests/unit/t_signer.c $(UNIT_AUTH_SOURCES)
tests_unit_t_signer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_signer_LDADD = $(UNIT_LIBS)

tests_unit_t_tls_SOURCES = tests/unit/t_tls.c $(UNIT_AUTH_SOURCES)
tests_unit_t_tls_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_tls_LDADD = $(UNIT_LIBS)

tests_unit_t_log_SOURCES = tests/unit/t_log.c tests/unit/unit.h
tests_unit_t_log_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_log_LDADD = $(UNIT_LIBS)

tests_unit_t_metrics_SOURCES = tests/unit/t_metrics.c tests/unit/unit.h
tests_unit_t_metrics_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_metrics_LDADD = $(UNIT_LIBS)

tests_unit_t_mailbox_SOURCES = tests/unit/t_mailbox.c tests/unit/unit.h
tests_unit_t_mailbox_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_mailbox_LDADD = $(UNIT_LIBS)

tests_unit_t_relay_SOURCES = tests/unit/t_relay.c tests/unit/unit.h
tests_unit_t_relay_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_relay_LDADD = $(UNIT_LIBS)

tests_unit_t_replay_SOURCES = tests/unit/t_replay.c tests/unit/unit.h
tests_unit_t_replay_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_replay_LDADD = $(UNIT_LIBS)

tests_unit_t_timers_SOURCES = tests/unit/t_timers.c tests/unit/unit.h
tests_unit_t_timers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_timers_LDADD = $(UNIT_LIBS)

UNIT_GATE_SOURCES = tests/unit/gate.c tests/unit/gate.h tests/unit/pki.c \
	tests/unit/pki.h tests/unit/unit.h
UNIT_LOGIN_SOURCES = $(UNIT_GATE_SOURCES) tests/unit/conf_fixture.h \
	tests/unit/login_fixture.h
UNIT_RIG_SOURCES = $(UNIT_GATE_SOURCES) tests/unit/rig.c tests/unit/rig.h \
	tests/unit/rig_fixture.h tests/unit/conf_fixture.h

tests_unit_t_ends_SOURCES = tests/unit/t_ends.c $(UNIT_RIG_SOURCES)
tests_unit_t_ends_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_ends_LDADD = $(UNIT_LIBS)

tests_unit_t_courtsocket_SOURCES = tests/unit/t_courtsocket.c \
    tests/unit/jose.c tests/unit/jose.h $(UNIT_RIG_SOURCES)
tests_unit_t_courtsocket_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_courtsocket_LDADD = $(UNIT_LIBS)

tests_unit_t_credentials_SOURCES = tests/unit/t_credentials.c \
    tests/unit/jose.c tests/unit/jose.h $(UNIT_RIG_SOURCES)
tests_unit_t_credentials_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_credentials_LDADD = $(UNIT_LIBS)

tests_unit_t_budget_SOURCES = tests/unit/t_budget.c $(UNIT_RIG_SOURCES)
tests_unit_t_budget_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_budget_LDADD = $(UNIT_LIBS)

tests_unit_t_exchange_SOURCES = tests/unit/t_exchange.c $(UNIT_RIG_SOURCES)
tests_unit_t_exchange_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_exchange_LDADD = $(UNIT_LIBS)

tests_unit_t_worker_SOURCES = tests/unit/t_worker.c $(UNIT_RIG_SOURCES)
tests_unit_t_worker_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_worker_LDADD = $(UNIT_LIBS)

tests_unit_t_forward_SOURCES = tests/unit/t_forward.c $(UNIT_RIG_SOURCES)
tests_unit_t_forward_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_forward_LDADD = $(UNIT_LIBS)

tests_unit_t_patience_SOURCES = tests/unit/t_patience.c $(UNIT_RIG_SOURCES)
tests_unit_t_patience_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_patience_LDADD = $(UNIT_LIBS)

tests_unit_t_breaker_SOURCES = tests/unit/t_breaker.c $(UNIT_RIG_SOURCES)
tests_unit_t_breaker_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_breaker_LDADD = $(UNIT_LIBS)

tests_unit_t_stream_SOURCES = tests/unit/t_stream.c $(UNIT_RIG_SOURCES)
tests_unit_t_stream_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_stream_LDADD = $(UNIT_LIBS)

tests_unit_t_mcp_SOURCES = tests/unit/t_mcp.c $(UNIT_RIG_SOURCES)
tests_unit_t_mcp_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_mcp_LDADD = $(UNIT_LIBS)

tests_unit_t_retry_SOURCES = tests/unit/t_retry.c $(UNIT_RIG_SOURCES)
tests_unit_t_retry_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_retry_LDADD = $(UNIT_LIBS)

tests_unit_t_tunnel_SOURCES = tests/unit/t_tunnel.c $(UNIT_RIG_SOURCES)
tests_unit_t_tunnel_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_tunnel_LDADD = $(UNIT_LIBS)

tests_unit_t_viaproxy_SOURCES = tests/unit/t_viaproxy.c tests/unit/unit.h
tests_unit_t_viaproxy_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_viaproxy_LDADD = $(UNIT_LIBS)

tests_unit_t_address_SOURCES = tests/unit/t_address.c tests/unit/unit.h
tests_unit_t_address_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_address_LDADD = $(UNIT_LIBS)

tests_unit_t_resolve_SOURCES = tests/unit/t_resolve.c tests/unit/unit.h
tests_unit_t_resolve_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_resolve_LDADD = $(UNIT_LIBS)

tests_unit_t_handover_SOURCES = tests/unit/t_handover.c
tests_unit_t_handover_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_handover_LDADD = $(UNIT_LIBS)

tests_unit_t_listener_SOURCES = tests/unit/t_listener.c tests/unit/pki.c tests/unit/pki.h tests/unit/unit.h
tests_unit_t_listener_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_listener_LDADD = $(UNIT_LIBS)

tests_unit_t_peer_SOURCES = tests/unit/t_peer.c tests/unit/unit.h
tests_unit_t_peer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_peer_LDADD = $(UNIT_LIBS)

tests_unit_t_upstream_SOURCES = tests/unit/t_upstream.c $(UNIT_GATE_SOURCES)
tests_unit_t_upstream_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_upstream_LDADD = $(UNIT_LIBS)

tests_unit_t_fetch_SOURCES = tests/unit/t_fetch.c $(UNIT_GATE_SOURCES)
tests_unit_t_fetch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_fetch_LDADD = $(UNIT_LIBS)

tests_unit_t_accesslog_SOURCES = tests/unit/t_accesslog.c tests/unit/unit.h
tests_unit_t_accesslog_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_accesslog_LDADD = $(UNIT_LIBS)

tests_unit_t_admin_SOURCES = tests/unit/t_admin.c tests/unit/unit.h
tests_unit_t_admin_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_admin_LDADD = $(UNIT_LIBS)

tests_unit_t_login_SOURCES = tests/unit/t_login.c $(UNIT_LOGIN_SOURCES)
tests_unit_t_login_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_login_LDADD = $(UNIT_LIBS)

tests_unit_t_reach_SOURCES = tests/unit/t_reach.c $(UNIT_LOGIN_SOURCES)
tests_unit_t_reach_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_reach_LDADD = $(UNIT_LIBS)

tests_unit_t_session_SOURCES = tests/unit/t_session.c $(UNIT_LOGIN_SOURCES)
tests_unit_t_session_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_session_LDADD = $(UNIT_LIBS)

tests_unit_t_watch_SOURCES = tests/unit/t_watch.c tests/unit/unit.h
tests_unit_t_watch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_watch_LDADD = $(UNIT_LIBS)

tests_unit_t_watchdog_SOURCES = tests/unit/t_watchdog.c $(UNIT_RIG_SOURCES)
tests_unit_t_watchdog_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_watchdog_LDADD = $(UNIT_LIBS)

tests_unit_t_conn_SOURCES = tests/unit/t_conn.c $(UNIT_GATE_SOURCES)
tests_unit_t_conn_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_conn_LDADD = $(UNIT_LIBS)

tests_unit_t_localtoken_SOURCES = tests/unit/t_localtoken.c tests/unit/unit.h \
    tests/unit/conf_fixture.h
tests_unit_t_localtoken_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_localtoken_LDADD = $(UNIT_LIBS)

tests_unit_t_users_SOURCES = tests/unit/t_users.c tests/unit/unit.h
tests_unit_t_users_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_users_LDADD = $(UNIT_LIBS)

tests_unit_t_owner_SOURCES = tests/unit/t_owner.c tests/unit/unit.h
tests_unit_t_owner_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_owner_LDADD = $(UNIT_LIBS)

tests_unit_t_unixsock_SOURCES = tests/unit/t_unixsock.c tests/unit/unit.h
tests_unit_t_unixsock_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_unixsock_LDADD = $(UNIT_LIBS)

tests_unit_t_caller_SOURCES = tests/unit/t_caller.c $(UNIT_RIG_SOURCES)
tests_unit_t_caller_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_caller_LDADD = $(UNIT_LIBS)
