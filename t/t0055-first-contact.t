#!/bin/sh
# A newcomer's first steps: packages that are missing, a tree that root has built in, a pager
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
	free | apt-get | dpkg-query) ;;
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
	for service in procps dependency other systemd; do
		ln -s /lib/systemd/system/$service.service $wants/$service.service
	done
	: >"$STATE/installed"
	while [ -e "$STATE/hang" ]; do sleep 0.02; done
	;;
esac
SH
# "other" was installed before, and is enabled by somebody else meanwhile.
cat >"$stub/dpkg-query" <<'SH'
#!/bin/sh
case $* in
-W*)
	printf 'ii  other\nrc  dependency\nun  procps\n'
	[ ! -e "$STATE/installed" ] || printf 'ii  procps\niF  dependency\nii  systemd\n'
	;;
-S*)
	name=${2##*/}
	echo "${name%.service}: /lib/systemd/system/$name"
	;;
esac
SH
chmod +x "$stub/apt-get" "$stub/dpkg-query"
# deps STATE [WRAPPER...]: t/deps.sh demo, with no /usr/sbin and no systemd configuration of the
# host's. In the background it is the process itself.
deps() {
	t_state=$1
	shift
	STATE=$t_state PATH=$stub exec unshare -m sh -c 'mount --bind "$1/sbin" /usr/sbin &&
		mount --bind "$1/systemd" /etc/systemd && shift && exec "$@" sh t/deps.sh demo' sh "$TMP" "$@"
}
fresh() {
	rm -rf "$stub/free" "$TMP/systemd/system"
	mkdir "$TMP/$1"
}
enabled() {
	(cd "$TMP/systemd/system/multi-user.target.wants" && echo *)
}
# hanging NAME: deps that has got as far as apt-get's work.
hanging() {
	fresh "$1"
	: >"$TMP/$1/lists"
	: >"$TMP/$1/hang"
	deps "$TMP/$1" >"$TMP/$1/out" 2>&1 &
	hung=$!
	ok "$1: installing" wait_until test -e "$TMP/$1/installed"
}
policy=$TMP/sbin/policy-rc.d
if [ -x /usr/bin/free ] && [ -d /etc/systemd ] && [ -d /usr/sbin ]; then
	fresh empty
	status=0
	out=$( (deps "$TMP/empty") 2>&1) || status=$?
	is "$status" 0 'empty package lists: deps.sh installs the packages' || diag "$out"
	is "$(sed 's/ .*//' "$TMP/empty/calls" | paste -sd' ')" 'install update install policy' \
		'empty package lists: after an update'
	unlike "$out" '^E:' 'empty package lists: the error before the update is not shown'
	like "$(cat "$TMP/empty/calls")" '^policy 101$' 'no service is started meanwhile'
	is "$(ls "$TMP/sbin")" '' 'the policy is taken away'
	is "$(enabled)" 'other.service systemd.service' \
		'services of new packages are disabled, those of others and of systemd stay'

	fresh away
	: >"$TMP/away/broken"
	echo 'an older line' >"$TMP/away/out"
	status=0
	(deps "$TMP/away") >>"$TMP/away/out" 2>&1 || status=$?
	out=$(cat "$TMP/away/out")
	is "$status" 1 'no package to be had: exit 1'
	like "$out" '^E: the mirror is away$' 'the error of apt-get update is shown'
	like "$out" '^E: Unable to locate package procps$' 'the error of apt-get install is shown'
	is "$(head -n 1 "$TMP/away/out")" 'an older line' 'a log keeps what was in it'

	fresh socket
	: >"$TMP/socket/broken"
	cat >"$TMP/socket.pl" <<'PERL'
use Socket;
socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die;
if (!fork) {
	close A;
	open STDOUT, '>&B';
	open STDERR, '>&B';
	close B;
	exec @ARGV;
}
close B;
print <A>;
PERL
	like "$(deps "$TMP/socket" perl "$TMP/socket.pl" 2>&1)" \
		'^E: Unable to locate package procps$' "apt-get's error gets through a socket, too"

	for signal in 1:HUP 2:INT 13:PIPE 15:TERM; do
		hanging "${signal#*:}"
		kill -"${signal#*:}" $hung
		rm "$TMP/${signal#*:}/hang"
		status=0
		wait $hung || status=$?
		[ "$signal" = 2:INT ] && continue # which a shell's background jobs ignore
		is "$status" $((128 + ${signal%:*})) "${signal#*:}: ends it"
		is "$(ls "$TMP/sbin") $(enabled)" ' other.service systemd.service' \
			"${signal#*:}: no policy stays and no service is enabled"
	done

	hanging KILL
	nok 'the policy forbids services to start' "$policy"
	kill -KILL $hung
	wait $hung 2>/dev/null
	ok 'KILL: the policy that stays forbids nothing' "$policy"
	rm "$TMP/KILL/hang"
	fresh again
	: >"$TMP/again/lists"
	ok 'after KILL: deps.sh' deps "$TMP/again"
	is "$(cat "$TMP/again/calls" | tail -n 1) $(ls "$TMP/sbin")" 'policy 101 ' \
		'it replaces that policy and takes it away'

	printf '#!/bin/sh\nexit 7\n' >"$policy"
	chmod 755 "$policy"
	fresh own
	: >"$TMP/own/lists"
	ok "with an administrator's policy: deps.sh" deps "$TMP/own"
	is "$(tail -n 1 "$TMP/own/calls") $(sed 1d "$policy")" 'policy 7 exit 7' 'that is in force and stays'
else
	skip 28 'needs free and /etc/systemd'
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
make_in_tree() {
	env -u BUILD -u O -u MAKEFLAGS -u MAKELEVEL make -C "$tree" "$@"
}
status=0
make_in_tree demo >"$TMP/demo" 2>"$TMP/demo.err" || status=$?
is "$status" 0 'make demo as root' || diag "$(tail -n 5 "$TMP/demo.err")"
like "$(cat "$TMP/demo")" '^memory total .* 256 MB$' 'the demo shows the container'
is "$(find "$tree" ! -user 65534 | head -n 3)" '' 'every product is the owner of the tree'"'"'s'
ln -s "$TMP/roots" "$tree/build/link"
: >"$TMP/roots"
echo 'no C' >"$tree/daemon/bad.c"
chown 65534:65534 "$tree/daemon/bad.c"
nok 'a build of root'"'"'s that fails' make_in_tree build/nsutil/caps.o build/daemon/bad.o
is "$(find "$tree" ! -user 65534 | head -n 3)" '' 'its products are the owner'"'"'s, too'
is "$(stat -c %u "$TMP/roots")" 0 'a file that a link in build/ names stays root'"'"'s'
rm "$tree/daemon/bad.c"
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
# As pbuilder's: a chroot, which refuses user namespaces whatever the privilege
# (kernel/user_namespace.c), with /proc and /sys, without cgroups.
mkdir "$TMP/root"
cat >"$TMP/pbuilder" <<'SH'
unset EVLXCFS_TEST_NO_SKIP
mount --bind / "$1"
for dir in "$2" "$3" "$4" /dev; do
	[ -d "$1$dir" ] || continue
	mount --bind "$dir" "$1$dir"
done
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
for user in 0 65534; do
	for unit in "$3"/t/unit/*; do
		[ -x "$unit" ] && [ ! -d "$unit" ] || continue
		chroot --userspec=$user:$user "$1" sh -c 'cd "$1" && exec "$2"' sh "$2" "$unit" \
			>"$4/unit" 2>&1 || { echo "$user ${unit##*/}"; cat "$4/unit"; }
		sed -n "s/^.*# SKIP/$user ${unit##*/}:/p" "$4/unit" | uniq >>"$4/skipped"
	done
done
SH
is "$(unshare -mp --fork sh "$TMP/pbuilder" "$TMP/root" "$T_TOP" "$BUILD" "$TMP" 2>&1)" '' 'no unit test fails in a build chroot'
is "$(sort -u "$TMP/skipped" | grep -v cgfiles:)" '0 cgmount: no cgroup hierarchy is mounted here
0 initpid: user namespaces are refused here
65534 cgmount: no cgroup hierarchy is mounted here
65534 initpid: needs root
65534 nsid: needs root
65534 pidns: needs root' 'every check left out there names the reason'
done_testing
