#!/bin/sh
# Which cgroup is the container's: the root of its cgroup namespace, wherever its
# pid 1 has gone; without such a namespace pid 1's, less what systemd adds.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
daemon_start

total='s/^MemTotal: *\([0-9]*\).*/\1/p'
sees() {
	ct_exec "$1" sed -n "$total" /proc/meminfo
}

# move NAME DIRECTORY: pid 1 into a cgroup, given relative to the hierarchies' roots.
move() {
	for m in $CG_V1 $CG_V2; do
		mkdir -p "$m/$2" || return 1
		if [ "$CG_VER_cpuset" = 1 ] && [ "$m" = "$CG_DIR_cpuset" ]; then
			fill_cpuset "$m/$2" || return 1
		fi
		ct_pid "$1" >"$m/$2/cgroup.procs" || return 1
	done
}

# A new cpuset of v1 is empty, and takes nobody: from the nearest ancestor that is not.
fill_cpuset() {
	[ -z "$(cat "$1/cpuset.cpus")" ] || [ -z "$(cat "$1/cpuset.mems")" ] || return 0
	fill_cpuset "${1%/*}" || return 1
	for f in cpuset.mems cpuset.cpus; do
		[ -n "$(cat "$1/$f")" ] || cat "${1%/*}/$f" >"$1/$f" || return 1
	done
}

# Readers of a container that was read before are told what is known at first,
# where looking is dear.
sees_soon() {
	[ "$(sees "$1")" = "$2" ]
}

# Each layout, with pid 1 already there at the first read.
for layout in bare init.scope system.slice payload/app openrc.init a/b/c; do
	ct_start one mem=128M cpus=0
	cg=$(cat "$TMP/ct/one/cgroup")
	[ "$layout" = bare ] || ok "$layout: pid 1 goes there" move one "$cg/$layout"
	is "$(sees one)" 131072 "$layout: the container"
	is "$(ct_exec one grep -c '^processor' /proc/cpuinfo)" 1 "$layout: its CPUs"
	ct_stop one
done

# The same while it runs and is known.
ct_start runs mem=128M cpus=0
cg=$(cat "$TMP/ct/runs/cgroup")
is "$(sees runs)" 131072 'before pid 1 moves'
for to in init.scope x/y; do
	move runs "$cg/$to"
	is "$(sees runs)" 131072 "pid 1 in /$to"
done
cg_mkdir "$CG_TEST/outside"
cg_limit "$CG_TEST/outside" mem=64M cpus=0
move runs "$CG_TEST/outside"
is "$(sees runs)" 131072 'pid 1 outside of its namespace'
ct_stop runs

# Outside before anybody read: whoever is inside tells what the container is.
ct_start out mem=128M cpus=0
move out "$CG_TEST/outside"
is "$(sees out)" 131072 'pid 1 outside from the beginning'
ct_stop out

# Nobody inside: who reads is where they are.
ct_start gone mem=128M cpus=0
move gone "$CG_TEST/outside"
for m in $CG_V1 $CG_V2; do
	echo "$m/$CG_TEST/outside"
done >"$TMP/ct/gone/cgroups"
# What starts in a container can read /sys, and so make it known: that is forgotten when
# nobody has read for ten seconds, looked at every five.
sleep 17
is "$(sees gone)" 65536 'pid 1 and the reader outside'
ct_stop gone

# All move outside, and the cgroup that was theirs is removed: who reads all the time is
# told where they are, too.
ct_start lost mem=128M cpus=0
is "$(sees lost)" 131072 'before all move'
cg=$(cat "$TMP/ct/lost/cgroup")
move lost "$CG_TEST/outside"
for m in $CG_V1 $CG_V2; do
	echo "$m/$CG_TEST/outside"
done >"$TMP/ct/lost/cgroups"
cg_remove "$cg"
ok 'all outside, and their cgroup removed' wait_until sees_soon lost 65536
ct_stop lost

# The reader outside, pid 1 inside: pid 1 tells.
ct_start half mem=128M cpus=0
for m in $CG_V1 $CG_V2; do
	echo "$m/$CG_TEST/outside"
done >"$TMP/ct/half/cgroups"
is "$(sees half)" 131072 'the reader outside, pid 1 inside'
ct_stop half

# Without a cgroup namespace.
for layout in bare init.scope system.slice; do
	ct_start none mem=128M cpus=0 nocgns
	cg=$(cat "$TMP/ct/none/cgroup")
	[ "$layout" = bare ] || ok "no namespace, $layout: pid 1 goes there" move none "$cg/$layout"
	is "$(sees none)" 131072 "no namespace, $layout: the container"
	ct_stop none
done
ct_start none mem=128M cpus=0 nocgns
is "$(sees none)" 131072 'no namespace: before pid 1 moves'
move none "$CG_TEST/outside"
sed -i "s|[^/]*\$|outside|" "$TMP/ct/none/cgroups"
ok 'no namespace: the container goes where pid 1 goes' wait_until sees_soon none 65536
ct_stop none

# pid 1 makes itself a cgroup namespace while it runs; so far it had the host's.
cat >"$TMP/late" <<'end'
echo >"$1/here"
while ! [ -e "$1/now" ]; do sleep 0.05; done
exec unshare --cgroup sh -c 'echo >"$1/done"; exec sleep 2147483647' sh "$1"
end
ct_start late mem=128M cpus=0 nocgns sh "$TMP/late" "$TMP"
is "$(sees late)" 131072 'pid 1 in the host'"'"'s cgroup namespace'
: >"$TMP/now"
wait_until test -e "$TMP/done"
is "$(sees late)" 131072 'and in its own, which it made later'
ct_stop late
cg_remove "$CG_TEST/outside"
daemon_stop
done_testing
