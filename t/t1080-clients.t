#!/bin/sh
# Clients that die in the middle, and many of them at once.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop readloop
need_command pgrep
daemon_start

daemon_signal() {
	for pid in $(daemon_pids); do
		kill -"$1" "$pid"
	done
}

# A reader that is killed while its request waits for a daemon that is stopped.
for f in meminfo stat uptime; do
	cat "$MNT/proc/$f" >/dev/null
	daemon_signal STOP
	cat "$MNT/proc/$f" >"$TMP/out" 2>&1 &
	reader=$!
	sleep 0.2
	ok "$f: the reader waits" alive "$reader"
	kill -KILL "$reader"
	sleep 0.1
	daemon_signal CONT
	ok "$f: it can be killed" wait_until gone "$reader"
	wait "$reader" 2>/dev/null
	is "$(cat "$TMP/out")" '' "$f: it read nothing"
	ok "$f: others go on" "$TOOL/readloop" 100 "$MNT/proc/$f" ''
done

# The same with an interrupt that the reader survives.
daemon_signal STOP
timeout -s INT 0.3 cat "$MNT/proc/meminfo" >/dev/null 2>&1 &
reader=$!
sleep 0.6
daemon_signal CONT
ok 'an interrupted reader ends' wait_until gone "$reader"
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'others go on'

# More readers than can be served, without a pause: none of what they leave behind piles up.
for i in $(seq 1 150); do
	"$TOOL/readloop" 100000000 "$MNT/proc/loadavg" '' >/dev/null 2>&1 &
	echo $!
done >"$TMP/pids"
many_wait() {
	[ "$(fuse_waiting)" -ge 75 ]
}
ok 'many wait' wait_until many_wait
sleep 2
between 0 "$(fuse_waiting)" 450 'after a while they are not more than there are readers, and a few'
for pid in $(cat "$TMP/pids"); do
	kill -KILL "$pid"
done
none_waits() {
	[ "$(fuse_waiting)" = 0 ]
}
ok 'none waits when the readers are gone' wait_until none_waits

# Readers that come and go by the dozen while some are killed.
for i in $(seq 1 20); do
	"$TOOL/readloop" 100000000 "$MNT/proc/stat" cpu >/dev/null 2>&1 &
	echo $!
done >"$TMP/pids"
sleep 0.5
for pid in $(cat "$TMP/pids"); do
	kill -KILL "$pid"
done
for pid in $(cat "$TMP/pids"); do
	wait_until gone "$pid" || t_fail "reader $pid does not end"
done
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'twenty readers killed at once, others go on'

# Many open files, of one process and of several at once.
n=1000
mkfifo "$TMP/in"
for i in 1 2 3 4; do
	"$TOOL/fsop" hold $n "$MNT/proc/meminfo" <"$TMP/in" >"$TMP/held$i" &
done
exec 8>"$TMP/in"
for i in 1 2 3 4; do
	ok "process $i holds $n files open" wait_until grep -q "^held $n\$" "$TMP/held$i"
done
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'others can read meanwhile'
exec 8>&-
wait_all() {
	[ -z "$(pgrep -f "$TOOL/fsop hold $n $MNT")" ]
}
ok 'they end' wait_until wait_all
ok 'and reading goes on' "$TOOL/readloop" 1000 "$MNT/proc/meminfo" MemTotal

daemon_stop
done_testing
