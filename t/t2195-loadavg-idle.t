#!/bin/sh
# While nobody reads, containers whose load average is kept cost one wakeup each 5 s, all together;
# on cgroup v1 the end of the helper that counts them is another one.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups

switches() {
	for pid in $(daemon_pids); do
		sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' /proc/"$pid"/task/*/status
	done | awk '{ n += $1 } END { print n }'
}

# In 15 s: to forget who has read takes some more, for a while.
# Where CPU time is counted.
each=$([ "$CG_VER_cpuacct" = 1 ] && echo 2 || echo 1)
seldom() {
	before=$(switches)
	sleep 15
	n=$(($(switches) - before))
	[ "$n" -ge 2 ] && [ "$n" -le $((each * 4)) ]
}

daemon_start
ct_start one mem=256M
ct_start two mem=256M
like "$(ct_exec one cat /proc/loadavg)" '^[0-9.]+ [0-9.]+ [0-9.]+ [0-9]+/[0-9]+ [0-9]+$' 'one container reads'
like "$(ct_exec two cat /proc/loadavg)" '^[0-9.]+ [0-9.]+ [0-9.]+ [0-9]+/[0-9]+ [0-9]+$' 'and another one'
ok "then there are no more wakeups than $each for each time they are counted" wait_until seldom
# On v1 there is one for some milliseconds each time.
alone() {
	[ "$(daemon_pids | wc -l)" = 2 ]
}
ok 'and no helper stays' wait_until alone
ct_stop one
ct_stop two
daemon_stop
done_testing
