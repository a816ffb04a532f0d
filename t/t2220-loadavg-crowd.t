#!/bin/sh
# A container with very many tasks is counted without holding up the readers of another
# one. On a host that has CPU accounting on v1 and a cgroup2 besides, once with each.
# EVLXCFS_TEST_TASKS=N is how many; the default is 20000, in a virtual machine 3000.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_root
need_tool ct tasks latency

tasks=20000
[ -z "${EVLXCFS_TEST_VM:-}" ] || tasks=3000
tasks=${EVLXCFS_TEST_TASKS:-$tasks}

daemon_start
ct_start crowd
ct_start small
ct_exec crowd "$TOOL/tasks" threads="$tasks" >"$TMP/tasks" 2>&1 &
wait_until test -s "$TMP/tasks" || bail "$tasks tasks"
is "$(cat "$TMP/tasks")" "busy 0 block 0 threads $tasks" "$tasks tasks, of cgroup v$CG_VER_cpuacct"

# While the crowd is counted for its first reader, others read: were the loop held up,
# there would be no reading at all in between.
worker=$(daemon_pids | sed -n 2p)
ct_join small "$TOOL/latency" 100000 1 0 "$MNT/proc/meminfo" "$worker" >"$TMP/meanwhile" 2>&1 &
reader=$!
reads() {
	for pid in $(cat "$(cg_path small cpuacct)/cgroup.procs"); do
		read -r comm 2>/dev/null <"/proc/$pid/comm" || continue
		[ "$comm" != latency ] || awk '$1 == "syscr:" { print $2 }' "/proc/$pid/io"
	done
}
started() {
	now=$(reads)
	[ "${now:-0}" -gt 20 ]
}
wait_until started
now_ms() {
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}
before=$(reads)
begin=$(now_ms)
first=$(ct_exec crowd cat /proc/loadavg)
whole=$(($(now_ms) - begin))
after=$(reads)
total=$(echo "$first" | sed 's/.*\///; s/ .*//')
# A machine that takes more than the time a first reader waits says so.
told() {
	[ "$total" -ge $((tasks + 2)) ] && [ "$total" -le $((tasks + 8)) ] ||
		grep -q 'are not counted' "$DAEMON_LOG"
}
ok 'the first read has them all, or the log says why not' told || diag "$first"
between 20 "$((after - before))" 1000000000 'reads in another container meanwhile'
kill -KILL $(cat "$(cg_path small cpuacct)/cgroup.procs" | while read -r pid; do
	read -r comm 2>/dev/null <"/proc/$pid/comm" && [ "$comm" = latency ] && echo "$pid"
done)
wait "$reader"

counted() {
	now=$(ct_exec crowd cat /proc/loadavg)
	total=$(echo "$now" | sed 's/.*\///; s/ .*//')
	[ "$total" -gt "$tasks" ] && [ "$total" -lt "$((tasks + 10))" ]
}
ok 'they are counted' wait_until counted

# Each window is a period, in which the crowd is counted once. Whatever else the machine does is
# left out of what a read waits, but for what the tool cannot see, such as the host of a virtual
# machine: it counts what happens every time. An emulated one cannot tell. How long that is beside
# the whole count says whether the count is in pieces, on a slow machine, too.
if [ -z "${EVLXCFS_TEST_VM:-}" ]; then
	ct_join small "$TOOL/latency" 17 5 300 "$MNT/proc/meminfo" "$worker" >"$TMP/latency" 2>&1
	diag "reads, median and maximum in us, maximum of what the worker took:"
	diag "$(cat "$TMP/latency")" "the first reader waited $whole ms for a whole count"
	between 2 "$(wc -l <"$TMP/latency")" 3 'periods'
	between 1 "$(sort -n -k4 "$TMP/latency" | awk 'NR == 1 { print $4 }')" $((whole * 1000 / 20)) 'us at most that a read waits'
	ok 'they are still counted' wait_until counted || diag "$now $(ct_exec crowd ps aux)"
fi

ct_stop crowd
ct_stop small
daemon_stop

# The v1 hierarchies are out of sight in a mount namespace of its own.
if [ "$CG_VER_cpuacct" = 1 ] && [ -n "$CG_V2" ]; then
	cat >"$TMP/v2" <<'end'
mount --make-rprivate /
for at in $1; do
	umount -l "$at"
done
shift
exec sh "$@"
end
	v1=$(awk '/ - cgroup / { print $5 }' /proc/self/mountinfo)
	unshare -m sh "$TMP/v2" "$v1" "$T_DIR/t2220-loadavg-crowd.t" >"$TMP/v2.out" 2>&1
	is $? 0 'the same with cgroup2'
	diag "$(grep -v '^ok' "$TMP/v2.out")"
fi
done_testing
