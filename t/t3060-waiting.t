#!/bin/sh
# Requests that wait for something slow while the worker dies, is replaced, stops, or
# is told to end; and readers that no longer want to wait.
# run: alone
if [ -z "${T_OWN_MOUNTS-}" ]; then
	T_OWN_MOUNTS=1 exec unshare -m "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-crash.sh"
. "$T_DIR/lib-sys.sh"
need_fuse
need_tool crash fdstore fsop

# A file of the host that is read in a helper, since its reading may sleep: until
# somebody writes to it, or for SLOWREAD_SECONDS.
cpufreq=/sys/devices/system/cpu/cpufreq
sys_replace
mkdir "$cpufreq/policy0"
pipe=$cpufreq/policy0/scaling_cur_freq
mkfifo "$pipe"

# wait_for_it: a reader of that file, whose request is parked.
wait_for_it() {
	rm -f "$TMP/got"
	cat "$MNT/sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq" >"$TMP/got" 2>&1 &
	reader=$!
	ok "$1: a reader waits" wait_until helped
}

# A helper has opened the pipe: it is the worker's child, or was.
helped() {
	w=$(worker)
	[ -n "$w" ] && [ -n "$(cat "/proc/$w/task/$w/children" 2>/dev/null)" ]
}

# give_it: what it waited for. The writer waits for a helper to read.
give_it() {
	timeout 20 sh -c "echo 1234 >$pipe"
	ok "$1: it is answered" wait_until gone "$reader"
	is "$(cat "$TMP/got")" 1234 "$1: with what the file says"
}

told() {
	[ "$(grep -c -e "$2" "$DAEMON_LOG")" -ge "$1" ]
}

serves() {
	[ "$(timeout 20 head -c 8 "$MNT/proc/meminfo" 2>/dev/null)" = MemTotal ]
}

daemon_start --watchdog=1

# --- workers that die while it waits
wait_for_it 'killed'
crash 9 100 60 5
is "$CRASHES" 5 'five workers are killed meanwhile'
ok 'the daemon serves' serves
ok 'the reader goes on waiting' alive "$reader"
give_it 'killed'

# --- an upgrade
wait_for_it 'upgraded'
kill -HUP "$DAEMON_PID"
ok 'a binary takes over meanwhile' wait_until told 1 'goes on with the mount'
ok 'the daemon serves' serves
ok 'the reader goes on waiting' alive "$reader"
give_it 'upgraded'

# Two at once, and one more before that is done.
wait_for_it 'upgraded thrice'
kill -HUP "$DAEMON_PID"
kill -USR1 "$DAEMON_PID"
sleep 0.02
kill -HUP "$DAEMON_PID"
ok 'a binary takes over meanwhile' wait_until told 2 'goes on with the mount'
ok 'the daemon serves' serves
give_it 'upgraded thrice'

# --- a worker that is stopped while nothing but waiting requests is known to it
wait_for_it 'stopped'
old=$(worker)
kill -STOP "$old"
t_now
before=$t_time
ok 'another reader is served' serves
t_now
between 0 $((t_time - before)) "$(seconds 5 20)" 'after the bound, not after all that may wait'
isnt "$(worker)" "$old" 'by another worker'
give_it 'stopped'

# --- readers that give up
wait_for_it 'interrupted'
t_now
before=$t_time
kill -TERM "$reader"
ok 'interrupted: it ends' wait_until gone "$reader"
# One that was read by a worker that died, and whose interrupt came when there was none.
wait_for_it 'interrupted between two workers'
kill -STOP "$DAEMON_PID"
kill -KILL "$(worker)"
kill -TERM "$reader"
sleep 0.1
kill -CONT "$DAEMON_PID"
ok 'interrupted between two workers: it ends' wait_until gone "$reader"
t_now
between 0 $((t_time - before)) "$(seconds 4 30)" 'none of them waits for the file'

