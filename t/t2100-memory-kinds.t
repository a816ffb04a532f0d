#!/bin/sh
# Memory of every kind: what a program in the container takes is seen in the lines of
# meminfo where it belongs, and in no other.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-block.sh"
need_fuse
need_cgroups
need_tool pages tasks
diag "$(cg_describe)"
# No larger than what is read of it, lest the kernel read ahead.
block_start 24
daemon_start
ct_start m mem=256M cpus=0

MB=24
X=$((MB * 1024))
# What the readers' own pages, the kernel's stock of each CPU and page tables may add
# or take.
SLACK=3072

# snapshot FILE: "KEY VALUE" lines, with sums of the anonymous and the file lists.
snapshot() {
	ct_exec m cat /proc/meminfo | awk '
		{ sub(":", "", $1); v[$1] = $2 }
		END {
			v["anon-lists"] = v["Active(anon)"] + v["Inactive(anon)"]
			v["file-lists"] = v["Active(file)"] + v["Inactive(file)"]
			for (k in v) print k, v[k]
		}' >"$1"
}

# delta KEY: what it gained since the base
delta() {
	awk -v k="$1" 'NR == FNR { base[$1] = $2; next } $1 == k { print $2 - base[$1] }' "$TMP/base" "$TMP/now"
}

# The kernel lets memory.stat lag for two seconds.
gained() {
	snapshot "$TMP/now"
	[ "$(delta "$1")" -ge "$2" ]
}

lost() {
	snapshot "$TMP/now"
	[ "$(delta "$1")" -le "$2" ]
}

# hold KIND [FILE]: sets HUGE
hold() {
	mkfifo "$TMP/in"
	rm -f "$TMP/out" # lest the last one's is taken for this one's
	ct_exec m "$TOOL/pages" "$1" $((MB * 1048576)) ${2:+"$2"} <"$TMP/in" >"$TMP/out" 2>&1 &
	holder=$!
	exec 8>"$TMP/in"
	wait_until grep -q ready "$TMP/out" || diag "$(cat "$TMP/out")"
	HUGE=$(sed -n 's/^ready //p' "$TMP/out")
}

release() {
	exec 8>&-
	wait_until gone "$holder"
	wait "$holder"
	rm "$TMP/in"
}

# expect KIND "LINE..." "LINE...": the first gained all of it, the second nothing.
expect() {
	for line in $2; do
		ok "$1: $line has it" wait_until gained "$line" $((X - 512))
	done
	for line in $2; do
		between $((X - 512)) "$(delta "$line")" $((X + SLACK)) "$1: $line has no more"
	done
	for line in $3; do
		between -$SLACK "$(delta "$line")" $SLACK "$1: $line has nothing of it"
	done
	between $((-X - SLACK)) "$(delta MemFree)" $((-X + SLACK)) "$1: MemFree has lost it"
	between $((X - SLACK)) "$(delta Committed_AS)" $((X + SLACK)) "$1: Committed_AS follows"
}

# available KIND KB: MemAvailable changed by that. The host's figure, which is its
# bound, is far above.
available() {
	is_near "$(delta MemAvailable)" "$2" $SLACK "$1: MemAvailable"
}

# The tools' own files are in memory before the first base.
hold anon
release
snapshot "$TMP/base"

hold anon
expect anon 'AnonPages anon-lists' 'Cached file-lists Mapped Shmem Unevictable Dirty AnonHugePages'
available anon -$X
is "$(awk '$1 == "Active" { a = $2 } $1 ~ /^Active\(/ { s += $2 } END { print a - s }' "$TMP/now")" 0 'Active is the sum of its kinds'
is "$(awk '$1 == "Inactive" { a = $2 } $1 ~ /^Inactive\(/ { s += $2 } END { print a - s }' "$TMP/now")" 0 'Inactive is the sum of its kinds'
release
ok 'AnonPages falls when it is freed' wait_until lost AnonPages $SLACK
ok 'MemFree has it back' wait_until gained MemFree -$SLACK

hold shmem
expect shmem 'Shmem Cached anon-lists' 'AnonPages Mapped file-lists Unevictable'
available shmem -$X
release
ok 'Shmem falls when it is freed' wait_until lost Shmem $SLACK

