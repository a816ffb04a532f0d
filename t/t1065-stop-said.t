#!/bin/sh
# An orderly end says that and nothing else, whether the worker hears from the keeper or first of the mount
# that is gone.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse

said=
statuses=
ends=
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 \
	21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
	daemon_start
	read -r first <"$MNT/proc/uptime"
	kill -TERM "$DAEMON_PID"
	daemon_wait
	statuses="$statuses$DAEMON_STATUS "
	said="$said$(daemon_said)"
	ends="$ends$(grep -c '^evlxcfs: ended; .* is not mounted any more$' "$DAEMON_LOG") "
done
is "$(echo "$statuses" | tr ' ' '\n' | grep -c '^0$')" 40 'it ends with 0, each time'
is "$(echo "$ends" | tr ' ' '\n' | grep -c '^1$')" 40 'it says so in one line'
is "$said" '' 'and nothing else'
done_testing
