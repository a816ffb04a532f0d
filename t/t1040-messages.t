#!/bin/sh
# What reading one file costs in messages, once its names are known.
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop
need_command strace
daemon_start

worker=$(daemon_worker)
for f in meminfo uptime loadavg; do
	"$TOOL/fsop" fd "$MNT/proc/$f" r65536 r65536 >/dev/null
	strace -f -y -s 256 -e trace=read,readv -o "$TMP/trace" -p "$worker" 2>"$TMP/strace" &
	tracer=$!
	if ! wait_until grep -q attached "$TMP/strace"; then
		kill "$tracer"
		skip_all "strace cannot attach: $(cat "$TMP/strace")"
	fi
	# The last cycle's RELEASE is sent when nobody waits for it any more, so the
	# count is of what came before the marker.
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$TOOL/fsop" fd "$MNT/proc/$f" r65536 r65536 >/dev/null
	done
	"$TOOL/fsop" open rdonly "$MNT/proc/marker-$f" >/dev/null
	kill "$tracer"
	wait "$tracer" 2>/dev/null
	n=$(awk '/marker-/ { exit } /\/dev\/fuse>/ && / = [0-9]+$/ && !/ = 0$/ { n++ } END { print n + 0 }' "$TMP/trace")
	between 30 "$n" 40 "$f: ten times open, read, read, close take at most 40 messages"
done

daemon_stop
done_testing
