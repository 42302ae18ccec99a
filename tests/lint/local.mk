# Lint.  The layers are checked by every build, the rest by `make lint`.

EXTRA_DIST += tests/bench/README.md tests/bench/bed.py tests/bench/events.py \
	tests/bench/run.py tests/pod/kustomize \
	tests/pod/requirements.in tests/pod/requirements.txt tests/pod/run.py tests/prom/run.py
EXTRA_DIST += tests/systemd/boot.sh tests/systemd/instances.py \
	tests/systemd/load.py tests/systemd/machine.py tests/systemd/run.py \
	tests/systemd/service.py tests/systemd/upgrade.py
EXTRA_DIST += tests/demo tests/lint/auth_doc.py tests/lint/ends.sh tests/lint/http_doc.py \
	tests/lint/operations_doc.py \
	tests/lint/layers.sh tests/lint/options.sh tests/lint/run

all-local: layers.stamp
layers.stamp: $(libsidecar_a_SOURCES) $(cullis_sidecar_SOURCES) \
    $(mastio_dev_SOURCES) $(dpopcheck_SOURCES) tests/lint/layers.sh
	$(AM_V_at)$(SHELL) $(top_srcdir)/tests/lint/layers.sh $(top_srcdir)
	$(AM_V_at)touch $@
CLEANFILES += layers.stamp

lint: all
	$(top_srcdir)/tests/lint/run $(top_srcdir) $(top_builddir)
.PHONY: lint

# What `dev fuzz` runs, without building the other checks.
fuzz-targets: $(FUZZ_TARGETS)
.PHONY: fuzz-targets
