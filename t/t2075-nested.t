#!/bin/sh
# Containers in a container: the inner one's own cgroup counts, also where it has no cgroup
# namespace of its own but the outer one's, as Docker's have with cgroup v1.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups

total='s/^MemTotal: *\([0-9]*\).*/\1/p'
ncpu=$(grep -c '^cpu[0-9]' /proc/stat)
[ "$ncpu" -ge 2 ] || skip_all 'needs two CPUs'

# For options of the daemon: an outer container, and a cgroup in it that is smaller.
outer_start() {
	daemon_start "$@"
	ct_start outer mem=256M cpus=0-1 nest=init.scope
	outer=$(cat "$TMP/ct/outer/cgroup")
	inner=$outer/inner
	if [ -n "$CG_V2" ]; then
		# What starts it is still there.
		while read -r pid; do
			echo "$pid" >"$CG_V2/$outer/init.scope/cgroup.procs"
		done <"$CG_V2/$outer/cgroup.procs"
		cg_enable "$CG_V2/$outer"
	fi
	cg_mkdir "$inner" && cg_limit "$inner" mem=64M cpus=1 || bail "cannot make $inner"
	for m in $CG_V1 $CG_V2; do
		echo "$m/$inner"
	done >"$TMP/inner"
	# With cgroup2 no process can be where the controllers are given on.
	mkdir -p "$TMP/ct/within"
	cp "$TMP/ct/outer/pid" "$TMP/ct/within"
	sed 's|$|/init.scope|' "$TMP/ct/outer/cgroups" >"$TMP/ct/within/cgroups"
}

outer_stop() {
	cg_remove "$inner"
	ct_stop outer
	daemon_stop
}

# inner_exec UNSHARE-OPTIONS COMMAND...: there, of the outer container, with more namespaces
inner_exec() {
	cat >"$TMP/in" <<-'END'
		while read -r d; do
			echo $$ >"$d/cgroup.procs" || exit
		done <"$1"
		pid=$2
		options=$3
		shift 3
		exec nsenter -t "$pid" -m -C -p -- unshare $options --fork -- "$@"
	END
	sh "$TMP/in" "$TMP/inner" "$(ct_pid outer)" "$@"
}

sees() {
	inner_exec "$1" sh -c '
		echo "$(sed -n "$1" /proc/meminfo) $(grep "^cpu[0-9]" /proc/stat | cut -d" " -f1) $(
			cat /sys/devices/system/cpu/online)"' sh "$total"
}

for options in '' '--resolver=fork --cgroup-reader=helper'; do
	# shellcheck disable=SC2086
	outer_start $options
	is "$(ct_exec within sed -n "$total" /proc/meminfo)" 262144 "${options:-as it is}: the outer one"
	is "$(sees --pid)" '65536 cpu1 1' "${options:-as it is}: a pid namespace within: its own cgroup"
	is "$(sees '--pid --cgroup')" '65536 cpu1 1' "${options:-as it is}: with a cgroup namespace: the same"
	is "$(inner_exec '--pid --cgroup' unshare --pid --fork sed -n "$total" /proc/meminfo)" 65536 \
		"${options:-as it is}: one in that, which shares it"
	is "$(ct_exec within unshare --pid --fork sed -n "$total" /proc/meminfo)" 262144 \
		"${options:-as it is}: a pid namespace in the outer one's cgroup"
	is "$(ct_exec within sed -n "$total" /proc/meminfo)" 262144 "${options:-as it is}: the outer one again"
	outer_stop
done
done_testing
