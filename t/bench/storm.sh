#!/bin/sh
# One container reads once every millisecond, while pid namespaces that live for one reading
# come and go beside it: how long does it wait? Quiet: without them. Other: they read the
# host's own file, which shows what making processes costs it on this machine. Storm: they
# read what the container reads.
usage() {
	cat <<-'END'
	usage: t/bench/storm.sh [OPTION...]
	  --rate=N         pid namespaces a second, default 500
	  --seconds=S      of each measurement, default 3
	  --rounds=N       medians of so many, default 5
	  --file=NAME      what is read, default uptime
	  --systems=LIST   of: floor evlxcfs fork lxcfs lxcfs-cfs
	  --other="BINARY ..." compare with this evlxcfs and options, too
	  --apart          the namespaces on one core, reader and server on another: what they
	                   cost the machine is then no part of what the reader waits for
	  --ahead          with a higher priority than what else runs on the machine
	  --json           JSON instead of the table
	fork is evlxcfs --resolver=fork.
	END
}

RATE=500
FILE=uptime
SYSTEMS='floor evlxcfs fork lxcfs lxcfs-cfs'
JSON=
ROUNDS=5
SECONDS_EACH=3
for arg; do
	case $arg in
	--help) usage; exit ;;
	--rate=*) RATE=${arg#*=} ;;
	--seconds=*) SECONDS_EACH=${arg#*=} ;;
	--rounds=*) ROUNDS=${arg#*=} ;;
	--file=*) FILE=${arg#*=} ;;
	--systems=*) SYSTEMS=${arg#*=} ;;
	--apart) APART='taskset -c 0' ;;
	--other=*) OTHER=${arg#*=} ;;
	--ahead) AHEAD=1 ;;
	--json) JSON=1 ;;
	*) usage >&2; exit 100 ;;
	esac
done

. "$(dirname "$0")/lib.sh"
need_cgroups
[ -z "${AHEAD:-}" ] || go_ahead
system_define fork evlxcfs --resolver=fork
[ -z "${OTHER:-}" ] || SYSTEMS="$SYSTEMS other"

steady() {
	# shellcheck disable=SC2086
	system_measure "$1" "$2" "$3" ${APART:-} "$TOOL/ct" exec "$TMP/ct/c1" \
		"$BENCH/cats" pace 1 "$SECONDS_EACH" "$BIND/$3/$FILE"
}

# beside WORKLOAD SYSTEM WHAT: while the storm reads WHAT's file
beside() {
	fleet storm "$RATE" "$SECONDS_EACH" "$BIND/$3/$FILE" >"$TMP/storm" &
	storm=$!
	steady steady "$1" "$2"
	wait "$storm"
	kill -0 "$FLEET_PID" || bail "the storm failed at $3"
}

describe
echo "storm	$RATE pid and cgroup namespaces a second" >>"$TMP/machine"
SYSTEMS="native $SYSTEMS"
for s in $SYSTEMS; do
	system_start "$s"
done
SYSTEMS=${SYSTEMS#native }
ct_start c1 nobind mem=1G
fleet_start 1
if [ -n "${APART:-}" ]; then
	for p in $FLEET_PID $(t_tree "$FLEET_PID"); do
		taskset -acp 1 "$p" >/dev/null
	done
	for s in $SYSTEMS; do
		for p in $(system_get pids "$s"); do
			taskset -acp 0 "$p" >/dev/null
		done
	done
fi
memory before
for round in $(seq "$ROUNDS"); do
	for s in $SYSTEMS; do
		progress "round $round of $ROUNDS: $s"
		steady steady quiet "$s"
		beside other "$s" native
		beside storm "$s" "$s"
		echo "raw once storm $s $(cat "$TMP/storm")" >>"$RESULTS"
	done
done
progress 'waiting for what is remembered to be forgotten'
sleep 16
memory after
report
