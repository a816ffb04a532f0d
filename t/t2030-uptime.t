#!/bin/sh
# uptime counts from the start of the container's pid 1.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command uptime
daemon_start

up() {
	ct_exec "$1" cut -d' ' -f1 /proc/uptime
}

host_up() {
	cut -d' ' -f1 /proc/uptime
}

calc() {
	awk "BEGIN { printf \"%.2f\n\", $1 }"
}

# Field 22 of stat, counted after the command's closing parenthesis.
started() {
	sed 's/.*) //' "/proc/$(ct_pid "$1")/stat" | awk '{ printf "%.2f\n", $20 / 100 }'
}

# check NAME TEXT
check() {
	low=$(host_up)
	now=$(up "$1")
	high=$(host_up)
	start=$(started "$1")
	between "$(calc "$low - $start - 0.02")" "$now" "$(calc "$high - $start + 0.02")" "$2"
}

before=$(host_up)
ct_start young cpus=0
between 0 "$(up young)" "$(calc "$(host_up) - $before + 0.02")" 'a new container is young'
check young 'to the hundredth of a second'
like "$(ct_exec young cat /proc/uptime)" '^[0-9]+\.[0-9][0-9] [0-9]+\.[0-9][0-9]$' 'the form of the file'
first=$(up young)
sleep 1.5
check young 'and later'
between 1.45 "$(calc "$now - $first")" "$EVLXCFS_TEST_DEADLINE" 'it advances'

ct_start younger cpus=0
check younger 'a second container has its own'
check young 'the first one keeps its own'
between 1.45 "$(calc "$(up young) - $(up younger)")" "$EVLXCFS_TEST_DEADLINE" 'the difference is their age'

# Idle: at most the age times the CPUs, at least that without what was used.
set -- $(ct_exec young cat /proc/uptime)
used=$(cg_cpu_usec young)
between "$(calc "$1 - $used / 1000000 - 0.05")" "$2" "$(calc "$1 + 0.02")" 'idle is the age less what was used'

like "$(ct_exec young uptime -p)" '^up( 0 min| [0-9] minutes?|)' 'uptime -p'

# Nobody reads for a while, and a new pid each time.
for i in 1 2 3; do
	sleep 0.3
	check young "reading number $i"
done
is "$(calc "$(head -c 4096 "$MNT/proc/uptime" | cut -d' ' -f1) - $(host_up) < 0.5")" 1.00 "the host's reader gets the host's"
ct_stop young
ct_stop younger
daemon_stop
done_testing
