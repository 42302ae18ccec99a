# What a machine that runs the sidecar has beside the program.  The units run
# under a dynamic user with a runtime directory of their own, so there is
# nothing for sysusers.d or tmpfiles.d.
#
# sidecar.conf is not installed to /etc by make install, where it might replace
# the user's own; packages do it, as a configuration file that they guard.

systemdsystemunitdir = $(prefix)/lib/systemd/system
systemd_units = conf/cullis-sidecar.service conf/cullis-sidecar.socket \
	conf/cullis-sidecar@.service conf/cullis-sidecar@.socket
EXTRA_DIST += $(systemd_units)

examplesdir = $(docdir)/examples
dist_examples_DATA = conf/sidecar.conf
nodist_examples_DATA = conf/sidecar.conf.sample

# Units name the program by the path that it is installed to.
install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(systemdsystemunitdir)"
	for unit in $(systemd_units); do \
	    file="$(DESTDIR)$(systemdsystemunitdir)/$${unit##*/}"; \
	    sed 's,/usr/bin/cullis-sidecar,$(bindir)/cullis-sidecar,' \
		"$(top_srcdir)/$$unit" >"$$file" && chmod 644 "$$file" || exit; \
	done

uninstall-local:
	for unit in $(systemd_units); do \
	    rm -f "$(DESTDIR)$(systemdsystemunitdir)/$${unit##*/}"; \
	done
