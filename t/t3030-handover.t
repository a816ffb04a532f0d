#!/bin/sh
# Who has the mount when the keeper is gone: nobody, or a supervisor that keeps its
# descriptor and starts another daemon on it.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool vigil fsop fdstore

# hold: a process that has half read a file; go_on: it reads the rest into $TMP/pieces.
mkfifo "$TMP/step"
exec 7<>"$TMP/step"
hold() {
	rm -f "$TMP/pieces"
	(
		exec 5<"$MNT/proc/meminfo"
		dd bs=100 count=1 <&5 2>/dev/null
		read -r x <&7
		cat <&5 2>&1
	) >"$TMP/pieces" &
	holder=$!
	wait_until test -s "$TMP/pieces"
}

go_on() {
	echo >&7
	ok "$1: whoever holds a file gets an answer" wait_until gone "$holder"
	wait "$holder"
}

whole() {
	sed 's/[0-9][0-9]*/0/; s/  */ /' "$1"
}

# --- the keeper is killed, and nobody else has the descriptor
for round in 1 2 3; do
	daemon_start
	hold
	w=$(worker)
	kill -KILL "$DAEMON_PID"
	ok "keeper killed ($round): the worker ends" wait_until gone "$w"
	nok "keeper killed ($round): it has unmounted" is_mounted "$MNT"
	go_on "keeper killed ($round)"
	wait "$DAEMON_PID" 2>/dev/null
done
# With a worker that is stopped.
daemon_start
hold
w=$(worker)
kill -STOP "$w"
kill -KILL "$DAEMON_PID"
ok 'keeper killed, the worker stopped: it goes on and ends' wait_until gone "$w"
nok 'keeper killed, the worker stopped: it has unmounted' is_mounted "$MNT"
go_on 'keeper killed, the worker stopped'
wait "$DAEMON_PID" 2>/dev/null
# Under load.
daemon_start
fleet_make
fleet_start 1000
sleep 1
w=$(worker)
kill -KILL "$DAEMON_PID"
ok 'keeper killed under load: the worker ends' wait_until gone "$w"
ok 'keeper killed under load: the readers get an error' wait_until fleet_ended
is "$(fleet_asleep)" '' 'no process in uninterruptible sleep'
is "$(head -qn 1 "$TMP"/vigil.[1-4]? | grep -Evc ': (Transport endpoint is not connected|Software caused connection abort)$')" 0 \
	'which says that the mount is gone' || diag "$(head -n 3 "$TMP"/vigil.*)"
rm "$TMP"/vigil.*
for c in $FLEET; do
	ct_stop "c$c"
done
wait "$DAEMON_PID" 2>/dev/null

# --- a supervisor with a descriptor store
mkdir "$TMP/mnt" "$TMP/super"
MNT=$TMP/mnt
mkfifo "$TMP/super/in"
"$TOOL/fdstore" "$TMP/super" "$EVLXCFS_BIN" --keep-mount "$MNT" \
	<"$TMP/super/in" >"$TMP/super/err" 2>&1 &
super=$!
exec 6>"$TMP/super/in"
DAEMON_LOG=$TMP/super/err

starts=0
say() {
	echo "$*" >&6
}

logged() {
	[ "$(grep -c -e "$2" "$TMP/super/log" 2>/dev/null)" -ge "$1" ]
}

up() {
	starts=$((starts + 1))
	# Not asked of the mount: it must be told.
	ok "$1: READY is told" wait_until logged "$starts" '^READY=1'
	read -r DAEMON_PID <"$TMP/super/pid"
	echo "$DAEMON_PID" >>"$TMP/daemons"
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal "$1: it serves"
}

down() {
	ok "$1: it ends" wait_until logged "$ends" '^ended'
	ok "$1: the mount is still there" is_mounted "$MNT"
	ends=$((ends + 1))
}

ends=1
say start
up 'first start'
ok 'the descriptors are stored' wait_until logged 1 '^FDNAME=evlxcfs-state'
fleet_make
fleet_start "$(seconds 15 60)"
hold
inode=$(stat -c '%d %i %Y' "$MNT/proc/stat")
for how in TERM INT KILL TERM; do
	w=$(worker)
	kill -$how "$DAEMON_PID"
	ok "keeper ended by $how: so does the worker" wait_until gone "$w"
	down "keeper ended by $how"
	# Readers wait meanwhile.
	sleep 0.3
	say start
	up "started again after $how"
