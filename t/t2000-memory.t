#!/bin/sh
# meminfo and swaps of a container against its limits and against what its
# cgroup says at the same moment.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_tool alloc fsop
need_command free
diag "$(cg_describe)"
daemon_start

# mem NAME KEY: in kB
mem() {
	ct_exec "$1" sed -n "s/^$2: *\([0-9]*\).*/\1/p" /proc/meminfo
}

host_total=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)
host_swap=$(sed -n 's/^SwapTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)

ct_start one mem=256M cpus=0
is "$(mem one MemTotal)" 262144 'MemTotal is the limit of 256 MB'
is "$(ct_exec one free -k | awk '/^Mem:/ { print $2 }')" 262144 'free -k agrees'
is "$(ct_exec one free -m | awk '/^Mem:/ { print $2 }')" 256 'free -m agrees'
is "$(ct_exec one sed 's/:.*//' /proc/meminfo)" "$(sed 's/:.*//' /proc/meminfo)" \
	"the host's lines in the host's order"
is "$(ct_exec one sed 's/[0-9][0-9]* kB$/N kB/; s/  *N/ N/; s/ [0-9]*$/ N/; s/  *N$/ N/' /proc/meminfo | sort -u | md5sum)" \
	"$(sed 's/[0-9][0-9]* kB$/N kB/; s/  *N/ N/; s/ [0-9]*$/ N/; s/  *N$/ N/' /proc/meminfo | sort -u | md5sum)" \
	'in the same format'

# Used memory. The shell that compares runs in the container and forks nothing in
# between, so that the cgroup's figure stands still but for the kernel's own
# per-CPU stock.
cat >"$TMP/used.sh" <<'EOT'
read -r before <"$1"
while read -r key value unit; do
	case $key in
	MemTotal:) total=$value ;;
	MemFree:) free=$value ;;
	esac
done </proc/meminfo
read -r after <"$1"
echo "$((before / 1024)) $((total - free)) $((after / 1024))"
EOT
usage=$(cg_path one memory)/memory.current
[ -e "$usage" ] || usage=$(cg_path one memory)/memory.usage_in_bytes

# compare NAME
compare() {
	set -- $(ct_exec one sh "$TMP/used.sh" "$usage") "$1"
	low=$1 high=$3
	[ "$1" -le "$3" ] || low=$3 high=$1
	between $((low - 512)) "$2" $((high + 512)) "$4"
	used=$2
}
compare "MemTotal - MemFree is the cgroup's usage"
used_before=$used

mkfifo "$TMP/alloc.in"
ct_exec one "$TOOL/alloc" $((100 * 1048576)) <"$TMP/alloc.in" >"$TMP/alloc.out" 2>&1 &
exec 8>"$TMP/alloc.in"
ok '100 MB are allocated' wait_until grep -q ready "$TMP/alloc.out"
compare 'the very next read agrees with the cgroup again'
# Each CPU can have 64 pages in stock that count as used before anybody uses them
# (MEMCG_CHARGE_BATCH of mm/memcontrol.c).
stock=$(($(getconf _NPROCESSORS_CONF) * 64 * 4))
between $((used_before + 102400 - stock)) "$used" $((used_before + 102400 + 4096)) 'used memory grew by 100 MB, and little more'
# The kernel lets memory.stat lag for two seconds.
anon_is() {
	[ "$(mem one AnonPages)" -ge 102400 ]
}
ok 'AnonPages has them' wait_until anon_is
between 102400 "$(mem one AnonPages)" 131072 'AnonPages has no more than them'
between 0 "$(mem one MemAvailable)" $((262144 - 102400)) 'MemAvailable has not'
exec 8>&-
free_again() {
	set -- $(ct_exec one sh "$TMP/used.sh" "$usage")
	[ "$2" -lt $((used_before + 4096)) ]
}
ok 'used memory falls when they are freed' wait_until free_again
compare 'and agrees with the cgroup'

# Relations that hold in every single reading.
relations='
	{ sub(":", "", $1); v[$1] = $2 }
	END {
		if (v["MemFree"] > v["MemTotal"]) print "MemFree > MemTotal"
		if (v["MemAvailable"] > v["MemTotal"]) print "MemAvailable > MemTotal"
		if (v["MemAvailable"] < v["MemFree"]) print "MemAvailable < MemFree"
		if (v["Active"] != v["Active(anon)"] + v["Active(file)"]) print "Active"
		if (v["Inactive"] != v["Inactive(anon)"] + v["Inactive(file)"]) print "Inactive"
		if (v["Slab"] < v["SReclaimable"]) print "Slab"
		if (v["SwapFree"] > v["SwapTotal"]) print "SwapFree > SwapTotal"
		if (v["CommitLimit"] != v["MemTotal"] + v["SwapTotal"]) print "CommitLimit"
		if (v["Buffers"] != 0) print "Buffers"
		print "read"
	}'
