#!/bin/sh
# loadavg, and the task counts of stat: the container's own.
# EVLXCFS_TEST_LONG=1 also waits until a container that does not read is left alone.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool tasks loadlog
daemon_start

# Tasks are counted when the time since boot is a multiple of 5 s. What a test starts in a
# container shall not be among them.
between_counts() {
	read -r now_s now_rest </proc/uptime
	case $((${now_s%%.*} % 5)) in
	1 | 2) ;;
	*) return 1 ;;
	esac
}

load() {
	wait_until between_counts
	ct_exec "$1" cat /proc/loadavg
}

# settled NAME: pid 1 has become what it is to be, and sleeps
settled() {
	read -r comm 2>/dev/null <"/proc/$(ct_pid "$1")/comm" && [ "$comm" = sleep ] &&
		grep -q '^State:.S' "/proc/$(ct_pid "$1")/status"
}

# averages NAME: the three of them
averages() {
	load "$1" | cut -d' ' -f1-3
}

# tasks_start NAME KIND=N... : returns when they are there
tasks_start() {
	t_ct=$1
	shift
	: >"$TMP/tasks-$t_ct"
	ct_exec "$t_ct" "$TOOL/tasks" "$@" >"$TMP/tasks-$t_ct" 2>&1 &
	wait_until test -s "$TMP/tasks-$t_ct" || bail "tasks $* in $t_ct"
}

# tasks_pids NAME: processes of the program there
tasks_pids() {
	for t_pid in $(cat "$(cg_path "$1" cpuacct)/cgroup.procs"); do
		read -r t_comm 2>/dev/null <"/proc/$t_pid/comm" && [ "$t_comm" = tasks ] && echo "$t_pid"
	done
}

tasks_none() {
	[ -z "$(tasks_pids "$1")" ]
}

tasks_stop() {
	kill -KILL $(tasks_pids "$1")
	wait_until tasks_none "$1"
}

# --- the first read ---

ct_start idle
first=$(load idle)
like "$first" '^0\.00 0\.00 0\.00 [0-9]+/[0-9]+ [0-9]+$' 'a container that does nothing'
# pid 1, the reader, and the program that put it there.
between 2 "$(echo "$first" | sed 's/.*\///; s/ .*//')" 4 'its tasks'

ct_start busy
tasks_start busy busy=2 block=20 threads=30
first=$(load busy)
like "$first" '^[0-9.]+ [0-9.]+ [0-9.]+ 2/[0-9]+ [0-9]+$' 'the first read counts the tasks that are there'
# Besides: pid 1, tasks itself, two busy processes, one for each that is blocked with its vfork
# child, the reader and two launchers.
between 74 "$(echo "$first" | sed 's/.*\///; s/ .*//')" 78 'all its tasks'
is "$(ct_exec busy grep -E '^procs_(running|blocked)' /proc/stat | tr '\n' ' ')" \
	'procs_running 2 procs_blocked 20 ' 'stat has the same counts'
like "$(load idle)" '^0\.00 0\.00 0\.00 0/' 'the other container has its own'

ct_start other
wait_until settled other
is "$(ct_exec other grep -E '^procs_(running|blocked)' /proc/stat | tr '\n' ' ')" \
	'procs_running 0 procs_blocked 0 ' 'stat can be read first'
ct_stop other

# --- the last pid ---

pids=$(ct_exec idle sh -c 'echo $$; read -r load </proc/loadavg; echo "${load##* }"')
is "$(echo $pids)" "$(echo "$pids" | head -n 1) $(echo "$pids" | head -n 1)" \
	'the last pid is that of a reader that was just started, as it is inside'
last=$(load idle | sed 's/.* //')
between "$((last + 1))" "$(ct_exec idle sh -c 'sleep 0; cat /proc/loadavg' | sed 's/.* //')" "$((last + 20))" \
	'it advances with what is started'

# --- a view that is not the host's, and one that is ---

ok 'uptime reads it' ct_exec busy uptime
like "$(ct_exec busy uptime)" 'load average: [0-9]+\.[0-9][0-9], [0-9]+\.[0-9][0-9], [0-9]+\.[0-9][0-9]' 'uptime shows it'

# --- decay ---

# One process reads, which is next to no load itself.
before=$(load busy | cut -d' ' -f1)
tasks_stop busy
: >"$TMP/log"
ct_exec busy "$TOOL/loadlog" 100000 5</proc/loadavg >"$TMP/log" 2>&1 &
periods() {
	[ "$(awk '{ print int($1 / 5) }' "$TMP/log" | sort -u | wc -l)" -ge 4 ]
}
wait_until periods
# The last reading in each whole period but the one in which the tasks ended.
steps=$(awk '
	int($1 / 5) != at {
		if (at && ++n > 2) {
			d = value - last * 1884 / 2048
			print (d < 0.021 && d > -0.021 ? "good" : value " after " last)
		}
		last = value
		at = int($1 / 5)
	}
	{ value = $3 }' "$TMP/log")
like "$steps" '^good$' 'it decays'
is "$(echo "$steps" | grep -v '^good$')" '' 'by the formula'
now=$(tail -n 1 "$TMP/log" | cut -d' ' -f3)
between "$(awk "BEGIN { print $before / 4 }")" "$now" "$before" 'from what it was'

# --- what outlives the worker ---

worker=$(daemon_pids | sed -n 2p)
kill -KILL "$worker"
wait_until gone "$worker"
# A container that nothing was known of would show that nobody runs.
between "$(awk "BEGIN { print $now / 2 }")" "$(load busy | cut -d' ' -f1)" "$now" 'the next worker goes on with it'

# --- ending ---

switches() {
	for pid in $(daemon_pids); do
		sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' /proc/"$pid"/task/*/status
	done | awk '{ n += $1 } END { print n }'
}

# No wakeup in longer than a period.
quiet() {
	before=$(switches)
	sleep 6
	[ "$(switches)" = "$before" ]
}

nok 'a container that has read is counted' quiet
ct_stop busy
if [ -n "${EVLXCFS_TEST_LONG:-}" ]; then
	load idle >"$TMP/before"
	sleep 310
	ok 'a container that does not read is left alone' wait_until quiet
	like "$(load idle)" '^0\.0[0-9] 0\.0[0-9] 0\.0[0-9] 0/' 'and can read again'
fi
ct_stop idle
ok 'with the containers ends the counting' wait_until quiet
is "$(daemon_pids | wc -l | awk '{ print $1 <= 2 }')" 1 'no helper is left'
daemon_stop

# --- switched off ---

daemon_start --disable-loadavg
ct_start plain
tasks_start plain block=2
same() {
	host=$(cut -d' ' -f1-3 /proc/loadavg)
	[ "$(averages plain)" = "$host" ]
}
ok '--disable-loadavg: the host'\''s' wait_until same
ct_stop plain
daemon_stop

daemon_start --enable-loadavg
ct_start plain
like "$(load plain)" '^0\.00 0\.00 0\.00 0/' '--enable-loadavg: the container'\''s'
ct_stop plain
daemon_stop
done_testing
