#!/bin/sh
# What a newcomer meets: packages that are missing, a tree that root has built in, a pager
# that is closed early, a build chroot that refuses namespaces.
# run: together
. "$(dirname "$0")/lib.sh"
need_root
need_command unshare
need_command setpriv
cd "$T_TOP" || exit

# --- t/deps.sh, with an apt-get that knows its lists only after an update ---
stub=$TMP/stub
mkdir "$stub" "$TMP/systemd" "$TMP/sbin"
for tool in /usr/bin/* /bin/*; do
	name=${tool##*/}
	case $name in
	free | apt-get | dpkg) ;;
	*) ln -sf "$tool" "$stub/$name" ;;
	esac
done
cat >"$stub/apt-get" <<'SH'
#!/bin/sh
echo "$*" >>"$STATE/calls"
case $1 in
update)
	[ ! -e "$STATE/broken" ] || { echo 'E: the mirror is away' >&2; exit 100; }
	: >"$STATE/lists"
	;;
install)
	[ -e "$STATE/lists" ] || { echo 'E: Unable to locate package procps' >&2; exit 100; }
	[ -x /usr/sbin/policy-rc.d ] && /usr/sbin/policy-rc.d
	echo "policy $?" >>"$STATE/calls"
	ln -s /usr/bin/free "$(dirname "$0")/free"
	wants=/etc/systemd/system/multi-user.target.wants
	mkdir -p $wants
	ln -s /lib/systemd/system/procps.service $wants/procps.service
	ln -s /lib/systemd/system/other.service $wants/other.service
	;;
esac
SH
cat >"$stub/dpkg" <<'SH'
#!/bin/sh
case $2 in
*/procps.service) echo 'procps: /lib/systemd/system/procps.service' ;;
*/other.service) echo 'other: /lib/systemd/system/other.service' ;;
*) exit 1 ;;
esac
SH
chmod +x "$stub/apt-get" "$stub/dpkg"
# deps STATE: t/deps.sh demo, with no /usr/sbin and no systemd configuration of the host's.
deps() {
	rm -f "$stub/free"
	STATE=$1 PATH=$stub unshare -m sh -c 'mount --bind "$1/sbin" /usr/sbin &&
		{ [ ! -d /etc/systemd ] || mount --bind "$1/systemd" /etc/systemd; } &&
		exec sh t/deps.sh demo' sh "$TMP" 2>&1
}
mkdir "$TMP/empty" "$TMP/away"
: >"$TMP/away/broken"
if [ -x /usr/bin/free ] && [ -d /etc/systemd ]; then
	status=0
	out=$(deps "$TMP/empty") || status=$?
	is "$status" 0 'empty package lists: what is missing is installed' || diag "$out"
	is "$(sed 's/ .*//' "$TMP/empty/calls" | paste -sd' ')" 'install update install policy' \
		'empty package lists: after an update'
	like "$(cat "$TMP/empty/calls")" '^policy 101$' 'no service is started meanwhile'
	is "$(ls "$TMP/sbin")" '' 'the policy is taken away'
	is "$(ls "$TMP/systemd/system/multi-user.target.wants")" other.service \
		'a service of the package is not enabled, others stay'
	status=0
	out=$(deps "$TMP/away") || status=$?
	is "$status" 1 'no package to be had: exit 1'
	like "$out" '^E: the mirror is away$' 'the error of apt-get update is shown'
	like "$out" '^E: Unable to locate package procps$' 'the error of apt-get install is shown'
else
	skip 8 'needs free and /etc/systemd'
fi

# --- a tree of another user's in which root makes the demo ---
tree=$TMP/tree
mkdir "$tree"
git ls-files -z 2>/dev/null | xargs -0 tar -cf - | tar -xf - -C "$tree"
chmod 755 "$TMP"
chown -R 65534:65534 "$tree"
as_user() {
	(cd "$tree" && setpriv --reuid=65534 --regid=65534 --clear-groups "$@")
}
status=0
(cd "$tree" && env -u BUILD -u O -u MAKEFLAGS -u MAKELEVEL make demo) >"$TMP/demo" 2>"$TMP/demo.err" || status=$?
is "$status" 0 'make demo as root' || diag "$(tail -n 5 "$TMP/demo.err")"
like "$(cat "$TMP/demo")" '^memory total .* 256 MB$' 'the demo shows the container'
is "$(find "$tree" ! -user 65534 | head -n 3)" '' 'every product is the owner of the tree'"'"'s'
touch "$tree/daemon/log.c"
ok 'its owner builds on' as_user env -u BUILD -u O -u MAKEFLAGS -u MAKELEVEL make

# --- a pager that is closed early ---
export TMPDIR="$TMP/pager"
mkdir "$TMPDIR"
"$T_DIR/demo.sh" 2>"$TMP/piped" | head -n 1 >"$TMP/first"
is "$(wc -l <"$TMP/first")" 1 'demo.sh | head prints a line'
cleaned_up() {
	! grep -q evlxcfs-demo /proc/[0-9]*/cgroup 2>/dev/null && [ -z "$(ls "$TMPDIR")" ] &&
		! grep -q " $TMPDIR/" /proc/self/mountinfo
}
ok 'it leaves no mount, no file and no process' wait_until cleaned_up
is "$(find /sys/fs/cgroup -maxdepth 2 -name 'evlxcfs-demo.*' 2>/dev/null)" '' 'it leaves no cgroup'
"$T_DIR/demo.sh" 2>/dev/null | true
ok 'with a pager that reads nothing it cleans up, too' wait_until cleaned_up
is "$(find /sys/fs/cgroup -maxdepth 2 -name 'evlxcfs-demo.*' 2>/dev/null)" '' 'its cgroups are gone as well'
unset TMPDIR

# --- a build chroot ---
cat >"$TMP/chroot" <<'SH'
# As in a container without privileges.
echo 0 >/proc/sys/user/max_user_namespaces
unset EVLXCFS_TEST_NO_SKIP
for unit in "$1"/t/unit/*; do
	case $unit in
	*.?) continue ;;
	esac
	[ -x "$unit" ] || continue
	setpriv --bounding-set=-all --inh-caps=-all "$unit" >"$2" 2>&1 || { echo "${unit##*/}"; cat "$2"; }
	sed -n "s/^1\.\.0 # SKIP/${unit##*/}:/p" "$2" >>"$2.skipped"
done
SH
if unshare -Ur true 2>/dev/null; then
	is "$(unshare -Ur sh "$TMP/chroot" "$BUILD" "$TMP/unit")" '' 'no unit test fails without privileges'
	is "$(sort "$TMP/unit.skipped" | paste -sd, -)" \
		'initpid: namespaces are refused here,nsid: namespaces are refused here,pidns: namespaces are refused here' \
		'those that need namespaces say so'
else
	skip 2 'user namespaces are refused here'
fi
# A chroot refuses user namespaces, whatever the privilege (kernel/user_namespace.c).
mkdir "$TMP/root"
like "$(unshare -m sh -c 'mount --rbind / "$1" && mount -t proc proc "$1/proc" && exec env -u EVLXCFS_TEST_NO_SKIP chroot "$1" "$2"' \
	sh "$TMP/root" "$BUILD/t/unit/initpid" 2>&1)" '^ok [0-9]+ # SKIP user namespaces are refused here$' \
	'in a chroot one check is left out, with the reason'
done_testing
