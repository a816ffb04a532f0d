#!/bin/sh
# A daemon nobody asks anything costs nothing: no wakeup, one thread a process,
# no growth with what was read before.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool readloop

switches() {
	for pid in $(daemon_pids); do
		sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' /proc/"$pid"/task/*/status
	done | awk '{ n += $1 } END { print n }'
}

# quiet_for SECONDS
quiet_for() {
	before=$(switches)
	sleep "$1"
	[ "$(switches)" = "$before" ]
}

threads() {
	for pid in $(daemon_pids); do
		sed -n 's/^Threads:[[:space:]]*//p' "/proc/$pid/status"
	done | sort -u
}

descriptors() {
	for pid in $(daemon_pids); do
		ls "/proc/$pid/fd"
	done | wc -l
}

daemon_start
is "$(threads)" 1 'one thread in each process'
# The keeper looks once more after the start's own messages.
sleep 3
before=$(switches)
sleep 5
is "$(switches)" "$before" 'no context switch in five seconds when nothing was ever read'

for f in meminfo stat cpuinfo uptime diskstats swaps; do
	ok "read $f" "$TOOL/readloop" 200 "$MNT/proc/$f" ''
done
is "$(threads)" 1 'one thread in each process after reading'
# What it keeps about readers is forgotten after a while; then it must be quiet
# again.
ok 'no context switch in five seconds, a while after reading' wait_until quiet_for 5
fds=$(descriptors)
for i in 1 2 3; do
	"$TOOL/readloop" 200 "$MNT/proc/meminfo" '' >/dev/null
	"$TOOL/readloop" 200 "$MNT/proc/stat" '' >/dev/null
done
wait_until quiet_for 5
is "$(descriptors)" "$fds" 'as many descriptors as before'
daemon_stop
done_testing
