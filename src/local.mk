# The program.  All of src/ but main.c is one archive, so that unit tests and
# fuzz targets link exactly what the program runs.

noinst_LIBRARIES += libsidecar.a
libsidecar_a_CFLAGS = $(AM_CFLAGS) $(JWT_CFLAGS)
libsidecar_a_SOURCES = \
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
	src/auth/scrub.c src/auth/scrub.h \
	src/auth/signer.c src/auth/signer.h \
	src/auth/tls.c src/auth/tls.h \
	src/auth/token.c src/auth/token.h \
	src/auth/verdict.c src/auth/verdict.h \
	src/tbl/verdict.h \
	src/base/attr.h \
	src/base/b64.c src/base/b64.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/mem.c src/base/mem.h \
	src/base/str.c src/base/str.h \
	src/http/chars.c src/http/chars.h \
	src/http/chunked.c src/http/chunked.h \
	src/http/field.c src/http/field.h src/http/field_tbl.h \
	src/http/framing.c src/http/framing.h \
	src/http/head.c src/http/head.h \
	src/http/url.c src/http/url.h \
	src/http/write.c src/http/write.h \
	src/cli/cli.c src/cli/cli.h src/cli/command.h \
	src/cli/config.c \
	src/cli/healthcheck.c \
	src/cli/help.c \
	src/cli/identity.c \
	src/conf/access.c src/conf/access.h \
	src/conf/addrfile.c src/conf/addrfile.h \
	src/conf/config.c src/conf/config.h \
	src/conf/cpus.c src/conf/cpus.h \
	src/conf/idsource.c src/conf/idsource.h \
	src/conf/option_tbl.h \
	src/conf/options.c src/conf/options.h \
	src/conf/parse.c src/conf/parse.h \
	src/conf/route.c src/conf/route.h \
	src/conf/setting.c src/conf/setting.h \
	src/conf/value.c src/conf/value.h

SIDECAR_LIBS = libsidecar.a $(EVENT_LIBS) $(EVENT_EXTRA_LIBS) \
    $(OPENSSL_LIBS) $(JWT_LIBS) $(JANSSON_LIBS)

bin_PROGRAMS += cullis-sidecar
cullis_sidecar_SOURCES = src/main.c
cullis_sidecar_LDADD = $(SIDECAR_LIBS)
