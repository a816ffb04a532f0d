#!/bin/sh
# pressure of a container is its cgroup's, line by line, and what presses outside it is
# not. Then SIGUSR2: every file is the host's, and the container's again.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool burn
need_command strace
diag "$(cg_describe)"
daemon_start
ct_start p mem=128M cpus=0
ct_start q mem=128M cpus=0

# total FILE-COMMAND...: microseconds of the "some" line
total() {
	"$@" | sed -n 's/^some .* total=//p'
}

# check NAME FILE TEXT: between two of the cgroup's figures
check() {
	low=$(total cg_file "$1" psi "$2.pressure")
	ct_exec "$1" cat "/proc/pressure/$2" >"$TMP/pressure"
	high=$(total cg_file "$1" psi "$2.pressure")
	between "$low" "$(total cat "$TMP/pressure")" "$high" "$3"
}

files=
for f in cpu io memory irq; do
	[ ! -e /proc/pressure/$f ] || ! cat /proc/pressure/$f >/dev/null 2>&1 || files="$files $f"
done
if [ -n "$(cg_version psi)" ] && [ -e "$(cg_path p psi)/cpu.pressure" ]; then
	for f in $files; do
		check p $f "$f: the cgroup's total"
		is "$(sed 's/[0-9.]\{1,\}/N/g' "$TMP/pressure")" "$(cg_file p psi $f.pressure | sed 's/[0-9.]\{1,\}/N/g')" "$f: its lines"
	done
	before=$(total ct_exec p cat /proc/pressure/cpu)
	other=$(total ct_exec q cat /proc/pressure/cpu)
	ct_exec p "$TOOL/burn" user 300 &
	one=$!
	ct_exec p "$TOOL/burn" user 300
	wait $one
	check p cpu 'cpu: two that want one CPU'
	between $((before + 100000)) "$(total cat "$TMP/pressure")" 100000000 'cpu: waited for each other'
	check q cpu 'cpu: another container has its own'
	diag "pressed $(($(total cat "$TMP/pressure") - other)) us meanwhile"
else
	for f in $files; do
		like "$(ct_exec p cat /proc/pressure/$f)" '^some avg10=' "$f: the host's where no cgroup tells"
	done
fi

# An open of a cgroup's pressure file waits for closes of triggers in it, which can be many: it is
# a helper's.
worker=$(daemon_worker)
strace -e trace=openat -o "$TMP/trace" -p "$worker" 2>"$TMP/strace" &
strace=$!
ok 'strace is there' wait_until grep -q attached "$TMP/strace"
for f in $files; do
	ok "$f: is read" ct_exec p cat /proc/pressure/$f
done
ct_exec p cat /sys/devices/system/cpu/vulnerabilities/meltdown >/dev/null
kill -INT "$strace"
wait "$strace" 2>/dev/null
unlike "$(cat "$TMP/trace")" '[a-z]\.pressure' 'the loop opens no pressure file of a cgroup'
like "$(cat "$TMP/trace")" 'meltdown' 'of what it opens nothing was missed'

# What each file says of the host, or of the container, and does not change by itself.
cat >"$TMP/all.sh" <<'EOT'
sed -n 's/^processor.*: //p' /proc/cpuinfo
sed -n '/^MemTotal/p; /^SwapTotal/p' /proc/meminfo
sed -n 's/^\(cpu[0-9]*\) .*/\1/p; s/^intr [0-9]* [0-9].*/intr of each/p' /proc/stat
awk '{ print "swap", $1, $3 }' /proc/swaps
cat /sys/devices/system/cpu/online
awk '{ print $3 }' /proc/diskstats
[ ! -r /proc/slabinfo ] || awk 'END { print (NR > 2) ? "slabs" : "no slabs" }' /proc/slabinfo
cd /sys/devices/system/cpu && echo cpu[0-9]*
EOT
sh "$TMP/all.sh" >"$TMP/host"
ct_exec p sh "$TMP/all.sh" >"$TMP/own"
nok "a container sees what is not the host's" cmp "$TMP/host" "$TMP/own"
age() {
	ct_exec p cut -d. -f1 /proc/uptime
}

# sees host|own
sees() {
	ct_exec p sh "$TMP/all.sh" >"$TMP/all"
	cmp -s "$TMP/all" "$TMP/$1"
}

young=$(age)
kill -USR2 "$DAEMON_PID"
ok "on SIGUSR2 every file is the host's" wait_until sees host || diag "$(diff "$TMP/host" "$TMP/all")"
is_near "$(age)" "$(cut -d. -f1 /proc/uptime)" 5 'uptime too'
kill -USR2 "$DAEMON_PID"
ok "on the next one they are the container's" wait_until sees own || diag "$(diff "$TMP/own" "$TMP/all")"
is_near "$(age)" "$young" 60 'uptime too'
ct_stop q
ct_stop p
daemon_stop
done_testing
