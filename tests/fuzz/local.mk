# Fuzz targets, one per parser, and one for whole exchanges.  With --enable-fuzz
# (clang) each is linked with libFuzzer and searches; otherwise with replay.c,
# and `make check` replays its corpus.

FUZZ_TARGETS = \
	tests/fuzz/fuzz_access \
	tests/fuzz/fuzz_agent_json \
	tests/fuzz/fuzz_chunked \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_date \
	tests/fuzz/fuzz_exchange \
	tests/fuzz/fuzz_framing \
	tests/fuzz/fuzz_head_request \
	tests/fuzz/fuzz_head_response \
	tests/fuzz/fuzz_jwk \
	tests/fuzz/fuzz_path \
	tests/fuzz/fuzz_target \
	tests/fuzz/fuzz_token \
	tests/fuzz/fuzz_traceparent \
	tests/fuzz/fuzz_verdict \
	tests/fuzz/fuzz_wsframe

check_PROGRAMS += $(FUZZ_TARGETS)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/http.dict

if FUZZ
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_LINK = $(AM_LDFLAGS)
TESTS += $(FUZZ_TARGETS)
endif

tests_fuzz_fuzz_access_SOURCES = tests/fuzz/fuzz_access.c $(FUZZ_MAIN)
tests_fuzz_fuzz_access_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_access_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_chunked_SOURCES = tests/fuzz/fuzz_chunked.c $(FUZZ_MAIN)
tests_fuzz_fuzz_chunked_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_chunked_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_conf_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_conf_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_framing_SOURCES = tests/fuzz/fuzz_framing.c $(FUZZ_MAIN)
tests_fuzz_fuzz_framing_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_framing_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_head_request_SOURCES = \
    tests/fuzz/fuzz_head_request.c tests/fuzz/fuzz_head.h $(FUZZ_MAIN)
tests_fuzz_fuzz_head_request_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_head_request_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_head_response_SOURCES = \
    tests/fuzz/fuzz_head_response.c tests/fuzz/fuzz_head.h $(FUZZ_MAIN)
tests_fuzz_fuzz_head_response_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_head_response_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_path_SOURCES = tests/fuzz/fuzz_path.c $(FUZZ_MAIN)
tests_fuzz_fuzz_path_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_path_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_target_SOURCES = tests/fuzz/fuzz_target.c $(FUZZ_MAIN)
tests_fuzz_fuzz_target_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_target_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_agent_json_SOURCES = tests/fuzz/fuzz_agent_json.c $(FUZZ_MAIN)
tests_fuzz_fuzz_agent_json_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_agent_json_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_jwk_SOURCES = tests/fuzz/fuzz_jwk.c $(FUZZ_MAIN)
tests_fuzz_fuzz_jwk_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_jwk_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz_token.c $(FUZZ_MAIN)
tests_fuzz_fuzz_token_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_token_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_verdict_SOURCES = tests/fuzz/fuzz_verdict.c $(FUZZ_MAIN)
tests_fuzz_fuzz_verdict_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_verdict_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_date_SOURCES = tests/fuzz/fuzz_date.c $(FUZZ_MAIN)
tests_fuzz_fuzz_date_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_date_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_traceparent_SOURCES = tests/fuzz/fuzz_traceparent.c $(FUZZ_MAIN)
tests_fuzz_fuzz_traceparent_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_traceparent_LDADD = $(SIDECAR_LIBS)

tests_fuzz_fuzz_wsframe_SOURCES = tests/fuzz/fuzz_wsframe.c $(FUZZ_MAIN)
tests_fuzz_fuzz_wsframe_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_wsframe_LDADD = $(SIDECAR_LIBS)

# The unit tests' rig, with assert() for libcheck's assertions.  The gateway is
# spoken to in plain text: the identity has no TLS, and stage.c wants to know
# which connection is which.
tests_fuzz_fuzz_exchange_SOURCES = tests/fuzz/fuzz_exchange.c \
    tests/fuzz/stage.c tests/fuzz/stage.h tests/fuzz/witness.c \
    tests/fuzz/witness.h tests/fuzz/check/check.h $(UNIT_RIG_SOURCES) \
    $(FUZZ_MAIN)
tests_fuzz_fuzz_exchange_CPPFLAGS = -DCUT_STEP=7 -I$(top_srcdir)/tests/fuzz/check \
    -I$(top_srcdir)/tests/unit $(AM_CPPFLAGS)
tests_fuzz_fuzz_exchange_CFLAGS = $(AM_CFLAGS) -Wno-missing-field-initializers
tests_fuzz_fuzz_exchange_LDFLAGS = $(FUZZ_LINK) \
    -Wl,--wrap=identity_ssl_ctx,--wrap=conn_init_connect
tests_fuzz_fuzz_exchange_LDADD = $(SIDECAR_LIBS)
