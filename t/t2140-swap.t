#!/bin/sh
# Swap that is used: meminfo, swaps and free tell the same, and what the cgroup says.
# run: alone
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
. "$T_DIR/lib-swap.sh"
need_fuse
need_cgroups
need_tool pages
need_command free
diag "$(cg_describe)"
ver=$(cg_version memory)
swap_start
cg_mkdir "$CG_TEST"
case $ver in
1) limits=$(cg_mount memory)/memory.memsw.limit_in_bytes ;;
2) limits=$(cg_mount memory)/$CG_TEST/memory.swap.max ;;
esac
[ -e "$limits" ] || skip_all 'needs swap accounting'
host_swap=$(swap_kb)
diag "the host has $host_swap kB of swap"

min() {
	[ "$1" -le "$2" ] && echo "$1" || echo "$2"
}

# pressed NAME KB: more than that is in swap
pressed() {
	[ "$(cg_swap_used "$1")" -gt $(($2 * 1024)) ]
}

# fill NAME MB LEAST-KB-IN-SWAP
fill() {
	mkfifo "$TMP/in"
	rm -f "$TMP/out"
	ct_exec "$1" "$TOOL/pages" anon $(($2 * 1048576)) <"$TMP/in" >"$TMP/out" 2>&1 &
	holder=$!
	exec 8>"$TMP/in"
	wait_until grep -q ready "$TMP/out" || diag "$(cat "$TMP/out")"
	ok "$how: some of it is in swap" wait_until pressed "$1" "$3"
	# Room for who reads, so that no more has to go. (v1: still below memsw's 56 MB.)
	cg_set "$1" mem=40M
}

release() {
	exec 8>&-
	wait_until gone $holder
	wait $holder
	rm "$TMP/in"
}

# take NAME: one reading of everything by one command, between two of the cgroup.
SLACK=1024
take() {
	low=$(($(cg_swap_used "$1") / 1024))
	ct_exec "$1" cat /proc/meminfo /proc/swaps >"$TMP/reading"
	high=$(($(cg_swap_used "$1") / 1024))
	[ $low -le $high ] || { set -- $low; low=$high high=$1; }
	total=$(awk '$1 == "SwapTotal:" { print $2 }' "$TMP/reading")
	free=$(awk '$1 == "SwapFree:" { print $2 }' "$TMP/reading")
	memory=$(awk '$1 == "MemTotal:" { print $2 }' "$TMP/reading")
}

# check NAME SWAP-TOTAL
check() {
	take "$1"
	is "$total" "$2" "$how: SwapTotal"
	between $((low - SLACK)) $((total - free)) $((high + SLACK)) "$how: SwapTotal - SwapFree is what the cgroup has there"
	is "$(awk '$1 == "CommitLimit:" { print $2 }' "$TMP/reading")" $((memory + total)) "$how: CommitLimit"
	is "$(awk '$1 == "none" { print $2, $3, $5 }' "$TMP/reading")" "virtual $total 0" "$how: the line of swaps"
	is_near "$(awk '$1 == "none" { print $4 }' "$TMP/reading")" $((total - free)) $SLACK "$how: swaps has the same in use"
	ct_exec "$1" free -k | awk '$1 == "Swap:" { print $2, $3, $4 }' >"$TMP/free"
	read -r f_total f_used f_free <"$TMP/free"
	is "$f_total $((f_used + f_free))" "$total $total" "$how: free has the same total"
	is_near "$f_used" $((total - free)) $SLACK "$how: free has the same in use"
}

# zero NAME: no swap at all
zero() {
	take "$1"
	is "$total $free" '0 0' "$how: meminfo"
	is "$(sed -n '/^Filename/,$p' "$TMP/reading" | wc -l)" 1 "$how: swaps is its heading alone"
	is "$(ct_exec "$1" free -k | awk '$1 == "Swap:" { print $2, $3, $4 }')" '0 0 0' "$how: free"
}

daemon_start
how='no limit on swap'
ct_start a mem=24M
want=$host_swap
fill a 40 12288
check a "$want"
# Of 40 MB at most the limit is in memory, the rest is in swap; together they are all.
between $((40960 - SLACK)) "$(awk '$1 == "AnonPages:" || $1 == "SwapTotal:" { s += $2 } $1 == "SwapFree:" || $1 == "SwapCached:" { s -= $2 } END { print s }' "$TMP/reading")" \
	$((40960 + 4096)) "$how: memory and swap together have what was allocated"
between 0 "$(awk '$1 == "AnonPages:" { print $2 }' "$TMP/reading")" $((40960 - 12288)) "$how: AnonPages has what is not in swap"
release
drained() {
	! pressed a 4096
}
ok "$how: it falls when memory is freed" wait_until drained
check a "$want"
ct_stop a

how='a limit of 32 MB'
ct_start a mem=24M swap=32M
# v1 limits memory and swap together, and can swap all of it.
[ "$ver" = 2 ] && want=$(min 32768 "$host_swap") || want=$(min 57344 "$host_swap")
fill a 40 12288
check a "$want"
release
ct_stop a

# The limit goes below what is used: full, and no more than full.
how='a limit below what is used'
ct_start a mem=24M
fill a 40 12288
if [ "$ver" = 2 ]; then
	cg_set a mem=40M swap=8M
	take a
	is "$total $free" "8192 0" "$how: full"
	is "$(awk '$1 == "none" { print $3, $4 }' "$TMP/reading")" '8192 8192' "$how: swaps too"
else
	# v1 refuses that; without swappiness it swaps no more, and what is there stays.
	echo 0 >"$(cg_path a memory)/memory.swappiness"
	how='no swappiness'
	take a
	is "$free" 0 "$how: full"
	between $((low - SLACK)) "$total" $((high + SLACK)) "$how: with what is used"
fi
release
ct_stop a
if [ "$ver" = 2 ]; then
	how='a limit of 0'
	ct_start a mem=24M swap=0
	zero a
	ct_stop a
fi
daemon_stop

how=--disable-swap
daemon_start --disable-swap
ct_start a mem=24M
fill a 40 12288
zero a
is "$memory" 40960 "$how: memory as ever"
release
ct_stop a
daemon_stop
done_testing
