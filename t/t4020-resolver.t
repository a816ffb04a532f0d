#!/bin/sh
# The helpers that find out who asks: slow ones, many, and readers that die while
# they wait. Nothing is left, and nobody else waits.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command strace unshare prlimit

total='s/^MemTotal: *\([0-9]*\).*/\1/p'
host=$(sed -n "$total" /proc/meminfo)
# The loop reads no cgroup and asks for no init: helpers do all of it.
options='--resolver=fork --cgroup-reader=helper'

descriptors() {
	ls "/proc/$1/fd" | wc -l
}
helpers() {
	cat "/proc/$1/task/$1/children"
}
no_helper() {
	[ -z "$(helpers "$1")" ]
}

# --- many, and readers that are killed meanwhile
# shellcheck disable=SC2086
daemon_start $options
worker=$(daemon_worker)
ct_start many mem=128M cpus=0
is "$(ct_exec many sed -n "$total" /proc/meminfo)" 131072 'a container'
bad=$(ct_exec many sh -c 'for i in $(seq 1 40); do
	unshare --pid --fork sed -n "$1" /proc/meminfo &
done; wait' sh "$total" | grep -cv '^131072$')
is "$bad" 0 'forty namespaces at once'
ct_exec many sh -c 'for i in $(seq 1 40); do
	unshare --pid --fork --kill-child sh -c "cat /proc/meminfo /proc/stat" >/dev/null 2>&1 &
	pid=$!
	[ $((i % 2)) = 0 ] || sleep 0.01
	kill -KILL $pid
done; wait' 2>/dev/null
is "$(ct_exec many sed -n "$total" /proc/meminfo)" 131072 'after readers were killed'
ok 'no helper is left' wait_until no_helper "$worker"
is "$(daemon_worker)" "$worker" 'the same worker'
# That takes a child, too, on v1.
between 2 "$(ct_exec many cat /proc/loadavg | sed 's|.*/\([0-9]*\) .*|\1|')" 9 'its tasks are counted'
unlike "$(cat "$DAEMON_LOG")" 'not counted' 'at once'
ct_stop many
# What is not used is forgotten after ten seconds, which are looked for every five.
fewer() {
	[ "$(descriptors "$worker")" -le "$idle" ]
}
idle=$(($(descriptors "$worker") - 1))
ok 'descriptors are given back' wait_until fewer
daemon_stop

# --- more containers than descriptors: all see themselves nonetheless
for way in '' "$options"; do
	EVLXCFS_WRAP='prlimit --nofile=80:80'
	# shellcheck disable=SC2086
	daemon_start $way
	EVLXCFS_WRAP=
	ct_start crowd mem=128M cpus=0
	: >"$TMP/crowd"
	ct_exec crowd sh -c 'for i in $(seq 1 30); do
		unshare --pid --fork --kill-child --cgroup sh -c "
			sed -n \"\$1\" /proc/meminfo
			sed -n \"\$1\" /proc/meminfo
			exec sleep 2147483647" sh "$1" &
	done; wait' sh "$total" >"$TMP/crowd" &
	all_read() {
		[ "$(wc -l <"$TMP/crowd")" = 60 ]
	}
	ok "more containers than descriptors: all read ($way)" wait_until all_read
	is "$(sort -u "$TMP/crowd")" 131072 'and see themselves' || diag "$(cat "$DAEMON_LOG")"
	ct_stop crowd
	wait $!
	daemon_stop
done

# --- who reads /proc/PID/cgroup: before Linux 6.8 that waits for a lock that a container
# can hold
# traced READER: containers of every kind are read, and which process opens what
traced() {
	rm -f "$TMP/trace"
	EVLXCFS_WRAP="strace -D -f -qq -o $TMP/trace -e trace=openat,openat2,open"
	daemon_start --resolver=fork "--cgroup-reader=$1"
	EVLXCFS_WRAP=
	of_worker="^$(daemon_worker) .*\"[0-9]+/cgroup\""
	for kind in '' nocgns hostpid 'hostpid nocgns' userns; do
		# shellcheck disable=SC2086
		ct_start read mem=128M cpus=0 $kind
		for time in 1 2 3; do
			is "$(ct_exec read sed -n "$total" /proc/meminfo)" 131072 "$1: a container ($kind), time $time"
		done
		ct_stop read
	done
	daemon_stop
}
traced helper
is "$(grep -cE "$of_worker" "$TMP/trace")" 0 'the loop itself never reads /proc/PID/cgroup'
isnt "$(grep -cE '"[0-9]+/cgroup"' "$TMP/trace")" 0 'its helpers do'
traced loop
isnt "$(grep -cE "$of_worker" "$TMP/trace")" 0 'where it may, it does'

# --- one helper for each of them, which strace holds up: who came first goes first
EVLXCFS_WRAP="strace -D -f -qq -o $TMP/trace -e trace=getppid -e inject=getppid:delay_enter=100000"
# shellcheck disable=SC2086
daemon_start $options
EVLXCFS_WRAP=
ct_start queue mem=128M cpus=0 nocgns
loops=
for i in 1 2 3; do
	ct_exec queue sh -c 'until [ -e "$1/enough" ]; do
		cat /proc/meminfo
	done' sh "$TMP" >/dev/null 2>&1 &
	loops="$loops $!"
done
sleep 0.5
first=
for i in 1 2 3 4 5 6; do
	ct_exec queue sed -n "$total" /proc/meminfo >"$TMP/first$i" 2>&1 &
	first="$first $!"
done
first_ended() {
	for p in $first; do
		gone "$p" || return 1
	done
}
ok 'readers that wait are not overtaken for ever' wait_until first_ended
for p in $loops; do
	ok 'by others that go on coming' alive "$p"
done
is "$(cat "$TMP"/first? | sort -u)" 131072 'they see themselves'
: >"$TMP/enough"
for p in $loops $first; do
	wait "$p"
done
ct_stop queue
daemon_stop

# --- slow ones: strace holds each of them up
# slow MICROSECONDS
slow() {
	EVLXCFS_WRAP="strace -D -f -qq -o $TMP/trace -e trace=setns -e inject=setns:delay_enter=$1"
	# shellcheck disable=SC2086
	daemon_start $options
	EVLXCFS_WRAP=
}
reader() {
	ct_exec "$1" sed -n "$total" /proc/meminfo >"$TMP/$2" 2>&1 &
}
slow 3000000
ct_start slow mem=128M cpus=0
reader slow host
wait $!
is "$(cat "$TMP/host")" "$host" 'past the deadline: the host'
ok 'the helper is gone' wait_until no_helper "$(daemon_worker)"
ct_stop slow
daemon_stop

slow 700000
ct_start one mem=128M cpus=0
ct_start two mem=96M cpus=0
reader two warm
wait $!
is "$(cat "$TMP/warm")" 98304 'a slow helper, but it answers'
reader one first
first=$!
sleep 0.2
reader one second
second=$!
begin=$(cut -d' ' -f1 /proc/uptime)
is "$(ct_exec two sed -n "$total" /proc/meminfo)" 98304 'another container meanwhile'
kill -TERM $(t_tree "$first") 2>/dev/null
wait "$first" 2>/dev/null
wait "$second"
is "$(cat "$TMP/second")" 131072 'one reader is interrupted, the other is answered'
diag "since $begin, now $(cut -d' ' -f1 /proc/uptime)"
# The init is killed while the answer about it is on its way, and all its processes with it.
ct_start dies mem=64M cpus=0 nobind
ct_exec dies sed -n "$total" "$MNT/proc/meminfo" >"$TMP/last" 2>&1 &
last=$!
sleep 0.2
kill -KILL "$(ct_pid dies)"
wait "$last" 2>/dev/null
is "$(grep -v '^ct:' "$TMP/last")" '' 'a reader whose init was killed meanwhile is told nothing'
is "$(ct_exec two sed -n "$total" /proc/meminfo)" 98304 'and others what they ask for'
ct_stop dies
ok 'no helper is left' wait_until no_helper "$(daemon_worker)"
ct_stop one
ct_stop two
daemon_stop
done_testing
