# The black-box tests.  They are run by ./dev test against several builds, not
# by make check; the tarball brings them along.

EXTRA_DIST += tests/it/run.py tests/it/harness tests/it/cases
