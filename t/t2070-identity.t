#!/bin/sh
# Who asks: the container is the root of pid 1's cgroup namespace, whatever
# corner of the container the reader sits in.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool fsop
daemon_start

total='s/^MemTotal: *\([0-9]*\).*/\1/p'
host=$(sed -n "$total" /proc/meminfo)

is "$(sed -n "$total" "$MNT/proc/meminfo")" "$host" "the host's reader"

ct_start plain mem=256M cpus=0
ct_start other mem=96M cpus=0
is "$(ct_exec plain sed -n "$total" /proc/meminfo)" 262144 'a container'

# The same reader with other namespaces and cgroups.
is "$(ct_join plain sed -n "$total" "$MNT/proc/meminfo")" 262144 \
	"a process of the host's namespaces in the cgroup of a container: its own cgroup"
is "$(ct_join other nsenter -t "$(ct_pid plain)" -p -m -- unshare --cgroup sed -n "$total" /proc/meminfo)" 98304 \
	'another cgroup namespace in the same pid namespace, as in a pod: its own'
is "$(ct_exec plain unshare --pid --fork sed -n "$total" /proc/meminfo)" 262144 'a pid namespace inside the container'
is "$(ct_exec plain unshare --pid --fork --cgroup sed -n "$total" /proc/meminfo)" 262144 'with a cgroup namespace'
is "$(ct_exec plain "$TOOL/fsop" thread /proc/meminfo | sed -n "$total")" 262144 'a thread whose leader has ended'
is "$(ct_exec plain sh -c 'setsid sh -c "sed -n \"\$1\" /proc/meminfo" sh "$1"' sh "$total")" 262144 'another session'
is "$(ct_exec plain setpriv --reuid=65534 --regid=65534 --clear-groups sed -n "$total" /proc/meminfo)" 262144 'another user'
is "$(ct_exec plain unshare --user sed -n "$total" /proc/meminfo)" 262144 'a user namespace inside'
ct_exec plain sh -c '(sleep 0.3; sed -n "$1" /proc/meminfo >"$2.new"; mv "$2.new" "$2") &' sh "$total" "$TMP/orphan"
ok 'an orphan' wait_until test -e "$TMP/orphan"
is "$(cat "$TMP/orphan")" 262144 'sees the container'

# The files do not depend on the way they are reached.
is "$(ct_exec plain sed -n "$total" /proc/1/root/proc/meminfo)" 262144 'by way of /proc/1/root'
is "$(sed -n "$total" "/proc/$(ct_pid plain)/root/proc/meminfo")" "$host" "the host reading the container's file sees the host"

# Cgroups inside the container.
limit() {
	if [ "$(cg_version memory)" = 2 ]; then
		echo "$2" >"$1/memory.max"
	else
		echo "$2" >"$1/memory.limit_in_bytes"
	fi
}
if [ "$(cg_version memory)" = 1 ]; then
	# On cgroup2 the container would have to be empty of processes for this.
	mkdir "$(cg_path plain memory)/service"
	limit "$(cg_path plain memory)/service" $((64 * 1048576))
	is "$(ct_exec plain sh -c 'echo $$ >"$1/cgroup.procs" && exec sed -n "$2" /proc/meminfo' sh \
		"$(cg_path plain memory)/service" "$total")" 262144 'a service with a limit of its own sees the container'
fi
ct_stop plain
ct_stop other

ct_start sysd mem=256M cpus=0 nest=init.scope
is "$(ct_exec sysd sed -n "$total" /proc/meminfo)" 262144 'pid 1 in init.scope, the reader not'
# The same container, entered by another cgroup.
mkdir "$TMP/ct/inside"
cp "$TMP/ct/sysd/pid" "$TMP/ct/inside/pid"
sed 's|$|/init.scope|' "$TMP/ct/sysd/cgroups" >"$TMP/ct/inside/cgroups"
is "$(ct_exec inside sed -n "$total" /proc/meminfo)" 262144 'pid 1 in init.scope and the reader too'
ct_stop sysd

ct_start sysd2 mem=256M cpus=0 nest=init.scope nocgns
is "$(ct_exec sysd2 sed -n "$total" /proc/meminfo)" 262144 'init.scope without a cgroup namespace'
ct_stop sysd2

ct_start nocg mem=128M cpus=0 nocgns
is "$(ct_exec nocg sed -n "$total" /proc/meminfo)" 131072 'no cgroup namespace'
is "$(ct_exec nocg grep -c '^processor' /proc/cpuinfo)" 1 'no cgroup namespace: CPUs'
ct_stop nocg

ct_start hostpid mem=128M cpus=0 hostpid
is "$(ct_exec hostpid sed -n "$total" /proc/meminfo)" 131072 "the host's pid namespace, a cgroup of its own"
is "$(ct_exec hostpid grep -c '^cpu[0-9]' /proc/stat)" 1 "the host's pid namespace: CPUs"
ct_stop hostpid

ct_start bare mem=128M cpus=0 hostpid nocgns
is "$(ct_exec bare sed -n "$total" /proc/meminfo)" 131072 'neither'
ct_stop bare

# init moves to another cgroup while it runs.
ct_start moved mem=128M cpus=0 nocgns
ct_start target mem=80M cpus=0 nocgns
is "$(ct_exec moved sed -n "$total" /proc/meminfo)" 131072 'before it is moved'
for m in $CG_V1 $CG_V2; do
	ct_pid moved >"$m/$(cat "$TMP/ct/target/cgroup")/cgroup.procs"
done
cp "$TMP/ct/target/cgroups" "$TMP/ct/moved/cgroups"
sees_target() {
	[ "$(ct_exec moved sed -n "$total" /proc/meminfo)" = 81920 ]
}
# Where the kernel makes it dear to look, it is looked at once a second.
ok 'after all of it was moved' wait_until sees_target
ct_stop moved
ct_stop target
daemon_stop
done_testing
