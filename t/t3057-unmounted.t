#!/bin/sh
# Umount or abort: umount(8) on the host ends the daemon, an abort does not. Mounts that
# were moved, bound, covered, or that another daemon put in our place.
# run: together
#
# In a mount namespace of its own: containers of other tests would keep copies of mounts that
# are unmounted here.
if [ "$(id -u)" = 0 ] && [ -z "${EVLXCFS_TEST_OWN_MOUNTS:-}" ]; then
	EVLXCFS_TEST_OWN_MOUNTS=$$ exec unshare --mount --propagation private sh "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool fsop fdstore
need_command nsenter

serves() {
	[ "$(timeout 5 head -c 8 "$1/proc/meminfo" 2>/dev/null)" = MemTotal ]
}
told() {
	[ "$(grep -c -e "$2" "$DAEMON_LOG")" -ge "$1" ]
}
device() {
	mountpoint -d "$1" | cut -d : -f 2
}
mkdir "$TMP/fusectl"
mount -t fusectl none "$TMP/fusectl"
# abort_mount DIRECTORY
abort_mount() {
	echo 1 >"$TMP/fusectl/$(device "$1")/abort"
}
# ended NAME: three assertions.
ended() {
	daemon_wait
	is "$DAEMON_STATUS" 0 "$1: exit 0" || diag "$(cat "$DAEMON_LOG")"
	like "$(cat "$DAEMON_LOG")" "mount on .* was taken away" "$1: the log says why"
	is "$(daemon_pids)" '' "$1: no process is left"
	DAEMON_PID=
}

# --- umount on the host
for how in '' -l -f; do
	daemon_start -p "$TMP/pid"
	# shellcheck disable=SC2086 # an option or none
	ok "umount $how" umount $how "$MNT"
	ended "umount $how"
	nok "umount $how: nothing is mounted" is_mounted "$MNT"
	nok "umount $how: the pidfile is gone" test -e "$TMP/pid"
done
daemon_start --watchdog=1
kill -STOP "$(worker)"
umount -l "$MNT"
ended 'umount while the worker is stopped'
daemon_start --no-keeper
umount "$MNT"
ended '--no-keeper: umount'
daemon_start --keep-mount
umount "$MNT"
ended '--keep-mount: umount'

# --- an abort
daemon_start --watchdog=1
for round in 1 2 3; do
	[ $round != 3 ] || kill -STOP "$(worker)"
	abort_mount "$MNT"
	ok "an abort by fusectl: made anew ($round)" wait_until told $round 'is made anew'
	ok "an abort by fusectl: served ($round)" wait_until serves "$MNT"
	is "$(mount_count "$MNT")" 1 "an abort by fusectl: one mount ($round)"
done
# umount -f of a mount that is in use aborts, and takes nothing away.
(cd "$MNT/proc" && exec sleep 1000) &
sitter=$!
sits() {
	[ "$(readlink "/proc/$sitter/cwd")" = "$MNT/proc" ]
}
wait_until sits
nok 'umount -f of a mount in use fails' umount -f "$MNT"
ok 'and is an abort: made anew' wait_until told 4 'is made anew'
ok 'and served' wait_until serves "$MNT"
kill "$sitter"
umount "$MNT"
ended 'umount of a mount that was made anew'
daemon_start --no-keeper
abort_mount "$MNT"
daemon_wait
is "$DAEMON_STATUS" 111 '--no-keeper: an abort is for the supervisor to mend'
umount "$MNT"

# --- containers go on with a mount that the host has no more
daemon_start
ct_start c1 mem=128M cpus=0
old=$DAEMON_PID old_log=$DAEMON_LOG
umount "$MNT"
is "$(ct_exec c1 sed -n 's/^MemTotal: *//p' /proc/meminfo)" '131072 kB' 'umount on the host: a container reads on'
ok 'and its daemon is alive' alive "$old"
kill -HUP "$old"
ok 'it is upgraded' wait_until told 1 'goes on with the mount'
is "$(ct_exec c1 sed -n 's/^MemTotal: *//p' /proc/meminfo)" '131072 kB' 'and serves the container'
nok 'and does not mount for itself again' is_mounted "$MNT"
daemon_start_at "$MNT"
second=$DAEMON_PID second_log=$DAEMON_LOG
ok 'a second daemon serves at the same place' serves "$MNT"
is "$(ct_exec c1 sed -n 's/^MemTotal: *//p' /proc/meminfo)" '131072 kB' 'beside the first'
ct_stop c1
DAEMON_PID=$old DAEMON_LOG=$old_log
ended 'the last container ends: the first daemon'
ok 'the second serves on' serves "$MNT"

