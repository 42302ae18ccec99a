# The manual.  The list of keys in section 5 and the sample configuration are
# made from the option table; they are distributed, so that a build from a
# tarball does not make them anew.

man_MANS += doc/cullis-sidecar.8 doc/cullis-sidecar.conf.5
EXTRA_DIST += doc/cullis-sidecar.8 doc/cullis-sidecar.conf.5 \
	doc/cullis-sidecar.conf.5.in conf/sidecar.conf.sample

noinst_PROGRAMS += doc/options_doc
doc_options_doc_SOURCES = doc/options_doc.c
doc_options_doc_LDADD = $(SIDECAR_LIBS)

option_doc_sources = doc/options_doc.c src/cli/help.c \
    src/conf/option_tbl.h src/conf/options.c

doc/cullis-sidecar.conf.5: doc/cullis-sidecar.conf.5.in $(option_doc_sources) \
    | doc/options_doc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc && doc/options_doc$(EXEEXT) mdoc >$@.options && \
	sed -e '/^@OPTIONS@$$/r $@.options' -e '/^@OPTIONS@$$/d' \
	    $(top_srcdir)/doc/cullis-sidecar.conf.5.in >$@.new && \
	rm -f $@.options && mv $@.new $@

conf/sidecar.conf.sample: $(option_doc_sources) \
    | doc/options_doc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) conf && \
	doc/options_doc$(EXEEXT) sample >$@.new && mv $@.new $@

all-local: conf/sidecar.conf.sample
CLEANFILES += doc/cullis-sidecar.conf.5 conf/sidecar.conf.sample
