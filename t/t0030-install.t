#!/bin/sh
# make install and uninstall, below a DESTDIR: what is put there, that it fits
# together, and that exactly that is taken away.
# run: together
. "$(dirname "$0")/lib.sh"
[ -x "$EVLXCFS_BIN" ] || bail "no daemon to install: $EVLXCFS_BIN"

# Installs what is built, also where a source is newer.
mk() {
	make -s -C "$T_TOP" O="$BUILD" -o "$BUILD/evlxcfs" "$@"
}

list() {
	(cd "$1" && find . ! -type d -printf '%m %P\n' | sort -k 2)
}

dest=$TMP/dest
mkdir -p "$dest/usr/local/sbin" "$dest/usr/local/share/evlxcfs/lxc" "$dest/etc/sv/evlxcfs" "$dest/etc/init.d"
for file in usr/local/sbin/evlxcfs-old usr/local/share/evlxcfs/lxc/mine etc/sv/evlxcfs/conf etc/init.d/other; do
	echo mine >"$dest/$file"
done
before=$(list "$dest")

ok 'make install' mk DESTDIR="$dest" install
is "$(list "$dest" | grep -vx "$before")" '755 usr/local/sbin/evlxcfs
644 usr/local/share/man/man8/evlxcfs.8' 'the program and its manual'
is "$("$dest/usr/local/sbin/evlxcfs" --version)" "$("$EVLXCFS_BIN" --version)" 'the program runs'
ok 'make install again' mk DESTDIR="$dest" install
ok 'make uninstall' mk DESTDIR="$dest" uninstall
is "$(list "$dest")" "$before" 'takes away what install put there, and nothing else'
ok 'make uninstall of nothing' mk DESTDIR="$dest" uninstall

ok 'make install-lxcfs' mk DESTDIR="$dest" PREFIX=/usr install-lxcfs
is "$(list "$dest" | grep -vx "$before")" '777 usr/bin/lxcfs' 'a link'
is "$(readlink "$dest/usr/bin/lxcfs")" /usr/sbin/evlxcfs 'which leads to the program'
ok 'make uninstall-lxcfs' mk DESTDIR="$dest" PREFIX=/usr uninstall-lxcfs
is "$(list "$dest")" "$before" 'takes it away'
: >"$dest/usr/bin/lxcfs"
ok 'make uninstall-lxcfs where lxcfs is another' mk DESTDIR="$dest" PREFIX=/usr uninstall-lxcfs
ok 'leaves that alone' test -f "$dest/usr/bin/lxcfs"
rm -r "$dest/usr/bin"

data='755 usr/local/share/evlxcfs/lxc/evlxcfs-hook
644 usr/local/share/evlxcfs/lxc/evlxcfs.conf
755 usr/local/share/evlxcfs/oci/evlxcfs-mounts
755 usr/local/share/evlxcfs/oci/evlxcfs-run
644 usr/local/share/evlxcfs/kubernetes/Containerfile
644 usr/local/share/evlxcfs/kubernetes/evlxcfs.yaml'

# contrib SUPERVISOR FILES
contrib() {
	ok "make install-contrib ($1)" mk DESTDIR="$dest" SUPERVISOR="$1" install-contrib
	is "$(list "$dest" | grep -vx "$before" | sort)" "$(printf '%s\n' "$data" "$2" | grep . | sort)" "contrib's files ($1)"
	ok "make uninstall-contrib ($1)" mk DESTDIR="$dest" SUPERVISOR="$1" uninstall-contrib
	is "$(list "$dest")" "$before" "and they are gone ($1)"
}

