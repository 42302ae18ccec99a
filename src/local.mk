# The program.  All of src/ but main.c is one archive, so that unit tests and
# fuzz targets link exactly what the program runs.

noinst_LIBRARIES += libsidecar.a
libsidecar_a_CFLAGS = $(AM_CFLAGS) $(JWT_CFLAGS)
libsidecar_a_SOURCES = \
	src/base/attr.h \
	src/base/b64.c src/base/b64.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/mem.c src/base/mem.h \
	src/base/str.c src/base/str.h

SIDECAR_LIBS = libsidecar.a $(EVENT_LIBS) $(EVENT_EXTRA_LIBS) \
    $(OPENSSL_LIBS) $(JWT_LIBS) $(JANSSON_LIBS)

bin_PROGRAMS += cullis-sidecar
cullis_sidecar_SOURCES = src/main.c
cullis_sidecar_LDADD = $(SIDECAR_LIBS)
