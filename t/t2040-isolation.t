#!/bin/sh
# Containers that read at the same time each see their own figures, every time.
# EVLXCFS_TEST_LONG=1 makes it a million readings each, however long they take, but not in an
# emulated machine.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool readloop
daemon_start

count=1000000,10
least=1000
short=300
if [ -n "${EVLXCFS_TEST_VM:-}" ]; then
	count=1000000,20
	least=50
	short=40
elif [ -n "${EVLXCFS_TEST_LONG:-}" ]; then
	count=1000000
	least=1000000
fi

ct_start a mem=256M cpus=0
ct_start b mem=192M cpus=0
ct_start c mem=64M cpus=0

# expect SIZE: the line as the kernel prints it
line() {
	printf 'MemTotal:       %8d kB\n' "$1"
}
is "$(ct_exec a head -n 1 /proc/meminfo)" "$(line 262144)" 'the line'

ct_exec a "$TOOL/readloop" $count /proc/meminfo "$(line 262144)" >"$TMP/a" 2>&1 &
pa=$!
ct_exec b "$TOOL/readloop" $count /proc/meminfo "$(line 196608)" >"$TMP/b" 2>&1 &
pb=$!
# Meanwhile short-lived readers: a pid that was one container's may be the
# other's a moment later.
for size in a:262144 b:196608 c:65536; do
	ct_exec ${size%%:*} sh -c '
		i=0
		while [ $i -lt "$1" ]; do
			i=$((i + 1))
			head -n 1 /proc/meminfo
		done | sort | uniq -c' sh $short >"$TMP/short-${size%%:*}" 2>&1 &
	echo $!
done >"$TMP/short"
for pid in $(cat "$TMP/short"); do
	wait_until gone "$pid"
done
for size in a:262144 b:196608 c:65536; do
	is "$(awk '{ $1 = $1; print }' "$TMP/short-${size%%:*}")" "$short MemTotal: ${size#*:} kB" "$short readers of container ${size%%:*}"
done
status=0
wait $pa || status=$?
is "$status" 0 'the readings of the first container' || diag "$(head -n 5 "$TMP/a")"
status=0
wait $pb || status=$?
is "$status" 0 'the readings of the second container' || diag "$(head -n 5 "$TMP/b")"
between $least "$(sed -n 's/^ok //p' "$TMP/a")" 1000000 'many readings of the first'
between $least "$(sed -n 's/^ok //p' "$TMP/b")" 1000000 'many readings of the second'
diag "$(sed -n 's/^ok //p' "$TMP/a") and $(sed -n 's/^ok //p' "$TMP/b") readings"

is "$("$TOOL/readloop" 200 "$MNT/proc/meminfo" "$(head -n 1 /proc/meminfo)")" 'ok 200' 'the host sees its own'
ct_stop a
ct_stop b
ct_stop c
daemon_stop
done_testing
