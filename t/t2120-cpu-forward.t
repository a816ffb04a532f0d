#!/bin/sh
# No counter of stat or uptime ever goes back for a reader, whatever happens to the
# container's CPUs and quota meanwhile.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool forward burn
[ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ] || skip_all 'needs two CPUs'
diag "$(cg_describe)"

# The kernel patches its code when the first quota is set and when the last one goes. An
# emulated machine whose CPUs are busy can die of that: one that stays keeps it from it.
cg_mkdir "$CG_TEST"
cg_mkdir "$CG_TEST/quota"
cg_limit "$CG_TEST/quota" quota=1

rounds=8
[ -z "${EVLXCFS_TEST_VM:-}" ] || rounds=4

# start NAME COMMAND...: in the container, with an input that ends with fd 8
start() {
	start_name=$1
	shift
	ct_exec f "$@" <"$TMP/in" >"$TMP/$start_name" 2>&1 &
	eval "pid_$start_name=\$!"
}

# settle NAME LEAST: it ended by itself, and saw at least that many sets of lines
settle() {
	eval "wait_until gone \$pid_$1; wait \$pid_$1"
	is $? 0 "$how: $1: no counter goes back" || diag "$(cat "$TMP/$1")"
	diag "$how: $1: $(head -n 1 "$TMP/$1")"
	between "$2" "$(sed -n 's/^ok .* readings \([0-9]*\) sets/\1/p' "$TMP/$1")" 64 "$how: $1: while its lines came and went"
}

# What moves. Two at a time, so that there is always a change between two readings of
# which the daemon did not see the middle.
moves='
cpus=0 quota=0.5
cpus=1 quota=max
cpus=0-1 quota=1.5
cpus=1 quota=0.3
cpus=0 quota=1
cpus=0-1 quota=0.7
cpus=0-1 quota=max
cpus=0-1 quota=1.01
'

for options in '' --enable-cfs; do
	how=${options:-without --enable-cfs}
	# shellcheck disable=SC2086
	daemon_start $options
	ct_start f cpus=0-1
	mkfifo "$TMP/in"
	start stat "$TOOL/forward" stat /proc/stat
	start again "$TOOL/forward" stat /proc/stat
	start uptime "$TOOL/forward" uptime /proc/uptime
	exec 8>"$TMP/in"
	ct_exec f "$TOOL/burn" user 100000000 8>&- &
	user=$!
	ct_exec f "$TOOL/burn" sys 100000000 8>&- &
	system=$!
	for round in $(seq $rounds); do
		echo "$moves" | while read -r a b; do
			[ -z "$a" ] || cg_set f "$a" "$b" || echo "$a $b" >>"$TMP/refused"
		done
	done
	# Idle again, for the claims of CPUs that had none.
	kill -KILL $user $system
	wait $user $system 2>/dev/null
	for cpus in 0 1 0-1; do
		cg_set f cpus=$cpus quota=max
		sleep 0.3
	done
	exec 8>&-
	# Physical numbers: 0, 1, both. Numbered from 0: one or two.
	sets=3
	[ -z "$options" ] || sets=2
	settle stat $sets
	settle again $sets
	settle uptime 1
	is "$(cat "$TMP/refused" 2>/dev/null)" '' "$how: every change was made"
	rm "$TMP/in"
	ct_stop f
	daemon_stop
done
done_testing
