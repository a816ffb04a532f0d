#!/bin/sh
# A worker that gets hardly any CPU time is slow, not stuck: the watchdog leaves it alone. One
# that waits for ever is replaced, as is one that works for ever, however slowly.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool fsop

cg_mkdir "$CG_TEST" && cg_mkdir "$CG_TEST/starved"
starved=$(cg_mount cpu)/$CG_TEST/starved
# allow MICROSECONDS: of CPU time in each second, there
allow() {
	if [ "$(cg_version cpu)" = 1 ]; then
		echo 1000000 >"$starved/cpu.cfs_period_us"
		echo "$1" >"$starved/cpu.cfs_quota_us"
	else
		echo "$1 1000000" >"$starved/cpu.max"
	fi
}

# throttled: how often it had to wait for the next second
throttled() {
	awk '$1 == "nr_throttled" { print $2 }' "$starved/cpu.stat"
}

# In an emulated machine a clock tick alone is more than that, and what was taken too much is
# taken back: there would be seconds on end without any.
few=2000
[ -z "${EVLXCFS_TEST_VM:-}" ] || few=20000
allow $few
daemon_start --watchdog=1
ct_start a mem=64M
worker=$(daemon_worker)
echo "$worker" >"$starved/cgroup.procs"
# Until it has waited for the next second so often, or for too long.
rounds=0 right=0
t_now
give_up=$((t_time + EVLXCFS_TEST_DEADLINE))
while [ "$(throttled)" -lt 6 ] && t_now && [ "$t_time" -lt "$give_up" ]; do
	ct_exec a cat /proc/meminfo /proc/stat /proc/meminfo /proc/stat >"$TMP/out" 2>&1
	rounds=$((rounds + 2))
	right=$((right + $(grep -c '^MemTotal: *65536 kB$' "$TMP/out")))
done
is "$right" "$rounds" 'readers wait and get their files'
between 6 "$(throttled)" 1000 'seconds in which the worker had to wait'
is "$(daemon_worker)" "$worker" 'it is still the same'

kill -STOP "$worker"
is "$(ct_exec a timeout 20 awk '/MemTotal/ { print $2 }' /proc/meminfo)" 65536 'one that does not run at all is replaced'
isnt "$(daemon_worker)" "$worker" 'by another'
like "$(cat "$DAEMON_LOG")" 'did not get on' 'which the log says'
ct_stop a
daemon_stop

# The binary with faults built in has a read that never ends.
EVLXCFS_BIN=$BUILD/evlxcfs-fault
allow 100000
daemon_start --watchdog=1
ct_start a mem=64M
worker=$(daemon_worker)
echo "$worker" >"$starved/cgroup.procs"
is "$(ct_exec a "$TOOL/fsop" fd /proc/meminfo P2119630850,10 2>&1)" EIO \
	'one that works for ever is replaced'
isnt "$(daemon_worker)" "$worker" 'however slowly it does'
is "$(ct_exec a awk '/MemTotal/ { print $2 }' /proc/meminfo)" 65536 'the next one serves'
ct_stop a
daemon_stop
done_testing
