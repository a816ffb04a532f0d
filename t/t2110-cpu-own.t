#!/bin/sh
# Work inside a container and outside it at the same time: stat, the idle time of
# uptime, and top count the container's alone. Every figure is compared with what the
# cgroup counted meanwhile, never with how fast the machine was.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool burn
need_command top
[ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ] || skip_all 'needs two CPUs'
diag "$(cg_describe)"

# "AGE IDLE BUSY IDLE STEAL AGE IDLE": uptime, ticks from stat, and uptime again, all
# read by one shell in the container.
cat >"$TMP/read.sh" <<'EOT'
read -r age idle </proc/uptime
read -r cpu user nice system free iowait irq softirq steal rest </proc/stat
read -r later least </proc/uptime
echo "$age $idle $((user + nice + system)) $free $steal $later $least"
EOT

# take NAME: a reading, between two of the cgroup's figure in low and high
# (microseconds); age and idle in hundredths of a second. What it was before is in the
# same names with a 0.
take() {
	low0=$low high0=$high age0=$age age_later0=$age_later
	idle0=$idle idle_later0=$idle_later busy0=$busy free0=$free all0=$all
	low=$(cg_cpu_usec "$1")
	ct_exec "$1" sh "$TMP/read.sh" >"$TMP/seconds"
	high=$(cg_cpu_usec "$1")
	awk '{ printf "%.0f %.0f %d %d %d %.0f %.0f\n", $1 * 100, $2 * 100, $3, $4, $5, $6 * 100, $7 * 100 }' \
		"$TMP/seconds" >"$TMP/reading"
	read -r age idle busy free steal age_later idle_later <"$TMP/reading"
	all=$((busy + free + steal))
}
low= high= age= age_later= idle= idle_later= busy= free= all=

# check NAME TEXT: what changed since the reading before. Each CPU's user and system
# time is cut to a whole tick.
check() {
	take "$1"
	least=$(((low - high0) / 10000 - 2 * ncpu))
	most=$(((high - low0) / 10000 + 2 * ncpu))
	between $least $((busy - busy0)) $most "$2: stat counts what the cgroup used"
	between $((ncpu * (age - age_later0) - most)) $((idle_later - idle0)) \
		$((ncpu * (age_later - age0) - least)) "$2: idle of uptime is the rest"
	between $((idle - idle_later0 - ncpu)) $((free - free0)) $((idle_later - idle0 + ncpu)) \
		"$2: idle of stat is the same"
}

# The kernel patches its code when the first quota is set and when the last one goes. An
# emulated machine whose CPUs are busy can die of that: one that stays keeps it from it.
cg_mkdir "$CG_TEST"
cg_mkdir "$CG_TEST/quota"
cg_limit "$CG_TEST/quota" quota=1

daemon_start
ct_start a cpus=0-1
ct_start b cpus=0-1
ncpu=2

# Both CPUs are busy outside.
take a
"$TOOL/burn" user 700 0 &
outside=$!
"$TOOL/burn" sys 700 1
wait $outside
check a 'work outside'

# Outside, in another container, and inside, on the same CPUs.
take a
"$TOOL/burn" user 600 0 &
outside=$!
ct_exec b "$TOOL/burn" user 600 0 &
other=$!
ct_exec a "$TOOL/burn" user 500 0
ct_exec a "$TOOL/burn" sys 300 1
wait $outside
wait $other
check a 'work everywhere'
# Of its own 0.8 seconds; the kernel may leave out ticks that a hypervisor took.
between 40 $((busy - busy0)) $most 'work everywhere: its own are there'
check_used=$(cg_cpu_usec b)
take b
between $(((check_used - $(cat "$TMP/ct/b/cpu_at_start")) / 10000 - 2 * ncpu)) "$busy" $((high / 10000)) \
	'the other container has its own'

# top. Its figures are of the time between two readings, which is at least as long as
# it was told; what the container used before, after and between bounds them.
# top_cpu NAME SECONDS: "US+SY ID" of the last summary in percent of all CPUs
top_cpu() {
	ct_exec "$1" top -b -n 2 -d "$2" >"$TMP/top" </dev/null
	sed -n 's/^%Cpu(s): *//p' "$TMP/top" | tail -n 1 | tr ',' '\n' |
		awk '$2 == "us" || $2 == "sy" || $2 == "ni" { busy += $1 } $2 == "id" { id = $1 } END { print busy, id }'
}

# check_top NAME TEXT
check_top() {
	take "$1"
	top_cpu "$1" 3 >"$TMP/percent"
	take "$1"
	read -r percent id <"$TMP/percent"
	most=$(awk -v u=$((high - low0)) -v n=$ncpu 'BEGIN { print u / (3e6 * n) * 100 + 1 }')
	# Of the time that was not top's, all CPUs can have been busy.
	least=$(awk -v u=$((low - high0)) -v n=$ncpu -v t=$((age_later - age0)) 'BEGIN {
		x = (u - n * (t * 1e4 - 3e6)) / (t * 1e4 * n) * 100 - 1; print x < 0 ? 0 : x }')
	between "$least" "$percent" "$most" "$2: busy in top"
	is_near "$(awk -v a="$percent" -v b="$id" 'BEGIN { print a + b }')" 100 0.5 "$2: and idle for the rest"
}

# forever: on both CPUs, until they are ended
start_burners() {
	burners=
	for cpu in 0 1; do
		"$@" "$TOOL/burn" user 100000000 $cpu &
		burners="$burners $!"
	done
}

stop_burners() {
	# ct ends with the signal, and its child with it.
	kill -KILL $burners
	wait $burners 2>/dev/null
}

start_burners
check_top a 'outside busy'
like "$(sed -n 's/^Tasks: *//p' "$TMP/top" | tail -n 1)" '^2 total' 'top lists the container: pid 1 and itself'
stop_burners
start_burners ct_exec a
check_top a 'inside busy'
stop_burners
ct_stop b
ct_stop a
daemon_stop

# Quotas: all times together gain what the quota allows, or the CPUs; more only if the
# container used more, as it can for the length of a period.
larger() {
	[ "$1" -gt "$2" ] && echo "$1" || echo "$2"
}

daemon_start --enable-cfs
for quota in 0.5 1.5 max; do
	case $quota in
	0.5) percent=50 ncpu=1 ;;
	1.5) percent=150 ncpu=2 ;;
	max) percent=200 ncpu=2 ;;
	esac
	ct_start q cpus=0-1 quota=$quota
	is "$(ct_exec q grep -c '^cpu[0-9]' /proc/stat)" $ncpu "quota $quota: CPUs"
	take q
	sleep 1
	take q
	between $(((age - age_later0) * percent / 100 - 10)) $((all - all0)) \
		$(((age_later - age0) * percent / 100 + 10)) "quota $quota, idle: all times are $percent % of the time"
	start_burners ct_exec q
	take q
	sleep 2
	take q
	stop_burners
	most=$(((high - low0) / 10000 + 2 * ncpu))
	between $(((low - high0) / 10000 - 2 * ncpu)) $((busy - busy0)) $most "quota $quota, busy: stat counts what the cgroup used"
	between $((busy - busy0)) $((all - all0)) $(($(larger $(((age_later - age0) * percent / 100)) $most) + 25)) \
		"quota $quota, busy: all times are no more than $percent % of the time"
	ct_stop q
done
daemon_stop
done_testing
