#!/bin/sh
# Ending, also while clients hold files open.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop

for sig in TERM INT; do
	daemon_start
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal "serves before $sig"
	daemon_stop $sig

	daemon_start
	mkfifo "$TMP/hold.in"
	"$TOOL/fsop" hold 20 "$MNT/proc/meminfo" <"$TMP/hold.in" >"$TMP/hold.out" &
	holder=$!
	exec 8>"$TMP/hold.in"
	ok "20 files are held open before $sig" wait_until grep -q '^held 20$' "$TMP/hold.out"
	(cd "$MNT/proc" && exec sleep 1000 8>&-) &
	sitter=$!
	daemon_stop $sig
	is "$(ls -A "$MNT")" '' 'the directory is empty again'
	# The holder's next read must end, one way or the other.
	exec 8>&-
	ok 'the holder can close them and end' wait_until gone "$holder"
	wait "$holder"
	kill "$sitter"
	wait "$sitter" 2>/dev/null
	rm "$TMP/hold.in"
done

# A signal that comes before the daemon is ready. What the shell's child gets
# before it is the daemon would be lost.
is_exec() {
	[ "$(readlink "/proc/$DAEMON_PID/exe")" != "$(readlink /proc/$$/exe)" ]
}
for round in 1 2 3 4 5; do
	mkdir "$TMP/early$round"
	MNT=$TMP/early$round
	daemon_spawn "$MNT"
	wait_until is_exec
	[ $round -lt 3 ] || sleep 0.00$round
	kill -TERM "$DAEMON_PID"
	daemon_wait
	# Before its handlers are there the signal itself ends it.
	like "$DAEMON_STATUS" '^(0|143)$' "TERM while it starts ($round)"
	nok 'no mount is left' is_mounted "$MNT"
done

# TERM once more while it is ending.
daemon_start
kill -TERM "$DAEMON_PID"
kill -TERM "$DAEMON_PID" 2>/dev/null
kill -INT "$DAEMON_PID" 2>/dev/null
daemon_wait
is "$DAEMON_STATUS" 0 'several signals at once end it once'
nok 'no mount is left' is_mounted "$MNT"
done_testing
