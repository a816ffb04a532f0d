# Test library: what a supervised service goes through. After lib.sh, in a test that sets MNT and
# DAEMON_LOG and defines
#
#	service_pid		prints the pid of the process that the supervisor knows
#	service_do WHAT		tells the supervisor to up, down or upgrade it
#
# life NAME			some fifteen assertions on a service that was started

serves() {
	[ "$(head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
}

# worker PID: its child
worker() {
	for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		echo "$child"
	done
}

ended() {
	gone "$1" && ! is_mounted "$MNT"
}

other_than() {
	SERVICE_PID=$(service_pid)
	[ -n "$SERVICE_PID" ] && [ "$SERVICE_PID" != "$1" ]
}

worker_is_other() {
	[ -n "$(worker "$1")" ] && [ "$(worker "$1")" != "$2" ]
}

life() {
	ok "$1: it serves" wait_until serves
	SERVICE_PID=$(service_pid)
	is "$(cat "/proc/$SERVICE_PID/comm")" evlxcfs "$1: the supervisor knows the keeper"

	before=$(worker "$SERVICE_PID")
	exec 3<"$MNT/proc/meminfo"
	kill -KILL "$before"
	is "$(head -c 8 <&3)" MemTotal "$1: the worker is killed: a file that is open can be read"
	is "$(worker_is_other "$SERVICE_PID" "$before" && service_pid)" "$SERVICE_PID" "$1: by another worker of the same keeper"
	exec 3<&-

	before=$(worker "$SERVICE_PID")
	exec 3<"$MNT/proc/meminfo"
	service_do upgrade
	ok "$1: upgrade: another worker" wait_until worker_is_other "$SERVICE_PID" "$before"
	is "$(head -c 8 <&3)" MemTotal "$1: a file that is open can be read"
	is "$(service_pid)" "$SERVICE_PID" "$1: nothing was started anew"
	exec 3<&-

	kill -KILL "$SERVICE_PID"
	ok "$1: the keeper is killed: started again" wait_until other_than "$SERVICE_PID"
	SERVICE_PID=$(service_pid)
	ok "$1: it serves again" wait_until serves
	is "$(mount_count "$MNT")" 1 "$1: with one mount"

	service_do down
	ok "$1: stopped: unmounted and ended" wait_until ended "$SERVICE_PID"
	service_do up
	ok "$1: started once more" wait_until serves
	SERVICE_PID=$(service_pid)
	service_do down
	ok "$1: and stopped" wait_until ended "$SERVICE_PID"
	unlike "$(cat "$DAEMON_LOG")" 'cannot|No such' "$1: nothing to complain of"
}
