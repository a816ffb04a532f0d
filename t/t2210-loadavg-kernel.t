#!/bin/sh
# The load average of 0, 1 and 4 busy tasks in nested cgroups: step by step what the
# kernel's formula gives, and in a machine that runs nothing else what the kernel says.
# EVLXCFS_TEST_LONG=1 looks at each for two minutes.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool tasks loadlog
daemon_start

# So that there is a step at least in each.
seconds=4
[ -z "${EVLXCFS_TEST_LONG:-}" ] || seconds=125

ct_start a
dir=$(cg_path a cpuacct)
mkdir -p "$dir/1/2/3/4"
# One without anything, and one whose name wants care.
mkdir "$dir/1/empty" "$dir/1/2/(odd)"

# sleep_past SECONDS: and then until the first half of a period, to do there what is not to
# be counted. The kernel counts every 5 s and one tick, from the start on: after us, by less
# than a second in the first quarter of an hour.
sleep_past() {
	read -r now rest </proc/uptime
	now=${now%.*}${now#*.}
	left=$(($1 * 100))
	left=$((left + (600 - (now + left) % 500) % 500))
	sleep "$((left / 100)).$((left / 10 % 10))"
}

# ready TAG CGROUP: a shell there that waits to become a busy task
ready() {
	mkfifo "$TMP/go-$1"
	# shellcheck disable=SC2016
	ct_exec a sh -c 'echo 0 >"$1/cgroup.procs" && echo ready && read -r go && exec "$0" busy=1' \
		"$TOOL/tasks" "$dir/$2" <"$TMP/go-$1" >"$TMP/out-$1" 2>&1 &
	# No end of file for the others when one is told.
	eval "exec $3>\"\$TMP/go-$1\""
	wait_until grep -q ready "$TMP/out-$1" || bail "a shell in $2"
}

# phase N: N tasks are busy from now on, for a while
phase() {
	echo "$(cut -d' ' -f1 /proc/uptime) $1" >>"$TMP/phases"
	sleep_past $seconds
	echo "$(cut -d' ' -f1 /proc/uptime) -1" >>"$TMP/phases"
}

# go TAG...
go() {
	for tag; do
		echo go >"$TMP/go-$tag"
	done
}

ready deep 1/2/3/4 5
ready top 1 6
ready odd '1/2/(odd)' 7
ready middle 1/2/3 8
# So that the kernel does not count while we do.
read -r now rest </proc/uptime
[ -z "${EVLXCFS_TEST_VM:-}" ] || [ "${now%.*}" -ge 60 ] || sleep $((60 - ${now%.*}))
sleep_past 0
ct_exec a "$TOOL/loadlog" 100000 5</proc/loadavg >"$TMP/log" 2>&1 &
sleep_past 4
phase 0
go deep
phase 1
go top odd middle
phase 4
# The last count is read in the middle of the period.
sleep 2
for tag in deep top odd middle; do
	is "$(tail -n 1 "$TMP/out-$tag")" 'busy 1 block 0 threads 0' "a busy task: $tag"
done
cp "$TMP/log" "$TMP/whole"

# The reading in each period: "PERIOD KERNEL HERE TASKS", TASKS -1 where they may have
# changed since the period before.
awk '
	FNR == NR {
		from[++phases] = $1
		tasks[phases] = $2
		next
	}
	{
		period = int($1 / 5)
		if (period != at && line != "")
			print line
		n = -1
		for (i = 1; i < phases; i++)
			if (from[i] <= period * 5 && from[i + 1] > period * 5)
				n = tasks[i]
		at = period
		line = period " " $2 " " $3 " " n
	}
	END { print line }' "$TMP/phases" "$TMP/whole" >"$TMP/periods"

# L * e + N * (1 - e), to the last digit that is shown.
for n in 0 1 4; do
	steps=$(awk -v n=$n '
		$1 == at + 1 && $4 == n {
			want = last * 1884 / 2048 + n * 164 / 2048
			d = $3 - want
			print (d < 0.021 && d > -0.021 ? "good" : $0 " instead of " want)
		}
		{
			at = $1
			last = $3
		}' "$TMP/periods")
	like "$steps" '^good$' "$n busy: there are steps to look at"
	is "$(echo "$steps" | grep -v '^good$')" '' "$n busy: each by the formula"
done

# The kernel began with what had been before, D more than we did; that decays by the formula.
# Besides that, within 5 % and the last digits at every step. From two of the kernel's numbers
# follows what it counted: what that is more than our tasks are the others of the machine.
if [ -n "${EVLXCFS_TEST_VM:-}" ]; then
	awk '
		NR == 1 { d = $2 - $3 }
		NR > 1 {
			d *= (1884 / 2048) ^ ($1 - at)
			counted = int(($2 - last * 1884 / 2048) * 2048 / 164 + 0.5)
			print $1 * 5, $2 - d, $3, $4, counted
		}
		{
			at = $1
			last = $2
		}' "$TMP/periods" >"$TMP/both"
	diag "$(awk '$4 >= 0 { print "at " $1 ": kernel " $2 ", here " $3 ", " $4 " busy, kernel counts " $5 }' "$TMP/both")"
	is "$(awk '{
			off = $3 - $2
			if (off < 0)
				off = -off
			if (off > 0.05 * $2 + 0.02)
				print
		}' "$TMP/both")" '' 'it follows the kernel'\''s within 5 %'
fi

ct_stop a
daemon_stop
done_testing
