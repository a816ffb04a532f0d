#!/bin/sh
# diskstats: what a container did to a disk, and nothing of what others did.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-block.sh"
need_fuse
need_cgroups
need_tool forward
[ -n "$(cg_version io)" ] || skip_all 'needs the io or blkio controller'
diag "$(cg_describe)"
block_start 16
daemon_start

# disk NAME: the fields behind the disk's name in the container's file
disk() {
	ct_exec "$1" sed -n "s/^ *[0-9]* *[0-9]* $BLOCK_NAME //p" /proc/diskstats
}

# do_write NAME BLOCKS, do_read NAME BLOCKS: of 64 kB, past the page cache
do_write() {
	ct_exec "$1" dd if=/dev/zero of="$BLOCK" bs=64k count="$2" oflag=direct 2>/dev/null
}

do_read() {
	ct_exec "$1" dd if="$BLOCK" of=/dev/null bs=64k count="$2" iflag=direct 2>/dev/null
}

# The cgroup's own figures of the disk: "READS WRITES READ-BYTES WRITTEN-BYTES"
cg_disk() {
	if [ "$(cg_version io)" = 2 ]; then
		cg_file "$1" io io.stat | tr ' =' '\n\n' | awk -v dev="$BLOCK_DEV" '
			/:/ { here = $1 == dev; next }
			here && key != "" { v[key] = $1; key = ""; next }
			here { key = $1 }
			END { print v["rios"] + 0, v["wios"] + 0, v["rbytes"] + 0, v["wbytes"] + 0 }'
	else
		{
			cg_file "$1" io blkio.throttle.io_serviced_recursive
			echo next
			cg_file "$1" io blkio.throttle.io_service_bytes_recursive
		} | awk -v dev="$BLOCK_DEV" '
			$1 == "next" { bytes = 1 }
			$1 == dev { v[bytes + 0, $2] = $3 }
			END { print v[0, "Read"] + 0, v[0, "Write"] + 0, v[1, "Read"] + 0, v[1, "Write"] + 0 }'
	fi
}

# compare NAME TEXT: with the cgroup, with the container's line before, and the times
# with the host's
compare() {
	cg_disk "$1" >"$TMP/cg"
	disk "$1" >"$TMP/disk"
	is "$(awk '{ print $1, $5, $3 * 512, $7 * 512 }' "$TMP/disk")" "$(cat "$TMP/cg")" "$2: I/Os and bytes are the cgroup's"
	is "$(awk '{ print $2, $6, $9 }' "$TMP/disk")" '0 0 0' "$2: nothing is merged or in flight"
	is "$(sed 's/^ *[0-9]* *[0-9]* [^ ]* //' /proc/diskstats | cat - "$TMP/disk" | awk '{ n[NF] } END { print length(n) }')" 1 \
		"$2: as many fields as the host's"
	is "$(awk -v name="$BLOCK_NAME" '
		NR == FNR { if ($3 == name) for (i = 4; i <= NF; i++) host[i - 3] = $i; next }
		{ for (i = 1; i <= NF; i++) if (i != 9 && $i > host[i]) print "field", i, $i, "of", host[i] }' \
		/proc/diskstats "$TMP/disk")" '' "$2: nothing is more than the host's"
}

ct_start a mem=256M
ct_start b mem=256M
v1=
if [ "$(cg_version io)" = 1 ]; then
	v1=1
	do_write a 1
	if [ "$(cg_disk a)" = '0 0 0 0' ]; then
		is "$(disk a | cut -d' ' -f1-8)" \
			"$(sed -n "s/^ *[0-9]* *[0-9]* $BLOCK_NAME //p" /proc/diskstats | cut -d' ' -f1-8)" \
			"v1, when nothing is counted: the host's line"
	fi
	block_count a
	block_count b
fi

cg_disk a >"$TMP/cg"
read -r r0 w0 rb0 wb0 <"$TMP/cg"
do_write a 40
compare a 'after writing'
read -r r w rb wb <"$TMP/cg"
is "$((rb - rb0)) $((wb - wb0))" "0 $((40 * 65536))" 'as many bytes as were written'
between 1 $((w - w0)) 640 'in some I/Os'
do_read a 25
compare a 'after reading'
read -r r w rb wb <"$TMP/cg"
is "$((rb - rb0)) $((wb - wb0))" "$((25 * 65536)) $((40 * 65536))" 'as many bytes as were read'

# Others: a container that did nothing, then something; and the host.
if [ -z "$v1" ]; then
	is "$(disk b)" '' 'a container that did not use the disk does not see it'
	is "$(ct_exec b cat /proc/diskstats)" '' 'nor any other'
fi
do_write b 7
compare b 'another container'
is "$(awk '{ print $7 }' "$TMP/disk")" $((7 * 128)) 'another container: what it wrote'
dd if=/dev/zero of="$BLOCK" bs=64k count=30 oflag=direct 2>/dev/null
compare a "after the others'"
is "$(awk '{ print $3, $7 }' "$TMP/disk")" "$((25 * 128 + rb0 / 512)) $((40 * 128 + wb0 / 512))" "after the others': only its own sectors"

# Names and order are the host's.
ct_exec a cat /proc/diskstats | awk '{ print $1, $2, $3 }' >"$TMP/names"
is "$(awk 'NR == FNR { want[$0]; next } ($1 " " $2 " " $3) in want { print $1, $2, $3 }' "$TMP/names" /proc/diskstats)" \
	"$(cat "$TMP/names")" "names and order are the host's"

# The share of the host's times shrinks while others are busy; what was shown does not.
mkfifo "$TMP/in"
ct_exec a "$TOOL/forward" diskstats /proc/diskstats <"$TMP/in" >"$TMP/out" 2>&1 &
reader=$!
exec 8>"$TMP/in"
for i in 1 2 3; do
	do_read a 20
	dd if=/dev/zero of="$BLOCK" bs=4k count=300 oflag=direct 2>/dev/null
	do_write b 20
done
exec 8>&-
wait $reader
is $? 0 'no counter goes back meanwhile' || diag "$(cat "$TMP/out")"
diag "$(head -n 1 "$TMP/out")"
compare a 'in the end'
ct_stop b
ct_stop a
daemon_stop
done_testing