hold shared
expect 'shared mapping' 'Shmem Cached Mapped anon-lists' 'AnonPages file-lists'
release
ok 'Mapped falls when it is unmapped' wait_until lost Mapped $SLACK

hold cache "$BLOCK"
expect 'page cache' 'Cached file-lists' 'AnonPages Shmem Mapped anon-lists Dirty'
available 'page cache' 0
release

# The last close of the device dropped it.
ok 'Cached falls when the cache is dropped' wait_until lost Cached $SLACK
hold mapped "$BLOCK"
expect 'mapped file' 'Cached Mapped file-lists' 'AnonPages Shmem anon-lists'
available 'mapped file' 0
release
wait_until lost Cached $SLACK

hold locked
expect locked 'Unevictable AnonPages' 'anon-lists file-lists Cached'
# The kernel's own count, which is the bound, waits on each CPU for more of it.
between $((X - SLACK)) "$(delta Mlocked)" $((X + SLACK)) 'locked: Mlocked has it'
available locked -$X
release
ok 'Unevictable falls when it is freed' wait_until lost Unevictable $SLACK

# As much as the kernel had, which may be nothing.
hold huge
diag "$HUGE kB in huge pages"
ok 'huge: AnonPages has it' wait_until gained AnonPages $((X - 512))
ok 'huge: AnonHugePages has what is in huge pages' wait_until gained AnonHugePages "$HUGE"
is "$(delta AnonHugePages)" "$HUGE" 'huge: and no more'
release
wait_until lost AnonPages $SLACK

# Somebody may sync: written again until it is seen.
MB=8
X=$((MB * 1024))
dirty() {
	hold dirty "$BLOCK"
	gained Dirty $((X - 512)) && return
	sleep 1
	gained Dirty $((X - 512)) && return
	release
	return 1
}
wait_until dirty
is $? 0 'Dirty has what was written'
between $((X - 512)) "$(delta Dirty)" $((X + SLACK)) 'and no more'
release
ok 'Dirty falls when it is dropped' wait_until lost Dirty 1024

# The kernel's own memory for the container; v1 tells only the sum of it.
v2=
[ "$(cg_version memory)" != 2 ] || v2=1
kernel_line() {
	if [ -n "$v2" ]; then
		ok "$1 has $2 kB more" wait_until gained "$1" "$2"
		between "$2" "$(delta "$1")" "$3" 'and little more'
	else
		snapshot "$TMP/now"
		is "$(awk -v k="$1" '$1 == k { print $2 }' "$TMP/now")" 0 "$1 is not told by v1"
	fi
}
snapshot "$TMP/base"
MB=4
hold sparse
kernel_line PageTables 4096 6144
release
ok 'PageTables fall' wait_until lost PageTables 1024

ct_exec m "$TOOL/tasks" threads=200 >"$TMP/out" 2>&1 &
holder=$!
wait_until grep -q 'threads 200' "$TMP/out"
# 16 kB each, 8 on some machines
kernel_line KernelStack 1600 4096
kill -KILL "$holder"
wait "$holder" 2>/dev/null

# An inode and a dentry for each of 4000 files.
mkdir "$TMP/many"
chmod 777 "$TMP/many"
ct_exec m sh -c 'cd "$1" && seq 4000 | xargs touch' sh "$TMP/many"
ok 'Slab has inodes and dentries' wait_until gained Slab 2048
ok 'SUnreclaim or SReclaimable is part of it' wait_until gained "$([ -n "$v2" ] && echo SReclaimable || echo SUnreclaim)" 700
is "$(awk '$1 == "Slab" { a = $2 } $1 == "SReclaimable" || $1 == "SUnreclaim" { s += $2 } END { print (a - s) ^ 2 <= 4 ? "sum" : a " and " s }' "$TMP/now")" \
	sum 'Slab is the sum of both'
if [ -z "$v2" ]; then
	low=$(cg_file m memory memory.kmem.usage_in_bytes)
	snapshot "$TMP/now"
	high=$(cg_file m memory memory.kmem.usage_in_bytes)
	between $((low / 1024 - 512)) "$(awk '$1 == "Slab" { print $2 }' "$TMP/now")" $((high / 1024 + 512)) \
		"v1: Slab is the cgroup's kernel memory"
fi
rm -r "$TMP/many"

ct_stop m
daemon_stop
done_testing
