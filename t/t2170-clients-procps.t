#!/bin/sh
# procps in a container: what its programs print is the container's.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool burn pages
need_command free top vmstat uptime ps slabtop
diag "$(cg_describe)"
daemon_start
ct_start p mem=256M cpus=0
ct_exec p "$TOOL/burn" user 300
ct_exec p "$TOOL/burn" sys 200
mkfifo "$TMP/in"
ct_exec p "$TOOL/pages" shmem $((16 * 1048576)) <"$TMP/in" >"$TMP/held" 2>&1 &
exec 8>"$TMP/in"
wait_until grep -q ready "$TMP/held"
shmem_there() {
	[ "$(ct_exec p awk '$1 == "Shmem:" { print $2 }' /proc/meminfo)" -ge 16384 ]
}
ok 'the container has shared memory' wait_until shmem_there
SLACK=$((4 << 20))

# free, in bytes
used=$(cg_mem_used p)
ct_exec p free -b | awk '/^Mem:/ { print $2, $3, $4, $5, $6, $7 }' >"$TMP/free"
read -r total in_use free shared cache available <"$TMP/free"
is "$total" $((256 << 20)) 'free: total'
is_near "$free" $((total - used)) $SLACK 'free: free is what the cgroup has left'
is_near "$shared" $((16 << 20)) $SLACK 'free: shared'
between $((16 << 20)) "$cache" $((64 << 20)) 'free: buff/cache'
between "$free" "$available" "$total" 'free: available'
# Newer ones subtract what is available, older ones what is free and what is cache.
is "$([ "$in_use" = $((total - available)) ] || [ "$in_use" = $((total - free - cache)) ] || echo "$in_use")" '' 'free: used'
is "$(ct_exec p free -m | awk '/^Mem:/ { print $2 }')" 256 'free -m'

# vmstat -s, against stat and the cgroup
age_ms() {
	ct_exec p awk '{ printf "%.0f\n", $1 * 1000 }' /proc/uptime
}
low=$(cg_cpu_usec p)
low_age=$(age_ms)
ct_exec p vmstat -s >"$TMP/vmstat"
high_age=$(age_ms)
high=$(cg_cpu_usec p)
amount() {
	sed -n "s/^ *\([0-9]*\) $1\$/\1/p" "$TMP/vmstat"
}
is "$(amount 'K total memory')" 262144 'vmstat -s: total memory'
is_near "$(amount 'K free memory')" $((free / 1024)) $((SLACK / 1024)) 'vmstat -s: free memory'
is "$(amount 'K total swap')" "$(ct_exec p awk '$1 == "SwapTotal:" { print $2 }' /proc/meminfo)" 'vmstat -s: total swap'
start=$(cat "$TMP/ct/p/cpu_at_start")
busy=$(($(amount 'non-nice user cpu ticks') + $(amount 'nice user cpu ticks') + $(amount 'system cpu ticks')))
between $(((low - start) / 10000 - 3)) $busy $((high / 10000)) 'vmstat -s: ticks are what the cgroup used'
between $((low_age / 10 - high / 10000 - 3)) "$(amount 'idle cpu ticks')" $((high_age / 10 - (low - start) / 10000 + 3)) \
	'vmstat -s: idle is the rest of the age'
is "$(amount 'boot time')" "$(awk '$1 == "btime" { print $2 }' /proc/stat)" "vmstat -s: boot time is the host's"

# vmstat: the line is of all the time since the start
low=$(cg_cpu_usec p)
low_age=$(age_ms)
ct_exec p vmstat >"$TMP/vmstat"
high_age=$(age_ms)
high=$(cg_cpu_usec p)
awk 'NR == 2 { for (i = 1; i <= NF; i++) name[i] = $i } NR == 3 { for (i = 1; i <= NF; i++) print name[i], $i }' \
	"$TMP/vmstat" >"$TMP/columns"
