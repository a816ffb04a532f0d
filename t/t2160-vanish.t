#!/bin/sh
# Every view while the container's cgroups lose their controllers, are emptied and are
# removed, one step after the other, and while that happens again and again: there is
# always something to read, never an error.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool views
diag "$(cg_describe)"

views='/proc/cpuinfo /proc/meminfo /proc/stat /proc/uptime /proc/loadavg /proc/swaps /proc/diskstats /sys/devices/system/cpu/online'
for f in /proc/slabinfo /proc/pressure/cpu /proc/pressure/io /proc/pressure/memory; do
	# Some hosts have the file and refuse to read it.
	! head -c 1 "$f" >/dev/null 2>&1 || views="$views $f"
done
diag "$views"

# all TEXT: every view can be read, once by a process that is in the container's
# namespaces and started before, from a descriptor it has and from a new one. A round
# that began before the step may end after it: two whole ones.
all() {
	rounds=$(($(cat "$TMP/rounds") + 2))
	echo >&7
	ok "$1" wait_until round_done
}

# A shell in the container that reads everything when told to. It stays where it was
# when the cgroups go, and follows its pid 1 when that is moved.
cat >"$TMP/step.sh" <<'EOT'
TMP=$1
shift
n=0
while read -r x; do
	for i in 1 2; do
		for f; do
			cat "$f" >"$TMP/text" 2>"$TMP/why" || echo "$f: $(cat "$TMP/why")" >>"$TMP/errors"
			case $f in
			*/diskstats) ;;
			*) [ -s "$TMP/text" ] || echo "$f is empty" >>"$TMP/errors" ;;
			esac
		done
	done
	n=$((n + 2))
	echo $n >"$TMP/rounds.new"
	mv "$TMP/rounds.new" "$TMP/rounds"
done
EOT

round_done() {
	[ "$(cat "$TMP/rounds")" -ge "$rounds" ]
}

errors() {
	cat "$TMP/errors" 2>/dev/null
}

# move FROM TO: every process of one cgroup to another. One that has ended by now is
# no matter.
move() {
	for pid in $(cat "$1/cgroup.procs"); do
		echo "$pid" >"$2/cgroup.procs"
	done 2>/dev/null
}

# empty DIRECTORY: nothing can start in it any more when its last process has left.
empty() {
	move "$1" "${1%/*}/refuge"
	rmdir "$1" 2>/dev/null
}

# Beside the container: cgroup2 does not let processes into a cgroup that gives its
# controllers on.
cg_mkdir "$CG_TEST"
cg_mkdir "$CG_TEST/refuge"

for options in '' --enable-cfs; do
	how=${options:-defaults}
	# shellcheck disable=SC2086
	daemon_start $options
	ct_start v mem=128M cpus=0 quota=0.9
	echo 0 >"$TMP/rounds"
	rm -f "$TMP/errors"
	mkfifo "$TMP/steps"
	# shellcheck disable=SC2086
	ct_exec v sh "$TMP/step.sh" "$TMP" $views <"$TMP/steps" >/dev/null 2>&1 &
	stepper=$!
	exec 7>"$TMP/steps"
	all "$how: everything is there"

	# cgroup2: each controller is taken from the container and from all beside it.
	for c in $CG_ENABLE; do
		echo "-$c" >"$CG_V2/$CG_TEST/cgroup.subtree_control" || diag "cannot take $c"
		all "$how: without $c"
	done
	is "$(errors)" '' "$how: no view failed while controllers were taken"

	# Every cgroup is emptied, then removed.
	while read -r d; do
		move "$d" "${d%/*}/refuge"
		all "$how: moved out of $d"
		ok "$how: $d can be removed" wait_until empty "$d"
		all "$how: it is removed"
	done <"$TMP/ct/v/cgroups"
	is "$(errors)" '' "$how: no view failed while cgroups were removed"

	# And back again, in cgroups of the same names.
	read -r cg <"$TMP/ct/v/cgroup"
	ok "$how: new cgroups of the old names" cg_mkdir "$cg"
	cg_limit "$cg" mem=64M
	all "$how: they are there"
	while read -r d; do
		move "${d%/*}/refuge" "$d"
	done <"$TMP/ct/v/cgroups"
	all "$how: pid 1 is in them"
	is "$(errors)" '' "$how: no view failed when they came again"
	exec 7>&-
	wait_until gone $stepper
	kill -KILL $stepper 2>/dev/null
	wait $stepper 2>/dev/null
	rm "$TMP/steps"
	ct_stop v
	daemon_stop
done

# All at once: three readers that never pause, while everything comes and goes.
rounds=25
[ -z "${EVLXCFS_TEST_VM:-}" ] || rounds=8
daemon_start
ct_start w mem=128M cpus=0
mkfifo "$TMP/in"
for i in 1 2 3; do
	# shellcheck disable=SC2086
	ct_exec w "$TOOL/views" $views <"$TMP/in" >"$TMP/views$i" 2>&1 &
	eval "reader$i=\$!"
done
exec 8>"$TMP/in"
# None may still be on its way into the cgroups when they go.
for i in 1 2 3; do
	ok "reader $i reads" wait_until grep -q '^ready' "$TMP/views$i"
done
read -r cg <"$TMP/ct/w/cgroup"
for round in $(seq $rounds); do
	for c in $CG_ENABLE; do
		echo "-$c" >"$CG_V2/$CG_TEST/cgroup.subtree_control" 2>/dev/null
	done
	while read -r d; do
		empty "$d"
	done <"$TMP/ct/w/cgroups"
	cg_mkdir "$cg" 2>/dev/null
	while read -r d; do
		move "${d%/*}/refuge" "$d"
	done <"$TMP/ct/w/cgroups"
done
exec 8>&-
for i in 1 2 3; do
	eval "wait_until gone \$reader$i; wait \$reader$i"
	is $? 0 "reader $i: no view failed in $rounds rounds" || diag "$(cat "$TMP/views$i")"
	like "$(cat "$TMP/views$i")" '^ok [0-9]+$' "reader $i: it read to the end"
done
ct_stop w
daemon_stop
done_testing
