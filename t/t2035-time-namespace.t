#!/bin/sh
# Uptime, btime and what ps makes of them in a time namespace: as the kernel's own files say.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool burn
need_command ps uptime unshare
[ -e /proc/self/ns/time ] || skip_all 'this kernel has no time namespaces (Linux 5.6)'
diag "$(cg_describe)"
daemon_start

# own NAME COMMAND...: in the container, with the kernel's own files of /proc
own() {
	own_name=$1
	shift
	# shellcheck disable=SC2016
	ct_exec "$own_name" unshare -m sh -c 'umount /proc/uptime /proc/stat && exec "$@"' sh "$@"
}

hundredths() {
	cut -d' ' -f1 | tr -d .
}

# agree NAME TEXT: each figure of ours is between two of the kernel's
agree() {
	low=$(own "$1" cat /proc/uptime | hundredths)
	now=$(ct_exec "$1" cat /proc/uptime)
	high=$(own "$1" cat /proc/uptime | hundredths)
	between "$low" "$(echo "$now" | hundredths)" "$high" "$2: uptime is the kernel's"
	like "$now" '^[0-9]+\.[0-9][0-9] [0-9]+\.[0-9][0-9]$' "$2: the form of uptime"
	between 0 "${now##* }" "$(awk -v start="$(start_of "$1")" '{ print ($1 - start) * n + 1 }' n="$cpus" /proc/uptime)" \
		"$2: the second field is the idle time since pid 1 began"
	is "$(ct_exec "$1" awk '$1 == "btime" { print $2 }' /proc/stat)" \
		"$(own "$1" awk '$1 == "btime" { print $2 }' /proc/stat)" "$2: btime is the kernel's"
	is_near "$(date -d "$(ct_exec "$1" uptime -s)" +%s)" "$(date -d "$(own "$1" uptime -s)" +%s)" 1 "$2: uptime -s"
}

# start_of NAME: of pid 1, in seconds of the host's boot
start_of() {
	sed 's/.*) //' "/proc/$(ct_pid "$1")/stat" | awk '{ print $20 / 100 }'
}

# sums NAME TEXT: btime and uptime make now
sums() {
	ct_exec "$1" awk '$1 == "btime" { b = $2 } FILENAME == "/proc/uptime" { u = $1 } END { printf "%.2f\n", b + u }' \
		/proc/stat /proc/uptime >"$TMP/sum"
	is_near "$(cat "$TMP/sum")" "$(date +%s)" "$late" "$2: btime and uptime make now"
}

# In an emulated machine a program takes long to start.
late=2
[ -z "${EVLXCFS_TEST_VM:-}" ] || late=4

# ages NAME TEXT: ps, beside the age by the host's clock and what the cgroup used
ages() {
	age=$(awk -v start="$(start_of "$1")" '{ print $1 - start }' /proc/uptime)
	set -- "$1" "$2" $(ct_exec "$1" ps -o etimes=,pcpu= -p 1) $(own "$1" ps -o etimes=,pcpu= -p 1)
	is_near "$3" "$age" "$late" "$2: ps -o etimes is the age of pid 1"
	is_near "$3" "$5" "$late" "$2: ps -o etimes is what the kernel's files make"
	between 0.1 "$4" 100 "$2: ps -o %cpu of a process that works"
	is_near "$4" "$6" 15 "$2: ps -o %cpu is what the kernel's files make"
}

cpus=1
for offset in 86400 "-$(cut -d. -f1 /proc/uptime)" 86400,700000000 -5,300000000; do
	ct_start t cpus=0 boottime=$offset "$TOOL/burn" user 1000000
	sleep 2
	agree t "offset $offset"
	sums t "offset $offset"
	ages t "offset $offset"
	ct_stop t
done

ct_start t boottime=86400
cpus=$(getconf _NPROCESSORS_ONLN)
agree t 'a container without limits'
# A time namespace within it is not looked at: pid 1's is the container's.
up=$(ct_exec t unshare --time --boottime 1000000 --fork cut -d' ' -f1 /proc/uptime)
is_near "$up" "$(ct_exec t cut -d' ' -f1 /proc/uptime)" "$late" 'a process in another time namespace gets the same'
# A container within it has a pid namespace, and a time namespace as its pid 1 has.
up=$(ct_exec t unshare --time --boottime 1000000 --pid --fork cut -d' ' -f1 /proc/uptime)
is_near "$up" "$(awk '{ printf "%.2f\n", $1 + 1000000 }' /proc/uptime)" "$late" 'a container within it has its own'
up=$(ct_exec t unshare --time --boottime 0 --pid --fork cut -d' ' -f1 /proc/uptime)
between 0 "$up" "$late" 'and one whose namespace moves nothing is as old as its pid 1'
ct_stop t

# Its pid 1 reads before it enters the time namespace, as hooks of a runtime may.
# shellcheck disable=SC2016
ct_start t sh -c 'cut -d" " -f1 /proc/uptime >"$0.early"
	exec unshare --time --boottime 86400 --fork sh -c "sleep 0.2; cut -d\" \" -f1 /proc/uptime >$0.late; mv $0.late $0; sleep 1000"' "$TMP/when"
ok 'it reads again' wait_until test -s "$TMP/when"
between 0 "$(cat "$TMP/when.early")" 60 'before pid 1 has entered a time namespace: its age'
is_near "$(cat "$TMP/when")" "$(awk '{ printf "%.2f\n", $1 + 86400 }' /proc/uptime)" "$late" "just after: that namespace's uptime"
ct_stop t

ct_start t userns boottime=86400
agree t 'in a user namespace'
ct_stop t

# Without a cgroup of its own the rest of stat is the host's.
root_reader() {
	for cg_m in $CG_V1 $CG_V2; do
		echo 0 >"$cg_m/cgroup.procs" || return 1
	done
	exec unshare --pid --time --boottime 86400 --fork --mount-proc sh -c '
		own=$(sed -n "s/^btime //p" /proc/stat)
		mount --bind "$0/proc/stat" /proc/stat && mount --bind "$0/proc/uptime" /proc/uptime || exit
		echo "$own $(sed -n "s/^btime //p" /proc/stat) $(cut -d. -f1 /proc/uptime)"' "$MNT"
}
got=$(root_reader)
set -- ${got:-- - 0}
is "$2" "$1" 'in the root cgroup: btime'
is_near "$3" "$(awk '{ printf "%.2f\n", $1 + 86400 }' /proc/uptime)" "$late" 'in the root cgroup: uptime'

# Without a time namespace start times are the host's, and ages cannot be right.
ct_start t
is "$(ct_exec t awk '$1 == "btime" { print $2 }' /proc/stat)" "$(awk '$1 == "btime" { print $2 }' /proc/stat)" \
	"without a time namespace btime is the host's"
between 0 "$(ct_exec t cut -d' ' -f1 /proc/uptime)" "$EVLXCFS_TEST_DEADLINE" 'and uptime the age of pid 1'
ct_stop t
daemon_stop
done_testing