# TERM to one whose place another one has.
DAEMON_PID=$second DAEMON_LOG=$second_log
ct_start c1 mem=128M cpus=0
umount "$MNT"
daemon_start_at "$MNT"
third=$DAEMON_PID third_log=$DAEMON_LOG
DAEMON_PID=$second
kill -TERM "$second"
daemon_wait
is "$DAEMON_STATUS" 0 'TERM to a daemon whose place another has: exit 0'
is "$(mount_count "$MNT")" 1 "the other's mount stays"
ok 'and is served' serves "$MNT"
ct_stop c1
# And an abort.
DAEMON_PID=$third DAEMON_LOG=$third_log
ct_start c1 mem=128M cpus=0
umount "$MNT"
daemon_start_at "$MNT"
fourth=$DAEMON_PID fourth_log=$DAEMON_LOG
DAEMON_PID=$third DAEMON_LOG=$third_log
ct_exec c1 umount -f /proc/meminfo 2>/dev/null
ended 'an abort where the host had unmounted'
is "$(mount_count "$MNT")" 1 "another daemon's mount in its place stays"
ok 'and is served' serves "$MNT"
ct_stop c1
DAEMON_PID=$fourth DAEMON_LOG=$fourth_log
daemon_stop

# --- scripts that clean up, then start: the file system's number is used anew
daemon_start
number=$(device "$MNT") same=0 bad=
for round in 1 2 3 4 5 6 7 8 9 10; do
	old=$DAEMON_PID old_log=$DAEMON_LOG
	umount "$MNT"
	daemon_start_at "$MNT"
	[ "$(device "$MNT")" != "$number" ] || same=$((same + 1))
	new=$DAEMON_PID new_log=$DAEMON_LOG
	DAEMON_PID=$old DAEMON_LOG=$old_log
	daemon_wait
	[ "$DAEMON_STATUS" = 0 ] || bad="$bad $round: $DAEMON_STATUS, $(cat "$DAEMON_LOG")"
	DAEMON_PID=$new DAEMON_LOG=$new_log
	serves "$MNT" && [ "$(mount_count "$MNT")" = 1 ] || bad="$bad $round: not served"
done
is "$bad" '' 'umount, then a start, ten times: each old one ends, each new one serves'
diag "$same of them had the number of the one before"
# The daemon sees the end of its mount when another has its place and its number.
old=$DAEMON_PID old_log=$DAEMON_LOG number=$(device "$MNT")
kill -STOP $(daemon_pids)
umount -l "$MNT"
daemon_start_at "$MNT"
is "$(device "$MNT")" "$number" 'a new mount has the number of the old one'
new=$DAEMON_PID new_log=$DAEMON_LOG
DAEMON_PID=$old DAEMON_LOG=$old_log
kill -CONT $(daemon_pids)
ended 'the old daemon looks late'
is "$(mount_count "$MNT")" 1 'the new mount stays'
ok 'and is served' serves "$MNT"
# The same with TERM, and with a keeper that was killed.
for how in TERM KILL; do
	old=$new
	DAEMON_PID=$old
	family=$(daemon_pids)
	kill -STOP $family
	umount -l "$MNT"
	daemon_start_at "$MNT"
	new=$DAEMON_PID new_log=$DAEMON_LOG
	kill -$how "$old"
	kill -CONT $family 2>/dev/null
	for pid in $family; do
		wait_until gone "$pid"
	done
	is "$(mount_count "$MNT")" 1 "$how to the old daemon: the new mount stays"
	ok "$how to the old daemon: it is served" serves "$MNT"
done
DAEMON_PID=$new DAEMON_LOG=$new_log
for round in 1 2 3; do
	old=$DAEMON_PID
	kill -KILL "$old"
	umount -l "$MNT" 2>/dev/null
	daemon_start_at "$MNT"
	is "$(mount_count "$MNT") $(serves "$MNT" && echo serves)" '1 serves' "kill -9, umount -l, start ($round)"
done
daemon_stop

# --- moved, bound, covered; in a mount of its own that moves can leave
mkdir "$TMP/place"
mount -t tmpfs none "$TMP/place"
mount --make-private "$TMP/place"
mkdir "$TMP/place/a" "$TMP/place/b"
daemon_start_at "$TMP/place/a"
mount --move "$TMP/place/a" "$TMP/place/b"
ok 'a mount that was moved is served' serves "$TMP/place/b"
kill -HUP "$DAEMON_PID"
ok 'an upgrade' wait_until told 1 "goes on with the mount on $TMP/place/b"
nok 'makes no other' is_mounted "$TMP/place/a"
abort_mount "$TMP/place/b"
ok 'an abort: made anew' wait_until told 1 'is made anew'
ok 'where it was' wait_until serves "$TMP/place/b"
is "$(mount_count "$TMP/place/a") $(mount_count "$TMP/place/b")" '0 1' 'and nowhere else'
mount --move "$TMP/place/b" "$TMP/place/a"
MNT=$TMP/place/a
daemon_stop
daemon_start_at "$TMP/place/a"
mount --move "$TMP/place/a" "$TMP/place/b"
umount "$TMP/place/b"
ended 'umount of a mount that was moved'

