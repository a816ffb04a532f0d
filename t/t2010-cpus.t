#!/bin/sh
# How many CPUs a container has, told by every file that tells it.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
[ "$(cat /sys/devices/system/cpu/online)" != 0 ] || skip_all 'needs two CPUs'
diag "$(cg_describe)"

# How many CPUs a list such as 0,2-3 has.
list_count() {
	awk -F, '{ for (i = 1; i <= NF; i++) { n++; if (split($i, r, "-") == 2) n += r[2] - r[1] } } END { print n + 0 }'
}

# cpuinfo, stat, online, glibc, directories, in one shell that runs nothing it
# need not.
cat >"$TMP/counts.sh" <<'EOT'
info=0 stat=0 online=0 dirs=0
while read -r word rest; do
	[ "$word" != processor ] || info=$((info + 1))
done </proc/cpuinfo
while read -r word rest; do
	case $word in
	cpu[0-9]*) stat=$((stat + 1)) ;;
	esac
done </proc/stat
read -r list </sys/devices/system/cpu/online
IFS=,
for range in $list; do
	online=$((online + ${range#*-} - ${range%-*} + 1))
done
for dir in /sys/devices/system/cpu/cpu[0-9]*; do
	dirs=$((dirs + 1))
done
echo "$info $stat $online $(getconf _NPROCESSORS_ONLN) $dirs"
EOT
counts() {
	ct_exec "$1" sh "$TMP/counts.sh"
}

same() {
	echo "$1 $1 $1 $1 $1"
}

online() {
	ct_exec "$1" cat /sys/devices/system/cpu/online
}

stat_names() {
	echo $(ct_exec "$1" sed -n 's/^\(cpu[0-9][0-9]*\) .*/\1/p' /proc/stat)
}

info_numbers() {
	echo $(ct_exec "$1" sed -n 's/^processor[[:space:]]*: //p' /proc/cpuinfo)
}

# lists NAME: online, present, possible and offline, in one line
lists() {
	ct_exec "$1" sh -c 'cd /sys/devices/system/cpu && echo "$(cat online)|$(cat present)|$(cat possible)|$(cat offline)"'
}

# switches NAME: of each CPU of the host that has the file, its number and what cpuN/online says
switches() {
	ct_exec "$1" sh -c 'cd /sys/devices/system/cpu && for f in "$@"; do
		n=${f#cpu}; echo "${n%/online}=$(cat "$f")"; done' sh $(cd /sys/devices/system/cpu && ls -d cpu[0-9]*/online) | sort -n
}

# expected_switches LIST: the same, by the list of CPUs that are online
expected_switches() {
	for f in $(cd /sys/devices/system/cpu && ls -d cpu[0-9]*/online); do
		n=${f#cpu}
		echo "${n%/online}"
	done | awk -v list="$1" 'BEGIN {
		n = split(list, ranges, ",")
		for (i = 1; i <= n; i++) {
			if (split(ranges[i], r, "-") == 1) r[2] = r[1]
			for (c = r[1]; c <= r[2]; c++) on[c] = 1
		}
	} { print $1 "=" (($1 in on) + 0) }' | sort -n
}

# topology NAME N: of the CPU that the container calls N, its core id, and the CPUs of its package
# as a list and as a mask without leading zeros
topology() {
	ct_exec "$1" sh -c "cd /sys/devices/system/cpu/cpu$2/topology && echo \"\$(cat core_id)|\$(cat core_siblings_list)|\$(sed 's/^[0,]*//' core_siblings)\""
}

host=$(list_count </sys/devices/system/cpu/online)

daemon_start
ct_start one cpus=0
is "$(counts one)" "$(same 1)" 'one CPU'
is "$(ct_exec one nproc)" 1 'nproc'
is "$(online one)" 0 'online'
is "$(lists one)" '0|0|0|' 'the four lists know CPU 0 alone'
is "$(switches one)" "$(expected_switches 0)" 'cpuN/online of every other CPU reads 0'
ok 'cpu1 is not listed, but can be opened by name' ct_exec one test -d /sys/devices/system/cpu/cpu1
cg_set one cpus=0-1
is "$(counts one)" "$(same 2)" 'one more while it runs'
cg_set one cpus=1
is "$(counts one)" "$(same 1)" 'and the other one alone'
is "$(online one)" 1 'online keeps the physical number'
is "$(stat_names one)" cpu1 'stat keeps the physical number'
is "$(info_numbers one)" 1 'cpuinfo keeps the physical number'
is "$(lists one)" '1|1|0-1|0' 'present is online, possible goes up to it from 0, offline is the rest'
is "$(switches one)" "$(expected_switches 1)" 'cpuN/online reads 1 for CPU 1 alone'
is "$(topology one 1)" "$(cat /sys/devices/system/cpu/cpu1/topology/core_id)|1|2" 'topology of CPU 1 names it alone'
is "$(ct_exec one cat /sys/devices/system/cpu/cpu1/cache/index0/shared_cpu_list 2>/dev/null || echo 1)" 1 'cache of CPU 1 is shared with no other'
is "$(ct_exec one cat /sys/devices/system/cpu/kernel_max)" "$(cat /sys/devices/system/cpu/kernel_max)" "kernel_max is the host's"
is "$(ct_exec one getconf _NPROCESSORS_CONF) $(ct_exec one nproc --all)" '2 2' 'sysconf and nproc --all count up to CPU 1'
is "$(ct_exec one awk 'END { print NR }' /proc/cpuinfo)" \
	"$(awk '/^processor/ { p = $3 } p == 1 { n++ } END { print n }' /proc/cpuinfo)" 'the block of cpuinfo is whole'
ct_stop one

ct_start all
is "$(counts all)" "$(same "$host")" "no cpuset: the host's"
is "$(ct_exec all sed -n 's/^model name.*: //p' /proc/cpuinfo)" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo)" 'model names'
cg_set all quota=0.5
is "$(counts all)" "$(same "$host")" 'quotas do not matter without --enable-cfs'
ct_stop all
# v1 refuses a cpuset that its parent does not have.
inner=
[ "$(cg_version cpuset)" = 1 ] || inner=cpus=0-1
ct_start above $inner outer_cpus=0
is "$(counts above)" "$(same 1)" 'a smaller cpuset in an ancestor' || diag "$(cg_file above cpuset cpuset.cpus.effective cpuset.effective_cpus)"
ct_stop above
daemon_stop

daemon_start --enable-cfs
# quota, cpuset, CPUs that are seen; an emulated machine takes long for each
if [ -n "${EVLXCFS_TEST_VM:-}" ]; then
	rows='1.01 0-1 2
		0.5 0-1 1
		max 0-1 2
		1.5 1 1'
else
	rows='1.5 0-1 2
		1.0 0-1 1
		1.01 0-1 2
		0.5 0-1 1
		0.05 0-1 1
		7 0-1 2
		max 0-1 2
		1.5 0 1
		1.5 1 1'
fi
while read -r quota cpus want; do
	ct_start q cpus="$cpus" quota="$quota" </dev/null
	is "$(counts q)" "$(same "$want")" "--enable-cfs, quota $quota of cpuset $cpus"
	for f in present possible; do
		is "$(ct_exec q cat /sys/devices/system/cpu/$f | list_count)" "$want" "$f"
	done
	is "$(ct_exec q cat /sys/devices/system/cpu/offline)" '' 'offline'
	numbers=$(seq 0 $((want - 1)))
	is "$(stat_names q)" "$(echo $(echo "$numbers" | sed 's/^/cpu/'))" 'stat counts from 0'
	is "$(info_numbers q)" "$(echo $numbers)" 'cpuinfo counts from 0'
	range=0
	[ "$want" = 1 ] || range=0-$((want - 1))
	is "$(online q)" $range 'online counts from 0'
	ct_stop q
done <<EOT
$rows
EOT
ct_start q cpus=1
is "$(lists q)" '0|0|0|' '--enable-cfs: the four lists count from 0'
is "$(switches q)" "$(expected_switches 0)" '--enable-cfs: cpuN/online reads 0 for what is not in them'
is "$(topology q 0)" "$(cat /sys/devices/system/cpu/cpu1/topology/core_id)|0|1" "--enable-cfs: topology of cpu0 is that of the host's CPU 1"
ct_stop q
ct_start q cpus=0-1 outer_quota=0.5
is "$(counts q)" "$(same 1)" '--enable-cfs, quota in an ancestor'
ct_stop q
ct_start q cpus=0-1 outer_quota=2 quota=1
is "$(counts q)" "$(same 1)" '--enable-cfs, the lower of two quotas'
cg_set q quota=2
is "$(counts q)" "$(same 2)" 'a new quota is seen at once'
cg_set q quota=max
is "$(counts q)" "$(same 2)" 'and none'
cg_set q quota=0.3
is "$(counts q)" "$(same 1)" 'and a low one'
ct_stop q
daemon_stop
done_testing
