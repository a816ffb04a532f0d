#!/bin/sh
# A helper cannot be made, or cannot be watched by pidfd. Readers get their own figures all
# the same, and not after a time-out of seconds.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command strace

# inject CALL:WHAT: the worker's calls fail from now on, until injected_ok.
inject() {
	: >"$TMP/attached"
	strace -o "$TMP/trace" -p "$(daemon_worker)" -e "trace=${1%%:*}" -e "inject=$1" 2>"$TMP/attached" &
	tracer=$!
	wait_until grep -q attached "$TMP/attached" >/dev/null
}
# injected_ok NAME: some call failed in fact.
injected_ok() {
	kill "$tracer"
	wait "$tracer" 2>/dev/null || :
	ok "$1" grep -q INJECTED "$TMP/trace"
}
# read_in NAME CONTAINER FILE: the text in $text, and at most a second, where a reader that
# is not told waits 2 s for a resolver and 3 s for a load average.
read_in() {
	before=$(t_now)
	text=$(ct_exec "$2" cat "$3")
	between 0 "$(awk -v a="$before" -v b="$(t_now)" 'BEGIN { print b - a }')" "${EVLXCFS_TEST_VM:+1.}9" "$1: at once"
}
total() {
	sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p'
}

daemon_start --resolver=fork --cgroup-reader=helper
inject pidfd_open:error=EMFILE
for n in 1 2 3; do
	ct_start "c$n" mem=$((n * 32))M nobind
	read_in "no pidfd, container $n" "c$n" "$MNT/proc/meminfo"
	is "$(echo "$text" | total)" $((n * 32768)) "no pidfd, container $n: its own MemTotal"
done
injected_ok 'no pidfd: it was refused'
daemon_stop

daemon_start
for n in 4 5; do
	ct_start "c$n" mem=$((n * 32))M sh -c 'sleep 2147483647 & wait'
done
host=$(cut -d/ -f2 /proc/loadavg | cut -d' ' -f1)
if [ "$CG_VER_cpuacct" = 1 ]; then
	# The calls that make a process: libc's fork is clone.
	inject clone,clone3,fork,vfork:error=EAGAIN:when=1..3
	read_in 'no helper at first' c4 /proc/loadavg
	between 2 "$(echo "$text" | sed 's|.*/\([0-9]*\) .*|\1|')" 9 'no helper at first: its own tasks are counted' ||
		diag "the host has $host"
	injected_ok 'no helper at first: three were refused'
	inject pipe2:error=EMFILE:when=1..3
	read_in 'no pipe at first' c5 /proc/loadavg
	between 2 "$(echo "$text" | sed 's|.*/\([0-9]*\) .*|\1|')" 9 'no pipe at first: its own tasks are counted'
	injected_ok 'no pipe at first: three were refused'
fi
daemon_stop
done_testing
