#!/bin/sh
# sysstat in a container: what its programs print is the container's.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-block.sh"
need_fuse
need_cgroups
need_tool burn
need_command mpstat iostat sar vmstat
diag "$(cg_describe)"
S_TIME_FORMAT=ISO
export S_TIME_FORMAT
block_start 16
daemon_start
ct_start s mem=256M cpus=0
ct_exec s "$TOOL/burn" user 400
ct_exec s "$TOOL/burn" sys 300

# Parts of all CPU time since the start, in percent, which the readings before and after
# bound: busy time only grows, so does all of it.
# ticks FILE: "BUSY ALL" in ticks
ticks() {
	ct_exec s awk '$1 == "cpu" { print $2 + $3 + $4, $2 + $3 + $4 + $5 + $9 }' /proc/stat >"$1"
}

# check_busy PERCENT NAME: against readings in $TMP/before and $TMP/after
check_busy() {
	read -r b0 a0 <"$TMP/before"
	read -r b1 a1 <"$TMP/after"
	between "$(awk -v b="$b0" -v a="$a1" 'BEGIN { print b / a * 100 - 0.1 }')" "$1" \
		"$(awk -v b="$b1" -v a="$a0" 'BEGIN { print b / a * 100 + 0.1 }')" "$2"
}

ticks "$TMP/before"
ct_exec s mpstat -P ALL >"$TMP/mpstat"
ticks "$TMP/after"
# by the names of the columns: CPU %usr %nice %sys ... %idle
awk '
	/%usr/ { for (i = 1; i <= NF; i++) at[$i] = i; next }
	("CPU" in at) && NF { print $at["CPU"], $at["%usr"] + $at["%nice"] + $at["%sys"], $at["%idle"], $at["%iowait"] + $at["%irq"] + $at["%soft"] }' \
	"$TMP/mpstat" >"$TMP/cpus"
is "$(awk '{ print $1 }' "$TMP/cpus" | tr '\n' ' ')" 'all 0 ' 'mpstat: the one CPU'
check_busy "$(awk '$1 == "all" { print $2 }' "$TMP/cpus")" 'mpstat: busy is what stat says'
is_near "$(awk '$1 == "all" { print $2 + $3 }' "$TMP/cpus")" 100 0.5 'mpstat: and idle for the rest'
is "$(awk '$4 != 0' "$TMP/cpus")" '' "mpstat: nothing of what a container cannot have"

ticks "$TMP/before"
ct_exec s iostat -c >"$TMP/iostat"
ticks "$TMP/after"
check_busy "$(awk '/%user/ { getline; print $1 + $2 + $3 }' "$TMP/iostat")" 'iostat -c'

if [ -n "$(cg_version io)" ]; then
	block_count s
	ct_exec s dd if=/dev/zero of="$BLOCK" bs=64k count=30 oflag=direct 2>/dev/null
	ct_exec s dd if="$BLOCK" of=/dev/null bs=64k count=20 iflag=direct 2>/dev/null
	# Without -p ALL it reads sysfs.
	ct_exec s iostat -d -k -p ALL >"$TMP/iostat"
	is "$(awk -v name="$BLOCK_NAME" '
		$1 == "Device" { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == name { print $at["kB_read"], $at["kB_wrtn"] }' "$TMP/iostat")" '1280 1920' \
		'iostat: kB read and written are what was'
	is "$(ct_exec s vmstat -d | awk -v name="$BLOCK_NAME" '$1 == name { print $4, $8 }')" '2560 3840' 'vmstat -d: sectors'
else
	diag 'no controller for disks'
fi

# sar -r: one reading of meminfo
used=$(($(cg_mem_used s) / 1024))
ct_exec s sar -r 1 1 | awk '
	/kbmemfree/ { for (i = 1; i <= NF; i++) at[$i] = i; next }
	/^Average/ { next }
	("kbmemfree" in at) && NF { print $at["kbmemfree"], $at["kbavail"], $at["kbmemused"], $at["%memused"]; exit }' >"$TMP/sar"
read -r free available in_use percent <"$TMP/sar"
is_near "$free" $((262144 - used)) 8192 'sar -r: free is what the cgroup has left'
between "$free" "$available" 262144 'sar -r: available'
between 0 "$in_use" 262144 'sar -r: used'
between 0 "$percent" 100 'sar -r: percent'

# sar -u: between two readings. The host is busy, the container is not.
"$TOOL/burn" user 100000000 0 &
burner=$!
low=$(cg_cpu_usec s)
ct_exec s sar -u 2 1 >"$TMP/sar"
high=$(cg_cpu_usec s)
kill -KILL $burner
wait $burner 2>/dev/null
awk '/%user/ { for (i = 1; i <= NF; i++) at[$i] = i; next }
	/^Average/ { next }
	("%user" in at) && NF { print $at["%user"] + $at["%nice"] + $at["%system"], $at["%idle"]; exit }' "$TMP/sar" >"$TMP/cpu"
read -r busy idle <"$TMP/cpu"
between 0 "$busy" "$(awk -v u=$((high - low)) 'BEGIN { print u / 2e6 * 100 + 1 }')" 'sar -u: busy is no more than what the cgroup used'
is_near "$(awk -v a="$busy" -v b="$idle" 'BEGIN { print a + b }')" 100 0.5 'sar -u: and idle for the rest'
ct_stop s
daemon_stop
done_testing
