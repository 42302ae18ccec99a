# The manual.  The list of keys in section 5 and the sample configuration are
# made from the option table; they are distributed, so that a build from a
# tarball does not make them anew.

man_MANS += doc/cullis-sidecar.8 doc/cullis-sidecar.conf.5
dist_doc_DATA += README.md NEWS.md SECURITY.md doc/architecture.md \
	doc/authentication.md doc/http.md doc/operations.md
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

# Completions.  A template is one file with the tables in the middle; each
# shell looks for it under its own name in its own directory.

noinst_PROGRAMS += doc/completions
doc_completions_SOURCES = doc/completions.c
doc_completions_LDADD = $(SIDECAR_LIBS)

EXTRA_DIST += contrib/completions/bash.in contrib/completions/zsh.in \
	contrib/completions/fish.in
completion_sources = doc/completions.c src/cli/command_tbl.h src/cli/cli.c \
	src/conf/option_tbl.h src/conf/options.c

bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
fishcompletiondir = $(datadir)/fish/vendor_completions.d
bashcompletion_DATA = contrib/completions/cullis-sidecar
zshcompletion_DATA = contrib/completions/_cullis-sidecar
fishcompletion_DATA = contrib/completions/cullis-sidecar.fish
completions = $(bashcompletion_DATA) $(zshcompletion_DATA) \
	$(fishcompletion_DATA)
EXTRA_DIST += $(completions)
CLEANFILES += $(completions)

complete = $(MKDIR_P) contrib/completions && \
	doc/completions$(EXEEXT) $$shell >$@.tables && \
	sed -e '/^@TABLES@$$/r $@.tables' -e '/^@TABLES@$$/d' \
	    $(top_srcdir)/contrib/completions/$$shell.in >$@.new && \
	rm -f $@.tables && mv $@.new $@

contrib/completions/cullis-sidecar: contrib/completions/bash.in \
    $(completion_sources) | doc/completions$(EXEEXT)
	$(AM_V_GEN)shell=bash; $(complete)
contrib/completions/_cullis-sidecar: contrib/completions/zsh.in \
    $(completion_sources) | doc/completions$(EXEEXT)
	$(AM_V_GEN)shell=zsh; $(complete)
contrib/completions/cullis-sidecar.fish: contrib/completions/fish.in \
    $(completion_sources) | doc/completions$(EXEEXT)
	$(AM_V_GEN)shell=fish; $(complete)