contrib '' ''
contrib runit '755 etc/sv/evlxcfs/run
755 etc/sv/evlxcfs/finish
755 etc/sv/evlxcfs/log/run'
contrib s6 '755 etc/s6/sv/evlxcfs/run
755 etc/s6/sv/evlxcfs/finish
644 etc/s6/sv/evlxcfs/notification-fd
644 etc/s6/sv/evlxcfs/producer-for
644 etc/s6/sv/evlxcfs/type
755 etc/s6/sv/evlxcfs-log/run
644 etc/s6/sv/evlxcfs-log/consumer-for
644 etc/s6/sv/evlxcfs-log/notification-fd
644 etc/s6/sv/evlxcfs-log/pipeline-name
644 etc/s6/sv/evlxcfs-log/type'
contrib systemd '644 usr/local/lib/systemd/system/evlxcfs.service'
contrib openrc '755 etc/init.d/evlxcfs'
is "$(find "$dest" -type d -path '*/share/evlxcfs/*' ! -name lxc; find "$dest/etc/sv" -mindepth 2 -type d)" '' \
	'empty directories go too'
nok 'an unknown supervisor' mk DESTDIR="$dest" SUPERVISOR=upstart install-contrib

# Where the rest is told where things are.
other=$TMP/other
ok 'with PREFIX and directories' mk DESTDIR="$other" PREFIX=/usr SYSTEMDUNITDIR=/lib/systemd/system \
	SUPERVISOR=systemd install install-contrib
is "$(list "$other" | sed 's/.* //' | grep -E 'sbin|service|man')" 'lib/systemd/system/evlxcfs.service
usr/sbin/evlxcfs
usr/share/man/man8/evlxcfs.8' 'they are followed'
is "$(grep -rlI /usr/local "$other")" '' 'no file names other paths'
like "$(cat "$other/lib/systemd/system/evlxcfs.service")" '^ExecStart=/usr/sbin/evlxcfs ' 'the unit starts what was installed'
for script in "$other"/usr/share/evlxcfs/*/evlxcfs-*; do
	ok "${script##*/}: syntax" sh -n "$script"
done
ok 'uninstall with the same' mk DESTDIR="$other" PREFIX=/usr SYSTEMDUNITDIR=/lib/systemd/system \
	SUPERVISOR=systemd uninstall uninstall-contrib
is "$(list "$other")" '' 'leaves nothing'

# What Alpine's abuild calls.
alpine() (
	make() {
		command make -s O="$BUILD" -o "$BUILD/evlxcfs" "$@"
	}
	srcdir=$TMP pkgdir=$TMP/alpine
	. "$T_TOP/contrib/packaging/alpine/APKBUILD"
	cd "$T_TOP" && package
)
ok 'APKBUILD: package' alpine
is "$(list "$TMP/alpine" | sed 's/.* //' | grep -v share/evlxcfs)" 'etc/init.d/evlxcfs
usr/sbin/evlxcfs
usr/share/man/man8/evlxcfs.8' 'has the program, its manual and the service'

# OpenWrt's build system, as far as the package uses it.
mkdir -p "$TMP/owrt/files" "$TMP/owrt/include" "$TMP/owrt/build/build" "$TMP/owrt/build/contrib"
cp "$T_TOP/contrib/packaging/openwrt/Makefile" "$TMP/owrt/"
cp "$T_TOP/contrib/packaging/openwrt/files/evlxcfs.init" "$TMP/owrt/files/"
cp "$EVLXCFS_BIN" "$TMP/owrt/build/build/evlxcfs"
cp -R "$T_TOP/contrib/lxc" "$TMP/owrt/build/contrib/"
cat >"$TMP/owrt/rules.mk" <<'MK'
INSTALL_DIR = install -d -m755
INSTALL_BIN = install -m755
define BuildPackage
install-$(1):
	$$(call Package/$(1)/install,$(DEST))
endef
MK
: >"$TMP/owrt/include/package.mk"
ok 'OpenWrt: install' make -s -C "$TMP/owrt" TOPDIR="$TMP/owrt" INCLUDE_DIR="$TMP/owrt/include" \
	PKG_BUILD_DIR="$TMP/owrt/build" DEST="$TMP/owrt/dest" install-evlxcfs
is "$(list "$TMP/owrt/dest")" '755 etc/init.d/evlxcfs
755 usr/sbin/evlxcfs
755 usr/share/evlxcfs/lxc/evlxcfs-hook
644 usr/share/evlxcfs/lxc/evlxcfs.conf' 'has the program, its service, the hook and its configuration'
done_testing
