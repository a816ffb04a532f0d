#!/bin/sh
# The load average of a container that was at work before anybody read it: what the kernel's formula
# has come to since pid 1 began.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool tasks
diag "$(cg_describe)"
daemon_start

# age NAME: of its pid 1, in seconds
age() {
	awk -v start="$(sed 's/.*) //' "/proc/$(ct_pid "$1")/stat" | cut -d' ' -f20)" \
		'{ printf "%.2f\n", $1 - start / 100 }' /proc/uptime
}

old_enough() {
	[ "$(age "$1" | cut -d. -f1)" -ge "$2" ]
}

# read_when NAME SECONDS: its loadavg at that age, in LINE; LOW and HIGH are its age before and
# after. RUNNING tasks is what it says runs: the reader's launcher may be among them on a machine
# that is slow or has much to do.
read_when() {
	wait_until old_enough "$1" "$2"
	LOW=$(age "$1")
	LINE=$(ct_exec "$1" cat /proc/loadavg)
	HIGH=$(age "$1")
	RUNNING=$(echo "$LINE" | sed 's/.* \([0-9]*\)\/.*/\1/')
}

# averages LEAST MOST NAME: LINE has n * (1 - e^(-age / tau)) of at least LEAST tasks at the age of
# LOW and at most MOST at that of HIGH, within 2 % and the digits that are shown
averages() {
	for tau in 60 300 900; do
		between "$(awk "BEGIN { print $1 * (1 - exp(-$LOW / $tau)) * 0.98 - 0.01 }")" \
			"$(echo "$LINE" | cut -d' ' -f$((tau == 60 ? 1 : tau == 300 ? 2 : 3)))" \
			"$(awk "BEGIN { print $2 * (1 - exp(-$HIGH / $tau)) * 1.02 + 0.01 }")" "$3: the average over $tau s"
	done
}

ct_start one "$TOOL/tasks" busy=1
ct_start many "$TOOL/tasks" busy=1 block=40
ct_start none
read_when none 1
averages "$RUNNING" "$RUNNING" 'a container that does nothing'
read_when many 5
between 1 "$RUNNING" 3 'one runs'
averages $((40 + RUNNING)) $((40 + RUNNING)) 'at 5 s one that runs and 40 that are blocked'
# Its averages begin when stat is read, and move on every 5 s and a little from then on.
ct_exec one grep procs_running /proc/stat >/dev/null
read_when one 28
LOW=$(awk "BEGIN { print $LOW - 6 }")
averages 1 2 'at 28 s one that runs, counted since stat was read'
ct_stop one
ct_start late "$TOOL/tasks" busy=1
read_when late 28
between 1 "$RUNNING" 2 'one runs'
averages "$RUNNING" "$RUNNING" 'at 28 s one that runs, never counted'
for name in late many none; do
	ct_stop $name
done
daemon_stop
done_testing
