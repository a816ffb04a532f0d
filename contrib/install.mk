# Files of contrib/ that are installed beside the daemon. The Makefile includes this.

# Below contrib/: what goes to DATADIR, and the files of the supervisor's service.
contrib_files = lxc/evlxcfs-hook lxc/evlxcfs.conf oci/evlxcfs-mounts oci/evlxcfs-run \
	kubernetes/Containerfile kubernetes/evlxcfs.yaml
service_files = $(if $(service_dir),$(patsubst contrib/$(SUPERVISOR)/%,%,$(sort \
	$(shell find contrib/$(SUPERVISOR) -type f))))
service_dir = $(or $(service_dir_$(SUPERVISOR)),$(error \
	SUPERVISOR is runit, s6, systemd, openrc or nothing))
service_dir_runit = $(RUNITDIR)
service_dir_s6 = $(S6DIR)
service_dir_systemd = $(SYSTEMDUNITDIR)
service_dir_openrc = $(OPENRCDIR)

# $(call put,FROM,FILES,TO): with the paths of this installation in them.
put = set -e; umask 022; for f in $(2); do to="$(DESTDIR)$(3)/$$f"; \
	$(INSTALL) -d "$${to%/*}"; rm -f "$$to"; \
	sed -e 's|/usr/local/sbin|$(SBINDIR)|g; s|/usr/local/share|$(DATADIR)|g' $(1)/$$f >"$$to"; \
	if [ -x $(1)/$$f ]; then chmod 755 "$$to"; fi; done
# $(call take,FILES,FROM): and directories that are empty then.
take = for f in $(1); do d="$${f%/*}"; rm -f "$(DESTDIR)$(2)/$$f"; \
	while [ "$$d" != "$$f" ] && rmdir "$(DESTDIR)$(2)/$$d" 2>/dev/null; do f=$$d; d=$${d%/*}; done; done

install-contrib:
	$(if $(SUPERVISOR),$(call put,contrib/$(SUPERVISOR),$(service_files),$(service_dir)))
	$(call put,contrib,$(contrib_files),$(DATADIR)/evlxcfs)

uninstall-contrib:
	$(if $(SUPERVISOR),$(call take,$(service_files),$(service_dir)))
	$(call take,$(contrib_files),$(DATADIR)/evlxcfs)
	rmdir "$(DESTDIR)$(DATADIR)/evlxcfs" 2>/dev/null || :
