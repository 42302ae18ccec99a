# Unit tests, one program per module, on libcheck.  `make check` runs them.

UNIT_LIBS = $(SIDECAR_LIBS) $(CHECK_LIBS)
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
UNIT_TESTS = tests/unit/t_str

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)

tests_unit_t_str_SOURCES = tests/unit/t_str.c tests/unit/unit.h
tests_unit_t_str_CFLAGS = $(UNIT_CFLAGS)
tests_unit_t_str_LDADD = $(UNIT_LIBS)
