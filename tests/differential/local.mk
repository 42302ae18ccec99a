# Our HTTP reader beside others.  Run by ./dev test, since it needs Node.

noinst_PROGRAMS += tests/differential/reader
tests_differential_reader_SOURCES = tests/differential/reader.c
tests_differential_reader_LDADD = $(SIDECAR_LIBS)

EXTRA_DIST += tests/differential/explained.py tests/differential/inputs.py \
	tests/differential/llhttp.js tests/differential/run.py \
	tests/differential/strict.py
