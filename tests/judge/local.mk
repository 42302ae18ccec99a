# dpopcheck: an independent verifier of DPoP proofs.  It includes nothing of
# src/ or of tests/mastio.

noinst_PROGRAMS += dpopcheck
dpopcheck_CPPFLAGS = -I$(top_srcdir)/tests
dpopcheck_SOURCES = \
	tests/judge/dpopcheck.c \
	tests/judge/jwt.c tests/judge/jwt.h \
	tests/judge/uri.c tests/judge/uri.h
dpopcheck_LDADD = $(OPENSSL_LIBS) $(JANSSON_LIBS)

TESTS += tests/judge/selftest.py
EXTRA_DIST += tests/judge/selftest.py
