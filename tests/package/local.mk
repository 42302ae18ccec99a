# What is installed.  Every make check tries the completions in bash; the rest,
# run.py, is run by ./dev test all.

TESTS += tests/package/completions.py
EXTRA_DIST += tests/package/completions.py tests/package/names.py \
	tests/package/run.py
