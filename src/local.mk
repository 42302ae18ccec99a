# The program.  All of src/ but main.c is one archive, so that unit tests and
# fuzz targets link exactly what the program runs.

noinst_LIBRARIES += libsidecar.a
libsidecar_a_CFLAGS = $(AM_CFLAGS) $(JWT_CFLAGS)
libsidecar_a_SOURCES = \
	src/tbl/end.h \
	src/tbl/metric.h \
	src/tbl/path.h \
	src/tbl/verdict.h \
	src/base/address.c src/base/address.h \
	src/base/attr.h \
	src/base/b64.c src/base/b64.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/metrics.c src/base/metrics.h \
	src/base/random.c src/base/random.h \
	src/base/str.c src/base/str.h \
	src/http/chars.c src/http/chars.h \
	src/http/chunked.c src/http/chunked.h \
	src/http/field.c src/http/field.h src/http/field_tbl.h \
	src/http/framing.c src/http/framing.h \
	src/http/head.c src/http/head.h \
	src/http/sse.c src/http/sse.h \
	src/http/url.c src/http/url.h \
	src/http/write.c src/http/write.h \
	src/http/wsframe.c src/http/wsframe.h \
	src/auth/agentfile.c src/auth/agentfile.h \
	src/auth/agentid.c src/auth/agentid.h \
	src/auth/assertion.c src/auth/assertion.h \
	src/auth/chain.c src/auth/chain.h \
	src/auth/clockoff.c src/auth/clockoff.h \
	src/auth/dpop.c src/auth/dpop.h \
	src/auth/finding.c src/auth/finding.h \
	src/auth/idcheck.c src/auth/idcheck.h \
	src/auth/identity.c src/auth/identity.h \
	src/auth/idfile.c src/auth/idfile.h \
	src/auth/jwk.c src/auth/jwk.h \
	src/auth/keyfile.c src/auth/keyfile.h \
	src/auth/localtoken.c src/auth/localtoken.h \
	src/auth/scrub.c src/auth/scrub.h \
	src/auth/signer.c src/auth/signer.h \
	src/auth/tls.c src/auth/tls.h \
	src/auth/token.c src/auth/token.h \
	src/auth/trust.c src/auth/trust.h \
	src/auth/verdict.c src/auth/verdict.h \
	src/conf/access.c src/conf/access.h \
	src/conf/addrfile.c src/conf/addrfile.h \
	src/conf/config.c src/conf/config.h \
	src/conf/cgroup.c src/conf/cgroup.h \
	src/conf/cpus.c src/conf/cpus.h \
	src/conf/idsource.c src/conf/idsource.h \
	src/conf/option_tbl.h \
	src/conf/options.c src/conf/options.h \
	src/conf/parse.c src/conf/parse.h \
	src/conf/route.c src/conf/route.h \
	src/conf/rule.c src/conf/rule.h \
	src/conf/secret.c src/conf/secret.h \
	src/conf/setting.c src/conf/setting.h \
	src/conf/users.c src/conf/users.h \
	src/conf/value.c src/conf/value.h \
	src/net/conn.c src/net/conn.h \
	src/net/fetch.c src/net/fetch.h \
	src/net/handover.c src/net/handover.h \
	src/net/listener.c src/net/listener.h \
	src/net/loop.c src/net/loop.h \
	src/net/mailbox.c src/net/mailbox.h \
	src/net/peer.c src/net/peer.h \
	src/net/relay.c src/net/relay.h \
	src/net/budget.c src/net/budget.h \
	src/net/replay.c src/net/replay.h \
	src/net/resolve.c src/net/resolve.h \
	src/net/timers.c src/net/timers.h \
	src/net/unixsock.c src/net/unixsock.h \
	src/net/upstream.c src/net/upstream.h \
	src/net/viaproxy.c src/net/viaproxy.h \
	src/proxy/accesslog.c src/proxy/accesslog.h \
	src/proxy/admit.c src/proxy/admit.h \
	src/proxy/bound.c src/proxy/bound.h \
	src/proxy/breaker.c src/proxy/breaker.h \
	src/proxy/bundle.c src/proxy/bundle.h \
	src/proxy/caller.c src/proxy/caller.h \
	src/proxy/circuit.c src/proxy/circuit.h \
	src/proxy/client.c src/proxy/client.h \
	src/proxy/courtsocket.c src/proxy/courtsocket.h \
	src/proxy/credentials.c src/proxy/credentials.h \
	src/proxy/pathclass.c src/proxy/pathclass.h \
	src/proxy/end.c \
	src/proxy/exchange.c src/proxy/exchange.h \
	src/proxy/gateway.c src/proxy/gateway.h \
	src/proxy/heal.c src/proxy/heal.h \
	src/proxy/mcp.c src/proxy/mcp.h \
	src/proxy/message.c src/proxy/message.h \
	src/proxy/passthrough.c src/proxy/passthrough.h \
	src/proxy/stream.c src/proxy/stream.h \
	src/proxy/tunnel.c src/proxy/tunnel.h \
	src/proxy/via.c src/proxy/via.h \
	src/proxy/worker.c src/proxy/worker.h \
	src/ctl/account.c src/ctl/account.h \
	src/ctl/admin.c src/ctl/admin.h \
	src/ctl/expiry.c src/ctl/expiry.h \
	src/ctl/harden.c src/ctl/harden.h \
	src/ctl/drain.c src/ctl/drain.h \
	src/ctl/login.c src/ctl/login.h \
	src/ctl/notify.c src/ctl/notify.h \
	src/ctl/pages.c src/ctl/pages.h \
	src/ctl/ports.c src/ctl/ports.h \
	src/ctl/reach.c src/ctl/reach.h \
	src/ctl/ready.c src/ctl/ready.h \
	src/ctl/reload.c src/ctl/reload.h \
	src/ctl/report.c src/ctl/report.h \
	src/ctl/server.c src/ctl/server.h \
	src/ctl/server_internal.h \
	src/ctl/watchdog.c src/ctl/watchdog.h \
	src/ctl/session.c src/ctl/session.h \
	src/ctl/status.c src/ctl/status.h \
	src/ctl/watch.c src/ctl/watch.h \
	src/cli/adminclient.c src/cli/adminclient.h \
	src/cli/cli.c src/cli/cli.h src/cli/command.h src/cli/command_tbl.h \
	src/cli/config.c \
	src/cli/help.c \
	src/cli/identity.c \
	src/cli/running.c

SIDECAR_LIBS = libsidecar.a $(EVENT_LIBS) \
    $(OPENSSL_LIBS) $(JWT_LIBS) $(JANSSON_LIBS)

bin_PROGRAMS += cullis-sidecar
cullis_sidecar_SOURCES = src/main.c
cullis_sidecar_LDADD = $(SIDECAR_LIBS)
