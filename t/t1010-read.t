#!/bin/sh
# Every way to read a file that programs use, compared with one another.
# run: together
. "$(dirname "$0")/lib.sh"
need_fuse
need_command perl
need_tool fsop
daemon_start

# The figures change all the time; what has to agree is everything else.
shape() {
	sed 's/[0-9.][0-9.]*/N/g; s/  *N/ N/g' "$@"
}

files='cpuinfo diskstats loadavg meminfo slabinfo stat swaps uptime'
for f in $files; do
	p=$MNT/proc/$f
	shape "$p" >"$TMP/whole"
	is "$(dd if="$p" bs=1 2>/dev/null | shape)" "$(cat "$TMP/whole")" "$f: dd bs=1"
	is "$(dd if="$p" bs=7 2>/dev/null | shape)" "$(cat "$TMP/whole")" "$f: dd bs=7"
	is "$(dd if="$p" bs=4096 2>/dev/null | shape)" "$(cat "$TMP/whole")" "$f: dd bs=4096"
	is "$(dd if="$p" bs=1M 2>/dev/null | shape)" "$(cat "$TMP/whole")" "$f: dd bs=1M"
	cp "$p" "$TMP/copy"
	is "$(shape "$TMP/copy")" "$(cat "$TMP/whole")" "$f: cp"
	is "$(tail -c 1 "$p" | od -An -tx1 | tr -d ' ')" 0a "$f ends in a newline"
	is "$(tr -cd '\000' <"$p" | wc -c)" 0 "$f has no NUL byte"

	# One byte at offset 0 makes the snapshot; what follows comes from it, however
	# often it is read.
	"$TOOL/fsop" fd "$p" r1 p1,1000000 p1,1000000 >"$TMP/thrice"
	n=$((($(wc -c <"$TMP/thrice") - 1) / 2))
	is "$(tail -c +2 "$TMP/thrice" | head -c $n | md5sum)" "$(tail -c $n "$TMP/thrice" | md5sum)" \
		"$f: pread at 1 twice from one snapshot"
	is "$(head -c $((n + 1)) "$TMP/thrice" | shape)" "$(cat "$TMP/whole")" "$f: and it is the rest of the file"

	# Three pieces in the wrong order make the whole.
	"$TOOL/fsop" fd "$p" r2 p6,1000000 p2,4 >"$TMP/pieces"
	m=$(($(wc -c <"$TMP/pieces") - 6))
	is "$( (head -c 2 "$TMP/pieces"; tail -c 4 "$TMP/pieces"
		tail -c +3 "$TMP/pieces" | head -c $m) | shape)" "$(cat "$TMP/whole")" "$f: pread in any order"

	is "$("$TOOL/fsop" fd "$p" R1 P1000000,10 P99999999999,10 R0)" '1
0
0
0' "$f: past the end and of no bytes"
	is "$("$TOOL/fsop" fd "$p" P1000000,10)" 0 "$f: past the end as the first read"
	is "$("$TOOL/fsop" fd "$p" R1000000 R10 | tail -n 1)" 0 "$f: end of file after the last byte"
done

# The first read not at the beginning.
is "$("$TOOL/fsop" fd "$MNT/proc/meminfo" p3,5)" Total 'a first pread at offset 3'
is "$("$TOOL/fsop" fd "$MNT/proc/meminfo" s3 r5)" Total 'a first read after lseek'
is "$(tail -c +4 "$MNT/proc/meminfo" | head -c 5)" Total 'tail -c +4'
is "$("$TOOL/fsop" fd "$MNT/proc/meminfo" r3 C0 C2 S0 r3)" 'Mem3
5
0
Mem' 'lseek to and fro'
is "$("$TOOL/fsop" fd "$MNT/proc/meminfo" E0)" "$(stat -c %s "$MNT/proc/meminfo")" 'lseek to the end is to its size'
is "$("$TOOL/fsop" fd "$MNT/proc/meminfo" S-1)" EINVAL 'lseek before the beginning'

# Two readers of one descriptor share its position.
is "$( { dd bs=3 count=1; dd bs=5 count=1; } 2>/dev/null <"$MNT/proc/meminfo")" MemTotal 'two processes, one descriptor'

# Reading again at 0 is fresh.
set -- $(perl -e 'open F, "<", $ARGV[0] or die; sysread F, $a, 100; select undef, undef, undef, 0.3;
	sysseek F, 0, 0; sysread F, $b, 100; $a =~ s/ .*//s; $b =~ s/ .*//s; print "$a $b"' "$MNT/proc/uptime")
between 0.25 "$(awk -v a="$1" -v b="$2" 'BEGIN { print b - a }')" "$EVLXCFS_TEST_DEADLINE" \
	'lseek to 0 and read gives fresh contents'

# sendfile(2) reads by way of the page cache on some kernels, and what one container reads
# must not lie there for another: it works, or it fails so that programs read instead.
for f in meminfo stat cpuinfo; do
	is "$(busybox cat "$MNT/proc/$f" | sed 's/  *[0-9][0-9]*/ N/g')" "$(sed 's/  *[0-9][0-9]*/ N/g' "$MNT/proc/$f")" "busybox cat of $f"
done
is "$(busybox cat "$MNT/sys/devices/system/cpu/online")" "$(cat /sys/devices/system/cpu/online)" 'busybox cat of online'
is "$(wc -c <"$MNT/proc/swaps")" "$(cat "$MNT/proc/swaps" | wc -c)" 'wc -c counts what is there'
is "$(tail -n 1 "$MNT/proc/meminfo" | cut -d: -f1)" "$(cat "$MNT/proc/meminfo" | tail -n 1 | cut -d: -f1)" 'tail'

# The file over the one of procfs, as a container has it.
is "$(unshare -m --propagation private sh -c "mount --bind $MNT/proc/meminfo /proc/meminfo &&
	head -c 8 /proc/meminfo && stat -c %i /proc/meminfo")" "MemTotal$(stat -c %i "$MNT/proc/meminfo")" 'bind mount over /proc/meminfo'

# A mapping is refused, or gives nothing: the size is 0, so it must not show
# what somebody else read.
cat "$MNT/proc/meminfo" >/dev/null
for how in private shared; do
	("$TOOL/fsop" mmap $how "$MNT/proc/meminfo" >"$TMP/map") 2>/dev/null
	like "$(cat "$TMP/map")" '^(ENODEV|EACCES|EINVAL|)$' "mmap $how shows nothing"
done
is "$(head -c 8 "$MNT/proc/meminfo")" MemTotal 'and reading goes on'

daemon_stop
done_testing
