# What is installed: the completions, by every make check.

TESTS += tests/package/completions.py
EXTRA_DIST += tests/package/completions.py
