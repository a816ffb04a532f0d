#!/bin/sh
# Limits at every level of the tree: the lowest counts, wherever above the container it
# is; one below the container's own cgroup does not.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
[ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ] || skip_all 'needs two CPUs'
diag "$(cg_describe)"

total() {
	ct_exec n sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo
}

cpus() {
	ct_exec n grep -c '^cpu[0-9]' /proc/stat
}

# Three levels that are limited: the test's cgroup, one below it, and the container's.
top=$CG_TEST
middle=$CG_TEST/n-outer
daemon_start
ct_start n outer_mem=96M mem=256M nest=init.scope
cg_limit "$top" mem=512M
is "$(total)" 98304 'memory: the lowest is in the middle'
cg_limit "$middle" mem=384M
is "$(total)" 262144 'memory: then at the bottom'
cg_limit "$top" mem=80M
is "$(total)" 81920 'memory: then at the top'
cg_limit "$top" mem=8388608G
is "$(total)" 262144 'memory: none at the top'

# pid 1 sits in a cgroup of the container's own making, which is its business.
inner=$(cg_path n memory)/init.scope
if [ "$(cg_version memory)" = 1 ]; then
	echo 67108864 >"$inner/memory.limit_in_bytes"
	is "$(total)" 262144 "memory: the limit of a cgroup inside the container is not the container's"
fi

# What a sibling uses in the middle is not the container's.
used() {
	ct_exec n awk '$1 == "MemTotal:" { t = $2 } $1 == "MemFree:" { print t - $2 }' /proc/meminfo
}
low=$(($(cg_mem_used n) / 1024))
is_near "$(used)" $low 4096 "memory: used is the container's own"
ct_stop n
daemon_stop

daemon_start --enable-cfs
# v1 refuses a quota above the parent's, so that the bottom has none.
ct_start n cpus=0-1
cg_limit "$top" quota=2
is "$(cpus)" 2 'quota: of two at the top'
ct_stop n
ct_start n outer_quota=0.5 cpus=0-1
is "$(cpus)" 1 'quota: the lowest is in the middle'
cg_limit "$middle" quota=1.5
is "$(cpus)" 2 'quota: raised'
cg_set n quota=0.7
is "$(cpus)" 1 'quota: then at the bottom'
cg_set n quota=max
cg_limit "$middle" quota=max
cg_limit "$top" quota=1
is "$(cpus)" 1 'quota: then at the top'
cg_limit "$top" quota=max
is "$(cpus)" 2 'quota: none'
ct_stop n
daemon_stop
done_testing
