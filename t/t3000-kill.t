#!/bin/sh
# Readers in four containers while the worker is killed ten times a second.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-crash.sh"
need_fuse
need_cgroups
need_tool vigil crash

daemon_start
fleet_make
time=$(seconds "$(at_length 60 15)" 20)
fleet_start "$time"
crash 9 "$(seconds 100 1000)" $((time - 1))
diag "$CRASHES workers killed in $time s"
between $((time / 2)) "$CRASHES" 100000 'workers were killed all the time'
fleet_check SIGKILL
like "$(cat "$DAEMON_LOG")" 'worker [0-9]+ was ended by signal 9' 'the log tells'
ok 'the daemon is alive' alive "$DAEMON_PID"
ok 'and so is a worker' wait_until sh -c '[ -n "$1" ]' sh "$(worker)"
is "$(mount_count "$MNT")" 1 'it is mounted once'
daemon_stop
done_testing
