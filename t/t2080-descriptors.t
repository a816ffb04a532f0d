#!/bin/sh
# A descriptor that goes from one container to another: what was read from the
# beginning stays what it was; reading from the beginning again is for who reads.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool fdpass
daemon_start
ct_start a mem=256M cpus=0
ct_start b mem=96M cpus=0

# pass NAME SEND-STEPS -- RECV-STEPS: sets sent and received
pass() {
	rm -f "$TMP/s"
	from=$1 to=$2
	shift 2
	steps=
	while [ "$1" != -- ]; do
		steps="$steps $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	ct_exec $to "$TOOL/fdpass" recv "$TMP/s" "$@" >"$TMP/received" 2>&1 &
	receiver=$!
	# shellcheck disable=SC2086
	ct_exec $from "$TOOL/fdpass" send "$TMP/s" /proc/meminfo $steps >"$TMP/sent" 2>&1
	wait $receiver
}
a='MemTotal:         262144 kB'
b='MemTotal:          98304 kB'

pass a b -- r27
is "$(cat "$TMP/received")" "$b" 'opened in one, read in the other: of who reads'
pass a b r27 -- p0,27
is "$(cat "$TMP/sent")" "$a" 'read in the first'
is "$(cat "$TMP/received")" "$b" 'and again at 0 in the second: of the second'
pass b a r27 -- p0,27
is "$(cat "$TMP/sent")$(cat "$TMP/received")" "$b$a" 'the other way round'
pass a b r10 -- r17
is "$(cat "$TMP/sent")$(cat "$TMP/received")" "$a" 'begun in the first, ended in the second: one text'
pass a b r10 -- p5,22 p0,27 p5,22
is "$(cat "$TMP/received")" "$(echo "$a" | tail -c 23)$b$(echo "$b" | tail -c 23)" 'a read at 0 begins a new text'

# Two processes of two containers with one descriptor, back and forth.
is "$(ct_exec a sh -c "exec 7</proc/meminfo; head -c 27 <&7 >/dev/null; cat <&7 | head -c 8")" "$(printf '\nMemFree')" \
	'what follows the first read'
ct_stop a
ct_stop b
daemon_stop
done_testing
