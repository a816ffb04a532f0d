#!/bin/sh
# The helpers that find out who asks: slow ones, many, and readers that die while
# they wait. Nothing is left, and nobody else waits.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command strace unshare

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
ct_stop many
# What is not used is forgotten after ten seconds, which are looked for every five.
fewer() {
	[ "$(descriptors "$worker")" -le "$idle" ]
}
idle=$(($(descriptors "$worker") - 1))
ok 'descriptors are given back' wait_until fewer
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
ok 'no helper is left' wait_until no_helper "$(daemon_worker)"
ct_stop one
ct_stop two
daemon_stop
done_testing