column() {
	awk -v n="$1" '$1 == n { print $2; exit }' "$TMP/columns"
}
is_near "$(column free)" $((free / 1024)) $((SLACK / 1024)) 'vmstat: free'
is "$(column buff)" 0 'vmstat: buff'
is_near "$(($(awk 'NR == 3 { print $13 + $14 }' "$TMP/vmstat")))" $((high / high_age / 10)) \
	$(((high - low + start) / low_age / 10 + high / low_age / 10 - high / high_age / 10 + 3)) 'vmstat: us and sy are its part of the age'
between 0 "$(column id)" 100 'vmstat: id'

# uptime: when did it start?
clock=$(awk '$1 == "btime" { print $2 }' /proc/stat)
init_ticks=$(sed 's/.*) //' "/proc/$(ct_pid p)/stat" | awk '{ print $20 }')
began=$((clock + init_ticks / 100))
is_near "$(date -d "$(ct_exec p uptime -s)" +%s)" $began 2 'uptime -s'
low=$(($(age_ms) / 60000))
up=$(ct_exec p uptime)
high=$(($(age_ms) / 60000))
like "$up" " up +($low|$high) min," 'uptime: minutes since pid 1 began'
is "$(echo "$up" | sed 's/.*load average: //' | awk -F', ' '{ print NF }')" 3 'uptime: three load averages'

# top lists the container's processes and no other: pid 1, the one that holds memory,
# and itself.
ct_exec p env TERM=xterm top -b -n1 >"$TMP/top"
like "$(cat "$TMP/top")" '^Tasks: +3 total' 'top: tasks'
like "$(cat "$TMP/top")" '^MiB Mem : +256\.0 total' 'top: memory'
like "$(head -n 1 "$TMP/top")" " up +($low|$((high + 1))|$high) min," 'top: uptime'
is "$(awk '$1 ~ /^[0-9]+$/ { print $1 }' "$TMP/top" | sort -n | head -n 1)" 1 'top: pid 1'
is "$(awk '$1 ~ /^[0-9]+$/ && ($9 < 0 || $10 < 0 || $10 > 100)' "$TMP/top")" '' 'top: percentages make sense'

# ps: start times are of the host's clock. Ages (etime, pcpu) are not looked at: procps
# subtracts the kernel's start times, which count from the host's boot, from the
# container's uptime.
now=$(date +%s)
is_near "$(date -d "$(ct_exec p ps -o lstart= -p 1)" +%s)" $began 2 'ps: when pid 1 started'
ct_exec p ps -eo pid=,times=,pmem= >"$TMP/ps"
age=$(($(age_ms) / 1000 + 1))
is "$(awk -v age="$age" '$2 < 0 || $2 > age || $3 < 0 || $3 > 100' "$TMP/ps")" '' \
	'ps: CPU times and parts of memory are possible'
is "$(wc -l <"$TMP/ps")" 3 'ps: three processes'
ct_exec p ps -eo pid=,lstart= >"$TMP/ps"
late=
while read -r pid start; do
	at=$(date -d "$start" +%s)
	[ "$at" -ge $((began - 2)) ] && [ "$at" -le $(($(date +%s) + 2)) ] || late="$late $pid:$at"
done <"$TMP/ps"
is "$late" '' 'ps: no process started before the container or after now'
diag "the container began at $began, now it is $now"

# The slabs of the host are not the container's.
if [ -e /proc/slabinfo ]; then
	ct_exec p env TERM=xterm slabtop -o >"$TMP/slabtop" 2>&1
	is $? 0 'slabtop runs' || diag "$(head -n 3 "$TMP/slabtop")"
	objects=$(ct_exec p awk 'NR > 2 { a += $2; n += $3 } END { print a + 0, n + 0 }' /proc/slabinfo)
	like "$(cat "$TMP/slabtop")" "Active / Total Objects \(% used\) *: ${objects% *} / ${objects#* } " 'slabtop: objects are those of slabinfo'
else
	diag 'this kernel has no slabinfo'
fi
exec 8>&-
ct_stop p
daemon_stop
done_testing