# --- readers that a signal does not end: procfs would go on, too
not_helped() {
	! helped
}
wait_until not_helped
wait_for_it 'stopped and continued'
kill -STOP "$reader"
is_stopped() {
	grep -q "^State:[[:space:]]*[TD]" "/proc/$reader/status"
}
wait_until is_stopped
kill -CONT "$reader"
give_it 'stopped and continued'
# One whose request and interrupt are read together, behind those of others, by a worker that
# was stopped.
perl -e '
	$SIG{USR1} = sub {};
	sysopen(my $file, $ARGV[0], 0) or die;
	open(my $up, ">", "$ARGV[1]/open");
	select(undef, undef, undef, 0.02) until -e "$ARGV[1]/go";
	my $n = sysread($file, my $text, 4096);
	print defined $n ? $text : "$!\n"' \
	"$MNT/sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq" "$TMP" >"$TMP/got" 2>&1 &
reader=$!
wait_until test -e "$TMP/open"
# The keeper is stopped, too: it would replace the worker.
w=$(worker)
kill -STOP "$DAEMON_PID" "$w"
waiting() {
	[ "$(fuse_waiting)" = "$1" ]
}
for i in $(seq 30); do
	head -c 8 "$MNT/proc/meminfo" >/dev/null &
done
wait_until waiting 30
: >"$TMP/go"
ok 'signalled before it is read: it waits' wait_until waiting 31
kill -USR1 "$reader"
# From then on it waits so that only a fatal signal ends it (request_wait_answer in fs/fuse/dev.c).
ok 'signalled before it is read: the kernel knows' wait_until \
	grep -q '^State:[[:space:]]*D' "/proc/$reader/status"
kill -CONT "$w" "$DAEMON_PID"
ok 'signalled before it is read: it waits for the file' wait_until helped
give_it 'signalled before it is read'
ok 'the daemon serves' serves

# --- the end
wait_for_it 'end'
kill -TERM "$DAEMON_PID"
ok 'end: the reader is answered' wait_until gone "$reader"
daemon_wait
is "$DAEMON_STATUS" 0 'end: exit 0'
nok 'end: unmounted' is_mounted "$MNT"
is "$(fleet_asleep)" '' 'no process in uninterruptible sleep'

# --- a request that was read by a daemon of which nothing is left but the connection
if kernel_at_least 6 10; then
	# Its worker sleeps over the read: FAULT_OFFSET_SLEEP of fusechan/fault.h.
	SLEEP=2119630851
	mkdir "$TMP/mnt" "$TMP/super"
	MNT=$TMP/mnt
	mkfifo "$TMP/super/in"
	: >"$TMP/super/log"
	printf '#!/bin/sh\nexec "$(cat %s)" "$@"\n' "$TMP/which" >"$TMP/run"
	chmod 755 "$TMP/run"
	echo "${EVLXCFS_FAULT_BIN:-$EVLXCFS_BIN-fault}" >"$TMP/which"
	"$TOOL/fdstore" "$TMP/super" "$TMP/run" --keep-mount "$MNT" \
		<"$TMP/super/in" >"$TMP/super/err" 2>&1 &
	super=$!
	exec 6>"$TMP/super/in"
	DAEMON_LOG=$TMP/super/err
	logged() {
		[ "$(grep -c -e "$2" "$TMP/super/log")" -ge "$1" ]
	}
	started() {
		read -r DAEMON_PID <"$TMP/super/pid"
		echo "$DAEMON_PID" >>"$TMP/daemons"
	}
	echo start >&6
	wait_until logged 1 '^FDNAME=evlxcfs-state'
	started
	"$TOOL/fsop" fd "$MNT/proc/meminfo" "P$SLEEP,10" >"$TMP/got" 2>&1 &
	reader=$!
	sleep 0.5
	kill -STOP "$DAEMON_PID"
	kill -KILL "$(worker)" "$DAEMON_PID"
	wait_until logged 1 '^ended 137'
	ok 'read and not answered: the reader waits' alive "$reader"
	echo "$EVLXCFS_BIN" >"$TMP/which"
	echo plain --fuse-fd=3 >&6
	wait_until logged 2 '^started'
	started
	ok 'a daemon that knows nothing of it is sent it again' wait_until gone "$reader"
	is "$(cat "$TMP/got")" 0 'and answers it'
	kill -TERM "$DAEMON_PID"
	wait_until logged 1 '^ended 0'
	exec 6>&-
	wait "$super"
	umount "$MNT"
fi
done_testing
