# mastio-dev, the stand-in gateway.  It includes nothing of src/: what judges
# the program shares no code with it.

noinst_PROGRAMS += mastio-dev
mastio_dev_CPPFLAGS = -I$(top_srcdir)/tests
mastio_dev_SOURCES = \
	tests/mastio/agentdir.c tests/mastio/agentdir.h \
	tests/mastio/answer.c tests/mastio/answer.h \
	tests/mastio/assertion.c tests/mastio/assertion.h \
	tests/mastio/auth.c tests/mastio/auth.h \
	tests/mastio/chat.c \
	tests/mastio/conn.c tests/mastio/conn.h \
	tests/mastio/control.c tests/mastio/control.h \
	tests/mastio/court.c tests/mastio/court.h \
	tests/mastio/courtlogin.c tests/mastio/courtsocket.c \
	tests/mastio/courttoken.c \
	tests/mastio/egress.c \
	tests/mastio/exchange.c tests/mastio/exchange.h \
	tests/mastio/execution.c tests/mastio/execution.h \
	tests/mastio/fault.c tests/mastio/fault.h \
	tests/mastio/front.c tests/mastio/front.h \
	tests/mastio/gate.c tests/mastio/gate.h \
	tests/mastio/http.c tests/mastio/http.h \
	tests/mastio/init.c tests/mastio/init.h \
	tests/mastio/jose.c tests/mastio/jose.h \
	tests/mastio/journal.c tests/mastio/journal.h \
	tests/mastio/listen.c tests/mastio/listen.h \
	tests/mastio/login.c \
	tests/mastio/main.c \
	tests/mastio/map.c tests/mastio/map.h \
	tests/mastio/mcp.c \
	tests/mastio/overload.c tests/mastio/overload.h \
	tests/mastio/pki.c tests/mastio/pki.h \
	tests/mastio/pool.c tests/mastio/pool.h \
	tests/mastio/process.c tests/mastio/process.h \
	tests/mastio/proof.c tests/mastio/proof.h \
	tests/mastio/records.c tests/mastio/records.h \
	tests/mastio/routes.c tests/mastio/routes.h \
	tests/mastio/serve.c tests/mastio/server.h \
	tests/mastio/settings.c tests/mastio/settings.h \
	tests/mastio/tls.c tests/mastio/tls.h \
	tests/mastio/token.c tests/mastio/token.h \
	tests/mastio/tool.c tests/mastio/tool.h \
	tests/mastio/util.c tests/mastio/util.h \
	tests/mastio/websocket.c tests/mastio/websocket.h
mastio_dev_LDADD = $(EVENT_LIBS) $(OPENSSL_LIBS) \
    $(JANSSON_LIBS) -lm

TESTS += tests/mastio/selftest.py tests/mastio/selftest_faults.py \
	tests/mastio/selftest_court.py
EXTRA_DIST += tests/mastio/README.md \
	tests/mastio/harness.py tests/mastio/selftest.py \
	tests/mastio/selftest_faults.py tests/mastio/selftest_court.py
