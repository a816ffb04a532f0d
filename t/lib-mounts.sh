# Test library: a test that mounts and unmounts cgroup file systems, in a mount
# namespace of its own that stands for the host's. Source it first:
#
#	. "$(dirname "$0")/lib-mounts.sh"
#	. "$(dirname "$0")/lib.sh"
#	. "$T_DIR/lib-container.sh"
#	mounts_init
#
# mounts_hide		unmount /sys/fs/cgroup with all below it. The test itself
#			reaches cgroups elsewhere (CG_V2 and so on are set anew)
# mounts_cover		mount a tmpfs over it instead
# mounts_restore	undo either
# mounts_lose		unmount it, and the test has no cgroups either
# mounts_regain		mount new ones, with the options of the old
# mounts_text		mountinfo without the daemon's own mount
# ns_fds PID		descriptors of other mount namespaces that the process holds

if [ "$(id -u)" = 0 ] && [ -z "${EVLXCFS_TEST_OWN_MOUNTS:-}" ]; then
	EVLXCFS_TEST_OWN_MOUNTS=$$ exec unshare --mount --propagation private sh "$0" "$@"
fi

m_top=/sys/fs/cgroup
m_lost=

mounts_init() {
	need_root
	grep -q " $m_top " /proc/self/mountinfo || skip_all "needs cgroups at $m_top"
	mkdir "$TMP/cg"
	m_before=$(cat /proc/self/mountinfo)
	at_cleanup mounts_cleanup
}

# m_point DIRECTORY: from now on the test's cgroups are found below it.
m_point() {
	for m_x in $CG_WANTED unified; do
		eval "m_d=\$CG_DIR_$m_x"
		[ -z "$m_d" ] || eval "CG_DIR_$m_x=\$1\${m_d#\"\$m_at\"}"
	done
	m_new=
	for m_d in $CG_V1; do
		m_new="$m_new$1${m_d#"$m_at"} "
	done
	CG_V1=$m_new
	[ -z "$CG_V2" ] || CG_V2=$1${CG_V2#"$m_at"}
	for m_x in "$TMP"/ct/*/cgroups; do
		[ ! -e "$m_x" ] || sed -i "s|^$m_at|$1|" "$m_x"
	done
	m_at=$1
}
m_at=$m_top

m_move() {
	mount --rbind "$m_top" "$TMP/cg"
	m_point "$TMP/cg"
}

mounts_hide() {
	m_move
	umount -R "$m_top"
}

mounts_cover() {
	m_move
	m_covered=1
	mount -t tmpfs none "$m_top"
}

mounts_restore() {
	if [ -n "${m_covered:-}" ]; then
		umount "$m_top"
		m_covered=
	else
		mount --rbind "$TMP/cg" "$m_top"
	fi
	umount -R "$TMP/cg"
	m_point "$m_top"
}

mounts_lose() {
	mounts_hide
	m_lost=1
	umount -R "$TMP/cg"
}

mounts_regain() {
	printf '%s\n' "$m_before" | while read -r m_x m_x m_x m_x m_target m_rest; do
		case $m_target in
		"$m_top" | "$m_top"/*) ;;
		*) continue ;;
		esac
		set -- ${m_rest#* - }
		[ -d "$m_target" ] || mkdir "$m_target"
		mount -t "$1" -o "$3" none "$m_target"
	done
	m_lost=
	m_point "$m_top"
}

# The cgroups of a test that ends early must be within reach.
mounts_cleanup() {
	[ -z "$m_lost" ] || mounts_regain
}

mounts_cleanup_check() {
	:
}

mounts_text() {
	awk -v p="$MNT" '$5 != p' /proc/self/mountinfo
}

ns_fds() {
	m_own=$(readlink /proc/self/ns/mnt)
	for m_x in /proc/"$1"/fd/*; do
		case $(readlink "$m_x") in
		"$m_own") ;;
		mnt:*) echo "$m_x" ;;
		esac
	done
}
