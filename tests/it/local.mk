# The black-box tests, and those with real clients.  They are run by ./dev
# test, not by make check; the tarball brings them along.

EXTRA_DIST += tests/it/run.py tests/it/harness tests/it/cases
EXTRA_DIST += tests/clients/README.md tests/clients/agents \
	tests/clients/package-lock.json tests/clients/package.json \
	tests/clients/requirements.in tests/clients/requirements.txt \
	tests/clients/run.py
