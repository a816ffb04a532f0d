#!/bin/sh
# What is in the tree, and what stat, ls, find and statfs say about it.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_tool fsop
daemon_start

files='cpuinfo diskstats loadavg meminfo slabinfo stat swaps uptime'
psi=$(cd /proc && find pressure -type f 2>/dev/null | sort)

is "$(ls "$MNT" | tr '\n' ' ')" 'proc sys ' 'the root has proc and sys'
want=$( (printf '%s\n' $files; [ -z "$psi" ] || echo pressure) | sort | tr '\n' ' ')
is "$(ls "$MNT/proc" | sort | tr '\n' ' ')" "$want" 'names in proc'
is "$(cd "$MNT/proc" && find pressure -type f | sort)" "$psi" 'names in proc/pressure are the host kernel'\''s'
is "$(ls "$MNT/sys" "$MNT/sys/devices" "$MNT/sys/devices/system" | grep -v : | tr -s '\n' ' ')" \
	'devices system cpu ' 'the way to sys/devices/system/cpu'

for f in $files $psi; do
	mode=444
	[ "$f" != slabinfo ] || mode=$(stat -c %a /proc/slabinfo 2>/dev/null || echo 400)
	is "$(stat -c '%a %u %g %h' "$MNT/proc/$f")" "$mode 0 0 1" "stat of $f"
	# procfs has no sizes. From Linux 6.5 on sendfile, and so busybox's cat, would take
	# that for an empty file: there ours are whole pages that the host's text fits in.
	size=$(stat -c %s "$MNT/proc/$f")
	if kernel_at_least 6 5; then
		is "$((size % 4096))" 0 "size of $f is in whole pages"
		ok "and the contents fit" test "$size" -gt "$(cat "$MNT/proc/$f" | wc -c)"
	else
		is "$size" 0 "size of $f"
	fi
	first=$(dd if="$MNT/proc/$f" bs=65536 count=1 2>/dev/null | wc -c)
	between 1 "$first" 65536 "$f has contents"
done
for d in . proc sys sys/devices sys/devices/system sys/devices/system/cpu; do
	is "$(stat -c '%F %a %u %g' "$MNT/$d")" 'directory 555 0 0' "stat of directory $d"
done

like "$(ls -l "$MNT/proc/meminfo")" '^-r--r--r--\.? +1 root +root +(0|4096) ' 'ls -l of meminfo'
isnt "$(stat -c %i "$MNT/proc/meminfo")" "$(stat -c %i "$MNT/proc/stat")" 'inode numbers differ'
is "$(stat -c %i "$MNT/proc/meminfo")" \
	"$(ls -i "$MNT/proc" | awk '$2 == "meminfo" { print $1 }')" 'readdir and stat agree on the inode number'
is "$(find "$MNT" ! -type d ! -type f ! -type l | wc -l)" 0 'nothing but directories, files and links'
is "$(find "$MNT" 2>&1 >/dev/null)" '' 'find walks the tree without an error'
is "$(find "$MNT/proc" | sort -u | wc -l)" "$(find "$MNT/proc" | wc -l)" 'find meets no name twice'
is "$(cd "$MNT/proc" && du -s . | cut -f1)" 0 'du'

# A directory read in pieces is the same as in one.
for d in proc sys/devices/system/cpu; do
	for size in 64 100 256 4096; do
		"$TOOL/fsop" getdents "$size" "$MNT/$d" 2>"$TMP/calls" | sort >"$TMP/small"
		ls -a -1 "$MNT/$d" | sort >"$TMP/all"
		is "$(cat "$TMP/small")" "$(cat "$TMP/all")" "$d listed in buffers of $size bytes"
		[ "$size" != 64 ] || between 2 "$(cat "$TMP/calls")" 1000 "which takes several calls"
	done
done

is "$("$TOOL/fsop" statfs "$MNT/proc/meminfo" | cut -d' ' -f1)" 65735546 'statfs of a file says FUSE'
ok 'df' df "$MNT"

# The cpu tree as the host has it, since this test reads from the host.
cpu=/sys/devices/system/cpu
is "$(cd "$MNT$cpu" && ls -d cpu[0-9]* | sort)" "$(cd $cpu && ls -d cpu[0-9]* | sort)" 'cpuN directories'
for f in online possible present kernel_max; do
	is "$(cat "$MNT$cpu/$f")" "$(cat "$cpu/$f")" "$f is the host's for the host"
done
links=$(cd $cpu && find . -maxdepth 2 -type l | sort)
for l in $links; do
	is "$(readlink "$MNT$cpu/$l")" "$(readlink "$cpu/$l")" "readlink of $l"
done
is "$(cat "$MNT$cpu/cpu0/topology/core_id")" "$(cat "$cpu/cpu0/topology/core_id")" 'topology passes through'

daemon_stop
done_testing
