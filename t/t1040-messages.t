#!/bin/sh
# What reading one file costs in messages, once its names are known.
# In a mount namespace of its own: others on this machine look at every mount.
# run: together
[ "${1:-}" = alone ] || exec unshare -m --propagation private "$0" alone
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop
need_command strace
daemon_start

worker=$(daemon_worker)
for f in meminfo uptime loadavg; do
	# As containers have it.
	: >"$TMP/$f"
	mount --bind "$MNT/proc/$f" "$TMP/$f"
	"$TOOL/fsop" fd "$TMP/$f" r65536 r65536 >/dev/null
	# Not the helper that counts tasks: strace would cut lines of both in two.
	strace -y -xx -s 64 -e trace=read,readv -o "$TMP/trace" -p "$worker" 2>"$TMP/strace" &
	tracer=$!
	if ! wait_until grep -q attached "$TMP/strace"; then
		kill "$tracer"
		skip_all "strace cannot attach: $(cat "$TMP/strace")"
	fi
	# The last cycle's RELEASE is sent when nobody waits for it any more, so the
	# count is of what came before the marker.
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$TOOL/fsop" fd "$TMP/$f" r65536 r65536 >/dev/null
	done
	"$TOOL/fsop" open rdonly "$MNT/proc/marker-$f" >/dev/null
	kill "$tracer"
	wait "$tracer" 2>/dev/null
	# Messages by opcode, of /dev/fuse. What each cycle took would be there ten times. A kernel
	# that is short of memory forgets a name at times and looks it up again.
	ops=$(FUSE='<\x2f\x64\x65\x76\x2f\x66\x75\x73\x65>' awk '
		/\\x6d\\x61\\x72\\x6b\\x65\\x72/ { exit } # "marker"
		index($0, ENVIRON["FUSE"]) && match($0, /"(\\x[0-9a-f][0-9a-f])+"/) && / = [0-9]+$/ && !/ = 0$/ {
			op = substr($0, RSTART + 1 + 4 * 4, 2 * 4)
			gsub(/\\x/, "", op)
			n[op]++
		}
		END {
			# Little endian: FUSE_OPEN is 14, FUSE_READ 15, FUSE_RELEASE 18.
			print n["0e00"] + 0, n["0f00"] + 0
			delete n["0e00"]; delete n["0f00"]; delete n["1200"]
			for (op in n)
				if (n[op] > 3)
					print "opcode 0x" op, n[op]
		}' "$TMP/trace")
	is "$ops" '10 20' "$f: ten times open, read, read, close take one message each"
done

daemon_stop
done_testing
