#!/bin/sh
# A cpuset partition (cgroup v2) that gave all its CPUs to one below it: no CPU is left
# that is effective in the container's cgroup, and it has its own all the same.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
[ "$(cg_version cpuset)" = 2 ] || skip_all 'partitions are of cgroup v2'
# The root keeps the others.
last=$(sed 's/.*[-,]//' /sys/devices/system/cpu/online)
[ "$last" != 0 ] || skip_all 'takes two CPUs'

daemon_start
ct_start a mem=128M cpus="$last" nest=payload
cg=$(cg_path a cpuset)
[ -e "$cg/cpuset.cpus.partition" ] || skip_all 'this kernel has no partitions'

sees() {
	is "$(ct_exec a cat /sys/devices/system/cpu/online)" "$last" "$1: online"
	is "$(ct_exec a grep -c ^processor /proc/cpuinfo)" 1 "$1: cpuinfo"
	is "$(ct_exec a sed -n 's/^cpu\([0-9]\{1,\}\) .*/\1/p' /proc/stat)" "$last" "$1: stat"
}

# partition DIRECTORY
partition() {
	echo "$last" >"$1/cpuset.cpus"
	echo root >"$1/cpuset.cpus.partition"
	is "$(cat "$1/cpuset.cpus.partition")" root "$(basename "$1") is one"
}

sees 'no partition'
partition "${cg%/*}"
partition "$cg"
sees 'a partition'
while read -r pid; do
	echo "$pid" >"$cg/payload/cgroup.procs"
done <"$cg/cgroup.procs"
sed 's|$|/payload|' "$TMP/ct/a/cgroups" >"$TMP/cgroups"
cp "$TMP/cgroups" "$TMP/ct/a/cgroups"
echo +cpuset >"$cg/cgroup.subtree_control"
sees 'a member below it'
partition "$cg/payload"
is "$(cat "$cg/cpuset.cpus.effective")" '' 'which takes all'
sees 'a partition below it'
daemon_stop
done_testing
