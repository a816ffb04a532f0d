#!/bin/sh
# Nothing grows with the number of crashes, and one that nobody asks anything of
# stays quiet.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool vigil crash

figure() {
	sed -n "s/^$2:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$1/status"
}

fds() {
	ls "/proc/$1/fd" | wc -l
}

# What no other process has, nor any file, of keeper and worker: whose a page of a program's text
# is depends on who else has lately run there.
private_kb() {
	cat $(daemon_pids | sed 's|.*|/proc/&/smaps_rollup|') |
		awk '/^Private_Dirty:/ { kb += $2 } END { print kb }'
}

new_worker() {
	w=$(worker)
	[ -n "$w" ] && [ "$w" != "$old_worker" ] &&
		# It serves when it waits for something to do.
		[ "$(cat "/proc/$w/wchan" 2>/dev/null)" != 0 ] && [ "$(fds "$w")" -gt 8 ]
}

# A worker that was asked nothing yet.
fresh() {
	old_worker=$(worker)
	kill -"$1" "$old_worker"
	wait_until new_worker
	sleep 0.3
}

measure() {
	w=$(worker)
	keeper_fds=$(fds "$DAEMON_PID")
	worker_fds=$(fds "$w")
	keeper_kb=$(figure "$DAEMON_PID" RssAnon)
	worker_kb=$(figure "$w" RssAnon)
	keeper_maps=$(cut -d' ' -f1,2,6- "/proc/$DAEMON_PID/maps")
	shared=$(($(stat -L -c %b "$(find "/proc/$DAEMON_PID/fd" -lname '/memfd:evlxcfs*')") / 2))
	family=$(daemon_pids | wc -l)
	diag "$1: keeper $keeper_fds descriptors, $keeper_kb kB; worker $worker_fds descriptors, $worker_kb kB; shared $shared kB; $family processes"
}

daemon_start
sanitized || between 1 "$(private_kb)" 300 "$(private_kb) kB are private to keeper and worker at start"
fleet_make
crashes=$(seconds 1000 100)

fleet_start 1000
sleep 1
kill -KILL "$(worker)"
sleep 1
fleet_stop
fleet_check 'before'
fresh KILL
measure 'after one crash'
fds_before="$keeper_fds $worker_fds $family"
kb_before=$keeper_kb
worker_before=$worker_kb
shared_before=$shared
maps_before=$keeper_maps

# Each has answered somebody: those that end before wait longer and longer for the next one.
fleet_start 1000
crash 9 8 300 $((crashes - 20)) 3
killed=$CRASHES
crash 11 "$(seconds 20 500)" 300 20 3
is $((killed + CRASHES)) "$crashes" "$crashes crashes"
fleet_stop
fleet_check "$crashes crashes"
fresh SEGV
measure "after $crashes crashes"
is "$keeper_fds $worker_fds $family" "$fds_before" 'as many descriptors and processes'
is "$keeper_maps" "$maps_before" 'the keeper has mapped nothing and its heap has not grown'
is_near "$keeper_kb" "$kb_before" 16 'as much memory in the keeper'
is_near "$worker_kb" "$worker_before" 32 'and in the worker'
is_near "$shared" "$shared_before" 256 'and shared by both'
is "$(mount_count "$MNT")" 1 'it is mounted once'
between 1 "$(wc -l <"$DAEMON_LOG")" 20 'and the log is short'

# Nobody asks anything: neither process wakes up, whatever there was before.
switches() {
	for p in $(daemon_pids); do
		sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$p/status"
	done | tr '\n' ' '
}
quiet() {
	before=$(switches)
	sleep 5
	[ "$(switches)" = "$before" ]
}
ok 'no process wakes up in five seconds' wait_until quiet
daemon_stop
done_testing
