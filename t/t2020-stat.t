#!/bin/sh
# CPU times of a container: what its cgroup used, nobody else's, and idle time
# that makes the sum come out.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool burn
diag "$(cg_describe)"
is "$(getconf CLK_TCK)" 100 'USER_HZ'

# In ticks: how long work is done beside a container, and what a quota lets through. Starting a
# program takes much of it in an emulated machine.
second=100
[ -z "${EVLXCFS_TEST_VM:-}" ] || second=400
slack=$((second * 15 / 100))

# "user+nice system idle iowait+irq+softirq steal" of the cpu line, in ticks
ticks() {
	ct_exec "$1" awk '$1 == "cpu" { print $2 + $3, $4, $5, $6 + $7 + $8, $9 }' /proc/stat
}

# check NAME TEXT: a reading between two of the cgroup lies between them. What
# the launcher used before pid 1 ran may or may not be counted; each CPU's figure
# is cut to whole ticks.
check() {
	start=$(cat "$TMP/ct/$1/cpu_at_start")
	cg_cpu_split "$1" >"$TMP/before"
	ticks "$1" >"$TMP/times"
	cg_cpu_split "$1" >"$TMP/after"
	read -r u0 s0 <"$TMP/before"
	read -r u s idle other steal <"$TMP/times"
	read -r u1 s1 <"$TMP/after"
	between $(((u0 - start) / 10000 - ncpu)) "$u" $((u1 / 10000)) "user, $2"
	between $(((s0 - start) / 10000 - ncpu)) "$s" $((s1 / 10000)) "system, $2"
	between $(((u0 + s0 - start) / 10000 - 2 * ncpu)) $((u + s)) $(((u1 + s1) / 10000)) "both, $2"
	is "$other" 0 'iowait, irq and softirq are 0'
}

# The cpu line is the sum of the cpuN lines, in one reading.
sums='
	$1 == "cpu" { for (i = 2; i <= NF; i++) want[i] = $i }
	/^cpu[0-9]/ { for (i = 2; i <= NF; i++) got[i] += $i }
	END { for (i = 2; i <= 11; i++) if (want[i] != got[i]) { print "field", i, want[i], got[i]; bad = 1 }
		if (!bad) print "same" }'

# All times of the cpu line against N times the age, in one shell, so that the
# reading of stat lies between the two of uptime.
cat >"$TMP/age.sh" <<'EOT'
read -r up0 idle0 </proc/uptime
read -r cpu a b c d e f g h rest </proc/stat
read -r up1 idle1 </proc/uptime
echo "$up0 $((a + b + c + d + e + f + g + h)) $up1 $idle0 $d $idle1"
EOT
check_age() {
	set -- $(ct_exec "$1" sh "$TMP/age.sh") "$2"
	low=$(awk -v u="$1" -v n="$ncpu" 'BEGIN { print n * (u * 100 - 1) - 1 - n }')
	high=$(awk -v u="$3" -v n="$ncpu" 'BEGIN { print n * (u * 100 + 2) + 1 + n }')
	between "$low" "$2" "$high" "all times are $ncpu times the age, $7"
	between "$(awk -v i="$4" -v n="$ncpu" 'BEGIN { print i * 100 - 1 - n }')" "$5" \
		"$(awk -v i="$6" -v n="$ncpu" 'BEGIN { print i * 100 + 2 + n }')" "idle of stat and of uptime agree, $7"
}

host_cpus=$(getconf _NPROCESSORS_ONLN)
for options in '' --enable-cfs; do
	# shellcheck disable=SC2086
	daemon_start $options
	for cpus in 0 0-1; do
		ncpu=1
		[ $cpus = 0 ] || ncpu=2
		[ "$ncpu" -le "$host_cpus" ] || continue
		how="cpuset $cpus $options"
		ct_start burner cpus=$cpus
		check burner "$how, at first"
		check_age burner "$how, at first"
		ct_exec burner "$TOOL/burn" user 1000
		check burner "$how, after a second of user time"
		# The kernel may count by clock ticks, and leaves out those that a
		# hypervisor took.
		between 50 $((u + s)) 1000000 'it is there'
		ct_exec burner "$TOOL/burn" sys 600
		check burner "$how, after 0.6 seconds of system time"
		check_age burner "$how, afterwards"
		is "$(ct_exec burner awk "$sums" /proc/stat)" same "$how: the sum of the CPUs"

		# A process outside, on the same CPU.
		ticks burner >"$TMP/t0"
		"$TOOL/burn" user $((second * 10)) 0
		check burner "$how, while the host was busy"
		read -r x y rest <"$TMP/t0"
		between 0 $((u - x + s - y)) $((second * 6 / 10)) "$how: the host's second is not counted"
		ct_stop burner
	done
	daemon_stop
