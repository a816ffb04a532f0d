#!/bin/sh
# The load average of 0, 1 and 4 busy tasks in nested cgroups: step by step what the
# kernel's formula gives, and in a machine that runs nothing else what the kernel says.
# EVLXCFS_TEST_LONG=1 looks at each for two minutes.
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool tasks loadlog
daemon_start

seconds=15
[ -z "${EVLXCFS_TEST_LONG:-}" ] || seconds=125

ct_start a
dir=$(cg_path a cpuacct)
mkdir -p "$dir/1/2/3/4"
# One without anything, and one whose name wants care.
mkdir "$dir/1/empty" "$dir/1/2/(odd)"

# busy CGROUP: one task there
busy() {
	: >"$TMP/busy"
	# shellcheck disable=SC2016
	ct_exec a sh -c 'echo 0 >"$1/cgroup.procs" && exec "$0" busy=1' "$TOOL/tasks" "$dir/$1" \
		>"$TMP/busy" 2>&1 &
	wait_until test -s "$TMP/busy" || bail "a task in $1"
	is "$(cat "$TMP/busy")" 'busy 1 block 0 threads 0' "a busy task in $1"
}

# phase N: N tasks are busy from now on, for a while
phase() {
	echo "$(cut -d' ' -f1 /proc/uptime) $1" >>"$TMP/phases"
	sleep $seconds
	echo "$(cut -d' ' -f1 /proc/uptime) -1" >>"$TMP/phases"
}

ct_exec a "$TOOL/loadlog" 100000 5</proc/loadavg >"$TMP/log" 2>&1 &
wait_until test -s "$TMP/log"
phase 0
busy 1/2/3/4
phase 1
busy 1
busy '1/2/(odd)'
busy 1/2/3
phase 4
cp "$TMP/log" "$TMP/whole"

# The last reading in each period: "PERIOD KERNEL HERE TASKS", TASKS -1 where they may have
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
			if (from[i] <= period * 5 - 5 && from[i + 1] > period * 5)
				n = tasks[i]
		at = period
		line = period " " $2 " " $3 " " n
	}' "$TMP/phases" "$TMP/whole" >"$TMP/periods"

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

# The kernel began with what had been before, D more than we did; that decays. Its periods
# begin at other moments than ours, so that both are within what the other says up to a
# period before or after, give or take 5 % and the last digits.
if [ -n "${EVLXCFS_TEST_VM:-}" ]; then
	read -r start kernel own <"$TMP/whole"
	awk -v t0="$start" -v d0="$(awk "BEGIN { print $kernel - $own }")" '
		{
			d = d0 * exp(-($1 - t0) / 60)
			print $1, $2, $3 + d, 0.03 + 0.09 * (d < 0 ? -d : d)
		}' "$TMP/whole" >"$TMP/both"
	is "$(awk '
		{
			t[NR] = $1; kernel[NR] = $2; own[NR] = $3; slack[NR] = $4
		}
		END {
			for (i = 1; i <= NR; i++) {
				low = 1e9
				high = -1
				for (k = 1; k <= NR; k++) {
					if (t[k] < t[i] - 7 || t[k] > t[i] + 7)
						continue
					if (kernel[k] < low) low = kernel[k]
					if (kernel[k] > high) high = kernel[k]
				}
				if (own[i] < low * 0.95 - slack[i] || own[i] > high * 1.05 + slack[i])
					print t[i], "kernel", low, "to", high, "and here", own[i]
			}
		}' "$TMP/both")" '' 'it follows the kernel'\''s'
	# After two minutes with the same tasks they are side by side.
	while read -r from n; do
		[ "$n" -ge 0 ] || continue
		set -- $(awk -v t="$((${from%%.*} + seconds - 3))" '$1 <= t { l = $0 } END { print l }' "$TMP/both")
		diag "$n busy for $seconds s: kernel $2, here $3"
		[ -z "${EVLXCFS_TEST_LONG:-}" ] ||
			is_near "$3" "$2" "$(awk "BEGIN { print 0.05 * $2 + $4 }")" "$n busy: within 5 % in the end"
	done <"$TMP/phases"
fi

ct_stop a
daemon_stop
done_testing