ct_exec one cat /proc/meminfo >"$TMP/meminfo"
is "$(awk "$relations" "$TMP/meminfo")" read 'sums and totals agree within one reading'

# Page cache of the container. A file on the host's disk or tmpfs is charged to
# who touches it first.
ct_exec one dd if=/dev/zero of="$TMP/file" bs=1M count=32 2>/dev/null
cached() {
	[ "$(mem one Cached)" -ge 32768 ]
}
ok 'Cached follows a file of 32 MB' wait_until cached
rm -f "$TMP/file"

# The limit changes while it runs.
cg_set one mem=320M
is "$(mem one MemTotal)" 327680 'a new limit is seen at once'
is "$(ct_exec one free -m | awk '/^Mem:/ { print $2 }')" 320 'free agrees'
cg_set one mem=256M
is "$(mem one MemTotal)" 262144 'and the old one again'
ct_stop one

ct_start free cpus=0
is "$(mem free MemTotal)" "$host_total" "without a limit MemTotal is the host's"
# A host has less memory available than one container leaves of the total.
ct_exec free cat /proc/meminfo >"$TMP/meminfo"
is "$(awk "$relations" "$TMP/meminfo")" read 'without a limit sums and totals agree'
ct_exec free free -k | awk '/^Mem:/ { print $2, $3, $4, $6, $7 }' >"$TMP/free"
read -r total in_use free cache available <"$TMP/free"
between 0 "$free" "$available" 'free without a limit: no more is free than available'
between 0 "$((in_use + free))" "$total" 'free without a limit: used and free fit into the total'
ct_stop free
ct_start huge mem=8388608G
is "$(mem huge MemTotal)" "$host_total" "a limit above the host's memory: the host's"
ct_stop huge
ct_start odd mem=100003840
is "$(mem odd MemTotal)" 97660 'a limit of 24415 pages'
ct_stop odd
ct_start above mem=256M outer_mem=128M
is "$(mem above MemTotal)" 131072 'a lower limit in an ancestor'
cg_set above mem=64M
is "$(mem above MemTotal)" 65536 'the lowest counts'
ct_stop above
ct_start only outer_mem=192M
is "$(mem only MemTotal)" 196608 'a limit in an ancestor alone'
ct_stop only

# Swap: min(host, limit), and swaps tells the same as meminfo.
for limit in 64M 0 none; do
	options=mem=128M
	[ $limit = none ] || options="mem=128M swap=$limit"
	if [ $limit != none ] && [ "$(cg_version memory)" = 2 ] && [ ! -e "$(cg_mount memory)/$CG_TEST/memory.swap.max" ] ||
		[ $limit != none ] && [ "$(cg_version memory)" = 1 ] && [ ! -e "$(cg_mount memory)/memory.memsw.limit_in_bytes" ]
	then
		diag 'this kernel does not account swap'
		continue
	fi
	# shellcheck disable=SC2086
	ct_start sw $options
	total=$(mem sw SwapTotal)
	case $limit,$(cg_version memory) in
	64M,1) want=196608 ;;
	64M,2) want=65536 ;;
	0,1) want=131072 ;;
	0,2) want=0 ;;
	none,*) want=$host_swap ;;
	esac
	[ "$want" -le "$host_swap" ] || want=$host_swap
	is "$total" "$want" "SwapTotal with a limit of $limit and $host_swap kB on the host"
	is "$(ct_exec sw awk 'NR == 1 { print $1, $2, $3, $4, $5 }' /proc/swaps)" 'Filename Type Size Used Priority' 'header of swaps'
	if [ "$total" = 0 ]; then
		is "$(ct_exec sw sed 1d /proc/swaps)" '' 'no line in swaps'
	else
		is "$(ct_exec sw awk 'NR > 1 { print $1, $2, $3 }' /proc/swaps)" "none virtual $total" 'the line in swaps'
		is "$(ct_exec sw awk 'NR > 1 { print $4 }' /proc/swaps)" \
			"$(($(mem sw SwapTotal) - $(mem sw SwapFree)))" 'used swap in swaps and meminfo'
	fi
	ct_stop sw
done
daemon_stop

daemon_start --disable-swap
ct_start nosw mem=128M
is "$(mem nosw SwapTotal) $(mem nosw SwapFree)" '0 0' '--disable-swap: no swap in meminfo'
is "$(ct_exec nosw sed 1d /proc/swaps)" '' '--disable-swap: none in swaps'
is "$(mem nosw MemTotal)" 131072 '--disable-swap: memory as ever'
ct_stop nosw
daemon_stop
done_testing