done

daemon_start
ct_start a cpus=0
ct_start b cpus=0
ncpu=1
ct_exec a "$TOOL/burn" user $((second * 5))
check a 'the one that worked'
between $((second / 5)) $((u + s)) $((second * 3)) 'has it'
check b 'the one that did not'
between 0 $((u + s)) $((second * 3 / 10)) 'has hardly any'

# Forward only.
ct_exec a sh -c 'i=0; while [ $i -lt 200 ]; do i=$((i + 1)); head -n 1 /proc/stat; done' >"$TMP/many"
is "$(awk '{ for (i = 2; i <= 9; i++) { if ($i < last[i]) print "line", NR, "field", i, last[i], $i; last[i] = $i } } END { print NR }' "$TMP/many")" \
	200 'in 200 readings nothing goes back'

# The rest of the file.
ct_exec a cat /proc/stat >"$TMP/stat"
is "$(sed 's/ .*//; /^cpu[0-9]/d' "$TMP/stat")" "$(sed 's/ .*//; /^cpu[0-9]/d' /proc/stat)" "the host's lines in the host's order"
is "$(awk '$1 == "cpu" { print NF }' "$TMP/stat")" "$(awk '$1 == "cpu" { print NF }' /proc/stat)" 'as many fields'
is "$(grep ^btime "$TMP/stat")" "$(grep ^btime /proc/stat)" "btime is the host's"
is "$(awk '$1 == "intr" || $1 == "ctxt" { print NF }' "$TMP/stat" | tr '\n' ' ')" '2 2 ' 'intr is cut to its total'
like "$(cat "$TMP/stat")" '^procs_running [0-9]+$' 'procs_running'
like "$(cat "$TMP/stat")" '^procs_blocked [0-9]+$' 'procs_blocked'
between 0 "$(awk '$1 == "procs_running" { print $2 }' "$TMP/stat")" 3 "no more than the container's tasks run"

# A time namespace moves boot, and with it the start times that ps adds to it. What it
# should be is what the kernel's own file says in such a namespace.
if [ -e /proc/self/ns/time ]; then
	want=$(unshare --time --boottime 100000 --fork sed -n 's/^btime //p' /proc/stat)
	is_near "$(ct_exec a unshare --time --boottime 100000 --fork --pid sed -n 's/^btime //p' /proc/stat)" \
		"$want" 1 'btime in a time namespace'
	is_near "$want" $(($(awk '$1 == "btime" { print $2 }' /proc/stat) - 100000)) 1 "which is not the host's"
else
	diag 'this kernel has no time namespaces'
fi
ct_stop a
ct_stop b
daemon_stop

daemon_start --enable-intr
ct_start a cpus=0
is "$(ct_exec a awk '$1 == "intr" { print NF }' /proc/stat)" "$(awk '$1 == "intr" { print NF }' /proc/stat)" \
	'--enable-intr: the long list'
ct_stop a
daemon_stop

# A quota below one CPU: idle grows with what it may use, and the throttled time
# is not idle.
daemon_start --enable-cfs
ct_start q cpus=0 quota=0.5
ncpu=1
ticks q >"$TMP/t0"
read -r from rest </proc/uptime
ct_exec q timeout 3 "$TOOL/burn" user 100000
check q 'three seconds at a quota of one half'
read -r to rest </proc/uptime
wall=$(awk -v a="$from" -v b="$to" 'BEGIN { printf "%d", (b - a) * 100 }')
set -- $(cat "$TMP/t0") "$u" "$s" "$idle"
# user system idle other steal before, user system idle after
busy=$(($6 + $7 - $1 - $2))
more=$(($8 - $3))
between 5 "$busy" $((wall / 2 + slack)) 'it used what the quota lets it, and no more'
between 0 "$more" $((wall / 2 + slack - busy)) 'idle is what it might have used besides'
# Throttled time counts as stolen, no more of it than there was, nor than there was to
# take it from.
throttled=$(cg_file q cpu cpu.stat | awk '$1 == "throttled_time" { print int($2 / 1e7) } $1 == "throttled_usec" { print int($2 / 1e4) }')
between 0 "$steal" $((throttled + 1)) 'steal is no more than the throttled time'
between 0 $((more + steal)) $((wall / 2 + slack - busy)) 'and is taken out of idle'
ct_stop q
daemon_stop
done_testing
