#!/bin/sh
# htop in a container: what its screen shows is the container's.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command htop tmux
diag "$(cg_describe)"

cat >"$TMP/htoprc" <<'EOT'
config_reader_min_version=3
detailed_cpu_time=0
header_layout=two_50_50
column_meters_0=AllCPUs Memory Swap
column_meter_modes_0=1 1 1
column_meters_1=Tasks LoadAverage Uptime
column_meter_modes_1=2 2 2
EOT
chmod 644 "$TMP/htoprc"

# A terminal of its own, with a server that ends with it.
screen() {
	env -u TMUX tmux -S "$TMP/tmux" -f /dev/null "$@"
}

htop_end() {
	screen kill-server 2>/dev/null
	wait_until no_server
}

no_server() {
	! screen list-sessions >/dev/null 2>&1
}

htop_end_check() {
	no_server || echo 'tmux left'
}

at_cleanup htop_end

drawn() {
	screen capture-pane -p -t htop >"$TMP/screen" 2>/dev/null && grep -q 'Uptime: [0-9]' "$TMP/screen" &&
		grep -q 'Mem\[' "$TMP/screen"
}

# show NAME: the screen in $TMP/screen
show() {
	screen new-session -d -s htop -x 120 -y 40 "TERM=screen HTOPRC=$TMP/htoprc $TOOL/ct exec $TMP/ct/$1 htop -d 5"
	ok "htop in $1 draws its screen" wait_until drawn || diag "$(cat "$TMP/screen")"
	screen kill-session -t htop
}

# CPU meters: "  0[|||     12.0%]", or "CPU[" where there is one
meters() {
	grep -oE '(^| )(CPU|[0-9]+)\[' "$TMP/screen" | wc -l
}

online=$(getconf _NPROCESSORS_ONLN)
# options, cpus, quota, meters, and those of them that htop calls offline: below the highest number
# it has a meter for every CPU
while IFS='|' read -r options cpus quota want off; do
	# shellcheck disable=SC2086
	daemon_start $options </dev/null
	ct_start h mem=192M cpus="$cpus" quota="$quota"
	show h </dev/null
	low=$(grep -oE 'Mem\[.*\]' "$TMP/screen" | head -n 1)
	like "$low" '/192M\]' "htop $options: the memory bar ends at the limit"
	is "$(meters)" "$want" "htop $options: CPU meters of cpuset $cpus, quota $quota" || diag "$(cat "$TMP/screen")"
	is "$(grep -cE '(CPU|[0-9])\[ +offline\]' "$TMP/screen")" "$off" "htop $options: meters of CPUs that are off"
	like "$(cat "$TMP/screen")" 'Tasks: [12],' "htop $options: tasks"
	like "$(cat "$TMP/screen")" 'Uptime: 00:0[0-9]:[0-9][0-9]' "htop $options: uptime is the container's"
	like "$(cat "$TMP/screen")" 'Load average: [0-9]+\.[0-9][0-9] [0-9]+\.[0-9][0-9] [0-9]+\.[0-9][0-9]' "htop $options: load averages"
	swap=$(ct_exec h awk '$1 == "SwapTotal:" { print $2 }' /proc/meminfo)
	if [ "$swap" = 0 ]; then
		like "$(cat "$TMP/screen")" 'Swp\[ *0K/0K\]' "htop $options: no swap"
	else
		like "$(cat "$TMP/screen")" "Swp\[.*/(($((swap / 1024))|$((swap / 1024 + 1)))(\.[0-9]+)?M|[0-9.]+G)\]" "htop $options: swap"
	fi
	ct_stop h
	daemon_stop
done <<EOT
|0|max|1|0
|1|max|2|1
|0-$((online - 1))|max|$online|0
--enable-cfs|0-$((online - 1))|1|1|0
EOT
done_testing
