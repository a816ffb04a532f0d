#!/bin/sh
# Workers that die of their own faults, or stop getting on, under the same readers.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool vigil crash fsop
fault_daemon

# round NAME: readers for a while on the daemon as it is.
round() {
	fleet_start "$time"
	sleep "$time"
	fleet_check "$1"
}

daemon_start --watchdog=1
fleet_make
time=$(seconds 5 15)
fleet_start "$time"
crash 11 "$(seconds 100 3000)" $((time - 1))
between 4 "$CRASHES" 100000 "$CRASHES workers ended by SIGSEGV"
fleet_check SIGSEGV

# Each is noticed after a second at most; without the watchdog the readers would
# wait for ever.
fleet_start "$((time + 3))"
crash 19 1500 $((time + 2))
between 2 "$CRASHES" 100000 "$CRASHES workers stopped by SIGSTOP"
fleet_check SIGSTOP
between 0 "${fleet_reads#* }" "$(seconds 5000 60000)" 'nobody waited for long'
for c in $FLEET; do
	ct_stop "c$c"
done
daemon_stop

# An abort at each stage of a request. A new mount each time: the containers are
# bound to it. Of startups, one in four: eight in a row would end the first one.
time=$(seconds 2 10)
for stage in read:50 taken:50 parked:1 rendered:50 reply:50 replied:50 startup:4; do
	# Requests wait for a resolver only where the kernel is not asked.
	EVLXCFS_FAULT=$stage daemon_start --resolver=fork
	fleet_make
	# So that there are more workers to fail in their startup.
	[ "$stage" != startup:4 ] || (sleep 0.5 && crash 9 20 $((time - 1))) &
	round "abort at $stage"
	wait $!
	like "$(cat "$DAEMON_LOG")" 'worker [0-9]+ (was ended by signal 6|ended with status)' "abort at $stage: it happened"
	for c in $FLEET; do
		ct_stop "c$c"
	done
	daemon_stop
done

# The connection's first message: nobody could read anything without an answer to it.
EVLXCFS_FAULT=init:1 daemon_start
like "$(cat "$DAEMON_LOG")" 'worker [0-9]+ was ended by signal 6' 'abort before INIT is answered: it happened'
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'the next worker has answered it'
daemon_stop
# The same by a SIGKILL that comes whenever it does.
for ms in 0 1 2 3 4 6 8 12; do
	mkdir "$TMP/early$ms"
	MNT=$TMP/early$ms
	daemon_spawn "$MNT"
	"$TOOL/crash" "$DAEMON_PID" 9 $((ms + 1)) 60 3 >/dev/null
	is "$(timeout 20 head -c 8 "$MNT/proc/meminfo" 2>&1)" MemTotal "killed at startup, $ms ms apart: it serves"
	daemon_stop
done

# A request that nobody gets done. FAULT_OFFSET_* of fusechan/fault.h.
ABORT=2119630849 LOOP=2119630850 SLEEP=2119630851 STOP=2119630852
daemon_start --watchdog=1
for offset in $ABORT $LOOP $SLEEP $STOP; do
	before=$(worker)
	"$TOOL/fsop" fd "$MNT/proc/meminfo" "P$offset,10" >"$TMP/poison" 2>&1 &
	poison=$!
	ok "offset $offset: the reader is answered" wait_until gone "$poison"
	is "$(cat "$TMP/poison")" EIO 'with EIO'
	isnt "$(worker)" "$before" 'by another worker'
	is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'who serves'
done
is "$(grep -c 'READ of node .* ended 2 workers: it gets EIO' "$DAEMON_LOG")" 4 'each is told'
daemon_stop
# Ended from outside is no fault of the request's, whatever the signal.
daemon_start --watchdog=2
"$TOOL/fsop" fd "$MNT/proc/meminfo" "P$SLEEP,10" >"$TMP/poison" 2>&1 &
poison=$!
for sig in KILL KILL KILL SEGV SEGV SEGV ABRT BUS; do
	sleep 0.2
	kill "-$sig" "$(worker)"
done
sleep 0.2
ok 'ended from outside eight times while it is worked on: it goes on' alive "$poison"
ok 'until the watchdog has seen two' wait_until gone "$poison"
is "$(cat "$TMP/poison")" EIO 'then it gets EIO'
daemon_stop
done_testing
