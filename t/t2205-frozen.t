#!/bin/sh
# Tasks that the freezer of cgroup v1 stopped are in state D, but neither the kernel nor a
# container counts them as load.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool tasks
freezer=$(awk '$3 == "cgroup" && $4 ~ /(^|,)freezer(,|$)/ { print $2; exit }' /proc/mounts)
[ -n "$freezer" ] || skip_all 'needs the freezer of cgroup v1'
cold=$freezer/$CG_TEST-frozen

# What is frozen does not end.
thaw() {
	[ -d "$cold" ] || return 0
	echo THAWED >"$cold/freezer.state"
	cg_kill "$CG_TEST"
	wait_until rmdir "$cold" 2>/dev/null
}
thaw_check() {
	[ ! -d "$cold" ] || echo "cgroup left: $cold"
}
at_cleanup thaw

state_is() {
	[ "$(cat "$cold/freezer.state")" = "$1" ]
}

# counts RUNNING BLOCKED: so says stat in the container
counts() {
	seen=$(ct_exec f grep -E '^procs_(running|blocked)' /proc/stat | tr '\n' ' ')
	[ "$seen" = "procs_running $1 procs_blocked $2 " ]
}

daemon_start
# They sleep where the kernel freezes them at once, or do not.
ct_start f sh -c 'sleep 1000 & sleep 1000 & while :; do wait; done'
ct_exec f "$TOOL/tasks" busy=2 threads=3 >"$TMP/tasks" &
wait_until test -s "$TMP/tasks" || bail 'tasks'
ok 'two run' wait_until counts 2 0
mkdir "$cold"
for pid in $(cat "$(cg_path f cpuacct)/cgroup.procs"); do
	echo "$pid" >"$cold/cgroup.procs"
done 2>/dev/null
echo FROZEN >"$cold/freezer.state"
wait_until state_is FROZEN || bail 'cannot freeze them'
states=$(cat /proc/[0-9]*/status 2>/dev/null | awk -v pids=" $(tr '\n' ' ' <"$cold/cgroup.procs")" '
	$1 == "State:" { s = $2 } $1 == "Pid:" && index(pids, " " $2 " ") { print s }' | sort | uniq -c)
diag "in these states:$states"
# Linux 6.1 to 6.12 showed them in state R at first, as if they ran.
case $states in
*R*) skip_all 'this kernel shows frozen tasks as running' ;;
esac
ok 'when they are frozen nobody runs, and nobody is blocked' wait_until counts 0 0
like "$(ct_exec f cat /proc/loadavg)" ' [01]/1[0-9] ' 'all are still there'
echo THAWED >"$cold/freezer.state"
ok 'thawed, two run' wait_until counts 2 0
thaw
ct_stop f
daemon_stop
done_testing