daemon_start_at "$TMP/place/a"
mount --bind "$TMP/place/a" "$TMP/place/b"
umount "$TMP/place/a"
ok 'bound elsewhere, then unmounted: served there' serves "$TMP/place/b"
abort_mount "$TMP/place/b"
ok 'an abort: made anew there' wait_until told 1 'is made anew'
ok 'and served' wait_until serves "$TMP/place/b"
MNT=$TMP/place/b
daemon_stop

# One file alone is not the mount.
: >"$TMP/place/file"
daemon_start_at "$TMP/place/a"
mount --bind "$MNT/proc/meminfo" "$TMP/place/file"
umount "$MNT"
is "$(head -c 8 "$TMP/place/file")" MemTotal 'a file that is bound elsewhere is served on'
umount "$TMP/place/file"
ended 'until that is gone, too'

daemon_start_at "$TMP/place/a"
mount -t tmpfs cover "$TMP/place/a"
kill -TERM "$DAEMON_PID"
daemon_wait
is "$DAEMON_STATUS" 0 'TERM under a cover: exit 0'
is "$(awk -v p="$TMP/place/a" '$5 == p { sub(/.* - /, ""); print $1 }' /proc/self/mountinfo | tail -n 1)" tmpfs \
	'what was mounted over it stays'
umount "$TMP/place/a"
umount "$TMP/place/a"

# --- a mount namespace of its own
for propagation in private slave; do
	mkdir "$TMP/own-$propagation"
	MNT=$TMP/own-$propagation
	EVLXCFS_WRAP="unshare -m --propagation $propagation"
	daemon_spawn "$MNT"
	EVLXCFS_WRAP=
	ok "$propagation: it serves" wait_until test -s "$t_ready"
	nok "$propagation: the host does not have it" is_mounted "$MNT"
	inside() {
		nsenter -m -t "$DAEMON_PID" "$@"
	}
	is "$(inside head -c 8 "$MNT/proc/meminfo")" MemTotal "$propagation: those who enter do"
	number=$(inside mountpoint -d "$MNT" | cut -d : -f 2)
	echo 1 >"$TMP/fusectl/$number/abort"
	ok "$propagation: an abort: made anew" wait_until told 1 'is made anew'
	again() {
		[ "$(inside timeout 5 head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
	}
	ok "$propagation: and served" wait_until again
	inside umount "$MNT"
	ended "$propagation: umount there"
done

# --- a connection that a supervisor has kept
mkdir "$TMP/mnt" "$TMP/super"
MNT=$TMP/mnt
mkfifo "$TMP/super/in"
"$TOOL/fdstore" "$TMP/super" "$EVLXCFS_BIN" --keep-mount "$MNT" \
	<"$TMP/super/in" >"$TMP/super/err" 2>&1 &
super=$!
exec 6>"$TMP/super/in"
DAEMON_LOG=$TMP/super/err
logged() {
	[ "$(cat "$TMP/super/log" 2>/dev/null | grep -c -e "$2")" -ge "$1" ]
}
ups=0
up() {
	ups=$((ups + 1))
	echo start >&6
	wait_until logged "$ups" '^READY=1'
	read -r DAEMON_PID <"$TMP/super/pid"
	echo "$DAEMON_PID" >>"$TMP/daemons"
	ok "$1: it serves" serves "$MNT"
}
up 'a first start'
kill -TERM "$DAEMON_PID"
wait_until logged 1 '^ended 0'
up 'a second one, on the connection that was kept'
umount "$MNT"
ok 'umount: exit 0' wait_until logged 2 '^ended 0'
up 'a start with the descriptor of a mount that is gone'
is "$(mount_count "$MNT")" 1 'it has mounted anew'
abort_mount "$MNT"
ok 'an abort: made anew' wait_until told 1 'is made anew'
ok 'and served' wait_until serves "$MNT"
kill -TERM "$DAEMON_PID"
ok 'TERM: exit 0' wait_until logged 3 '^ended 0'
exec 6>&-
wait "$super"
umount "$MNT"
umount "$TMP/place"
done_testing
