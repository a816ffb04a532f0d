#!/bin/sh
# What else a keeper has to deal with: a mount that is aborted, a worker that cannot
# be killed, one that never starts, orders at the wrong moment.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool vigil fsop
need_command prlimit strace

serves() {
	[ "$(timeout 5 head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
}

told() {
	[ "$(grep -c -e "$2" "$DAEMON_LOG")" -ge "$1" ]
}

# --- a privileged container aborts the connection
daemon_start --keep-mount
for round in 1 2 3; do
	ct_start c1 mem=128M cpus=0
	is "$(ct_exec c1 head -c 8 /proc/meminfo)" MemTotal "container $round reads"
	ct_exec c1 umount -f /proc/meminfo 2>/dev/null
	ok "the mount it has aborted is made anew ($round)" wait_until told "$round" 'is made anew'
	ok "the host reads ($round)" wait_until serves
	is "$(mount_count "$MNT")" 1 "one mount ($round)"
	ct_start c2 mem=64M cpus=0
	is "$(ct_exec c2 sed -n 's/^MemTotal: *//p' /proc/meminfo)" '65536 kB' "a new container reads ($round)"
	ct_stop c1
	ct_stop c2
done
# The host aborts it, by fusectl.
abort_mount() {
	fuse_waiting >/dev/null
	echo 1 >"$TMP/fusectl/$(mountpoint -d "$MNT" | cut -d : -f 2)/abort"
}
abort_mount
ok 'a mount that the host has aborted is made anew' wait_until told 4 'is made anew'
ok 'and served' wait_until serves
# And with a worker that does not notice.
kill -STOP "$(worker)"
abort_mount
ok 'also when the worker is stopped meanwhile' wait_until told 5 'is made anew'
ok 'and served' wait_until serves
like "$(cat "$DAEMON_LOG")" 'without a supervisor' 'that nobody keeps the descriptor was told'
abort_mount
wait_until told 6 'is made anew'
wait_until serves
kill -TERM "$DAEMON_PID"
daemon_wait
is "$DAEMON_STATUS" 0 'daemon exits 0 on TERM'
is "$("$TOOL/fsop" open rdonly "$MNT/proc/meminfo")" ENOTCONN '--keep-mount leaves the mount'
umount "$MNT"

# --- a worker that cannot be killed: frozen, on cgroup v1
freezer=$(awk '$9 == "cgroup" && $NF ~ /freezer/ || $8 == "cgroup" && $NF ~ /freezer/ { print $5; exit }' /proc/self/mountinfo)
daemon_start --watchdog=1
old=$(worker)
if [ -n "$freezer" ]; then
	cage=$freezer/$T_MARK
	mkdir "$cage"
	echo "$old" >"$cage/cgroup.procs"
	echo FROZEN >"$cage/freezer.state"
else
	cage=$CG_V2/$T_MARK-cage
	mkdir "$cage"
	echo "$old" >"$cage/cgroup.procs"
	echo 1 >"$cage/cgroup.freeze"
fi
ok 'a frozen worker is replaced while a reader waits' wait_until serves
isnt "$(worker)" "$old" 'by another'
if [ -n "$freezer" ]; then
	ok 'it is still there' alive "$old"
	like "$(cat "$DAEMON_LOG")" "worker $old is held in the kernel" 'the log says so'
	echo THAWED >"$cage/freezer.state"
else
	echo 0 >"$cage/cgroup.freeze"
fi
ok 'and dies as soon as it can' wait_until gone "$old"
ok 'the mount is served' serves
cage_gone() {
	rmdir "$cage" 2>/dev/null
	[ ! -d "$cage" ]
}
wait_until cage_gone
is "$(daemon_pids | wc -l)" 2 'two processes again'
daemon_stop

# --- a worker that is stopped when the end comes
daemon_start --watchdog=1
kill -STOP "$(worker)"
daemon_stop
daemon_start --watchdog=0
old=$(worker)
kill -STOP "$old"
head -c 8 "$MNT/proc/meminfo" >"$TMP/out" &
reader=$!
sleep 3
is "$(worker)" "$old" 'without a watchdog it is left alone'
ok 'and readers wait' alive "$reader"
kill -CONT "$old"
wait "$reader"
is "$(cat "$TMP/out")" MemTotal 'until it goes on'
daemon_stop

# --- workers that cannot start
EVLXCFS_FAULT_WHILE=$TMP/no-start
export EVLXCFS_FAULT_WHILE
starts() {
	wc -c <"$EVLXCFS_FAULT_WHILE"
}
sound=$EVLXCFS_BIN
fault_daemon
daemon_start
EVLXCFS_BIN=$sound
: >"$EVLXCFS_FAULT_WHILE"
kill -KILL "$(worker)"
head -c 8 "$MNT/proc/meminfo" >"$TMP/out" &
reader=$!
sleep "$(seconds 4 10)"
first=$(starts)
between 8 "$first" $((12 + $(seconds 4 10))) 'workers that end without an answer are started again at once at first'
sleep 3
between 2 $(($(starts) - first)) 4 'then once a second'
ok 'a reader waits meanwhile' alive "$reader"
rm "$EVLXCFS_FAULT_WHILE"
wait "$reader"
is "$(cat "$TMP/out")" MemTotal 'until one can start'
: >"$EVLXCFS_FAULT_WHILE"
kill -KILL "$(worker)"
more_starts() {
	[ "$(starts)" -gt 8 ]
}
ok 'none can start once more' wait_until more_starts
daemon_stop
unset EVLXCFS_FAULT_WHILE

# --- the journal is locked into memory, by those without privileges too
EVLXCFS_WRAP='prlimit --memlock=16384:'
daemon_start
EVLXCFS_WRAP=
locked() {
	# A sanitizer makes mlock(2) nothing.
	if readelf -sW "$EVLXCFS_BIN" | grep -q __asan_init; then
		echo 100
		return
	fi
	for p in $DAEMON_PID $(worker); do
		sed -n 's/^VmLck:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$p/status"
	done | sort -n | head -n 1
}
between 64 "$(locked)" 200 'the journal is locked, by keeper and worker'
kill -KILL "$(worker)"
ok 'a new worker serves' serves
between 64 "$(locked)" 200 'and has locked it too'
kill -HUP "$DAEMON_PID"
ok 'another binary takes over' wait_until told 1 'goes on with the mount'
ok 'and serves' serves
between 64 "$(locked)" 200 'and has locked it too'
daemon_stop

# --- signals that come before there is a keeper
# mount(2) takes half a second.
slow_mount='strace -D -qq -o /dev/null -e trace=mount -e inject=mount:delay_exit=500000:when=1'
early() {
	mkdir "$TMP/$1"
	MNT=$TMP/$1
	EVLXCFS_WRAP=$slow_mount
	daemon_spawn "$MNT"
	EVLXCFS_WRAP=
	wait_until is_mounted "$MNT"
	kill "-$1" "$DAEMON_PID"
}
early TERM
daemon_wait
is "$DAEMON_STATUS" 0 'TERM during startup: exit 0'
nok 'TERM during startup: unmounted' is_mounted "$MNT"
early HUP
ok 'HUP during startup: upgraded' wait_until told 1 'goes on with the mount'
ok 'HUP during startup: it serves' serves
daemon_stop

# --- a kernel that ends mounts on which a request waits
limit=/proc/sys/fs/fuse/default_request_timeout
if [ -e "$limit" ]; then
	mkdir "$TMP/slow"
	echo 600 >"$TMP/600"
	# In a user namespace the mount over the file is locked, and so the daemon reads it.
	unshare -m sh -c 'mount --bind "$1" "$2" && shift 2 &&
		exec unshare --user --map-root-user --mount "$@"' sh "$TMP/600" "$limit" \
		timeout 3 "$EVLXCFS_BIN" "$TMP/slow" >"$TMP/out" 2>&1 </dev/null
	like "$(cat "$TMP/out")" 'default_request_timeout is set' 'a limit on how long requests may wait is told'
	unlike "$(cat "$DAEMON_LOG")" request_timeout 'and not told where there is none'
fi

# --- what the worker is sent is not for it
daemon_start
old=$(worker)
for sig in TERM INT HUP USR1 USR2 PIPE; do
	kill -$sig "$old"
done
ok 'signals sent to the worker' serves
is "$(worker)" "$old" 'do nothing'
daemon_stop

# --- the end while another binary is tried
mkdir "$TMP/bin"
cp "$EVLXCFS_BIN" "$TMP/bin/evlxcfs"
mkdir "$TMP/early"
(
	EVLXCFS_BIN=$TMP/bin/evlxcfs
	daemon_start_at "$TMP/early"
	printf '#!/bin/sh\nsleep 1000\n' >"$TMP/bin/new"
	chmod 755 "$TMP/bin/new"
	mv "$TMP/bin/new" "$TMP/bin/evlxcfs"
	kill -HUP "$DAEMON_PID"
	sleep 0.3
	kill -TERM "$DAEMON_PID"
	daemon_wait
	echo "$DAEMON_STATUS $(mount_count "$MNT")" >"$TMP/end"
)
is "$(cat "$TMP/end")" '0 0' 'TERM during an upgrade'

# --- a first worker that never starts
fault=${EVLXCFS_FAULT_BIN:-$EVLXCFS_BIN-fault}
mkdir "$TMP/never"
status=0
EVLXCFS_FAULT=startup:1 timeout "$EVLXCFS_TEST_DEADLINE" "$fault" "$TMP/never" \
	>"$TMP/out" 2>&1 </dev/null || status=$?
is "$status" 111 'a daemon whose first workers all die gives up'
nok 'and leaves no mount' is_mounted "$TMP/never"

# --- --check
status=0
out=$("$EVLXCFS_BIN" --check --enable-cfs "$TMP/never" 2>&1) || status=$?
is "$status" 0 '--check: exit 0'
like "$out" '^evlxcfs [0-9.]+ journal [0-9]+ block [0-9a-f]+$' '--check: it says what it is'
nok '--check mounts nothing' is_mounted "$TMP/never"

# --- one process
daemon_start --no-keeper --pidfile="$TMP/pid"
is "$(daemon_pids | wc -l)" 1 '--no-keeper: one process'
ok 'it serves' serves
is "$(cat "$TMP/pid")" "$DAEMON_PID" 'the pidfile'
kill -HUP "$DAEMON_PID"
ok 'HUP is told to be of no use' wait_until told 1 'no keeper'
ct_start c1 mem=128M cpus=0
total() {
	ct_exec c1 sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}
is "$(total)" 131072 'containers see their own'
kill -USR2 "$DAEMON_PID"
sees_host() {
	[ "$(total)" -gt 131072 ]
}
ok "USR2: the host's" wait_until sees_host
ct_stop c1
daemon_stop
nok 'the pidfile is gone' test -e "$TMP/pid"
daemon_start --no-keeper
abort_mount
daemon_wait
is "$DAEMON_STATUS" 111 '--no-keeper: ends when the mount is aborted'
umount "$MNT"

# Its supervisor starts it again on what it left.
need_tool fdstore
mkdir "$TMP/mnt" "$TMP/super"
MNT=$TMP/mnt
mkfifo "$TMP/super/in"
"$TOOL/fdstore" "$TMP/super" "$EVLXCFS_BIN" --no-keeper --keep-mount "$MNT" \
	<"$TMP/super/in" >"$TMP/super/err" 2>&1 &
super=$!
exec 6>"$TMP/super/in"
logged() {
	[ "$(grep -c -e "$2" "$TMP/super/log" 2>/dev/null)" -ge "$1" ]
}
echo start >&6
ok '--no-keeper with a supervisor: READY' wait_until logged 1 '^READY=1'
fleet_make
fleet_start "$(seconds 6 30)"
for n in 1 2 3 4 5 6; do
	sleep "$(seconds 0.5 2)"
	kill -KILL "$(cat "$TMP/super/pid")"
	wait_until logged "$n" '^ended'
	echo start >&6
	wait_until logged $((n + 1)) '^READY=1'
done
fleet_check '--no-keeper, killed and started again'
for c in $FLEET; do
	ct_stop "c$c"
done
kill -TERM "$(cat "$TMP/super/pid")"
ok 'ends on TERM' wait_until logged 1 '^ended 0'
exec 6>&-
wait "$super"
umount "$MNT"

# --- a log that nobody reads any more: a line more, and writing it would wait
mkfifo "$TMP/log"
exec 7<>"$TMP/log"
timeout 1 cat /dev/zero >&7
mkdir "$TMP/unread"
MNT=$TMP/unread
"$EVLXCFS_BIN" --debug --ready-fd=9 "$MNT" </dev/null 2>&7 9>"$TMP/unread.ready" &
DAEMON_PID=$!
echo "$DAEMON_PID" >>"$TMP/daemons"
ok 'a log that is full: it serves' wait_until test -s "$TMP/unread.ready"
kill -SEGV "$(worker)"
is "$(timeout 20 head -c 8 "$MNT/proc/meminfo")" MemTotal 'also when there is much to say'
kill -TERM "$DAEMON_PID"
ok 'and ends' wait_until gone "$DAEMON_PID"
nok 'unmounted' is_mounted "$MNT"
exec 7<&-
done_testing