done
is "$(grep '^ended' "$TMP/super/log" | tr '\n' ' ')" 'ended 0 ended 0 ended 137 ended 0 ' 'exit statuses'
is "$(stat -c '%d %i %Y' "$MNT/proc/stat")" "$inode" 'files are the same files'
go_on 'four daemons later'
is "$(whole "$TMP/pieces" | head -n 20)" "$(whole "$MNT/proc/meminfo" | head -n 20)" 'and it is the rest of what it began'
# Reload as systemd does it.
kill -HUP "$DAEMON_PID"
ok 'RELOADING is told' wait_until logged 1 '^RELOADING=1'
ok 'with the time' logged 1 '^MONOTONIC_USEC=[0-9]'
up 'after a reload'
# Both at once: a power failure of the daemon alone.
w=$(worker)
kill -STOP "$DAEMON_PID"
kill -KILL "$w" "$DAEMON_PID"
down 'keeper and worker killed'
say start
up 'and started again'
fleet_check 'restarts by a supervisor'

# --- by --fuse-fd
kill -TERM "$DAEMON_PID"
down 'ended once more'
state=$(grep -c . "$TMP/super/log")
say plain --fuse-fd=3,4
wait_until sh -c '[ "$(grep -c . "$1")" -gt "$2" ]' sh "$TMP/super/log" "$state"
read -r DAEMON_PID <"$TMP/super/pid"
echo "$DAEMON_PID" >>"$TMP/daemons"
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal '--fuse-fd=N,M serves'
is "$(stat -c '%d %i %Y' "$MNT/proc/stat")" "$inode" 'the same files'
# The kernel knows their numbers from now on.
ls -R "$MNT/sys/devices/system/cpu" >/dev/null
kill -TERM "$DAEMON_PID"
down 'and leaves the mount'
# The connection alone: open files are read anew, names looked up anew.
head -n 1 "$MNT/proc/meminfo" >"$TMP/waited" & # nobody serves
opener=$!
say plain --fuse-fd=3
ok '--fuse-fd=N: whoever waited is served' wait_until gone "$opener"
like "$(cat "$TMP/waited")" '^MemTotal: ' 'with contents'
read -r DAEMON_PID <"$TMP/super/pid"
echo "$DAEMON_PID" >>"$TMP/daemons"
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal '--fuse-fd=N serves'
is "$(cat "$MNT/sys/devices/system/cpu/online")" "$(cat /sys/devices/system/cpu/online)" 'names in the cpu tree are found again'
is "$(cat "$MNT/sys/devices/system/cpu/cpu0/topology/core_id" 2>&1)" \
	"$(cat /sys/devices/system/cpu/cpu0/topology/core_id 2>&1 | sed "s|/sys/|$MNT/sys/|")" 'deep ones too'
kill -TERM "$DAEMON_PID"
down 'and leaves the mount'
# What is no descriptor of the kind.
refused() {
	status=0
	"$EVLXCFS_BIN" "$@" "$TMP/other" </dev/null >"$TMP/err" 2>&1 || status=$?
	echo "$status $(wc -l <"$TMP/err")"
}
mkdir "$TMP/other"
is "$(refused --fuse-fd=0)" '111 1' 'a descriptor of something else is refused'
is "$(refused --fuse-fd=x)" '100 1' 'so is no number'
is "$(refused --fuse-fd=3,)" '100 1' 'and half a pair'
# The mount on the host was taken away, others still have it.
for c in $FLEET; do
	ct_stop "c$c"
done
say start
up 'started for what comes'
ct_start c1 mem=128M cpus=0
umount "$MNT"
is "$(ct_exec c1 head -c 8 /proc/meminfo)" MemTotal 'a container reads on when the host has unmounted'
kill -TERM "$DAEMON_PID"
ok 'ended without a mount on the host' wait_until logged "$ends" '^ended'
ends=$((ends + 1))
say start
starts=$((starts + 1))
ok 'started on a connection that only containers have' wait_until logged "$starts" '^READY=1'
read -r DAEMON_PID <"$TMP/super/pid"
echo "$DAEMON_PID" >>"$TMP/daemons"
is "$(ct_exec c1 head -c 8 /proc/meminfo)" MemTotal 'they read on'
if is_mounted "$MNT"; then
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'and the host has it again'
else
	like "$(cat "$DAEMON_LOG")" "cannot mount on $MNT" 'the log says that the host does not have it again'
fi
ct_stop c1
kill -TERM "$DAEMON_PID"
wait_until logged "$ends" '^ended'
exec 6>&-
wait "$super"
# With the last descriptor the mount is dead, and the next start detaches it.
! is_mounted "$MNT" || is "$("$TOOL/fsop" open rdonly "$MNT/proc/meminfo")" ENOTCONN 'without the store it is dead'
daemon_start_at "$MNT"
is "$(mount_count "$MNT")" 1 'and the next daemon takes its place'
daemon_stop
done_testing
