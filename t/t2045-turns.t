#!/bin/sh
# Containers take turns: many readers of one do not keep another one's waiting. Nor do they take
# all places of those that wait.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command strace
# It is stopped for a while below.
daemon_start --watchdog=60 --cgroup-reader=loop
worker=$(daemon_worker "$DAEMON_PID")
ct_start many mem=256M
ct_start few mem=192M
readers=40

# readers CONTAINER COUNT DIRECTORY FILE: each has the file open, and reads when GO-CONTAINER is there.
cat >"$TMP/readers" <<'END'
for i in $(seq "$2"); do
	{
		until [ -e "$3/go-$1" ]; do
			sleep 0.1
		done
		exec head -n 1
	} <"$4" &
done
echo up >"$3/up-$1"
wait
END
for c in "many $readers" 'few 1'; do
	# shellcheck disable=SC2086
	ct_exec ${c% *} sh "$TMP/readers" $c "$TMP" /proc/meminfo >"$TMP/out-${c% *}" 2>&1 &
	eval "${c% *}=$!"
	ok "$c: files are open" wait_until test -e "$TMP/up-${c% *}"
done

waiting() {
	[ "$(fuse_waiting)" = "$1" ]
}

strace -e trace=readlinkat,writev -o "$TMP/trace" -p "$worker" 2>"$TMP/strace" &
strace=$!
ok 'strace is there' wait_until grep -q attached "$TMP/strace"
kill -STOP "$worker"
: >"$TMP/go-many"
ok "$readers readers of one container wait" wait_until waiting "$readers"
: >"$TMP/go-few"
ok 'and then one of another' wait_until waiting $((readers + 1))
kill -CONT "$worker"
wait "$many" "$few"
kill -INT "$strace"
wait "$strace" 2>/dev/null

is "$(sort "$TMP/out-many" | uniq -c | sed 's/^ *//')" "$readers MemTotal:         262144 kB" 'each of the many reads its own'
is "$(cat "$TMP/out-few")" 'MemTotal:         196608 kB' 'and so does the one'

# The link that tells the cgroup namespace of whoever is served.
ns=$(readlink "/proc/$(ct_pid few)/ns/cgroup")
grep ns/cgroup "$TMP/trace" >"$TMP/served"
is "$(wc -l <"$TMP/served")" $((readers + 1)) 'everybody was asked for a namespace'
# Up to 18 are served before it shows that so many wait; then it is the other's turn.
between 1 "$(grep -n -F "$ns" "$TMP/served" | cut -d : -f 1)" 19 'the one who came last is not served last'

# Whoever reads loadavg first waits until the container's tasks are counted: as many of it as
# daemon/server.h says, PARK_QUOTA, and the others do without.
quota=20
readers=30
# Where the machine is busy the count is there before the last of them has asked: then once more.
for first in first second third fourth fifth; do
	ct_start $first
	ct_exec $first sh "$TMP/readers" $first $readers "$TMP" /proc/loadavg >"$TMP/out-$first" 2>&1 &
	many=$!
	ok "$first: files are open" wait_until test -e "$TMP/up-$first"
	kill -STOP "$worker"
	: >"$TMP/go-$first"
	ok "$readers first readers wait" wait_until waiting "$readers"
	kill -CONT "$worker"
	wait "$many"
	# The next count is made 5 s later.
	counted=$(ct_exec $first cut -d ' ' -f 4 /proc/loadavg)
	counted=${counted#*/}
	own=$(awk -v of="$counted" '{ split($4, n, "/"); own += n[2] == of } END { print own + 0 }' "$TMP/out-$first")
	is "$(wc -l <"$TMP/out-$first")" $readers 'each has an answer'
	between $((quota + 2)) "$counted" $((2 * readers + 2)) 'the tasks of the container: who read, who slept before that'
	[ "$own" -ge $readers ] || break
done
# A build with sanitizers is always that slow.
most=$((readers - 1))
! grep -q asan "/proc/$worker/maps" || most=$readers
between $quota "$own" $most 'so many have waited for their own count'

daemon_stop
done_testing
