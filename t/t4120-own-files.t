#!/bin/sh
# The daemon's files over the host's own /proc and /sys: the daemon reads the host's
# files beneath them and never its own, so that host and containers go on.
#
# The host is a mount namespace of its own, in which mounts below /proc and /sys are
# shared with others. The test itself has a /proc that is not covered.
# run: alone
if [ "$(id -u)" = 0 ] && [ -z "${T_OWN_MOUNTS:-}" ]; then
	T_OWN_MOUNTS=1 exec unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command nsenter timeout unshare
need_tool oldkernel

total='s/^MemTotal: *\([0-9]*\).*/\1/p'

# The daemon's mount is to be seen in both namespaces.
mount --bind "$TMP" "$TMP"
mount --make-shared "$TMP"
unshare --mount --propagation unchanged sh -c '
	mount --make-rshared /proc && mount --make-rshared /sys || exit
	echo >"$1/made"
	exec sleep 2147483647' sh "$TMP" &
holder=$!
wait_until test -e "$TMP/made" || bail 'a mount namespace for the host'

# on_host COMMAND...: with time enough for any file, and less than the daemon's watchdog
# has.
on_host() {
	timeout 8 nsenter -t "$holder" -m -- "$@"
}

cover() {
	on_host sh -c '
		for f in "$1"/proc/*; do
			mount --rbind "$f" "/proc/${f##*/}" || exit
		done
		mount --rbind "$1/sys/devices/system/cpu" /sys/devices/system/cpu' sh "$MNT"
}

uncover() {
	on_host sh -c '
		for f in "$1"/proc/*; do
			umount "/proc/${f##*/}" || exit
		done
		umount /sys/devices/system/cpu' sh "$1"
}

# every RUN...: reads every file with the command before it; prints the first that fails.
every() {
	(cd "$MNT" && find proc sys -type f) | while read -r f; do
		case $f in
		# Of these the host itself refuses some.
		*/cpu*/cpu* | */power/* | */cpufreq/* | */cpuidle/*) continue ;;
		esac
		timeout 8 "$@" cat "/$f" >/dev/null 2>>"$TMP/err" && continue
		echo "$f"
		break
	done
}

# A reader that is never answered cannot be killed: the test ends before more of them.
goes_on() {
	went=$TMP/went${went_count:=0}
	went_count=$((went_count + 1))
	(on_host sh -c 'cat /proc/stat /proc/meminfo /sys/devices/system/cpu/online' >"$TMP/read" && : >"$went") &
	ok "$1: the host reads its files" wait_until test -e "$went" || bail 'a host that does not go on'
}

# right WHEN
right() {
	goes_on "$1"
	is "$(on_host sed -n "$total" /proc/meminfo)" "$host" "$1: the host sees its memory"
	is "$(on_host sh -c 'grep "^btime" /proc/stat')" "$(grep '^btime' /proc/stat)" "$1: the host sees its stat"
	is "$(on_host grep -c '^processor' /proc/cpuinfo)" "$(grep -c '^processor' /proc/cpuinfo)" "$1: the host sees its CPUs"
	is "$(on_host cat /proc/swaps)" "$(cat /proc/swaps)" "$1: the host sees its swap"
	is "$(on_host cat /sys/devices/system/cpu/possible)" "$(cat /sys/devices/system/cpu/possible)" "$1: the host sees its possible CPUs"
	is "$(timeout 8 "$TOOL/ct" exec "$TMP/ct/a" sed -n "$total" /proc/meminfo)" 65536 "$1: a container sees its memory"
	is "$(timeout 8 "$TOOL/ct" exec "$TMP/ct/a" grep -c '^cpu[0-9]' /proc/stat)" 1 "$1: a container sees its CPU"
	is "$(timeout 8 "$TOOL/ct" exec "$TMP/ct/a" cat /sys/devices/system/cpu/online)" 0 "$1: a container sees its CPU in /sys"
	: >"$TMP/err"
	is "$(every nsenter -t "$holder" -m --)" '' "$1: the host reads every file" || diag "$(cat "$TMP/err")"
	: >"$TMP/err"
	is "$(every "$TOOL/ct" exec "$TMP/ct/a")" '' "$1: a container reads every file" || diag "$(cat "$TMP/err")"
}

host=$(sed -n "$total" /proc/meminfo)
into="nsenter -t $holder -m --"
for way in clone namespace; do
	EVLXCFS_WRAP=$into
	says='/proc and /sys: detached clones$'
	[ $way = clone ] || EVLXCFS_WRAP="$into $TOOL/oldkernel"
	[ $way = clone ] || says='/proc and /sys: bind mounts of our own$'
	before=$(on_host cat /proc/self/mountinfo)
	daemon_start --runtime-dir="$TMP/run"
	is "$(on_host awk -v p="$MNT" '$5 != p' /proc/self/mountinfo)" "$before" "$way: the daemon leaves no mount but its own"
	like "$(cat "$DAEMON_LOG")" "$says" "$way: the log says how the files are held"
	ct_start a mem=64M cpus=0
	ok "$way: the daemon's files come over the host's" cover
	right "$way"

	old=$(daemon_worker)
	kill -KILL "$old"
	wait_until gone "$old"
	right "$way, another worker"

	old=$(daemon_worker)
	kill -HUP "$DAEMON_PID"
	ok "$way: an upgrade begins" wait_until gone "$old" || diag "$(cat "$DAEMON_LOG")"
	right "$way, after an upgrade"
	ct_stop a

	# The covers are dead from now on, and a daemon starts beneath them.
	dead=$MNT
	daemon_stop
	nok "$way: without the daemon the host's files are dead" on_host cat /proc/stat
	daemon_start --runtime-dir="$TMP/run"
	ct_start a mem=64M cpus=0
	is "$(ct_exec a sed -n "$total" /proc/meminfo)" 65536 "$way: a daemon that starts beneath dead files"
	is "$(ct_exec a grep -c '^cpu[0-9]' /proc/stat)" 1 "$way: a container's CPU from beneath dead files"
	ok "$way: the host takes the dead files away" uncover "$MNT"
	is "$(on_host sed -n "$total" /proc/meminfo)" "$host" "$way: the host's own files are there again"
	ct_stop a
	daemon_stop
done

# Mounts that came from a more privileged namespace are locked, and cannot be left out of
# a clone: the host's own mounts are used, and the log says so.
EVLXCFS_WRAP=
: >"$TMP/zero"
status=0
timeout 20 unshare --mount --propagation private sh -c '
	mount --bind "$1/zero" /proc/swaps || exit
	exec unshare --user --map-root-user --mount "$2" --check --runtime-dir="$1/run" "$1"' \
	sh "$TMP" "$EVLXCFS_BIN" >"$TMP/out" 2>&1 || status=$?
like "$(cat "$TMP/out")" '/proc and /sys: the host.s own; do not mount our files there' \
	'locked mounts in /proc: the host'"'"'s own mounts are used' || diag "status $status"
done_testing
