#!/bin/sh
# A container that makes thousands of namespaces, and reads in each, takes nobody else's
# history: counters go on where they were.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool ct fsop
[ "$(nproc)" -ge 2 ] || skip_all 'needs two CPUs'

# More than CPUHIST_CONTAINERS.
many=2300
idle() {
	ct_exec "$1" awk '$1 == "cpu" { print $5 }' /proc/stat
}

daemon_start
ct_start victim cpus=0-1
ct_start greedy
sleep 4
idle victim >/dev/null
# From here on it has what began again would not: the time of two CPUs.
cg_set victim cpus=0
before=$(idle victim)
ok 'idle for the time of two CPUs' [ "$before" -ge 700 ]
is "$(ct_exec greedy "$TOOL/fsop" cgroupns $many /proc/stat)" $many "read in $many cgroup namespaces"
after=$(idle victim)
ok "idle goes on from $before to $after" [ "$after" -ge "$before" ]
is "$(daemon_said)" '' 'nothing is logged'

# It has no more samples of the load than its quota; the others have theirs.
is "$(ct_exec greedy "$TOOL/fsop" cgroupns 600 /proc/loadavg)" 600 'load in 600 cgroup namespaces'
total() {
	sed 's|.*/\([0-9]*\) .*|\1|'
}
between 1 "$(ct_exec victim cat /proc/loadavg | total)" 5 'whoever reads then has its own tasks counted'
ok 'which are not those of the host' [ "$(total </proc/loadavg)" -gt 20 ]
ct_stop victim
ct_stop greedy
daemon_stop
done_testing
